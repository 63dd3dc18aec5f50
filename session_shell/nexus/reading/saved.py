"""A scan of an earlier day, from its file, with the face of a live one."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from session_shell.current import current_session
from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError, ScanError, SessionShellError
from session_shell.nexus.disk.running import is_being_written
from session_shell.nexus.reading.afterwards import add_comment
from session_shell.nexus.reading.listing import scan_files
from session_shell.nexus.reading.reader import (
    StoredRows,
    choose_entry,
    count_rows,
    entry_of,
    link_of,
    linked_file,
    read_channels,
    read_seconds,
    retried,
    stored,
    text,
    texts,
    value,
    whole,
)
from session_shell.nexus.reading.saved_info import read_info, read_parameters
from session_shell.scanning.columns import Columns, StoredArray
from session_shell.scanning.documents import Comment, EndReason
from session_shell.scanning.layout import Layout
from session_shell.scanning.results import ScanResults
from session_shell.scanning.scan import checked_comment

_WORDS = 4096
"""Characters of a title that are looked through for names and numbers."""
_DIMENSIONS = 32
"""Axes of a shape at most: those of an array."""


def open_scan(path: Path | str, number: int | str | None = None) -> SavedScan:
    """Open a saved scan; nothing but its header is read until it is asked for.

    Args:
        path: Scan file, master file, a file of BLISS, or a folder of scans.
        number: Scan number, needed where there are several; ``"3.2"`` names an entry exactly.

    Returns:
        The scan, with ``.number .title .state .file .info .data .end_reason`` and the peak methods
        of a live one; it may still be running.

    Raises:
        CommandError: When there is no such scan.
        ScanError: When the file cannot be read.

    Example:
        ``open_scan("data/demo/scan_0012.h5").data["diode"]``
    """
    if number is not None and (isinstance(number, bool) or not isinstance(number, (int, str))):
        raise CommandError(f"open_scan: number must be a whole number, got {number!r}")
    if not isinstance(path, (str, Path)):
        raise CommandError(f"open_scan: path must be a file or a folder, got {path!r}")
    file = Path(path).expanduser().absolute()
    if file.is_dir():
        return _in_folder(file, number)
    return SavedScan(*_found(file, number))


def _in_folder(folder: Path, wanted: int | str | None) -> SavedScan:
    if wanted is None:
        raise CommandError(f"open_scan: which scan of {folder}? open_scan(folder, 12)")
    for path in scan_files(folder):
        try:
            return SavedScan(*_found(path, wanted))
        except (CommandError, ScanError):
            continue  # another scan, or a link to a file that is gone
    raise CommandError(f"open_scan: there is no scan {wanted} in {folder}")


def _found(path: Path, wanted: int | str | None) -> tuple[Path, str]:
    """Return where the entry of a scan is: a master file links to the file of each."""
    entry = retried(path, lambda f: choose_entry(f, path, wanted))
    link = retried(path, lambda f: link_of(f, entry))
    if isinstance(link, h5py.ExternalLink):
        return linked_file(path, link), str(link.path).strip("/")
    return path, entry


class SavedData(Columns):
    """The columns of a saved scan, read when they are asked for."""

    def __init__(self, rows: StoredRows, channels: tuple[Channel, ...]) -> None:
        self._source = rows
        self._channels = channels

    @property
    def channels(self) -> Sequence[Channel]:
        """The columns, in their order."""
        return self._channels

    @property
    def npoints(self) -> int:
        """Number of points in the file now."""
        return self._source.rows()

    def values_of(self, channel: Channel) -> Any:
        """Return a column: numbers as an array, spectra and images as a `StoredArray`."""
        count = self.npoints
        if not channel.shape:
            return self._source.read(channel.name, 0, count)

        def read(first: int, last: int) -> Any:
            return self._source.read(channel.name, first, last)

        return StoredArray((count, *channel.shape), channel.dtype, read)


class SavedScan(ScanResults):
    """A scan from its file: what a live scan tells, lazily.

    Attributes:
        file: The file.
        entry: Name of the entry in it.
        number: Scan number.
        type: Family, for example ``ascan``.
        npoints: Number of points asked for; 0 is endless. ``data.npoints`` were taken.
        start_time: Seconds since the epoch.
    """

    def __init__(self, file: Path, entry: str) -> None:
        self.file = file
        self.entry = entry
        self.rows = StoredRows(file, entry)
        self._info: dict[str, Any] | None = None
        self._read_header()

    def _read_header(self) -> None:
        header = retried(self.file, lambda f: _header(entry_of(f, self.entry)))
        self.number: int = header["number"] or int(self.entry.split(".")[0])
        self.type: str = header["type"]
        self.name: str = header["name"] or self.type
        self.npoints: int = header["npoints"]
        self.start_time: float | None = header["start_time"]
        self._title: str = header["title"]
        self._layout: Layout = header["layout"]
        self.data: SavedData = SavedData(self.rows, header["channels"])

    @property
    def title(self) -> str:
        """The scan in the field's words."""
        return self._title

    @property
    def layout(self) -> Layout:
        """Axes and shape."""
        return self._layout

    @property
    def state(self) -> str:
        """``DONE``, ``RUNNING``, or ``CRASHED``: no end and nobody writes it any more."""
        if self.end_time is not None:
            return "DONE"
        # Nobody knows who writes the files of other programs.
        if is_being_written(self.file) or self._value("program_name") != "session-shell":
            return "RUNNING"
        ended = self._value("end_time") is not None  # between the two looks
        return "DONE" if ended else "CRASHED"

    @property
    def end_time(self) -> float | None:
        """Seconds since the epoch; None while it has no end."""
        return retried(self.file, lambda f: read_seconds(entry_of(f, self.entry), "end_time"))

    @property
    def end_reason(self) -> EndReason | str | None:
        """Why it is over; None while it has no end."""
        found = self._value("end_reason")
        try:
            return EndReason(found) if found is not None else None
        except ValueError:
            return str(found)

    @property
    def error(self) -> str | None:
        """What went wrong, in one line."""
        found = self._value("scan/error")
        return None if found is None else str(found)

    @property
    def duration(self) -> float:
        """Seconds from start to end; while it has no end, to its last point."""
        if self.start_time is None:
            return 0.0
        if self.end_time is not None:
            return self.end_time - self.start_time
        elapsed = self.data["elapsed_time"] if "elapsed_time" in self.data else np.empty(0)
        return float(elapsed[-1]) if len(elapsed) else 0.0

    @property
    def comments(self) -> list[Comment]:
        """Remarks of the user, in order."""
        return retried(self.file, lambda f: read_comments(entry_of(f, self.entry)))

    @property
    def sequences(self) -> list[str]:
        """The uids of the sequences that it is a part of."""
        return retried(self.file, lambda f: texts(entry_of(f, self.entry), "scan/sequences"))

    def add_comment(self, text: str) -> None:
        """Add a remark, saved with its time in the file.

        Args:
            text: The remark.

        Raises:
            CommandError: When there is no text.
            ScanError: When the scan still runs, has crashed, or is of another program.

        Example:
            ``scan(12).add_comment("sample was upside down")``
        """
        add_comment(self.file, self.entry, Comment(_now(), checked_comment(text)))

    @property
    def info(self) -> dict[str, Any]:
        """Metadata as the live scan had it, ``name@units`` for attributes."""
        if self._info is None:
            info = retried(self.file, lambda f: read_info(entry_of(f, self.entry)))
            if self.end_time is None:
                return info  # the end will bring more
            self._info = info
        return self._info

    @property
    def scan_info(self) -> dict[str, Any]:
        """Merged metadata: another word for `info`."""
        return self.info

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """What was asked for: ``scan_parameters`` of the file."""
        return retried(self.file, lambda f: read_parameters(entry_of(f, self.entry)))

    def __info__(self) -> str:
        """Describe the scan for the prompt."""
        return repr(self)

    def __repr__(self) -> str:
        points = f"{self.data.npoints} of {self.npoints or 'endless'} points"
        outcome = self.end_reason or "not ended"
        return f"<Scan {self.number}: {self.title}, {outcome}, {points}, {self.file}>"

    def _value(self, path: str) -> Any:
        return retried(self.file, lambda f: value(entry_of(f, self.entry), path))


