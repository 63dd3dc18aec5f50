"""Move axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from session_shell.clock import VirtualClock
from session_shell.commands import arguments as check
from session_shell.commands.positions import chosen_axes
from session_shell.current import current_session
from session_shell.devices.motion.places import set_position
from session_shell.devices.motion.together import check_together, move_together, stop_all
from session_shell.devices.protocols import Movable
from session_shell.errors import CommandError

Pairs = list[tuple[Movable, float]]


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
    """Move axes together by distances from their set positions, and wait.

    The set position is what was asked for last, not rounded to a motor step, so steps of any size
    add up. After a stop or a change of offset it is where the axis is.

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


def mvd(*axes_and_positions: Any) -> None:
    """Move axes together to dial positions and wait.

    Example:
        ``mvd(roby, 1)``
    """
    _move(_from_dial(check.axes_and_values("mvd", axes_and_positions)))


def mvdr(*axes_and_distances: Any) -> None:
    """Move axes together by distances in dial direction, and wait.

    Example:
        ``mvdr(roby, -0.5)``
    """
    _move(_from_dial_here(check.axes_and_values("mvdr", axes_and_distances)))


def umvd(*axes_and_positions: Any) -> None:
    """Move axes together to dial positions like `mvd`, with live positions.

    Example:
        ``umvd(roby, 1)``
    """
    _show_move(_from_dial(check.axes_and_values("umvd", axes_and_positions)))


def umvdr(*axes_and_distances: Any) -> None:
    """Move axes together by distances in dial direction like `mvdr`, with live positions.

    Example:
        ``umvdr(roby, -0.5)``
    """
    _show_move(_from_dial_here(check.axes_and_values("umvdr", axes_and_distances)))


def move(*axes_and_positions: Any, wait: bool = True, relative: bool = False) -> None:
    """Move axes together; the general form of `mv` and `mvr`.

    Args:
        axes_and_positions: ``axis1, position1, axis2, position2, ...``
        wait: False returns while they move (`wm`, ``axis.wait_move()``, ``axis.stop()``).
        relative: Positions are distances from the set positions, as for `mvr`.

    Example:
        ``move(roby, 5, wait=False)``
    """
    pairs = check.axes_and_values("move", axes_and_positions)
    pairs = _from_here(pairs) if check.flag("move", "relative", relative) else pairs
    if check.flag("move", "wait", wait):
        _move(pairs)
        return
    from session_shell.devices.motion.together import start_together

    start_together(pairs)


def stop(*axes: Any) -> None:
    """Stop axes, all of the session when none is given.

    Example:
        ``stop(roby)``
    """
    chosen = chosen_axes("stop", axes)
    problems = stop_all(chosen, current_session().guard)
    if problems:
        raise problems[0]


def wait_move(*axes: Any) -> None:
    """Wait until axes stand still, all of the session when none is given; Ctrl-C stops them.

    Example:
        ``move(roby, 5, wait=False); wait_move(roby)``
    """
    session = current_session()
    waiting = [a for a in chosen_axes("wait_move", axes) if hasattr(a, "wait_move")]
    with session.guard.active():
        try:
            for axis in waiting:
                axis.wait_move()
        except BaseException:
            stop_all(waiting, session.guard)
            raise


@contextmanager
def rockit(motor: Any, total_move: float) -> Iterator[None]:
    """Let an axis go to and fro while something else is done; a context manager.

    The axis swings by half of `total_move` to either side of where it is, and is brought back
    there at the end.

    Args:
        motor: The axis.
        total_move: Width of the swing, in the unit of the axis.

    Raises:
        LimitError: When an end of the swing cannot be reached.
        CommandError: When the axis cannot swing by itself.

    Example::

        with rockit(roby, 0.5):
            ct(1, diode)
    """
    axis: Any = check.axis("rockit", "motor", motor)
    width = check.real("rockit", "total_move", total_move)
    if not hasattr(axis, "start_swing"):
        raise CommandError(f"rockit: {axis.name} cannot swing by itself")
    session = current_session()
    origin = set_position(axis)
    with session.guard.active():
        try:
            axis.start_swing(width)
            yield
        finally:
            problems = stop_all([axis], session.guard)
            if problems:
                raise problems[0]
            move_together([(axis, origin)], clock=session.clock, guard=session.guard)


def _from_dial(pairs: Pairs) -> Pairs:
    return [(axis, _user_of(axis, dial)) for axis, dial in pairs]


def _from_dial_here(pairs: Pairs) -> Pairs:
    return [(axis, set_position(axis) + getattr(axis, "sign", 1) * step) for axis, step in pairs]


def _user_of(axis: Any, dial: float) -> float:
    return float(getattr(axis, "sign", 1) * dial + getattr(axis, "offset", 0.0))


def _from_here(pairs: Pairs) -> Pairs:
    return [(axis, set_position(axis) + distance) for axis, distance in pairs]


def _move(pairs: Pairs, on_poll: Callable[[], None] | None = None) -> None:
    session = current_session()
    if session.host.dry is not None:
        check_together(pairs)
        return
    if session.host.running is not None and session.host.running.plan.trajectory.axes:
        _refuse_scanned(session.host.running, [axis for axis, _ in pairs])
    move_together(pairs, clock=session.clock, guard=session.guard, on_poll=on_poll)


def _refuse_scanned(scan: Any, axes: list[Movable]) -> None:
    for axis in axes:
        if axis in scan.plan.trajectory.axes:
            raise CommandError(f"{axis.name} is being scanned by {scan.title}")


def _show_move(pairs: Pairs) -> None:
    session = current_session()
    if session.stream is None:
        _move(pairs)
        return
    check_together(pairs)  # what cannot move shows no positions
    from session_shell.sinks import MovingPositions

    axes = [axis for axis, _ in pairs]
    digits = [getattr(a, "display_digits", None) for a in axes]
    names, units = [a.name for a in axes], [a.unit for a in axes]
    with MovingPositions(session.stream, names, units, digits) as live:

        def update() -> None:
            live.update([axis.position for axis in axes])

        update()
        # Virtual time jumps: what is seen on the way would depend on how busy the machine is.
        jumps = isinstance(session.clock, VirtualClock)
        try:
            _move(pairs, (lambda: None) if jumps else update)
        finally:
            update()
