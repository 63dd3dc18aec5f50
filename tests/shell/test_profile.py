"""The history database of the prompt: what is wrong with it never keeps a session from opening."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from session_shell.shell import profile

_CONTENT = b"SQLite format 3\0" + b"\xff" * 8000


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(profile, "state_folder", lambda: tmp_path)
    (tmp_path / "history").mkdir()
    return tmp_path / "history" / "eh1.sqlite"


def _database(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _damaged_page(path: Path) -> None:
    _database(
        path,
        "CREATE TABLE history (session integer, line integer, source text, source_raw text)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
        "INSERT INTO history SELECT 1, i, 'a command', 'a command' FROM n",
    )
    content = bytearray(path.read_bytes())
    content[9000:12000] = b"\x55" * 3000
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(bytes(8192)),
        lambda path: path.write_bytes(b"text, no database\n" * 100),
        lambda path: path.write_bytes(_CONTENT),
        _damaged_page,
        lambda path: _database(path, "CREATE TABLE history (other text)"),
    ],
    ids=["zero", "text", "header", "page", "other tables"],
)
def test_a_damaged_history_is_put_aside(
    damage, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(state)
    content = state.read_bytes()
    with caplog.at_level(logging.WARNING):
        assert profile.history_file("eh1") == str(state)
        assert profile.history_file("eh1") == str(state)
    aside = state.with_name("eh1-damaged-1.sqlite")
    assert aside.read_bytes() == content
    assert [record.getMessage() for record in caplog.records] == [
        record.getMessage() for record in caplog.records if str(aside) in record.getMessage()
    ]
    assert len(caplog.records) == 1
    damage(state)  # and again: the first one stays
    profile.history_file("eh1")
    assert state.with_name("eh1-damaged-2.sqlite").is_file()
    assert aside.read_bytes() == content


def test_a_history_that_is_locked_all_the_time_is_not_kept(
    state: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    holder = sqlite3.connect(state, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    connect = sqlite3.connect
    monkeypatch.setattr(profile.sqlite3, "connect", lambda path: connect(path, timeout=0))
    try:
        with caplog.at_level(logging.WARNING):
            assert profile.history_file("eh1") == ":memory:"
    finally:
        holder.close()
    assert "is locked" in caplog.text
    assert profile.history_file("eh1") == str(state)


def test_a_good_history_stays(state: Path, caplog: pytest.LogCaptureFixture) -> None:
    _database(
        state,
        "CREATE TABLE history (session integer, line integer, source text, source_raw text)",
        "INSERT INTO history VALUES (1, 1, 'a', 'a')",
    )
    before = state.read_bytes()
    assert profile.history_file("eh1") == str(state)
    assert state.read_bytes() == before
    assert not caplog.records
