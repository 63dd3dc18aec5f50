"""What can go wrong with the disk, in a real session: one clear line, and the session goes on."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from session_shell.clock import VirtualClock
from session_shell.errors import SinkError
from session_shell.nexus import open_scan, repair_folder
from session_shell.nexus.disk import files
from session_shell.nexus.writing import columns, ending, writer
from session_shell.scanning.documents import EndReason
from session_shell.session import Session

from ..stress.disk_full import small_disk
from ..unit.scanning.devices import Counter

NOBODY = 65534


@pytest.fixture
def data(session: Session) -> Path:
    """Return the folder of the session's scans, with one in it."""
    session.run("loopscan(2, 0.1, diode)")
    return session.saving.folder


def refused(session: Session, code: str, *words: str) -> str:
    """Run what must fail; the error is one line with these words, and the prompt works."""
    with pytest.raises(SinkError) as caught:
        session.run(code)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    session.run("value = 1 + 1")
    assert session.namespace["value"] == 2
    assert session.host.running is None
    return message


def does_not_start(session: Session, *words: str) -> None:
    """A scan that could not be saved does not start: nothing has moved; save=False does."""
    before = session.namespace["roby"].position
    refused(session, "ascan(roby, 1, 2, 3, 0.1, diode)", *words, "save=False")
    assert session.namespace["roby"].position == before
    session.run("loopscan(2, 0.1, diode, save=False)")
    assert session.scans[-1].data.npoints == 2


def works(session: Session, number: int | None = None) -> Path:
    """Run the next scan; it is saved whole."""
    session.run("ascan(roby, 0, 1, 3, 0.1, diode)")
    scan = session.scans[-1]
    assert scan.end_reason is EndReason.SUCCESS
    assert scan.file is not None
    with scan.file.open("rb") as stream, h5py.File(stream) as file:
        entry = file[f"{scan.number}.1"]
        assert list(entry["measurement/diode"]) == [7.0] * 4
        assert entry["end_reason"].asstr()[()] == "SUCCESS"
    assert number is None or scan.number == number
    hidden = {p.name for p in scan.file.parent.glob(".*")}
    assert not {name for name in hidden if name.endswith((".part", ".ballast", ".redo"))}
    return scan.file


# Before a scan


@contextmanager
def as_nobody() -> Iterator[None]:
    if os.geteuid():
        pytest.skip("only root can become somebody without permission")
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_permission(session: Session) -> None:
    # The folders of pytest are for their owner alone.
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        session.namespace["SCAN_SAVING"].base_path = str(folder)
        with as_nobody():
            does_not_start(session, "no permission", str(folder))
            assert list(folder.iterdir()) == []
        works(session)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def disk() -> Iterator[Path]:
    try:
        with small_disk(8) as folder:
            yield folder
    except OSError as error:
        pytest.skip(f"cannot mount a disk: {error}")


def _remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def test_a_disk_that_is_read_only(session: Session, disk: Path) -> None:
    session.namespace["SCAN_SAVING"].base_path = str(disk)
    session.run("loopscan(1, 0.1, diode)")
    _remount(disk, "ro")
    does_not_start(session, "the disk is read-only")
    _remount(disk, "rw")
    works(session, 2)


def test_a_disk_that_is_full(session: Session, disk: Path) -> None:
    session.namespace["SCAN_SAVING"].base_path = str(disk)
    session.run("loopscan(1, 0.1, diode)")
    filling = disk / "filling"
    fd = os.open(filling, os.O_CREAT | os.O_WRONLY)
    with contextlib.suppress(OSError):
        while os.write(fd, b"x" * 4096):
            pass
    os.close(fd)
    does_not_start(session, "the disk is full", "free some space")
    filling.unlink()
    works(session)


def test_a_part_of_the_path_is_a_file(session: Session, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    session.namespace["SCAN_SAVING"].base_path = str(tmp_path / "file")
    does_not_start(session, "a part of the path is a file")
    (tmp_path / "file").unlink()
    works(session, 1)


def test_a_path_that_is_too_long(session: Session, tmp_path: Path) -> None:
    session.namespace["SCAN_SAVING"].base_path = str(tmp_path / ("x" * 300))
    does_not_start(session, "too long")
    session.namespace["SCAN_SAVING"].base_path = str(tmp_path / "short")
    works(session, 1)


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EDQUOT, "quota is used up"), (errno.ENOSPC, "the disk is full")]
)
def test_the_quota(
    number: int, words: str, session: Session, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(files, "allocate", refuse)
        does_not_start(session, words)
    works(session)


@contextmanager
def no_more_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open("/", os.O_RDONLY))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in taken:
            os.close(fd)


