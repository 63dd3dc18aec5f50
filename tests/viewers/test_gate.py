"""The four-way gate: every family with every outcome has nothing that a checker complains of."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ..nexus.families import FAMILIES, OUTCOMES, Made
from .conftest import Files

pytestmark = [
    pytest.mark.viewers,
    pytest.mark.timeout(600),  # the first test makes the files, and kills a process for each crash
    pytest.mark.filterwarnings("ignore"),  # of the checkers themselves
    pytest.mark.usefixtures("definitions"),
]

CASES = [(outcome, name) for name in FAMILIES for outcome in FAMILIES[name].outcomes]


def problems(path: Path) -> list[str]:
    """Return what own rules, nexusformat, silx and pynxtools say."""
    from ..nexus import gate
    from . import pynx

    return gate.problems(path) + gate.accepted(pynx.problems(path))


@pytest.mark.parametrize(("outcome", "name"), CASES)
def test_every_family_and_outcome(outcome: str, name: str, files: Files) -> None:
    made = [one for one in files(outcome) if one.family == name]
    assert len([one for one in made if not one.member]) == 1
    for one in made:
        assert problems(one.path) == []
        _check_facts(one)


def _check_facts(one: Made) -> None:
    """Check that the file is what it is meant to be, so that the gate looks at the right thing."""
    family = FAMILIES[one.family]
    with h5py.File(one.path) as file:
        entry = file[one.entry]
        scan = entry["scan"]
        kind, reason = scan["type"].asstr()[()], entry["end_reason"].asstr()[()]
        assert "end_time" in entry
        assert scan["npoints_acquired"][()] == one.points
        lengths = {len(column) for column in entry["measurement"].values()}
        assert lengths == {max(one.points, 1)}
        assert entry["comments/note_01/data"].asstr()[()].startswith("all is prepared")
    ended_here = not family.ends_in or kind == family.ends_in
    if one.outcome == "finished" or not (ended_here or not one.member):
        assert reason == "SUCCESS"
    elif ended_here or one.outcome != "stopped":
        assert reason == OUTCOMES[one.outcome]
        assert one.points < family.npoints or not ended_here or family.ends_in
    if one.outcome == "crashed" and family.npoints > 1 and not family.ends_in:
        assert one.points > 0


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_master_files(outcome: str, files: Files) -> None:
    """The master is checked through its links; pynxtools cannot follow these."""
    from ..nexus import gate

    made = files(outcome)
    master = made[0].master
    with h5py.File(master) as file:
        assert set(file) == {one.entry for one in made}
    # nexusformat opens the file behind a link for each item in it: half a minute is enough.
    assert gate.problems(master, slow=outcome == "finished") == []


def _plant(path: str, change: Callable[[Any], None]) -> Any:
    return pytest.param(path, change, id=path)


DEFECTS = [
    _plant("measurement", lambda g: g.parent.__delitem__("measurement")),
    _plant("instrument/positioners_start", lambda g: g.attrs.__delitem__("NX_class")),
    _plant("sample", lambda g: g.create_dataset("shelf", data=3)),
    _plant("start_time", lambda d: d.write_direct(np.array("yesterday", d.dtype))),
    _plant("instrument/roby/value", lambda d: d.attrs.__setitem__("units", 5)),
    _plant("instrument/diode1", lambda g: g.create_group("no good name")),
    _plant("plot", lambda g: g.attrs.__setitem__("signal", "nothing")),
    _plant("plot/diode1", lambda d: d.file.__setitem__("4.1/dangling", h5py.SoftLink("/no"))),
    _plant("title", lambda d: d.parent.__delitem__("title")),
]


@pytest.mark.parametrize(("path", "change"), DEFECTS)
def test_the_gate_finds_defects(
    path: str, change: Callable[[Any], None], files: Files, tmp_path: Path
) -> None:
    (one,) = [one for one in files("finished") if one.family == "ascan"]
    copy = Path(shutil.copy(one.path, tmp_path))
    assert problems(copy) == []
    with h5py.File(copy, "r+") as file:
        change(file[one.entry][path])
    assert problems(copy) != []
