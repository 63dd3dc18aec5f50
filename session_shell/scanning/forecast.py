"""What a scan would do and take, without moving, counting or writing anything."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from session_shell.devices.motion.together import travel_times
from session_shell.scanning.plan import ScanPlan

_HEADER = 60_000
"""Bytes of a scan file without points, as measured with the demo session."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long a scan would take and how large its file would be.

    Attributes:
        title: The scan.
        npoints: Number of points; 0 is endless or not known before.
        counting: Seconds in gates; infinite when it is endless.
        moving: Seconds waiting for axes; NaN when an axis does not tell its velocity, or the points
            are not known before.
        waiting: Seconds of ``sleep_time`` and ``stab_time``.
        size: Bytes of the file, about; 0 when it is not saved.
        ranges: Lowest and highest position and unit by axis.
        unknown: Axes that do not tell how fast they are.
        endless: It runs until it is stopped.
    """

    title: str
    npoints: int
    counting: float
    moving: float
    waiting: float
    size: int
    ranges: dict[str, tuple[float, float, str]]
    unknown: tuple[str, ...] = ()
    endless: bool = False

    @property
    def duration(self) -> float:
        """Seconds in all."""
        return self.counting + self.moving + self.waiting

    def __info__(self) -> str:
        """Describe it for the prompt."""
        takes = "run until it is stopped" if self.endless else f"take {_time(self.duration)}"
        lines = [f"{self.title}: would {takes}, nothing was moved or written"]
        none = "endless" if self.endless else "not known before"
        lines.append(f"  points    {self.npoints or none}")
        parts = (("counting", self.counting), ("moving", self.moving), ("waiting", self.waiting))
        lines += [f"  {name:<9} {_time(seconds)}" for name, seconds in parts]
        for axis, (low, high, unit) in self.ranges.items():
            lines.append(f"  {axis:<9} {low:g} to {high:g} {unit}".rstrip())
        if self.unknown:
            lines.append(f"  no velocity is known of {', '.join(self.unknown)}")
        grows = "" if self.npoints else " and more with each point"
        size = f"about {self.size / 1e6:.2f} MB{grows}" if self.size else "none"
        lines.append(f"  file      {size}")
        return "\n".join(lines)


def forecast(plan: ScanPlan) -> Forecast:
    """Check a plan and tell what it would take.

    Raises:
        LimitError: When a point cannot be reached.
        ScanError: When two columns would have one name.
    """
    plan.check()
    axes, points = plan.trajectory.axes, plan.trajectory.positions
    moving, unknown = _moving(plan)
    count = _count(plan)
    row = sum(8 * math.prod(channel.shape) for channel in plan.channels)
    return Forecast(
        title=plan.title,
        npoints=plan.npoints,
        counting=_times(count, _gate_time(plan)),
        moving=math.nan if unknown else moving,
        waiting=_times(count, plan.stab_time) + _times(max(count - 1, 0), plan.sleep_time),
        size=_HEADER + row * plan.npoints if plan.save else 0,
        ranges={
            axis.name: (float(column.min()), float(column.max()), axis.unit)
            for axis, column in zip(axes, points.T, strict=True)
            if column.size
        },
        unknown=unknown,
        endless=math.isinf(count),
    )


def _count(plan: ScanPlan) -> float:
    """Return the number of points: infinite when it is endless, NaN when it is not known."""
    if plan.npoints:
        return plan.npoints
    return math.inf if plan.trajectory.source is None else math.nan


def _gate_time(plan: ScanPlan) -> float:
    """Return the seconds that a point counts: detectors may need longer than the count time."""
    if plan.acquirer is not None:
        return plan.count_time
    tells = [d.gate_time for d in plan.detectors if hasattr(d, "gate_time")]
    needed = [tell(plan.count_time) for tell in tells]
    return float(max(needed, default=plan.count_time))


def _times(count: float, seconds: float) -> float:
    return count * seconds if seconds else 0.0


def _moving(plan: ScanPlan) -> tuple[float, tuple[str, ...]]:
    """Return the seconds of all motions, and the axes that do not tell how long they take."""
    if plan.acquirer is not None:
        travel = getattr(plan.acquirer, "travel_time", None)
        found: tuple[float, tuple[str, ...]] = travel() if travel is not None else (math.nan, ())
        return found
    if plan.trajectory.source is not None:
        return math.nan, ()
    axes, points = plan.trajectory.axes, plan.trajectory.positions
    ways = [
        (axis, np.append(column, axis.position) if plan.go_back else column)
        for axis, column in zip(axes, points.T, strict=True)
    ]
    times, unknown = travel_times(ways)
    return float(times.sum()), unknown


def _time(seconds: float) -> str:
    if math.isnan(seconds):
        return "unknown"
    if math.isinf(seconds):
        return "endless"
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
