"""Scans whose points are decided as they go."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Unpack

from session_shell.commands import arguments as check
from session_shell.commands.arguments import ScanOptions
from session_shell.commands.planning import make_scan, word
from session_shell.errors import CommandError
from session_shell.scanning.plan import Trajectory
from session_shell.scanning.scan import Scan

Points = Iterable[Any] | Callable[[], Iterable[Any]]


def userscan(
    motors: Any,
    points: Points,
    count_time: float,
    *counters: Any,
    npoints: int = 0,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Scan through points that a generator of yours decides one by one.

    Args:
        motors: An axis, or a list of axes.
        points: A generator, a function that makes one, or any iterable. It yields the next
            position (a list of them for several axes); ``yield`` gives it the row of that point,
            a dict by channel name.
        count_time: Seconds per point.
        counters: Counters or measurement groups; none: the active measurement group.
        npoints: Stop after so many points; 0: when the generator ends.
        options: See `loopscan`.

    Returns:
        The scan, with table, file and metadata like any other.

    Raises:
        CommandError: When an argument cannot be used.
        LimitError: At a point that cannot be reached; the scan ends as FAILURE.

    Example::

        def climb(x=0.0, step=0.5):
            best = (yield x)["diode"]
            while abs(step) > 0.01:
                row = yield x + step
                if row["diode"] > best:
                    best, x = row["diode"], x + step
                else:
                    step = -step / 2

        userscan(sy, climb, 0.1, diode)
    """
    chosen = list(motors) if isinstance(motors, (list, tuple)) else [motors]
    axes = [check.axis("userscan", "motor", motor) for motor in chosen]
    if not axes:
        raise CommandError("userscan: expected an axis or a list of axes")
    limit = check.whole("userscan", "npoints", npoints, 0)
    time = check.seconds("userscan", "count_time", count_time)
    names = " ".join(axis.name for axis in axes)
    return make_scan(
        "userscan",
        f"userscan {names} {_name(points)} {word(time)}",
        Trajectory.decided(axes, lambda: _generator(points), limit),
        time,
        check.counters("userscan", counters),
        options,
        {"points": _name(points)},
    )


def _generator(points: Points) -> Generator[Any, dict[str, Any], None]:
    made = points() if callable(points) else points
    if isinstance(made, Generator):
        return made
    if not isinstance(made, Iterable):
        raise CommandError(f"userscan: points must be a generator or a list, got {points!r}")
    return _walk(made)


def _walk(points: Iterable[Any]) -> Generator[Any, dict[str, Any], None]:
    for point in points:  # noqa: UP028  "yield from" would send the rows to the list
        yield point


def _name(points: Points) -> str:
    if isinstance(points, Sequence):
        return f"{len(points)}_points"
    return str(getattr(points, "__name__", type(points).__name__))