def _now() -> float:
    """Return the time of the session, which may be a virtual one; without a session that of now."""
    try:
        return float(current_session().clock.time())
    except SessionShellError:
        return time.time()


def _header(entry: Any) -> dict[str, Any]:
    channels = read_channels(entry)
    title = str(value(entry, "title") or "")
    words = title[:_WORDS]
    kind = str(value(entry, "scan/type") or "") or (words.split() or [""])[0]
    asked = whole(entry, "scan/npoints")
    if asked is None:
        asked = whole(entry, "scan_parameters/npoints")
    layout = _layout(entry, channels, words, kind)
    return {
        "number": whole(entry, "scan/number") or 0,
        "type": kind,
        "name": str(value(entry, "scan/name") or ""),
        "npoints": count_rows(entry) if asked is None else asked,
        "start_time": read_seconds(entry, "start_time"),
        "title": title or kind,
        "layout": layout,
        "channels": channels,
    }


def _layout(entry: Any, channels: tuple[Channel, ...], title: str, kind: str) -> Layout:
    present = [c.name for c in channels]
    axes = [name for name in texts(entry, "scan/axes") if name in present]
    axes = axes or _axes_of_title(channels, title, kind)
    shape = _shape(entry, title, kind)
    plot = [name for name in texts(entry, "scan/plot") if name in present]
    backnforth = value(entry, "scan/backnforth") or value(entry, "scan_parameters/backnforth")
    grid = _grid(entry, len(shape)) if len(shape) > 1 else ()
    return Layout(tuple(axes), shape, grid, bool(backnforth), tuple(plot))


