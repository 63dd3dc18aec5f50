"""The points of a scan as the table that people know from the prompt, and as CSV."""

from __future__ import annotations

import csv
import io
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError
from session_shell.nexus import SavedScan
from session_shell.scanning.documents import Rows
from session_shell.sinks import Column, TableText, choose, column_of
from session_shell.viewer.look import Look
from session_shell.viewer.points import Selection, blocks, check_read, without_arrays
from session_shell.viewer.statistics import bytes_per_point

_MOST_ARRAYS = 256 * 2**20
"""Bytes of spectra and images that are read for a table unless they are named."""
_MOST_CELLS = 16384
"""Values of an array that become columns of CSV."""
_TIME = 23


def table(scan: SavedScan, selection: Selection, look: Look) -> Iterator[str]:
    """Yield the lines of the table.

    At a terminal the columns that fit, elsewhere all. The time of day only when it is named.

    Raises:
        CommandError: When there is no such column.
        ScanError: When the file cannot be read; behind the lines when a column cannot.
    """
    count = scan.data.npoints
    points = selection.range(count)
    channels, left_out = table_channels(scan.data.channels, selection, len(points))
    text = table_text(channels, selection, look, max(count - 1, 0))
    yield from text.header()
    problems: dict[str, str] = {}
    for rows in blocks(scan, channels, points, problems):
        yield from text.lines(rows, 0, rows.count)
    if left_out:
        yield (
            f"   left out, since they are large: {', '.join(left_out)} "
            f"(--columns {left_out[0]} shows it)"
        )
    check_read(problems)


def table_channels(
    available: Sequence[Channel], selection: Selection, points: int
) -> tuple[list[Channel], list[str]]:
    """Return the columns of a table, and the names of arrays that are too large to be read."""
    channels = selection.channels(available)
    if selection.columns:
        return channels, []
    large = {
        channel.name
        for channel in channels
        if channel.shape and bytes_per_point(channel) * points > _MOST_ARRAYS
    }
    return [c for c in channels if c.name not in large], sorted(large)


def table_text(
    channels: Sequence[Channel], selection: Selection, look: Look, highest: int
) -> TableText:
    """Return what writes the lines of a table."""
    digits = len(str(highest))
    if not selection.columns:
        columns, left_out = choose(channels, look.table_width, digits)
        return TableText(columns, left_out, digits, look.table_width)
    # What is asked for by name is shown, also when the lines get long.
    chosen = [_column(index, channel) for index, channel in enumerate(channels)]
    return TableText(chosen, 0, digits, look.table_width)


def _column(index: int, channel: Channel) -> Column:
    if channel.name != "epoch":
        return column_of(index, channel)
    return Column(index, "timer", "time of day", _TIME, _time_of_day)


def _time_of_day(value: Any) -> str:
    try:
        moment = datetime.fromtimestamp(float(value)).astimezone()
    except (ValueError, OverflowError, OSError):
        return str(value)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


# CSV


def csv_text(scan: SavedScan, selection: Selection) -> Iterator[str]:
    """Yield CSV in pieces, a line of names first; numbers have all their digits.

    Spectra are left out unless they are named, then each of their values is a column.

    Raises:
        CommandError: When there is no such column, or an image is named.
        ScanError: When the file cannot be read; behind the lines when a column cannot.
    """
    channels = csv_channels(scan.data.channels, selection)
    writer = CsvText(channels)
    yield writer.header()
    problems: dict[str, str] = {}
    for rows in blocks(scan, channels, selection.range(scan.data.npoints), problems):
        yield writer.lines(rows)
    check_read(problems)


def csv_channels(available: Sequence[Channel], selection: Selection) -> list[Channel]:
    """Return the columns of CSV.

    Raises:
        CommandError: When there is no such column, or one does not fit into a line.
    """
    channels = selection.channels(available)
    if not selection.columns:
        return without_arrays(channels)
    for channel in channels:
        if math.prod(channel.shape) > _MOST_CELLS:
            raise CommandError(
                f"{channel.name} has {math.prod(channel.shape)} values per point, too many for "
                f"a line of CSV (at most {_MOST_CELLS}); h5py reads it from the file"
            )
    return channels


class CsvText:
    """Writes rows as lines of CSV."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = channels

    def header(self) -> str:
        """Return the line of names; those of a spectrum are ``mca[0]``, ``mca[1]``, ..."""
        return _csv([[name for channel in self._channels for name in _names(channel)]])

    def lines(self, rows: Rows) -> str:
        """Return a line for each point."""
        columns: list[Sequence[Any]] = []
        for channel, column in zip(self._channels, rows.columns, strict=True):
            values = np.asarray(column)
            if not channel.shape:
                columns.append(_cells(values))
            else:
                flat = values.reshape(len(values), -1)
                columns += [_cells(flat[:, place]) for place in range(flat.shape[1])]
        return _csv(zip(*columns, strict=True))


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _names(channel: Channel) -> Iterator[str]:
    if not channel.shape:
        yield channel.name
        return
    for place in itertools.product(*map(range, channel.shape)):
        yield f"{channel.name}[{','.join(map(str, place))}]"


def _cells(values: Any) -> Sequence[Any]:
    """Return plain Python values: text as text, truth as 0 and 1."""
    convert: Callable[[Any], Any] | None = None
    if values.dtype.kind in "OS":
        convert = _text
    elif values.dtype.kind == "b":
        convert = int
    cells: list[Any] = values.tolist()
    return [convert(cell) for cell in cells] if convert is not None else cells


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
