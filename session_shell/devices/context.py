"""What a session lends to the devices that it builds."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from session_shell.clock import Clock, RealClock
from session_shell.errors import DeviceError
from session_shell.interrupts import InterruptGuard

if TYPE_CHECKING:
    import numpy as np


def _nothing_else(name: str) -> Any:
    raise DeviceError("there is no such object", device=name)


def _no_file(name: str, _key: str, _change: Callable[[Any], None]) -> Any:
    raise DeviceError("it has no configuration file to write to", device=name)


@dataclass(frozen=True, slots=True)
class DeviceContext:
    """Time, chance, Ctrl-C and other objects, as seen by a device.

    A factory that has a parameter `context` gets it.
    """

    clock: Clock = field(default_factory=RealClock)
    seed: int = 0
    guard: InterruptGuard = field(default_factory=InterruptGuard)
    find: Callable[[str], Any] = _nothing_else
    """Return another object of the session by name, building it if need be."""
    edit: Callable[[str, str, Callable[[Any], None]], Any] = _no_file
    """``edit(name, key, change)`` lets `change` alter a list of an object in its YAML file."""

    turn: Callable[[], int] = lambda: 0
    """Return the number of the command that runs, or ran last."""

    def random_between_scans(self, name: str) -> np.random.Generator:
        """Return the generator of `name` for readings outside of scans, new with each command.

        So what a completion at the prompt has read does not change what a later command reads.
        """
        turn = self.turn()
        return self.random(f"{name} outside scans {turn}" if turn else f"{name} outside scans")

    def random(self, name: str) -> np.random.Generator:
        """Return the generator of the device `name`: same seed and name, same numbers.

        Each device has a stream of its own, so that counting one does not change another.
        """
        import numpy as np  # numpy.random costs 40 ms of start-up: only who needs it pays

        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])
