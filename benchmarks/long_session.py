"""A night of ten hours: 500 scans of every family, saved and shown, in virtual time.

``python -m benchmarks.long_session [SCANS]`` prints what it cost, and which family cost how much.
"""

from __future__ import annotations

import io
import platform
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from session_shell import __version__, open_session
from session_shell.clock import VirtualClock

SCANS = 500
HOURS = 10
START = 1_767_225_600.0  # 2026-01-01
SESSIONS = Path(__file__).resolve().parents[1] / "sessions"

# What people type in a night: one command of each family, in the order of the reference.
COMMANDS = (
    "sct(10)",
    "loopscan(30, 2)",
    "timescan(1, diode, npoints=60)",
    "ascan(roby, 0, 10, 50, 1)",
    "dscan(sy, -1, 1, 40, 1, diode)",
    "a2scan(roby, 0, 1, robz, 0, 2, 40, 1, diode)",
    "d2scan(roby, -1, 1, robz, -1, 1, 40, 1, diode)",
    "a3scan(roby, 0, 1, robz, 0, 2, sy, -1, 1, 40, 1, diode)",
    "anscan([(roby, 0, 1), (robz, 5, 6)], 40, 1, diode)",
    "dnscan([(roby, -1, 1), (robz, -2, 2)], 40, 1, diode)",
    "lookupscan([(roby, [0, 1, 5]), (robz, [1, 1, 2])], 20, diode)",
    "pointscan(roby, [0, 1, 5, 5.1], 15, diode)",
    "lineup(sy, -1, 1, 40, 1, diode)",
    "amesh(roby, 0, 1, 10, robz, 0, 2, 5, 1, diode)",
    "dmesh(sy, -1, 1, 10, sz, -1, 1, 5, 1, diode)",
    "a3mesh(roby, 0, 1, 4, robz, 0, 1, 3, sx, 0, 1, 2, 1, diode)",
    "anmesh([(roby, 0, 1, 9), (robz, 0, 1, 5)], 1, diode)",
    "fscan(roby, 0, 10, 1000, 0.1, diode)",
    "fmesh(roby, 0, 1, 100, robz, 0, 2, 5, 0.1, diode)",
    "userscan(sy, climb, 5, diode)",
    "loopscan(10, 6, cam)",
    "ascan(sy, -1, 1, 30, 2, mca)",
    "with sequence('two') as seq:\n"
    "    seq.add(sct(20, diode, run=False))\n    seq.add(loopscan(2, 10, diode, run=False))",
)
SETUP = """
import time

def climb():
    for place in range(20):
        yield place / 10

def between():
    mp.move(mp.labels[0])
    time.sleep(20)
"""


@dataclass
class Night:
    """What a night gave and what it cost."""

    scans: int = 0
    points: int = 0
    virtual: float = 0.0
    wall: float = 0.0
    cpu: float = 0.0
    megabytes: float = 0.0
    families: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    reasons: Counter[str] = field(default_factory=Counter)


def run_night(folder: Path, scans: int = SCANS, hours: float = HOURS) -> Night:
    """Run so many scans in so much virtual time, with data below `folder`."""
    shutil.copytree(SESSIONS, folder / "sessions")
    night = Night()
    wall, cpu = time.perf_counter(), time.process_time()
    with open_session(
        "demo",
        config=folder / "sessions",
        data=folder / "data",
        clock=VirtualClock(START),
        seed=1,
        stream=io.StringIO(),
    ) as session:
        assert not session.problems, session.problems
        session.run(SETUP)
        for command in _commands():
            _run(session, command, night)
            if night.scans >= scans:
                break
            # A night is more than scans: people move, wait and look.
            late = START + hours * 3600 * night.scans / scans - session.clock.time()
            session.run(f"between(); time.sleep({max(late, 0.0)!r})")
        night.virtual = session.clock.time() - START
    night.wall, night.cpu = time.perf_counter() - wall, time.process_time() - cpu
    night.megabytes = sum(p.stat().st_size for p in folder.rglob("*.h5")) / 1e6
    return night


def _commands() -> Iterator[str]:
    while True:
        yield from COMMANDS


def _run(session: Any, command: str, night: Night) -> None:
    before, begin = session.scans[-1] if session.scans else None, time.process_time()
    session.run(command)
    cost = time.process_time() - begin
    new = []
    for scan in reversed(session.scans):
        if scan is before:
            break
        new.append(scan)
    night.scans += len(new)
    night.points += sum(scan.data.npoints for scan in new)
    night.reasons.update(str(scan.end_reason) for scan in new)
    night.families[command.partition("(")[0].split()[-1]].append(cost)


def main() -> None:
    """Run the night and print what it cost."""
    scans = int(sys.argv[1]) if len(sys.argv) > 1 else SCANS
    with tempfile.TemporaryDirectory() as name:
        night = run_night(Path(name), scans, HOURS * scans / SCANS)
    print(f"session-shell {__version__}, Python {platform.python_version()}")
    print(
        f"{night.scans} scans ({dict(night.reasons)}), {night.points} points, "
        f"{night.megabytes:.0f} MB in {night.virtual / 3600:.2f} h of virtual time: "
        f"{night.wall:.1f} s of wall time, {night.cpu:.1f} s of CPU\n"
    )
    for family, costs in sorted(night.families.items(), key=lambda item: -sum(item[1])):
        mean = sum(costs) / len(costs) * 1000
        print(f"{family:<12} {len(costs):4} x {mean:7.1f} ms = {sum(costs):6.2f} s of CPU")


if __name__ == "__main__":
    main()
