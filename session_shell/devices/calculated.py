"""Calculated axes: positions that are functions of real axes, moved by moving those."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.checks import not_negative, number
from session_shell.devices.context import DeviceContext
from session_shell.devices.motion import Together
from session_shell.devices.moving import move_together, start_together, stop_all
from session_shell.devices.protocols import Movable, Status
from session_shell.devices.state import AxisState
from session_shell.devices.text import interval, quantity, summary
from session_shell.errors import DeviceError, LimitError

Values = float | NDArray[Any]


class Calculation(Protocol):
    """What a controller of calculated axes knows; tags say which of its axes is meant."""

    name: str

    def calculated(self, tag: str) -> float:
        """Return the present value of a calculated axis."""
        ...

    def real_axes(self, tag: str) -> Sequence[Movable]:
        """Return the real axes that a calculated axis moves."""
        ...

    def real_values(self, wanted: Mapping[str, Values]) -> Sequence[tuple[Movable, Values]]:
        """Return where real axes must be for values of calculated axes by tag."""
        ...

    def real_targets(self, targets: Mapping[str, float]) -> Mapping[Movable, float]:
        """Return where real axes must go for targets of calculated axes by name, all checked."""
        ...


def check_real(name: str, values: Sequence[tuple[Movable, Values]]) -> None:
    """Check positions of real axes on behalf of `name`, which the error then names too."""
    for axis, positions in values:
        try:
            axis.check_targets(np.atleast_1d(positions))
        except LimitError as error:
            raise LimitError(f"{name} cannot get there: {error}", device=axis.name) from error


class CalculatedAxis:
    """An axis without a motor of its own.

    >>> s1vg.move(0.5)  # doctest: +SKIP
    """

    __slots__ = (
        "__weakref__",
        "_context",
        "_limits",
        "config",
        "controller",
        "name",
        "tag",
        "unit",
    )

    def __init__(
        self,
        name: str,
        controller: Calculation,
        tag: str,
        *,
        unit: str,
        limits: tuple[float | None, float | None],
        context: DeviceContext,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.controller = controller
        self.tag = tag
        self.unit = unit
        self.config: Mapping[str, Any] = config or {}
        self._context = context
        self.limits = limits

    @property
    def position(self) -> float:
        """Position now, calculated from the real axes."""
        return self.controller.calculated(self.tag)

    @position.setter
    def position(self, value: Any) -> None:
        names = ", ".join(axis.name for axis in self.real_axes)
        raise DeviceError(
            f"it is calculated: move it with {self.name}.move({value!r}), or redefine the "
            f"positions of {names}",
            device=self.name,
        )

    @property
    def dial(self) -> float:
        """The same as `position`: a calculated axis has no offset and no sign."""
        return self.position

    @property
    def real_axes(self) -> list[Movable]:
        """Axes that move when this one does."""
        return list(self.controller.real_axes(self.tag))

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest position; those of the real axes hold as well."""
        return self._limits

    @limits.setter
    def limits(self, value: Sequence[float | None]) -> None:
        low, high = (_limit(v, none) for v, none in zip(value, (-math.inf, math.inf), strict=True))
        if low >= high:
            raise DeviceError(
                f"the low limit must be below the high one: {interval(low, high, self.unit)}",
                device=self.name,
            )
        self._limits = (low, high)

    @property
    def low_limit(self) -> float:
        """Lowest position."""
        return self._limits[0]

    @property
    def high_limit(self) -> float:
        """Highest position."""
        return self._limits[1]

    @property
    def is_moving(self) -> bool:
        """True while one of its real axes moves."""
        return any(getattr(axis, "is_moving", False) for axis in self.real_axes)

    @property
    def state(self) -> AxisState:
        """READY or MOVING."""
        return AxisState.MOVING if self.is_moving else AxisState.READY

    def check_targets(self, targets: Sequence[float] | NDArray[Any]) -> None:
        """Raise `LimitError` if a position is outside the limits of this or of a real axis."""
        points = np.atleast_1d(np.asarray(targets))
        if points.dtype.kind not in "iuf" and points.size:
            raise DeviceError(f"positions must be numbers, not {targets!r}", device=self.name)
        self.check_own_limits(points)
        check_real(self.name, self.controller.real_values({self.tag: points}))

    def check_own_limits(self, points: NDArray[Any]) -> None:
        """Raise `LimitError` if a position is outside the limits of this axis."""
        low, high = self._limits
        for point in points[~((points >= low) & (points <= high) & np.isfinite(points))][:1]:
            first = number(float(point), "target", self.name)
            raise LimitError(
                f"{quantity(first, self.unit)} is outside {interval(low, high, self.unit)}",
                device=self.name,
            )

    def start_move(self, target: float) -> Status:
        """Start the real axes towards `target` and return at once."""
        goal = number(target, "target", self.name)
        real = self.controller.real_targets({self.name: goal})
        return Together(start_together(real), self._context.clock)

    def move(self, target: float, wait: bool = True, relative: bool = False) -> None:
        """Move to `target`, in `unit`; with `relative` by `target`. As for other axes."""
        goal = number(target, "target", self.name)
        if relative:
            goal += self.position
        if wait:
            move_together([(self, goal)], clock=self._context.clock, guard=self._context.guard)
        else:
            self.start_move(goal)

    def rmove(self, delta: float, wait: bool = True) -> None:
        """Move by `delta` from here, in `unit`."""
        self.move(delta, wait=wait, relative=True)

    def stop(self) -> None:
        """Stop all real axes, even if one refuses; they may still slow down afterwards."""
        problems = stop_all(self.real_axes, wait=False)
        if problems:
            raise DeviceError("; ".join(map(str, problems)), device=self.name)

    def wait_move(self, timeout: float | None = None) -> None:
        """Wait until it stands still; `DeviceTimeoutError` after `timeout` seconds."""
        clock = self._context.clock
        end = None if timeout is None else clock.time() + not_negative(timeout, "timeout")
        for axis in self.real_axes:
            wait = getattr(axis, "wait_move", None)
            if wait is not None:
                wait(None if end is None else max(end - clock.time(), 0.0))

    def channel_metadata(self) -> dict[str, Any]:
        """Return from what it is calculated, and its limits, for the NXpositioner group."""
        found: dict[str, Any] = {
            "calculated_from": ", ".join(axis.name for axis in self.real_axes),
            "tag": self.tag,
        }
        for key, limit in zip(("soft_limit_min", "soft_limit_max"), self._limits, strict=True):
            if math.isfinite(limit):
                found |= {key: limit, f"{key}@units": self.unit}
        return found

    def __info__(self) -> str:
        """Write its position and what it is calculated from, as `info(axis)` shows them."""
        rows = [
            ("position", quantity(self.position, self.unit)),
            ("state", str(self.state)),
            ("limits", interval(*self._limits, self.unit)),
        ]
        rows += [(a.name, quantity(a.position, a.unit)) for a in self.real_axes]
        return summary(f"{self.name}: calculated axis ({self.tag})", rows)

    def __repr__(self) -> str:
        return f"<axis {self.name}: {quantity(self.position, self.unit)}, {self.state}>"


def _limit(value: Any, none: float) -> float:
    if isinstance(value, str) and value.lower() in ("-inf", "inf", "+inf"):
        value = float(value)  # as it may be written in a configuration
    return none if value is None else number(value, "limit", infinite=True)
