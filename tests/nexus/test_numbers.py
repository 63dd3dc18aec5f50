"""Numbers, names and what the disk says."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from session_shell.errors import SinkError
from session_shell.nexus import ScanFile, last_number, update_master
from session_shell.nexus.disk import files
from session_shell.nexus.folder.numbers import NUMBER_FILE

from .documents import ended, loopscan, name_of, point, save


def test_last_number(tmp_path: Path) -> None:
    assert last_number(tmp_path / "nowhere", name_of) == 0
    assert last_number(tmp_path, name_of) == 0
    for name in (
        "scan_0007.h5",
        "scan_0012.h5",
        "scan_12345.h5",
        "scan_99.h5",
        "scan_0100.h5.bak",
        "other_0200.h5",
        "scan_0300.h5.part",
        "scan_99999999999999999999999.h5",
        "demo.h5",
    ):
        (tmp_path / name).touch()
    assert last_number(tmp_path, name_of) == 12345
    assert last_number(tmp_path, lambda n: f"other_{n:04d}.h5") == 200
    (tmp_path / ".scan_20000.h5.part").touch()
    assert last_number(tmp_path, name_of) == 20000


def test_number_formats_of_users(tmp_path: Path) -> None:
    def filename(number: int) -> str:
        return f"run2_{number}_x1.h5"

    (tmp_path / "run2_31_x1.h5").touch()
    assert last_number(tmp_path, filename) == 31


def test_taken_numbers_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "scan_0003.h5").touch()
    (tmp_path / ".scan_0004.h5.part").touch()  # of a process that died
    (tmp_path / "scan_0005.h5").symlink_to("nowhere")
    assert ScanFile.reserve(tmp_path, name_of, 3).number == 6
    assert ScanFile.reserve(tmp_path, name_of, 3).number == 7
    assert ScanFile.reserve(tmp_path, name_of, 0).number == 8


def test_a_stale_part_file_does_not_hurt(tmp_path: Path) -> None:
    (tmp_path / ".scan_0001.h5.part").write_bytes(b"half a file")
    path = save(tmp_path, loopscan(), 2)
    assert path.name == "scan_0002.h5"
    with h5py.File(path) as file:
        assert "end_time" in file["2.1"]


def test_a_number_that_was_finished_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def slow_open(path: str | Path, *flags: int) -> int:
        if str(path).endswith(".scan_0001.h5.part"):
            (tmp_path / "scan_0001.h5").touch()
        return real(path, *flags)

    monkeypatch.setattr(os, "open", slow_open)
    assert ScanFile.reserve(tmp_path, name_of, 1).number == 2
    assert not (tmp_path / ".scan_0001.h5.part").exists()


def test_threads_never_get_the_same_number(tmp_path: Path) -> None:
    numbers: list[int] = []

    def take() -> None:
        for _ in range(50):
            numbers.append(ScanFile.reserve(tmp_path, name_of, 1).number)  # noqa: PERF401

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 201))


# ---------------------------------------------------- numbers are given once, whatever is lost


def take(folder: Path, number: int = 1) -> int:
    file = ScanFile.reserve(folder, name_of, number)
    file.discard()
    return file.number


def test_a_number_does_not_come_again_when_its_file_is_deleted(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        save(tmp_path, loopscan(), 1).unlink()
        assert last_number(tmp_path, name_of) == number
    assert last_number(tmp_path, lambda n: f"run_{n}.h5") == 3
    assert ScanFile.reserve(tmp_path, lambda n: f"run_{n}.h5", 1).number == 4


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 40, b"7", b"7 8", b"-7 -7", b"x x", b"7 7 7", b"9" * 19 + b" " + b"9" * 19],
)
def test_a_damaged_number_file_is_passed_over_and_mended(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scan_0004.h5").touch()
    (tmp_path / NUMBER_FILE).write_bytes(content)
    assert last_number(tmp_path, name_of) == 4
    assert take(tmp_path) == 5
    assert take(tmp_path) == 6
    assert (tmp_path / NUMBER_FILE).read_bytes() == b"6 6\n"


def make_folder(path: Path) -> None:
    path.mkdir()


def make_link(path: Path) -> None:
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("make", [make_folder, make_link, os.mkfifo])
def test_something_else_in_the_place_of_the_number_file(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / NUMBER_FILE)
    (tmp_path / "scan_0003.h5").touch()
    assert last_number(tmp_path, name_of) == 3
    assert take(tmp_path) == 4
    assert not (tmp_path / "elsewhere").exists()


def test_the_links_of_the_master_file_count(tmp_path: Path) -> None:
    master = tmp_path / "demo.h5"
    for number in (1, 2, 11):
        update_master(master, f"{number}.1", tmp_path / name_of(number))
    assert last_number(tmp_path, name_of, master) == 11
    assert last_number(tmp_path, name_of) == 0
    master.write_bytes(master.read_bytes()[:700])
    assert last_number(tmp_path, name_of, master) == 0
    master.write_text("no HDF5 file")
    assert last_number(tmp_path, name_of, master) == 0


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o777])
def test_who_may_scan_may_count(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    assert take(tmp_path) == 1
    assert (tmp_path / NUMBER_FILE).stat().st_mode & 0o777 == mode & 0o666


def test_a_number_file_that_can_only_be_read_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NUMBER_FILE).write_text("7 7\n")
    real = os.open

    def refuse(path: str | Path, flags: int, *mode: int) -> int:
        if str(path).endswith(NUMBER_FILE) and flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse)
    assert take(tmp_path) == 8
    assert (tmp_path / NUMBER_FILE).read_text() == "7 7\n"


def test_a_disk_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert [take(tmp_path) for _ in range(3)] == [1, 2, 3]


def test_a_process_that_keeps_the_lock_does_not_stop_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session_shell.nexus.folder.numbers._WAIT", 0.01)
    assert take(tmp_path) == 1
    with (tmp_path / NUMBER_FILE).open() as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        assert [take(tmp_path), take(tmp_path)] == [2, 3]


TAKER = """
import sys
from pathlib import Path
from session_shell.nexus.folder.numbers import reserve_number
from session_shell.nexus.disk.files import part_path

