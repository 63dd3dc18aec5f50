"""What devices need for continuous (fly) scans: a path in time, and a look back along it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.motion.status import Motion
from session_shell.devices.protocols import Movable, Status, Value


class Path(Status, Protocol):
    """A motion of which every position is known by its time, also afterwards.

    Positions are as `Movable.position` gives them; `turned` counts all turns of a round axis, so
    that it neither jumps nor repeats.
    """

    @property
    def begin(self) -> float:
        """Time at which it began."""
        ...

    def position(self, time: float) -> float:
        """Return the user position at a time of the clock."""
        ...

    def turned(self, time: float) -> float:
        """Return the user position at a time of the clock, with all turns."""
        ...


class Flyable(Movable, Protocol):
    """An axis that can pass a range at a chosen constant speed."""

    @property
    def velocity(self) -> float:
        """Highest speed, in units per second."""
        ...

    @property
    def acceleration(self) -> float:
        """Acceleration, in units per second squared."""
        ...

    def check_pass(self, start: float, stop: float) -> tuple[float, float]:
        """Return the ends of a pass with their turns; those of other axes are as they are.

        Raises:
            LimitError: When no turn has the whole pass within the limits.
        """
        ...

    def approach_times(self, passes: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
        """Return the seconds of the ways to the start of passes that are flown one by one."""
        ...

    def start_approach(self, start: float) -> Status:
        """Start a move to the start of a pass, as `check_pass` gave it, and return at once."""
        ...

    def start_pass(self, target: float, speed: float) -> Path:
        """Start a motion at `speed` from here to the stop of a pass and return at once."""
        ...


class Gated(Protocol):
    """A detector that times itself: gates follow each other, and are read in blocks."""

    def count_gates(
        self, middles: Sequence[float], paths: Mapping[Movable, Path]
    ) -> Sequence[Sequence[Value]]:
        """Return the rows of gates that are over.

        Args:
            middles: Times of the middles of the gates, of the count time given to `prepare`.
            paths: Where the moving axes were.
        """
        ...


class UserPath:
    """The motion of a simulated axis, in user positions."""

    __slots__ = ("_motion", "_offset", "_sign", "_user_of", "begin")

    def __init__(self, motion: Motion, axis: Any, begin: float) -> None:
        self.begin = begin
        self._motion = motion
        self._sign, self._offset = axis.sign, axis.offset
        self._user_of = axis.user_of

    def position(self, time: float) -> float:
        """Return the user position at `time`."""
        user: float = self._user_of(self._motion.position(time))
        return user

    def turned(self, time: float) -> float:
        """Return the user position at `time`, with all turns."""
        turned: float = self._sign * self._motion.position(time) + self._offset
        return turned

    def done(self) -> bool:
        """Tell whether the axis stands still again."""
        return self._motion.done()

    def result(self, timeout: float | None = None) -> None:
        """Wait until it does; raise what went wrong."""
        self._motion.result(timeout)


class Past:
    """Axes as they were at `time`: where a path is known there, else where they are."""

    def __init__(self) -> None:
        self.time = 0.0
        self.paths: Mapping[Movable, Path] = {}

    def axis(self, axis: Movable) -> Any:
        """Return what stands for an axis and has its position of then."""
        return _PastAxis(self, axis)


class _PastAxis:
    __slots__ = ("_axis", "_past")

    def __init__(self, past: Past, axis: Movable) -> None:
        self._past = past
        self._axis = axis

    @property
    def position(self) -> float:
        path = self._past.paths.get(self._axis)
        return self._axis.position if path is None else path.position(self._past.time)
