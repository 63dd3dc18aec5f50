"""What is left after a crash, and what happens when the disk is full."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import subprocess
import sys
import types
from pathlib import Path

import h5py
import numpy as np
import pytest

from session_shell.devices.protocols import Channel
from session_shell.errors import SinkError
from session_shell.nexus import ScanFile
from session_shell.nexus.disk import direct, files
from session_shell.nexus.disk.overlay import Overlay
from session_shell.nexus.disk.redo import redo_path, roll_forward
from session_shell.nexus.disk.superblock import announce_end, end_of_content
from session_shell.nexus.folder.numbers import NUMBER_FILE
from session_shell.nexus.layout.entry import build
from session_shell.nexus.writing import columns, ending, writer
from session_shell.nexus.writing.columns import Columns
from session_shell.nexus.writing.ending import Edit, edit_file
from session_shell.nexus.writing.streams import Streams
from session_shell.scanning.documents import ScanStarted

from .documents import FAMILIES, block, ended, loopscan, name_of, point, started, timescan


class _KilledError(BaseException):
    """Takes the place of SIGKILL."""


class Killer:
    """Lets so many pages reach the disk, and no more: as the system does on SIGKILL."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 10**9
        self._real = os.pwrite
        monkeypatch.setattr(os, "pwrite", self._pwrite)

    def _pwrite(self, fd: int, data: bytes, start: int) -> int:
        data = bytes(data)
        # The system does a direct write as a whole once it has begun.
        whole = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT
        pages = [(start, data)] if whole else self._cut(start, data)
        for at, page in pages[: max(self.left, 0)]:
            self._write(fd, page, at)
        self.left -= len(pages)
        if self.left < 0:
            raise _KilledError
        return len(data)

    def _write(self, fd: int, page: bytes, at: int) -> None:
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT:
            with mmap.mmap(-1, len(page)) as aligned:
                aligned[:] = page
                self._real(fd, aligned, at)  # type: ignore[arg-type]
        else:
            self._real(fd, page, at)

    @staticmethod
    def _cut(start: int, data: bytes) -> list[tuple[int, bytes]]:
        pages, at = [], 0
        while at < len(data):
            size = min(4096 - (start + at) % 4096, len(data) - at)
            pages.append((start + at, data[at : at + size]))
            at += size
        return pages


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "page by page"])
@pytest.mark.parametrize("family", FAMILIES)
def test_kill_between_any_two_pages_of_an_end_in_place(
    family: str, at_once: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not at_once:
        monkeypatch.setattr(direct, "_LARGEST", 0)
    elif not _has_direct_writes(tmp_path):
        pytest.skip("the disk of the tests has no direct writes")
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    monkeypatch.setattr(ending, "_COPY_LIMIT", 0)
    doc = FAMILIES[family](metadata={"sample": {"name": "kept"}, "changed": {"name": "a"}})
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    for number in range(4):
        file.rows(point(doc, number))
    file._close()
    more = {"changed": {"name": "b"}, "more": {"x": np.arange(3000.0)}}
    waiting = Columns(file._tree)
    waiting.written = 4
    end = ended(doc, 4, metadata={**doc.metadata, **more})
    edit = Edit(file._tree, build(doc, end)[0], waiting)
    before = file.path.read_bytes()
    killer = Killer(monkeypatch)
    for instant in range(200):
        redo_path(file.path).unlink(missing_ok=True)
        file.path.write_bytes(before)
        killer.left = instant
        try:
            edit_file(file.path, edit.apply)
        except _KilledError:
            killer.left = 10**9
        else:
            break
        if at_once:
            _check_points(file.path, doc)
            _check_texts(file.path, doc)
        redo = redo_path(file.path).exists()
        if roll_forward(file.path):
            assert _is_whole(file.path)
        else:
            assert not redo or not _is_whole(file.path)
        assert not redo_path(file.path).exists()
        _check_points(file.path, doc)
        _check_texts(file.path, doc)
    assert 10 < instant < 199
    assert _is_whole(file.path)
    assert not redo_path(file.path).exists()


def _has_direct_writes(folder: Path) -> bool:
    try:
        os.close(os.open(folder / "file", os.O_CREAT | os.O_WRONLY | os.O_DIRECT))
    except OSError:
        return False
    return True


def _check_points(path: Path, doc: ScanStarted) -> None:
    with h5py.File(path) as h5:
        for name, channel in h5["1.1/measurement"].items():
            assert len(channel) == 4, name
        diode = h5["1.1/measurement/diode"][()]
        index = [c.name for c in doc.channels].index("diode")
        np.testing.assert_array_equal(diode, np.arange(4.0) + 100 * index)


def _check_texts(path: Path, doc: ScanStarted) -> None:
    with h5py.File(path) as h5:
        assert h5["1.1/sample/name"].asstr()[()] == "kept"
        assert h5["1.1/title"].asstr()[()] == doc.title


def _is_whole(path: Path) -> bool:
    """Tell whether the end is in the file; everything in it must be readable then."""
    with h5py.File(path) as h5:
        if "end_reason" not in h5["1.1"]:
            h5.visititems(lambda name, node: node[()] if isinstance(node, h5py.Dataset) else None)
            return False
        assert h5["1.1/end_reason"].asstr()[()] == "SUCCESS"
        assert h5["1.1/changed/name"].asstr()[()] == "b"
        assert h5["1.1/more/x"][-1] == 2999.0
        h5.visititems(lambda name, node: node[()] if isinstance(node, h5py.Dataset) else None)
        return True


def test_overlay_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 40)
    with path.open("r+b") as stream:
        overlay = Overlay(stream.fileno())
        overlay.seek(4090)
        overlay.write(b"x" * 20)
        overlay.seek(-5, os.SEEK_END)
        overlay.write(b"y" * 10)
        assert overlay.tell() == 256 * 40 + 5
        overlay.seek(4085)
        buffer = bytearray(30)
        assert overlay.readinto(buffer) == 30
        assert bytes(buffer[5:25]) == b"x" * 20
        assert path.stat().st_size == 256 * 40
        overlay.commit(path)
    data = path.read_bytes()
    assert data[4090:4110] == b"x" * 20
    assert data[-10:] == b"y" * 10
    assert len(data) == 256 * 40 + 5


