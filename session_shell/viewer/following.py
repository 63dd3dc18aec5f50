"""Follow scans while other processes measure them, as ``tail -f`` follows a log."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from session_shell.clock import Clock, RealClock
from session_shell.errors import ScanError
from session_shell.nexus.reading.listing import (
    NO_END,
    RUNNING,
    Place,
    glance,
    is_scan_file,
    own_places,
    places,
)
from session_shell.nexus.reading.reader import natural
from session_shell.scanning.documents import EndReason, Pause, ScanEnded, Sink
from session_shell.viewer.growing import Growing
from session_shell.viewer.points import is_sequence

POLL = 0.05
"""Seconds between two looks whether a file has changed, which costs microseconds."""
_ARRIVALS = 0.2
"""Seconds between two looks for new scans."""
_SILENT = 1.0
"""Seconds without a point after which another scan that has begun is followed meanwhile."""
_NEWEST = 50
"""Files that are looked at to find one that is being measured."""
_PATIENCE = 10.0
"""Seconds that a new file may be unreadable."""


class Source(Protocol):
    """Where scans come from."""

    def arrived(self) -> list[Place]:
        """Return scans that have come since the last call, in their order."""
        ...


class OneScan:
    """A scan that is there."""

    def __init__(self, place: Place) -> None:
        self._places = [place]

    def arrived(self) -> list[Place]:
        """Return it once."""
        found, self._places = self._places, []
        return found


class FileOfScans:
    """A file to which another program adds scan after scan."""

    def __init__(self, path: Path) -> None:
        self._path = path
        there = places(path)
        # The last one may still be measured; one before it that has no end has died.
        running = there[-1:] if there and glance(there[-1]).outcome == NO_END else []
        self._known = {place.entry for place in there} - {place.entry for place in running}

    def arrived(self) -> list[Place]:
        """Return scans that have a point or an end by now: before, their columns are not there."""
        found = []
        for place in own_places(self._path):
            if place.entry in self._known:
                continue
            seen = glance(place)
            if seen.points or seen.outcome != NO_END:
                self._known.add(place.entry)
                found.append(place)
        return found


class FolderOfScans:
    """A folder, and the folders below it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        self._folders: dict[Path, tuple[int, bool]] = {}
        """When each folder was changed, and whether it was read once more since then."""
        self._known: set[Path] = set()
        self._unreadable: dict[Path, float] = {}
        self._folder = folder
        there = list(self._new_files())
        self._first = _running(there)

    def arrived(self) -> list[Place]:
        """Return the scan that was running at first, and then those of new files."""
        first, self._first = self._first, []
        for path in self._new_files():
            self._unreadable[path] = self._clock.time()
        found = [glance(place) for path in list(self._unreadable) for place in self._read(path)]
        found.sort(key=lambda seen: (seen.start or 0.0, natural(seen.place.entry)))
        return first + [seen.place for seen in found]

    def _read(self, path: Path) -> list[Place]:
        """Return the scans of a new file; one that is being copied here is tried again."""
        try:
            found = [place for place in places(path) if place.file == path]
        except ScanError:
            if self._clock.time() - self._unreadable[path] > _PATIENCE:
                del self._unreadable[path]
            return []
        del self._unreadable[path]
        return found

    def _new_files(self) -> Iterator[Path]:
        """Yield files that were not there before; a folder that did not change is not read."""
        todo = [self._folder]
        seen: dict[Path, tuple[int, bool]] = {}
        while todo:
            folder = todo.pop()
            try:
                changed = os.stat(folder).st_mtime_ns  # noqa: PTH116
            except OSError:
                continue
            before = self._folders.get(folder, (0, False))
            # Read twice: times are too coarse to tell a change right after the first look.
            seen[folder] = (changed, before[0] == changed)
            if before == (changed, True):
                todo += [path for path in self._folders if path.parent == folder]
                continue
            for entry in _entries(folder):
                path = Path(entry.path)
                if entry.is_dir():
                    todo.append(path)
                elif path not in self._known:
                    self._known.add(path)
                    yield path
        self._folders = seen


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            found = [e for e in entries if not e.name.startswith(".")]
    except OSError:
        return []
    return [entry for entry in found if entry.is_dir() or is_scan_file(entry.name)]


def _running(files: list[Path]) -> list[Place]:
    """Return the newest scan that is being measured, if there is one."""
    dated = sorted(((_changed(path), path) for path in files), reverse=True)
    for _, path in dated[:_NEWEST]:
        there = own_places(path)
        if there and glance(there[-1]).outcome == RUNNING:
            return there[-1:]
    return []


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@dataclass(slots=True)
class _Followed:
    """A scan that is followed, and what it is shown by."""

    scan: Growing
    sink: Sink
    last_news: float
    paused: float | None = None
    ended: ScanEnded | None = None


