"""Find journals in a data directory, and tell what became of their sessions."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from session_shell.errors import JournalError
from session_shell.journal.places import journal_folder
from session_shell.journal.reader import read_records
from session_shell.journal.records import Closed, Command, Done, Opened, Scan

State = Literal["running", "ended", "killed", "unreadable"]

_ID = re.compile(r"(?P<session>.+)-(?P<date>\d{8}-\d{6})-(?P<chance>[0-9a-f]{4})")


@dataclass(frozen=True, slots=True)
class JournalSummary:
    """One saved session in a list."""

    id: str
    path: Path
    session: str
    date: str
    """Wall time of its start, ISO 8601."""
    seconds: float
    """From the start to the end, or to the last record."""
    commands: int
    scans: int
    errors: int
    """Commands that failed."""
    state: State
    problem: str = ""
    """Why it is unreadable."""


def journal_paths(data: Path | str, session: str | None = None) -> list[Path]:
    """Return the journals of a data directory, of one session or of all, the oldest first."""
    found: list[tuple[str, int, Path]] = []
    with suppress(OSError):
        for path in journal_folder(data).glob("*.jsonl"):
            match = _ID.fullmatch(path.stem)
            if match is not None and session in (None, match["session"]):
                # Two of one second: the later one was written to later.
                found.append((match["date"], path.stat().st_mtime_ns, path))
    return [path for _, _, path in sorted(found)]


def find_journal(data: Path | str, text: str) -> Path:
    """Return the journal that is meant by an id, by the beginning of one, or by ``last``.

    Raises:
        JournalError: When there is none, or several begin so.
    """
    paths = journal_paths(data)
    if not paths:
        raise JournalError(f"there are no saved sessions in {Path(data)}: every session makes one")
    if text == "last":
        return paths[-1]
    exact = [path for path in paths if path.stem == text]
    begun = exact or [path for path in paths if text and path.stem.startswith(text)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        newest = ", ".join(path.stem for path in begun[-3:])
        raise JournalError(
            f"{len(begun)} saved sessions begin with {text!r}, the newest of them {newest}: "
            "write more of the id"
        )
    close = get_close_matches(text, [path.stem for path in paths], n=1, cutoff=0.5)
    hint = close[0] if close else paths[-1].stem
    raise JournalError(
        f"there is no saved session {text!r} in {Path(data)}; there is {hint}: "
        "'session-shell history' lists them"
    )


def list_journals(data: Path | str, session: str | None = None) -> list[JournalSummary]:
    """Return the saved sessions of a data directory, the oldest first."""
    return [summary(path) for path in journal_paths(data, session)]


def summary(path: Path) -> JournalSummary:
    """Tell about a journal in short; one that cannot be read says why."""
    match = _ID.fullmatch(path.stem)
    name = match["session"] if match is not None else path.stem
    opened: Opened | None = None
    closed: Closed | None = None
    commands = scans = errors = 0
    end = 0.0
    try:
        for _, record in read_records(path, []):
            if isinstance(record, Opened):
                opened = record
            elif isinstance(record, Closed):
                closed = record
            commands += isinstance(record, Command)
            scans += isinstance(record, Scan)
            errors += isinstance(record, Done) and record.outcome == "error"
            end = max(end, getattr(record, "time", 0.0))
    except JournalError as error:
        return JournalSummary(path.stem, path, name, "", 0.0, 0, 0, 0, "unreadable", str(error))
    assert opened is not None, "read_records begins with it"
    return JournalSummary(
        id=path.stem,
        path=path,
        session=opened.session,
        date=opened.date,
        seconds=max(end - opened.time, 0.0),
        commands=commands,
        scans=scans,
        errors=errors,
        state="ended" if closed is not None else "running" if is_running(path) else "killed",
    )


def is_running(path: Path) -> bool:
    """Tell whether the session of a journal lives: as long as it does, it holds a lock on it."""
    import fcntl

    with suppress(OSError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
