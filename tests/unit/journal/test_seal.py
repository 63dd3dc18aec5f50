from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from session_shell.journal import read_journal
from session_shell.session import Session


@pytest.fixture
def journal(make_session: Callable[..., Session]) -> Path:
    with make_session() as session:
        session.run("umv roby 1")
        session.run("x = 1")
        session.run("x = 2")
    assert session.journal.path is not None
    return session.journal.path


def test_a_journal_as_it_was_written_has_no_changed_line(journal: Path) -> None:
    assert read_journal(journal).changed == ()


@pytest.mark.parametrize("line", range(8))
def test_each_edited_line_is_found(journal: Path, line: int) -> None:
    lines = journal.read_text().splitlines()
    assert len(lines) == 9
    lines[line] = lines[line].replace('"time":', '"time": ', 1)
    journal.write_text("\n".join(lines) + "\n")
    assert [changed.line for changed in read_journal(journal).changed] == [line + 1]


def test_a_line_that_is_taken_out_is_found(journal: Path) -> None:
    lines = journal.read_text().splitlines()
    del lines[4:6]
    journal.write_text("\n".join(lines) + "\n")
    (changed,) = read_journal(journal).changed
    assert (changed.line, changed.record, changed.number) == (5, "command", 3)


def test_a_line_without_its_fingerprint_is_found(journal: Path) -> None:
    lines = journal.read_text().splitlines()
    lines[3] = lines[3].split(',"check":')[0] + "}"
    journal.write_text("\n".join(lines) + "\n")
    assert 4 in [changed.line for changed in read_journal(journal).changed]


def test_a_torn_last_line_is_not_taken_for_an_edit(journal: Path) -> None:
    text = journal.read_bytes()
    journal.write_bytes(text[:-20])
    log = read_journal(journal)
    assert log.changed == ()
    assert len(log.problems) == 1


def test_a_journal_without_fingerprints_is_read(journal: Path) -> None:
    lines = [line.split(',"check":')[0] + "}" for line in journal.read_text().splitlines()]
    journal.write_text("\n".join(lines) + "\n")
    assert read_journal(journal).changed == ()
