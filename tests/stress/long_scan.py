"""Take scans that are much larger than the memory they may use.

Usage: ``python -m tests.stress.long_scan``.

A real session takes a timescan of ten million points, and a scan of ten thousand images, in
virtual time. Prints the peak of the memory beside that of a scan of a few points: the difference
must not grow with the scan.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

_CONFIGURATION = """
- {name: flat, class: simulation_diode, model: constant, constant: 7}
- {name: fast, class: mockup, axes: [{name: m, velocity: 1000, acceleration: 100000}]}
- {name: stress, class: Session}
"""
_SCAN = """
import json, resource, sys
from pathlib import Path

def peak():
    # The usage of a process begins with that of its parent on Linux; its status does not.
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

import numpy as np
from session_shell import open_session
from session_shell.clock import VirtualClock
from session_shell.devices.protocols import Channel

folder, points, side = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

class Camera:
    name = "camera"
    channels = (Channel("camera", "counter", "counts", "uint16", (side, side)),)
    taken = 0
    def prepare(self, count_time, npoints): pass
    def trigger(self): pass
    def read(self):
        self.taken += 1
        return (np.full((side, side), self.taken - 1, "uint16"),)
    def stop(self): pass

with open_session("stress", config=folder, data=folder / "data", clock=VirtualClock(), seed=1,
                  stream=None) as session:
    session.namespace["camera"] = Camera()
    images, times = f"loopscan({points}, 0.01, camera)", f"timescan(0.001, flat, npoints={points})"
    session.run(images if side else times)
    scan = session.scans[-1]
    print(json.dumps({
        "peak": peak(),
        "points": scan.data.npoints,
        "file": str(scan.file),
    }))
"""


@dataclass
class Result:
    """What a scan took."""

    what: str
    points: int
    peak: int
    """Bytes of memory at most."""
    size: int
    """Bytes of the file."""
    seconds: float
    wrong: int
    """Points in the file that are not what was measured."""

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.points} points in {self.seconds:.0f} s, file "
            f"{self.size / 2**20:.0f} MB, peak memory {self.peak / 2**20:.0f} MB, "
            f"{self.wrong} wrong points"
        )


def take(points: int, side: int = 0) -> Result:
    """Take `points` points, or images of `side` x `side` pixels, in a session of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stress.yml").write_text(_CONFIGURATION)
        command = [sys.executable, "-W", "ignore", "-c", _SCAN, name, str(points), str(side)]
        begin = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        seconds = time.monotonic() - begin
        told = json.loads(done.stdout)
        path = Path(told["file"])
        what = f"images of {side} x {side}" if side else "timescan"
        wrong = _wrong(path, points, side)
        return Result(what, told["points"], told["peak"], path.stat().st_size, seconds, wrong)


def _wrong(path: Path, points: int, side: int) -> int:
    import session_shell.nexus.disk.filters as filters

    filters.fast_filter()
    good, block = 0, 1000 if side else 10**6
    with h5py.File(path) as file:
        entry = file["1.1"]
        if entry["end_reason"].asstr()[()] != "SUCCESS":
            return points
        column = entry["measurement"]["camera" if side else "flat"]
        for first in range(0, len(column), block):
            part = column[first : first + block]
            expected = np.arange(first, first + len(part)) % 2**16 if side else 7.0
            good += int(np.sum((part[:, 0, 0] if side else part) == expected))
    return points - good


def main() -> int:
    """Run it; 1 when memory grows with the scan or a point is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.stress.long_scan",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("--points", type=int, default=10_000_000, help="points of the timescan")
    parser.add_argument("--images", type=int, default=10_000, help="images of the other scan")
    parser.add_argument("--side", type=int, default=256, help="pixels along a side of an image")
    parser.add_argument("--allowed", type=int, default=300, help="MB more than a short scan")
    given = parser.parse_args()
    bad = False
    for points, side in ((given.points, 0), (given.images, given.side)):
        short = take(min(points, 10), side)
        long = take(points, side)
        more = (long.peak - short.peak) / 2**20
        print(f"{long}, {more:.0f} MB more than for 10 points", flush=True)
        bad = bad or more > given.allowed or bool(long.wrong) or long.points != points
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