def _axes_of_title(channels: tuple[Channel, ...], title: str, kind: str) -> list[str]:
    """Return the axes in the order of the title, which has the fast axis of a mesh first."""
    words = title.split()
    names = [c.name for c in channels if c.kind == "axis"]
    names.sort(key=lambda name: words.index(name) if name in words else len(words))
    return names[::-1] if "mesh" in kind else names


def _shape(entry: Any, title: str, kind: str) -> tuple[int, ...]:
    numbers = _whole_numbers(entry.get("scan/shape"))
    if numbers:
        return numbers
    words = title.split()
    if kind in ("amesh", "dmesh") and len(words) >= 9 and words[4].isdigit() and words[8].isdigit():
        return (int(words[8]) + 1, int(words[4]) + 1)
    return (count_rows(entry),)


def _whole_numbers(node: Any) -> tuple[int, ...]:
    """Return the numbers of points of a shape; empty when they are none."""
    if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "iuf":
        return ()
    numbers = np.ravel(stored(node)) if node.size else np.empty(0)
    good = len(numbers) <= _DIMENSIONS and bool(np.isfinite(numbers).all())
    return tuple(int(n) for n in numbers) if good and min(numbers, default=-1) >= 0 else ()


def _grid(entry: Any, dimensions: int) -> tuple[tuple[float, ...], ...]:
    lines = [entry.get(f"scan/grid_{dimension}") for dimension in range(dimensions)]
    if all(isinstance(node, h5py.Dataset) for node in lines):
        grid = [np.ravel(stored(node)) for node in lines]
        return tuple(tuple(line.tolist()) for line in grid) if _are_numbers(grid) else ()
    plot = entry.get("plot")
    names = [text(n) for n in np.ravel(plot.attrs.get("axes", []))] if plot is not None else []
    if len(names) != dimensions or any(name not in plot for name in names):
        return ()
    grid = [np.ravel(stored(plot[name])) for name in names]
    return tuple(tuple(map(float, line)) for line in grid) if _are_numbers(grid) else ()


def _are_numbers(arrays: list[Any]) -> bool:
    return all(array.dtype.kind in "biuf" for array in arrays)


def read_comments(entry: Any) -> list[Comment]:
    """Return the remarks of an entry, in order."""
    group = entry.get("comments")
    if not isinstance(group, h5py.Group):
        return []
    notes = [group[name] for name in sorted(group, key=lambda name: (len(name), text(name)))]
    return [
        Comment(_or_nan(read_seconds(note, "date")), str(value(note, "data") or ""))
        for note in notes
        if isinstance(note, h5py.Group)
    ]


def _or_nan(seconds: float | None) -> float:
    return math.nan if seconds is None else seconds