def test_too_many_open_files(session: Session, data: Path) -> None:
    with no_more_files():
        does_not_start(session, "too many files are open")
    works(session)


@pytest.mark.parametrize("kind", ["file", "folder", "symlink"])
def test_a_name_that_is_taken(kind: str, session: Session, data: Path) -> None:
    path = data / "scan_0002.h5"
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    works(session)
    assert path.is_symlink() == (kind == "symlink")
    assert path.is_dir() == (kind == "folder")
    assert kind != "file" or path.read_text() == "mine"


def test_the_name_of_the_master_file_is_taken(
    session: Session, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session.saving.master.unlink()
    session.saving.master.mkdir()
    works(session, 2)
    assert "has no link in the master file" in caplog.text
    session.saving.master.rmdir()
    works(session)
    with h5py.File(session.saving.master) as master:
        assert set(master) == {"1.1", "2.1", "3.1"}


# During a scan


def during(session: Session, what: Callable[[], None], at: int = 3) -> str:
    """Return the code of a scan of six points in which something happens."""
    session.namespace["counter"] = Counter(at={at: what})
    return "loopscan(6, 0.1, counter, diode)"


@pytest.fixture
def _every_point_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)


@pytest.mark.usefixtures("_every_point_at_once")
def test_the_folder_vanishes(session: Session, data: Path) -> None:
    there = data.with_name("moved")
    code = during(session, lambda: data.rename(there) and None)
    message = refused(session, code, "the scan could not be finished", "the folder has vanished")
    assert "6 of 6 points are in the file, which was moved" in message
    assert not data.exists()
    with h5py.File(there / "scan_0002.h5") as file:
        assert list(file["2.1/measurement/diode"]) == [7.0] * 6
    works(session)
    states = {r.path.name: r.state for r in repair_folder(there)}
    assert states == {"scan_0001.h5": "finished", "scan_0002.h5": "repaired"}
    assert open_scan(there / "scan_0002.h5").data.npoints == 6


@pytest.mark.usefixtures("_every_point_at_once")
def test_the_folder_is_deleted_with_everything(session: Session, data: Path) -> None:
    code = during(session, lambda: shutil.rmtree(data))
    refused(session, code, "the folder has vanished")
    works(session)


@pytest.mark.usefixtures("_every_point_at_once")
def test_the_file_is_deleted(session: Session, data: Path) -> None:
    code = during(session, lambda: (data / "scan_0002.h5").unlink())
    session.run(code)
    scan = session.scans[-1]
    assert scan.end_reason is EndReason.SUCCESS
    assert open_scan(scan.file).data.npoints == scan.data.npoints
    works(session)


def test_the_folder_takes_no_more_files(session: Session) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        os.chown(folder, NOBODY, NOBODY)
        session.namespace["SCAN_SAVING"].base_path = str(folder)
        with as_nobody():
            session.run("loopscan(1, 0.1, diode)")
            dataset = session.saving.folder
            session.run(during(session, lambda: dataset.chmod(0o555)))
            scan = session.scans[-1]
            assert scan.end_reason is EndReason.SUCCESS
            assert open_scan(scan.file).end_reason is EndReason.SUCCESS
            refused(session, "loopscan(1, 0.1, diode)", "no permission")
            dataset.chmod(0o755)
            session.run("loopscan(1, 0.1, diode)")
        # What could not be removed then is now.
        assert {r.state for r in repair_folder(folder)} == {"finished"}
        assert not list(folder.rglob("*.ballast"))
    finally:
        shutil.rmtree(folder)


