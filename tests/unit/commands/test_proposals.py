"""Proposals, collections, samples and datasets, as they are typed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from session_shell import open_session
from session_shell.errors import CommandError, SinkError
from session_shell.session import Session

Make = Callable[..., Session]
DATE = time.strftime("%Y%m%d", time.localtime(1_700_000_000))
DAY = f"bench2311/bench/{DATE}/RAW_DATA"
COUNT = "sct(0.1, diode)"


def path_of(session: Session) -> str:
    return str(session.saving.folder.relative_to(session.data_path))


def test_the_first_name_begins_the_policy_and_endproposal_ends_it(session: Session) -> None:
    assert path_of(session) == "bench"
    session.run("newsample('Fe2O3')")
    assert path_of(session) == f"{DAY}/Fe2O3/Fe2O3_0001"
    session.run("newdataset('align')")
    assert path_of(session) == f"{DAY}/Fe2O3/Fe2O3_align"
    session.run("newproposal('hg123')")
    assert path_of(session) == f"hg123/bench/{DATE}/RAW_DATA/sample/sample_0001"
    session.run("endproposal()")
    assert path_of(session) == "bench"
    assert not (session.data_path / "hg123").exists(), "nothing was measured there"


def test_where_scans_go_is_told(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session.run("newsample('Fe2O3'); newdataset(); endproposal()")
    folder = session.data_path / DAY / "Fe2O3" / "Fe2O3_0001"
    assert capsys.readouterr().out.splitlines() == [
        "Sample set to 'Fe2O3'",
        f"Data path: {folder}",
        "Dataset set to '0001'",
        f"Data path: {folder}",
        "Proposal 'bench2311' ended",
        f"Data path: {session.data_path / 'bench'}",
    ]


@pytest.mark.parametrize(
    ("typed", "folder"),
    [
        ("newsample Fe2O3", "Fe2O3/Fe2O3_0001"),
        ("newsample 'Fe 2 O3'", "Fe_2_O3/Fe_2_O3_0001"),
        ('newsample Fe2O3-a.b "a powder"', "Fe2O3-a.b/Fe2O3-a.b_0001"),
        ("newsample Fe2O3 description=powder", "Fe2O3/Fe2O3_0001"),
        ("newsample diode", "diode/diode_0001"),
        ("newcollection powders, Fe2O3", "powders/powders_0001"),
        ("newdataset align", "sample/sample_align"),
        ('newdataset("align")', "sample/sample_align"),
        ("newdataset 5", "sample/sample_0005"),
        ("newdataset 0005", "sample/sample_0005"),
        ("newdataset(5)", "sample/sample_0005"),
        ("newsample 12", "12/12_0001"),
    ],
)
def test_names_typed_as_words(session: Session, typed: str, folder: str) -> None:
    session.run(typed)
    assert path_of(session) == f"{DAY}/{folder}"


def test_datasets_are_counted_and_never_written_into_again(session: Session) -> None:
    for name in ("0001", "0002", "align", "0003", "align_0002", "align_0003"):
        session.run("newdataset()" if name.isdecimal() else "newdataset('align')")
        assert session.saving.dataset_name == name
        assert session.run(COUNT).number == 1
    session.run("newdataset('align')")
    session.run("enddataset()")
    assert session.saving.dataset_name == "0004"
    assert not (session.data_path / DAY / "sample/sample_align_0004").exists()


def test_an_empty_dataset_is_not_counted(session: Session) -> None:
    for _ in range(3):
        session.run("newdataset()")
        assert session.saving.dataset_name == "0001"
    session.run("newdataset('align'); newdataset('align')")
    assert session.saving.dataset_name == "align"


def test_the_name_of_a_deleted_dataset_is_not_free(make_session: Make) -> None:
    with make_session() as first:
        first.run(f"newdataset('align'); {COUNT}; newdataset(); {COUNT}")
        shutil.rmtree(first.data_path / "bench2311")
    with make_session() as second:
        second.run("newdataset('align')")
        assert second.saving.dataset_name == "align_0002"
        second.run("newdataset()")
        assert second.saving.dataset_name == "0002"


def test_coming_back(session: Session) -> None:
    session.run("newsample('Fe'); " + COUNT)
    session.run("newsample('Si'); " + COUNT)
    session.run("newsample('Fe')")
    assert path_of(session) == f"{DAY}/Fe/Fe_0002"
    session.run("SCAN_SAVING.dataset_name = '0001'")
    assert session.run(COUNT).number == 2
    assert session.run("scan(1)").number == 1


def test_coming_back_to_a_proposal_goes_on_in_its_folder(session: Session) -> None:
    session.run("newproposal('hg123', '20231101'); " + COUNT)
    session.run("newproposal('other'); newproposal('hg123')")
    assert path_of(session) == "hg123/bench/20231101/RAW_DATA/sample/sample_0002"
    session.run(f"newproposal('hg123', session_name='{DATE}')")
    assert path_of(session) == f"hg123/bench/{DATE}/RAW_DATA/sample/sample_0001"


def test_each_dataset_has_its_master_file(session: Session) -> None:
    session.run(f"newdataset('a'); {COUNT}; {COUNT}; newdataset('b'); {COUNT}")
    for name, entries in (("a", ["1.1", "2.1"]), ("b", ["1.1"])):
        folder = session.data_path / DAY / "sample" / f"sample_{name}"
        with h5py.File(folder / f"sample_{name}.h5") as master:
            assert sorted(master) == entries
            assert all("end_time" in master[entry] for entry in entries)


def test_a_scan_is_linked_where_it_began(session: Session) -> None:
    session.run("newdataset('a')")
    session.namespace["change"] = lambda _scan: session.run("newdataset('b')")
    session.run(
        "class Change:\n    def after_point(self, scan, index): newdataset('b')\n"
        f"add_preset(Change()); {COUNT}"
    )
    a = session.data_path / DAY / "sample" / "sample_a"
    with h5py.File(a / "sample_a.h5") as master:
        assert list(master) == ["1.1"]
    assert sorted(path.name for path in a.glob("[!.]*")) == ["sample_a.h5", "scan_0001.h5"]
    assert session.saving.dataset_name == "b"


# -------------------------------------------------------------------------------- metadata


def read(file: Any, path: str) -> Any:
    value = file[path][()]
    return value.decode() if isinstance(value, bytes) else value


def test_every_scan_tells_what_it_belongs_to(session: Session) -> None:
    session.run("newproposal('hg123'); newsample('Fe2O3', 'a powder')")
    scan = session.run("newdataset('align', description='first look'); " + COUNT)
    with h5py.File(scan.file) as file:
        entry = file["1.1"]
        assert entry["sample"].attrs["NX_class"] == "NXsample"
        assert read(entry, "sample/name") == "Fe2O3"
        assert read(entry, "sample/description") == "a powder"
        assert {name: read(entry, f"dataset/{name}") for name in entry["dataset"]} == {
            "name": "align",
            "number": 1,
            "description": "first look",
            "collection": "Fe2O3",
            "proposal": "hg123",
            "proposal_session": DATE,
            "beamline": "bench",
        }
    assert scan.info["dataset"]["name"] == "align"


def test_who_knows_the_sample(session: Session) -> None:
    session.run(
        "from session_shell.scanning.scan_meta import get_user_scan_meta as meta\n"
        "meta().add_categories({'sample'})\n"
        "meta().sample.set('mine', {'name': 'gold foil', 'mass': 3})"
    )
    foil = {"name": "gold foil", "mass": 3}
    assert session.run("newcollection('powders'); " + COUNT).info["sample"] == foil
    said = {"name": "Fe2O3", "description": "powder", "mass": 3}
    assert session.run("newsample('Fe2O3', 'powder'); " + COUNT).info["sample"] == said
    scan = session.run("sct(0.1, diode, scan_info={'sample': {'name': 'this one'}})")
    assert scan.info["sample"]["name"] == "this one"


def test_without_the_policy_files_tell_nothing_of_it(session: Session) -> None:
    assert "dataset" not in session.run(COUNT).info


# ---------------------------------------------------------------------- what can go wrong


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("newsample('a/b')", "newsample: 'a/b' cannot be the name of a folder: it has a slash"),
        ("newsample('..')", "begins with a dot"),
        ("newsample('.x')", "begins with a dot"),
        ("newdataset('a\\0b')", "control character"),
        ("newdataset('x' * 101)", "101 bytes, 100 are possible"),
        ("newdataset('\\udcff')", "is no valid text"),
        ("newdataset('  ')", "it is empty"),
        ("newproposal(1.5)", "expected a name, got 1.5"),
        ("newproposal('a', '../x')", "it has a slash"),
        ("newdataset(True)", "expected a name, got True"),
        ("newdataset('a', description=3.5)", "expected a text, got 3.5"),
        ("enddataset()", "there is no dataset"),
        ("endproposal()", "there is no proposal"),
    ],
)
def test_bad_names_change_nothing(session: Session, code: str, message: str) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        session.run(code)
    assert "\n" not in str(caught.value)
    assert path_of(session) == "bench"
    assert session.run(COUNT).number == 1


def test_a_folder_that_cannot_be_made_changes_nothing(session: Session) -> None:
    session.run("newdataset('a'); " + COUNT)
    (session.data_path / "hg123").write_text("a file in the way")
    with pytest.raises(SinkError, match="the folder cannot be made: a part of the path is a file"):
        session.run("newproposal('hg123')")
    assert path_of(session) == f"{DAY}/sample/sample_a"
    assert session.run(COUNT).number == 2


def test_reading_makes_no_folders(make_session: Make) -> None:
    with make_session(read_only=True) as session:
        session.run("newsample('Fe2O3'); newdataset()")
        assert path_of(session) == f"{DAY}/Fe2O3/Fe2O3_0001"
        assert not session.data_path.exists()


# ------------------------------------------------------------------------------- restarts


def test_all_of_it_survives_a_restart(make_session: Make) -> None:
    with make_session() as first:
        first.run("newproposal('hg123'); newsample('Fe2O3', 'powder'); newdataset('a'); " + COUNT)
        first.run("SCAN_SAVING.scan_filename_template = '{dataset_name}_{scan_number}'")
    with make_session() as second:
        assert path_of(second) == f"hg123/bench/{DATE}/RAW_DATA/Fe2O3/Fe2O3_a"
        scan = second.run(COUNT)
        assert (scan.number, scan.file.name) == (2, "a_0002.h5")
        assert scan.info["sample"] == {"name": "Fe2O3", "description": "powder"}
        second.run("endproposal()")
    with make_session() as third:
        assert path_of(third) == "bench"


OTHER = """
import sys
from session_shell import open_session
with open_session(sys.argv[3], config=sys.argv[1], data=sys.argv[2], seed=1) as session:
    session.run("SCAN_SAVING.beamline = 'shared'")
    for _ in range(20):
        session.run("newproposal('hg123', '20231114'); sct(0.001, diode)")
        print(session.saving.dataset_name)
"""


def test_two_sessions_in_one_proposal_get_datasets_of_their_own(
    config: Path, tmp_path: Path
) -> None:
    (config / "other.yml").write_text("- {name: other, class: Session}\n")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", OTHER, str(config), str(tmp_path / "data"), name],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("bench", "other")
    ]
    names: list[str] = []
    for process in running:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        names += [line for line in output.split() if line.isdecimal()]
    assert len(set(names)) == 40
    folder = tmp_path / "data/hg123/shared/20231114/RAW_DATA/sample"
    assert len(list(folder.glob("*/scan_*.h5"))) == 40
    assert len(list(folder.glob("*/scan_0001.h5"))) == 40


def test_names_survive_what_people_type(config: Path, tmp_path: Path) -> None:
    name = "é" * 50 + "&;$(x)'\""[:1]
    with open_session("bench", config=config, data=tmp_path / "data") as session:
        with pytest.raises(CommandError, match="bytes"):
            session.saving.newsample(name)
        session.saving.newsample("Fe₂O₃ 'α'")
        scan = session.run("sct(0.001, diode)")
    assert scan.file.parent.name == "Fe₂O₃_'α'_0001"
