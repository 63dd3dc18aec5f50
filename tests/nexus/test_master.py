"""The master file: a link to each scan, safe to write from several processes."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import h5py
import pytest

from session_shell.errors import SinkError
from session_shell.nexus import update_master
from session_shell.nexus.folder import master as master_module

from .documents import ascan, loopscan, save


def test_links(tmp_path: Path) -> None:
    master = tmp_path / "demo.h5"
    for number, make in enumerate((loopscan, ascan), 1):
        update_master(master, f"{number}.1", save(tmp_path, make(number=number), 2))
    with h5py.File(master) as file:
        assert file.attrs["NX_class"] == "NXroot"
        assert file.attrs["default"] == "2.1"
        link = file.get("1.1", getlink=True)
        assert (link.filename, link.path) == ("scan_0001.h5", "/1.1")
        assert file["1.1/title"].asstr()[()] == "loopscan 10 0.1"
        assert len(file["2.1/measurement/roby"]) == 2


def test_the_same_scan_twice(tmp_path: Path) -> None:
    master, path = tmp_path / "demo.h5", save(tmp_path, loopscan(), 1)
    update_master(master, "1.1", path)
    update_master(master, "1.1", path)
    with h5py.File(master) as file:
        assert list(file) == ["1.1"]


def test_a_file_in_another_folder(tmp_path: Path) -> None:
    path = save(tmp_path / "scans", loopscan(), 1)
    master = tmp_path / "master" / "demo.h5"
    update_master(master, "1.1", path)
    with h5py.File(master) as file:
        assert file.get("1.1", getlink=True).filename == os.path.join("..", "scans", path.name)  # noqa: PTH118
        assert "title" in file["1.1"]


def test_many_scans(tmp_path: Path) -> None:
    master = tmp_path / "demo.h5"
    for number in range(1, 301):
        update_master(master, f"{number}.1", tmp_path / f"scan_{number:04d}.h5")
    with h5py.File(master) as file:
        assert len(file) == 300
        assert file.attrs["default"] == "300.1"
    assert master.stat().st_size < 300 * 150


@pytest.mark.parametrize("damage", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n" + b"\0" * 200, None])
def test_a_damaged_master_is_made_anew(damage: bytes | None, tmp_path: Path) -> None:
    master = tmp_path / "demo.h5"
    for number in (1, 2, 12):
        save(tmp_path, loopscan(number=number), 1)
    if damage is None:
        with h5py.File(master, "w") as file:
            file["foreign"] = 1
            file.attrs["NX_class"] = b"NXroot"
            file.attrs["default"] = 5
    else:
        master.write_bytes(damage)
    (tmp_path / "broken.h5").write_bytes(b"no file")
    update_master(master, "13.1", save(tmp_path, loopscan(number=13), 1))
    with h5py.File(master) as file:
        assert set(file) == {"1.1", "2.1", "12.1", "13.1"}
        assert file.attrs["default"] == "13.1"
        assert all("title" in file[name] for name in file)
    assert (tmp_path / "demo.h5.old").exists() == (damage != b"")


def test_a_viewer_may_hold_the_master(tmp_path: Path) -> None:
    master, path = tmp_path / "demo.h5", save(tmp_path, loopscan(), 1)
    update_master(master, "1.1", path)
    with h5py.File(master) as viewer:
        update_master(master, "2.1", save(tmp_path, loopscan(number=2), 1))
        assert list(viewer) == ["1.1"]
    with h5py.File(master) as file:
        assert len(file) == 2


def test_a_hanging_process_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master_module, "_WAIT", 0.0)
    path = save(tmp_path, loopscan(), 1)
    with (tmp_path / ".demo.h5.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SinkError, match="the scan itself is saved"):
            update_master(tmp_path / "demo.h5", "1.1", path)


def test_a_folder_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="master file could not be written"):
        update_master(tmp_path / "file" / "demo.h5", "1.1", tmp_path / "scan.h5")
    (tmp_path / "demo.h5").mkdir()
    with pytest.raises(SinkError, match="there is a folder of that name"):
        update_master(tmp_path / "demo.h5", "1.1", tmp_path / "scan.h5")
