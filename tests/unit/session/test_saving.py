from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_shell.errors import CommandError, SinkError
from session_shell.session import ScanSaving


@pytest.fixture
def saving(tmp_path: Path) -> ScanSaving:
    return ScanSaving(tmp_path, "demo", "opid00")


def test_defaults(saving: ScanSaving, tmp_path: Path) -> None:
    assert saving.folder == tmp_path / "demo"
    assert saving.get_path() == str(tmp_path / "demo")
    assert saving.filename == str(tmp_path / "demo" / "demo.h5")
    assert saving.scan_filename()(3) == "scan_0003.h5"
    assert saving.user == "opid00"


def test_templates(saving: ScanSaving, tmp_path: Path) -> None:
    saving.add("sample", "Fe2O3")
    saving.template = "{user}/{date}/{sample}"
    saving.data_filename = "all_{sample}"
    saving.scan_number_format = "06d"
    assert saving.folder == tmp_path / "opid00" / time.strftime("%Y%m%d") / "Fe2O3"
    assert saving.master.name == "all_Fe2O3.h5"
    assert saving.scan_filename()(12) == "scan_000012.h5"
    saving.sample = "Si"
    assert saving.folder.name == "Si"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("template", "{nobody}", "unknown key nobody; known are beamline, collection_name"),
        ("template", "{session", "expected '}'"),
        ("template", "/etc", "leaves the data directory"),
        ("template", "../x", "leaves the data directory"),
        ("data_filename", "a/b", "is no file name"),
        ("data_filename", "", "is no file name"),
        ("scan_number_format", "x>3", "does not give a plain number"),
        ("scan_number_format", "%s", "Unknown format code"),
        ("scan_number_format", "x", "does not give a plain number"),
        ("scan_number_format", ",d", "does not give a plain number"),
        ("session", "x", "cannot be set"),
        ("tempalte", "x", "SCAN_SAVING has no 'tempalte'"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    saving: ScanSaving, name: str, value: str, message: str
) -> None:
    before = saving.__info__()
    with pytest.raises(CommandError, match=message):
        setattr(saving, name, value)
    assert saving.__info__() == before


@pytest.mark.parametrize(("key", "value"), [("a b", "x"), ("date", "x"), ("template", "x")])
def test_a_key_needs_a_free_name(saving: ScanSaving, key: str, value: str) -> None:
    with pytest.raises(CommandError, match="cannot be the name of a key"):
        saving.add(key, value)


@pytest.mark.parametrize("value", ["..", "a/b", "a\0b", ".x", "x" * 101])
def test_a_key_cannot_leave_its_folder(saving: ScanSaving, value: str) -> None:
    with pytest.raises(CommandError, match="cannot be the name of a folder"):
        saving.add("sample", value)


def test_all_but_the_data_directory_survives(saving: ScanSaving, tmp_path: Path) -> None:
    saving.add("sample", "Si")
    saving.template = "{sample}"
    other = ScanSaving(tmp_path / "elsewhere", "demo", "opid00")
    other.restore(saving.saved())
    assert other.folder == tmp_path / "elsewhere" / "Si"


def test_unknown_members_are_named(saving: ScanSaving) -> None:
    with pytest.raises(AttributeError, match="it has base_path, template"):
        _ = saving.nothing
    assert "template" in dir(saving)
    assert "{session}" in saving.__info__()


# What BLISS users type


def test_formats_and_fields_as_in_bliss(saving: ScanSaving, tmp_path: Path) -> None:
    saving.add("s_name", "")
    saving.template = "{session}/{s_name}/"
    assert saving.folder == tmp_path / "demo"
    saving.s_name = "sample 1"
    assert saving.folder == tmp_path / "demo" / "sample_1"
    saving.scan_number_format = "%06d"
    saving.date_format = "%y%b"
    saving.template = "{date}/{user_name}"
    assert saving.get_path() == saving.root_path
    assert saving.folder == tmp_path / time.strftime("%y%b") / "opid00"
    assert saving.data_path + ".h5" == saving.filename
    assert saving.get()["root_path"] == saving.root_path
    assert saving.get()["template"] == "{date}/{user_name}"
    assert saving.data_policy == "None"
    assert saving.proposal_name == saving.dataset_name == ""


def test_making_the_folder(saving: ScanSaving, tmp_path: Path) -> None:
    assert saving.create_path() == str(tmp_path / "demo")
    assert (tmp_path / "demo").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="the folder cannot be made"):
        saving.create_path(tmp_path / "file" / "x")


def test_names_of_scan_files(saving: ScanSaving) -> None:
    saving.add("run", 3)
    saving.scan_filename_template = "{session}_r{run}_{scan_number}"
    assert saving.scan_filename()(12) == "demo_r3_0012.h5"
    for bad, message in (
        ("scan", "needs {scan_number}"),
        ("a/{scan_number}", "is no file name"),
        ("{scan_number:05d}", "a field is written as"),
        ("{scan_number!r}", "a field is written as"),
        ("{scan_number.real}", "a field is written as"),
        ("{0}{scan_number}", "a field is written as"),
        (".{scan_number}", "is hidden"),
    ):
        with pytest.raises(CommandError, match=message):
            saving.scan_filename_template = bad
    assert saving.scan_filename()(12) == "demo_r3_0012.h5"


