"""Every way to read scans meets every odd file: one clear line, and the others are read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from session_shell.errors import ScanError, SessionShellError
from session_shell.nexus import open_scan, rebuild_master, repair_folder, stored_documents
from session_shell.viewer.finding import asked
from session_shell.viewer.look import Look
from session_shell.viewer.points import Selection
from session_shell.viewer.printing import Form, Wish, pieces

from .corpus import FILES, ROWS, write

_FORMS = [form for form in Form if form is not Form.PICTURE]
_MOST = 5_000_000
"""Characters that are printed of a file at most, the title in JSON aside."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All odd files."""
    top = tmp_path_factory.mktemp("odd")
    write(top)
    return top


def show(*words: object, form: Form = Form.SUMMARY, selection: Selection | None = None) -> str:
    """Return what ``show`` prints; an error in its last line."""
    stream = io.StringIO()
    wish = Wish(form, selection or Selection(), drawn=True)
    try:
        for one in asked([str(word) for word in words], Path()):
            for piece in pieces(one, wish, stream, Look()):
                stream.write(piece)
    except SessionShellError as error:
        stream.write(f"error: {error}\n")
    return stream.getvalue()


@pytest.mark.parametrize("name", sorted(FILES))
def test_each_form_of_show_tells_or_refuses_in_a_line(folder: Path, name: str) -> None:
    path = folder / f"{name}.h5"
    for form in _FORMS:
        few = name == "huge_column" and form is not Form.SUMMARY
        selection = Selection(points=slice(0, 3)) if few else Selection()
        text = show(path, "1", form=form, selection=selection)
        assert text
        assert len(text) < _MOST or name == "long_title"
        if "error: " not in text and form is Form.JSON:
            json.loads(text)


@pytest.mark.parametrize("name", sorted(FILES))
def test_python_gets_the_scan_or_a_scan_error(folder: Path, name: str) -> None:
    path = folder / f"{name}.h5"
    error = ""
    try:
        scan = open_scan(path, 1)
        assert isinstance(scan.title, str)
        repr(scan)
        if name != "huge_column":
            list(stored_documents(path, 1))
    except SessionShellError as refused:
        error = str(refused)
    assert not error or str(path) in error


def test_an_odd_file_is_a_line_of_the_list(tmp_path: Path) -> None:
    write(tmp_path, tuple(name for name in FILES if name != "many_entries"))
    (tmp_path / "pipe.h5").rename(tmp_path / "a_pipe.h5")
    text = show(tmp_path)
    for name, problem in (
        ("a_pipe", "is a pipe or a device, not a regular file"),
        ("empty", "is empty"),
        ("entry_is_dataset", "1.1 is a dataset, not the group of a scan"),
        ("not_hdf5", "is no HDF5 file"),
        ("unknown_version", "bad superblock version number"),
    ):
        assert problem in next(line for line in text.splitlines() if line.endswith(f" {name}.h5"))
    assert max(map(len, text.splitlines())) < 3000
    for form in (Form.JSON, Form.CSV):
        assert len(show(tmp_path, form=form).splitlines()) >= len(FILES) - 1
    assert "** Scan 1: " in show(tmp_path, "1")


def test_index_and_repair_go_through_a_folder_of_them(tmp_path: Path) -> None:
    files = write(tmp_path, tuple(name for name in FILES if not name.startswith("many")))
    made = rebuild_master(tmp_path)
    assert [index.master.name for index in made] == [f"{tmp_path.name}.h5"]
    states = {repair.path.stem: repair.state for repair in repair_folder(tmp_path)}
    assert states.keys() >= {"named_type", "cut_off", "pipe", "year_1"}
    assert states["cut_off"] == states["pipe"] == "unreadable"
    assert states["named_type"] == "foreign"
    assert files["pipe"].is_fifo()


def test_the_only_point_of_others_is_a_point(folder: Path) -> None:
    scan = open_scan(folder / "one_point.h5")
    assert scan.data.npoints == 1
    assert scan.data["signal"].tolist() == [10.0]


def test_strings_and_numbers_in_arrays_of_one(folder: Path) -> None:
    text = show(folder / "arrays_of_one.h5")
    assert "** Scan 1: ascan x 0 1 4 0.1 **" in text
    assert "outcome : SUCCESS" in text
    assert "points  : 5 of 5" in text
    assert "took 0:01:00" in text


@pytest.mark.parametrize("name", ["virtual_file_gone", "virtual_path_gone"])
def test_data_of_a_lost_source_are_missing_not_zero(folder: Path, name: str) -> None:
    path = folder / f"{name}.h5"
    with pytest.raises(ScanError, match="its data are gone"):
        open_scan(path).data["image"][0]
    for text in (show(path), show(path, form=Form.TABLE), show(path, form=Form.JSON)):
        assert "its data are gone" in text
    assert "signal" in show(path)


def test_of_several_sources_those_that_are_there_are_read(folder: Path) -> None:
    image = open_scan(folder / "virtual_one_of_two_gone.h5").data["image"]
    assert image[ROWS - 1].tolist() == [7.0, 7.0]
    with pytest.raises(ScanError, match=r"links to gone\.raw"):
        image[ROWS]


@pytest.mark.parametrize(
    ("name", "column", "why"),
    [
        ("missing_filter", "packed", "filter 333, which is not installed here"),
        ("bad_checksum", "broken", "filter returned failure"),
        ("lost_raw_file", "raw", "unable to open external raw data file"),
    ],
)
def test_one_unreadable_array_hides_nothing_else(
    folder: Path, name: str, column: str, why: str
) -> None:
    text = show(folder / f"{name}.h5")
    assert "signal" in text
    assert why in text
    assert f"{column}  (cannot be read: " in text.split("metadata\n")[1]
    lines = show(folder / f"{name}.h5", form=Form.CSV).splitlines()
    columns = lines[0].split(",")
    cells = [line.split(",") for line in lines[1 : ROWS + 1]]
    assert [row[columns.index("signal")] for row in cells] == [
        "10.0",
        "11.0",
        "12.0",
        "13.0",
        "14.0",
    ]
    assert {row[columns.index(column)] for row in cells} == {""}
    assert lines[-1].startswith("error: not all could be read, cells are left empty")
    assert why in lines[-1]
