"""Files of every family, as users make them, please the checkers and plot by themselves.

Here those of scans that came to their end; `tests/viewers` has the others, and more checkers.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from .families import FAMILIES, OUTCOMES, Made, make

pytest.importorskip("silx.io.nxdata")
pytest.importorskip("nexusformat.nexus")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:silx"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:nexusformat"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Made]]:
    files: dict[str, list[Made]] = {}
    for one in make(tmp_path_factory.mktemp("families"), "finished"):
        files.setdefault(one.family, []).append(one)
    return files


FINISHED = [name for name, family in FAMILIES.items() if "finished" in family.outcomes]


@pytest.mark.parametrize("name", FINISHED)
def test_every_family(name: str, made: dict[str, list[Made]]) -> None:
    from .gate import default_plot, problems

    family = FAMILIES[name]
    meant = [one for one in made[name] if not one.member]
    assert len(meant) == 1
    for one in made[name]:
        assert problems(one.path) == []
        assert default_plot(one.path) == default_plot(one.master, one.entry)
    (one,) = meant
    assert one.points == family.npoints
    assert default_plot(one.path) == (family.signal, one.shape, list(family.axes))
    with h5py.File(one.path) as file:
        entry = file[one.entry]
        assert entry["end_reason"].asstr()[()] == OUTCOMES["finished"]
        assert list(entry["plot"].attrs.get("auxiliary_signals", ())) == list(family.auxiliary)
        assert entry["sample/name"].asstr()[()] == "Fe2O3"


def test_the_master_file(made: dict[str, list[Made]]) -> None:
    from .gate import default_plot

    last = made["group"][-1]
    assert default_plot(last.master) == default_plot(last.path)
    every = {one.entry for files in made.values() for one in files}
    with h5py.File(last.master) as master:
        assert set(master) == every
        for name in master:
            link = master.get(name, getlink=True)
            assert link.path == f"/{name}"
            assert "/" not in link.filename


def test_nothing_is_saved_of_ct(tmp_path: Path) -> None:
    from .families import session_of

    with session_of(tmp_path) as session:
        session.run("ct(0.1, diode)")
    assert list(tmp_path.glob("**/*.h5")) == []
