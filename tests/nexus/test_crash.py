"""What is left after a crash, and what happens when the disk is full."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import types
from pathlib import Path

import h5py
import numpy as np
import pytest

from session_shell.errors import SinkError
from session_shell.nexus import ScanFile, columns, ending, files, writer
from session_shell.nexus.columns import Columns
from session_shell.nexus.ending import Edit
from session_shell.nexus.hdf5 import open_like
from session_shell.nexus.layout import build
from session_shell.nexus.numbers import NUMBER_FILE
from session_shell.nexus.overlay import Overlay

from ..stress.kill_scan import FAMILIES as KILLED
from ..stress.kill_scan import kill_scans
from .documents import FAMILIES, ended, loopscan, name_of, point, timescan


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork beside threads
@pytest.mark.parametrize("in_place", [False, True], ids=["by copy", "in place"])
def test_kill_at_any_instant(in_place: bool) -> None:
    for family, result in kill_scans(8, KILLED, in_place=in_place, seed=7).items():
        assert result.unreadable == [], family
        assert result.without_metadata == [], family
        assert result.points_lost == 0, family


@pytest.mark.parametrize("family", FAMILIES)
def test_kill_between_any_two_writes_of_an_end_in_place(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    doc = FAMILIES[family](metadata={"sample": {"name": "kept"}, "changed": {"name": "a"}})
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    for number in range(4):
        file.rows(point(doc, number))
    file._close()
    more = {"changed": {"name": "b"}, "more": {"x": np.arange(3000.0)}}
    end = ended(doc, 4, metadata={**doc.metadata, **more})
    waiting = Columns(file._tree)
    waiting.written = 4
    with file.path.open("r+b") as stream:
        overlay = Overlay(stream.fileno())
        h5 = open_like(overlay)
        Edit(file._tree, build(doc, end)[0], waiting).apply(h5)
        h5.close()
        behind, over = overlay.pieces()
    content = file.path.read_bytes()
    assert behind
    assert 0 < len(over) < 40
    killed = tmp_path / "killed.h5"
    for count in range(len(behind) + len(over) + 1):
        data = bytearray(content)
        for start, piece in [*behind, *over][:count]:
            data[start:] = data[start:].ljust(len(piece), b"\0")[: max(len(data) - start, 0)]
            data[start : start + len(piece)] = piece
        killed.write_bytes(data)
        with h5py.File(killed) as h5:
            for name, channel in h5["1.1/measurement"].items():
                assert len(channel) == 4, name
            diode = h5["1.1/measurement/diode"][()]
            index = [c.name for c in doc.channels].index("diode")
            np.testing.assert_array_equal(diode, np.arange(4.0) + 100 * index)
            assert h5["1.1/sample/name"].asstr()[()] == "kept"
            assert h5["1.1/title"].asstr()[()] == doc.title
    with h5py.File(killed) as h5:
        assert h5["1.1/end_reason"].asstr()[()] == "SUCCESS"
        assert h5["1.1/changed/name"].asstr()[()] == "b"
        assert h5["1.1/more/x"][-1] == 2999.0


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
        overlay.commit()
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
    monkeypatch.setattr("session_shell.nexus.overlay.allocate", files.allocate)
    with pytest.raises(SinkError, match="the points are in the file, its end is not"):
        file.scan_ended(ended(doc, 5))
    with h5py.File(file.path) as h5:
        np.testing.assert_array_equal(h5["1.1/measurement/diode"][()], np.arange(5) + 200.0)
        assert "end_time" not in h5["1.1"]


SMALL_DISK = """
import sys
from pathlib import Path
from tests.nexus.documents import block, ended, name_of, spectrum, timescan, point
from session_shell.errors import SinkError
from session_shell.nexus import ScanFile, columns

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
