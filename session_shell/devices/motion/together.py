"""Moving several axes together, and stopping all of them whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.clock import Clock
from session_shell.devices.checks import number
from session_shell.devices.motion.profile import durations
from session_shell.devices.protocols import Movable, Status
from session_shell.errors import CommandError, DeviceError
from session_shell.interrupts import GivenUp, InterruptGuard

Targets = Mapping[Movable, float] | Sequence[tuple[Movable, float]]


def move_together(
    targets: Targets,
    *,
    clock: Clock,
    guard: InterruptGuard | None = None,
    on_poll: Callable[[], None] | None = None,
    poll: float = 0.1,
) -> None:
    """Move axes to user positions at the same time and wait for all of them.

    Everything is checked first: when one target cannot be reached nothing moves at all. On any
    error and on Ctrl-C every axis is stopped, even if one refuses, and the error is raised again.

    Args:
        targets: User position for each axis. Calculated axes of one controller (a gap and its
            offset) may be given together.
        clock: Clock of the session.
        guard: Its Ctrl-C; None: whatever Ctrl-C does in this program.
        on_poll: Called while axes move, not before and not after, for example to show positions.
        poll: Shortest time between two calls of `on_poll`, in seconds of the clock.

    Raises:
        LimitError: When a target is outside the limits.
        CommandError: When an axis is given twice.
        DeviceError: When an axis refuses or fails.

    >>> move_together({sx: 1.5, sz: -2}, clock=session.clock)  # doctest: +SKIP
    """
    pairs = check_together(targets)
    with guard.active() if guard else nullcontext():
        try:
            _wait([axis.start_move(target) for axis, target in pairs], clock, on_poll, poll)
        except BaseException as error:
            with _shield(guard):
                _stop_after(error, [axis for axis, _ in pairs])
            raise


def start_together(targets: Targets) -> list[Status]:
    """Start axes at the same time after checking them all; return the status of each.

    When one refuses to start, those that were started are stopped.

    >>> for status in start_together([(sx, 1.5), (sz, -2)]):  # doctest: +SKIP
    ...     status.result()
    """
    pairs = check_together(targets)
    try:
        return [axis.start_move(target) for axis, target in pairs]
    except BaseException as error:
        _stop_after(error, [axis for axis, _ in pairs])
        raise


def check_together(targets: Targets) -> list[tuple[Movable, float]]:
    """Check targets and return the axes to move; calculated axes are replaced by real ones.

    Raises what `move_together` raises, before anything moves.
    """
    given = list(targets.items()) if isinstance(targets, Mapping) else list(targets)
    pairs = [(axis, number(target, "target", axis.name)) for axis, target in given]
    _refuse_twice([axis for axis, _ in pairs], "is given twice")
    pairs = _real_targets(pairs)
    _refuse_twice([axis for axis, _ in pairs], "is already moved by a calculated axis given here")
    for axis, target in pairs:
        axis.check_targets((target,))
        _check_ready(axis)
    return pairs


def check_paths(columns: Sequence[tuple[Movable, NDArray[Any]]]) -> None:
    """Check whole ways, one column of positions for each axis, before anything moves.

    Calculated axes of one controller are checked together: their real axes stand, at every
    point, where all of them ask for.

    Raises:
        LimitError: When a point cannot be reached.
        CommandError: When two of these axes would move the same real axis.
    """
    moved = [axis for axis, _ in columns if not _is_calculated(axis)]
    for controller, parts in _by_controller(columns):
        moved += {
            id(real): real for axis, _ in parts for real in controller.real_axes(axis.tag)
        }.values()
    _refuse_twice(moved, "is already moved by a calculated axis given here")
    for axis, column in columns:
        if column.size and not _is_calculated(axis):
            axis.check_targets(column)
    for controller, parts in _by_controller(columns):
        if not parts[0][1].size:
            continue  # its points are not known yet: each is checked when it is
        if len(parts) == 1 or not hasattr(controller, "check_paths"):
            for axis, column in parts:
                axis.check_targets(column)
        else:
            controller.check_paths({axis.tag: column for axis, column in parts})


def real_ways(
    columns: Sequence[tuple[Movable, NDArray[Any]]],
) -> list[tuple[Movable, NDArray[Any]]]:
    """Return ways with calculated axes replaced by the real axes that they move."""
    found = [(axis, column) for axis, column in columns if not _is_calculated(axis)]
    for controller, parts in _by_controller(columns):
        wanted = {axis.tag: column for axis, column in parts}
        count = len(parts[0][1])
        real = [
            (axis, np.broadcast_to(np.asarray(values, dtype=float), (count,)))
            for axis, values in controller.real_values(wanted)
        ]
        found += real_ways(real)
    return found


def travel_times(
    columns: Sequence[tuple[Movable, NDArray[Any]]],
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return how long axes would take that go together through columns of positions, from here.

    Returns:
        The seconds of each move, and the names of axes that do not tell how long they take.
    """
    count = len(columns[0][1]) if columns else 0
    times, silent = np.zeros(count), []
    for axis, column in real_ways(columns):
        seconds = _times_of(axis, column)
        if seconds is None:
            silent.append(axis.name)
        else:
            times = np.maximum(times, seconds)
    return times, tuple(silent)


