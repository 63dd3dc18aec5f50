"""Acquirers: generators that turn a plan into rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from session_shell.clock import Clock
from session_shell.devices.counters.gate import gate
from session_shell.devices.motion.places import Place
from session_shell.devices.motion.together import share_controller, start_together
from session_shell.devices.protocols import Status, Value
from session_shell.errors import ScanError
from session_shell.scanning.documents import Rows
from session_shell.scanning.plan import ScanPlan


@dataclass(slots=True)
class TimeSpent:
    """Where the time of a scan went, in seconds of its clock."""

    moving: float = 0.0
    counting: float = 0.0


@dataclass(slots=True)
class Acquisition:
    """What an acquirer works with.

    Attributes:
        plan: What was asked for.
        clock: Time; its ``sleep`` ends when the scan is aborted.
        before_point: To be called with the point's number when the axes stand, None for nothing.
        spent: To be added to.
    """

    plan: ScanPlan
    clock: Clock
    before_point: Callable[[int], None] | None = None
    spent: TimeSpent = field(default_factory=TimeSpent)
    at_rest: bool = True
    """False while axes move between two rows: a pause waits, a stop has to stop them."""
    rests_at: int = 0
    """Number of points after which the axes of a pass stand again."""
    places: tuple[Place, ...] = ()
    """Where the axes of the plan are to be at the start, in its order."""

    def __post_init__(self) -> None:
        self.places = tuple(Place(axis) for axis in self.plan.trajectory.axes)


Acquirer = Callable[[Acquisition], Iterator[Rows]]
"""Yields rows while it moves and counts; see `step`."""


def step(work: Acquisition) -> Iterator[Rows]:
    """Move, wait, count, one point after another."""
    point = _Point(work)
    trajectory = work.plan.trajectory
    if trajectory.source is not None:
        yield from _ask_for_points(point, trajectory.source(), work.plan.npoints)
        return
    for index, targets in enumerate(trajectory.targets()):
        yield point.measure(index, targets)


class _Point:
    """One point after another.

    The engine keeps the gate: detectors are triggered together, the count time passes, then
    those that need longer are waited for, then all are read.
    """

    __slots__ = ("here", "start", "together", "wait", "work")

    def __init__(self, work: Acquisition) -> None:
        self.work = work
        self.here: tuple[float, ...] = ()
        self.start = 0.0
        self.wait = gate(work.plan.detectors, work.clock)
        self.together = share_controller(work.plan.trajectory.axes)

    def measure(self, index: int, targets: tuple[float, ...]) -> Rows:
        """Go to `targets` and count."""
        work = self.work
        plan, clock = work.plan, work.clock
        if index and plan.sleep_time > 0:
            clock.sleep(plan.sleep_time)
        if targets != self.here:
            here = () if self.together else self.here
            work.spent.moving += _move(work.places, targets, here, clock, together=self.together)
            self.here = targets
        if plan.stab_time > 0:
            clock.sleep(plan.stab_time)
        if work.before_point is not None:
            work.before_point(index)
        begin = clock.time()
        if index == 0:
            self.start = begin
        pending = [status for d in plan.detectors if (status := d.trigger()) is not None]
        self.wait(plan.count_time)
        for status in pending:
            status.result()
        work.spent.counting += clock.time() - begin
        row: list[Value] = [begin - self.start, begin]
        row += [place.then(place.axis.position) for place in work.places]
        for detector in plan.detectors:
            row += detector.read()
        return Rows(index, 1, tuple([(value,) for value in row]))


def _move(
    places: tuple[Place, ...],
    targets: tuple[float, ...],
    here: tuple[float, ...],
    clock: Clock,
    *,
    together: bool,
) -> float:
    begin = clock.time()
    motions: list[Status] = []
    if together:
        # One by one, each axis would hold the others of its controller where they are.
        pairs = zip(places, targets, strict=True)
        motions = start_together([(place.axis, place.now(target)) for place, target in pairs])
    else:
        for number, place in enumerate(places):
            if not here or targets[number] != here[number]:
                motions.append(place.axis.start_move(place.now(targets[number])))
    # An abort raises its flag, then stops the axes: one that came before they moved is seen here.
    clock.sleep(0.0)
    for motion in motions:
        motion.result()
    return clock.time() - begin


def _ask_for_points(
    point: _Point, source: Generator[Any, dict[str, Any], None], limit: int
) -> Iterator[Rows]:
    """Take each point from a generator, which gets the row of the one before."""
    plan = point.work.plan
    names = [channel.name for channel in plan.channels]
    index = 0
    try:
        asked = next(source)
        while True:
            rows = point.measure(index, _as_targets(asked, plan))
            yield rows
            index += 1
            if index == limit:
                source.close()
                return
            columns = zip(names, rows.columns, strict=True)
            asked = source.send({name: column[0] for name, column in columns})
    except StopIteration:
        return


def _as_targets(asked: Any, plan: ScanPlan) -> tuple[float, ...]:
    axes = plan.trajectory.axes
    values = tuple(asked) if isinstance(asked, (tuple, list)) else (asked,)
    numbers = [v for v in values if isinstance(v, (int, float)) and math.isfinite(v)]
    if len(numbers) != len(values) or len(values) != len(axes):
        raise ScanError(
            f"{plan.title}: the next point must be {len(axes)} finite number(s), "
            f"for {', '.join(axis.name for axis in axes)}, got {asked!r}"
        )
    return tuple(map(float, numbers))
