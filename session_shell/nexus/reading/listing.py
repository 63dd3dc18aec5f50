"""The scans that there are in a file, a master file or a folder, and a glance at each.

A glance opens one file and reads half a dozen values, about a millisecond: thousands of scans
are listed in seconds, also over links of a master file.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py

from session_shell.errors import ScanError
from session_shell.nexus.disk.files import is_device
from session_shell.nexus.disk.running import is_being_written
from session_shell.nexus.reading.reader import (
    count_rows,
    entry_names,
    entry_of,
    is_ours,
    link_of,
    linked_file,
    natural,
    read_seconds,
    retried,
    value,
    whole,
)

_SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".nx", ".nx5", ".nexus")
_TITLE = 1000
"""Characters of a title that a list may need."""

RUNNING, CRASHED, NO_END = "RUNNING", "CRASHED", "no end"
"""Outcomes of scans that have no end; the last is said of files of others, which tell no more."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scan is: its file and the name of its entry there."""

    file: Path
    entry: str
    alias: str = ""
    """Name of the link that leads there, when it is another one."""
    problem: str = ""
    """Why the scans of the file are not known."""

    @property
    def name(self) -> str:
        """Name in the file that was asked."""
        return self.alias or self.entry

    @property
    def label(self) -> str:
        """Number as people say it: ``12``, or ``12.2`` for a further part of a scan."""
        return self.name.removesuffix(".1")


@dataclass(frozen=True, slots=True)
class Glance:
    """What a list says of a scan."""

    place: Place
    title: str = ""
    start: float | None = None
    """Seconds since the epoch."""
    duration: float | None = None
    """Seconds; None while it has no end."""
    points: int = 0
    asked: int | None = None
    """Points that were asked for, 0 when it was endless; None when the file does not say."""
    outcome: str = ""
    problem: str = ""
    """Why nothing is known of it."""


def scan_files(folder: Path) -> list[Path]:
    """Return the files of a folder that may hold scans, in the order of their numbers.

    Raises:
        ScanError: When the folder cannot be read.
    """
    try:
        names = [name for name in os.listdir(folder) if is_scan_file(name)]  # noqa: PTH208
    except OSError as error:
        raise ScanError(f"{folder}: {error.strerror or error}") from error
    return [folder / name for name in sorted(names, key=natural)]


def is_scan_file(name: str) -> bool:
    """Tell whether a file may hold scans, by its name."""
    return not name.startswith(".") and name.lower().endswith(_SUFFIXES)


def places(path: Path) -> list[Place]:
    """Return the scans of a file by number; the links of a master file lead to other files.

    Raises:
        ScanError: When the file cannot be read.
    """
    check_file(path)
    return retried(path, lambda file: _places(file, path))


def check_file(path: Path) -> None:
    """Say at once what is wrong with a file that cannot hold a scan.

    Raises:
        ScanError: When it is not there, empty, or a pipe.
    """
    try:
        empty = path.stat().st_size == 0
    except OSError as error:
        raise ScanError(f"{path}: {error.strerror or error}") from error
    if is_device(path):
        raise ScanError(f"{path}: is a pipe or a device, not a regular file")
    if empty and path.is_file():
        raise ScanError(f"{path}: is empty, there is no scan in it")


def _places(file: Any, path: Path) -> list[Place]:
    found = []
    for name in entry_names(file):
        link = link_of(file, name)
        if isinstance(link, h5py.ExternalLink):
            entry = str(link.path).strip("/")
            found.append(Place(linked_file(path, link), entry, "" if name == entry else name))
        else:
            found.append(Place(path, name))
    return found


def own_places(path: Path) -> list[Place]:
    """Return the scans that are in a file itself; none when it cannot be read."""
    return [place for place in _own_or_problem(path) if not place.problem]


def _own_or_problem(path: Path) -> list[Place]:
    """Return the scans that are in a file itself, or one place that says why it has none."""
    try:
        return [place for place in places(path) if place.file == path]
    except ScanError as error:
        return [Place(path, "", problem=str(error).removeprefix(f"{path}: "))]


