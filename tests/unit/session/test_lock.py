"""A session is open once in a data directory."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gc
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from session_shell import open_session
from session_shell.errors import SessionLockedError, SinkError
from session_shell.session import Session
from session_shell.session.lock import SessionLock

Make = Callable[..., Session]

OPEN = """
import sys
from session_shell import open_session
with open_session("bench", config=sys.argv[1], data=sys.argv[2]) as session:
    session.run("mv(roby, 2)")
    print("open", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def elsewhere(config: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the session open."""
    command = [sys.executable, "-c", OPEN, str(config), str(tmp_path / "data")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


def test_who_has_it_is_told(make_session: Make, elsewhere: subprocess.Popen[str]) -> None:
    with pytest.raises(SessionLockedError) as caught:
        make_session()
    message = str(caught.value)
    assert f"on {socket.gethostname()} (process {elsewhere.pid}) since 20" in message
    assert "session-shell open bench --read-only" in message
    assert "\n" not in message
    assert caught.value.owner["pid"] == elsewhere.pid


def test_a_killed_owner_is_taken_over_at_once(
    make_session: Make, elsewhere: subprocess.Popen[str]
) -> None:
    elsewhere.send_signal(signal.SIGKILL)
    elsewhere.wait()
    session = make_session()
    assert session.run("roby.position") == 2
    assert json.loads(session.lock.path.read_text())["pid"] == os.getpid()


def test_another_data_directory_is_another_matter(
    make_session: Make, elsewhere: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert make_session(data=tmp_path / "mine").run("roby.position") == 0


def test_reading_beside_it(
    make_session: Make, elsewhere: subprocess.Popen[str], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    with make_session(read_only=True) as session:
        assert session.read_only
        assert session.run("roby.position") == 2
        session.run("mv(roby, 5); SCAN_SAVING.add('sample', 'Si')")
        assert session.run("loopscan(2, 0.1, diode, save=False)").data.npoints == 2
        with pytest.raises(SinkError, match="open read-only: scan with save=False"):
            session.run("loopscan(2, 0.1, diode)")
        with make_session(read_only=True) as third:
            assert third.run("roby.position") == 2
        assert "read-only" in session.__info__()
    after = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    assert {path.name for path in after} == {path.name for path in before}
    assert after[folder / ".session-shell" / "bench.lock"]


def test_reading_where_nobody_writes(make_session: Make, tmp_path: Path) -> None:
    with make_session() as session:
        session.run("mv(roby, 3)")
    hidden = tmp_path / "data" / ".session-shell"
    before = sorted(path.name for path in hidden.iterdir())
    with make_session(read_only=True) as session:
        assert session.run("roby.position") == 3
        session.run("mv(roby, 4)")
    assert sorted(path.name for path in hidden.iterdir()) == before
    with make_session() as session:
        assert session.run("roby.position") == 3


def test_reading_without_any_data(make_session: Make, tmp_path: Path) -> None:
    with make_session(read_only=True) as session:
        assert session.run("roby.position") == 0
    assert not (tmp_path / "data").exists()


def test_the_same_program_twice(make_session: Make) -> None:
    first = make_session()
    with pytest.raises(SessionLockedError, match=r"in this program; close\(\) it first"):
        make_session()
    first.close()
    assert not first.lock.path.exists()
    make_session()


def test_a_session_that_is_forgotten_frees_it(config: Path, tmp_path: Path) -> None:
    session = open_session("bench", config=config, data=tmp_path / "data")
    session.settings.close()
    del session
    gc.collect()
    open_session("bench", config=config, data=tmp_path / "data").close()


def test_an_unknown_session_leaves_nothing_behind(config: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="bnech"):
        open_session("bnech", config=config, data=tmp_path / "data")
    assert not (tmp_path / "data").exists()


def wait(connection: Any) -> None:
    connection.recv()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking with threads
def test_a_child_of_the_session_does_not_keep_it(make_session: Make) -> None:
    session = make_session()
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=wait, args=(theirs,))
    child.start()
    try:
        with pytest.raises(SessionLockedError):
            make_session()
        session.close()
        make_session()
    finally:
        ours.send("end")
        child.join()


# --------------------------------------------------------------- disks that are not as they should


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("no_locks")
def test_a_disk_without_locks(
    make_session: Make, elsewhere: subprocess.Popen[str], tmp_path: Path
) -> None:
    with pytest.raises(SessionLockedError, match=f"process {elsewhere.pid}"):
        make_session()
    elsewhere.kill()
    elsewhere.wait()
    first = make_session()
    with pytest.raises(SessionLockedError, match="in this program"):
        make_session()
    first.close()
    make_session()


@pytest.mark.usefixtures("no_locks")
@pytest.mark.parametrize(
    ("change", "is_free"),
    [
        ({"host": "elsewhere"}, False),
        ({"process": "another start"}, True),
        ({"process": None}, False),
        ({"pid": 2**22 + 7}, True),
        ({"pid": "x"}, True),
        ({"pid": 2**70}, True),
        ({"pid": 1, "process": None}, False),
    ],
)
def test_owners_on_a_disk_without_locks(
    tmp_path: Path, change: dict[str, Any], is_free: bool
) -> None:
    lock = SessionLock(tmp_path, "demo")
    lock.acquire()
    said = json.loads(lock.path.read_text())
    lock.release()
    lock.path.write_text(json.dumps({**said, **change}))
    if is_free:
        assert lock.acquire()
        lock.release()
        return
    with pytest.raises(SessionLockedError) as caught:
        lock.acquire()
    assert (f"delete {lock.path}" in str(caught.value)) == ("host" in change)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\0", b"null", b"x" * 100_000])
def test_a_damaged_lock_file(tmp_path: Path, content: bytes) -> None:
    lock, other = SessionLock(tmp_path, "demo"), SessionLock(tmp_path, "demo")
    lock.path.parent.mkdir()
    lock.path.write_bytes(content)
    assert lock.acquire()
    assert json.loads(lock.path.read_text())["session"] == "demo"
    lock.path.write_bytes(content)
    with pytest.raises(SessionLockedError, match="open already, in another program"):
        other.acquire()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_data_directory_that_cannot_be_written(
    make_session: Make,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    with make_session() as session:
        session.run("mv(roby, 3)")
    real = os.open

    def refuse(path: Any, *rest: Any, **more: Any) -> int:
        if str(path).endswith(".lock"):
            raise OSError(number, os.strerror(number))
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    with make_session() as session:
        assert session.run("roby.position") == 3
        session.run("mv(roby, 4)")
        assert not session.read_only
        assert f"{tmp_path / 'data'} cannot be written ({os.strerror(number)})" in caplog.text
    monkeypatch.undo()
    with make_session() as session:
        assert session.run("roby.position") == 3


@pytest.mark.parametrize("may_remove", [True, False])
def test_a_file_of_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, may_remove: bool
) -> None:
    lock, other = SessionLock(tmp_path, "demo"), SessionLock(tmp_path, "demo")
    assert other.acquire()
    is_theirs = True
    left = other.path.read_bytes()
    real, real_unlink = os.open, Path.unlink

    def open_as_another(path: Any, flags: int, *rest: Any) -> int:
        if path == lock.path and flags & os.O_RDWR and is_theirs:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, *rest)

    def unlink(path: Path, *rest: Any, **more: Any) -> None:
        nonlocal is_theirs
        if not may_remove:
            raise PermissionError(errno.EACCES, "Permission denied")
        real_unlink(path, *rest, **more)
        is_theirs = False

    monkeypatch.setattr(os, "open", open_as_another)
    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(SessionLockedError, match="in this program"):
        lock.acquire()
    # It is killed: the lock goes, the file stays.
    other._end.detach()  # type: ignore[union-attr]
    os.close(_descriptor(lock.path))
    assert lock.path.read_bytes() == left
    assert lock.acquire()
    assert is_theirs is not may_remove
    third = SessionLock(tmp_path, "demo")
    with pytest.raises(SessionLockedError):
        third.acquire()


def _descriptor(path: Path) -> int:
    """Return the descriptor of an open file."""
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if entry.readlink() == path:
                return int(entry.name)
    raise AssertionError(path)


def test_a_full_disk(make_session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "pwrite", full)
    session = make_session()
    with pytest.raises(SessionLockedError, match="in another program"):
        make_session()
    monkeypatch.undo()
    session.run("mv(roby, 3)")
    session.close()
    assert make_session().run("roby.position") == 3


def test_the_file_is_removed_while_it_is_held(make_session: Make) -> None:
    first = make_session()
    first.lock.path.unlink()
    second = make_session()  # nobody can know; but the first one must not free the second's
    first.close()
    assert second.lock.path.exists()
    with pytest.raises(SessionLockedError):
        make_session()


RACE = """
import sys
from pathlib import Path
from session_shell.errors import SessionLockedError
from session_shell.session.lock import SessionLock
lock, mark = SessionLock(Path(sys.argv[1]), "demo"), Path(sys.argv[1]) / "inside"
sys.stdin.readline()
for _ in range(300):
    try:
        lock.acquire()
    except SessionLockedError:
        continue
    mark.open("x").close()  # fails when somebody else is inside
    mark.unlink()
    lock.release()
"""


def test_many_who_open_and_close(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACE, str(tmp_path)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        _, errors = racer.communicate(timeout=60)
        assert racer.returncode == 0, errors
