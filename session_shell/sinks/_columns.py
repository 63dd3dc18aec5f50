"""The columns of a scan table: which fit, their headers, and how a row becomes a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from session_shell.devices.protocols import Channel
from session_shell.scanning.documents import Rows
from session_shell.sinks import _format

_INDEX = 4
"""Least columns of a point's index; three spaces stand before it and one behind."""
_CELL = 11
_NO_NUMBERS = ("object", "|S", "|V", "[", "{", "<U")
"""How the types begin of what files of others may hold: texts, records, lists of any length."""


@dataclass(frozen=True, slots=True)
class Column:
    """One channel as it is shown: its place in the rows, header lines, width and format."""

    index: int
    group: str
    label: str
    width: int
    write: Callable[[Any], str]


def column_of(index: int, channel: Channel) -> Column:
    """Return how `channel`, the `index`-th of a scan, is shown."""
    name = "dt" if channel.name == "elapsed_time" else channel.name
    label = f"{name}[{channel.unit}]" if channel.unit else name
    group = {"time": "timer", "axis": "axis"}.get(channel.kind, "")
    if not group and channel.device not in ("", channel.name):
        group = channel.device
    if channel.dtype.startswith(_NO_NUMBERS):
        write = _format.anything
    elif channel.shape:
        write = _format.array
    elif channel.dtype.startswith(("int", "uint", "bool")):
        write = _format.integer
    else:
        write = _format.number
    return Column(index, group, label, max(_CELL, len(label)), write)


def choose(
    channels: Sequence[Channel], width: int, digits: int, first: Sequence[str] = ()
) -> tuple[list[Column], int]:
    """Return the columns that fit into `width` and the number of those that do not.

    `digits` is the length of the largest index, `first` are the names of counters that come before
    the others. A column that is too wide hides no narrower one; the name of one of `first` is
    shortened to what is left.

    The time of day is never shown: the elapsed time says it shorter. One column is always kept.
    """
    ranks = {name: n for n, name in enumerate(dict.fromkeys(first), start=1)}
    shown = [(i, c) for i, c in enumerate(channels) if c.name != "epoch"]
    # Sorting keeps the order of those that are alike.
    shown.sort(key=lambda each: _rank(each[1], ranks))
    free = width - max(digits, _INDEX) - 4
    columns: list[Column] = []
    for index, channel in shown:
        column = column_of(index, channel)
        if column.width + 3 > free and (channel.name in ranks or not columns):
            column = replace(column, width=min(column.width, max(free - 3, _CELL)))
        if column.width + 3 <= free or not columns:
            columns.append(column)
            free -= column.width + 3
    return columns, len(shown) - len(columns)


def _rank(channel: Channel, ranks: Mapping[str, int]) -> int:
    """Return the place of a column: times and axes, then those chosen, then the others."""
    if channel.kind in ("time", "axis"):
        return 0
    return ranks.get(channel.name, len(ranks) + 1)


def _centred(label: str, width: int) -> str:
    return label.center(width) if len(label) <= width else _format.fit(label, width)


class TableText:
    """Lines of the table for one choice of columns."""

    def __init__(self, columns: Sequence[Column], left_out: int, digits: int, width: int) -> None:
        self.columns = columns
        self._left_out = left_out
        self._index = max(digits, _INDEX)
        self._width = width

    def header(self) -> list[str]:
        """Return the lines above the first row."""
        label = "".join(f"| {_centred(c.label, c.width)} " for c in self.columns)
        lines = [f"   {'#':<{self._index}} {label}".rstrip()]
        note = f"  +{self._left_out} more" if self._left_out else ""
        if len(lines[0] + note) < self._width:
            lines[0] += note
            note = ""
        if any(c.group for c in self.columns):
            groups = "".join(f"| {c.group[: c.width].center(c.width)} " for c in self.columns)
            lines.insert(0, " " * (self._index + 4) + groups.rstrip())
        rule = "".join("|" + "-" * (c.width + 2) for c in self.columns)
        lines.append("   " + "-" * (self._index + 1) + rule)
        # Where there is no room behind the names the note stands above them.
        return [f" {note}", *lines] if note else lines

    def lines(self, doc: Rows, start: int, stop: int) -> list[str]:
        """Return the lines of the points `start` to `stop` (excluded) of a block."""
        fit = _format.fit
        cells = [
            [
                fit(column.write(value), column.width)
                for value in doc.columns[column.index][start:stop]
            ]
            for column in self.columns
        ]
        first = doc.first + start
        return [
            f"   {first + i:<{self._index}} | {' | '.join(row)}".rstrip()
            for i, row in enumerate(zip(*cells, strict=True))
        ]
