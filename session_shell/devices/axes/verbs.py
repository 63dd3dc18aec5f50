"""What axes without a motor of their own have in common: limits, and the verbs of moving."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.axes.state import AxisState
from session_shell.devices.checks import number
from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.places import set_position
from session_shell.devices.motion.together import move_together
from session_shell.devices.protocols import Status
from session_shell.devices.text import interval, quantity
from session_shell.errors import DeviceError, LimitError

Limits = Sequence[float | None]


class AxisVerbs(ABC):
    """Limits in user positions, and how such an axis is moved; where it is, a subclass says."""

    __slots__ = ("__weakref__", "_context", "_limits", "config", "name", "unit")

    def __init__(
        self,
        name: str,
        *,
        unit: str,
        limits: Limits,
        context: DeviceContext,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.unit = unit
        self.config: Mapping[str, Any] = config or {}
        self._context = context
        self.limits = limits

    @property
    @abstractmethod
    def position(self) -> float:
        """User position now."""

    @property
    @abstractmethod
    def is_moving(self) -> bool:
        """True until it stands still."""

    @abstractmethod
    def start_move(self, target: float) -> Status:
        """Start a motion to the user position `target` and return at once."""

    @property
    def dial(self) -> float:
        """The same as `position`: such an axis has no offset and no sign."""
        return self.position

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest position, infinite when there is none; None removes a limit."""
        return self._limits

    @limits.setter
    def limits(self, value: Limits) -> None:
        try:
            lowest, highest = value
        except (TypeError, ValueError):
            raise DeviceError(
                f"limits must be a pair (low, high), not {value!r}", device=self.name
            ) from None
        low, high = _limit(lowest, -math.inf, self.name), _limit(highest, math.inf, self.name)
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

    @low_limit.setter
    def low_limit(self, value: float | None) -> None:
        self.limits = (value, self._limits[1])

    @property
    def high_limit(self) -> float:
        """Highest position."""
        return self._limits[1]

    @high_limit.setter
    def high_limit(self, value: float | None) -> None:
        self.limits = (self._limits[0], value)

    @property
    def state(self) -> AxisState:
        """READY or MOVING."""
        return AxisState.MOVING if self.is_moving else AxisState.READY

    def check_targets(self, targets: Sequence[float] | NDArray[Any]) -> None:
        """Raise `LimitError` if a position is outside the limits."""
        self.check_own_limits(self._points(targets))

    def check_own_limits(self, points: NDArray[Any]) -> None:
        """Raise `LimitError` if a position is outside the limits of this axis."""
        low, high = self._limits
        for point in points[~((points >= low) & (points <= high) & np.isfinite(points))][:1]:
            first = number(float(point), "target", self.name)
            raise LimitError(
                f"{quantity(first, self.unit)} is outside {interval(low, high, self.unit)}",
                device=self.name,
            )

    def move(self, target: float, wait: bool = True, relative: bool = False) -> None:
        """Move to `target`, in `unit`; with `relative` by it from the set position."""
        goal = number(target, "target", self.name)
        if relative:
            goal += set_position(self)
        if wait:
            move_together([(self, goal)], clock=self._context.clock, guard=self._context.guard)
        else:
            self.start_move(goal)

    def rmove(self, delta: float, wait: bool = True) -> None:
        """Move by `delta` from the set position, in `unit`."""
        self.move(delta, wait=wait, relative=True)

    @abstractmethod
    def stop(self) -> None:
        """Stop, as soon as it can; harmless when it stands still."""

    def __repr__(self) -> str:
        return f"<axis {self.name}: {quantity(self.position, self.unit)}, {self.state}>"

    def _points(self, targets: Sequence[float] | NDArray[Any]) -> NDArray[Any]:
        points = np.atleast_1d(np.asarray(targets))
        if points.dtype.kind not in "iuf" and points.size:
            raise DeviceError(f"positions must be numbers, not {targets!r}", device=self.name)
        return points

    def _limit_metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, limit in zip(("soft_limit_min", "soft_limit_max"), self._limits, strict=True):
            if math.isfinite(limit):
                found |= {key: limit, f"{key}@units": self.unit}
        return found


def _limit(value: Any, none: float, name: str) -> float:
    if isinstance(value, str) and value.lower() in ("-inf", "inf", "+inf"):
        value = float(value)  # as it may be written in a configuration
    return none if value is None else number(value, "limit", name, infinite=True)
