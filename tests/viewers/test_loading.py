"""Programs that load files find the default plot by themselves, in the file and in the master."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from ..nexus.families import FAMILIES, OUTCOMES, Made
from .conftest import Files

pytestmark = [
    pytest.mark.viewers,
    pytest.mark.timeout(600),  # the first test makes the files, and kills a process for each crash
    pytest.mark.filterwarnings("ignore"),  # of the programs themselves
]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_silx_and_nexusformat(outcome: str, files: Files) -> None:
    from ..nexus.gate import default_plot

    for one in files(outcome):
        found = default_plot(one.path)
        assert default_plot(one.master, one.entry) == found, str(one)
        if not one.member:
            family = FAMILIES[one.family]
            assert found == (family.signal, one.shape, list(family.axes)), str(one)
    assert default_plot(one.master) == default_plot(_last(files(outcome)).path)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_scippnexus(outcome: str, files: Files) -> None:
    import scippnexus

    for one in files(outcome):
        family = FAMILIES[one.family]
        for path in (one.path, one.master):
            with scippnexus.File(path, "r") as root:
                entry = root[one.entry]
                plot = entry[entry.attrs["default"]][()]
            if one.member:
                continue
            if family.auxiliary:
                assert set(plot) == {family.signal, *family.auxiliary}
                plot = plot[family.signal]
            assert (plot.dims, plot.shape) == (family.axes, one.shape), str(one)
            assert set(family.axes) <= set(plot.coords)
            with h5py.File(one.path) as file:
                stored = file[one.entry]["plot"][family.signal]
                np.testing.assert_array_equal(plot.values, stored[()])
                assert bool(stored.attrs["units"]) == (str(plot.unit) != "dimensionless")


@pytest.mark.parametrize("outcome", ["finished", "crashed"])
def test_top_level_names_of_silx(outcome: str, files: Files) -> None:
    """silx lists entries that have an `end_time`: scans that are over."""
    from silx.io.h5py_utils import top_level_names

    made = files(outcome)
    for one in made:
        assert top_level_names(str(one.path)) == [one.entry]
    assert set(top_level_names(str(made[0].master))) == {one.entry for one in made}


def test_a_folder_that_was_moved(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links of the master and between scans are relative: a folder may go elsewhere."""
    import scippnexus
    from nexusformat.nexus import nxload

    from ..nexus import gate

    made = files("finished")
    folder = tmp_path / "moved to another place"
    shutil.copytree(made[0].path.parent, folder)
    # Were a link absolute, it would lead to the old place and be seen as such.
    monkeypatch.chdir(tmp_path)
    master = folder / made[0].master.name
    for one in made:
        assert gate.default_plot(master, one.entry) == gate.default_plot(one.path), str(one)
    assert gate.problems(master, slow=False) == []
    with h5py.File(master) as file:
        for one in made:
            assert Path(file[one.entry].file.filename).parent == folder
    (sequence,) = [one for one in made if one.family == "sequence" and not one.member]
    with nxload(master) as root:
        members = root[f"{sequence.entry}/members"]
        titles = {str(member["plot/title"]) for member in members.values()}
    assert titles == {"ascan sy -1 1 4 0.1", "loopscan 4 0.1"}
    with scippnexus.File(master, "r") as root:
        names = list(root[f"{sequence.entry}/members"])
        shapes = [root[f"{sequence.entry}/members/{name}/plot"][()].shape for name in names]
    assert shapes == [(5,), (4,)]


def _last(made: list[Made]) -> Made:
    """Return the scan that the master shows: the one that was linked last, so ended last."""
    with h5py.File(made[0].master) as file:
        default = file.attrs["default"]
    return next(one for one in made if one.entry == default)
