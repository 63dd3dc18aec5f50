"""Step scans along lines: ascan and dscan, two to five axes together, lists of positions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Unpack

import numpy as np

from session_shell.commands import arguments as check
from session_shell.commands.arguments import ScanOptions
from session_shell.commands.motion import mv
from session_shell.commands.planning import asked, leg, make_scan, shifted, word
from session_shell.errors import CommandError
from session_shell.scanning.plan import Trajectory
from session_shell.scanning.scan import Scan

Leg = tuple[Any, Any, Any]


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
    return _walk("dscan", [(motor, start, stop)], intervals, count_time, counters, options)


def anscan(
    motors: Sequence[Leg],
    intervals: int,
    count_time: float,
    *counters: Any,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Move any number of axes together in equal steps and count at each point.

    Args:
        motors: (axis, start, stop) for each axis, in user positions.
        intervals: Number of steps; there are intervals + 1 points.
        count_time: Seconds per point.
        counters: Counters or measurement groups; none: the active measurement group.
        options: See `loopscan`.

    Example:
        ``anscan([(roby, 0, 1), (robz, 5, 6)], 10, 0.1, diode)``
    """
    return _walk("anscan", _legs("anscan", motors), intervals, count_time, counters, options)


def dnscan(
    motors: Sequence[Leg],
    intervals: int,
    count_time: float,
    *counters: Any,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Scan any number of axes together relative to where they are, and go back there.

    Args:
        motors: (axis, start, stop) for each axis, relative to its present position.
        intervals: Number of steps; there are intervals + 1 points.
        count_time: Seconds per point.
        counters: Counters or measurement groups; none: the active measurement group.
        options: See `loopscan`.

    Example:
        ``dnscan([(roby, -1, 1), (robz, -2, 2)], 10, 0.1, diode)``
    """
    return _walk("dnscan", _legs("dnscan", motors), intervals, count_time, counters, options)


def lookupscan(
    motors: Sequence[tuple[Any, Iterable[float]]],
    count_time: float,
    *counters: Any,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Move axes together through lists of positions and count at each point.

    Args:
        motors: (axis, positions) for each axis; all lists of one length.
        count_time: Seconds per point.
        counters: Counters or measurement groups; none: the active measurement group.
        options: See `loopscan`.

    Example:
        ``lookupscan([(roby, [0, 1, 5]), (robz, [1, 1, 2])], 0.1, diode)``
    """
    columns = [
        (check.axis("lookupscan", "motor", motor), _positions("lookupscan", positions))
        for motor, positions in _tuples("lookupscan", motors, 2, "(axis, positions)")
    ]
    lengths = {len(positions) for _, positions in columns}
    if len(lengths) != 1:
        raise CommandError(
            f"lookupscan: the lists have {sorted(lengths)} positions; make them equal"
        )
    time = check.seconds("lookupscan", "count_time", count_time)
    names = " ".join(axis.name for axis, _ in columns)
    return make_scan(
        "lookupscan",
        f"lookupscan {names} {lengths.pop()} {word(time)}",
        Trajectory.points(columns),
        time,
        check.counters("lookupscan", counters),
        options,
        {a.name: {"positions": p, "positions@units": a.unit} for a, p in columns},
    )


def pointscan(
    motor: Any,
    positions: Iterable[float],
    count_time: float,
    *counters: Any,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Move an axis through a list of positions and count at each.

    Args:
        motor: The axis.
        positions: User positions, in the unit of the axis, shape (npoints,).
        count_time: Seconds per point.
        counters: Counters or measurement groups; none: the active measurement group.
        options: See `loopscan`.

    Example:
        ``pointscan(roby, [0, 1, 5, 5.1], 0.1, diode)``
    """
    axis = check.axis("pointscan", "motor", motor)
    places = _positions("pointscan", positions)
    time = check.seconds("pointscan", "count_time", count_time)
    ends = f"{word(float(places[0]))} {word(float(places[-1]))}"
    return make_scan(
        "pointscan",
        f"pointscan {axis.name} {ends} {len(places)} {word(time)}",
        Trajectory.points([(axis, places)]),
        time,
        check.counters("pointscan", counters),
        options,
        {axis.name: {"positions": places, "positions@units": axis.unit}},
    )


def lineup(
    motor: Any,
    start: float,
    stop: float,
    intervals: int,
    count_time: float,
    counter: Any,
    **options: Unpack[ScanOptions],
) -> Scan | None:
    """Scan an axis relative to where it is and move it to where the counter was highest.

    Args:
        motor: The axis.
        start: First position relative to the present one, in the unit of the axis.
        stop: Last position relative to the present one.
        intervals: Number of steps; there are intervals + 1 points.
        count_time: Seconds per point.
        counter: The counter whose maximum is looked for.
        options: See `loopscan`.

    Example:
        ``lineup(sy, -1, 1, 20, 0.1, diode)``
    """
    (detector,) = check.counters("lineup", [counter])[:1]
    axis = check.axis("lineup", "motor", motor)
    legs = [(axis, start, stop)]
    scan = _walk(
        "lineup", legs, intervals, count_time, (counter,), {**options, "return_scan": True}
    )
    if scan is not None and scan.end_reason is not None:
        mv(axis, scan.peak(detector.channels[0].name))
    return scan if options.get("return_scan", True) else None


def _several(count: int, relative: bool) -> Callable[..., Scan | None]:
    """Make a2scan .. a5scan and d2scan .. d5scan: one function, their names and signatures."""
    command = f"{'d' if relative else 'a'}{count}scan"
    names = [f"{word_}{n}" for n in range(1, count + 1) for word_ in ("motor", "start", "stop")]
    names += ["intervals", "count_time"]

    def scan(*arguments: Any, **options: Unpack[ScanOptions]) -> Scan | None:
        if len(arguments) < len(names):
            raise CommandError(
                f"{command}: expected {', '.join(names)}, got {len(arguments)} of them"
            )
        legs = [(arguments[3 * n], *arguments[3 * n + 1 : 3 * n + 3]) for n in range(count)]
        intervals, count_time, *counters = arguments[3 * count :]
        return _walk(command, legs, intervals, count_time, tuple(counters), options)

    kinds = inspect.Parameter
    parameters = [kinds(name, kinds.POSITIONAL_ONLY) for name in names]
    parameters += [kinds("counters", kinds.VAR_POSITIONAL), kinds("options", kinds.VAR_KEYWORD)]
    scan.__name__ = scan.__qualname__ = command
    scan.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    example = [t for n in range(count) for t in (("roby", "robz", "sx", "sy", "sz")[n], "0", "1")]
    how = "relative to where they are, and go back there" if relative else "in user positions"
    scan.__doc__ = (
        f"Move {count} axes together in equal steps, {how}; count at each point.\n\n"
        "    Args:\n"
        "        motor1, start1, stop1, ...: Axis and first and last position of each.\n"
        "        intervals: Number of steps; there are intervals + 1 points.\n"
        "        count_time: Seconds per point.\n"
        "        counters: Counters or measurement groups; none: the active measurement group.\n"
        "        options: See `loopscan`.\n\n"
        f"    Example:\n        ``{command}({', '.join(example)}, 10, 0.1, diode)``\n"
    )
    return scan


a2scan, a3scan, a4scan, a5scan = (_several(count, relative=False) for count in range(2, 6))
d2scan, d3scan, d4scan, d5scan = (_several(count, relative=True) for count in range(2, 6))


def _walk(
    command: str,
    legs: Sequence[Leg],
    intervals: Any,
    count_time: Any,
    counters: tuple[Any, ...],
    options: Mapping[str, Any],
) -> Scan | None:
    relative = command.startswith("d") or command == "lineup"
    checked = [leg(command, *each) for each in legs]
    steps = check.whole(command, "intervals", intervals, 1)
    time = check.seconds(command, "count_time", count_time)
    words = [f"{axis.name} {word(start)} {word(stop)}" for axis, start, stop in checked]
    places = [(axis, *shifted(axis, (start, stop), relative)) for axis, start, stop in checked]
    return make_scan(
        command,
        f"{command} {' '.join(words)} {steps} {word(time)}",
        Trajectory.line(*places, intervals=steps),
        time,
        check.counters(command, counters),
        options,
        {
            "intervals": steps,
            **{axis.name: asked(axis, start, stop, relative) for axis, start, stop in checked},
        },
        go_back=relative,
    )


def _legs(command: str, motors: Any) -> list[Leg]:
    return [(a, b, c) for a, b, c in _tuples(command, motors, 3, "(axis, start, stop)")]


def _tuples(command: str, motors: Any, size: int, what: str) -> list[Any]:
    good = isinstance(motors, (list, tuple)) and motors
    if not good or any(not isinstance(m, (list, tuple)) or len(m) != size for m in motors):
        raise CommandError(f"{command}: expected a list of {what} for each axis, got {motors!r}")
    return list(motors)


def _positions(command: str, positions: Any) -> Any:
    try:
        places = np.asarray(list(positions), dtype=float)
    except (TypeError, ValueError) as error:
        raise CommandError(f"{command}: positions must be a list of numbers: {error}") from error
    if places.ndim != 1 or not len(places):
        raise CommandError(f"{command}: positions must be a list of at least one number")
    return places