def glance(place: Place) -> Glance:
    """Look at a scan; what is wrong with its file is told, not raised."""
    if place.problem:
        return Glance(place, problem=place.problem)
    try:
        check_file(place.file)
        found = retried(place.file, lambda file: _glance(entry_of(file, place.entry), place))
    except ScanError as error:
        return Glance(place, problem=str(error).removeprefix(f"{place.file}: "))
    if found.outcome == RUNNING:
        # Asked when the file is closed again: it takes a lock of its own.
        return replace(found, outcome=outcome_without_end(place.file, ours=True))
    return found


def _glance(entry: Any, place: Place) -> Glance:
    begun, ended = (read_seconds(entry, f"{which}_time") for which in ("start", "end"))
    over = "end_time" in entry
    acquired = whole(entry, "scan/npoints_acquired") if over else None
    return Glance(
        place,
        title=str(value(entry, "title") or "")[:_TITLE],
        start=begun,
        duration=None if begun is None or ended is None else ended - begun,
        points=count_rows(entry) if acquired is None else acquired,
        asked=whole(entry, "scan/npoints"),
        outcome=outcome_of(entry),
    )


def outcome_of(entry: Any) -> str:
    """Return what an entry tells of its outcome; `outcome_without_end` knows more of RUNNING."""
    if "end_time" in entry:
        return str(value(entry, "end_reason") or "DONE")
    return RUNNING if is_ours(entry) else NO_END


def outcome_without_end(path: Path, *, ours: bool) -> str:
    """Return what is to be said of a scan that has no end."""
    if not ours:
        return NO_END
    return RUNNING if is_being_written(path) else CRASHED


def last_scans(folder: Path, limit: int | None = None) -> tuple[list[Place], int]:
    """Return the last scans in the files of a folder, and how many files were not looked at.

    Args:
        folder: A folder of scan files; what a master file links to is found by itself.
        limit: As many scans at most, those with the highest numbers; None: all.

    Raises:
        ScanError: When the folder cannot be read.
    """
    files = scan_files(folder)
    found: list[list[Place]] = []
    count = 0
    while files and (limit is None or count < limit):
        found.append(_own_or_problem(files.pop()))
        count += len(found[-1])
    together = list(itertools.chain.from_iterable(reversed(found)))
    return together if limit is None else together[-limit:], len(files)


def holds_scans(folder: Path) -> bool:
    """Tell whether a folder is one of scans: other programs keep other files in others.

    Raises:
        ScanError: When the folder cannot be read.
    """
    return any(own_places(path) for path in reversed(scan_files(folder)))


def find_scan(folder: Path, label: str) -> Place | None:
    """Return the scan of that number in the files of a folder, None when there is none."""
    entry = label if "." in label else f"{label}.1"
    digits = int(entry.partition(".")[0])
    files = scan_files(folder)
    # The file that has the number in its name is looked at first.
    files.sort(key=lambda path: digits not in {n for n, text in natural(path.stem) if not text})
    for path in files:
        for place in own_places(path):
            if place.entry == entry:
                return place
    return None


def newest_scan(folder: Path) -> Place | None:
    """Return the scan that was written to last, in a folder or below it; None without any."""
    for _, path in sorted(_dated(folder), key=lambda item: (item[0], natural(item[1].name)))[::-1]:
        found = own_places(path)
        if found:
            return found[-1]
    return None


def scan_folders(folder: Path) -> list[Path]:
    """Return the folders below (and with) `folder` that hold files of scans."""
    return sorted({path.parent for _, path in _dated(folder)}, key=lambda p: natural(str(p)))


def _dated(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield the files that may hold scans with the time of their last change."""
    for top, below, names in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            if is_scan_file(name):
                path = Path(top, name)
                try:
                    yield path.stat().st_mtime_ns, path
                except OSError:
                    continue  # it has just gone
