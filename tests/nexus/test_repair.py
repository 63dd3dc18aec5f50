"""Scans whose process died: what is left of them, and what repair makes of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from session_shell.errors import CommandError
from session_shell.nexus import (
    ScanFile,
    crashed_files,
    open_scan,
    rebuild_master,
    repair_file,
    repair_folder,
    update_master,
)
from session_shell.nexus.disk import overlay
from session_shell.nexus.disk.files import part_path
from session_shell.nexus.disk.redo import redo_path
from session_shell.nexus.disk.running import side_path
from session_shell.nexus.writing import columns, ending
from session_shell.scanning.documents import EndReason, ScanStarted

from .documents import FAMILIES, START, amesh, ended, loopscan, name_of, point, save, spectrum

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _every_point_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)


def crash(folder: Path, doc: ScanStarted, points: int, number: int = 1) -> Path:
    """Leave what a process leaves that dies during a scan."""
    file = ScanFile.reserve(folder, name_of, number)
    file.scan_started(doc)
    for row in range(points):
        file.rows(point(doc, row))
    file._close()
    os.close(file._ballast._fd)  # the system frees the lock of the dead
    file._ballast._fd = -1
    side = side_path(file.path)
    side.write_text(side.read_text().split("\n")[0].replace(str(os.getpid()), str(2**22 + 7)))
    return file.path


def state(path: Path) -> dict[str, Any]:
    """Return all that is in a file."""
    found: dict[str, Any] = {}

    def look(group: Any, place: str) -> None:
        for name, node in group.items():
            if isinstance(node, h5py.Dataset):
                found[place + name] = node[()]
            else:
                look(node, f"{place}{name}/")

    with h5py.File(path) as h5:
        look(h5, "")
    return found


@pytest.mark.parametrize("points", [0, 1, 4])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("in_place", [False, True], ids=["by copy", "in place"])
def test_a_crashed_scan_is_finished(
    family: str, points: int, in_place: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if in_place:
        monkeypatch.setattr(ending, "_COPY_LIMIT", 0)
    doc = FAMILIES[family](metadata={"sample": {"name": "kept"}})
    path = crash(tmp_path, doc, points)
    before = state(path)
    assert crashed_files(tmp_path) == [path]

    (repair,) = repair_folder(tmp_path)

    assert (repair.path, repair.state, repair.points) == (path, "repaired", points)
    after = state(path)
    for name, value in before.items():
        if name != "1.1/scan/npoints_acquired":
            np.testing.assert_array_equal(after[name], value, err_msg=name)
    assert after["1.1/scan/npoints_acquired"] == points
    scan = open_scan(path)
    assert scan.end_reason is EndReason.CRASHED
    assert scan.data.npoints == points
    last = START + max(points - 1, 0) if points == 0 else points - 1 + 100  # epoch of the test
    assert scan.end_time == (START if points == 0 else last)
    assert after["1.1/scan/end_reason"] == b"CRASHED"
    assert after["1.1/scan/duration"] == scan.end_time - START
    assert b"its session died (process" in after["1.1/scan/error"]
    assert after["1.1/sample/name"] == b"kept"
    visible = {p.name for p in tmp_path.iterdir() if not p.name.startswith(".")}
    assert visible == {path.name, f"{tmp_path.name}.h5"}  # with the master file
    assert not side_path(path).exists()
    assert crashed_files(tmp_path) == []
    content = path.read_bytes()
    assert [r.state for r in repair_folder(tmp_path)] == ["finished"]
    assert path.read_bytes() == content


def test_finished_scans_are_left_alone(tmp_path: Path) -> None:
    path = save(tmp_path, loopscan(), 3)
    content, changed = path.read_bytes(), path.stat().st_mtime_ns
    assert repair_file(path).state == "finished"
    assert repair_folder(tmp_path)[0].done == ()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, changed)


def test_running_scans_are_left_alone(tmp_path: Path) -> None:
    doc = loopscan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    file.rows(point(doc, 0))
    content = file.path.read_bytes()
    (repair,) = repair_folder(tmp_path)
    assert repair.state == "running"
    assert f"process {os.getpid()} on" in repair.done[0]
    assert crashed_files(tmp_path) == []
    assert file.path.read_bytes() == content
    file.rows(point(doc, 1))
    file.scan_ended(ended(doc, 2))
    assert repair_file(file.path).state == "finished"


def test_a_reservation_that_runs_is_left_alone(tmp_path: Path) -> None:
    file = ScanFile.reserve(tmp_path, name_of, 1)
    os.utime(part_path(file.path), (0, 0))
    assert repair_folder(tmp_path) == []
    assert part_path(file.path).exists()
    assert side_path(file.path).exists()
    file.discard()


def test_reservations_of_the_dead_are_freed(tmp_path: Path) -> None:
    part = part_path(tmp_path / name_of(1))
    part.touch()
    assert repair_folder(tmp_path) == []
    assert part.exists()  # it may be in the making
    os.utime(part, (0, 0))
    assert repair_folder(tmp_path) == []
    assert not part.exists()


def test_nothing_is_done_when_dry(tmp_path: Path) -> None:
    path = crash(tmp_path, loopscan(), 3)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    (repair,) = repair_folder(tmp_path, dry=True)
    assert repair.state == "repaired"
    assert repair.done == ("would be finished as CRASHED, 3 points",)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    assert repair_file(path).state == "repaired"


def test_columns_of_unequal_length(tmp_path: Path) -> None:
    path = crash(tmp_path, spectrum(), 3)
    with h5py.File(path, "r+") as h5:
        for name, more in (("diode", 2), ("mca", 1), ("epoch", 1)):
            column = h5[f"1.1/measurement/{name}"]
            column.resize(3 + more, axis=0)
            column[3:] = 77
    repair = repair_file(path)
    assert repair.points == 3
    assert "3 columns had up to 2 rows more: kept in scan/beyond_last_point" in repair.done
    after = state(path)
    for name in ("elapsed_time", "epoch", "mca", "diode"):
        assert len(after[f"1.1/measurement/{name}"]) == 3
        assert len(after[f"1.1/instrument/{name}/data"]) == 3
    kept = "1.1/scan/beyond_last_point"
    np.testing.assert_array_equal(after[f"{kept}/diode"], [77, 77])
    assert after[f"{kept}/mca"].shape == (1, 1024)
    np.testing.assert_array_equal(after["1.1/measurement/diode"], np.arange(3) + 300)


@pytest.mark.parametrize("backnforth", [False, True])
def test_the_plot_of_a_mesh_is_that_of_its_points(backnforth: bool, tmp_path: Path) -> None:
    doc = amesh(backnforth=backnforth)
    whole = save(tmp_path / "whole", doc, 7)
    path = crash(tmp_path, doc, 7)
    with h5py.File(path, "r+") as h5:
        h5["1.1/plot/diode"][0, 1] = np.nan  # was not written any more
        h5["1.1/plot/diode3"][2, 3] = 5.0  # of a row that is not complete
    assert {"plot/diode filled from the points", "plot/diode3 filled from the points"} <= set(
        repair_file(path).done
    )
    with h5py.File(path) as mine, h5py.File(whole) as other:
        for name in ("diode", "diode3"):
            np.testing.assert_array_equal(mine[f"1.1/plot/{name}"], other[f"1.1/plot/{name}"])


def test_an_end_that_was_written_beside_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _killed_at(monkeypatch, os, "replace", tmp_path)
    assert part_path(path).exists()
    repair = repair_file(path)
    assert repair.done == ("the end that was written beside it took its place",)
    assert open_scan(path).end_reason is EndReason.SUCCESS
    assert open_scan(path).info["after"] == {"the": "end"}
    assert not part_path(path).exists()


def test_an_end_in_place_that_was_cut_off_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "_COPY_LIMIT", 0)
    path = _killed_at(monkeypatch, overlay, "write_over", tmp_path)
    assert redo_path(path).exists()
    assert repair_file(path, dry=True).state == "repaired"
    assert redo_path(path).exists()
    repair = repair_file(path)
    assert repair.done == ("the end that was being written is completed",)
    assert open_scan(path).end_reason is EndReason.SUCCESS


class _KilledError(BaseException):
    pass


def _killed_at(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, folder: Path) -> Path:
    """Return a scan whose process dies at its end, as it calls a function."""

    def kill(*_: object) -> None:
        raise _KilledError

    doc = loopscan()
    file = ScanFile.reserve(folder, name_of, 1)
    file.scan_started(doc)
    for row in range(3):
        file.rows(point(doc, row))
    with monkeypatch.context() as patch:
        patch.setattr(module, name, kill)
        patch.setattr(file._ballast, "close", lambda: os.close(file._ballast._fd))
        with pytest.raises(_KilledError):
            file.scan_ended(ended(doc, 3, metadata={"after": {"the": "end"}}))
    side_path(file.path).write_bytes(b"")
    return file.path


@pytest.mark.parametrize("keep", [1, 5000, -1])
def test_a_copy_that_was_cut_off_is_removed(
    keep: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _killed_at(monkeypatch, os, "replace", tmp_path)
    part = part_path(path)
    part.write_bytes(part.read_bytes()[:keep])
    repair = repair_file(path)
    assert repair.done[0] == "a hidden copy that was cut off is removed"
    assert open_scan(path).end_reason is EndReason.CRASHED
    assert open_scan(path).data.npoints == 3
    assert not part.exists()


def test_a_copy_of_another_scan_is_kept(tmp_path: Path) -> None:
    path = crash(tmp_path, loopscan(), 3)
    shutil.copy(save(tmp_path / "other", loopscan(uid="another"), 5), part_path(path))
    assert "is another scan: kept as scan_0001.h5.other" in repair_file(path).done[0]
    assert open_scan(path).data.npoints == 3
    assert open_scan(tmp_path / "scan_0001.h5.other").data.npoints == 5


def test_a_scan_that_never_got_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*_: object) -> None:
        raise _KilledError

    file = ScanFile.reserve(tmp_path, name_of, 1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", kill)
        with pytest.raises(_KilledError):
            file.scan_started(loopscan(metadata={"sample": {"name": "kept"}}))
    os.close(file._ballast._fd)
    side_path(file.path).unlink()
    (repair,) = repair_folder(tmp_path)
    assert repair.done[0] == "got its name: its session died as it began"
    scan = open_scan(file.path)
    assert (scan.end_reason, scan.data.npoints) == (EndReason.CRASHED, 0)
    assert scan.info["sample"] == {"name": "kept"}
    assert not part_path(file.path).exists()


def test_the_end_came_but_the_lock_file_stayed(tmp_path: Path) -> None:
    path = save(tmp_path, loopscan(), 3)
    side_path(path).write_bytes(b"")
    assert crashed_files(tmp_path) == []
    assert repair_file(path).state == "finished"
    assert not side_path(path).exists()


# What cannot be repaired


def test_damage(tmp_path: Path) -> None:
    cut = crash(tmp_path, loopscan(), 3)
    size = cut.stat().st_size
    os.truncate(cut, size - 5000)
    no_file = tmp_path / "scan_0002.h5"
    no_file.write_bytes(b"not HDF5")
    empty = tmp_path / "scan_0003.h5"
    empty.touch()
    first, second, third = repair_folder(tmp_path)
    assert (first.state, second.state, third.state) == ("unreadable",) * 3
    assert first.done == ("cannot be opened: its last 5000 bytes are missing",)
    assert "cannot be" in second.done[0]
    assert cut.stat().st_size == size - 5000


def test_files_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bliss.h5"
    with h5py.File(path, "w") as h5:
        h5.create_group("1.1")["title"] = "ascan"
    content = path.read_bytes()
    assert repair_file(path).state == "foreign"
    assert path.read_bytes() == content


def test_a_file_that_is_marked_as_open(tmp_path: Path) -> None:
    path = tmp_path / "scan_0001.h5"
    script = """