# ------------------------------------------------------------------------------ disk full


class FullDisk:
    """Lets nothing more be allocated while `full`, until a ballast file is removed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        real = files.allocate
        real_release = files.Ballast.release
        real_write = files.write_whole

        def allocate(fd: int, start: int, size: int) -> None:
            self._check()
            real(fd, start, size)

        def release(ballast: files.Ballast) -> bool:
            released = real_release(ballast)
            self.full = self.full and not released
            return released

        def write_whole(path: Path, content: bytes, *, sync: bool) -> None:
            self._check()
            real_write(path, content, sync=sync)

        monkeypatch.setattr(files, "allocate", allocate)
        monkeypatch.setattr(writer, "allocate", allocate)
        monkeypatch.setattr(files.Ballast, "release", release)
        monkeypatch.setattr(writer, "write_whole", write_whole)
        monkeypatch.setattr(ending, "write_whole", write_whole)

    def _check(self) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    return FullDisk(monkeypatch)


def test_full_before_the_start(disk: FullDisk, tmp_path: Path) -> None:
    file = ScanFile.reserve(tmp_path, name_of, 1)
    disk.full = True
    with pytest.raises(SinkError, match="the disk is full"):
        file.scan_started(loopscan())
    assert [p.name for p in tmp_path.iterdir()] == [NUMBER_FILE]


def test_full_while_points_come(
    disk: FullDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = types.SimpleNamespace(now=0.0)
    monkeypatch.setattr(columns, "time", types.SimpleNamespace(monotonic=lambda: wall.now))
    doc = timescan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    for number in range(8192):
        file.rows(point(doc, number))
    wall.now = 1.0
    disk.full = True
    with pytest.raises(SinkError, match="the disk is full; all points so far are in the file"):
        file.rows(point(doc, 8192))
    file.scan_ended(ended(doc, 8193))
    with h5py.File(file.path) as h5:
        np.testing.assert_array_equal(h5["1.1/measurement/diode"][()], np.arange(8193) + 200.0)
        assert "end_time" in h5["1.1"]
    assert {p.name for p in tmp_path.iterdir()} == {file.path.name, NUMBER_FILE}


def test_full_at_the_end(disk: FullDisk, tmp_path: Path) -> None:
    doc = loopscan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    for number in range(10):
        file.rows(point(doc, number))
    disk.full = True
    file.scan_ended(ended(doc, 10))
    with h5py.File(file.path) as h5:
        assert len(h5["1.1/measurement/diode"]) == 10
        assert "end_time" in h5["1.1"]


def test_full_for_good(disk: FullDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    doc = loopscan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    for number in range(5):
        file.rows(point(doc, number))
    file._ballast.release()
    disk.full = True
    monkeypatch.setattr("session_shell.nexus.disk.overlay.allocate", files.allocate)
    with pytest.raises(SinkError, match="5 of 5 points are in the file, its end is not"):
        file.scan_ended(ended(doc, 5))
    with h5py.File(file.path) as h5:
        np.testing.assert_array_equal(h5["1.1/measurement/diode"][()], np.arange(5) + 200.0)
        assert "end_time" not in h5["1.1"]


SMALL_DISK = """
import sys
from pathlib import Path
from tests.nexus.documents import block, ended, name_of, spectrum, timescan, point
from session_shell.devices.protocols import Channel
from session_shell.errors import SinkError
from session_shell.nexus import ScanFile
from session_shell.nexus.writing import columns

