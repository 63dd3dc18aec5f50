"""Where axes are to be: set positions, and places that outlive a change of the user frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from session_shell.devices.protocols import Movable
from session_shell.errors import DeviceError


@dataclass(frozen=True, slots=True)
class Frame:
    """How user positions count: ``user = sign * (place + shift) + offset``.

    A place is a dial position that keeps its number when the dial is set to another one.
    """

    sign: int = 1
    offset: float = 0.0
    shift: float = 0.0

    def user(self, place: float) -> float:
        """Return the user position of a place."""
        return self.sign * (place + self.shift) + self.offset

    def place(self, user: float) -> float:
        """Return the place of a user position."""
        return (user - self.offset) * self.sign - self.shift


def set_position(axis: Any) -> float:
    """Return the user position that `axis` was last asked for, where it has not been stopped.

    Relative moves start from it: from the motor step that the axis stands on they would add up
    rounding. An axis that does not keep it gives its position.
    """
    return float(getattr(axis, "set_position", axis.position))


class Place:
    """Where an axis is to be now, in whatever frame it is found later.

    >>> place = Place(roby); roby.position = 0  # doctest: +SKIP
    >>> move_together(place.targets(), clock=clock)  # doctest: +SKIP
    """

    __slots__ = ("_frame", "_parts", "_user", "axis")

    def __init__(self, axis: Any) -> None:
        self.axis: Movable = axis
        self._user = set_position(axis)
        self._frame: Frame | None = getattr(axis, "frame", None)
        self._parts = [Place(real) for real in getattr(axis, "real_axes", ())]

    @property
    def is_renamed(self) -> bool:
        """True when user positions of the axis, or of one it is calculated from, count anew."""
        if getattr(self.axis, "frame", None) is not self._frame:
            return True
        return any(part.is_renamed for part in self._parts)

    def targets(self) -> dict[Movable, float]:
        """Return where to move now to get there: this axis, or those that it is calculated from."""
        if not self.is_renamed:
            return {self.axis: self._user}
        if self._parts:
            return {a: user for part in self._parts for a, user in part.targets().items()}
        return {self.axis: self.now(self._user)}

    def now(self, user: float) -> float:
        """Return what a user position of then is called now.

        Raises:
            DeviceError: When a calculated axis means another place now.
        """
        if self._parts and self.is_renamed:
            names = ", ".join(part.axis.name for part in self._parts if part.is_renamed)
            raise DeviceError(
                f"it is calculated from {names}, whose positions were redefined: {user:g} is "
                "another place now",
                device=self.axis.name,
            )
        frame, then = getattr(self.axis, "frame", None), self._frame
        if frame is then or frame is None or then is None:
            return user
        return float(frame.user(then.place(user)))

    def then(self, user: float) -> float:
        """Return what a user position of now was called then."""
        frame, then = getattr(self.axis, "frame", None), self._frame
        if frame is then or frame is None or then is None:
            return user
        turn = getattr(self.axis, "modulo", None)
        was = then.user(frame.place(user))
        return float(was % turn if turn else was)


def targets_of(places: Iterable[Place]) -> dict[Movable, float]:
    """Return where to move now to get to all of `places`."""
    return {axis: user for place in places for axis, user in place.targets().items()}
