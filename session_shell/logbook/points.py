"""Points and plots of the scans of a logbook, from the files of the scans."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from session_shell.errors import SessionShellError
from session_shell.journal import JournalLog, journal_folder
from session_shell.journal.records import Note, Scan
from session_shell.sinks import number

if TYPE_CHECKING:
    from session_shell.sinks.drawing import Drawing

_log = logging.getLogger(__name__)

ROWS = (8, 4)
"""Points that are shown: the first and the last ones."""
_COLUMNS = 12
_PICTURE_BYTES = 20 * 2**20


@dataclass(frozen=True, slots=True)
class Points:
    """Some points of a scan as text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Those of the beginning and of the end."""
    left_out: int
    """Points between them."""
    gap: int
    """Rows before the gap."""


class Scans:
    """Reads the scans of a session, as far as their files are there.

    Args:
        log: The session.
        data: Where the data are now; default beside the journal, else where they were.
    """

    def __init__(self, log: JournalLog, data: Path | None = None) -> None:
        self._journal = log.path
        self._data = data or _data_of(log)
        self._last: tuple[str, Any] = ("", None)

    def points(self, scan: Scan) -> Points | None:
        """Return a few points of a scan, None when its file is not there."""
        saved = self._open(scan)
        if saved is None:
            return None
        try:
            return _points(saved.data)
        except (SessionShellError, OSError, KeyError, ValueError) as error:
            _log.warning("scan %s: its points cannot be read: %s", scan.scan, error)
            return None

    def picture(self, scan: Scan) -> bytes | None:
        """Return a plot as PNG, None when there is nothing to draw or nothing to draw with."""
        from session_shell.sinks import figure

        drawing = self._drawing(scan) if figure.can_draw() else None
        if drawing is None:
            return None
        with tempfile.TemporaryDirectory(prefix="session-shell-") as folder:
            path = Path(folder) / "plot.png"
            figure.save(drawing, path)
            return path.read_bytes()

    def drawing_text(self, scan: Scan) -> str:
        """Return a plot in characters, empty when there is nothing to draw."""
        drawing = self._drawing(scan)
        if drawing is None:
            return ""
        from io import StringIO

        from session_shell.sinks.plot import plot_text

        return plot_text(drawing, StringIO())

    def note_picture(self, note: Note) -> bytes | None:
        """Return the picture of a note, None when it is not there or not in its folder."""
        folder = self._journal.with_suffix("")
        path = Path(os.path.normpath(folder.parent / note.file))
        if not note.file or not path.is_relative_to(folder) or path.is_symlink():
            return None
        try:
            if path.stat().st_size > _PICTURE_BYTES:
                return None
            content = path.read_bytes()
        except OSError:
            return None
        return content if content.startswith(b"\x89PNG") else None

    def _drawing(self, scan: Scan) -> Drawing | None:
        saved = self._open(scan) if scan.points > 1 else None
        if saved is None:
            return None
        from session_shell.sinks.drawing import drawing_of

        try:
            return drawing_of(saved)
        except (SessionShellError, OSError, KeyError, ValueError) as error:
            _log.warning("scan %s: cannot be plotted: %s", scan.scan, error)
            return None

    def _open(self, scan: Scan) -> Any:
        if not scan.file:
            return None
        if self._last[0] == scan.uid:
            return self._last[1]
        self._last = (scan.uid, self._found(scan))
        return self._last[1]

    def _found(self, scan: Scan) -> Any:
        path = self._data / scan.file
        if not path.is_file():
            return None
        from session_shell.nexus import open_scan

        try:
            return open_scan(path, scan.scan)
        except (SessionShellError, OSError) as error:
            _log.warning("scan %s: %s", scan.scan, error)
            return None


def _data_of(log: JournalLog) -> Path:
    there = log.path.parent.parent.parent
    return there if journal_folder(there) == log.path.parent else Path(log.opened.data)


def _points(data: Any) -> Points:
    channels = [c for c in data.channels if not c.shape and c.name != "epoch"][:_COLUMNS]
    names = tuple(f"{c.name} [{c.unit}]" if c.unit else c.name for c in channels)
    columns = [data[c.name] for c in channels]
    total = min(map(len, columns), default=0)
    head, tail = ROWS
    whole = total <= head + tail + 1
    wanted = range(total) if whole else (*range(head), *range(total - tail, total))
    rows = tuple(
        (str(index), *(number(column[index].item()).strip() for column in columns))
        for index in wanted
    )
    left_out = 0 if whole else total - head - tail
    return Points(("#", *names), rows, left_out, len(rows) if whole else head)
