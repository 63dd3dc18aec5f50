"""Find peaks in the last scan, and go there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from session_shell.commands import arguments as check
from session_shell.commands.motion import umv
from session_shell.commands.saved import scan_with_axis
from session_shell.current import current_session
from session_shell.devices.protocols import Movable
from session_shell.errors import CommandError
from session_shell.scanning.fitting import Fit
from session_shell.scanning.results import Found, ScanResults


def cen(counter: Any = None, axis: Any = None) -> Found:
    """Return the centre of the full width at half maximum in the last scan.

    A dip is measured like a peak; of an edge it is the position where half of it is crossed.

    Args:
        counter: Counter or its name; default the first one chosen by `plotselect`, else the only
            counter of the scan.
        axis: Axis, its name, or another column of the scan (``"elapsed_time"``); default the
            scanned axis.

    Returns:
        A position in the unit of the axis; for axes that moved together (a2scan, ...) a dict
        from the name of each to its position.

    Raises:
        CommandError: When there is no scan with an axis, no points, no peak, several counters of
            which none is chosen, or when it is a mesh.

    Example:
        ``cen(diode1)``
    """
    return _found("cen", counter, axis)[1]


def com(counter: Any = None, axis: Any = None) -> Found:
    """Return the centre of mass in the last scan, of what is above its lowest value.

    Args:
        counter: As for `cen`.
        axis: As for `cen`.

    Returns:
        As `cen`.

    Example:
        ``com(diode1)``
    """
    return _found("com", counter, axis)[1]


def peak(counter: Any = None, axis: Any = None) -> Found:
    """Return the position of the highest value in the last scan; of a mesh, for each axis.

    Args:
        counter: As for `cen`.
        axis: As for `cen`.

    Returns:
        As `cen`; of a mesh a dict from the name of each axis to its position.

    Example:
        ``peak(diode1)``
    """
    return _found("peak", counter, axis)[1]


def trough(counter: Any = None, axis: Any = None) -> Found:
    """Return the position of the lowest value in the last scan; of a mesh, for each axis.

    Args:
        counter: As for `cen`.
        axis: As for `cen`.

    Returns:
        As `peak`.

    Example:
        ``trough(diode1)``
    """
    return _found("trough", counter, axis)[1]


def fwhm(counter: Any = None, axis: Any = None) -> Found:
    """Return the full width at half maximum in the last scan.

    Of an edge it is the width of the Gaussian beam that the edge cuts: from 12 % to 88 %.

    Args:
        counter: As for `cen`.
        axis: As for `cen`.

    Returns:
        A width in the unit of the axis; for axes that moved together a dict by name.

    Raises:
        CommandError: As `cen`.

    Example:
        ``fwhm(diode1)``
    """
    return _found("fwhm", counter, axis)[1]


def find_position(f: Callable[[Any, Any], float], counter: Any = None, axis: Any = None) -> Found:
    """Return the position that a function of yours finds in the last scan.

    Args:
        f: Takes positions (rising) and values, arrays of shape (npoints,); returns a position.
        counter: As for `cen`.
        axis: As for `cen`.

    Returns:
        As `cen`.

    Example:
        ``find_position(lambda x, y: x[y > y.mean()].mean(), diode1)``
    """
    _check_function("find_position", f)
    return _found("find_position", counter, axis, f)[1]


def fit(model: str = "gaussian", counter: Any = None, axis: Any = None) -> Fit:
    """Fit a peak or an edge of the last scan; needs ``pip install session-shell[fit]``.

    Args:
        model: ``gaussian``, ``lorentzian``, ``voigt`` (pseudo-Voigt) or ``erf`` (an edge), each
            on a constant background.
        counter: As for `cen`.
        axis: As for `cen`.

    Returns:
        The fit: ``.center .fwhm .height .background``, one standard error of each in ``.errors``,
        ``.best(x)`` for the curve, ``.result`` for all that lmfit knows.

    Raises:
        CommandError: When lmfit is missing, or the points are too few.

    Example:
        ``fit("gaussian", diode1)``
    """
    scan = scan_with_axis("fit", axis)
    chosen = _counter("fit", scan, counter)
    return scan.fit(check.text("fit", "model", model), chosen, axis)


def goto_cen(counter: Any = None, axis: Any = None) -> None:
    """Move the axis of the last scan to `cen`; axes that moved together, all of them.

    Args:
        counter: As for `cen`.
        axis: Axis to look along and to move; default the scanned axis.

    Raises:
        CommandError: As `cen`.
        LimitError: When the position is outside the limits; nothing moves then.

    Example:
        ``goto_cen(diode1)``
    """
    _go("goto_cen", _found("cen", counter, axis), axis)


def goto_com(counter: Any = None, axis: Any = None) -> None:
    """Move the axis of the last scan to `com`. See `goto_cen`.

    Args:
        counter: As for `cen`.
        axis: As for `goto_cen`.

    Example:
        ``goto_com(diode1)``
    """
    _go("goto_com", _found("com", counter, axis), axis)


def goto_peak(counter: Any = None, axis: Any = None) -> None:
    """Move the axis of the last scan to `peak`; after a mesh, all its axes. See `goto_cen`.

    Args:
        counter: As for `cen`.
        axis: As for `goto_cen`.

    Example:
        ``goto_peak(diode1)``
    """
    _go("goto_peak", _found("peak", counter, axis), axis)


def goto_min(counter: Any = None, axis: Any = None) -> None:
    """Move the axis of the last scan to `trough`; after a mesh, all its axes. See `goto_cen`.

    Args:
        counter: As for `cen`.
        axis: As for `goto_cen`.

    Example:
        ``goto_min(diode1)``
    """
    _go("goto_min", _found("trough", counter, axis), axis)


def goto_custom(f: Callable[[Any, Any], float], counter: Any = None, axis: Any = None) -> None:
    """Move the axis of the last scan to what a function of yours finds. See `goto_cen`.

    Args:
        f: As for `find_position`.
        counter: As for `cen`.
        axis: As for `goto_cen`.

    Example:
        ``goto_custom(lambda x, y: x[y > y.mean()].mean(), diode1)``
    """
    _check_function("goto_custom", f)
    _go("goto_custom", _found("find_position", counter, axis, f), axis)


def _found(command: str, counter: Any, axis: Any, *function: Any) -> tuple[ScanResults, Found]:
    """Look in the last scan that has an axis, and say where; return the scan and what was found."""
    scan = scan_with_axis(command, axis)
    chosen = _counter(command, scan, counter)
    found: Found = getattr(scan, command)(*function, chosen, axis)
    along = scan.data.key(axis) if axis is not None else ", ".join(scan.layout.axes)
    print(f"{command} of {scan.data.key(chosen)} along {along} in {_named(scan)}")
    return scan, found


def _counter(command: str, scan: ScanResults, counter: Any) -> Any:
    if counter is not None:
        return counter
    return scan.peak_signal(command, None, current_session().plot_selection).name


def _named(scan: ScanResults) -> str:
    number = getattr(scan, "number", 0)
    return f"scan {number} ({scan.title})" if number else scan.title


def _check_function(command: str, f: Any) -> None:
    if not callable(f):
        raise CommandError(f"{command}: expected a function of positions and values, got {f!r}")


def _go(command: str, found: tuple[ScanResults, Found], axis: Any) -> None:
    """Move the axes to what was found, saying from where to where."""
    scan, place = found
    if isinstance(place, dict):
        places = place
    else:
        places = {scan.data.key(axis) if axis is not None else scan.layout.axes[0]: place}
    pairs = [(_axis(command, scan, name), position) for name, position in places.items()]
    for mover, position in pairs:
        print(f"{mover.name}: {_shown(mover.position)} -> {_shown(position)} {mover.unit}".rstrip())
    umv(*(item for pair in pairs for item in pair))


def _axis(command: str, scan: ScanResults, name: str) -> Movable:
    """Return the axis of a column; that of the scan even when another took its name since."""
    plan = getattr(scan, "plan", None)
    for mover in plan.trajectory.axes if plan is not None else ():
        if mover.name == name:
            axis: Movable = mover
            return axis
    return check.axis(command, "what is moved", name)


def _shown(position: float) -> str:
    return f"{position:.6g}" if math.isfinite(position) else str(position)
