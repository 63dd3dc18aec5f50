"""A scan that is measured by another process, read while it grows: every point exactly once.

The file is not locked, and HDF5 promises nothing to who reads while another writes: in the
middle of a flush a point may be counted already while its values are not yet there. So points
are taken when the file has been quiet for a moment, or when later points show that their flush
is long over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from session_shell.clock import Clock
from session_shell.errors import ScanError
from session_shell.nexus import SavedScan
from session_shell.nexus.disk.running import is_being_written
from session_shell.nexus.reading.documents import read_ended, read_started
from session_shell.nexus.reading.listing import Place
from session_shell.nexus.reading.reader import count_rows, entry_of, is_ours, retried
from session_shell.scanning.documents import EndReason, Rows, ScanEnded, ScanStarted
from session_shell.viewer.points import blocks

QUIET = 0.05
"""Seconds without a change after which a file is taken to be whole: a flush takes 0.1 to 10 ms."""
_RESTLESS = 1.0
"""Seconds after which points of a file that is never quiet are taken, those of an earlier look."""
_LOOK_ANYWAY = 1.0
"""Seconds between two looks at a file that seems unchanged: network disks tell changes late."""
_PATIENCE = 10.0
"""Seconds that a file may be unreadable."""

_Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _State:
    """What one look at the file told."""

    points: int
    over: bool = False
    alive: bool = True
    key: _Key | None = None
    """What the file must still be when the points are read; None: it is never quiet."""


class Growing:
    """One scan, read as it grows."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self.place = place
        self.scan = SavedScan(place.file, place.entry)
        self.taken = 0
        """Points that were handed over."""
        self.superseded = False
        """Another scan has begun in the file: a program of others that left no end has died."""
        self.ours = retried(place.file, lambda file: is_ours(entry_of(file, place.entry)))
        """Written by this program: a lock tells whether it is still at work."""
        self._clock = clock
        self._key: _Key | None = None
        self._changed = self._quiet_since = self._looked = clock.time()
        self._seen: _Key | None = None
        self._counted = 0
        self._failing: float | None = None

    def started(self) -> ScanStarted:
        """Return the document of its start."""
        doc = read_started(self.scan)
        # A program that does not say how many points it was asked for: the file grows on.
        return doc if self.ours or self.scan.end_time is not None else replace(doc, npoints=0)

    def news(self) -> Iterator[Rows | ScanEnded]:
        """Yield what has come since the last call: points in blocks, and the end once.

        Raises:
            ScanError: When the file is gone, or unreadable for long.
        """
        try:
            state = self._look()
        except ScanError:
            now = self._clock.time()
            self._failing = now if self._failing is None else self._failing
            if now - self._failing > _PATIENCE:
                raise
            return
        if state is None:
            return
        self._failing = None
        points = range(self.taken, state.points)
        for rows in blocks(self.scan, self.scan.data.channels, points):
            if state.key is not None and self._stat() != state.key:
                return  # written to meanwhile: these points are read again
            # One by one: who stops here in the middle goes on at the right place.
            self.taken = rows.first + rows.count
            yield rows
        if state.over or self.superseded or (self.ours and not state.alive):
            yield self._ended()

    def _look(self) -> _State | None:
        """Look at the file if there is something to be seen; None when there is not, or not yet."""
        now = self._clock.time()
        key = self._stat()
        if key != self._key:
            self._key, self._changed = key, now
        quiet = now - self._changed >= QUIET
        if quiet:
            self._quiet_since = now
            if key == self._seen and now - self._looked < _LOOK_ANYWAY:
                return None
        elif now - self._quiet_since < _RESTLESS:
            return None
        # Whether it is alive is asked first: a writer ends its file, and then gives the lock back.
        alive = is_being_written(self.place.file)
        points, over = retried(
            self.place.file, lambda file: _seen(entry_of(file, self.place.entry))
        )
        self._looked = now
        if quiet:
            if self._stat() != key:
                return None
            self._seen, self._counted = key, points
            return _State(points, over, alive, key)
        # Never quiet: points of the look before, whose flush is over when more have come.
        before, self._counted = self._counted, points
        self._quiet_since = now
        return _State(before if points > before else self.taken)

    def _stat(self) -> _Key:
        try:
            found = os.stat(self.place.file)  # noqa: PTH116 - twenty times a second
        except OSError as error:
            raise ScanError(f"{self.place.file}: {error.strerror or error}") from error
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _ended(self) -> ScanEnded:
        return read_ended(self.scan) or self._crashed()

    def _crashed(self) -> ScanEnded:
        scan = self.scan
        return ScanEnded(
            uid="",
            time=(scan.start_time or 0.0) + scan.duration,
            reason=EndReason.CRASHED,
            npoints=self.taken,
        )


def _seen(entry: Any) -> tuple[int, bool]:
    return count_rows(entry), "end_time" in entry
