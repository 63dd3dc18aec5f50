"""A list of scans as text: number, date, title, points, outcome, file."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from session_shell.clock import iso_time
from session_shell.nexus.reading.listing import Glance
from session_shell.sinks import clean
from session_shell.sinks.live import Style
from session_shell.viewer.look import Look, cut, duration

_AT_ONCE = 200
"""Lines whose columns are made equally wide, and that are shown together."""
_LEAST = 12
"""Columns that a title gets in any case."""
_WIDE = 100
"""Columns from which on there is room for everything."""
_BAD = frozenset({"FAILURE", "CRASHED", "USER_ABORT", "SESSION_ENDED"})


def list_lines(glances: Iterable[Glance], source: Path, look: Look) -> Iterator[str]:
    """Yield a line for each scan, under a head; as they come, in portions.

    Args:
        glances: The scans.
        source: The file or folder that is listed: names of files are shown from there.
        look: Where it will be shown.
    """
    table = _Table(source, look)
    waiting = iter(glances)
    head = True
    while portion := list(islice(waiting, _AT_ONCE)):
        yield from table.lines(portion, head=head)
        head = False


@dataclass(frozen=True, slots=True)
class _Table:
    source: Path
    look: Look

    def lines(self, portion: Sequence[Glance], *, head: bool) -> Iterator[str]:
        rows = [self._cells(found) for found in portion]
        names = self._names()
        kept = [n for n in range(len(names)) if n == 0 or any(row[n] for row in rows)]
        rows = [[row[n] for n in kept] for row in rows]
        names = [names[n] for n in kept]
        widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
        if self.look.terminal and "title" in names:
            place = names.index("title")
            others = sum(widths) - widths[place] + 2 * (len(widths) - 1)
            widths[place] = min(widths[place], max(self.look.width - others - 1, _LEAST))
        if head:
            yield self.look.paint(_line(names, widths, names), "bold")
        for found, row in zip(portion, rows, strict=True):
            yield self.look.paint(_line(row, widths, names), _style(found))

    def _names(self) -> list[str]:
        return ["#", "date", "points", "took", "outcome", "title", "file"]

    def _cells(self, found: Glance) -> list[str]:
        file = self._file(found.place.file)
        if found.problem:
            return [found.place.label, "", "", "", "", found.problem, file]
        wide = not self.look.terminal or self.look.width >= _WIDE
        asked = f"/{found.asked}" if found.asked else ""
        return [
            found.place.label,
            _moment(found.start, "%Y-%m-%d %H:%M:%S" if wide else "%Y-%m-%d %H:%M"),
            f"{found.points}{asked}",
            duration(found.duration) if wide and found.duration is not None else "",
            found.outcome,
            clean(found.title),
            file,
        ]

    def _file(self, file: Path) -> str:
        if file == self.source:
            return ""
        top = self.source if self.source.is_dir() else self.source.parent
        return clean(os.path.relpath(file, top))


def _moment(seconds: float | None, form: str) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds).astimezone().strftime(form)


def _line(cells: Sequence[str], widths: Sequence[int], names: Sequence[str]) -> str:
    right = ("#", "points", "took")
    shown = []
    for cell, width, name in zip(cells, widths, names, strict=True):
        text = cut(cell, width) if name == "title" else cell
        shown.append(text.rjust(width) if name in right else text.ljust(width))
    return "  ".join(shown).rstrip()


def _style(found: Glance) -> Style:
    if found.problem or found.outcome in _BAD:
        return "red"
    return "green" if found.outcome == "RUNNING" else ""


def list_csv(glances: Iterable[Glance]) -> Iterator[str]:
    """Yield a line of CSV for each scan, a header of names first."""
    yield "entry,start_time,npoints,npoints_asked,duration,outcome,title,file,problem"
    for found in glances:
        cells = (
            found.place.entry,
            None if found.start is None else iso_time(found.start),
            found.points,
            found.asked,
            found.duration,
            found.outcome,
            found.title,
            found.place.file,
            found.problem,
        )
        line = io.StringIO()  # None becomes an empty cell
        csv.writer(line, lineterminator="").writerow(cells)
        yield line.getvalue()
