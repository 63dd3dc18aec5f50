"""Scans that are followed while another process writes them: every point once, and the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from session_shell.clock import RealClock, VirtualClock
from session_shell.errors import ScanError
from session_shell.nexus import ScanFile, open_scan
from session_shell.nexus.reading.listing import Place
from session_shell.nexus.writing import columns
from session_shell.scanning.documents import EndReason, Rows, ScanEnded, ScanStarted
from session_shell.viewer.following import (
    FileOfScans,
    FolderOfScans,
    Follower,
    OneScan,
    Source,
)
from session_shell.viewer.growing import Growing

from ...nexus.documents import ascan, block, ended, loopscan, name_of, point, save, started
from . import bliss

WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from session_shell.devices.protocols import Channel
from session_shell.nexus import ScanFile
from session_shell.scanning.documents import EndReason, Rows, ScanEnded, ScanStarted

folder, family, points, pause, end = sys.argv[1:]
points, pause = int(points), float(pause)
channels = [Channel("elapsed_time", "time", "s"), Channel("epoch", "time", "s")]
channels += [Channel(f"c{i}", "counter", "counts") for i in range(6)]
if family == "images":
    channels.append(Channel("cam", "counter", "counts", "uint16", (64, 64)))
file = ScanFile.reserve(Path(folder), lambda n: f"scan_{n:04d}.h5", 1)
begin = time.time()
doc = ScanStarted(
    uid="u", number=file.number, type=family, name=family, title=family, time=begin, npoints=0,
    shape=(), count_time=0.0, channels=tuple(channels),
)
file.scan_started(doc)
print("started", flush=True)
sys.stdin.readline()
image = np.zeros((64, 64), "uint16")
for n in range(points):
    columns = [[n * 0.001], [begin + n * 0.001], *([n + i / 10.0] for i in range(6))]
    if family == "images":
        columns.append([image + n % 60000])
    file.rows(Rows(n, 1, tuple(columns)))
    if pause:
        time.sleep(pause)
print("written", flush=True)
if end == "hang":
    sys.stdin.readline()
file.scan_ended(ScanEnded("u", time.time(), EndReason.SUCCESS, points))
"""


class Collector:
    """A sink that keeps what it got."""

    must_not_fail = True

    def __init__(self) -> None:
        self.started: list[ScanStarted] = []
        self.blocks: list[Rows] = []
        self.ended: list[ScanEnded] = []
        self.events: list[str] = []

    def scan_started(self, doc: ScanStarted) -> None:
        self.started.append(doc)
        self.events.append(f"started {doc.number}")

    def rows(self, doc: Rows) -> None:
        self.blocks.append(doc)
        self.events.append(f"rows {doc.first}+{doc.count}")

    def scan_ended(self, doc: ScanEnded) -> None:
        self.ended.append(doc)
        self.events.append(f"ended {doc.reason}")

    def scan_paused(self, pause: Any) -> None:
        self.events.append("paused")

    def scan_resumed(self, pause: Any) -> None:
        self.events.append("resumed")

    def column(self, name: str) -> np.ndarray:
        place = [channel.name for channel in self.started[-1].channels].index(name)
        return np.concatenate([np.asarray(rows.columns[place]) for rows in self.blocks])

    @property
    def points(self) -> list[int]:
        return [rows.first + i for rows in self.blocks for i in range(rows.count)]


