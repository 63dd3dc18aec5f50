"""Kill scans at random instants, look at what is left, repair it, and look again.

Usage: ``python -m tests.stress.kill_scan 1000``.

Each instant is a process that saves scans as fast as it can, until SIGKILL: scans made of
documents, whose points are flushed one by one, and those of real sessions. Prints how many files
there were, how many nothing could open, how many flushed points were missing, and what repair
left undone or changed.
"""

from __future__ import annotations

import argparse
import mmap
import os
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from session_shell import open_session
from session_shell.clock import VirtualClock
from session_shell.devices.protocols import Channel
from session_shell.nexus import ScanFile, repair_folder
from session_shell.nexus.disk.filters import fast_filter
from session_shell.nexus.disk.redo import redo_path
from session_shell.nexus.reading.reader import count_rows
from session_shell.nexus.writing import columns, ending
from session_shell.scanning.documents import EndReason, Position, Rows, ScanEnded, ScanStarted

_TIME = (Channel("elapsed_time", "time", "s"), Channel("epoch", "time", "s"))
_POINTS = 40
_POSITIONS = {f"m{i}": Position(float(i), float(-i), "mm") for i in range(6)}
_BOARD = 4096
"""Scans that a process may save before it is killed."""

DOCUMENTS = ("line", "mesh", "endless", "images", "spectra", "blocks")
SESSIONS = {
    "steps": "ascan(m, 0, 1, 9, 0.01, flat)\ndscan(m, -1, 1, 5, 0.01, flat)\n"
    "loopscan(20, 0.01, flat)\nsct(0.1, flat)",
    "meshes": "amesh(m, 0, 1, 4, n, 0, 1, 3, 0.01, flat)\n"
    "dmesh(m, 0, 1, 3, n, 0, 1, 3, 0.01, flat, backnforth=True)",
    "flying": "fscan(m, 0, 1, 50, 0.01, flat)\nfmesh(m, 0, 1, 9, n, 0, 1, 2, 0.01, flat)",
    "sequences": "with sequence('a few') as seq:\n"
    "    for _ in range(4):\n        seq.add(loopscan(4, 0.01, flat, run=False))",
    "failing": "def bad(scan):\n    raise ValueError('on purpose')\n"
    "s = loopscan(9, 0.01, flat, run=False)\ns.add_comment('before')\n"
    "s.run()\ns.add_comment('after')",
}
FAMILIES = (*DOCUMENTS, *SESSIONS)

_CONFIGURATION = """
- {name: flat, class: simulation_diode, model: constant, constant: 7}
- {name: fast, class: mockup, axes: [{name: m, velocity: 1000, acceleration: 100000},
   {name: n, velocity: 1000, acceleration: 100000}]}
- {name: stress, class: Session}
"""


@dataclass
class Result:
    """What was found after the kills."""

    instants: int = 0
    files: int = 0
    finished: int = 0
    unreadable: list[str] = field(default_factory=list)
    without_metadata: list[str] = field(default_factory=list)
    points: int = 0
    points_lost: int = 0
    repaired: int = 0
    unrepaired: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """How much went wrong."""
        lists = (self.unreadable, self.without_metadata, self.unrepaired, self.changed)
        return sum(map(len, lists)) + self.points_lost

    def __str__(self) -> str:
        return (
            f"{self.instants} instants, {self.files} files ({self.finished} finished), "
            f"{len(self.unreadable)} unreadable, {len(self.without_metadata)} without START "
            f"metadata, {self.points_lost} of {self.points} flushed points lost; {self.repaired} "
            f"repaired, {len(self.unrepaired)} not, {len(self.changed)} with other points after"
        )


