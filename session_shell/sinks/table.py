"""A scan as a table at the prompt: header, rows as points come, progress, and how it ended."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from session_shell.devices.protocols import Channel
from session_shell.scanning.documents import (
    EndReason,
    Pause,
    Rows,
    ScanEnded,
    ScanStarted,
)
from session_shell.sinks import _format
from session_shell.sinks._columns import Column, TableText, choose, column_of
from session_shell.sinks.live import LiveDisplay

if TYPE_CHECKING:
    from rich.console import RenderableType

ROWS_PER_DRAWING = 20
"""In a terminal: more rows in a tenth of a second nobody can read; the file has them all."""

_OUTCOME = {
    EndReason.STOPPED: "STOPPED",
    EndReason.USER_ABORT: "ABORTED by user",
    EndReason.FAILURE: "FAILED",
    EndReason.SESSION_ENDED: "ENDED with its session",
    EndReason.CRASHED: "CRASHED",
}


class ScanTable:
    """Show scans on `stream`; a sink that may fail without harm to the scan.

    Metadata that fail are told by the log (`session_shell.scanning`), above the progress bar.
    A terminal gets a progress bar at the bottom and, of a fast scan, as many rows as one can
    read; anything else gets every row and no control characters. `plot` gives what stands
    between the rows and the progress bar in a terminal. `ahead` is for who looks at a running scan
    from elsewhere: the seconds that it has been running already.
    """

    must_not_fail = False

    def __init__(
        self,
        stream: TextIO,
        keys: str = "",
        plot: Callable[[], str] | None = None,
        ahead: float = 0.0,
    ) -> None:
        self._stream = stream
        self._keys = keys
        self._plot = plot
        self._ahead = ahead
        self._display: LiveDisplay | None = None
        self._started: ScanStarted | None = None
        self._waiting: deque[Rows] = deque()
        self._table = TableText((), 0, 0, 0)
        self._width = 0
        self._points = 0
        self._began = self._last_point = 0.0

    def scan_started(self, doc: ScanStarted) -> None:
        """Show the header."""
        self.close()
        self._started = doc
        self._waiting.clear()
        self._points = 0
        self._began = self._last_point = time.monotonic() - self._ahead
        display = self._display = LiveDisplay(self._stream, before_draw=self._drain)
        for line in _heading(doc):
            display.print(line, "bold" if line.startswith("**") else "")
        self._width = 0
        if not _is_count(doc):
            self._lay_out(display)
        self._open(display)

    def rows(self, doc: Rows) -> None:
        """Take points; they are shown with the next drawing."""
        self._waiting.append(doc)

    def scan_paused(self, pause: Pause) -> None:
        """Say so, and give the terminal back: the prompt may come meanwhile."""
        display, started = self._display, self._started
        if display is None or started is None:
            return
        display.status(None)
        display.draw()
        of = f" of {started.npoints}" if started.npoints else ""
        text = f"   PAUSED after {self._points}{of} points: {pause.reason}"
        display.print(_format.clean(text), "yellow")
        self.close()

    def scan_resumed(self, pause: Pause) -> None:
        """Go on below what was shown meanwhile."""
        if self._started is None:
            return
        self.close()
        display = self._display = LiveDisplay(self._stream, before_draw=self._drain)
        self._began += pause.seconds
        display.print(f"   resumed after {_format.seconds(pause.seconds)}", "yellow")
        self._open(display)

    def _open(self, display: LiveDisplay) -> None:
        display.status(self._progress)
        display.open()

    def scan_ended(self, doc: ScanEnded) -> None:
        """Show the rest, how it ended, and where the time went."""
        started = self._started
        if started is None:
            return
        if self._display is None:  # it was paused, and then ended
            self._display = LiveDisplay(self._stream)
            self._display.open()
        display = self._display
        try:
            display.status(None)
            display.draw()
            if doc.reason is not EndReason.SUCCESS:
                display.print(_outcome(started, doc), "red")
            for line in _summary(started, doc, display.width):
                display.print(line)
        finally:
            self.close()

    def check(self) -> None:
        """Raise what went wrong with the drawing since the last call: it is done by a thread."""
        if self._display is not None:
            self._display.check()

    def close(self) -> None:
        """Give the terminal back; idempotent."""
        display, self._display = self._display, None
        if display is not None:
            display.close()

    def _lay_out(self, display: LiveDisplay) -> None:
        """Choose the columns for the width of now; the header is shown anew when it changed."""
        width = display.width
        if self._started is None or width == self._width:
            return
        digits = len(str(self._started.npoints - 1)) if self._started.npoints else 6
        columns, left_out = choose(self._started.channels, width, digits, self._started.plot)
        if self._width and [c.index for c in columns] == [c.index for c in self._table.columns]:
            self._width = width
            return
        self._width = width
        self._table = TableText(columns, left_out, digits, width)
        for line in self._table.header():
            display.print(line)

    def _drain(self) -> None:
        """Turn the points that came since the last drawing into lines."""
        display, started = self._display, self._started
        if not self._waiting or display is None or started is None:
            return
        blocks = []
        while self._waiting:
            blocks.append(self._waiting.popleft())
        self._points = blocks[-1].first + blocks[-1].count
        self._last_point = time.monotonic()
        if _is_count(started):
            for line in _count_lines(started, blocks[-1]):
                display.print(line)
            return
        self._lay_out(display)
        limit = ROWS_PER_DRAWING if display.colour else None
        self._print_rows(display, blocks, limit)

    def _print_rows(self, display: LiveDisplay, blocks: list[Rows], limit: int | None) -> None:
        skip = max(sum(b.count for b in blocks) - limit, 0) if limit is not None else 0
        if skip:
            display.print(f"   ... {skip} points not shown", "dim")
        for block in blocks:
            start = min(skip, block.count)
            skip -= start
            if start < block.count:
                display.print("\n".join(self._table.lines(block, start, block.count)))

    def _progress(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        doc = self._started
        total = doc.npoints if doc is not None else 0
        elapsed = time.monotonic() - self._began
        text = f"{self._points} points  {_format.clock_time(elapsed)} elapsed"
        if total:
            left = self._remaining(elapsed)
            text = (
                f"{self._points}/{total}  {_format.clock_time(elapsed)} elapsed"
                f"  {_format.clock_time(left)} left"
            )
        grid = Table.grid(padding=(0, 2), pad_edge=False)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        pulse = not total
        bar = ProgressBar(total or None, self._points, width=self._bar_width(text), pulse=pulse)
        grid.add_row(bar, text)
        parts: list[RenderableType] = [grid if bar.width else text]
        width = self._display.width if self._display is not None else 80
        if len(self._keys) in range(1, width):
            parts.append(Text(self._keys, "dim"))
        plot = self._plot() if self._plot is not None else ""
        return Group(Text.from_ansi(plot), *parts) if plot else Group(*parts)

    def _bar_width(self, text: str) -> int:
        """Return the columns that are left for the bar: none when it would be a stub."""
        width = self._display.width if self._display is not None else 80
        free = min(width - len(text) - 4, 40)
        return free if free >= 8 else 0

    def _remaining(self, elapsed: float) -> float:
        """Estimate the seconds to the end: from the points so far, before them from the plan."""
        doc = self._started
        if doc is None:
            return 0.0
        if not self._points:
            return doc.npoints * doc.count_time - elapsed
        per_point = (self._last_point - self._began) / self._points
        return per_point * doc.npoints - elapsed


def _heading(doc: ScanStarted) -> list[str]:
    number = f"Scan {doc.number}: " if doc.number else ""
    date = datetime.fromtimestamp(doc.time).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    file = _format.short_path(doc.file) if doc.file is not None else "not saved"
    who = [("user", doc.user), ("session", doc.session)]
    title = _format.clean(f"** {number}{doc.title} **")
    if doc.file is None and _is_count(doc):
        return [title]
    return [
        title,
        f"   date    : {date}",
        _format.clean(f"   file    : {file}"),
        *(_format.clean(f"   {key:<8}: {value}") for key, value in who if value),
        "",
    ]


def _is_count(doc: ScanStarted) -> bool:
    """Tell whether it is a single count: its values stand below each other."""
    return doc.npoints == 1 and not doc.axes


def _count_lines(doc: ScanStarted, rows: Rows) -> list[str]:
    columns = [column_of(i, c) for i, c in enumerate(doc.channels) if c.name != "epoch"]
    values = [c.write(rows.columns[c.index][-1]) for c in columns]
    names = max((len(_name(doc.channels[c.index])) for c in columns), default=0)
    return [_count_line(doc, c, v, names) for c, v in zip(columns, values, strict=True)]


def _count_line(doc: ScanStarted, column: Column, value: str, names: int) -> str:
    channel = doc.channels[column.index]
    return f"   {_name(channel):>{names}} = {_format.fit(value, 12)} {channel.unit}".rstrip()


def _name(channel: Channel) -> str:
    return "dt" if channel.name == "elapsed_time" else channel.name


def _outcome(started: ScanStarted, ended: ScanEnded) -> str:
    of = f" of {started.npoints}" if started.npoints else ""
    error = f": {ended.error}" if ended.error and ended.reason is EndReason.FAILURE else ""
    text = f"   {_OUTCOME.get(ended.reason, ended.reason)} after {ended.npoints}{of} points{error}"
    return _format.clean(text)


def _summary(started: ScanStarted, ended: ScanEnded, width: int) -> list[str]:
    """Return the final line; the file gets one of its own where the line would be broken."""
    duration = max(ended.time - started.time, 0.0)
    rest = max(duration - ended.counting - ended.moving, 0.0)
    spent = [("counting", ended.counting), ("moving", ended.moving), ("the rest", rest)]
    where = ", ".join(f"{name} {_format.seconds(s)}" for name, s in spent)
    hundredths = round(duration * 100)
    took = f"{_format.clock_time(hundredths // 100)}.{hundredths % 100:02d}"
    points = "1 point" if ended.npoints == 1 else f"{ended.npoints} points"
    line = f"   Took {took}: {points} ({where})"
    if started.file is None:
        return [line]
    file = _format.clean(_format.short_path(started.file))
    whole = f"{line}, {file}"
    return [whole] if len(whole) < width else [line, f"   File {file}"]