@pytest.mark.usefixtures("_every_point_at_once")
@pytest.mark.parametrize("number", [errno.EDQUOT, errno.ENOSPC])
def test_the_disk_fills_up(
    number: int, session: Session, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = False
    real_allocate, real_write, real_release = (
        files.allocate,
        files.write_whole,
        files.Ballast.release,
    )

    def check() -> None:
        if full:
            raise OSError(number, os.strerror(number))

    def fill() -> None:
        nonlocal full
        full = True

    def allocate(fd: int, start: int, size: int) -> None:
        check()
        real_allocate(fd, start, size)

    def write_whole(path: Path, content: bytes, *, sync: bool) -> None:
        check()
        real_write(path, content, sync=sync)

    def release(ballast: files.Ballast) -> bool:
        nonlocal full
        released = real_release(ballast)
        full = full and not released
        return released

    monkeypatch.setattr(files, "allocate", allocate)
    monkeypatch.setattr(writer, "allocate", allocate)
    monkeypatch.setattr(writer, "write_whole", write_whole)
    monkeypatch.setattr(ending, "write_whole", write_whole)
    monkeypatch.setattr(files.Ballast, "release", release)
    monkeypatch.setattr(columns.Columns, "next_growth", lambda _self: 4096)
    words = "the disk is full" if number == errno.ENOSPC else "quota is used up"
    refused(session, during(session, fill), words, "all points so far are in the file")
    scan = open_scan(data / "scan_0002.h5")
    assert scan.end_reason is EndReason.FAILURE  # and it has its end
    assert list(scan.data["diode"]) == [7.0] * scan.data.npoints
    assert scan.data.npoints >= 3
    works(session)


@pytest.mark.usefixtures("_every_point_at_once")
def test_too_many_open_files_during_a_scan(session: Session, data: Path) -> None:
    block = no_more_files()
    session.run(during(session, lambda: block.__enter__() and None))
    block.__exit__(None, None, None)
    assert session.scans[-1].end_reason is EndReason.SUCCESS
    works(session)


# Viewers

VIEWER = """
import sys, h5py
with h5py.File(sys.argv[1], "r") as file:
    entry = file[file.attrs["default"]]
    print("open", flush=True)
    sys.stdin.readline()
    column = entry["measurement/diode"]
    print(len(column), "end_time" in entry, set(column[:].tolist()) <= {7.0}, flush=True)
"""


@pytest.mark.usefixtures("_every_point_at_once")
@pytest.mark.parametrize("in_place", [False, True], ids=["by copy", "in place"])
@pytest.mark.parametrize("at", [1, 5])
def test_a_viewer_holds_the_file_with_a_lock(
    at: int, in_place: bool, session: Session, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if in_place:
        monkeypatch.setattr(ending, "_COPY_LIMIT", 0)
    pipe = subprocess.PIPE
    viewers = []

    def look() -> None:
        command = [sys.executable, "-c", VIEWER, str(data / "scan_0002.h5")]
        viewer = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        assert viewer.stdout is not None
        assert viewer.stdout.readline() == "open\n"
        viewers.append(viewer)

    session.run(during(session, look, at))
    assert session.scans[-1].end_reason is EndReason.SUCCESS
    assert open_scan(data / "scan_0002.h5").data.npoints == 6
    output, _ = viewers[0].communicate("go on\n", timeout=30)
    assert viewers[0].returncode == 0
    points, _ended, good = output.split()
    assert 1 <= int(points) <= 6
    assert good == "True" or at == 1  # before the first point the column holds a NaN
    works(session)


def test_a_viewer_holds_the_master_file_with_a_lock(session: Session, data: Path) -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, h5py; f = h5py.File(sys.argv[1], 'r'); print('open', flush=True); "
            "sys.stdin.readline(); print(len(f))",
            str(session.saving.master),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as viewer:
        assert viewer.stdout is not None
        assert viewer.stdout.readline() == "open\n"
        works(session)
        assert viewer.communicate("go on\n", timeout=30)[0] == "1\n"
    with h5py.File(session.saving.master) as master:
        assert len(master) == 2


# The clock, and names


class JumpingClock(VirtualClock):
    """Goes back by an hour when it is told to, as a computer whose time is set."""

    back = 0.0

    def time(self) -> float:
        return super().time() - self.back


def test_a_clock_that_jumps_backwards(make_session: Callable[..., Session]) -> None:
    clock = JumpingClock(start=1_700_000_000.0)
    session = make_session(clock=clock)

    def jump() -> None:
        clock.back = 3600.0

    session.run(during(session, jump))
    scan = open_scan(session.scans[-1].file)
    assert scan.end_reason is EndReason.SUCCESS
    assert scan.data.npoints == 6
    assert np.all(np.isfinite(scan.data["epoch"]))
    works(session, 2)


@pytest.mark.parametrize("where", ["folder", "key", "metadata", "title"])
def test_a_name_that_is_no_valid_text(where: str, session: Session, tmp_path: Path) -> None:
    name = os.fsdecode(b"Fe\xff")
    saving = session.namespace["SCAN_SAVING"]
    session.namespace["name"] = name
    if where == "folder":
        saving.base_path = str(tmp_path / name)
    elif where == "key":
        try:
            saving.add("sample", name)
            saving.template = "{session}/{sample}"
        except ValueError:
            return  # refused with a message, which is as good
    elif where == "metadata":
        session.scan_meta.sample.set("it", {"name": name, name: 1})
    else:
        session.run("loopscan(1, 0.1, diode, title=name)")
    path = works(session)
    assert path.exists()
    assert {r.state for r in repair_folder(path.parent)} == {"finished"}
