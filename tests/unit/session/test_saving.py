from __future__ import annotations

import time
from pathlib import Path

import pytest

from session_shell.errors import CommandError
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
        ("template", "{nobody}", "unknown key nobody; known are date, session, user"),
        ("template", "{session", "expected '}'"),
        ("template", "/etc", "leaves the data directory"),
        ("template", "../x", "leaves the data directory"),
        ("data_filename", "a/b", "is no file name"),
        ("data_filename", "", "is no file name"),
        ("scan_number_format", "x>3", "does not give a plain number"),
        ("scan_number_format", "%d", "Invalid format"),
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


@pytest.mark.parametrize("value", ["", "..", "a/b", "a\0b"])
def test_a_key_cannot_leave_its_folder(saving: ScanSaving, value: str) -> None:
    with pytest.raises(CommandError, match="cannot be part of a folder name"):
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
