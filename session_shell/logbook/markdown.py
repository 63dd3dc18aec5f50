"""A saved session as Markdown, for a notebook or an issue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from session_shell.journal import CommandLog, JournalLog
from session_shell.journal.records import Note, Scan
from session_shell.logbook.points import Points, Scans
from session_shell.logbook.telling import (
    Moments,
    facts,
    outcome,
    printable,
    remarks,
    scan_words,
    shortened,
    typed,
)
from session_shell.sinks import clean


def as_markdown(log: JournalLog, scans: Scans, *, full: bool = False) -> str:
    """Return a session as Markdown: commands, outputs, points, plots in characters, notes.

    Args:
        log: The session.
        scans: Where the points of its scans are.
        full: Whole outputs; else their beginning and end.
    """
    moments = Moments(log)
    lines = [f"# {_plain(log.opened.id)}", "", *_table([("", ""), *facts(log)]), ""]
    for command in (log.setup, *log.commands):
        below = list(_below(command, scans, full))
        if command is log.setup:
            if below:
                lines += ["## Setup scripts", "", *below]
            continue
        time = moments.time(command.command.time)
        lines += [f"## {time} [{command.command.number}]", "", *_fence(typed(command), "python")]
        lines += ["", *below]
    lines += [f"- {_plain(remark)}" for remark in remarks(log)]
    return "\n".join(lines).rstrip() + "\n"


def _below(command: CommandLog, scans: Scans, full: bool) -> Iterator[str]:
    done = command.done
    if done is not None and (text := done.output or done.value) and not command.scans:
        yield from (*_fence(printable(text).rstrip("\n") if full else shortened(text)), "")
    for scan in command.scans:
        yield from _scan(scan, scans)
    for note in command.notes:
        yield from _note(note, scans)
    if (done is not None or command.command.number) and (words := outcome(done)):
        yield from (f"**{_plain(words)}**", "")


def _scan(scan: Scan, scans: Scans) -> Iterator[str]:
    yield from (f"**{_plain(scan_words(scan))}**", "")
    if scan.error:
        yield from (_plain(scan.error), "")
    points = scans.points(scan)
    if points is not None and points.rows:
        yield from (*_table(_rows(points)), "")
    if drawing := scans.drawing_text(scan):
        yield from (*_fence(drawing), "")


def _rows(points: Points) -> list[Sequence[str]]:
    gap = [("...", *([""] * (len(points.columns) - 1)))] if points.left_out else []
    return [points.columns, *points.rows[: points.gap], *gap, *points.rows[points.gap :]]


def _note(note: Note, scans: Scans) -> Iterator[str]:
    if note.kind == "plot":
        if scans.note_picture(note) is not None:
            yield from (f"![plot](<{_plain(note.file)}>)", "")
        elif note.text:
            yield from (*_fence(printable(note.text)), "")
        return
    if note.kind == "output":
        yield from (*_fence(printable(note.text).rstrip("\n")), "")
        return
    yield from (*(f"> {_plain(line)}" for line in printable(note.text).split("\n")), "")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    first, *rest = [f"| {' | '.join(_plain(cell) for cell in row)} |" for row in rows]
    return [first, "|" + "---|" * len(rows[0]), *rest]


def _fence(text: str, language: str = "") -> list[str]:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *text.split("\n"), fence]


def _plain(text: str) -> str:
    """Return one line of text that Markdown shows as it is."""
    text = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#!~])", r"\\\1", text)
