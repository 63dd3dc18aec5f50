"""Scans of earlier, from their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from session_shell.commands import arguments as check
from session_shell.current import current_session
from session_shell.errors import CommandError
from session_shell.paths import is_there
from session_shell.scanning.results import ScanResults

_LOOKED_AT = 50
"""Files of earlier runs that are looked at for the last scan of a kind."""


def scan(number: int = -1) -> ScanResults:
    """Return a scan by its number in the folder of SCAN_SAVING, also one of an earlier session.

    Args:
        number: Scan number; -1 is the last scan, -2 the one before, ...

    Returns:
        The scan: ``.title .info .data .end_reason .cen()`` and so on. One of an earlier session
        reads from its file what it is asked for.

    Raises:
        CommandError: When there is no such scan.
        ScanError: When its file cannot be read.

    Example:
        ``loopscan(10, 0.1, diode3); scan(1).data["diode3"]``
    """
    whole = _number(number)
    session = current_session()
    recent: list[ScanResults] = list(session.scans)
    if whole < 0 and -whole <= len(recent):
        return recent[whole]
    folder, filename = session.saving.folder, session.saving.scan_filename()
    from session_shell.nexus import last_number
    from session_shell.nexus import open_scan as open_file

    last = last_number(folder, filename)
    if whole < 0 and not recent:
        whole += last + 1
    for one in reversed(recent):
        file = getattr(one, "file", None)
        if getattr(one, "number", 0) == whole and file is not None and file.parent == folder:
            return one
    path = folder / filename(whole) if whole > 0 else folder
    if whole > 0 and is_there(path):
        return open_file(path, whole)
    if whole > 0 and is_there(session.saving.master):
        return open_file(session.saving.master, whole)
    there = f"the last one there is {last}" if last else "there is none yet"
    raise CommandError(f"scan: there is no scan {number} in {folder}; {there}")


def last_scan(command: str) -> ScanResults:
    """Return the last scan for a command: no `ct`, of a sequence its last member.

    When this run of the session has none, it is that of an earlier run.

    Raises:
        CommandError: When there is none.
    """
    return _last(command, lambda scan: scan.type != "ct", "no scan")


def scan_with_axis(command: str, axis: object = None) -> ScanResults:
    """Return the last scan that has an axis; one over time where `axis` names another column.

    Raises:
        CommandError: When there is none.
    """
    if axis is not None:
        return last_scan(command)
    return _last(command, lambda scan: bool(scan.layout.axes), "no scan with an axis")


def _last(command: str, fits: Callable[[Any], bool], missing: str) -> ScanResults:
    session = current_session()
    for one in reversed(session.scans):
        if one.plan.shown and fits(one):
            found: ScanResults = one
            return found
    from session_shell.nexus import last_number
    from session_shell.nexus import open_scan as open_file

    folder, filename = session.saving.folder, session.saving.scan_filename()
    there = {one.file for one in session.scans}
    last = last_number(folder, filename)
    for number in range(last, max(last - _LOOKED_AT, 0), -1):
        path = folder / filename(number)
        if path in there or not is_there(path):
            continue
        saved = open_file(path, number)
        if saved.data.npoints and fits(saved):
            return saved
    raise CommandError(f"{command}: there is {missing} yet")


def open_scan(path: str | Path, number: int | str | None = None) -> Any:
    """Open a saved scan from any file; nothing but its header is read until it is asked for.

    Args:
        path: Scan file, master file, a file of BLISS, or a folder of scans.
        number: Scan number, needed where there are several; ``"3.2"`` names an entry exactly.

    Returns:
        The scan, as `scan` returns it; it may still be running in another session.

    Raises:
        CommandError: When there is no such scan.
        ScanError: When the file cannot be read.

    Example:
        ``loopscan(10, 0.1, diode3); open_scan(SCAN_SAVING.filename, 1).title``
    """
    from session_shell.nexus import open_scan as open_file

    return open_file(path, number)


def _number(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return value
    return check.whole("scan", "number", value, 1)
