"""Fill a small disk with scans of a real session: before, during and at the end of a scan.

Usage: ``python -m tests.stress.disk_full 50`` (as root, or where `unshare -rm` is allowed: the
disk is a tmpfs of a few MB that is mounted for this).

Each round fills the disk up to another free space and scans until it is full, in a process of
its own that has to live on: the error is one line, the points are in the file, and after the disk
was cleared the next scan works.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from session_shell.nexus.disk.filters import fast_filter

_CONFIGURATION = """
- {name: flat, class: simulation_diode, model: constant, constant: 7}
- {name: fast, class: mockup, axes: [{name: m, velocity: 1000, acceleration: 100000}]}
- {name: mca, class: simulation_mca}
- {name: stress, class: Session}
"""
_SCANS = """
import json, os, sys
from pathlib import Path
from session_shell import open_session
from session_shell.clock import VirtualClock
from session_shell.nexus.writing import columns

folder, disk, free, kind = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
columns._SLOW = 0.0
told = []
with open_session("stress", config=folder, data=disk / "data", clock=VirtualClock(), seed=1,
                  stream=None) as session:
    def attempt(code):
        try:
            session.run(code)
        except Exception as error:
            told.append(f"{type(error).__name__}: {error}")
            return False
        return True
    attempt("loopscan(2, 0.01, flat)")
    session.run("umv(m, 5)")
    there = os.statvfs(disk)
    fill = there.f_bavail * there.f_frsize - free
    with open(disk / "fill", "wb") as file:
        file.write(b"x" * max(fill, 0))
    before = session.namespace["m"].position
    for _ in range(100):
        if not attempt(kind):
            break
    full = session.scans[-1] if session.scans else None
    points = full.data.npoints if full is not None else 0
    moved = session.namespace["m"].position != before
    prompt = attempt("value = 1 + 1")
    os.unlink(disk / "fill")
    again = attempt("loopscan(3, 0.01, flat)")
print(json.dumps({"told": told, "points": points, "moved": moved, "prompt": prompt,
                  "again": again}))
"""
KINDS = {
    "timescan": "timescan(0.001, flat)",
    "spectra": "loopscan(2000, 0.01, mca, flat)",
    "short scans": "loopscan(5, 0.01, flat)",
    "moving": "ascan(m, 0, 1, 5, 0.01, flat)",
}


@dataclass
class Result:
    """What was found after the disk was full."""

    rounds: int = 0
    files: int = 0
    finished: int = 0
    crashed: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """How much went wrong."""
        return len(self.crashed) + len(self.unclear) + len(self.unreadable) + len(self.stuck)

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds, {self.files} files ({self.finished} finished), "
            f"{len(self.unreadable)} unreadable, {len(self.crashed)} processes crashed, "
            f"{len(self.unclear)} unclear messages, {len(self.stuck)} did not go on"
        )


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Mount a disk of so many MB; OSError where that is not allowed."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise OSError(done.stderr.decode().strip())
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=False)


def fill_disks(rounds: int, seed: int = 1, megabytes: int = 4) -> Result:
    """Fill a disk `rounds` times, with another space left each time; return what was left."""
    chance, result = random.Random(seed), Result()
    with tempfile.TemporaryDirectory() as name:
        config = Path(name)
        (config / "stress.yml").write_text(_CONFIGURATION)
        for number in range(rounds):
            kind = list(KINDS)[number % len(KINDS)]
            free = chance.choice([0, 4096, 60_000, 150_000, 300_000, 500_000, 1_500_000])
            with small_disk(megabytes) as disk:
                _round(config, disk, kind, free + chance.randrange(0, 30_000), result)
    return result


def _round(config: Path, disk: Path, kind: str, free: int, result: Result) -> None:
    command = [sys.executable, "-W", "ignore", "-c", _SCANS]
    done = subprocess.run(
        [*command, str(config), str(disk), str(free), KINDS[kind]],
        capture_output=True,
        check=False,
        text=True,
    )
    result.rounds += 1
    what = f"{kind}, {free} bytes free"
    if done.returncode:
        result.crashed.append(f"{what}: {done.returncode} {done.stderr[-300:]}")
        return
    told = json.loads(done.stdout.splitlines()[-1])
    messages = told["told"]
    if not messages or any("disk is full" not in m or "\n" in m for m in messages):
        result.unclear.append(f"{what}: {messages}")
    if not told["prompt"] or not told["again"] or (told["moved"] and kind != "moving"):
        result.stuck.append(f"{what}: {told}")
    _check(disk, what, messages, result)


def _check(disk: Path, what: str, told: list[str], result: Result) -> None:
    fast_filter()  # images and spectra are compressed with it where it is installed
    for path in sorted(disk.glob("data/stress/scan_*.h5")):
        result.files += 1
        try:
            with h5py.File(path) as file:
                entry = file[file.attrs["default"]]
                result.finished += "end_time" in entry
                if "end_time" not in entry:
                    print(f"{what}: {path.name} has no end: {told}")
                columns = {name: column[()] for name, column in entry["measurement"].items()}
                points = int(entry["scan/npoints_acquired"][()])
                rows = min(map(len, columns.values()))
                if "end_time" in entry and {len(c) for c in columns.values()} != {max(points, 1)}:
                    result.unreadable.append(f"{what}: {path.name}: columns of unequal length")
                if rows > 1 and not np.all(columns["flat"][:rows] == 7.0):
                    result.unreadable.append(f"{what}: {path.name}: other points")
        except (OSError, RuntimeError, KeyError) as error:
            result.unreadable.append(f"{what}: {path.name}: {error}")


def main() -> int:
    """Run it; 1 when anything went wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.stress.disk_full",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("rounds", type=int, nargs="?", default=28)
    parser.add_argument("--megabytes", type=int, default=4, help="size of the disk")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    result = fill_disks(given.rounds, given.seed, given.megabytes)
    print(result)
    for line in (*result.crashed, *result.unclear, *result.unreadable, *result.stuck):
        print("   ", line)
    return 1 if result.bad else 0


if __name__ == "__main__":
    sys.exit(main())