import h5py, os, sys
f = h5py.File(sys.argv[1], "w", libver="latest")
f.attrs["creator"] = "session-shell"
e = f.create_group("1.1")
e["start_time"] = "2026-11-22T10:00:00+01:00"
e["measurement/diode"] = [1.0, 2.0]
f.flush()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    with pytest.raises(OSError, match="already open"):
        h5py.File(path, "r+")
    repair = repair_file(path)
    assert repair.done[0] == "the mark of an open file is cleared"
    with h5py.File(path) as h5:
        assert h5["1.1/end_reason"].asstr()[()] == "CRASHED"
        np.testing.assert_array_equal(h5["1.1/measurement/diode"], [1.0, 2.0])


def test_a_folder_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = crash(tmp_path, loopscan(), 3)
    content = path.read_bytes()
    real = os.open

    def refuse(name: Any, flags: int, *more: int) -> int:
        if flags & (os.O_CREAT | os.O_RDWR | os.O_WRONLY):
            raise OSError(30, "Read-only file system")
        return real(name, flags, *more)

    monkeypatch.setattr(os, "open", refuse)
    repair = repair_file(path)
    assert (repair.state, repair.done) == (
        "unreadable",
        ("could not be repaired: the disk is read-only",),
    )
    assert path.read_bytes() == content


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such file"):
        repair_file(tmp_path / "scan.h5")
    with pytest.raises(CommandError, match="no such folder"):
        repair_folder(tmp_path / "nowhere")
    assert crashed_files(tmp_path / "nowhere") == []


