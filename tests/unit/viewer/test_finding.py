"""What was typed behind ``show``, and lists of scans."""

from __future__ import annotations

import csv
import io
import os
import shutil
from pathlib import Path

import h5py
import pytest

from session_shell.errors import CommandError, ScanError
from session_shell.nexus import ScanFile, update_master
from session_shell.nexus.reading.listing import Place, glance, last_scans, newest_scan
from session_shell.nexus.reading.reader import natural
from session_shell.scanning.documents import EndReason
from session_shell.viewer.finding import Asked, ListOf, asked, find
from session_shell.viewer.look import Look
from session_shell.viewer.printing import Form, Wish

from ...nexus.documents import ascan, ended, loopscan, name_of, save
from .conftest import Shown


def in_order(*paths: Path) -> None:
    """Give files the times of a measurement: each a minute after the one before."""
    for number, path in enumerate(paths):
        os.utime(path, (1.7e9 + 60 * number,) * 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three scans and their master file."""
    folder = tmp_path / "data" / "eh1"
    paths = [save(folder, ascan()), save(folder, loopscan(), 4, EndReason.USER_ABORT)]
    paths.append(save(folder, ascan()))
    for number, path in enumerate(paths, 1):
        update_master(folder / "eh1.h5", f"{number}.1", path)
    in_order(*paths, folder / "eh1.h5")
    return folder


def test_what_words_mean(tmp_path: Path) -> None:
    data = tmp_path / "data"
    a, b = tmp_path / "a.h5", tmp_path / "b"
    assert asked([], data) == [Asked(data, "last")]
    assert asked(["last"], data) == [Asked(data, "last")]
    assert asked(["12", "13.2"], data) == [Asked(data, "12"), Asked(data, "13.2")]
    assert asked([str(a), str(b)], data) == [Asked(a), Asked(b)]
    assert asked([str(a), "1", "2", str(b)], data) == [Asked(a, "1"), Asked(a, "2"), Asked(b)]


def test_one_scan_or_a_list(folder: Path) -> None:
    first = folder / "scan_0001.h5"
    assert find(Asked(first)) == find(Asked(first, "1")) == Place(first, "1.1")
    assert find(Asked(folder)) == ListOf(folder)
    assert find(Asked(folder, "2")) == Place(folder / "scan_0002.h5", "2.1")
    assert find(Asked(folder, "last")) == Place(folder / "scan_0003.h5", "3.1")
    master = find(Asked(folder / "eh1.h5"))
    assert isinstance(master, ListOf)
    assert find(Asked(folder / "eh1.h5", "2")) == Place(folder / "scan_0002.h5", "2.1")
    assert find(Asked(folder / "eh1.h5", "last")) == Place(folder / "scan_0003.h5", "3.1")


def test_numbers_below_the_folder_of_data(folder: Path) -> None:
    older = save(folder.parent / "old", loopscan())
    os.utime(older, (1e9, 1e9))
    assert find(Asked(folder.parent, "last")) == Place(folder / "scan_0003.h5", "3.1")
    assert find(Asked(folder.parent, "1")) == Place(folder / "scan_0001.h5", "1.1")


def test_scans_of_bliss(bliss_file: Path) -> None:
    there = find(Asked(bliss_file))
    assert isinstance(there, ListOf)
    assert there.places is not None
    assert [place.label for place in there.places] == ["1", "2", "3", "4"]
    assert find(Asked(bliss_file, "3.1")) == Place(bliss_file, "3.1")
    assert find(Asked(bliss_file.parent, "2")) == Place(bliss_file, "2.1")


@pytest.mark.parametrize(
    ("name", "number", "message"),
    [
        ("nowhere.h5", None, "nowhere.h5: No such file or directory"),
        ("empty.h5", None, "empty.h5: is empty"),
        ("text.h5", None, "text.h5: is no HDF5 file"),
        ("damaged.h5", None, "damaged.h5: cannot be read: "),
        ("other.h5", None, "other.h5: has no scan in it; --tree shows what it has"),
        ("other.h5", "1", "other.h5: has no scan in it"),
        ("data/eh1", "7", "eh1: there is no scan 7 in it"),
        ("data/eh1/eh1.h5", "7", "eh1.h5: has no scan 7; it has 1 to 3"),
        ("void", "last", "void: there is no scan in it"),
    ],
)
def test_what_cannot_be_shown(
    name: str,
    number: str | None,
    message: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("session_shell.nexus.reading.reader._WAITS", ())
    (tmp_path / "void").mkdir()
    (tmp_path / "empty.h5").touch()
    (tmp_path / "text.h5").write_text("no data here")
    (tmp_path / "damaged.h5").write_bytes((folder / "scan_0001.h5").read_bytes()[:5000])
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises((CommandError, ScanError)) as caught:
        find(Asked(tmp_path / name, number))
    assert message in " ".join(str(caught.value).split())


def test_a_list_of_scans(folder: Path, shown: Shown) -> None:
    text = shown(folder)
    lines = text.splitlines()
    assert lines[0].endswith("data/eh1")
    assert lines[1].split() == ["#", "date", "points", "took", "outcome", "title", "file"]
    assert [line.split()[0] for line in lines[2:]] == ["1", "2", "3"]
    assert " 11/11  3.5 s  SUCCESS     ascan 11 0.1  " in text
    assert "  4/10  3.5 s  USER_ABORT  loopscan 10 0.1" in lines[3]
    assert lines[4].endswith("scan_0003.h5")


def test_the_list_of_a_master_file_tells_missing_files(folder: Path, shown: Shown) -> None:
    (folder / "scan_0002.h5").unlink()
    lines = shown(folder / "eh1.h5").splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["1", "2", "3"]
    assert "No such file or directory" in lines[3]
    moved = folder.parent / "moved"
    shutil.move(folder, moved)
    assert "SUCCESS" in shown(moved / "eh1.h5")


def test_the_list_of_bliss_tells_what_runs(bliss_file: Path, shown: Shown) -> None:
    lines = shown(bliss_file).splitlines()
    assert lines[1].split() == ["#", "date", "points", "took", "outcome", "title"]
    assert lines[-1].split()[3:] == ["3", "no", "end", "ascan", "roby", "0", "4", "4", "0.1"]
    assert "2.0 s" in lines[2]


def test_running_and_crashed_scans_in_a_list(tmp_path: Path) -> None:
    doc = loopscan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    place = Place(file.path, "1.1")
    assert (glance(place).outcome, glance(place).points, glance(place).asked) == ("RUNNING", 0, 10)
    dead = tmp_path / "dead.h5"
    dead.write_bytes(file.path.read_bytes())
    assert glance(Place(dead, "1.1")).outcome == "CRASHED"
    file.scan_ended(ended(doc, 0))
    assert glance(place).outcome == "SUCCESS"


def test_long_lists_show_their_end(folder: Path, shown: Shown) -> None:
    assert [p.label for p in last_scans(folder, 2)[0]] == ["2", "3"]
    assert [p.label for p in last_scans(folder)[0]] == ["1", "2", "3"]
    lines = shown(folder, wish=Wish(limit=1)).splitlines()
    assert lines[1] == "(3 files before these; --all lists them)"
    assert [line.split()[0] for line in lines[3:]] == ["3"]
    lines = shown(folder / "eh1.h5", wish=Wish(limit=1)).splitlines()
    assert lines[1] == "(2 scans before these; --all lists them)"


def test_a_folder_of_folders(folder: Path, shown: Shown) -> None:
    save(folder.parent / "eh2", loopscan())
    lines = shown(folder.parent).splitlines()
    assert [line.split()[1:] for line in lines] == [
        ["4", "files", "last", "3:", "ascan", "11", "0.1"],
        ["1", "files", "last", "1:", "loopscan", "10", "0.1"],
    ]
    rows = list(csv.DictReader(io.StringIO(shown(folder.parent, wish=Wish(Form.CSV)))))
    assert [row["entry"] for row in rows] == ["1.1", "2.1", "3.1", "1.1"]
    assert rows[1]["outcome"] == "USER_ABORT"


def test_a_list_fits_a_narrow_terminal(
    folder: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    path = save(folder, ascan(title="ascan " + "very long " * 20))
    lines = shown(folder, look=Look(80, terminal=True)).splitlines()
    assert max(map(len, lines[3:5])) <= 80
    assert lines[-1].endswith(path.name)
    assert "very long very...  " in lines[-1]
    assert "very long very long very long very long" in shown(folder)


@pytest.mark.parametrize("form", [Form.TABLE, Form.PICTURE])
def test_one_scan_is_needed(form: Form, folder: Path, shown: Shown) -> None:
    with pytest.raises(CommandError, match="which scan of this folder"):
        shown(folder, wish=Wish(form))
    with pytest.raises(CommandError, match="which scan\\? It has 3, 1 to 3"):
        shown(folder / "eh1.h5", wish=Wish(form))


def test_hidden_and_other_files_are_no_scans(folder: Path) -> None:
    (folder / ".scan_0009.h5.part").touch()
    (folder / "notes.txt").touch()
    (folder / "broken.h5").write_text("oops")
    found = last_scans(folder)[0]
    assert [(p.label, p.problem) for p in found if p.problem] == [("", "is no HDF5 file")]
    assert [p.label for p in found if not p.problem] == ["1", "2", "3"]
    newest = newest_scan(folder.parent)
    assert newest is not None
    assert newest.label == "3"


def test_names_with_numbers_sort_as_people_do() -> None:
    names = ["scan_10.h5", "scan_9.h5", "a2b10", "a2b9", "a"]
    assert sorted(names, key=natural) == ["a", "a2b9", "a2b10", "scan_9.h5", "scan_10.h5"]
