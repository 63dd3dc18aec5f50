"""A simulated shutter: opens, closes, and tells which it is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, Self

from session_shell.devices.axes.state import NamedState
from session_shell.devices.checks import not_negative
from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.waiting import Until
from session_shell.devices.text import quantity, summary
from session_shell.errors import ConfigError, DeviceError


class ShutterState(NamedState, StrEnum):
    """What a shutter is doing.

    >>> ShutterState.OPEN.CLOSED, ShutterState.OPEN == "OPEN", "MOVING" in ShutterState.OPEN
    (False, True, False)
    """

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    MOVING = "MOVING"

    def __contains__(self, other: object) -> bool:
        return isinstance(other, str) and str(self) == str(other)


class ShutterPreset:
    """Hooks of a scan: open before the first point, close after the last.

    Two presets of one shutter are the same, so that either removes the other.
    """

    def __init__(self, shutter: Shutter) -> None:
        self._shutter = shutter

    def start(self, _scan: Any) -> None:
        """Open the shutter."""
        self._shutter.open()

    def stop(self, _scan: Any) -> None:
        """Close the shutter, also after an abort or a failure."""
        self._shutter.close()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShutterPreset) and other._shutter is self._shutter

    def __hash__(self) -> int:
        return id(self._shutter)


class Shutter:
    """A shutter that takes some time to open and to close.

    >>> shutter.open()  # doctest: +SKIP
    >>> with shutter:  # doctest: +SKIP
    ...     ct(1)
    """

    def __init__(
        self,
        name: str,
        *,
        context: DeviceContext,
        is_open: bool = False,
        opening_time: float = 0.05,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.config: Mapping[str, Any] = config or {}
        self._clock = context.clock
        self._opening_time = not_negative(opening_time, "opening_time", name)
        self._wanted = is_open
        self._configured = is_open
        self._motion = Until(self._clock, self._clock.time(), name)

    @property
    def state(self) -> ShutterState:
        """OPEN, CLOSED, or MOVING between them."""
        if not self._motion.done():
            return ShutterState.MOVING
        return ShutterState.OPEN if self._wanted else ShutterState.CLOSED

    @property
    def is_open(self) -> bool:
        """True when it is fully open."""
        return self.state is ShutterState.OPEN

    @property
    def is_closed(self) -> bool:
        """True when it is fully closed."""
        return self.state is ShutterState.CLOSED

    closed = is_closed

    def open(self, wait: bool = True) -> None:
        """Open it; without `wait` return while it opens. Harmless when it is open."""
        self._move(True, wait)

    def close(self, wait: bool = True) -> None:
        """Close it; without `wait` return while it closes. Harmless when it is closed."""
        self._move(False, wait)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it is open or closed; `DeviceTimeoutError` after `timeout` seconds."""
        self._motion.result(None if timeout is None else not_negative(timeout, "timeout"))

    @property
    def preset(self) -> ShutterPreset:
        """What opens it for every scan: ``add_preset(shutter)`` takes it from here."""
        return ShutterPreset(self)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def scan_metadata(self) -> dict[str, Any]:
        """Return its state for ``instrument/<name>`` of every scan."""
        return {"status": self.state.value.lower()}

    def saved_state(self) -> dict[str, float | str | bool | None]:
        """Return whether it is open."""
        return {"open": self._wanted}

    def configured_state(self) -> dict[str, float | str | bool | None]:
        """Return whether the configuration has it open."""
        return {"open": self._configured}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Be as it was left."""
        wanted = state.get("open", self._wanted)
        if not isinstance(wanted, bool):
            raise DeviceError(f"its saved state cannot be {wanted!r:.40}", device=self.name)
        self._wanted = wanted

    def __info__(self) -> str:
        """Write its state, as `info(shutter)` shows it."""
        rows = [("state", str(self.state)), ("opens in", quantity(self._opening_time, "s"))]
        return summary(f"{self.name}: simulated shutter", rows)

    def __repr__(self) -> str:
        return f"<shutter {self.name}: {self.state}>"

    def _move(self, wanted: bool, wait: bool) -> None:
        if wanted != self._wanted:
            # One that is turned round on its way takes the time that it has been under way.
            now = self._clock.time()
            under_way = max(self._motion.finish - now, 0.0)
            way = self._opening_time - under_way
            self._wanted = wanted
            self._motion = Until(self._clock, now + way, self.name)
        if wait:
            self._motion.result()


def shutter(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    state: Literal["open", "closed"] = "closed",
    opening_time: float = 0.05,
) -> Shutter:
    """Build a shutter from its YAML keys: `state` at the start, and `opening_time` in seconds."""
    try:
        return Shutter(
            name,
            context=context,
            is_open=state == "open",
            opening_time=opening_time,
            config=config,
        )
    except DeviceError as error:
        raise ConfigError(str(error), key="opening_time") from None


def shutter_of(device: Any, name: str) -> Any:
    """Return a device that tells whether it is open, None for none; the key is `shutter`."""
    if device is not None and not hasattr(device, "is_open"):
        raise ConfigError(f"{name}: {device!r:.40} is no shutter; refer to one", key="shutter")
    return device
