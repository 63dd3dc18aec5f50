"""Scans of every family with every outcome, made as people make them.

Typed commands in the demo session, with the virtual clock; nothing of the files is made by hand.
A crash is real: a process that is killed in the middle of a scan, with SIGKILL.

    python -m tests.nexus.families FOLDER             all of them, into FOLDER/<outcome>/demo
    python -m tests.nexus.families --crash DATA NAME  what is used for the crashes
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from session_shell.errors import ScanError

ROOT = Path(__file__).parents[2]
SESSIONS = ROOT / "sessions"
START = 1_700_000_000.0

OUTCOMES = {
    "finished": "SUCCESS",
    "stopped": "STOPPED",
    "aborted": "USER_ABORT",
    "failed": "FAILURE",
    "crashed": "CRASHED",
}
"""Outcome and the `end_reason` that it has in the file; crashed scans are repaired."""

METADATA = """
import datetime, enum
from bliss.scanning import scan_meta

meta = scan_meta.get_user_scan_meta()
Shade = enum.Enum("Shade", "RED GREY")

meta.add_categories(["user", "workflows", "notes"])
meta.user.set("me", {"name": "M. Curie", "email": "m@x.org", "ORCID": "0000-0001", "badge": 7})
meta.sample.set("foil", {
    "name": "Fe2O3", "chemical_formula": "Fe2O3", "temperature": 300.0, "temperature@units": "K",
    "shelf": 3, "shade": Shade.RED, "type": "a foil", "layers": [{"a": 1}, {"a": 2}],
    "made": datetime.datetime(2026, 3, 1, 12, 30), "holes": [[1], [2, 3]], "gap": [1, None, 3],
})
meta.sample_description.set("text", {"@comment": "red powder", "batch": b"\\xff\\x00"})
meta.proposal.set("id", {"proposal_id": "hg-1", "flag": True, "complex": 1 + 2j})
meta.notes.set("mood", {"author": "me", "mood": "good"})
meta.workflows.set("export", {"to": {"format": "csv", "after": "each scan"}, "nothing": None})
meta.workflows.set("odd", {"odd name µ": {
    "a b": 1, "é.": {"..": 2, "": 3}, 5: "five", ">time": "/instrument/epoch/data",
    "a/b": 7, ">lost": "/nowhere", "lonely@units": "mm",
}})
meta.instrument.set("filter", {
    "filter": {"@NX_class": "NXattenuator", "thickness": 50.0, "thickness@units": "um"},
    "chopper": {"@position": "upstream", "phase": 2.0, "phase@units": "deg", "phase@note": "°",
                ">monitor": "/instrument/elapsed_time/data"},
    "source": {"name": "ring", "current": 200.0, "current@units": "mA", "filling": "7/8"},
    "diode1": {"gain": 3, "description": "a photodiode", "type": "Si"},
    "roby": {"tower": "left", "velocity": 7.5},
})
meta.positioners.set("hexapod", {"hexapod": {"x": 1.0, "x@units": "um"}})
meta.technique.timing = scan_meta.META_TIMING.START | scan_meta.META_TIMING.END
meta.technique.set("now", lambda scan: {"points": scan.data.npoints, "object": object})
meta.workflows.set("broken", lambda scan: 1 / 0)
"""
"""Typed once in each session: what people register, and what they should not."""

CLIMB = """
def climb(x=0.0, step=0.4):
    best = (yield x)["diode"]
    for _ in range(7):
        row = yield x + step
        if row["diode"] > best:
            best, x = row["diode"], x + step
        else:
            step = -step / 2
"""

SEQUENCE = """
with sequence("two kinds", scan_info={"sample": {"side": "front"}}) as seq:
    seq.add(ascan(sy, -1, 1, 4, 0.1, diode, run=False))
    seq.add(loopscan(4, 0.1, diode3, run=False))
