"""What a scan would do and take, without moving, counting or writing anything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.protocols import Movable
from session_shell.scanning.plan import ScanPlan

_HEADER = 60_000
"""Bytes of a scan file without points, as measured with the demo session."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long a scan would take and how large its file would be.

    Attributes:
        title: The scan.
        npoints: Number of points; 0 is endless or not known before.
        counting: Seconds in gates.
        moving: Seconds waiting for axes; NaN when an axis does not tell its velocity.
        waiting: Seconds of ``sleep_time`` and ``stab_time``.
        size: Bytes of the file, about; 0 when it is not saved.
        ranges: Lowest and highest position and unit by axis.
        unknown: Axes that do not tell how fast they are.
    """

    title: str
    npoints: int
    counting: float
    moving: float
    waiting: float
    size: int
    ranges: dict[str, tuple[float, float, str]]
    unknown: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Seconds in all."""
        return self.counting + self.moving + self.waiting

    def __info__(self) -> str:
        """Describe it for the prompt."""
        lines = [f"{self.title}: would take {_time(self.duration)}, nothing was moved or written"]
        lines.append(f"  points    {self.npoints or 'not known before'}")
        parts = (("counting", self.counting), ("moving", self.moving), ("waiting", self.waiting))
        lines += [f"  {name:<9} {_time(seconds)}" for name, seconds in parts]
        for axis, (low, high, unit) in self.ranges.items():
            lines.append(f"  {axis:<9} {low:g} to {high:g} {unit}".rstrip())
        if self.unknown:
            lines.append(f"  no velocity is known of {', '.join(self.unknown)}")
        lines.append(f"  file      {f'about {self.size / 1e6:.2f} MB' if self.size else 'none'}")
        return "\n".join(lines)


def forecast(plan: ScanPlan) -> Forecast:
    """Check a plan and tell what it would take.

    Raises:
        LimitError: When a point cannot be reached.
        ScanError: When two columns would have one name.
    """
    plan.check()
    axes, points = plan.trajectory.axes, plan.trajectory.positions
    times, unknown = [], []
    for axis, column in zip(axes, points.T, strict=True):
        seconds = _travel_times(axis, column, plan.go_back)
        if seconds is None:
            unknown.append(axis.name)
        else:
            times.append(seconds)
    moving = float(np.max(times, axis=0).sum()) if times else 0.0
    if plan.acquirer is not None:
        travel = getattr(plan.acquirer, "travel_time", None)
        moving = travel() if travel is not None else math.nan
    row = sum(8 * math.prod(channel.shape) for channel in plan.channels)
    return Forecast(
        title=plan.title,
        npoints=plan.npoints,
        counting=plan.npoints * plan.count_time,
        moving=math.nan if unknown else moving,
        waiting=plan.npoints * plan.stab_time + max(plan.npoints - 1, 0) * plan.sleep_time,
        size=_HEADER + row * plan.npoints if plan.save else 0,
        ranges={
            axis.name: (float(column.min()), float(column.max()), axis.unit)
            for axis, column in zip(axes, points.T, strict=True)
            if column.size
        },
        unknown=tuple(unknown),
    )


def _travel_times(
    axis: Movable, column: NDArray[np.float64], go_back: bool
) -> NDArray[np.float64] | None:
    """Return the seconds of each move of an axis: a trapezoid, or a triangle when it is short."""
    mover: Any = axis
    velocity = getattr(mover, "velocity", None)
    acceleration = getattr(mover, "acceleration", None)
    if not velocity or not acceleration:
        return None
    here = axis.position
    way = np.concatenate(([here], column, [here] if go_back else []))
    distance = np.abs(np.diff(way))
    ramp = velocity**2 / acceleration
    times: NDArray[np.float64] = np.where(
        distance >= ramp,
        distance / velocity + velocity / acceleration,
        2 * np.sqrt(distance / acceleration),
    )
    return times


def _time(seconds: float) -> str:
    if math.isnan(seconds):
        return "unknown"
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
