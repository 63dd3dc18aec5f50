"""Journals as they are found: growing, torn, damaged, of another version, no journals at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_shell.errors import JournalError
from session_shell.journal import (
    find_journal,
    journal_folder,
    list_journals,
    read_journal,
)
from session_shell.journal.records import LINE_BYTES

OPEN = {
    "record": "open",
    "format": 1,
    "id": "demo-20261122-183721-4f2a",
    "session": "demo",
    "time": 1000.0,
    "date": "2026-11-22T18:37:21.000+00:00",
    "clock": "virtual",
    "seed": 7,
    "versions": {"session-shell": "0.1.0"},
}
COMMAND = {"record": "command", "number": 1, "time": 1001.0, "typed": "ct 0.1"}
SCAN = {
    "record": "scan",
    "number": 1,
    "uid": "u",
    "scan": 3,
    "type": "ct",
    "title": "ct 0.1",
    "time": 1001.5,
    "seconds": 0.1,
    "npoints": 1,
    "points": 1,
    "end_reason": "SUCCESS",
}
DONE = {"record": "done", "number": 1, "time": 1002.0, "seconds": 0.01, "output": "hello\n"}
CLOSE = {"record": "close", "time": 1003.0}


def write(folder: Path, *records: Any, name: str = "demo-20261122-183721-4f2a") -> Path:
    path = folder / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in records]
    path.write_bytes(b"".join(lines))
    return path


def test_a_journal_is_put_together_by_commands(tmp_path: Path) -> None:
    setup = {**SCAN, "number": 0, "scan": 2}
    file = {"record": "file", "number": 1, "path": "/x.py", "text": "ct(0.1)", "arguments": ["1"]}
    note = {"record": "note", "number": 1, "time": 1.0, "kind": "text", "text": "remark"}
    second = {**COMMAND, "number": 2, "typed": "wa()"}
    path = write(tmp_path, OPEN, setup, COMMAND, file, SCAN, note, DONE, second, CLOSE)
    log = read_journal(path)
    assert log.opened.seed == 7
    assert [s.scan for s in log.setup.scans] == [2]
    first, last = log.commands
    assert first.command.typed == "ct 0.1"
    assert first.files[0].arguments == ["1"]
    assert first.scans[0].scan == 3
    assert first.notes[0].text == "remark"
    assert first.done is not None
    assert first.done.outcome == "ok"
    assert last.done is None
    assert log.closed is not None
    assert log.problems == ()


def test_every_beginning_of_a_journal_can_be_read(tmp_path: Path) -> None:
    whole = write(tmp_path, OPEN, COMMAND, SCAN, DONE, CLOSE).read_bytes()
    for end in range(whole.index(b"\n") + 1, len(whole) + 1):
        log = read_journal(write(tmp_path, whole[:end], name="cut"))
        # The last character of a line is enough, its end of line may be missing.
        lines = (whole[:end] + whole[end : end + 1]).count(b"\n")
        (command,) = log.commands or (None,)
        assert (command is not None) == (lines >= 2)
        assert (command is not None and bool(command.scans)) == (lines >= 3)
        assert (command is not None and command.done is not None) == (lines >= 4)
        assert (log.closed is not None) == (lines >= 5)
        torn = b"\n" not in whole[end - 1 : end + 1]
        assert bool(log.problems) == torn
        if torn:
            assert f"cut.jsonl:{lines + 1}: the line is torn" in log.problems[0]


@pytest.mark.parametrize(
    "line", [b'{"record": "do\n', b"\0\0\0\0\n", b'{"record": "\xff"}\n', b"[" * 9999 + b"\n"]
)
def test_a_damaged_line_in_the_middle_is_told_and_left_out(tmp_path: Path, line: bytes) -> None:
    log = read_journal(write(tmp_path, OPEN, COMMAND, line, DONE))
    assert log.commands[0].done is not None
    assert len(log.problems) == 1
    assert re.search(r"\.jsonl:3: the line is damaged \(.+\); it is left out", log.problems[0])


def test_kinds_and_keys_of_a_later_version_are_skipped(tmp_path: Path) -> None:
    new = {"record": "weather", "sun": True}
    log = read_journal(write(tmp_path, {**OPEN, "moon": "full"}, COMMAND, new, DONE))
    assert log.commands[0].done is not None
    assert len(log.problems) == 1
    assert ":3: a record 'weather' of a later version is left out" in log.problems[0]


@pytest.mark.parametrize("more", [{}, {"session": 7}, {"id": None}])
def test_a_later_format_is_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    path = write(tmp_path, {**OPEN, "format": 2, **more}, COMMAND)
    with pytest.raises(JournalError, match=r":1: the journal has format 2, .*update"):
        read_journal(path)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ((OPEN, {**COMMAND, "number": "one"}), r":2: Expected `int`, got `str` - at `\$.number`"),
        ((OPEN, {**COMMAND, "typed": None}), r":2: Expected `str`, got `null`"),
        ((OPEN, {"record": "done", "number": 1}), r":2: Object missing required field `time`"),
        ((OPEN, {**SCAN, "channels": ["a"]}), r":2: Expected `object`, got `array`"),
        ((OPEN, ["no", "object"]), r":2: Expected `object`, got `array`"),
        ((OPEN, {"record": 5}), r":2: "),
        ((OPEN, {"kind": "x"}), r":2: Object missing required field `record`"),
        ((OPEN, OPEN), r":2: a second 'open' record"),
        ((OPEN, COMMAND, COMMAND), r":3: command 1 begins a second time"),
        ((COMMAND,), r":1: a journal begins with an 'open' record"),
        (({"record": "weather"},), r":1: "),
        ((b"PK\x03\x04 an archive\n",), r":1: this is no journal"),
        ((b"\x89HDF\r\n\x1a\n",), r":1: this is no journal"),
        ((b"",), r": is empty"),
        ((b"\n\n  \n",), r": is empty"),
        ((json.dumps(OPEN).encode()[:50],), r":1: this is no journal"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_line(
    tmp_path: Path, records: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(JournalError, match=message):
        read_journal(write(tmp_path, *records))


def test_a_line_of_a_gigabyte_is_not_loaded(tmp_path: Path) -> None:
    path = write(tmp_path, OPEN)
    with path.open("ab") as file:
        file.truncate(2**30)  # sparse: NUL bytes without an end of line
    with pytest.raises(JournalError, match=r":2: the line is longer than 64 MB"):
        read_journal(path)
    assert LINE_BYTES == 64 * 2**20


def test_what_is_not_there_or_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"none\.jsonl: cannot be read: No such file"):
        read_journal(tmp_path / "none.jsonl")
    with pytest.raises(JournalError, match="cannot be read: Is a directory"):
        read_journal(tmp_path)


def test_what_belongs_to_a_lost_command_is_kept(tmp_path: Path) -> None:
    log = read_journal(write(tmp_path, OPEN, {**SCAN, "number": 4}, {**DONE, "number": 4}))
    assert log.commands[0].command.source == "lost"
    assert log.commands[0].scans[0].scan == 3
    assert len(log.problems) == 1
    assert "belongs to command 4, whose own line is lost" in log.problems[0]


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_give_a_log_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    path = write(folder, OPEN, *(line + b"\n" for line in lines))
    told = ""
    try:
        assert read_journal(path).opened.session == "demo"
    except JournalError as error:
        told = str(error)
    assert not told or str(path) in told


# Finding


def journals(data: Path) -> None:
    folder = journal_folder(data)
    write(folder, OPEN, COMMAND, SCAN, DONE, CLOSE, name="demo-20261122-183721-4f2a")
    write(folder, OPEN, COMMAND, {**DONE, "outcome": "error"}, name="demo-20261123-080000-0001")
    write(folder, {**OPEN, "session": "eh1"}, COMMAND, name="eh1-20261122-200000-abcd")
    write(folder, b"broken\n", name="eh1-20261121-200000-abce")
    (folder / "notes.txt").write_text("not a journal")
    write(folder, OPEN, name="something else")


def test_sessions_are_listed_the_oldest_first(tmp_path: Path) -> None:
    journals(tmp_path)
    found = list_journals(tmp_path)
    assert [(s.id[:20], s.state) for s in found] == [
        ("eh1-20261121-200000-", "unreadable"),
        ("demo-20261122-183721", "ended"),
        ("eh1-20261122-200000-", "killed"),
        ("demo-20261123-080000", "killed"),
    ]
    ended = found[1]
    assert (ended.commands, ended.scans, ended.errors, ended.seconds) == (1, 1, 0, 3.0)
    assert found[3].errors == 1
    assert "this is no journal" in found[0].problem
    assert [s.session for s in list_journals(tmp_path, "eh1")] == ["eh1", "eh1"]
    assert list_journals(tmp_path / "nowhere") == []


def test_a_session_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    journals(tmp_path)
    assert find_journal(tmp_path, "last").stem == "demo-20261123-080000-0001"
    assert find_journal(tmp_path, "demo-20261122").stem == "demo-20261122-183721-4f2a"
    assert find_journal(tmp_path, "eh1-20261122-200000-abcd").stem == "eh1-20261122-200000-abcd"
    with pytest.raises(JournalError, match=r"2 saved sessions begin with 'demo'.*more of the id"):
        find_journal(tmp_path, "demo")
    with pytest.raises(JournalError, match=r"no saved session 'demo-20261124'.*there is demo-"):
        find_journal(tmp_path, "demo-20261124")
    with pytest.raises(JournalError, match="no saved session ''"):
        find_journal(tmp_path, "")
    with pytest.raises(JournalError, match="there are no saved sessions in"):
        find_journal(tmp_path / "nowhere", "last")
    with pytest.raises(JournalError, match=r"no saved session '\.\./\.\./etc'"):
        find_journal(tmp_path, "../../etc")
