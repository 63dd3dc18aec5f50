"""Read a journal: while it is written, after a kill, or from another machine.

What a crash leaves (a torn line) is told and left out. What cannot be understood (a later format,
values of a wrong type) is refused with the file and the line: half a record would be worse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec

from session_shell.errors import JournalError
from session_shell.journal.records import (
    FORMAT,
    LINE_BYTES,
    Closed,
    Command,
    Done,
    File,
    Note,
    Opened,
    Record,
    Scan,
)
from session_shell.journal.seal import Chain

_KINDS = ("open", "command", "file", "scan", "done", "note", "close")
_decoder = msgspec.json.Decoder(Record)


class _Head(msgspec.Struct):
    """What any version of a journal says of a line."""

    record: str = ""
    format: int = 0


@dataclass(frozen=True, slots=True)
class CommandLog:
    """A command and what happened while it ran."""

    command: Command
    files: tuple[File, ...] = ()
    """Scripts that it ran."""
    scans: tuple[Scan, ...] = ()
    done: Done | None = None
    """None: it was running when the session was killed, or it still runs."""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """A line of a journal that somebody edited, or before which something was taken out."""

    line: int
    record: str
    """What it records: ``open``, ``command``, ``scan``, ..."""
    number: int | None = None
    """The command that it belongs to."""


@dataclass(frozen=True, slots=True)
class JournalLog:
    """A session as it was recorded."""

    path: Path
    opened: Opened
    setup: CommandLog
    """What the setup scripts did: command number 0."""
    commands: tuple[CommandLog, ...] = ()
    closed: Closed | None = None
    """None: the session runs, or it was killed."""
    problems: tuple[str, ...] = ()
    """What could not be read, each with ``file:line``."""
    changed: tuple[ChangedLine, ...] = ()
    """Lines that are not as they were written, or that follow another line than they did."""


def read_journal(path: Path | str) -> JournalLog:
    """Read a journal.

    Raises:
        JournalError: When it cannot be read, is of a later format, or has a wrong type, with the
            line; a line above 64 MB is not even loaded.
    """
    builder = _Builder(Path(path))
    changed: set[int] = set()
    for number, record in read_records(path, builder.problems, changed):
        builder.add(number, record)
        if number in changed:
            builder.changed.append(_changed(number, record))
    return builder.log()


def _changed(line: int, record: Record) -> ChangedLine:
    kind = str(type(record).__struct_config__.tag)
    return ChangedLine(line, kind, getattr(record, "number", None))


def read_records(
    path: Path | str, problems: list[str], changed: set[int] | None = None
) -> Iterator[tuple[int, Record]]:
    """Yield the records of a journal with their line numbers, one at a time.

    Torn lines and records of a later kind are left out and told in `problems`; the numbers of
    lines that were edited go into `changed`.

    Raises:
        JournalError: As `read_journal`.
    """
    path = Path(path)
    opened = False
    chain = Chain()
    try:
        with path.open("rb") as file:
            for number, line, whole in _lines(file, path):
                if whole and changed is not None and not chain.holds(line):
                    changed.add(number)
                record = _record(line, f"{path}:{number}", problems, first=not opened, whole=whole)
                if record is not None:
                    opened = True
                    yield number, record
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not opened:
        raise JournalError(f"{path}: is empty, so it is no journal of a session")


def _lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Yield number, content and whether it has its end of line."""
    number = 0
    while line := file.readline(LINE_BYTES + 1):
        number += 1
        if len(line) > LINE_BYTES:
            raise JournalError(
                f"{path}:{number}: the line is longer than {LINE_BYTES // 2**20} MB; "
                "session-shell writes no such line, so this is no journal of it"
            )
        if line.strip():
            yield number, line, line.endswith(b"\n")