# Folders


def test_a_tree_with_its_master_files(tmp_path: Path) -> None:
    first = save(tmp_path / "a", loopscan(), 2)
    update_master(tmp_path / "a" / "demo.h5", "1.1", first)
    crash(tmp_path / "a", loopscan(number=2), 2, number=2)
    crash(tmp_path / "b" / "c", loopscan(), 0)
    (tmp_path / ".session-shell").mkdir()
    crash(tmp_path / ".session-shell", loopscan(), 1)
    repairs = repair_folder(tmp_path)
    assert [(str(r.path.relative_to(tmp_path)), r.state) for r in repairs] == [
        ("a/scan_0001.h5", "finished"),
        ("a/scan_0002.h5", "repaired"),
        ("b/c/scan_0001.h5", "repaired"),
    ]
    with h5py.File(tmp_path / "a" / "demo.h5") as master:
        assert set(master) == {"1.1", "2.1"}
        assert master["2.1/end_reason"].asstr()[()] == "CRASHED"
    with h5py.File(tmp_path / "b" / "c" / "c.h5") as master:
        assert "end_time" in master["1.1"]


def test_a_master_file_has_no_scans_of_its_own(tmp_path: Path) -> None:
    path = crash(tmp_path, loopscan(), 1)
    update_master(tmp_path / "demo.h5", "1.1", path)
    update_master(tmp_path / "demo.h5", "2.1", tmp_path / "gone.h5")
    content = (tmp_path / "demo.h5").read_bytes()
    assert repair_file(tmp_path / "demo.h5").state == "finished"
    assert (tmp_path / "demo.h5").read_bytes() == content
    assert not open_scan(path).end_reason


