"""The file of a journal when the disk is full, gone, or the session forks."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from session_shell.journal import file as journal_file
from session_shell.journal import is_running, read_journal
from session_shell.journal.file import JournalFile, encode
from session_shell.journal.records import LINE_BYTES, Command, Done, Opened


def opened(**more: Any) -> Opened:
    return Opened(
        format=1,
        id="demo-20261122-183721-4f2a",
        session="demo",
        time=1.0,
        date="2026-11-22T18:37:21+00:00",
        clock="real",
        seed=1,
        versions={},
        **more,
    )


def command(number: int, typed: str = "wa()") -> Command:
    return Command(number=number, time=2.0, typed=typed)


class Disk:
    """Stands for ``os.write``, with so many bytes of room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room: int | None = None
        self._write = os.write
        monkeypatch.setattr(journal_file.os, "write", self)

    def __call__(self, descriptor: int, data: bytes) -> int:
        if self.room is None:
            return self._write(descriptor, data)
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        part = data[: self.room]
        self.room -= len(part)
        return self._write(descriptor, part)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_a_full_disk_costs_one_warning_and_the_records_meanwhile(
    tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    file = JournalFile(tmp_path / "j.jsonl", opened())
    file.append(command(1))
    disk.room = 10
    file.append(command(2))
    file.append(command(3))
    assert [r.getMessage() for r in caplog.records] == [
        f"{tmp_path / 'j.jsonl'}: what is done is not recorded: No space left on device"
    ]
    disk.room = None
    file.append(command(4))
    file.append(command(5))
    file.close()
    log = read_journal(tmp_path / "j.jsonl")
    assert [c.command.number for c in log.commands] == [1, 4, 5]
    assert len(log.problems) == 1
    assert "j.jsonl:3: the line is damaged" in log.problems[0]


def test_a_disk_that_is_full_at_once_gets_the_beginning_later(
    tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.room = 20
    file = JournalFile(tmp_path / "j.jsonl", opened())
    file.append(command(1))
    disk.room = None
    file.append(command(2))
    log = read_journal(tmp_path / "j.jsonl")
    assert log.opened.session == "demo"
    assert [c.command.number for c in log.commands] == [2]
    assert log.problems == ()
    assert len(caplog.records) == 1
    file.close()
    assert [p.name for p in tmp_path.iterdir()] == ["j.jsonl"]


def test_a_journal_without_its_beginning_is_none(tmp_path: Path, disk: Disk) -> None:
    disk.room = 20
    file = JournalFile(tmp_path / "j.jsonl", opened())
    assert not (tmp_path / "j.jsonl").exists()
    file.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_never_written_to(tmp_path: Path) -> None:
    (tmp_path / "j.jsonl").write_text("precious")
    with pytest.raises(FileExistsError):
        JournalFile(tmp_path / "j.jsonl", opened())
    assert (tmp_path / "j.jsonl").read_text() == "precious"


def test_it_is_locked_as_long_as_its_session_lives(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "j.jsonl", opened())
    assert is_running(tmp_path / "j.jsonl")
    file.close()
    file.close()
    assert not is_running(tmp_path / "j.jsonl")
    assert not is_running(tmp_path / "none.jsonl")
    file.append(command(1))
    assert read_journal(tmp_path / "j.jsonl").commands == ()


def test_a_forked_child_writes_nothing(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "j.jsonl", opened())
    file._pid += 1
    file.append(command(1))
    file._pid -= 1
    file.append(command(2))
    file.close()
    assert [c.command.number for c in read_journal(tmp_path / "j.jsonl").commands] == [2]


def test_a_record_that_no_reader_would_take_is_not_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = JournalFile(tmp_path / "j.jsonl", opened())
    file.append(command(1, "x" * LINE_BYTES))
    file.append(command(2))
    file.close()
    assert [c.command.number for c in read_journal(tmp_path / "j.jsonl").commands] == [2]
    assert "too long" in caplog.text


def test_what_json_cannot_say_is_written_all_the_same(tmp_path: Path) -> None:
    circle: dict[str, Any] = {}
    circle["me"] = circle
    odd = {
        "surrogate": "\ud800",
        "huge": 10**40,
        "nan": float("nan"),
        "path": Path("/x"),
        "bytes": b"\xff",
        "nested": [1, (2, {3: "\udc80"})],
        "circle": circle,
    }
    line = encode(Done(number=1, time=1.0, seconds=0.1, output="\udcff", changes={"a": odd}))
    back = msgspec.json.decode(line)
    assert back["output"] == "\\udcff"
    assert back["changes"]["a"]["surrogate"] == "\\ud800"
    assert back["changes"]["a"]["huge"] == "1" + "0" * 40
    assert back["changes"]["a"]["nan"] is None
    assert back["changes"]["a"]["nested"] == [1, [2, {"3": "\\udc80"}]]
