"""The points of a scan while it runs and afterwards: recent ones in memory, the rest in the file.

Memory is bounded whatever the scan: what the file has need not stay here, and of a scan that is
not saved only the last points stay.
"""

from __future__ import annotations

import logging
import math
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError, SessionShellError
from session_shell.scanning.column_types import column_dtype
from session_shell.scanning.columns import Columns, RowSource, StoredArray
from session_shell.scanning.documents import Rows, ScanEnded, ScanStarted

_log = logging.getLogger(__name__)

Loader = Callable[[Path, int], RowSource]
"""Gives the rows in the file of a scan: its path and number."""

SCALARS = 4 * 2**20
"""Numbers (8 bytes each) of a saved scan that stay in memory; the rest is read from the file."""
SCALARS_UNSAVED = 16 * 2**20
"""Numbers that are kept of a scan that is not saved."""
ARRAY_BYTES = 64 * 2**20
"""Bytes of spectra and images of a saved scan that stay in memory while it runs."""
ARRAY_BYTES_UNSAVED = 256 * 2**20
"""Bytes of spectra and images that are kept of a scan that is not saved."""


class ScanData(Columns):
    """What a scan measured so far; a sink, and a read-only mapping for the user.

    Keys are channel names, ``axis:roby`` for an axis, or the counter or axis itself. Values are
    numpy arrays of shape (npoints,): copies, so that a running scan can be looked at. Spectra and
    images of a saved scan are a `StoredArray` of shape (npoints, *channel shape), which reads
    from the file what is asked for.
    """

    must_not_fail = True

    def __init__(self, loader: Loader | None = None) -> None:
        self._loader = loader
        self._source: RowSource | None = None
        self._channels: tuple[Channel, ...] = ()
        self._numbers = _Recent((), 1)
        self._arrays = _Recent((), 1)
        self._extend: list[Callable[[Any], None]] = []
        self._room = 0
        self._told = False

    # The sink

    def scan_started(self, doc: ScanStarted) -> None:
        """Make an empty column for each channel."""
        self._source = None
        if self._loader is not None and doc.file is not None:
            self._source = self._loader(doc.file, doc.number)
        saved = self._source is not None
        self._channels = doc.channels
        self._told = False
        numbers = [c for c in doc.channels if not c.shape]
        arrays = [c for c in doc.channels if c.shape]
        values = SCALARS if saved else SCALARS_UNSAVED
        size = ARRAY_BYTES if saved else ARRAY_BYTES_UNSAVED
        row_bytes = sum(math.prod(c.shape) * column_dtype(c).itemsize for c in arrays)
        self._numbers = _Recent(numbers, values // max(len(numbers), 1))
        self._arrays = _Recent(arrays, size // max(row_bytes, 1))
        self._renew()

    def rows(self, doc: Rows) -> None:
        """Append to the columns, and let go of what need not stay in memory."""
        for extend, values in zip(self._extend, doc.columns, strict=True):
            extend(values)
        self._room -= doc.count
        if self._room < 0:
            self._let_go()

    def scan_ended(self, _doc: ScanEnded) -> None:
        """Leave arrays and long columns to the file, which is complete now."""
        if self._source is None:
            return
        if self._arrays.names or self._numbers.held > self._numbers.limit:
            in_file = self._rows_in_file()
            self._arrays.forget(in_file)
            self._numbers.forget(min(in_file, self.npoints - self._numbers.limit))
            self._renew()

    def _renew(self) -> None:
        """Look up the columns of now: rows come too often to look each time."""
        stores = [self._arrays if c.shape else self._numbers for c in self._channels]
        self._extend = [s.adder(c) for s, c in zip(stores, self._channels, strict=True)]
        used = [s for s in (self._numbers, self._arrays) if s.names]
        self._room = min((s.limit - s.held for s in used), default=1 << 62)

    def _let_go(self) -> None:
        """Drop what is in the file; of a scan that is not saved, the older half."""
        in_file = self._rows_in_file() if self._source is not None else -1
        for store in (self._numbers, self._arrays):
            if store.names and store.held > store.limit:
                if in_file < 0:
                    store.forget(store.npoints - max(store.limit // 2, 1))
                    self._tell(store)
                else:
                    # Half stays for those who look at the newest points.
                    store.forget(min(in_file, store.npoints - store.limit // 2))
        self._renew()
        # The file lags behind by 0.2 s at most: ask again when as much more has come.
        self._room = max(self._room, min(self._numbers.limit, self._arrays.limit) // 2)

    def _rows_in_file(self) -> int:
        """Return how many rows can be read from the file; none when it cannot be read."""
        try:
            return self._source.rows() if self._source is not None else 0
        except (OSError, SessionShellError) as error:
            _log.debug("the file of the scan cannot be read: %s", error)
            return 0

    def _tell(self, store: _Recent) -> None:
        if not self._told:
            self._told = True
            _log.warning(
                "the scan is not saved: only the last %d points of %s stay in memory",
                store.held,
                ", ".join(store.names),
            )

    # The mapping

    @property
    def npoints(self) -> int:
        """Number of points so far."""
        return min((s.npoints for s in (self._numbers, self._arrays) if s.names), default=0)

    @property
    def channels(self) -> Sequence[Channel]:
        """The columns, in their order."""
        return self._channels

    def values_of(self, channel: Channel) -> Any:
        """Return one column, all points of it.

        Raises:
            CommandError: When the older points are nowhere: see `recent`.
        """
        count = self.npoints
        if not channel.shape:
            return self._rows(channel, 0, count)
        if self._source is None:
            return self._rows(channel, 0, count)
        shape = (count, *channel.shape)
        return StoredArray(shape, column_dtype(channel), lambda a, b: self._rows(channel, a, b))

    def recent(self, key: object, count: int | None = None) -> NDArray[Any]:
        """Return the last points of a column that are in memory, at most `count`.

        Args:
            key: As for ``data[key]``.
            count: Number of points; None: all that are in memory.

        Example:
            ``scan.data.recent("diode", 100).mean()``
        """
        name = self.key(key)
        channel = next(c for c in self._channels if c.name == name)
        end, first = self.npoints, (self._arrays if channel.shape else self._numbers).first
        wanted = end - first if count is None else min(max(int(count), 0), end)
        return self._rows(channel, end - wanted, end)

    def _rows(self, channel: Channel, first: int, last: int) -> NDArray[Any]:
        """Return rows from the file, from memory, or from both."""
        held, values = (self._arrays if channel.shape else self._numbers).rows(channel.name)
        recent = _array(values[max(first - held, 0) : max(last - held, 0)], channel)
        if first >= held:
            return recent
        if self._source is None:
            raise CommandError(
                f"the first {held} of {self.npoints} points of {channel.name} are gone, since the "
                f"scan is not saved; scan.data.recent({channel.name!r}) gives the others"
            )
        older = self._source.read(channel.name, first, min(last, held))
        if len(older) < min(last, held) - first:
            raise CommandError(f"{channel.name}: the file of the scan lacks points that it had")
        return older if last <= held else np.concatenate([older, recent])


class _Recent:
    """The newest rows of some channels, and the number of the first of them."""

    def __init__(self, channels: Sequence[Channel], limit: int) -> None:
        self.names = tuple(c.name for c in channels)
        self.limit = max(limit, 2)
        """Rows that may be held."""
        # One tuple, replaced as a whole: another thread may be reading.
        self._state: tuple[int, dict[str, Any]] = (
            0,
            {c.name: _column(c) for c in channels},
        )

    @property
    def first(self) -> int:
        """Number of the first row that is held."""
        return self._state[0]

    @property
    def held(self) -> int:
        """Rows that are held."""
        return min(map(len, self._state[1].values()), default=0)

    @property
    def npoints(self) -> int:
        """Rows that came."""
        first, columns = self._state
        return first + min(map(len, columns.values()), default=0)

    def rows(self, name: str) -> tuple[int, Any]:
        """Return the number of the first row that is held, and the column from there on."""
        first, columns = self._state
        return first, columns[name]

    def adder(self, channel: Channel) -> Callable[[Any], None]:
        """Return the function that appends values to the column of a channel."""
        extend: Callable[[Any], None] = self._state[1][channel.name].extend
        return extend

    def forget(self, end: int) -> None:
        """Let go of all rows before row number `end`."""
        first, columns = self._state
        if end > first:
            self._state = (end, {name: column[end - first :] for name, column in columns.items()})


def _column(channel: Channel) -> Any:
    """Return an empty column: 8 bytes a number, whatever Python would take for it."""
    code = _CODES.get(column_dtype(channel).kind)
    return array(code) if not channel.shape and code is not None else []


_CODES = {"f": "d", "i": "q", "u": "Q"}


def _array(values: Any, channel: Channel) -> NDArray[Any]:
    """Return rows as an array of the channel's type."""
    return np.array(values, column_dtype(channel)).reshape(len(values), *channel.shape)
