"""The code of the text that scan metadata follow, as printed there, at the prompt and in a setup.

It is printed in docs/how-to/register-metadata.md too; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from session_shell import open_session
from session_shell.clock import VirtualClock

from .markdown import ROOT, blocks

SINGLE_SCAN = (
    'loopscan(10, 0.1, diode3, scan_info={"instrument":'
    '{"mygroup":{"myvalue":10, "myvalue@units":"mm"}}})'
)

POSITION_LABEL = """\
from bliss.scanning import scan_meta

scan_meta_obj = scan_meta.get_user_scan_meta()

def generate_label(scan):
    return {"position_label": mp.position}

# mp is a BLISS Multiple Position object
scan_meta_obj.instrument.set(mp, generate_label)"""

# Two braces are closed that are not in print.
STATIC = """\
scan_meta_obj.instrument.set("mymetadata", {"myattenuator": {
     "status": "in",
     "type": "aluminium",
     "thickness": 20.,
     "thickness@units": "um"}})"""

AXES_AND_MP = (ROOT / "sessions" / "motors" / "attenuator.yml").read_text(encoding="utf-8")
SESSION = """
- {class: simulation_diode, name: diode3}
- {class: Session, name: seed, setup-file: ./seed_setup.py}
"""


@pytest.fixture
def open_seed(tmp_path: Path) -> Callable[[str], Any]:
    """Open a session that has what the text speaks of, and no metadata but those of its setup."""

    def make(setup: str) -> Any:
        folder = tmp_path / "sessions"
        folder.mkdir()
        (folder / "seed.yml").write_text(AXES_AND_MP + SESSION, encoding="utf-8")
        (folder / "seed_setup.py").write_text(setup, encoding="utf-8")
        return open_session("seed", config=folder, data=tmp_path / "data", clock=VirtualClock())

    return make


def _text(node: Any) -> str:
    return str(node.asstr()[()])


def test_metadata_of_one_scan(open_seed: Callable[[str], Any]) -> None:
    with open_seed("") as session:
        scan = session.run(SINGLE_SCAN)
    with h5py.File(scan.file) as file:
        group = file["1.1/instrument/mygroup"]
        assert group.attrs["NX_class"] == "NXcollection"
        assert group["myvalue"][()] == 10
        assert group["myvalue"].attrs["units"] == "mm"
        assert file["1.1/measurement/diode3"].shape == (10,)


@pytest.mark.parametrize("place", ["prompt", "setup"])
def test_metadata_of_every_scan(open_seed: Callable[[str], Any], place: str) -> None:
    code = [POSITION_LABEL, STATIC]
    with open_seed("\n\n".join(code) if place == "setup" else "") as session:
        assert not session.problems
        for part in code if place == "prompt" else []:
            session.run(part)
        session.run('mp.move("Al_20um")')
        scans = [session.run("loopscan(2, 0.1, diode3)"), session.run("sct(0.1, diode3)")]
    for number, scan in enumerate(scans, 1):
        with h5py.File(scan.file) as file:
            instrument = file[f"{number}.1/instrument"]
            assert _text(instrument["position_label"]) == "Al_20um"
            attenuator = instrument["myattenuator"]
            assert _text(attenuator["status"]) == "in"
            assert _text(attenuator["type"]) == "aluminium"
            assert attenuator["thickness"][()] == 20.0
            assert attenuator["thickness"].attrs["units"] == "um"


def test_what_was_removed_is_gone(open_seed: Callable[[str], Any]) -> None:
    with open_seed("\n\n".join([POSITION_LABEL, STATIC])) as session:
        session.run(
            'scan_meta_obj.instrument.remove(mp); scan_meta_obj.instrument.remove("mymetadata")'
        )
        scan = session.run("sct(0.1, diode3)")
    with h5py.File(scan.file) as file:
        assert "position_label" not in file["1.1/instrument"]
        assert "myattenuator" not in file["1.1/instrument"]


def test_defaults_of_the_timing(open_seed: Callable[[str], Any]) -> None:
    with open_seed(POSITION_LABEL) as session:
        meta, timing = session.scan_meta, session.namespace["scan_meta"].META_TIMING
        assert meta.instrument.timing is timing.END
        others = [c.timing for c in meta if c.name != "instrument"]
        assert set(others) == {timing.START}


def test_a_callable_may_choose_its_scans(open_seed: Callable[[str], Any]) -> None:
    code = (
        "from bliss.scanning import scan_meta\n"
        "scan_meta.get_user_scan_meta().technique.set('only', "
        "lambda scan: {'of': scan.title} if scan.type == 'loopscan' else None)"
    )
    with open_seed(code) as session:
        loop, count = session.run("loopscan(2, 0.1, diode3)"), session.run("sct(0.1, diode3)")
    with h5py.File(loop.file) as file:
        assert _text(file["1.1/technique/of"]) == "loopscan 2 0.1"
    with h5py.File(count.file) as file:
        assert "technique" not in file["2.1"]


def test_the_how_to_page_prints_the_same_code() -> None:
    page = blocks(ROOT / "docs" / "how-to" / "register-metadata.md")
    printed = {block.text for block in page}
    assert {SINGLE_SCAN, POSITION_LABEL, STATIC} <= printed
