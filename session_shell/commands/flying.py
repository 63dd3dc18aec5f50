"""Continuous (fly) scans: an axis passes at constant speed while counters are timed."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from session_shell.commands import arguments as check
from session_shell.commands.arguments import ScanOptions
from session_shell.commands.planning import asked, leg, make_scan, word
from session_shell.devices.motion.flying import Flyable
from session_shell.devices.protocols import Movable
from session_shell.errors import CommandError
from session_shell.scanning.fly import Fly, Line
from session_shell.scanning.plan import Trajectory
from session_shell.scanning.scan import Scan


def fscan(
    motor: Any,
    start: float,
    stop: float,
    npoints: int,
    count_time: float,
    *counters: Any,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Pass a range at constant speed and count all the time; no stop at the points.

    The range is divided into `npoints` gates that follow each other; the position of a point is
    that of the middle of its gate. The axis comes up to speed before `start`.

    Args:
        motor: The axis.
        start: User position where the first gate begins, in the unit of the axis.
        stop: User position where the last gate ends.
        npoints: Number of gates.
        count_time: Seconds per gate.
        counters: Counters or measurement groups; none: the active measurement group.
        options: See `loopscan`.

    Returns:
        The scan; its columns have shape (npoints,).

    Raises:
        CommandError: Before anything moves, when the axis cannot go so fast.
        LimitError: Before anything moves, when the run-up leaves the limits.

    Example:
        ``fscan(roby, 0, 10, 1000, 0.005, diode)``
    """
    axis, begin, end = leg("fscan", motor, start, stop)
    count = check.whole("fscan", "npoints", npoints, 1)
    time = _count_time("fscan", count_time)
    detectors = check.counters("fscan", counters)
    flight = _flight("fscan", axis, [Line(begin, end)], count, time)
    flight.check("fscan", detectors)
    return make_scan(
        "fscan",
        f"fscan {axis.name} {word(begin)} {word(end)} {count} {word(time)}",
        Trajectory.points([(axis, _middles(begin, end, count))]),
        time,
        detectors,
        options,
        {
            "npoints": count,
            axis.name: asked(axis, begin, end, relative=False),
            "speed": flight.speed,
            "speed@units": f"{axis.unit or '1'}/s",
        },
        acquirer=flight,
    )


def fmesh(
    motor1: Any,
    start1: float,
    stop1: float,
    npoints1: int,
    motor2: Any,
    start2: float,
    stop2: float,
    intervals2: int,
    count_time: float,
    *counters: Any,
    backnforth: bool = False,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Scan a grid in passes: `motor1` flies for each position of `motor2`.

    Args:
        motor1, start1, stop1, npoints1: The axis that flies, as in `fscan`.
        motor2, start2, stop2, intervals2: The slow axis, as in `amesh`.
        count_time: Seconds per gate.
        counters: Counters or measurement groups; none: the active measurement group.
        backnforth: Every second pass runs backwards.
        options: See `loopscan`.

    Returns:
        The scan; columns have shape (npoints1 * (intervals2 + 1),).

    Example:
        ``fmesh(roby, 0, 1, 100, robz, 0, 2, 20, 0.01, diode)``
    """
    fast, begin, end = leg("fmesh", motor1, start1, stop1)
    slow, low, high = leg("fmesh", motor2, start2, stop2)
    count = check.whole("fmesh", f"npoints of {fast.name}", npoints1, 1)
    steps = check.whole("fmesh", f"intervals of {slow.name}", intervals2, 1)
    zigzag = check.flag("fmesh", "backnforth", backnforth)
    time = _count_time("fmesh", count_time)
    detectors = check.counters("fmesh", counters)
    middles = _middles(begin, end, count)
    lines = [
        Line(*((end, begin) if zigzag and n % 2 else (begin, end)), ((slow, float(place)),))
        for n, place in enumerate(np.linspace(low, high, steps + 1))
    ]
    flight = _flight("fmesh", fast, lines, count, time)
    flight.check("fmesh", detectors)
    return make_scan(
        "fmesh",
        f"fmesh {fast.name} {word(begin)} {word(end)} {count} "
        f"{slow.name} {word(low)} {word(high)} {steps} {word(time)}",
        _grid(fast, middles, slow, (low, high, steps), backnforth=zigzag),
        time,
        detectors,
        options,
        {
            "backnforth": zigzag,
            fast.name: {**asked(fast, begin, end, relative=False), "npoints": count},
            slow.name: {**asked(slow, low, high, relative=False), "intervals": steps},
        },
        acquirer=flight,
    )


def _flight(command: str, axis: Movable, lines: list[Line], count: int, time: float) -> Fly:
    if not hasattr(axis, "start_pass"):
        raise CommandError(f"{command}: {axis.name} cannot fly; use a step scan")
    if lines[0].start == lines[0].stop:
        raise CommandError(f"{command}: start and stop of {axis.name} are the same")
    flyable: Flyable = axis  # type: ignore[assignment]
    return Fly(flyable, lines, count, time)


def _grid(
    fast: Movable,
    middles: Any,
    slow: Movable,
    range_: tuple[float, float, int],
    *,
    backnforth: bool,
) -> Trajectory:
    low, high, steps = range_
    ends = (float(middles[0]), float(middles[-1]), len(middles) - 1)
    return Trajectory.mesh((fast, *ends), (slow, low, high, steps), backnforth=backnforth)


def _middles(start: float, stop: float, count: int) -> Any:
    return start + (np.arange(count) + 0.5) * (stop - start) / count


def _count_time(command: str, value: Any) -> float:
    time = check.seconds(command, "count_time", value)
    if time == 0:
        raise CommandError(f"{command}: count_time must be more than 0 s")
    return time