sys.stdin.readline()
for _ in range(300):
    number, path = reserve_number(Path(sys.argv[1]), lambda n: f"scan_{n:04d}.h5", 1)
    print(number, flush=True)
    part_path(path).unlink()  # as when the scan is deleted at once
"""


def test_processes_that_delete_what_they_made(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TAKER, str(tmp_path)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    numbers: list[int] = []
    for process in running:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        numbers += map(int, output.split())
    assert sorted(numbers) == list(range(1, 901))


def test_a_number_survives_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TAKER, str(tmp_path)]
    given = []
    for _ in range(3):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"go\n")
            process.stdin.flush()
            given += [int(process.stdout.readline()) for _ in range(20)]
            process.kill()
            given += [int(line) for line in process.stdout.read().split()]
    assert len(set(given)) == len(given)
    assert last_number(tmp_path, name_of) >= max(given)


WRITER = """
import json, sys
from pathlib import Path
from session_shell.nexus import ScanFile, update_master
from session_shell.devices.protocols import Channel
from session_shell.scanning.documents import EndReason, Rows, ScanEnded, ScanStarted

folder, numbers = Path(sys.argv[1]), []
for i in range(40):
    file = ScanFile.reserve(folder, lambda n: f"scan_{n:04d}.h5", 1 + (numbers or [0])[-1])
    doc = ScanStarted("u", file.number, "ct", "ct", "ct", 1.0, 1, (1,), 0.1,
                      (Channel("diode", "counter"),), file=file.path)
    file.scan_started(doc)
    file.rows(Rows(0, 1, ([1.0],)))
    file.scan_ended(ScanEnded("u", 2.0, EndReason.SUCCESS, 1))
    update_master(folder / "demo.h5", f"{file.number}.1", file.path)
    numbers.append(file.number)