def test_a_session_that_died_before_it_linked_its_scan(tmp_path: Path) -> None:
    update_master(tmp_path / "demo.h5", "1.1", save(tmp_path, loopscan(), 1))
    save(tmp_path, loopscan(number=2), 1)
    assert [r.state for r in repair_folder(tmp_path)] == ["finished", "finished"]
    with h5py.File(tmp_path / "demo.h5") as master:
        assert set(master) == {"1.1", "2.1"}


def test_no_master_file_is_made_where_nothing_was_repaired(tmp_path: Path) -> None:
    save(tmp_path, loopscan(), 1)
    repair_folder(tmp_path)
    assert [p.name for p in tmp_path.glob("*.h5")] == [name_of(1)]


def test_the_hidden_copy_of_a_master_file_is_removed(tmp_path: Path) -> None:
    update_master(tmp_path / "demo.h5", "1.1", save(tmp_path, loopscan(), 1))
    part = part_path(tmp_path / "demo.h5")
    part.write_bytes(b"half a master file")
    repair_folder(tmp_path)
    assert not part.exists()
    with h5py.File(tmp_path / "demo.h5") as master:
        assert list(master) == ["1.1"]


def test_the_next_scan_after_a_repair(tmp_path: Path) -> None:
    crash(tmp_path, loopscan(), 2)
    repair_folder(tmp_path)
    path = save(tmp_path, loopscan(number=2), 2)
    assert path.name == name_of(2)
    assert [r.state for r in repair_folder(tmp_path)] == ["finished", "finished"]


REPAIR = """
import sys
from pathlib import Path
from session_shell.nexus import repair_folder
from session_shell.nexus.writing import ending
if sys.argv[2] == "in place":
    ending._COPY_LIMIT = 0
print("go", flush=True)
repair_folder(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("how", ["by copy", "in place"])
def test_a_repair_that_is_killed(how: str, tmp_path: Path) -> None:
    crash(tmp_path / "origin", amesh(), 6)
    command = [sys.executable, "-c", REPAIR]
    for instant in range(8):
        folder = tmp_path / f"{instant}"
        shutil.copytree(tmp_path / "origin", folder)
        pipe = subprocess.PIPE
        with subprocess.Popen([*command, str(folder), how], stdout=pipe, cwd=ROOT) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.004 * instant)
            process.kill()
        path = folder / name_of(1)
        before = state(path)
        assert [r.state for r in repair_folder(folder) if r.state != "finished"] in (
            [],
            ["repaired"],
        )
        after = state(path)
        for name in before:
            if name.startswith("1.1/measurement"):
                np.testing.assert_array_equal(before[name], after[name])
        assert open_scan(path).end_reason is EndReason.CRASHED
        rebuild_master(folder)
        hidden = {p.name for p in folder.iterdir() if p.name.startswith(".")}
        assert hidden <= {".last_scan_number", f".{folder.name}.h5.lock"}
