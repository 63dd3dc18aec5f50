"""Least, greatest and mean value of a column, in blocks, so that memory is bounded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.protocols import Channel
from session_shell.errors import SessionShellError
from session_shell.nexus import SavedScan

BLOCK_BYTES = 16 * 2**20
"""Bytes that are in memory at a time."""
_MOST_BYTES = 512 * 2**20
"""Bytes of a column that are looked at; of more, points evenly spread."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the values of a column are like."""

    minimum: float = math.nan
    maximum: float = math.nan
    mean: float = math.nan
    missing: int = 0
    """Values that are NaN."""
    points: int = 0
    """Points that were looked at."""
    problem: str = ""
    """Why the column could not be read."""


def statistics(scan: SavedScan, channel: Channel, first: int, stop: int) -> Statistics:
    """Return the statistics of the points `first` to `stop` (excluded) of a column.

    NaN are left out. Of a column above 512 MB some points are taken, evenly spread.
    """
    total = _Total()
    try:
        for block in _blocks(scan, channel, first, stop):
            total.add(block)
    except SessionShellError as error:
        return Statistics(problem=str(error).removeprefix(f"{scan.file}: "))
    return total.result()


def bytes_per_point(channel: Channel) -> int:
    """Return the bytes of one value of a column."""
    try:
        size = np.dtype(channel.dtype).itemsize
    except TypeError:  # a type of HDF5 that numpy has no word for
        size = 64
    return max(size * math.prod(channel.shape), 1)


class _Total:
    """What has been seen so far."""

    def __init__(self) -> None:
        self._minimum, self._maximum = math.inf, -math.inf
        self._sum = 0.0
        self._count = self._missing = self._points = 0

    def add(self, block: NDArray[np.generic]) -> None:
        self._points += len(block)
        if block.dtype.kind not in "biuf" or not block.size:
            return
        values = block.astype(np.uint8) if block.dtype.kind == "b" else block
        if values.dtype.kind == "f":
            good = values[~np.isnan(values)]
            self._missing += values.size - good.size
            values = good
        if values.size:
            self._minimum = min(self._minimum, float(values.min()))
            self._maximum = max(self._maximum, float(values.max()))
            with np.errstate(all="ignore"):  # infinities have a mean too
                self._sum += float(values.sum(dtype=np.float64))
            self._count += values.size

    def result(self) -> Statistics:
        if not self._count:
            return Statistics(missing=self._missing, points=self._points)
        mean = self._sum / self._count
        return Statistics(self._minimum, self._maximum, mean, self._missing, self._points)


def _blocks(
    scan: SavedScan, channel: Channel, first: int, stop: int
) -> Iterator[NDArray[np.generic]]:
    row_bytes = bytes_per_point(channel)
    rows = max(BLOCK_BYTES // row_bytes, 1)
    most = max(_MOST_BYTES // row_bytes, 1)
    if stop - first <= most:
        for start in range(first, stop, rows):
            yield scan.rows.read(channel.name, start, min(start + rows, stop))
        return
    # Stretches as long as a block, so that it is read as quickly as the disk can.
    stretches = max(most // rows, 1)
    for start in np.linspace(first, stop - rows, stretches).astype(int).tolist():
        yield scan.rows.read(channel.name, start, start + rows)
