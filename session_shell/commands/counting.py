"""Counting: once, several times, for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from session_shell.commands import arguments as check
from session_shell.commands.arguments import ScanOptions
from session_shell.commands.planning import make_scan, word
from session_shell.scanning.plan import Trajectory
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
        options: ``name, title, save=True, sleep_time, stab_time`` (seconds), ``run=True``
            (False returns a scan to ``.run()`` later, ``"dry"`` only tells what it would take),
            ``return_scan=True, scan_info`` (a dict of metadata for this scan).

    Returns:
        The scan; ``scan.data["diode3"]`` has shape (npoints,).

    Raises:
        CommandError: When an argument cannot be used.

    Example:
        ``loopscan(10, 0.1, diode3)``
    """
    count = check.whole("loopscan", "npoints", npoints, 1)
    time = check.seconds("loopscan", "count_time", count_time)
    return make_scan(
        "loopscan",
        f"loopscan {count} {word(time)}",
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
    return make_scan(
        "timescan",
        f"timescan {word(time)}",
        Trajectory.still(count),
        time,
        check.counters("timescan", counters),
        options,
        {"npoints": count},
    )


def _count(
    command: str, count_time: Any, counters: tuple[Any, ...], options: Mapping[str, Any]
) -> Scan | None:
    if not isinstance(count_time, (int, float)):
        # ct(diode): the time was left out.
        count_time, counters = 1.0, (count_time, *counters)
    time = check.seconds(command, "count_time", count_time)
    detectors = check.counters(command, counters)
    title = f"{command} {word(time)}"
    return make_scan(command, title, Trajectory.still(1), time, detectors, options, {"npoints": 1})
