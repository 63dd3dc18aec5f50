"""A scan as a person wants it: how it went, what it measured, and everything that was noted."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError
from session_shell.nexus import SavedScan
from session_shell.nexus.reading.documents import read_ended, read_started
from session_shell.nexus.reading.facts import Facts, read_facts
from session_shell.scanning.documents import Pause, Position, ScanEnded, ScanStarted
from session_shell.sinks import clean, short_path
from session_shell.sinks.live import Style
from session_shell.viewer.look import Look, aligned, cut, duration
from session_shell.viewer.metadata import tree_lines
from session_shell.viewer.points import Selection, is_sequence
from session_shell.viewer.statistics import Statistics, statistics

_STYLES: dict[str, Style] = {
    "SUCCESS": "green",
    "DONE": "green",
    "RUNNING": "green",
    "STOPPED": "yellow",
    "no end": "yellow",
}
_MEANS = {
    "RUNNING": "it is being measured",
    "CRASHED": "its session died",
    "no end": "it runs, or its session died",
    "STOPPED": "by scan.stop()",
    "USER_ABORT": "by Ctrl-C",
    "SESSION_ENDED": "its session was ended by the system, or its terminal closed",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """The parts of a report on one scan, each as lines of text."""

    scan: SavedScan
    facts: Facts
    started: ScanStarted
    ended: ScanEnded | None
    selection: Selection
    look: Look

    def lines(self) -> Iterator[str]:
        """Yield the lines, the plot aside."""
        yield from self._head()
        for part in (self._remarks, self._columns, self._positions, self._metadata):
            lines = list(part())
            if lines:
                yield ""
                yield from lines

    def _head(self) -> Iterator[str]:
        scan, facts, look, doc = self.scan, self.facts, self.look, self.started
        yield look.paint(clean(f"** Scan {label(scan)}: {scan.title} **"), "bold")
        rows = [
            ("outcome", _outcome(scan, facts, look)),
            ("points", _points(scan)),
            ("date", _date(scan, self.ended)),
            ("file", _file(scan)),
            ("user", " on ".join(word for word in (doc.user, doc.host) if word)),
            ("session", ", written by ".join(w for w in (doc.session, facts.program) if w)),
            ("command", doc.command),
            *(("paused", f"{p.seconds:.1f} s: {p.reason}") for p in self._pauses()),
        ]
        for key, value in rows:
            if key == "file":  # stays in one piece, so that it can be copied
                yield f"   {key:<8}: {value}"
            elif value:
                yield from self._wrapped(f"   {key:<8}: ", value)

    def _pauses(self) -> tuple[Pause, ...]:
        return self.ended.pauses if self.ended is not None else ()

    def _wrapped(self, head: str, value: str) -> Iterator[str]:
        """Yield lines that fit; escape sequences of colours are short enough not to matter."""
        room = max(self.look.width - len(head) - 1, 20)
        lines = textwrap.wrap(value, room, break_on_hyphens=False, break_long_words=False)
        for number, line in enumerate(lines or [""]):
            yield (head if number == 0 else " " * len(head)) + line

    def _remarks(self) -> Iterator[str]:
        for comment in self.scan.comments:
            when = f"{_moment(comment.time)}  " if math.isfinite(comment.time) else ""
            lines = [clean(line) for line in comment.text.splitlines()]
            yield from self._wrapped(f"   # {when}", lines[0] if lines else "")
            for line in lines[1:]:
                yield from self._wrapped("     ", line)
        for failure in (self.ended or self.started).failures:
            text = f"{failure.source} ({failure.category}, {failure.timing}): {failure.message}"
            yield from self._warning("metadata failed: ", text)
        for warning in self.facts.warnings:
            yield from self._warning("metadata: ", warning)
        for name, target in self.facts.broken.items():
            yield from self._warning("column ", f"{name} is a link to what is not there: {target}")

    def _warning(self, head: str, text: str) -> Iterator[str]:
        for line in self._wrapped(f"   {head}", clean(text)):
            yield self.look.paint(line, "yellow")

    # Columns

    def _columns(self) -> Iterator[str]:
        scan = self.scan
        points = self.selection.range(scan.data.npoints)
        channels = [
            channel
            for channel in self.selection.channels(scan.data.channels)
            # The date says it better, and its statistics say nothing.
            if channel.name != "epoch" or self.selection.columns
        ]
        if not channels:
            return
        arrays = any(channel.shape for channel in channels)
        head = ("column", "unit", "min", "max", "mean", "of each point" if arrays else "")
        rows: list[tuple[str, ...]] = [head]
        notes: list[str] = []
        for channel in channels:
            found = statistics(scan, channel, points.start, max(points.stop, points.start))
            rows.append(_row(channel, found))
            notes += _notes(channel, found, len(points))
        lines = aligned([(f"   {row[0]}", *row[1:]) for row in rows], right=(2, 3, 4))
        yield self.look.paint(self.look.cut(lines[0], self.look.width), "bold")
        yield from (self.look.cut(line, self.look.width) for line in lines[1:])
        for note in notes:
            yield from self._wrapped("   ", note)

    # Positions

    def _positions(self) -> Iterator[str]:
        started = self.started.positions
        ended = self.ended.positions if self.ended is not None else {}
        rows = [
            (f"   {name}", _place(position), _place(ended[name]), position.unit)
            for name, position in started.items()
            if name in ended and _moved(position, ended[name])
        ]
        silent = [(name, position.error) for name, position in started.items() if position.error]
        if rows:
            head = ("   axis", "at start", "at end", "")
            lines = aligned([head, *rows], right=(1, 2))
            yield self.look.paint(lines[0], "bold")
            yield from lines[1:]
            rest = len(started) - len(rows)
            if rest:
                yield f"   ({rest} other {'axis' if rest == 1 else 'axes'} did not move)"
        for name, error in silent:
            yield from self._warning(f"axis {name} could not be read: ", error)

    # Metadata

    def _metadata(self) -> Iterator[str]:
        info: dict[str, Any] = {}
        if self.scan.parameters:
            info["scan_parameters"] = self.scan.parameters
        info |= self.scan.info
        if info:
            yield self.look.paint("   metadata", "bold")
            yield from tree_lines(info, self.look.width, 5)


def summary(scan: SavedScan, selection: Selection, look: Look) -> Iterator[str]:
    """Yield the lines of a report on a scan, the plot aside.

    Args:
        scan: The scan.
        selection: Columns and points that the statistics are of.
        look: Where it will be shown.

    Raises:
        CommandError: When there is no such column.
        ScanError: When the file cannot be read.
    """
    if selection.points.step not in (None, 1):
        raise CommandError("points with a step are for --table, --csv and --json")
    selection.channels(scan.data.channels)  # a wrong name is told before anything is printed
    started, ended = read_started(scan), read_ended(scan)
    facts = read_facts(scan.file, scan.entry)
    return Summary(scan, facts, started, ended, selection, look).lines()


def label(scan: SavedScan) -> str:
    """Return the number of a scan as people say it: ``12``, ``12.2``."""
    return scan.entry.removesuffix(".1")


def _outcome(scan: SavedScan, facts: Facts, look: Look) -> str:
    outcome = look.paint(facts.outcome, _STYLES.get(facts.outcome, "red"))
    error = clean(scan.error) if scan.error else _MEANS.get(facts.outcome, "")
    if facts.outcome == "CRASHED" and scan.end_time is None:
        error += f"; session-shell repair {clean(short_path(scan.file))} finishes it"
    return f"{outcome}, {error}" if error else outcome


def _points(scan: SavedScan) -> str:
    taken = scan.data.npoints
    if is_sequence(scan.data.channels):
        numbers = ", ".join(f"{number:.0f}" for number in scan.data["scan_number"])
        return f"the scans {numbers}" if taken else "no scan"
    if not scan.npoints:
        return f"{taken}, as many as wanted"
    shape = " x ".join(map(str, scan.layout.shape)) if len(scan.layout.shape) > 1 else ""
    return f"{taken} of {scan.npoints}" + (f" ({shape})" if shape else "")


def _date(scan: SavedScan, ended: ScanEnded | None) -> str:
    if scan.start_time is None:
        return ""
    parts = [("counting", ended.counting), ("moving", ended.moving)] if ended is not None else []
    spent = [f"{name} {duration(seconds)}" for name, seconds in parts if seconds]
    where = f" ({', '.join(spent)})" if spent else ""
    took = "took" if ended is not None else "so far"
    return f"{_moment(scan.start_time)}, {took} {duration(scan.duration)}{where}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _file(scan: SavedScan) -> str:
    try:
        size = scan.file.stat().st_size
    except OSError:
        size = 0
    return f"{clean(short_path(scan.file))} ({file_size(size)})"


def file_size(size: int) -> str:
    """Write a number of bytes.

    >>> file_size(91430)
    '91 kB'
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"


def _row(channel: Channel, found: Statistics) -> tuple[str, ...]:
    name = cut(clean(channel.name), 32)
    shape = f"{'x'.join(map(str, channel.shape))} {channel.dtype}" if channel.shape else ""
    if found.problem:
        return (name, channel.unit, "-", "-", "-", shape)
    numbers = (_number(n) for n in (found.minimum, found.maximum, found.mean))
    return (name, channel.unit, *numbers, shape)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.6g}"


def _notes(channel: Channel, found: Statistics, points: int) -> Iterator[str]:
    if found.problem:
        yield f"{channel.name}: {found.problem}"
    if found.missing:
        values = "value is" if found.missing == 1 else "values are"
        yield f"{channel.name}: {found.missing} {values} NaN"
    if 0 < found.points < points:
        yield f"{channel.name}: from {found.points} of {points} points, evenly spread"


def _moved(before: Position, after: Position) -> bool:
    if math.isnan(before.user) or math.isnan(after.user):
        return False
    return not math.isclose(before.user, after.user, rel_tol=1e-9, abs_tol=1e-12)


def _place(position: Position) -> str:
    return f"{position.user:.6g}"