print(json.dumps(numbers))
"""


def test_two_processes_in_one_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    numbers = []
    for process in running:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        numbers += json.loads(output)
    assert sorted(numbers) == list(range(1, 81))
    with h5py.File(tmp_path / "demo.h5") as master:
        assert len(master) == 80
        for number in numbers:
            assert "end_time" in master[f"{number}.1"]
    left = {p.name for p in tmp_path.iterdir() if p.name.startswith(".")}
    assert left == {".demo.h5.lock", NUMBER_FILE}


# ------------------------------------------------------------------------ what can go wrong


def error_of(folder: Path, filename: str = "scan.h5") -> str:
    with pytest.raises(SinkError) as caught:
        ScanFile.reserve(folder, lambda n: filename, 1)
    assert caught.value.sink == "file"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "a part of the path is a file" in error_of(tmp_path / "file" / "folder")


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    message = error_of(tmp_path, "x" * 300 + ".h5")
    assert "the path is too long" in message
    assert len(message) < 500


def test_a_path_that_is_too_long(tmp_path: Path) -> None:
    assert "too long" in error_of(tmp_path / "/".join(["y" * 200] * 30))


@pytest.mark.parametrize("name", ["a\0b.h5", "sub/scan.h5", "../scan.h5", "/scan.h5"])
def test_names_that_are_not_possible(tmp_path: Path, name: str) -> None:
    assert error_of(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_valid_text(tmp_path: Path) -> None:
    path = save(tmp_path / os.fsdecode(b"d\xff\xfe"), loopscan(), 2)
    with path.open("rb") as stream, h5py.File(stream) as file:
        assert len(file["1.1/measurement/diode"]) == 2


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "no permission"),
        (errno.EPERM, "no permission"),
        (errno.EROFS, "read-only"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.ESTALE, "network disk"),
        (errno.ENOTTY, "Inappropriate"),
    ],
)
def test_what_the_system_refuses(
    number: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    message = error_of(tmp_path)
    assert words in message
    assert str(tmp_path) in message
    assert "SCAN_SAVING" in message


def test_the_folder_vanishes_before_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    file = ScanFile.reserve(folder, name_of, 1)
    shutil.rmtree(folder)
    with pytest.raises(SinkError, match="the folder has vanished"):
        file.scan_started(loopscan())
    file.scan_ended(ended(loopscan(), 0))
    assert not folder.exists()


def test_the_folder_vanishes_during_the_scan(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    doc = loopscan()
    file = ScanFile.reserve(folder, name_of, 1)
    file.scan_started(doc)
    file.rows(point(doc, 0))
    folder.rename(tmp_path / "gone")
    with pytest.raises(SinkError, match=r"could not be finished.*the folder has vanished"):
        file.scan_ended(ended(doc, 1))
    assert not folder.exists()


def test_the_start_fails_half_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    file = ScanFile.reserve(tmp_path, name_of, 1)
    monkeypatch.setattr("session_shell.nexus.writing.writer.write_whole", full)
    with pytest.raises(SinkError, match="the disk is full"):
        file.scan_started(loopscan())
    assert [path.name for path in tmp_path.iterdir()] == [NUMBER_FILE]


def test_a_scan_that_will_not_fit_does_not_start(tmp_path: Path) -> None:
    file = ScanFile.reserve(tmp_path, name_of, 1)
    with pytest.raises(SinkError, match="the disk is full"):
        file.scan_started(loopscan(npoints=10**15))
    assert [path.name for path in tmp_path.iterdir()] == [NUMBER_FILE]


def test_error_numbers_in_the_text_of_hdf5() -> None:
    error = RuntimeError("write failed: errno = 28, error message = 'No space left on device'")
    assert files.is_full(error)
    assert not files.is_full(RuntimeError("else"))
