"""The columns of a scan: rows wait in memory until it is time to write them as a block."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.nexus.tree.nodes import Dataset, Group, Mesh, Stream, walk
from session_shell.scanning.documents import Rows

_SLOW = 0.1
"""Seconds between two points from which on every point is written at once."""
_BLOCK = 0.2
"""Seconds that points of a fast scan may wait."""
_MAX_BYTES = 8 * 2**20
"""Bytes of images and spectra that may wait."""


class Columns:
    """Rows that wait to be written, and when their time has come (wall time, not scan time)."""

    def __init__(self, tree: Group) -> None:
        self.streams: list[tuple[str, Stream]] = []
        self.meshes: list[tuple[str, Mesh]] = []
        for path, node in walk(tree):
            if isinstance(node, Dataset) and isinstance(node.source, Stream):
                self.streams.append((path, node.source))
            elif isinstance(node, Dataset) and isinstance(node.source, Mesh):
                self.meshes.append((path, node.source))
        self.streams.sort(key=lambda item: item[1].channel)
        self.written = 0
        """Rows that are in the file."""
        self._waiting: list[tuple[Sequence[Any], ...]] = []
        self._block: list[NDArray[Any]] | None = None
        self._count = 0
        self._bytes_per_row = sum(_row_bytes(s) for _, s in self.streams if s.shape)
        self._max_rows = max(1, _MAX_BYTES // max(self._bytes_per_row, 64))
        self._last_write = self._last_rows = time.monotonic()

    @property
    def waiting(self) -> int:
        """Number of rows that wait."""
        return self._count

    @property
    def row_bytes(self) -> int:
        """Bytes of one row, uncompressed."""
        return sum(_row_bytes(s) for _, s in self.streams)

    @property
    def growth(self) -> int:
        """Bytes by which the file grows when each column needs a new chunk."""
        return sum(_row_bytes(s) * s.chunk_rows for _, s in self.streams)

    def next_growth(self) -> int:
        """Return the bytes by which the file grows when what waits is written."""
        after, grown = self.written + self._count, 0
        for _, stream in self.streams:
            # The first chunk is there from the start on, unless nobody knows its size.
            before = self.written if stream.compressed else max(self.written, 1)
            new = -(-after // stream.chunk_rows) - -(-before // stream.chunk_rows)
            grown += max(new, 0) * stream.chunk_rows * _row_bytes(stream)
        return grown

    def add(self, doc: Rows) -> bool:
        """Take rows; tell whether it is time to write."""
        self._waiting.append(doc.columns)
        self._count += doc.count
        self._block = None
        now = time.monotonic()
        gap, self._last_rows = now - self._last_rows, now
        return gap >= _SLOW or now - self._last_write >= _BLOCK or self._count >= self._max_rows

    def block(self) -> list[NDArray[Any]]:
        """Return the rows that wait as an array for each stream."""
        if self._block is None and self._count == 0:
            self._block = [np.empty((0, *s.shape), s.dtype) for _, s in self.streams]
        if self._block is None:
            self._block = [
                self._array(s, [columns[s.channel] for columns in self._waiting], self._count)
                for _, s in self.streams
            ]
        return self._block

    def done(self) -> None:
        """Note that what waited is written."""
        self.written += self._count
        self._waiting.clear()
        self._block = None
        self._count = 0
        self._last_write = time.monotonic()

    def drop(self) -> int:
        """Forget what waits; return how many rows it was."""
        count, self._count = self._count, 0
        self._waiting.clear()
        self._block = None
        return count

    def _array(self, stream: Stream, parts: list[Sequence[Any]], count: int) -> NDArray[Any]:
        dtype = np.dtype(stream.dtype)
        if any(isinstance(part, np.ndarray) for part in parts):
            array = np.concatenate([np.asarray(part, dtype) for part in parts])
        else:
            array = np.array([value for part in parts for value in part], dtype)
        return np.ascontiguousarray(array).reshape(count, *stream.shape)


def _row_bytes(stream: Stream) -> int:
    return int(np.dtype(stream.dtype).itemsize * np.prod(stream.shape, dtype=int))


def mesh_pieces(
    mesh: Mesh, first: int, values: NDArray[Any]
) -> list[tuple[tuple[int, ...], NDArray[Any]]]:
    """Cut rows into pieces of lines: where each starts in the mesh, and its values.

    With `backnforth` every other line runs backwards: its first point is its last place.
    """
    fast, total = mesh.shape[-1], int(np.prod(mesh.shape))
    pieces = []
    row, end = first, min(first + len(values), total)
    while row < end:
        line, place = divmod(row, fast)
        count = min(end - row, fast - place)
        piece = values[row - first : row - first + count]
        if mesh.backnforth and line % 2:
            place, piece = fast - place - count, np.ascontiguousarray(piece[::-1])
        where = (*(int(i) for i in np.unravel_index(line, mesh.shape[:-1])), place)
        pieces.append((where, piece))
        row += count
    return pieces
