"""Master files made anew from the scan files."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import h5py
import pytest

from session_shell.errors import CommandError, SinkError
from session_shell.nexus import ScanFile, rebuild_master, rebuild_masters, update_master
from session_shell.nexus.folder import master as master_module

from .documents import ended, loopscan, name_of, point, save


def links(master: Path) -> dict[str, str]:
    with h5py.File(master) as file:
        for name in file:
            assert "title" in file[name], name
        return {name: file.get(name, getlink=True).filename for name in file}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "demo"
    for number in (1, 2, 10):
        path = save(place, loopscan(number=number), 1)
        update_master(place / "demo.h5", f"{number}.1", path)
    return place


def test_nothing_to_change(folder: Path) -> None:
    content = (folder / "demo.h5").read_bytes()
    (index,) = rebuild_master(folder)
    assert (index.added, index.dropped, index.left_out) == ((), (), ())
    assert list(index.links) == ["1.1", "2.1", "10.1"]
    assert (folder / "demo.h5").read_bytes() == content


def test_scans_that_were_renamed_moved_and_deleted(folder: Path) -> None:
    (folder / "scan_0002.h5").rename(folder / "good one.h5")
    (folder / "scan_0001.h5").unlink()
    save(folder, loopscan(number=12), 1)
    (index,) = rebuild_master(folder)
    assert index.added == ("2.1", "12.1")
    assert index.dropped == ("1.1",)
    assert links(folder / "demo.h5") == {
        "2.1": "good one.h5",
        "10.1": "scan_0010.h5",
        "12.1": "scan_0012.h5",
    }
    with h5py.File(folder / "demo.h5") as file:
        assert file.attrs["default"] == "12.1"


def test_a_folder_without_a_master_file(folder: Path) -> None:
    (folder / "demo.h5").unlink()
    (index,) = rebuild_master(folder)
    assert index.master == folder / "demo.h5"
    assert len(links(index.master)) == 3


def test_a_name_for_the_master_file(folder: Path) -> None:
    (index,) = rebuild_master(folder, "night")
    assert index.master == folder / "night.h5"
    assert len(links(index.master)) == 3
    assert len(rebuild_master(folder)) == 2  # both are there now
    for name in ("a/b", "..", ""):
        with pytest.raises(CommandError, match="no name of a file"):
            rebuild_master(folder, name)


def test_a_folder_whose_name_a_scan_has(tmp_path: Path) -> None:
    path = save(tmp_path / "one", loopscan(), 1)
    path.rename(tmp_path / "one" / "one.h5")
    (index,) = rebuild_master(tmp_path / "one")
    assert index.master.name == "one_master.h5"
    assert index.links == {"1.1": "one.h5"}


def test_copies_and_strangers_are_left_out(folder: Path) -> None:
    shutil.copy(folder / "scan_0002.h5", folder / "a copy.h5")
    (folder / "text.h5").write_text("no HDF5")
    with h5py.File(folder / "other.h5", "w") as file:
        file["x"] = 1
    (folder / "demo.h5").unlink()
    (index,) = rebuild_master(folder)
    assert index.links["2.1"] == "scan_0002.h5"
    assert dict(index.left_out) == {
        "a copy.h5": "2.1 is that of scan_0002.h5",
        "text.h5": "cannot be opened",
        "other.h5": "has no scan",
    }


def test_what_users_added_to_a_master_file_stays(folder: Path) -> None:
    with h5py.File(folder / "demo.h5", "r+") as file:
        file.attrs["remark"] = "the good night"
        file.create_group("notes")["a"] = 1
    save(folder, loopscan(number=12), 1)
    rebuild_master(folder)
    with h5py.File(folder / "demo.h5") as file:
        assert file.attrs["remark"] == "the good night"
        assert file["notes/a"][()] == 1
        assert "12.1" in file


def test_a_damaged_master_file(folder: Path) -> None:
    (folder / "demo.h5").write_bytes(b"damaged")
    (index,) = rebuild_master(folder, "demo")
    assert len(links(index.master)) == 3
    assert (folder / "demo.h5.old").read_bytes() == b"damaged"


def test_links_into_another_folder_stay(tmp_path: Path) -> None:
    there = save(tmp_path / "scans", loopscan(), 1)
    master = tmp_path / "master" / "demo.h5"
    update_master(master, "1.1", there)
    save(tmp_path / "master", loopscan(number=2), 1)
    rebuild_master(tmp_path / "master")
    assert set(links(master)) == {"1.1", "2.1"}
    there.unlink()
    (index,) = rebuild_master(tmp_path / "master")
    assert index.dropped == ("1.1",)


def test_a_tree_of_folders(tmp_path: Path) -> None:
    for name in ("a", "b/c"):
        save(tmp_path / name, loopscan(), 1)
    (tmp_path / "empty").mkdir()
    save(tmp_path / ".hidden", loopscan(), 1)
    made = rebuild_masters(tmp_path)
    assert [i.master.relative_to(tmp_path) for i in made] == [Path("a/a.h5"), Path("b/c/c.h5")]


def test_a_scan_that_runs_here_is_linked(folder: Path) -> None:
    doc = loopscan(number=11)
    file = ScanFile.reserve(folder, name_of, 11)
    file.scan_started(doc)
    file.rows(point(doc, 0))
    (index,) = rebuild_master(folder)
    assert "11.1" in index.added
    file.scan_ended(ended(doc, 1))
    assert len(links(folder / "demo.h5")) == 4


def test_scans_go_on_meanwhile(tmp_path: Path) -> None:
    def scans() -> None:
        for number in range(1, 41):
            path = save(tmp_path, loopscan(number=number), 1)
            update_master(tmp_path / "demo.h5", f"{number}.1", path)

    thread = threading.Thread(target=scans)
    thread.start()
    while thread.is_alive():
        rebuild_master(tmp_path, "demo")
    thread.join()
    assert len(links(tmp_path / "demo.h5")) == 40


def test_a_master_file_that_was_deleted_comes_back_whole(folder: Path) -> None:
    (folder / "demo.h5").unlink()
    update_master(folder / "demo.h5", "12.1", save(folder, loopscan(number=12), 1))
    assert list(links(folder / "demo.h5")) == ["1.1", "10.1", "12.1", "2.1"]


def test_a_disk_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    master = tmp_path / "demo.h5"

    def link(first: int) -> None:
        for number in range(first, first + 20):
            update_master(master, f"{number}.1", tmp_path / name_of(number))

    threads = [threading.Thread(target=link, args=(first,)) for first in (1, 101, 201)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with h5py.File(master) as file:
        assert len(file) == 60
    assert not list(tmp_path.glob(".*.claim"))
    (tmp_path / ".demo.h5.claim").touch()
    monkeypatch.setattr(master_module, "_WAIT", -1.0)  # who made it died: it is taken over
    update_master(master, "300.1", tmp_path / name_of(300))


def test_folders_that_refuse(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such folder"):
        rebuild_master(tmp_path / "nowhere")
    with pytest.raises(CommandError, match="no such folder"):
        rebuild_masters(folder / "demo.h5")
    with pytest.raises(CommandError, match="is a scan file"):
        rebuild_master(folder, "scan_0001")
    (folder / "night.h5").mkdir()
    with pytest.raises(SinkError, match="there is a folder of that name"):
        rebuild_master(folder, "night")
