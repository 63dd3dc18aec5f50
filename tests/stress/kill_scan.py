"""Kill scans at random instants and look at what is left.

Usage: ``python tests/stress/kill_scan.py 1000``.

Each instant is a process that saves scans as fast as it can, until SIGKILL. Prints how many
files there were, how many nothing could open, and how many flushed points were missing.
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from session_shell.devices.protocols import Channel
from session_shell.nexus import ScanFile, columns, ending
from session_shell.nexus.filters import fast_filter
from session_shell.scanning.documents import EndReason, Position, Rows, ScanEnded, ScanStarted

_TIME = (Channel("elapsed_time", "time", "s"), Channel("epoch", "time", "s"))
_POINTS = 40
_POSITIONS = {f"m{i}": Position(float(i), float(-i), "mm") for i in range(6)}


@dataclass
class Result:
    """What was found after the kills."""

    instants: int = 0
    files: int = 0
    finished: int = 0
    unreadable: list[str] = field(default_factory=list)
    without_metadata: list[str] = field(default_factory=list)
    points_lost: int = 0

    def __str__(self) -> str:
        return (
            f"{self.instants} instants, {self.files} files ({self.finished} finished), "
            f"{len(self.unreadable)} unreadable, {len(self.without_metadata)} without START "
            f"metadata, {self.points_lost} flushed points lost"
        )


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


FAMILIES = ("line", "mesh", "endless", "images")


def _value(channel: Channel, point: int) -> object:
    return np.full(channel.shape, point, channel.dtype) if channel.shape else float(point)


def _scan_for_ever(folder: Path, family: str, board: mmap.mmap, *, in_place: bool) -> None:
    """Save scans and note after every flush how many points of which scan are in the file."""
    columns._SLOW = 0.0  # every point is flushed, as in a slow scan
    if in_place:
        ending._COPY_LIMIT = 0
    doc, number = _document(family), 1
    while True:
        file = ScanFile.reserve(folder, lambda n: f"scan_{n:04d}.h5", number)
        number = file.number
        file.scan_started(doc)
        board[:16] = struct.pack("qq", number, 0)
        for point in range(_POINTS):
            row = tuple([_value(channel, point)] for channel in doc.channels)
            file.rows(Rows(point, 1, row))
            board[:16] = struct.pack("qq", number, file.points_written)
        more = {"sample": {"name": "kept"}, "after": {"text": "x" * 500, "data": np.arange(500)}}
        file.scan_ended(ScanEnded(doc.uid, 1.7e9 + 9, EndReason.SUCCESS, _POINTS, more, _POSITIONS))


def _kill_one(folder: Path, family: str, delay: float, *, in_place: bool) -> tuple[int, int]:
    """Run a process until it is killed; return the scan that it was at, and its points on disk."""
    board = mmap.mmap(-1, 16)
    child = os.fork()
    if child == 0:
        try:
            _scan_for_ever(folder, family, board, in_place=in_place)
        finally:
            os._exit(1)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
        raise RuntimeError(f"the process that saves scans ({family}) ended by itself")
    number, points = struct.unpack("qq", board[:16])
    return int(number), int(points)


def _check(path: Path, flushed: int, result: Result) -> None:
    result.files += 1
    fast_filter()  # images are compressed with it where it is installed
    try:
        with h5py.File(path) as file:
            entry = file[file.attrs["default"]]
            file.visititems(lambda name, node: node[()] if isinstance(node, h5py.Dataset) else None)
            kept = (
                entry["sample/name"].asstr()[()] == "kept"
                and entry["instrument/filter/thickness"][()] == 20.0
                and entry["instrument/positioners_start/m3"][()] == 3.0
                and entry.attrs["default"] == "plot"
            )
            if not kept:
                result.without_metadata.append(path.name)
            finished = "end_time" in entry
            result.finished += finished
            points = _POINTS if finished else flushed
            for dataset in entry["measurement"].values():
                good = dataset[:points].reshape(-1, max(1, dataset[0].size))[:, 0]
                result.points_lost += points - int(np.sum(good == np.arange(len(good))))
    except (OSError, RuntimeError, KeyError) as error:
        result.unreadable.append(f"{path.name}: {error}")


def kill_scans(
    instants: int,
    families: Sequence[str] = FAMILIES,
    *,
    in_place: bool = False,
    longest: float = 0.1,
    seed: int = 1,
    tell: Callable[[str], None] | None = None,
) -> dict[str, Result]:
    """Kill `instants` processes per family after up to `longest` seconds; return what was left."""
    chance, results = random.Random(seed), {}
    for family in families:
        result = results[family] = Result()
        for _ in range(instants):
            with tempfile.TemporaryDirectory() as folder:
                delay = chance.uniform(0.005, longest)
                number, points = _kill_one(Path(folder), family, delay, in_place=in_place)
                result.instants += 1
                for path in sorted(Path(folder).glob("scan_*.h5")):
                    mine = int(path.stem[5:]) == number
                    _check(path, points if mine else 0, result)
        if tell is not None:
            tell(f"{family:<8} {'in place' if in_place else 'by copy':<9} {result}")
    return results


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 250
    bad = 0
    for place in (False, True):
        for outcome in kill_scans(count, in_place=place, tell=print).values():
            bad += len(outcome.unreadable) + len(outcome.without_metadata) + outcome.points_lost
            for line in outcome.unreadable[:5]:
                print("   ", line)
    sys.exit(bool(bad))
