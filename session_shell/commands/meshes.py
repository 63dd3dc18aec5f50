"""Step scans over grids of two and more axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from session_shell.commands import arguments as check
from session_shell.commands.arguments import ScanOptions
from session_shell.commands.planning import asked, leg, make_scan, shifted, word
from session_shell.errors import CommandError
from session_shell.scanning.plan import Trajectory
from session_shell.scanning.scan import Scan

Leg = tuple[Any, Any, Any, Any]


def amesh(
    motor1: Any,
    start1: float,
    stop1: float,
    intervals1: int,
    motor2: Any,
    start2: float,
    stop2: float,
    intervals2: int,
    count_time: float,
    *counters: Any,
    backnforth: bool = False,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Scan a grid: `motor1` runs for each position of `motor2`.

    Args:
        motor1, start1, stop1, intervals1: The fast axis, in user positions.
        motor2, start2, stop2, intervals2: The slow axis.
        count_time: Seconds per point.
        counters: Counters or measurement groups; none: the active measurement group.
        backnforth: Every second line of the fast axis runs backwards.
        options: See `loopscan`.

    Returns:
        The scan; columns have shape ((intervals1 + 1) * (intervals2 + 1),).

    Example:
        ``amesh(roby, 0, 1, 10, robz, 0, 2, 5, 0.1, diode)``
    """
    legs = [(motor1, start1, stop1, intervals1), (motor2, start2, stop2, intervals2)]
    return _mesh("amesh", legs, count_time, counters, backnforth, options)


def dmesh(
    motor1: Any,
    start1: float,
    stop1: float,
    intervals1: int,
    motor2: Any,
    start2: float,
    stop2: float,
    intervals2: int,
    count_time: float,
    *counters: Any,
    backnforth: bool = False,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Scan a grid relative to where the axes are, and go back there.

    Arguments are those of `amesh`, positions relative to the present ones.

    Example:
        ``dmesh(roby, -1, 1, 10, robz, -1, 1, 5, 0.1, diode)``
    """
    legs = [(motor1, start1, stop1, intervals1), (motor2, start2, stop2, intervals2)]
    return _mesh("dmesh", legs, count_time, counters, backnforth, options)


def a3mesh(
    motor1: Any,
    start1: float,
    stop1: float,
    intervals1: int,
    motor2: Any,
    start2: float,
    stop2: float,
    intervals2: int,
    motor3: Any,
    start3: float,
    stop3: float,
    intervals3: int,
    count_time: float,
    *counters: Any,
    backnforth: bool = False,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Scan a grid of three axes, `motor1` the fastest and `motor3` the slowest.

    Arguments are those of `amesh`.

    Example:
        ``a3mesh(roby, 0, 1, 4, robz, 0, 1, 3, sx, 0, 1, 2, 0.1, diode)``
    """
    legs = [
        (motor1, start1, stop1, intervals1),
        (motor2, start2, stop2, intervals2),
        (motor3, start3, stop3, intervals3),
    ]
    return _mesh("a3mesh", legs, count_time, counters, backnforth, options)


def d3mesh(
    motor1: Any,
    start1: float,
    stop1: float,
    intervals1: int,
    motor2: Any,
    start2: float,
    stop2: float,
    intervals2: int,
    motor3: Any,
    start3: float,
    stop3: float,
    intervals3: int,
    count_time: float,
    *counters: Any,
    backnforth: bool = False,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Scan a grid of three axes relative to where they are, and go back there.

    Arguments are those of `amesh`, positions relative to the present ones.

    Example:
        ``d3mesh(roby, -1, 1, 4, robz, -1, 1, 3, sx, -1, 1, 2, 0.1, diode)``
    """
    legs = [
        (motor1, start1, stop1, intervals1),
        (motor2, start2, stop2, intervals2),
        (motor3, start3, stop3, intervals3),
    ]
    return _mesh("d3mesh", legs, count_time, counters, backnforth, options)


def anmesh(
    motors: Sequence[Leg],
    count_time: float,
    *counters: Any,
    backnforth: bool = False,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Scan a grid of any number of axes.

    Args:
        motors: (axis, start, stop, intervals) for each axis, the fastest first.
        count_time: Seconds per point.
        counters: Counters or measurement groups; none: the active measurement group.
        backnforth: Every second line of the fastest axis runs backwards.
        options: See `loopscan`.

    Example:
        ``anmesh([(roby, 0, 1, 4), (robz, 0, 1, 3)], 0.1, diode)``
    """
    return _mesh("anmesh", _legs("anmesh", motors), count_time, counters, backnforth, options)


def dnmesh(
    motors: Sequence[Leg],
    count_time: float,
    *counters: Any,
    backnforth: bool = False,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Scan a grid of any number of axes relative to where they are, and go back there.

    Arguments are those of `anmesh`, positions relative to the present ones.

    Example:
        ``dnmesh([(roby, -1, 1, 4), (robz, -1, 1, 3)], 0.1, diode)``
    """
    return _mesh("dnmesh", _legs("dnmesh", motors), count_time, counters, backnforth, options)


def _mesh(
    command: str,
    legs: Sequence[Leg],
    count_time: Any,
    counters: tuple[Any, ...],
    backnforth: Any,
    options: Mapping[str, Any],
) -> Scan | None:
    relative = command.startswith("d")
    checked = [leg(command, *each[:3]) for each in legs]
    steps = [
        check.whole(command, f"intervals of {axis.name}", each[3], 1)
        for (axis, _, _), each in zip(checked, legs, strict=True)
    ]
    zigzag = check.flag(command, "backnforth", backnforth)
    time = check.seconds(command, "count_time", count_time)
    words, places = [], []
    parameters: dict[str, Any] = {"backnforth": zigzag}
    for (axis, start, stop), count in zip(checked, steps, strict=True):
        words.append(f"{axis.name} {word(start)} {word(stop)} {count}")
        places.append((axis, *shifted(axis, (start, stop), relative), count))
        parameters[axis.name] = {**asked(axis, start, stop, relative), "intervals": count}
    return make_scan(
        command,
        f"{command} {' '.join(words)} {word(time)}",
        Trajectory.mesh(*places, backnforth=zigzag),
        time,
        check.counters(command, counters),
        options,
        parameters,
        go_back=relative,
    )


def _legs(command: str, motors: Any) -> list[Leg]:
    good = isinstance(motors, (list, tuple)) and motors
    if not good or any(not isinstance(m, (list, tuple)) or len(m) != 4 for m in motors):
        raise CommandError(
            f"{command}: expected a list of (axis, start, stop, intervals), got {motors!r}"
        )
    return [(m[0], m[1], m[2], m[3]) for m in motors]
