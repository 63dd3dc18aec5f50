"""Which columns and points of a scan are meant, and those in blocks, so that memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError, ScanError
from session_shell.nexus import SavedScan
from session_shell.scanning.documents import Rows
from session_shell.viewer.statistics import BLOCK_BYTES, bytes_per_point

_BLOCK_ROWS = 8192


@dataclass(frozen=True, slots=True)
class Selection:
    """The columns and points of a scan that are asked for."""

    columns: tuple[str, ...] = ()
    """Names, or patterns with ``*`` and ``?``; empty: all."""
    points: slice = field(default_factory=lambda: slice(None))

    def channels(self, available: Sequence[Channel]) -> list[Channel]:
        """Return the columns that are meant, in the order in which they are asked for.

        Raises:
            CommandError: When there is no such column.
        """
        if not self.columns:
            return list(available)
        found: dict[str, Channel] = {}
        for pattern in self.columns:
            word = {"dt": "elapsed_time"}.get(pattern, pattern)
            matching = [c for c in available if fnmatchcase(c.name, word)]
            if not matching:
                names = ", ".join(c.name for c in available) or "none"
                raise CommandError(f"there is no column {pattern!r}; there are {names}")
            found |= {channel.name: channel for channel in matching}
        return list(found.values())

    def range(self, count: int) -> range:
        """Return the numbers of the points, when there are `count`."""
        return range(count)[self.points]


def parse_points(text: str) -> slice:
    """Return the points that ``0:10``, ``-5:``, ``::10`` or ``7`` means, as in Python.

    Raises:
        CommandError: When it means none.
    """
    parts = text.strip().split(":")
    try:
        numbers = [int(part) if part.strip() else None for part in parts]
    except ValueError:
        numbers = []
    first = numbers[0] if numbers else None
    if len(numbers) == 1 and first is not None:
        return slice(first, first + 1 or None)
    if len(numbers) in (2, 3) and (len(numbers) == 2 or numbers[2] is None or numbers[2] > 0):
        return slice(*numbers)
    raise CommandError(f"points must be like 0:10, -5:, ::10 or 7, got {text!r}")


def blocks(
    scan: SavedScan,
    channels: Sequence[Channel],
    points: range,
    problems: dict[str, str] | None = None,
) -> Iterator[Rows]:
    """Yield points as documents, in blocks of bounded size; one each where they are not in a row.

    Args:
        scan: The scan.
        channels: Its columns that are wanted.
        points: Numbers of the points.
        problems: Gets why a column could not be read, whose cells are empty then.

    Raises:
        ScanError: When the file, or a column without `problems`, cannot be read.
    """
    row_bytes = sum(map(bytes_per_point, channels))
    rows = max(min(BLOCK_BYTES // max(row_bytes, 1), _BLOCK_ROWS), 1)
    step = max(rows // points.step, 1) * points.step
    for start in range(points.start, points.stop, step):
        part = range(start, min(start + step, points.stop), points.step)
        columns = tuple(_read(scan, channel, part, problems) for channel in channels)
        count = min((len(column) for column in columns), default=0)
        if points.step == 1:
            yield Rows(start, count, columns)
            continue
        for place, number in zip(range(count), part, strict=False):
            yield Rows(number, 1, tuple(column[place : place + 1] for column in columns))


def check_read(problems: dict[str, str]) -> None:
    """Tell of the columns that could not be read, when all others are printed.

    Raises:
        ScanError: When there are any.
    """
    if problems:
        told = "; ".join(f"{name}: {why}" for name, why in problems.items())
        raise ScanError(f"not all could be read, cells are left empty: {told}")


def _read(scan: SavedScan, channel: Channel, part: range, problems: dict[str, str] | None) -> Any:
    try:
        if part.step == 1 or not channel.shape:
            return scan.rows.read(channel.name, part.start, part.stop)[:: part.step]
        return np.concatenate([scan.rows.read(channel.name, n, n + 1) for n in part])
    except ScanError as error:
        if problems is None:
            raise
        problems.setdefault(channel.name, str(error))
        return np.full((len(part), *channel.shape), "", object)


def is_sequence(channels: Sequence[Channel]) -> bool:
    """Tell whether a scan is a series of scans: its only counter gives their numbers."""
    return [c.name for c in channels if c.kind == "counter"] == ["scan_number"]


def without_arrays(channels: Sequence[Channel]) -> list[Channel]:
    """Return the columns that have a number for each point."""
    return [channel for channel in channels if not channel.shape]