def test_what_has_no_effect_is_told(saving: ScanSaving, caplog: pytest.LogCaptureFixture) -> None:
    saving.writer = "nexus"
    saving.images_path_template = "scan{scan_number}"
    assert "SCAN_SAVING.writer has no effect" in caplog.text


# A template of one's own with datasets


def test_a_template_with_datasets_is_the_policy(saving: ScanSaving, tmp_path: Path) -> None:
    saving.template = "{sample_name}/{dataset_name}"
    assert saving.folder == tmp_path / "sample" / "0001"
    saving.newsample("Fe")
    assert saving.folder == tmp_path / "Fe" / "0001"
    (saving.folder / "scan").touch()
    saving.newdataset()
    assert saving.folder == tmp_path / "Fe" / "0002"
    with pytest.raises(CommandError, match=r"has \{dataset_name\}; give it another first"):
        saving.endproposal()
    saving.template = "{session}"
    assert "RAW_DATA" in str(saving.folder)
    saving.endproposal()
    assert saving.folder == tmp_path / "demo"


def test_a_template_without_datasets(saving: ScanSaving, tmp_path: Path) -> None:
    saving.template = "{collection_name}"
    assert saving.folder == tmp_path / "sample"
    saving.newsample("Fe")
    assert saving.folder == tmp_path / "Fe"
    with pytest.raises(CommandError, match=r"put \{dataset_name\} into it"):
        saving.newdataset("align")
    assert saving.folder == tmp_path / "Fe"


def test_datasets_elsewhere_are_not_written_into(saving: ScanSaving, tmp_path: Path) -> None:
    saving.add("where", "a")
    saving.template = "{where}/{dataset_name}"
    for place in ("b/0001", "b/0002", "other/a/0001"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "data").touch()
    saving.where = "b"
    assert saving.folder == tmp_path / "b" / "0003"
    saving.where = "a"
    assert saving.folder == tmp_path / "a" / "0001"
    saving.base_path = tmp_path / "other"
    assert saving.folder == tmp_path / "other" / "a" / "0002"
    saving.newdataset("align")
    saving.base_path = tmp_path
    assert saving.folder == tmp_path / "a" / "align"
    saving.beamline = "id31"
    assert saving.folder == tmp_path / "a" / "0001"


def test_names_that_are_assigned(saving: ScanSaving, tmp_path: Path) -> None:
    old = tmp_path / time.strftime("demo%y%m/demo/%Y%m%d/RAW_DATA/sample/sample_0001")
    old.mkdir(parents=True)
    (old / "data").touch()
    saving.sample_name = "Fe/Si"
    assert saving.folder.name == "sample_0002", "nobody else's dataset is gone on with"
    assert saving.told() == {"sample": {"name": "Fe/Si"}}
    saving.dataset_name = "1"
    assert saving.folder.name == "sample_1"
    saving.dataset_name = 1
    assert saving.folder == old
    saving.dataset_name = None
    assert saving.folder.name == "sample_0002"
    saving.collection_name = "Fe"
    assert saving.folder.name == "Fe_0001"
    saving.proposal_name = "hg123"
    assert saving.folder.parts[-6] == "hg123"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([old.parts[-6], "hg123"])


def test_another_base_path_survives(saving: ScanSaving, tmp_path: Path) -> None:
    saving.base_path = tmp_path / "disk2"
    other = ScanSaving(tmp_path, "demo", "opid00")
    other.restore(saving.saved())
    assert other.folder == tmp_path / "disk2" / "demo"


@pytest.mark.parametrize(
    "values",
    [
        {"belonging": {"proposal_name": "../x", "proposal_session_name": "1"}},
        {"belonging": {"proposal_name": "x"}},
        {"belonging": {"proposal_name": "x", "proposal_session_name": 1.5}},
        {"beamline": "a/b"},
        {"template": "{nobody}"},
        {"scan_number_format": "x"},
        {"date_format": "%Y/%m"},
        {"keys": {"a b": "c"}},
    ],
)
def test_nothing_is_put_back_when_something_is_wrong(
    saving: ScanSaving, values: dict[str, object]
) -> None:
    before = saving.__info__()
    with pytest.raises(CommandError):
        saving.restore({"data_filename": "other", "keys": {"sample": "Si"}, **values})
    assert saving.__info__() == before


@given(st.text())
def test_any_text_gives_a_folder_or_a_clear_line(text: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        saving = ScanSaving(Path(name), "demo", "opid00")
        try:
            saving.newdataset(text)
        except CommandError as error:
            told = str(error).splitlines()
        else:
            told = []
            assert saving.folder.is_dir()
            assert Path(name) in saving.folder.resolve().parents
        assert len(told) == (0 if list(Path(name).iterdir()) else 1)