def _record(
    line: bytes, place: str, problems: list[str], *, first: bool, whole: bool
) -> Record | None:
    """Return the record of a line, None when it is to be left out."""
    try:
        record: Record = _decode(line)
    except msgspec.ValidationError as error:
        _refuse(line, place, problems, error, first=first)
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if first:
            raise JournalError(f"{place}: this is no journal ({_reason(error)})") from error
        why = f"damaged ({_reason(error)})" if whole else "torn: the session was killed meanwhile"
        problems.append(f"{place}: the line is {why}; it is left out")
        return None
    if isinstance(record, Opened):
        _check_format(record.format, place)
        if not first:
            raise JournalError(f"{place}: a second 'open' record; a journal has one")
    elif first:
        raise JournalError(f"{place}: a journal begins with an 'open' record, this is another")
    return record


def _decode(line: bytes) -> Record:
    try:
        record: Record = _decoder.decode(line)
    except msgspec.ValidationError:
        msgspec.json.decode(line)  # raises when it is no JSON: damaged, not wrong
        raise
    return record


def _refuse(
    line: bytes, place: str, problems: list[str], error: msgspec.ValidationError, *, first: bool
) -> None:
    """Raise what is wrong with a line that is JSON, unless a later version may have written it."""
    try:
        head = msgspec.json.decode(line, type=_Head)
    except msgspec.ValidationError as wrong:
        raise JournalError(f"{place}: {_reason(wrong)}") from wrong
    _check_format(head.format, place)
    if first or not head.record or head.record in _KINDS:
        raise JournalError(f"{place}: {_reason(error)}") from error
    problems.append(f"{place}: a record {head.record!r} of a later version is left out")


def _check_format(number: int, place: str) -> None:
    if number > FORMAT:
        raise JournalError(
            f"{place}: the journal has format {number}, written by a later session-shell; "
            f"this one reads up to format {FORMAT}: update session-shell"
        )


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return "nested too deeply" if isinstance(error, RecursionError) else text


@dataclass(slots=True)
class _Entry:
    command: Command
    files: list[File] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    done: Done | None = None
    notes: list[Note] = field(default_factory=list)

    def log(self) -> CommandLog:
        return CommandLog(
            self.command, tuple(self.files), tuple(self.scans), self.done, tuple(self.notes)
        )


class _Builder:
    """Puts records together, by the number of their command."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self.changed: list[ChangedLine] = []
        self._opened: Opened | None = None
        self._closed: Closed | None = None
        self._entries: dict[int, _Entry] = {}

    def add(self, line: int, record: Record) -> None:
        """Take the next record."""
        if isinstance(record, Opened):
            self._opened = record
            self._entries[0] = _Entry(Command(number=0, time=record.time, typed="", source="setup"))
        elif isinstance(record, Closed):
            self._closed = record
        elif isinstance(record, Command):
            if record.number in self._entries:
                raise JournalError(
                    f"{self.path}:{line}: command {record.number} begins a second time"
                )
            self._entries[record.number] = _Entry(record)
        else:
            self._add_to_command(line, record)

    def _add_to_command(self, line: int, record: File | Scan | Done | Note) -> None:
        entry = self._entries.get(record.number)
        if entry is None:
            self.problems.append(
                f"{self.path}:{line}: belongs to command {record.number}, whose own line is lost"
            )
            command = Command(number=record.number, time=0.0, typed="", source="lost")
            entry = self._entries[record.number] = _Entry(command)
        if isinstance(record, File):
            entry.files.append(record)
        elif isinstance(record, Scan):
            entry.scans.append(record)
        elif isinstance(record, Note):
            entry.notes.append(record)
        else:
            entry.done = record

    def log(self) -> JournalLog:
        """Return all that came."""
        assert self._opened is not None, "the first record is always this"
        setup = self._entries.pop(0)
        commands = tuple(self._entries[number].log() for number in sorted(self._entries))
        return JournalLog(
            self.path,
            self._opened,
            setup.log(),
            commands,
            self._closed,
            tuple(self.problems),
            tuple(self.changed),
        )
