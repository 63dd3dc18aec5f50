"""Scans: count, loop over time, walk axes. All make a plan and give it to the one engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from session_shell.commands import arguments as check
from session_shell.commands.arguments import ScanOptions
from session_shell.current import current_session
from session_shell.devices.protocols import Detector
from session_shell.scanning.plan import ScanPlan, Trajectory
from session_shell.scanning.scan import Scan


def ct(count_time: Any = 1.0, *counters: Any, **options: Unpack[ScanOptions]) -> Scan | None:
    """Count once and show the values; nothing is saved.

    Args:
        count_time: Seconds to count, default 1.
        counters: Counters or measurement groups; none: the active measurement group.
        options: See `loopscan`.

    Returns:
        The scan, with one point.

    Example:
        ``ct(0.1, diode)``
    """
    return _count("ct", count_time, counters, {"save": False, **options})


def sct(count_time: Any = 1.0, *counters: Any, **options: Unpack[ScanOptions]) -> Scan | None:
    """Count once, show the values and save them as a scan of one point.

    Args:
        count_time: Seconds to count, default 1.
        counters: Counters or measurement groups; none: the active measurement group.
        options: See `loopscan`.

    Example:
        ``sct(0.1, diode)``
    """
    return _count("sct", count_time, counters, options)


def loopscan(
    npoints: int, count_time: float, *counters: Any, **options: Unpack[ScanOptions]
) -> Scan | None:
    """Count `npoints` times, without moving.

    Args:
        npoints: Number of points, at least 1.
        count_time: Seconds per point.
        counters: Counters or measurement groups; none: the active measurement group.
        options: ``name, title, save=True, sleep_time, stab_time`` (seconds), ``run=True,
            return_scan=True, scan_info`` (a dict of metadata for this scan).

    Returns:
        The scan; ``scan.data["diode3"]`` has shape (npoints,).

    Raises:
        CommandError: When an argument cannot be used.

    Example:
        ``loopscan(10, 0.1, diode3)``
    """
    count = check.whole("loopscan", "npoints", npoints, 1)
    time = check.seconds("loopscan", "count_time", count_time)
    return _scan(
        "loopscan",
        f"loopscan {count} {_word(time)}",
        Trajectory.still(count),
        time,
        check.counters("loopscan", counters),
        options,
        {"npoints": count},
    )


def timescan(
    count_time: float, *counters: Any, npoints: int = 0, **options: Unpack[ScanOptions]
) -> Scan | None:
    """Count again and again until Ctrl-C, or `npoints` times.

    Args:
        count_time: Seconds per point.
        counters: Counters or measurement groups; none: the active measurement group.
        npoints: Number of points; 0 is endless.
        options: See `loopscan`.

    Example:
        ``timescan(1, diode, npoints=60)``
    """
    time = check.seconds("timescan", "count_time", count_time)
    count = check.whole("timescan", "npoints", npoints, 0)
    return _scan(
        "timescan",
        f"timescan {_word(time)}",
        Trajectory.still(count),
        time,
        check.counters("timescan", counters),
        options,
        {"npoints": count},
    )


def ascan(
    motor: Any,
    start: float,
    stop: float,
    intervals: int,
    count_time: float,
    *counters: Any,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Move an axis from `start` to `stop` in equal steps and count at each point.

    Args:
        motor: The axis.
        start: First user position, in the unit of the axis.
        stop: Last user position.
        intervals: Number of steps; there are intervals + 1 points.
        count_time: Seconds per point.
        counters: Counters or measurement groups; none: the active measurement group.
        options: See `loopscan`.

    Returns:
        The scan; its columns have shape (intervals + 1,).

    Raises:
        LimitError: Before anything moves, when a point cannot be reached.
        CommandError: When an argument cannot be used.

    Example:
        ``ascan(roby, 0, 10, 10, 0.1, diode)``
    """
    return _walk("ascan", [(motor, start, stop)], intervals, count_time, counters, options)


def dscan(
    motor: Any,
    start: float,
    stop: float,
    intervals: int,
    count_time: float,
    *counters: Any,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Scan an axis relative to where it is, and go back there, also after an abort or a failure.

    Args:
        motor: The axis.
        start: First position relative to the present one, in the unit of the axis.
        stop: Last position relative to the present one.
        intervals: Number of steps; there are intervals + 1 points.
        count_time: Seconds per point.
        counters: Counters or measurement groups; none: the active measurement group.
        options: See `loopscan`.

    Example:
        ``dscan(sy, -1, 1, 20, 0.1, diode)``
    """
    legs = [(motor, start, stop)]
    return _walk("dscan", legs, intervals, count_time, counters, options, relative=True)


def _walk(
    command: str,
    legs: list[tuple[Any, Any, Any]],
    intervals: Any,
    count_time: Any,
    counters: tuple[Any, ...],
    options: Mapping[str, Any],
    *,
    relative: bool = False,
) -> Scan | None:
    checked = [
        (
            check.axis(command, "motor", motor),
            check.real(command, "start", start),
            check.real(command, "stop", stop),
        )
        for motor, start, stop in legs
    ]
    steps = check.whole(command, "intervals", intervals, 1)
    time = check.seconds(command, "count_time", count_time)
    words = [f"{axis.name} {_word(start)} {_word(stop)}" for axis, start, stop in checked]
    parameters: dict[str, Any] = {"intervals": steps}
    for axis, start, stop in checked:
        entry = {"start": start, "start@units": axis.unit, "stop": stop, "stop@units": axis.unit}
        parameters[axis.name] = {**entry, "relative": relative}
    origin = [axis.position if relative else 0.0 for axis, _, _ in checked]
    places = [
        (axis, start + here, stop + here)
        for (axis, start, stop), here in zip(checked, origin, strict=True)
    ]
    return _scan(
        command,
        f"{command} {' '.join(words)} {steps} {_word(time)}",
        Trajectory.line(*places, intervals=steps),
        time,
        check.counters(command, counters),
        options,
        parameters,
        go_back=relative,
    )


def _count(
    command: str, count_time: Any, counters: tuple[Any, ...], options: Mapping[str, Any]
) -> Scan | None:
    if not isinstance(count_time, (int, float)):
        # ct(diode): the time was left out.
        count_time, counters = 1.0, (count_time, *counters)
    time = check.seconds(command, "count_time", count_time)
    detectors = check.counters(command, counters)
    title = f"{command} {_word(time)}"
    return _scan(command, title, Trajectory.still(1), time, detectors, options, {"npoints": 1})


def _scan(
    command: str,
    title: str,
    trajectory: Trajectory,
    count_time: float,
    detectors: tuple[Detector, ...],
    options: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    go_back: bool = False,
) -> Scan | None:
    checked = check.check_options(command, options)
    plan = ScanPlan(
        type=command,
        title=checked["title"] or title,
        trajectory=trajectory,
        detectors=detectors,
        count_time=count_time,
        name=checked["name"] or command,
        parameters={**parameters, "count_time": count_time, "count_time@units": "s"},
        scan_info=checked["scan_info"],
        save=checked["save"],
        sleep_time=checked["sleep_time"],
        stab_time=checked["stab_time"],
        go_back=go_back,
    )
    scan = Scan(plan, current_session().host)
    if checked["run"]:
        scan.run()
    return scan if checked["return_scan"] else None


def _word(value: float) -> str:
    """Write a number as one types it: 10 for 10.0."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
