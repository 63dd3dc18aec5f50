"""Whether somebody is at work on a scan: running or crashed."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from session_shell.nexus import ScanFile
from session_shell.nexus.disk import running
from session_shell.nexus.disk.running import is_being_written, side_path, writer_of

from .documents import ended, loopscan, name_of, point, save

ROOT = Path(__file__).parents[2]
SCAN = """
import os, sys, time
from pathlib import Path
from session_shell.nexus import ScanFile
from tests.nexus.documents import loopscan, name_of, point

doc = loopscan()
file = ScanFile.reserve(Path(sys.argv[1]), name_of, 1)
file.scan_started(doc)
file.rows(point(doc, 0))
if len(sys.argv) > 2 and os.fork() == 0:
    os.close(1)
    print(os.getpid(), file=sys.stderr, flush=True)
    time.sleep(60)
print("running", flush=True)
time.sleep(60)
"""


def test_a_scan_is_written_from_its_reservation_to_its_end(tmp_path: Path) -> None:
    doc = loopscan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    assert is_being_written(file.path)
    file.scan_started(doc)
    file.rows(point(doc, 0))
    assert is_being_written(file.path)
    assert writer_of(file.path) == f"process {os.getpid()} on {os.uname().nodename}"
    file._ballast.release()  # the disk is full: the lock stays
    assert is_being_written(file.path)
    assert writer_of(file.path).startswith(f"process {os.getpid()}")
    file.scan_ended(ended(doc, 1))
    assert not is_being_written(file.path)
    assert writer_of(file.path) == ""
    assert not side_path(file.path).exists()


def test_a_finished_scan_and_no_scan(tmp_path: Path) -> None:
    assert not is_being_written(save(tmp_path, loopscan(), 1))
    assert not is_being_written(tmp_path / "nowhere" / "scan.h5")


def test_a_reservation_that_is_given_back(tmp_path: Path) -> None:
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.discard()
    assert not is_being_written(file.path)


@pytest.mark.parametrize("forked", [False, True], ids=["alone", "with a child that lives on"])
def test_a_process_that_is_killed(forked: bool, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCAN, str(tmp_path), *(["fork"] if forked else [])]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "running\n"
        child = int(process.stderr.readline()) if forked else 0
        path = tmp_path / name_of(1)
        try:
            assert is_being_written(path)
            assert writer_of(path).startswith(f"process {process.pid} on ")
            process.kill()
            process.wait()
            assert not is_being_written(path)
            assert writer_of(path).startswith(f"process {process.pid} on ")
        finally:
            if child:
                os.kill(child, signal.SIGKILL)


def test_asking_does_not_keep_a_writer_from_its_lock(tmp_path: Path) -> None:
    path = tmp_path / name_of(1)
    side = side_path(path)
    side.touch()
    looking = os.open(side, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    file = ScanFile.reserve(tmp_path, name_of, 1)  # waits a moment, then goes on without
    os.close(looking)
    assert is_being_written(path)
    file.discard()


# On disks without locks the hidden file says who writes.


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("no_locks")
def test_a_disk_without_locks(tmp_path: Path) -> None:
    file = ScanFile.reserve(tmp_path, name_of, 1)
    assert is_being_written(file.path)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    _change(file.path, pid=dead.pid)
    assert not is_being_written(file.path)
    _change(file.path, pid=os.getpid(), begun="1")  # the number was given to another process
    assert not is_being_written(file.path)
    _change(file.path, host="elsewhere")  # cannot be known: left alone
    assert is_being_written(file.path)
    side_path(file.path).write_bytes(b"")
    assert not is_being_written(file.path)


def _change(path: Path, **values: object) -> None:
    side = side_path(path)
    record = json.loads(side.read_text().splitlines()[0])
    side.write_text(json.dumps(record | values) + "\n")


def test_a_host_whose_name_is_no_valid_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = os.fsdecode(b"lab\xff")

    class System:
        nodename = name

    monkeypatch.setattr(os, "uname", System)
    running._this_process.cache_clear()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    assert is_being_written(file.path)
    assert writer_of(file.path).endswith("on lab\\udcff")
    running._this_process.cache_clear()
    file.discard()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"pid": "x"}', b"\0" * 5000, b"\xff\n"])
def test_a_hidden_file_with_anything_in_it(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name_of(1)
    side_path(path).write_bytes(content)
    assert not is_being_written(path)
    assert writer_of(path) == ""