@dataclass(slots=True)
class Follower:
    """Hands the documents of scans to sinks as they come.

    Args:
        source: Where scans come from.
        make_sink: Makes what shows a scan; each gets its own.
        clock: Time between two looks.
        once: End with the first scan that ends.
        tell: Is given lines for the person who waits.
    """

    source: Source
    make_sink: Callable[[Growing], Sink]
    clock: Clock
    once: bool
    tell: Callable[[str], None]
    _queue: deque[Place] = field(default_factory=deque)
    _aside: list[_Followed] = field(default_factory=list)
    _current: _Followed | None = None
    _looked: float = -1e9

    def run(self) -> ScanEnded:
        """Follow; return the end of the scan with which it ends, which is never without `once`.

        Raises:
            ScanError: When a file vanishes, or stays unreadable.
        """
        while True:
            self._look_for_scans()
            try:
                busy = self._go_on()
            except ScanError as error:
                if self.once:
                    raise
                self.tell(f"error: {error}")
                self.close()
                continue
            current = self._current
            if current is not None and current.ended is not None:
                self._current = None
                if self.once:
                    return current.ended
            elif current is not None and self._queue and self._is_silent(current):
                self._leave(current)
            elif not busy:
                self.clock.sleep(POLL)

    def close(self) -> None:
        """Give the terminal back, in the middle of a scan."""
        current, self._current = self._current, None
        close = getattr(current.sink, "close", None) if current is not None else None
        if close is not None:
            close()

    def _go_on(self) -> bool:
        """Take the next step of a scan; tell whether anything has come."""
        self._current = self._current or self._next()
        return self._current is not None and self._step(self._current)

    def _look_for_scans(self) -> None:
        now = self.clock.time()
        if now - self._looked >= _ARRIVALS:
            self._looked = now
            self._queue.extend(self.source.arrived())

    def _next(self) -> _Followed | None:
        if self._queue:
            return self._begin(self._queue.popleft())
        if self._aside:
            followed = self._aside.pop()
            self._resume(followed)
            return followed
        return None

    def _begin(self, place: Place) -> _Followed | None:
        scan = Growing(place, self.clock)
        if is_sequence(scan.scan.data.channels):
            # Its points are scans, which are followed themselves.
            self.tell(f"** Scan {place.label}: {scan.scan.title} **")
            return None
        sink = self.make_sink(scan)
        sink.scan_started(scan.started())
        return _Followed(scan, sink, self.clock.time())

    def _step(self, current: _Followed) -> bool:
        """Hand on what has come; tell whether anything has."""
        news = False
        for document in current.scan.news():
            news = True
            self.clock.sleep(0.0)  # a Ctrl-C is let through here, also while much is read
            if isinstance(document, ScanEnded):
                current.ended = document
                current.sink.scan_ended(document)
                self._tell_end(current.scan, document)
            else:
                current.sink.rows(document)
        if news:
            current.last_news = self.clock.time()
        return news

    def _tell_end(self, scan: Growing, ended: ScanEnded) -> None:
        if ended.reason is EndReason.CRASHED and scan.ours:
            self.tell(
                f"{scan.place.file}: nobody writes it any more, and it has no end: "
                f"session-shell repair {scan.place.file} finishes it"
            )

    def _is_silent(self, current: _Followed) -> bool:
        silent = self.clock.time() - current.last_news > _SILENT
        return silent and not current.scan.superseded

    def _leave(self, current: _Followed) -> None:
        """Turn to a scan that has begun meanwhile."""
        if current.scan.ours:
            self._put_aside(current)
        else:  # others have one scan at a time: this one has died without an end
            current.scan.superseded = True

    def _put_aside(self, current: _Followed) -> None:
        current.paused = self.clock.time()
        pause = Pause(current.paused, "another scan has begun")
        paused = getattr(current.sink, "scan_paused", None)
        if paused is not None:
            paused(pause)
        self._aside.append(current)
        self._current = None

    def _resume(self, followed: _Followed) -> None:
        now = self.clock.time()
        begun = now if followed.paused is None else followed.paused
        resumed = getattr(followed.sink, "scan_resumed", None)
        if resumed is not None:
            resumed(Pause(begun, "another scan has begun", now - begun))
        followed.last_news = now


def is_of_others(path: Path) -> bool:
    """Tell whether a file is of another program, which adds scan after scan to it.

    Raises:
        ScanError: When the file cannot be read.
    """
    there = places(path)
    return bool(there) and there[-1].file == path and not Growing(there[-1], RealClock()).ours
