"""A saved session as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from session_shell.journal import CommandLog, JournalLog, JournalSummary
from session_shell.journal.records import Note
from session_shell.logbook.telling import (
    Moments,
    aligned,
    facts,
    outcome,
    printable,
    remarks,
    scan_words,
    shortened,
    typed,
)
from session_shell.sinks import clean, clock_time

_MARGIN = " " * 10
_ALL = (10**9, 0)


def listing(summaries: Sequence[JournalSummary]) -> str:
    """Return a list of saved sessions, one a line."""
    rows = [("id", "began", "lasted", "commands", "scans", "errors", "state")]
    rows += [
        (
            clean(s.id),
            clean(s.date[:19].replace("T", " ")),
            clock_time(s.seconds) if s.date else "",
            str(s.commands),
            str(s.scans),
            str(s.errors),
            s.state,
        )
        for s in summaries
    ]
    lines = aligned(rows)
    return "\n".join([*lines, *(clean(s.problem) for s in summaries if s.problem)])


def as_text(log: JournalLog, *, full: bool = False) -> str:
    """Return a session as a readable log: time, command, output, outcome, scans.

    Args:
        log: The session.
        full: Whole outputs; else their beginning and end.
    """
    moments = Moments(log)
    lines = [clean(log.opened.id), *(f"  {label:<14} {text}" for label, text in facts(log)), ""]
    if _has_happened(log.setup):
        lines += [f"{moments.time(log.opened.time)}  setup scripts"]
        lines += _indented(_below(log.setup, full))
    day = moments.date(log.opened.time)
    for command in log.commands:
        if command.command.time and moments.date(command.command.time) != day:
            day = moments.date(command.command.time)
            lines.append(f"-- {day} --")
        first, *more = typed(command).split("\n")
        begun = moments.time(command.command.time)
        lines.append(f"{begun}  [{command.command.number}] {first}")
        indent = _MARGIN + " " * (len(str(command.command.number)) + 3)
        lines += [f"{indent}{line}" for line in more]
        lines += _indented(_below(command, full))
    lines += remarks(log)
    return "\n".join(lines) + "\n"


def _has_happened(setup: CommandLog) -> bool:
    done = setup.done
    return bool(setup.scans or setup.notes or (done and (done.output or done.error)))


def _below(command: CommandLog, full: bool) -> Iterator[str]:
    done = command.done
    if done is not None and (text := done.output or done.value):
        yield from shortened(text, _ALL if full else (14, 5)).split("\n")
    for scan in command.scans:
        yield f"-> {scan_words(scan)}"
        if scan.error:
            yield f"   {clean(scan.error)}"
    for note in command.notes:
        yield from _note(note)
    seconds = f" after {done.seconds:.1f} s" if done is not None and done.seconds >= 1 else ""
    if words := outcome(done):
        yield from f"!! {words}{seconds}".split("\n")
    elif seconds:
        yield f"ok{seconds}"


def _note(note: Note) -> Iterator[str]:
    if note.kind == "plot":
        yield f"## plot {clean(note.file)}".rstrip()
    if note.file:
        return  # the text of the note is the same plot, in characters
    for line in printable(note.text).rstrip("\n").split("\n"):
        yield f"## {line}".rstrip()


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"{_MARGIN}{line}".rstrip() for line in lines]
