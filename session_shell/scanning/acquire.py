"""Acquirers: generators that turn a plan into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from session_shell.clock import Clock
from session_shell.devices.protocols import Movable, Status, Value
from session_shell.scanning.documents import Rows
from session_shell.scanning.plan import ScanPlan


@dataclass(slots=True)
class TimeSpent:
    """Where the time of a scan went, in seconds of its clock."""

    moving: float = 0.0
    counting: float = 0.0


Acquirer = Callable[[ScanPlan, Clock, TimeSpent], Iterator[Rows]]
"""``acquirer(plan, clock, spent)`` yields rows; it moves, counts, and adds to `spent`."""


def step(plan: ScanPlan, clock: Clock, spent: TimeSpent) -> Iterator[Rows]:
    """Move, wait, count, one point after another.

    The engine keeps the gate: detectors are triggered together, the count time passes, then
    those that need longer are waited for, then all are read.
    """
    axes, detectors = plan.trajectory.axes, plan.detectors
    here: tuple[float, ...] = ()
    start = 0.0
    for index, targets in enumerate(plan.trajectory.targets()):
        if index and plan.sleep_time > 0:
            clock.sleep(plan.sleep_time)
        if targets != here:
            spent.moving += _move(axes, targets, here, clock)
            here = targets
        if plan.stab_time > 0:
            clock.sleep(plan.stab_time)
        begin = clock.time()
        if index == 0:
            start = begin
        pending = [status for d in detectors if (status := d.trigger()) is not None]
        clock.sleep(plan.count_time)
        for status in pending:
            status.result()
        spent.counting += clock.time() - begin
        row: list[Value] = [begin - start, begin]
        row += [axis.position for axis in axes]
        for detector in detectors:
            row += detector.read()
        yield Rows(index, 1, tuple([(value,) for value in row]))


def _move(
    axes: tuple[Movable, ...], targets: tuple[float, ...], here: tuple[float, ...], clock: Clock
) -> float:
    begin = clock.time()
    motions: list[Status] = []
    for number, axis in enumerate(axes):
        if not here or targets[number] != here[number]:
            motions.append(axis.start_move(targets[number]))
    for motion in motions:
        motion.result()
    return clock.time() - begin
