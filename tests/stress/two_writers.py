"""Let sessions of different names scan into one dataset folder at the same time.

Usage: ``python -m tests.stress.two_writers 500``.

Every session is a process of its own. Afterwards all numbers must be unique, all files valid,
every scan in the master file, and nothing left beside them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import h5py

_CONFIGURATION = """
- {name: flat, class: simulation_diode, model: constant, constant: 7}
- {name: fast, class: mockup, axes: [{name: m, velocity: 1000, acceleration: 100000}]}
"""
_WRITER = """
import json, sys
from pathlib import Path
from session_shell import open_session
from session_shell.clock import VirtualClock

name, folder, scans = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
numbers = []
with open_session(name, config=folder, data=folder / "data", clock=VirtualClock(), seed=1,
                  stream=None) as session:
    saving = session.namespace["SCAN_SAVING"]
    saving.template, saving.data_filename = "shared", "shared"
    print("ready", flush=True)
    sys.stdin.readline()
    for i in range(scans):
        kind = ("loopscan(3, 0.01, flat)", "ascan(m, 0, 1, 3, 0.01, flat)")[i % 2]
        session.run(kind)
        numbers.append(session.scans[-1].number)
print(json.dumps(numbers))
"""


@dataclass
class Result:
    """What was found in the folder."""

    scans: int = 0
    seconds: float = 0.0
    twice: list[int] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    not_linked: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """How much went wrong."""
        return len(self.twice) + len(self.invalid) + len(self.not_linked) + len(self.left)

    def __str__(self) -> str:
        return (
            f"{self.scans} scans in {self.seconds:.1f} s, {len(self.twice)} numbers twice, "
            f"{len(self.invalid)} invalid files, {len(self.not_linked)} not in the master file, "
            f"{len(self.left)} hidden files left"
        )


def write_together(folder: Path, scans: int, sessions: int = 2) -> Result:
    """Run `scans` scans in each of `sessions` sessions at once; return what is there then."""
    names = [f"s{number}" for number in range(1, sessions + 1)]
    config = _CONFIGURATION + "".join(f"- {{name: {name}, class: Session}}\n" for name in names)
    (folder / "sessions.yml").write_text(config)
    command = [sys.executable, "-W", "ignore", "-c", _WRITER]
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(
            [*command, name, str(folder), str(scans)], stdin=pipe, stdout=pipe, text=True
        )
        for name in names
    ]
    for process in running:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("a session could not be opened")
    begin, numbers = time.monotonic(), []
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        output, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"a session ended with {process.returncode}")
        numbers += json.loads(output)
    return _check(folder / "data" / "shared", numbers, time.monotonic() - begin)


def _check(folder: Path, numbers: list[int], seconds: float) -> Result:
    result = Result(len(numbers), seconds)
    result.twice = sorted({number for number in numbers if numbers.count(number) > 1})
    for number in numbers:
        path = folder / f"scan_{number:04d}.h5"
        try:
            with h5py.File(path) as file:
                entry = file[f"{number}.1"]
                lengths = {len(column) for column in entry["measurement"].values()}
                good = list(entry["measurement/flat"]) == [7.0] * lengths.pop() and not lengths
                if not good or entry["end_reason"].asstr()[()] != "SUCCESS":
                    result.invalid.append(path.name)
        except (OSError, KeyError) as error:
            result.invalid.append(f"{path.name}: {error}")
    with h5py.File(folder / "shared.h5") as master:
        linked = {name for name in master if "end_time" in master[name]}
    result.not_linked = sorted({f"{number}.1" for number in numbers} - linked)
    kept = (".last_scan_number", ".shared.h5.lock")
    result.left = sorted(p.name for p in folder.glob(".*") if p.name not in kept)
    return result


def main() -> int:
    """Run it; 1 when anything went wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.stress.two_writers",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("scans", type=int, nargs="?", default=500, help="scans of each session")
    parser.add_argument("--sessions", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = write_together(Path(folder), given.scans, given.sessions)
    print(result)
    for line in (*result.twice, *result.invalid, *result.not_linked, *result.left):
        print("   ", line)
    return 1 if result.bad else 0


if __name__ == "__main__":
    sys.exit(main())
