"""Choose what is plotted, and plot it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from session_shell.current import current_session
from session_shell.devices.group import MeasurementGroup
from session_shell.devices.protocols import is_detector
from session_shell.errors import CommandError


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
        session.plot_selection = () if counters == (None,) else tuple(_names(counters))
    print("plotted: " + (", ".join(session.plot_selection) or "the first counter of each scan"))
    return list(session.plot_selection)


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