class Script(VirtualClock):
    """A clock that lets something happen each second of its time, until nothing is left."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__(start=0.0)
        self._steps: Iterator[Callable[[], object]] = iter(steps)
        self._next = 1.0

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.time() >= self._next:
            self._next += 1.0
            step = next(self._steps, None)
            if step is None and self.time() > 60:
                raise KeyboardInterrupt
            if step is not None:
                step()


def follow(
    source: Source, clock: VirtualClock | RealClock, *, once: bool = True
) -> tuple[list[Collector], list[str], ScanEnded | None]:
    """Follow until the end, or until the script of the clock is over."""
    sinks: list[Collector] = []
    told: list[str] = []

    def make(_scan: Growing) -> Collector:
        sinks.append(Collector())
        return sinks[-1]

    follower = Follower(source, make, clock, once, told.append)
    try:
        return sinks, told, follower.run()
    except KeyboardInterrupt:
        return sinks, told, None


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a process that writes a scan; it begins when a line is sent."""
    begun: list[subprocess.Popen[str]] = []

    def start(family: str, points: int, pause: float, end: str = "") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WRITER, str(tmp_path), family, str(points), str(pause)]
        process = subprocess.Popen(
            [*command, end], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize(
    ("family", "points", "pause"),
    [("numbers", 30_000, 0.0), ("numbers", 400, 0.002), ("numbers", 12, 0.11), ("images", 600, 0)],
)
def test_every_point_once_from_another_process(
    family: str,
    points: int,
    pause: float,
    tmp_path: Path,
    writer: Callable[..., subprocess.Popen[str]],
) -> None:
    process = writer(family, points, pause)
    go(process)
    place = Place(tmp_path / "scan_0001.h5", "1.1")
    (sink,), _, last = follow(OneScan(place), RealClock())
    assert last is not None
    assert (last.reason, last.npoints) == (EndReason.SUCCESS, points)
    assert sink.points == list(range(points))
    for number in range(6):
        np.testing.assert_array_equal(sink.column(f"c{number}"), np.arange(points) + number / 10.0)
    if family == "images":
        images = sink.column("cam")
        assert (images == np.arange(points, dtype="uint16")[:, None, None]).all()
    assert process.wait() == 0


def test_a_writer_that_dies_is_told(
    tmp_path: Path, writer: Callable[..., subprocess.Popen[str]]
) -> None:
    process = writer("numbers", 5, 0.11, "hang")
    go(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (sink,), told, last = follow(OneScan(Place(tmp_path / "scan_0001.h5", "1.1")), RealClock())
    assert last is not None
    assert last.reason is EndReason.CRASHED
    assert sink.points == list(range(len(sink.points)))
    assert last.npoints == len(sink.points)
    assert len(told) == 1
    assert "session-shell repair" in told[0]


# Step by step, in virtual time


class Growth:
    """A scan that is written by steps."""

    def __init__(self, folder: Path, doc: ScanStarted) -> None:
        self.file = ScanFile.reserve(folder, name_of, 1)
        self.doc = doc
        self.taken = 0

    def start(self) -> None:
        self.file.scan_started(self.doc)

    def add(self, count: int = 1) -> None:
        self.file.rows(block(self.doc, self.taken, count))
        self.file._write_waiting()
        self.taken += count

    def end(self) -> None:
        self.file.scan_ended(ended(self.doc, self.taken, EndReason.STOPPED))


def test_points_come_one_by_one(tmp_path: Path) -> None:
    scan = Growth(tmp_path, ascan())
    scan.start()
    clock = Script(scan.add, lambda: None, scan.add, lambda: scan.add(3), scan.end)
    (sink,), _, last = follow(OneScan(Place(scan.file.path, "1.1")), clock)
    assert sink.events == ["started 1", "rows 0+1", "rows 1+1", "rows 2+3", "ended STOPPED"]
    assert sink.started[0].title == "ascan 11 0.1"
    assert sink.started[0].npoints == 11
    assert last is not None
    assert last.positions == scan.doc.positions or "sx" in last.positions


def test_a_scan_that_is_over_comes_at_once(tmp_path: Path) -> None:
    path = save(tmp_path, ascan())
    (sink,), _, _ = follow(OneScan(Place(path, "1.1")), Script())
    assert sink.events == ["started 1", "rows 0+11", "ended SUCCESS"]


def test_no_point_is_taken_in_the_middle_of_a_flush(tmp_path: Path) -> None:
    """While the file changes again and again nothing is read, until that lasts too long."""
    scan = Growth(tmp_path, ascan())
    scan.start()
    scan.add(2)
    clock = VirtualClock(start=0.0)
    growing = Growing(Place(scan.file.path, "1.1"), clock)

    def touched() -> list[Any]:
        clock.sleep(0.04)
        os.utime(scan.file.path, ns=(0, round(clock.time() * 1e9)))
        return list(growing.news())

    found = [touched() for _ in range(30)]
    assert not any(found)  # two points are counted, but their flush may not be over
    scan.add(3)
    later = [rows for _ in range(60) for rows in touched()]
    assert [(rows.first, rows.count) for rows in later] == [(0, 2)]  # three later ones say so
    clock.sleep(0.1)
    assert [(rows.first, rows.count) for rows in growing.news()] == [(2, 3)]
    scan.end()


def test_a_file_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session_shell.viewer.points._BLOCK_ROWS", 2)
    scan = Growth(tmp_path, ascan())
    scan.start()
    scan.add(6)
    clock = VirtualClock(start=0.0)
    growing = Growing(Place(scan.file.path, "1.1"), clock)
    assert list(growing.news()) == []
    clock.sleep(0.1)
    news = growing.news()
    first = next(news)
    assert isinstance(first, Rows)
    os.utime(scan.file.path, ns=(0, 1))  # somebody writes
    assert list(news) == []
    assert growing.taken == 2
    assert list(growing.news()) == []
    clock.sleep(0.1)
    assert [rows.first for rows in growing.news() if isinstance(rows, Rows)] == [2, 4]
    scan.end()


def test_an_unreadable_moment_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session_shell.nexus.reading.reader._WAITS", ())
    path = save(tmp_path, ascan())
    whole = path.read_bytes()
    growing = Growing(Place(path, "1.1"), clock := VirtualClock(start=0.0))
    path.write_bytes(whole[:3000])
    for _ in range(20):
        clock.sleep(0.1)
        assert list(growing.news()) == []
    path.write_bytes(whole)
    found: list[Any] = []
    while not found:
        clock.sleep(0.1)
        found = list(growing.news())
    assert [type(document).__name__ for document in found] == ["Rows", "ScanEnded"]


def test_a_file_that_vanishes_ends_it(tmp_path: Path) -> None:
    scan = Growth(tmp_path, ascan())
    scan.start()
    clock = Script(scan.add, scan.file.path.unlink)
    with pytest.raises(ScanError, match="No such file"):
        follow(OneScan(Place(scan.file.path, "1.1")), clock)


# Folders


def test_a_folder_gives_the_scan_that_runs_and_those_that_come(tmp_path: Path) -> None:
    save(tmp_path, loopscan())  # over: not shown
    running = Growth(tmp_path, ascan())
    running.start()
    later = Growth(tmp_path / "later", loopscan())
    steps = (
        running.add,
        running.end,
        lambda: save(tmp_path, loopscan(), 4),
        lambda: [save(tmp_path, loopscan(), n) for n in (1, 2, 3)],
        later.start,
        later.add,
        later.end,
    )
    clock = Script(*steps)
    sinks, told, _ = follow(FolderOfScans(tmp_path, clock), clock, once=False)
    assert [(s.started[0].number, len(s.points), len(s.ended)) for s in sinks] == [
        (2, 1, 1),
        (3, 4, 1),
        (4, 1, 1),
        (5, 2, 1),
        (6, 3, 1),
        (1, 1, 1),
    ]
    assert told == []


def test_once_ends_with_the_first_scan_that_ends(tmp_path: Path) -> None:
    scan = Growth(tmp_path, ascan())
    clock = Script(scan.start, scan.add, scan.end)
    sinks, _, last = follow(FolderOfScans(tmp_path, clock), clock)
    assert last is not None
    assert last.reason is EndReason.STOPPED
    assert len(sinks) == 1


def test_a_paused_scan_makes_room_for_another(tmp_path: Path) -> None:
    paused, other = Growth(tmp_path, ascan()), Growth(tmp_path, loopscan())
    paused.start()
    steps = (paused.add, other.start, lambda: None, other.add, other.end, lambda: None)
    clock = Script(*steps, paused.add, paused.end)
    sinks, _, _ = follow(FolderOfScans(tmp_path, clock), clock, once=False)
    first, second = (sink.events for sink in sinks)
    assert first == [
        *("started 1", "rows 0+1", "paused", "resumed", "rows 1+1"),
        "ended STOPPED",
    ]
    assert second == ["started 2", "rows 0+1", "ended STOPPED"]


def test_members_of_a_sequence_are_followed_not_the_sequence(
    make_session: Callable[..., Any], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()

    def run() -> None:
        with make_session() as session:
            session.run("with sequence('night') as s: s.add(loopscan(3, 0.1, diode))")

    clock = Script(run)
    sinks, told, _ = follow(FolderOfScans(folder, clock), clock, once=False)
    assert told == ["** Scan 1: night **"]
    assert [sink.started[0].title for sink in sinks] == ["loopscan 3 0.1"]


def test_a_scan_that_is_copied_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("session_shell.nexus.reading.reader._WAITS", ())
    folder = tmp_path / "here"
    folder.mkdir()
    whole = save(tmp_path, ascan()).read_bytes()
    target = folder / "scan_0001.h5"
    steps = (
        lambda: target.write_bytes(whole[:100]),
        lambda: target.write_bytes(whole),
    )
    clock = Script(*steps)
    sinks, _, _ = follow(FolderOfScans(folder, clock), clock, once=False)
    assert [len(sink.points) for sink in sinks] == [11]


def test_a_scan_that_is_deleted_does_not_end_a_folder(tmp_path: Path) -> None:
    scan = Growth(tmp_path, ascan())
    scan.start()
    clock = Script(
        scan.add, scan.file.path.unlink, *[lambda: None] * 15, lambda: save(tmp_path, loopscan())
    )
    sinks, told, _ = follow(FolderOfScans(tmp_path, clock), clock, once=False)
    assert [len(sink.points) for sink in sinks] == [1, 10]
    assert "No such file" in told[0]


# Files of others


def test_a_file_of_bliss_that_grows(tmp_path: Path) -> None:
    path = bliss.write(tmp_path / "sample.h5")

    def grow() -> None:
        with h5py.File(path, "r+") as file:
            for column in file["4.1/measurement"].values():
                column.resize((5,))
                column[3:] = [7.0, 8.0]

    def finish() -> None:
        with h5py.File(path, "r+") as file:
            file["4.1/end_time"] = bliss.END
            file["4.1/end_reason"] = "SUCCESS"

    def begin() -> None:
        with h5py.File(path, "r+") as file:
            column = {"diode": np.arange(2.0)}
            bliss.add_scan(file, 5, "loopscan 2 0.1", column, ended=False)

    def another() -> None:
        with h5py.File(path, "r+") as file:
            bliss.add_scan(file, 6, "loopscan 1 0.1", {"diode": np.zeros(1)})

    clock = Script(grow, finish, begin, lambda: None, another)
    sinks, _, _ = follow(FileOfScans(path), clock, once=False)
    assert [(s.started[0].number, s.points, s.ended[0].reason) for s in sinks] == [
        (4, [0, 1, 2, 3, 4], EndReason.SUCCESS),
        (5, [0, 1], EndReason.CRASHED),  # another one began, and it had no end
        (6, [0], EndReason.SUCCESS),
    ]
    assert sinks[0].column("diode").tolist() == [0, 1, 4, 7, 8]


def test_what_is_followed_is_what_is_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    doc = started(npoints=3)
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    steps = [lambda n=n: file.rows(point(doc, n)) for n in range(3)]
    clock = Script(*steps, lambda: file.scan_ended(ended(doc, 3)))
    (sink,), _, _ = follow(OneScan(Place(file.path, "1.1")), clock)
    scan = open_scan(file.path)
    for name in scan.data:
        np.testing.assert_array_equal(sink.column(name), scan.data[name])
