"""Several scans under one title."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from session_shell.commands.arguments import text
from session_shell.current import current_session
from session_shell.errors import CommandError
from session_shell.scanning.scan import Scan, ScanState
from session_shell.scanning.sequence import ScanSequence


def sequence(title: str, scan_info: Mapping[str, Any] | None = None) -> ScanSequence:
    """Group the scans of a ``with`` block; in the files it is an entry with links to each.

    Args:
        title: What the sequence is for.
        scan_info: Metadata of the sequence.

    Returns:
        The sequence: ``seq.add(scan)`` adds a scan, and runs one made with ``run=False``.

    Example::

        with sequence("two heights") as seq:
            for z in (0, 1):
                umv(sz, z)
                seq.add(ascan(sy, -1, 1, 20, 0.1, diode, run=False))
    """
    host = current_session().host
    return ScanSequence(text("sequence", "title", title), host, scan_info)


def group(*scans: Any, title: str = "group of scans") -> Scan:
    """Group scans that were made already: an entry of its own with links to each.

    Args:
        scans: Scans, for example ``SCANS[-2]``.
        title: What they have in common.

    Returns:
        The scan of the group.

    Example:
        ``group(SCANS[-2], SCANS[-1], title="before and after")``
    """
    if not scans:
        raise CommandError("group: expected at least one scan")
    for scan in scans:
        if not isinstance(scan, Scan) or scan.state is not ScanState.DONE:
            raise CommandError(f"group: expected scans that are over, got {scan!r}")
    session = current_session()
    grouped = ScanSequence(text("group", "title", title), session.host, kind="group")
    with grouped:
        for scan in scans:
            grouped.add(scan)
    return grouped.scan
