"""What all kinds of a logbook say in the same words: times, outcomes, scans, shortened text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timezone, tzinfo

from session_shell.journal import CommandLog, JournalLog, is_running
from session_shell.journal.records import Done, Scan
from session_shell.sinks import clean, clock_time

OUTPUT_LINES = (14, 5)
"""Lines of an output that are shown: of its beginning and of its end."""


class Moments:
    """Times of a session as its clock showed them, wherever they are read."""

    def __init__(self, log: JournalLog) -> None:
        self._zones = [(-math.inf, _zone(log.opened.date))]
        # Clocks change within a session: each command says where it differs from the beginning.
        for one in log.commands:
            command = one.command
            zone = _zone(f"2000-01-01T00:00{command.offset}", self._zones[0][1])
            if command.time and zone != self._zones[-1][1]:
                self._zones.append((command.time, zone))

    def date(self, seconds: float) -> str:
        """Write a day: ``2026-11-22``."""
        return self._at(seconds, "%Y-%m-%d")

    def time(self, seconds: float) -> str:
        """Write a time of the day: ``19:15:40``."""
        return self._at(seconds, "%H:%M:%S")

    def _at(self, seconds: float, form: str) -> str:
        try:
            return datetime.fromtimestamp(seconds, self._zone_of(seconds)).strftime(form)
        except (OverflowError, ValueError, OSError):  # a journal from anywhere
            return "?"

    def _zone_of(self, seconds: float) -> tzinfo:
        return next(zone for since, zone in reversed(self._zones) if not seconds < since)


def _zone(date: str, other: tzinfo = timezone.utc) -> tzinfo:  # noqa: UP017
    try:
        return datetime.fromisoformat(date).tzinfo or other
    except ValueError:
        return other


def facts(log: JournalLog) -> list[tuple[str, str]]:
    """Return what there is to say of the whole session, label and text."""
    opened, moments = log.opened, Moments(log)
    scans = sum(len(c.scans) for c in (log.setup, *log.commands))
    failed = sum(c.done is not None and c.done.outcome == "error" for c in log.commands)
    virtual = ", virtual clock" if opened.clock == "virtual" else ""
    began = f"{moments.date(opened.time)} {moments.time(opened.time)}"
    rows = [
        ("session", opened.session),
        ("began", f"{began}, by {opened.user or '?'} on {opened.host or '?'}"),
        ("lasted", f"{clock_time(end_of(log) - opened.time)}{virtual}, {ending(log)}"),
        ("did", f"{count(len(log.commands), 'command')} ({failed} failed), {count(scans, 'scan')}"),
        ("data", opened.data),
        ("configuration", opened.config),
        ("seed", str(opened.seed)),
        ("versions", ", ".join(f"{name} {text}" for name, text in opened.versions.items())),
    ]
    return [(label, clean(text)) for label, text in rows if text]


def ending(log: JournalLog) -> str:
    """Say how the session ended."""
    if log.closed is not None:
        reason = log.closed.reason
        return "ended" if reason == "closed" else f"ended by {clean(reason)}"
    return "still running" if is_running(log.path) else "killed: its end is not recorded"


def end_of(log: JournalLog) -> float:
    """Return the time of the last thing that is recorded."""
    times = [log.opened.time]
    for command in (log.setup, *log.commands):
        times.append(command.command.time)
        times += [scan.time + scan.seconds for scan in command.scans]
        times += [note.time for note in command.notes]
        if command.done is not None:
            times.append(command.done.time)
    return max(times) if log.closed is None else log.closed.time


def remarks(log: JournalLog) -> list[str]:
    """Say what could not be read, and what is not as it was written."""
    lines = [f"not readable: {clean(problem)}" for problem in log.problems]
    for one in log.changed:
        whose = "" if one.number is None else f" of command {one.number}"
        lines.append(f"edited: line {one.line} ({one.record}{whose}) is not as it was written")
    return lines


def typed(command: CommandLog) -> str:
    """Return what was typed, free of control characters."""
    if command.command.source == "lost":
        return "(the command itself is lost)"
    return printable(command.command.typed.strip("\n"))


def outcome(done: Done | None) -> str:
    """Say how a command ended; empty when it went well."""
    if done is None:
        return "did not end"
    words = {
        "ok": "",
        "exit": "",
        "paused": "paused",
        "interrupted": "interrupted by Ctrl-C",
    }
    if done.outcome == "exit" and done.error:
        return printable(done.error)
    return words.get(done.outcome, printable(done.error) or clean(done.outcome))


def scan_words(scan: Scan) -> str:
    """Tell about a scan in one line."""
    number = f"scan {scan.scan}" if scan.scan else "unsaved scan"
    points = f"{scan.points} of {scan.npoints} points" if scan.npoints else f"{scan.points} points"
    parts = [f"{number}: {scan.title}", points, scan.end_reason, f"{scan.seconds:.1f} s", scan.file]
    return clean(", ".join(part for part in parts if part))


def shortened(text: str, lines: tuple[int, int] = OUTPUT_LINES) -> str:
    """Return the beginning and the end of a long text; the rest is counted."""
    rows = printable(text).rstrip("\n").split("\n")
    head, tail = lines
    if len(rows) <= head + tail + 1:
        return "\n".join(rows)
    gap = f"... {len(rows) - head - tail} more lines ..."
    return "\n".join([*rows[:head], gap, *rows[len(rows) - tail :]])


def printable(text: str) -> str:
    """Return text without control characters, except ends of lines and tabulators."""
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)


def count(number: int, what: str) -> str:
    """Write ``1 scan``, ``2 scans``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Put cells of rows below each other, to the right; the first column to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [c.rjust(w) for c, w in zip(row, widths, strict=True)]
        cells[0] = row[0].ljust(widths[0])
        lines.append("  ".join(cells).rstrip())
    return lines
