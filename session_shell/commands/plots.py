"""Choose what is plotted, and plot it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from session_shell.commands import arguments as check
from session_shell.commands.saved import last_scan
from session_shell.commands.saved import scan as scan_by_number
from session_shell.current import current_session
from session_shell.devices.group import MeasurementGroup
from session_shell.devices.protocols import is_detector
from session_shell.errors import CommandError
from session_shell.scanning.results import ScanResults


def plotselect(*counters: Any) -> list[str]:
    """Choose the counters that are plotted, looked at for peaks, and shown first in the files.

    The first of them that takes part in a scan counts; those that do not are left out. The
    choice holds for the scans to come and is kept over restarts; `cen`, `plot` and the like use
    it for the last scan too.

    Args:
        counters: Counters, measurement groups, names, or patterns with ``*`` and ``?``; none:
            print what is chosen; None: choose nothing, each scan then shows its first counter.

    Returns:
        The names of what is chosen.

    Raises:
        CommandError: When there is no such counter.

    Example:
        ``plotselect(diode1, "diode*")``
    """
    session = current_session()
    if counters:
        nothing = len(counters) == 1 and counters[0] is None
        session.plot_selection = () if nothing else tuple(_names(counters))
    print("plotted: " + (", ".join(session.plot_selection) or "the first counter of each scan"))
    return list(session.plot_selection)


def live_plot(on: bool | None = None) -> None:
    """Plot every scan in the terminal, live while it runs and once more when it is over.

    Kept over restarts. Where the output is no terminal, a plain plot comes after each scan.

    Args:
        on: True or False; None tells what is set.

    Example:
        ``live_plot(True)``
    """
    host = current_session().host
    if on is not None:
        host.live_plot = check.flag("live_plot", "on", on)
    print("scans are plotted in the terminal" if host.live_plot else "scans are not plotted")


def plot(what: Any = None, *counters: Any, axis: Any = None, to: Any = None) -> Path | None:
    """Plot a scan; a mesh, spectra and images as an image.

    ``plot()`` plots the last scan in the terminal. ``plot(scan)`` opens a window with matplotlib
    where there is a display, and writes a PNG beside the file of the scan where there is none
    (``pip install session-shell[plot]``).

    Args:
        what: A scan or its number; or the first counter, then the last scan is meant.
        counters: Counters or their names; none: those chosen by `plotselect`, else the first.
        axis: What to plot over: an axis, or a column such as ``"elapsed_time"``; default the
            scanned axis.
        to: ``"terminal"``, ``"window"``, ``"file"`` (beside the scan), or the name of a picture.

    Returns:
        The picture that was written, if one was.

    Raises:
        CommandError: When there is no such scan or counter, no point, or no matplotlib.

    Example:
        ``ascan(roby, 0, 10, 20, 0.1, diode1); plot(diode1)``
    """
    chosen, wanted = chosen_scan("plot", what, counters)
    from session_shell.sinks.drawing import drawing_of

    drawing = drawing_of(chosen, wanted, axis, current_session().plot_selection)
    place = to
    if place is None:
        place = "terminal" if chosen is not what and not _is_number(what) else _graphic()
    if place == "terminal":
        from session_shell.sinks.plot import plot_text

        print(plot_text(drawing, sys.stdout))
        return None
    from session_shell.sinks import figure

    if place == "window" and figure.show(drawing):
        return None
    path = _picture(chosen, "file" if place == "window" else place)
    figure.save(drawing, path)
    print(f"plotted in {path}")
    return path


def chosen_scan(
    command: str, what: Any, counters: tuple[Any, ...]
) -> tuple[ScanResults, tuple[Any, ...]]:
    """Return the scan that a command means, and its counters."""
    if isinstance(what, ScanResults):
        return what, counters
    if _is_number(what):
        return scan_by_number(what), counters
    return last_scan(command), counters if what is None else (what, *counters)


def _is_number(what: Any) -> bool:
    return isinstance(what, (int, float)) and not isinstance(what, bool)


def _graphic() -> str:
    """Return where a scan is plotted when nothing is said: the best that there is."""
    from session_shell.sinks import figure

    if not figure.can_draw():
        print("(without matplotlib: pip install session-shell[plot] for windows and pictures)")
        return "terminal"
    return "window" if figure.has_display() else "file"


def _picture(scan: ScanResults, to: Any) -> Path:
    """Return the file of a picture."""
    if not isinstance(to, (str, Path)) or not str(to):
        raise CommandError(
            f'plot: to must be "terminal", "window", "file" or the name of a picture, got {to!r}'
        )
    if to != "file":
        path = Path(to).expanduser().absolute()
        return path if path.suffix else path.with_suffix(".png")
    file: Path | None = getattr(scan, "file", None)
    if file is None:
        raise CommandError(
            f"plot: {scan.title} is not saved, so there is no file to put a picture beside: "
            'name one with to="picture.png", or use to="terminal"'
        )
    number = getattr(scan, "number", 0)
    # The file of a master or of BLISS has several scans.
    own = str(number) in file.stem or f"{number:04d}" in file.stem
    return file.with_suffix(".png") if own else file.with_name(f"{file.stem}_{number}.png")


def _names(counters: Iterable[Any]) -> list[str]:
    """Return the names of the columns that were meant, each once."""
    found: dict[str, None] = {}
    for item in counters:
        if isinstance(item, (list, tuple)):
            found |= dict.fromkeys(_names(item))
        elif isinstance(item, str):
            found |= dict.fromkeys(_by_pattern(item))
        elif isinstance(item, MeasurementGroup):
            found |= dict.fromkeys(_names(item.active_counters))
        elif is_detector(item):
            found |= dict.fromkeys(_columns(item))
        else:
            raise CommandError(f"plotselect: {item!r} is no counter")
    return list(found)


def _columns(detector: Any) -> list[str]:
    names = [channel.name for channel in detector.channels if not channel.shape]
    if not names:
        raise CommandError(
            f"plotselect: {detector.name} gives arrays; choose a counter that gives a number"
        )
    return names


def _by_pattern(pattern: str) -> list[str]:
    session = current_session()
    device = session.namespace.get(pattern, session.devices.get(pattern))
    if isinstance(device, MeasurementGroup) or (device is not None and is_detector(device)):
        return _names([device])
    known = [
        channel.name
        for detector in session.devices.values()
        if is_detector(detector)
        for channel in detector.channels
        if not channel.shape
    ]
    # What only the last scan knows: counters that were made at the prompt, axes that were scanned.
    known += [name for scan in list(session.scans)[-1:] for name in scan.data]
    matching = [name for name in known if fnmatchcase(name, pattern)]
    if not matching:
        close = get_close_matches(pattern, known, n=1)
        hint = f", did you mean {close[0]!r}?" if close else "; lscnt() lists them"
        raise CommandError(f"plotselect: there is no counter {pattern!r}{hint}")
    return matching