columns._SLOW = 0.0
folder, kind = Path(sys.argv[1]), sys.argv[2]
doc = {"scalars": timescan, "spectra": spectrum}[kind]()
file = ScanFile.reserve(folder, name_of, 1)
file.scan_started(doc)
taken = 0
try:
    while True:
        rows = block(doc, taken, 500) if kind == "scalars" else point(doc, taken)
        taken += rows.count
        file.rows(rows)
except SinkError as error:
    print(error)
    assert "the disk is full" in str(error)
file.scan_ended(ended(doc, taken))
print(taken, "points")
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        pytest.skip(f"cannot mount a small disk: {error}")
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.decode().strip()}")
    return folder


@pytest.mark.parametrize("kind", ["scalars", "spectra"])
def test_a_disk_that_fills_up(small_disk: Path, kind: str) -> None:
    root = Path(__file__).parents[2]
    try:
        done = subprocess.run(
            [sys.executable, "-c", SMALL_DISK, str(small_disk), kind],
            capture_output=True,
            check=False,
            cwd=root,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        taken = int(done.stdout.splitlines()[-1].split()[0])
        assert taken > 100
        with h5py.File(small_disk / "scan_0001.h5") as h5:
            entry = h5["1.1"]
            assert "end_time" in entry
            points = int(entry["scan/npoints_acquired"][()])
            assert taken - 1000 <= points <= taken
            for channel in entry["measurement"].values():
                assert len(channel) == points
            time = entry["measurement/elapsed_time"][()]
            np.testing.assert_array_equal(time, np.arange(points))
    finally:
        subprocess.run(["umount", str(small_disk)], check=False)


@pytest.mark.parametrize("family", ["timescan", "spectrum"])
def test_a_file_knows_its_end_before_anything_is_there(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # HDF5 writes the length of the file last: killed just before, it could not read new chunks.
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    doc = FAMILIES[family]()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    ends = []

    def look(streams: Streams) -> None:
        with file.path.open("rb") as stream:
            end = end_of_content(stream.read(64))
        for dataset in streams._datasets:
            for number in range(dataset.get_num_chunks()):
                chunk = dataset.get_chunk_info(number)
                ends.append(chunk.byte_offset + chunk.size)
                assert end is not None
                assert ends[-1] <= end, number
        real(streams)

    real = Streams.flush
    monkeypatch.setattr(Streams, "flush", look)
    for number in range(40):
        file.rows(point(doc, number))
        if family == "timescan":
            file.rows(block(doc, number + 1, 2000))
    file.scan_ended(ended(doc, 40))
    assert len(set(ends)) > len(doc.channels)
    with h5py.File(file.path) as h5:
        assert "end_time" in h5["1.1"]


def test_the_end_that_a_file_says(tmp_path: Path) -> None:
    for version, libver in ((0, "earliest"), (2, ("v108", "v108")), (3, "latest")):
        path = tmp_path / f"{version}.h5"
        with h5py.File(path, "w", libver=libver) as h5:
            h5["x"] = 1
        assert path.read_bytes()[8] == version
        size = path.stat().st_size
        with path.open("r+b") as stream:
            announce_end(stream.fileno(), size + 5000)
            announce_end(stream.fileno(), size)
        assert path.stat().st_size == size + 5000
        assert end_of_content(path.read_bytes()) == size + 5000
        with h5py.File(path) as h5:
            assert h5["x"][()] == 1
    for content in (b"", b"text" * 20):
        path.write_bytes(content)
        with path.open("r+b") as stream:
            announce_end(stream.fileno(), 5000)
        assert path.read_bytes() == content


@pytest.mark.parametrize("npoints", [0, 11, 1000])
@pytest.mark.parametrize("counters", [1, 8, 30])
def test_no_header_of_a_column_lies_across_two_pages(
    counters: int, npoints: int, tmp_path: Path
) -> None:
    # HDF5 writes it with every point; killed between two pages the column could not be read.
    channels = [Channel(f"c{i}{'_' * (i % 7)}x", "counter", "counts") for i in range(counters)]
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(started(*channels, npoints=npoints))
    file.discard()
    file._drop_image()
    data = file.path.read_bytes()
    with h5py.File(file.path) as h5:
        for column in h5["1.1/measurement"].values():
            place = h5py.h5o.get_info(column.id).addr
            assert place // 4096 == (place + _header_size(data, place) - 1) // 4096
    file._ballast.close()


def _header_size(data: bytes, place: int) -> int:
    """Return the length of an object header as the HDF5 format has it."""
    if data[place : place + 4] != b"OHDR":
        pytest.skip("this HDF5 writes headers of the former kind, which have no checksum")
    flags, at = data[place + 5], place + 6
    at += 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
    width = 1 << (flags & 3)
    return at + width + int.from_bytes(data[at : at + width], "little") + 4 - place
