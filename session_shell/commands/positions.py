"""Tell where axes are and how they do."""

from __future__ import annotations

import math
from typing import Any

from session_shell.commands import arguments as check
from session_shell.commands.tables import print_table
from session_shell.current import current_session
from session_shell.devices.protocols import Movable
from session_shell.devices.text import place
from session_shell.scanning.collect import read_positions


def wa() -> None:
    """Print where all axes are, in user and dial units.

    Example:
        ``wa()``
    """
    axes = current_session().host.axes()
    places = read_positions(axes)
    rows = [
        (axis.name, *_numbers(axis, p.user, p.dial), p.unit, p.error)
        for axis in axes
        if (p := places.get(axis.name)) is not None
    ]
    print_table(("axis", "user", "dial", "unit", ""), rows, right=(1, 2))


def wu() -> None:
    """Print where all axes are, in user units.

    Example:
        ``wu()``
    """
    axes = current_session().host.axes()
    places = read_positions(axes)
    rows = [
        (axis.name, *_numbers(axis, p.user), p.unit, p.error)
        for axis in axes
        if (p := places.get(axis.name)) is not None
    ]
    print_table(("axis", "user", "unit", ""), rows, right=(1,))


def wm(*axes: Any) -> None:
    """Print positions, limits and offset of some axes.

    Args:
        axes: Axes or their names; none: all.

    Example:
        ``wm(roby, robz)``
    """
    rows = []
    for axis in chosen_axes("wm", axes):
        here = read_positions([axis])[axis.name]
        low, high = getattr(axis, "limits", (-math.inf, math.inf))
        offset = getattr(axis, "offset", 0.0)
        numbers = _numbers(axis, here.user, low, high, here.dial, offset)
        rows.append((axis.name, *numbers, here.unit, here.error))
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
    rows = [(a.name, str(getattr(a, "state", "READY"))) for a in chosen_axes("stm", axes)]
    print_table(("axis", "state"), rows)


def lsmot() -> None:
    """Print the names of all axes with what they are.

    Example:
        ``lsmot()``
    """
    rows = [(a.name, a.unit, type(a).__name__) for a in current_session().host.axes()]
    print_table(("axis", "unit", "class"), rows)


def sync(*axes: Any) -> None:
    """Read positions anew from the hardware, for axes that keep them.

    Args:
        axes: Axes or their names; none: all.

    Example:
        ``sync(roby)``
    """
    for axis in chosen_axes("sync", axes):
        reader = getattr(axis, "sync_hard", None)
        if reader is not None:
            reader()


def chosen_axes(command: str, axes: tuple[Any, ...]) -> list[Movable]:
    """Return the axes that were named, all of the session when none was."""
    if not axes:
        return list(current_session().host.axes())
    return [check.axis(command, f"argument {n}", a) for n, a in enumerate(axes, start=1)]


def _numbers(axis: Any, *values: float) -> list[str]:
    digits = getattr(axis, "display_digits", None)
    return [place(value, digits) for value in values]