def share_controller(axes: Sequence[Movable]) -> bool:
    """Tell whether two calculated axes of one controller are among `axes`."""
    controllers = [id(getattr(axis, "controller", None)) for axis in axes if _is_calculated(axis)]
    return len(controllers) > len(set(controllers))


def stop_all(
    axes: Iterable[Movable], guard: InterruptGuard | None = None, *, wait: bool = True
) -> list[DeviceError]:
    """Stop all axes and wait until they stand still; return what went wrong, raise nothing.

    No Ctrl-C cuts into it when a guard is given. Without `wait` they may still slow down.
    """
    stopped = list(axes)
    problems: list[DeviceError] = []
    with _shield(guard):
        # All are told to stop before the first is waited for.
        for verb in ("stop", "wait_move") if wait else ("stop",):
            for axis in stopped:
                problems += [
                    DeviceError(f"did not stop: {error}", device=axis.name)
                    for error in limited_call(getattr(axis, verb, _nothing), verb, guard)
                ]
    return problems


def limited_call(
    call: Callable[[], Any], what: str, guard: InterruptGuard | None = None
) -> list[Exception]:
    """Make one of several calls that must all be made; return what went wrong, raise nothing.

    With a guard one that does not return is given up, and then the others are made.
    """
    begun = time.monotonic()
    try:
        with guard.limited() if guard else nullcontext():
            call()
    except GivenUp as error:
        return [DeviceError(f"{what} {error} after {time.monotonic() - begun:.1f} s")]
    except (KeyboardInterrupt, SystemExit) as error:
        return [DeviceError(f"{what} raised {type(error).__name__} {error}".rstrip())]
    except Exception as error:  # noqa: BLE001  the others must be made whatever this is
        return [error]
    return []


def _times_of(axis: Any, column: NDArray[Any]) -> NDArray[np.float64] | None:
    if hasattr(axis, "travel_times"):
        told: NDArray[np.float64] = axis.travel_times(column)
        return told
    velocity, acceleration = (getattr(axis, key, None) for key in ("velocity", "acceleration"))
    if not velocity or not acceleration:
        return None
    return durations(np.diff(np.concatenate(([axis.position], column))), velocity, acceleration)


def _is_calculated(axis: Movable) -> bool:
    return hasattr(getattr(axis, "controller", None), "real_targets")


def _by_controller(
    columns: Sequence[tuple[Any, NDArray[Any]]],
) -> list[tuple[Any, list[tuple[Any, NDArray[Any]]]]]:
    """Return the calculated axes of `columns` by their controllers."""
    groups: dict[int, tuple[Any, list[tuple[Any, NDArray[Any]]]]] = {}
    for axis, column in columns:
        if _is_calculated(axis):
            group = groups.setdefault(id(axis.controller), (axis.controller, []))
            group[1].append((axis, column))
    return list(groups.values())


def _check_ready(axis: Movable) -> None:
    check = getattr(axis, "check_ready", None)
    if check is not None:
        check()
    elif getattr(axis, "is_moving", False):
        raise DeviceError("is moving: wait for it or stop it first", device=axis.name)


def _nothing() -> None:
    pass


def _shield(guard: InterruptGuard | None) -> AbstractContextManager[Any]:
    return guard.shielded() if guard else nullcontext()


def _stop_after(error: BaseException, axes: list[Movable]) -> None:
    for problem in stop_all(axes):
        error.add_note(str(problem))


def _refuse_twice(axes: list[Movable], why: str) -> None:
    seen: set[int] = set()
    for axis in axes:
        if id(axis) in seen:
            raise CommandError(f"{axis.name} {why}")
        seen.add(id(axis))


def _real_targets(pairs: list[tuple[Movable, float]]) -> list[tuple[Movable, float]]:
    """Replace calculated axes by the real axes that they need, together for one controller.

    Each by itself would hold the others of its controller where they are.
    """
    plain: list[tuple[Movable, float]] = []
    groups: dict[int, tuple[Any, dict[str, float]]] = {}
    for axis, target in pairs:
        if _is_calculated(axis):
            controller = getattr(axis, "controller")  # noqa: B009  only calculated axes have one
            groups.setdefault(id(controller), (controller, {}))[1][axis.name] = target
        else:
            plain.append((axis, target))
    for controller, targets in groups.values():
        plain += controller.real_targets(targets).items()
    return plain


def _wait(
    statuses: list[Status], clock: Clock, on_poll: Callable[[], None] | None, poll: float
) -> None:
    if on_poll is None:
        for status in statuses:
            status.result()
        return
    due = clock.time() + poll
    for status in statuses:
        while not status.done():
            try:
                status.result(timeout=max(due - clock.time(), 0.0))
            except TimeoutError:
                if status.done():
                    break  # it failed, or ended just now: result() below tells which
                on_poll()
                due = clock.time() + poll
        status.result()
