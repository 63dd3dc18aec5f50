"""Move axes and tell where they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from session_shell.commands import arguments as check
from session_shell.commands.tables import print_table
from session_shell.current import current_session
from session_shell.devices.moving import move_together, stop_all
from session_shell.devices.protocols import Movable
from session_shell.errors import CommandError
from session_shell.scanning.collect import read_positions


def mv(*axes_and_positions: Any) -> None:
    """Move axes together to user positions and wait.

    Args:
        axes_and_positions: ``axis1, position1, axis2, position2, ...``

    Raises:
        LimitError: When a target is outside its limits; nothing moves then.

    Example:
        ``mv(roby, 1, robz, 2.5)``
    """
    _move(check.axes_and_values("mv", axes_and_positions))


def mvr(*axes_and_distances: Any) -> None:
    """Move axes together by distances from where they are, and wait.

    Example:
        ``mvr(roby, -0.5)``
    """
    _move(_from_here(check.axes_and_values("mvr", axes_and_distances)))


def umv(*axes_and_positions: Any) -> None:
    """Move axes together like `mv`, with live positions.

    Example:
        ``umv(roby, 1, robz, 2.5)``
    """
    _show_move(check.axes_and_values("umv", axes_and_positions))


def umvr(*axes_and_distances: Any) -> None:
    """Move axes together by distances like `mvr`, with live positions.

    Example:
        ``umvr(roby, -0.5)``
    """
    _show_move(_from_here(check.axes_and_values("umvr", axes_and_distances)))


def move(*axes_and_positions: Any, wait: bool = True, relative: bool = False) -> None:
    """Move axes together; the general form of `mv` and `mvr`.

    Args:
        axes_and_positions: ``axis1, position1, axis2, position2, ...``
        wait: False returns while they move (`wm`, ``axis.wait_move()``, ``axis.stop()``).
        relative: Positions are distances from where the axes are.

    Example:
        ``move(roby, 5, wait=False)``
    """
    pairs = check.axes_and_values("move", axes_and_positions)
    pairs = _from_here(pairs) if check.flag("move", "relative", relative) else pairs
    if check.flag("move", "wait", wait):
        _move(pairs)
        return
    from session_shell.devices.moving import start_together

    start_together(pairs)


def stop(*axes: Any) -> None:
    """Stop axes, all of the session when none is given.

    Example:
        ``stop(roby)``
    """
    chosen = _chosen("stop", axes)
    problems = stop_all(chosen, current_session().guard)
    if problems:
        raise problems[0]


def wa() -> None:
    """Print where all axes are, in user and dial units.

    Example:
        ``wa()``
    """
    axes = current_session().host.axes()
    rows = [
        (name, _text(p.user), _text(p.dial), p.unit, p.error)
        for name, p in read_positions(axes).items()
    ]
    print_table(("axis", "user", "dial", "unit", ""), rows, right=(1, 2))


def wm(*axes: Any) -> None:
    """Print positions, limits and offset of some axes.

    Args:
        axes: Axes or their names; none: all.

    Example:
        ``wm(roby, robz)``
    """
    rows = []
    for axis in _chosen("wm", axes):
        place = read_positions([axis])[axis.name]
        low, high = getattr(axis, "limits", (-math.inf, math.inf))
        offset = getattr(axis, "offset", 0.0)
        numbers = [_text(v) for v in (place.user, low, high, place.dial, offset)]
        rows.append((axis.name, *numbers, place.unit, place.error))
    head = ("axis", "user", "low limit", "high limit", "dial", "offset", "unit", "")
    print_table(head, rows, right=range(1, 6))


def sta() -> None:
    """Print the state of all axes.

    Example:
        ``sta()``
    """
    stm()


def stm(*axes: Any) -> None:
    """Print the state of some axes, all when none is given.

    Example:
        ``stm(roby)``
    """
    rows = [(a.name, str(getattr(a, "state", "READY"))) for a in _chosen("stm", axes)]
    print_table(("axis", "state"), rows)


def lsmot() -> None:
    """Print the names of all axes with what they are.

    Example:
        ``lsmot()``
    """
    rows = [(a.name, a.unit, type(a).__name__) for a in current_session().host.axes()]
    print_table(("axis", "unit", "class"), rows)


def _chosen(command: str, axes: tuple[Any, ...]) -> list[Movable]:
    if not axes:
        return list(current_session().host.axes())
    return [check.axis(command, f"argument {n}", a) for n, a in enumerate(axes, start=1)]


def _from_here(pairs: list[tuple[Movable, float]]) -> list[tuple[Movable, float]]:
    return [(axis, axis.position + distance) for axis, distance in pairs]


def _move(pairs: list[tuple[Movable, float]], on_poll: Callable[[], None] | None = None) -> None:
    session = current_session()
    if session.host.running is not None and session.host.running.plan.trajectory.axes:
        _refuse_scanned(session.host.running, [axis for axis, _ in pairs])
    move_together(pairs, clock=session.clock, guard=session.guard, on_poll=on_poll)


def _refuse_scanned(scan: Any, axes: list[Movable]) -> None:
    for axis in axes:
        if axis in scan.plan.trajectory.axes:
            raise CommandError(f"{axis.name} is being scanned by {scan.title}")


def _show_move(pairs: list[tuple[Movable, float]]) -> None:
    session = current_session()
    if session.stream is None:
        _move(pairs)
        return
    from session_shell.sinks import MovingPositions

    axes = [axis for axis, _ in pairs]
    with MovingPositions(session.stream, [a.name for a in axes], [a.unit for a in axes]) as live:

        def update() -> None:
            live.update([axis.position for axis in axes])

        update()
        try:
            _move(pairs, update)
        finally:
            update()


def _text(value: float) -> str:
    if math.isnan(value):
        return "?"
    return f"{value:.5f}" if math.isfinite(value) else str(value)