class Board:
    """Memory that outlives a killed process: how many points of each scan were flushed."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8 * _BOARD)

    def note(self, number: int, points: int) -> None:
        """Note the points of a scan that are on disk."""
        if number < _BOARD:
            self._memory[8 * number : 8 * number + 8] = struct.pack("q", points)

    def points(self, number: int) -> int:
        """Return the points of a scan that were noted."""
        place = 8 * number
        return int(struct.unpack("q", self._memory[place : place + 8])[0])

    def watch(self) -> None:
        """Note whatever this process writes."""
        write = ScanFile._write_block

        def written(file: ScanFile) -> None:
            write(file)
            self.note(file.number, file.points_written)

        ScanFile._write_block = written  # type: ignore[method-assign]


# What the processes do


def _document(family: str) -> ScanStarted:
    counters = (Channel("diode", "counter", "counts"), Channel("diode2", "counter", "counts"))
    values: dict[str, object] = {}
    if family == "mesh":
        counters = (Channel("sy", "axis", "mm"), Channel("sz", "axis", "mm"), *counters)
        values = {
            "axes": ("sy", "sz"),
            "shape": (5, 8),
            "grid": (tuple(map(float, range(5))), tuple(map(float, range(8)))),
        }
    elif family == "images":
        counters = (Channel("camera", "counter", "counts", "uint16", (64, 64)), *counters)
    elif family == "spectra":
        counters = (Channel("mca", "counter", "counts", "uint32", (512,)), *counters)
    return ScanStarted(
        uid=f"kill-{family}",
        number=1,
        type=family,
        name=family,
        title=f"{family} to be killed",
        time=1.7e9,
        npoints=0 if family == "endless" else _POINTS,
        count_time=0.0,
        channels=(*_TIME, *counters),
        metadata={"sample": {"name": "kept"}, "instrument": {"filter": {"thickness": 20.0}}},
        positions=_POSITIONS,
        session="stress",
        configuration={"setup.py": "x = 1\n" * 100},
        **{"shape": (_POINTS,), **values},  # type: ignore[arg-type]
    )


def _value(channel: Channel, point: int) -> object:
    return np.full(channel.shape, point, channel.dtype) if channel.shape else float(point)


def _documents_for_ever(folder: Path, family: str) -> None:
    """Save scans made of documents; all but "blocks" have every point flushed, as slow ones."""
    size = 7 if family == "blocks" else 1
    if size > 1:
        columns._BLOCK = 0.0005
    else:
        columns._SLOW = 0.0
    doc, number = _document(family), 1
    while True:
        file = ScanFile.reserve(folder, lambda n: f"scan_{n:04d}.h5", number)
        number = file.number
        file.scan_started(doc)
        for first in range(0, _POINTS, size):
            points = range(first, min(first + size, _POINTS))
            rows = tuple([_value(channel, point) for point in points] for channel in doc.channels)
            file.rows(Rows(first, len(points), rows))
        more = {"sample": {"name": "kept"}, "after": {"text": "x" * 500, "data": np.arange(500)}}
        file.scan_ended(ScanEnded(doc.uid, 1.7e9 + 9, EndReason.SUCCESS, _POINTS, more, _POSITIONS))


def _session_for_ever(folder: Path, family: str) -> None:
    """Run scans in a real session; a simulated second takes the work that it costs."""
    columns._SLOW = 0.0
    session = open_session(
        "stress", config=folder, data=folder / "data", clock=VirtualClock(), seed=1, stream=None
    )
    while True:
        session.run(SESSIONS[family])


def _kill_one(folder: Path, family: str, delay: float, *, in_place: bool) -> Board:
    """Run a process until it is killed; return what it noted."""
    board = Board()
    (folder / "stress.yml").write_text(_CONFIGURATION)
    child = os.fork()
    if child == 0:
        try:
            if in_place:
                ending._COPY_LIMIT = 0
            board.watch()
            if family in SESSIONS:
                _session_for_ever(folder, family)
            else:
                _documents_for_ever(folder, family)
        except BaseException as error:
            print(f"the process that saves scans ({family}): {error!r}", file=sys.stderr)
        finally:
            os._exit(1)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
        raise RuntimeError(f"the process that saves scans ({family}) ended by itself")
    return board


# What is left


def _check(path: Path, board: Board, family: str, result: Result) -> dict[str, Any]:
    """Look at a file as any program would; return its points."""
    result.files += 1
    try:
        # An ordinary reader of the file, which knows nothing of what lies beside it.
        with h5py.File(path) as file:
            entry = file[file.attrs["default"]]
            _look(entry, beside=redo_path(path).exists())
            if not _has_start(entry, family):
                result.without_metadata.append(path.name)
            finished = "end_time" in entry
            result.finished += finished
            number = int(entry.name.strip("/").partition(".")[0])
            points = entry["scan/npoints_acquired"][()] if finished else board.points(number)
            result.points += int(points)
            result.points_lost += _lost(entry, int(points), family)
            rows = count_rows(entry)
            return {name: column[:rows] for name, column in entry["measurement"].items()}
    except (OSError, RuntimeError, KeyError) as error:
        result.unreadable.append(f"{path.name}: {error}")
        return {}


def _look(entry: Any, *, beside: bool) -> None:
    """Read everything; only what an edit in place writes over may be half-way."""
    try:
        entry.visititems(lambda name, node: node[()] if isinstance(node, h5py.Dataset) else None)
    except (OSError, RuntimeError):
        if not beside:
            raise


def _has_start(entry: Any, family: str) -> bool:
    if family in SESSIONS:
        there = ("title", "start_time", "session/configuration", "instrument/positioners_start/m")
        return all(entry[name][()] not in (b"", None) for name in there)
    return bool(
        entry["sample/name"].asstr()[()] == "kept"
        and entry["instrument/filter/thickness"][()] == 20.0
        and entry["instrument/positioners_start/m3"][()] == 3.0
        and entry.attrs["default"] == "plot"
    )


def _lost(entry: Any, points: int, family: str) -> int:
    """Return how many flushed points are not there, or are not what they were."""
    lost = 0
    if not points:
        return 0
    for name, column in entry["measurement"].items():
        if family in SESSIONS:
            good = np.isfinite(column[:points])
            if name == "flat":
                good = column[:points] == 7.0
        else:
            first = column[:points].reshape(min(points, len(column)), -1)[:, 0]
            good = first == np.arange(len(first))
        lost += points - int(np.sum(good))
    return lost


def _check_repair(folder: Path, before: dict[Path, dict[str, Any]], result: Result) -> None:
    """Repair what is left; every scan must have its end then, and the points that it had."""
    for repair in repair_folder(folder):
        result.repaired += repair.state == "repaired"
        if repair.state in ("unreadable", "running"):
            result.unrepaired.append(f"{repair.path.name}: {'; '.join(repair.done)}")
    for path, points in before.items():
        try:
            with h5py.File(path) as file:
                entry = file[file.attrs["default"]]
                _look(entry, beside=False)
                if "end_time" not in entry:
                    result.unrepaired.append(f"{path.name}: has no end")
                for name, column in points.items():
                    now = entry["measurement"][name][: len(column)]
                    if not np.array_equal(now, column, equal_nan=True):
                        result.changed.append(f"{path.name}: {name}")
        except (OSError, RuntimeError, KeyError) as error:
            result.unrepaired.append(f"{path.name}: {error}")
    hidden = [p for p in folder.rglob(".scan*") if p.suffix in (".ballast", ".redo")]
    # What nobody has signed yet may belong to a scan that begins just now: it stays for a minute.
    result.unrepaired += [f"{p.name} was left" for p in hidden if p.stat().st_size]


def kill_scans(
    instants: int,
    families: Sequence[str] = FAMILIES,
    *,
    in_place: bool = False,
    longest: float = 0.1,
    seed: int = 1,
    tell: Callable[[str], None] | None = None,
) -> dict[str, Result]:
    """Kill `instants` processes per family after up to `longest` seconds; return what was left.

    Real sessions get three times as long, since they have to be opened first.
    """
    chance, results = random.Random(seed), {}
    fast_filter()  # images are compressed with it where it is installed
    for family in families:
        result = results[family] = Result()
        begin, end = (0.05, 3 * longest) if family in SESSIONS else (0.005, longest)
        for _ in range(instants):
            folder = Path(tempfile.mkdtemp(prefix="kill_scan_"))
            delay = chance.uniform(begin, max(begin, end))
            board = _kill_one(folder, family, delay, in_place=in_place)
            result.instants += 1
            paths = sorted(folder.rglob("scan_*.h5"))
            before = {path: _check(path, board, family, result) for path in paths}
            _check_repair(folder, before, result)
            shutil.rmtree(folder)
        if tell is not None:
            tell(f"{family:<9} {'in place' if in_place else 'by copy':<8} {result}")
    return results


def main() -> int:
    """Run it; 1 when anything was lost."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.stress.kill_scan",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("instants", type=int, nargs="?", default=100, help="kills per family")
    parser.add_argument("--families", default=",".join(FAMILIES), help="of: %(default)s")
    parser.add_argument("--end", choices=["copy", "place", "both"], default="both", help="how")
    parser.add_argument("--longest", type=float, default=0.1, help="seconds until the kill")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    families, total = given.families.split(","), Result()
    for in_place in {"copy": (False,), "place": (True,), "both": (False, True)}[given.end]:
        for outcome in kill_scans(
            given.instants,
            families,
            in_place=in_place,
            longest=given.longest,
            seed=given.seed,
            tell=lambda line: print(line, flush=True),
        ).values():
            for name, value in vars(outcome).items():
                setattr(total, name, getattr(total, name) + value)
    print(f"all {total}")
    for line in (*total.unreadable, *total.without_metadata, *total.unrepaired, *total.changed):
        print("   ", line)
    return 1 if total.bad else 0


if __name__ == "__main__":
    sys.exit(main())
