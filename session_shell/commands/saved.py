"""Scans of earlier, from their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from session_shell.commands import arguments as check
from session_shell.current import current_session
from session_shell.errors import CommandError
from session_shell.scanning.results import ScanResults


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
    if whole > 0 and path.exists():
        return open_file(path, whole)
    if whole > 0 and session.saving.master.exists():
        return open_file(session.saving.master, whole)
    there = f"the last one there is {last}" if last else "there is none yet"
    raise CommandError(f"scan: there is no scan {number} in {folder}; {there}")


def last_scan(command: str) -> ScanResults:
    """Return the last scan of the session, for a command; of a sequence its last member.

    Raises:
        CommandError: When there is none.
    """
    for one in reversed(current_session().scans):
        if one.plan.shown:
            found: ScanResults = one
            return found
    raise CommandError(f"{command}: there is no scan yet")


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