"""

GROUP = """
ascan(sy, -1, 1, 4, 0.1, diode)
loopscan(2, 0.1, diode3)
group(SCANS[-2], SCANS[-1], title="before and after")
"""


@dataclass(frozen=True)
class Family:
    """One kind of scan, and the default plot that every viewer must find in its files."""

    command: str
    signal: str
    axes: tuple[str, ...]
    npoints: int
    mesh: tuple[int, ...] = ()
    """Shape of the plot of a mesh, slowest first."""
    outcomes: tuple[str, ...] = tuple(OUTCOMES)
    ends_in: str = ""
    """Type of the scan in which a stop, an abort, ... happens, where the command has several."""
    type: str = ""
    """Type of the scan that is meant, where the command has several."""
    auxiliary: tuple[str, ...] = ()

    def shape(self, points: int) -> tuple[int, ...]:
        """Return the shape of the default plot after so many points (none: one that is empty)."""
        return self.mesh or (max(points, 1),)


_TIME = ("elapsed_time",)
FAMILIES = {
    "sct": Family("sct(0.1, diode, mon)", "diode", _TIME, 1),
    "loopscan": Family("loopscan(6, 0.1)", "diode", _TIME, 6),
    "timescan": Family("timescan(0.1, diode, npoints=8)", "diode", _TIME, 8),
    "endless": Family("timescan(0.1, srcur)", "srcur", _TIME, 8, outcomes=tuple(OUTCOMES)[1:]),
    "ascan": Family("ascan(roby, 0, 10, 20, 0.1, diode1, mon)", "diode1", ("roby",), 21),
    "a2scan": Family("a2scan(roby, 0, 10, robz, 0, 2, 10, 0.1, diode1)", "diode1", ("roby",), 11),
    "dscan": Family("dscan(sy, -1, 1, 10, 0.1, diode)", "diode", ("sy",), 11),
    "lookupscan": Family(
        "lookupscan([(roby, [0, 4, 5, 9]), (robz, [1, 1, 2, 4])], 0.1, diode1)",
        "diode1",
        ("roby",),
        4,
    ),
    "pointscan": Family(
        "pointscan(roby, [3, 4, 4.5, 5, 5.5, 7], 0.1, diode1)", "diode1", ("roby",), 6
    ),
    "amesh": Family(
        "amesh(sy, -1, 1, 10, sz, -1, 1, 6, 0.1, diode)", "diode", ("sz", "sy"), 77, (7, 11)
    ),
    "amesh_backnforth": Family(
        "amesh(sy, -1, 1, 10, sz, -1, 1, 6, 0.1, diode, backnforth=True)",
        "diode",
        ("sz", "sy"),
        77,
        (7, 11),
    ),
    "dmesh": Family(
        "umv(sy, 0, sz, 0)\ndmesh(sy, -1, 1, 6, sz, -1, 1, 4, 0.1, diode)",
        "diode",
        ("sz", "sy"),
        35,
        (5, 7),
    ),
    "a3mesh": Family(
        "a3mesh(sy, -1, 1, 4, sz, -1, 1, 3, sx, 0, 1, 2, 0.1, diode)",
        "diode",
        ("sx", "sz", "sy"),
        60,
        (3, 4, 5),
    ),
    "anmesh": Family(
        "anmesh([(sy, -1, 1, 3), (sz, -1, 1, 2), (roby, 0, 1, 1), (robz, 0, 1, 1)], 0.1, diode)",
        "diode",
        ("robz", "roby", "sz", "sy"),
        48,
        (2, 2, 3, 4),
    ),
    "fscan": Family("fscan(roby, 0, 10, 100, 0.02, diode1)", "diode1", ("roby",), 100),
    "fmesh": Family(
        "fmesh(sy, -1, 1, 20, sz, -1, 1, 8, 0.02, diode, backnforth=True)",
        "diode",
        ("sz", "sy"),
        180,
        (9, 20),
    ),
    "userscan": Family(
        f"{CLIMB}\numv(sz, -0.3)\nuserscan(sy, climb, 0.1, diode)", "diode", ("sy",), 8
    ),
    "spectra": Family("umv(sz, -0.3)\nascan(sy, -1, 2, 10, 0.1, mca)", "mca_Au", ("sy",), 11),
    "images": Family("umv(sz, -0.3)\nascan(sy, -1, 1, 10, 0.1, cam)", "cam_spot_sum", ("sy",), 11),
    "image_series": Family("loopscan(4, 0.1, cam)", "cam_spot_sum", _TIME, 4),
    "temperature": Family("ascan(temp_sp, 25, 40, 5, 0.1, temp, diode)", "temp", ("temp_sp",), 6),
    "energy": Family("ascan(energy, 12, 13, 10, 0.1, mono_enc, mon)", "mono_enc", ("energy",), 11),
    "plotselect": Family(
        "plotselect(diode1, diode3)\nascan(roby, 0, 10, 10, 0.1, diode, diode1, diode3)\n"
        "plotselect(None)",
        "diode1",
        ("roby",),
        11,
        auxiliary=("diode3",),
    ),
    "sequence": Family(SEQUENCE, "scan_number", _TIME, 2, ends_in="loopscan", type="sequence"),
    "group": Family(GROUP, "scan_number", _TIME, 2, outcomes=("finished",), type="group"),
}


@dataclass(frozen=True)
class Made:
    """A file that was made: what it is of, and how much of the scan was taken."""

    family: str
    outcome: str
    path: Path
    entry: str
    points: int
    member: bool = False
    """A scan that belongs to the command but is not the one that is meant."""

    @property
    def master(self) -> Path:
        """The master file beside it."""
        return self.path.with_name("demo.h5")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its default plot."""
        return FAMILIES[self.family].shape(self.points)

    def __str__(self) -> str:
        return f"{self.family}-{self.outcome}{'-member' if self.member else ''}"


class Ending:
    """A preset that ends a scan half-way, and says something meanwhile."""

    def __init__(self, outcome: str, family: Family) -> None:
        self.outcome, self.family = outcome, family
        self.at = 0 if family.npoints == 1 and outcome != "crashed" else max(family.npoints // 2, 1)
        self.held: set[int] = set()
        self.waited = False

    def start(self, scan: Any) -> None:
        scan.add_comment("all is prepared: à propos µm")
        self._end(scan, 0)

    def after_point(self, scan: Any, index: int) -> None:
        if self.outcome == "crashed" and not self.waited and index + 2 >= self.at // 2:
            # More than the 0.2 s in which points may wait; `time.sleep` is the virtual clock's.
            threading.Event().wait(0.25)
            self.waited = True
        self._end(scan, index + 1)

    def hold(self, scan: Any) -> str:
        """Pause each scan once, as a watchdog does."""
        if scan.number in self.held or scan.data.npoints < self.family.npoints // 4:
            return ""
        self.held.add(scan.number)
        return "no beam"

    def _end(self, scan: Any, points: int) -> None:
        meant = scan.type == self.family.ends_in if self.family.ends_in else True
        if self.outcome == "finished" or points < self.at or not meant:
            return
        if self.outcome == "stopped":
            scan.stop()
        elif self.outcome == "aborted":
            raise KeyboardInterrupt
        elif self.outcome == "failed":
            raise RuntimeError("the cryostat says: quench\nsecond line µ")
        elif points:
            os.kill(os.getpid(), signal.SIGKILL)


@contextlib.contextmanager
def session_of(data: Path, number: int = 0) -> Iterator[Any]:
    """Open the demo session with its metadata registered."""
    from session_shell import open_session
    from session_shell.clock import VirtualClock

    clock = VirtualClock(start=START + 1000.0 * number)
    with open_session("demo", config=SESSIONS, data=data, clock=clock, seed=7) as session:
        session.run(METADATA)
        yield session


def _run(session: Any, name: str, outcome: str) -> None:
    family = FAMILIES[name]
    ending = Ending(outcome, family)
    session.namespace["ending"] = ending
    session.run("add_preset(ending); add_watchdog(ending.hold)")
    try:
        session.run(family.command)
    except (KeyboardInterrupt, ScanError):
        if outcome not in {"aborted", "failed"}:
            raise
    finally:
        session.run("remove_preset(ending); remove_preset(ending.hold)")


def make(folder: Path, outcome: str, names: Sequence[str] = tuple(FAMILIES)) -> list[Made]:
    """Make a file of each family with one outcome; return what was made."""
    data = folder / outcome
    names = [name for name in names if outcome in FAMILIES[name].outcomes]
    if outcome == "crashed":
        return _crash(data, names)
    made: list[Made] = []
    with session_of(data) as session:
        for name in names:
            before = set(session.scans)
            _run(session, name, outcome)
            for scan in (scan for scan in session.scans if scan not in before):
                member = scan.type != (FAMILIES[name].type or scan.type)
                entry, points = f"{scan.number}.1", scan.data.npoints
                made.append(Made(name, outcome, scan.file, entry, points, member))
    return made


def _crash(data: Path, names: Sequence[str]) -> list[Made]:
    """Let a process be killed in the middle of each scan, and repair what it left."""
    from session_shell.nexus import repair_folder

    command = [sys.executable, "-m", "tests.nexus.families", "--crash", str(data)]
    made = []
    for number, name in enumerate(names):
        known = _files(data)
        done = subprocess.run(
            [*command, name, str(number)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode != -signal.SIGKILL:
            raise RuntimeError(f"{name}: was not killed ({done.returncode}): {done.stderr}")
        made += [(name, path) for path in _files(data) if path not in known]
    repair_folder(data / "demo")
    return [_read(name, path) for name, path in made]


def _files(data: Path) -> list[Path]:
    return sorted((data / "demo").glob("scan_*.h5"))


def _read(name: str, path: Path) -> Made:
    import h5py

    with h5py.File(path) as file:
        (entry,) = (key for key in file if key.endswith(".1"))
        scan = file[entry]["scan"]
        kind, points = scan["type"].asstr()[()], int(scan["npoints_acquired"][()])
    member = kind != (FAMILIES[name].type or kind)
    return Made(name, "crashed", path, entry, points, member)


def main(arguments: Sequence[str]) -> None:
    """Make all files, or run one scan that is killed."""
    if arguments[0] == "--crash":
        data, name, number = arguments[1:]
        with session_of(Path(data), int(number)) as session:
            _run(session, name, "crashed")
        return
    for outcome in OUTCOMES:
        for made in make(Path(arguments[0]), outcome):
            print(f"{made.outcome:9} {made.entry:6} {made.points:4} points  {made.family}")


if __name__ == "__main__":
    main(sys.argv[1:])
