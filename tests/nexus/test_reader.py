from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from session_shell import open_session
from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError, ScanError
from session_shell.nexus import (
    ScanFile,
    StoredRows,
    open_scan,
    stored_documents,
    update_master,
)
from session_shell.nexus.reading import reader as reading
from session_shell.scanning.columns import StoredArray
from session_shell.scanning.documents import Comment, EndReason, Rows, ScanEnded, ScanStarted
from session_shell.session import Session

from .documents import DIODE, FAMILIES, START, ended, name_of, point, save, started

CAM = Channel("cam", "counter", "counts", dtype="uint16", shape=(3, 4))


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_WAITS", (0, 0))


# What a saved scan tells


@pytest.mark.parametrize("family", FAMILIES)
def test_scans_of_every_family_come_back(tmp_path: Path, family: str) -> None:
    doc = FAMILIES[family]()
    points = doc.npoints or 7
    scan = open_scan(save(tmp_path, doc, points))
    assert (scan.number, scan.title, scan.type, scan.name) == (1, doc.title, doc.type, doc.type)
    assert (scan.npoints, scan.data.npoints) == (doc.npoints, points)
    assert (scan.state, scan.end_reason) == ("DONE", EndReason.SUCCESS)
    assert (scan.start_time, scan.end_time) == (START, START + 3.5)
    assert scan.duration == 3.5
    assert scan.layout.axes == doc.axes
    assert scan.layout.shape == (doc.shape or (points,))
    assert scan.layout.plot == doc.plot
    assert tuple(scan.data) == tuple(c.name for c in doc.channels)
    for index, channel in enumerate(doc.channels):
        found = next(c for c in scan.data.channels if c.name == channel.name)
        assert (found.kind, found.unit, found.shape) == (channel.kind, channel.unit, channel.shape)
        assert (found.dtype, found.mode) == (channel.dtype, channel.mode)
        column = scan.data[channel.name]
        assert column.shape == (points, *channel.shape)
        expected = [point(doc, n).columns[index][0] for n in range(points)]
        assert np.array_equal(np.asarray(column), np.array(expected))
    assert scan.parameters["count_time"] == 0.1
    assert f"Scan 1: {doc.title}, SUCCESS, {points} of" in repr(scan)
    assert "columns   elapsed_time, epoch" in scan.summary()


@pytest.mark.parametrize("backnforth", [False, True])
def test_meshes_as_grids(tmp_path: Path, backnforth: bool) -> None:
    doc = FAMILIES["amesh"](backnforth=backnforth)
    scan = open_scan(save(tmp_path, doc, 10, EndReason.USER_ABORT))
    assert scan.end_reason is EndReason.USER_ABORT
    assert scan.layout.backnforth is backnforth
    assert scan.layout.grid == doc.grid
    grid = scan.grid("elapsed_time")
    assert grid.shape == (3, 4)
    assert grid[0].tolist() == [0, 1, 2, 3]
    assert grid[1].tolist() == ([7, 6, 5, 4] if backnforth else [4, 5, 6, 7])
    assert np.array_equal(grid[2], [8, 9, math.nan, math.nan], equal_nan=True)
    assert scan.peak("diode") == {"robz": 209.0, "roby": 309.0}
    assert scan.to_xarray()["diode"].shape == (3, 4)
    assert scan.to_xarray()["roby_nominal"].values.tolist() == [10, 11, 12, 13]


def test_arrays_are_read_in_parts(tmp_path: Path) -> None:
    scan = open_scan(save(tmp_path, started(CAM, DIODE, npoints=5)))
    images = scan.data["cam"]
    assert isinstance(images, StoredArray)
    assert images[3, 1:, 2].tolist() == [5, 5]
    assert images[2:].mean(axis=(1, 2)).tolist() == [4, 5, 6]
    assert scan.to_xarray()["cam"].shape == (5, 3, 4)
    assert "cam" not in scan.to_pandas()


def test_comments_error_and_names_that_were_changed(tmp_path: Path) -> None:
    strange = Channel("my diode/1", "counter", "V", device="box")
    doc = started(strange, comments=(Comment(START, "dark"),))
    path = save(tmp_path, doc, 3, EndReason.FAILURE, error="no answer", comments=doc.comments)
    scan = open_scan(path)
    assert scan.comments == [Comment(START, "dark")]
    assert (scan.error, scan.end_reason) == ("no answer", EndReason.FAILURE)
    assert "error     no answer" in scan.summary()
    assert scan.data["my diode/1"].shape == (3,)
    assert scan.data["box"].shape == (3,)
    assert scan.get_data("box").shape == (3,)
    assert set(scan.get_data()) == {"elapsed_time", "epoch", "my diode/1"}


def test_an_end_reason_of_another_program_is_text(tmp_path: Path) -> None:
    path = save(tmp_path, FAMILIES["loopscan"]())
    with h5py.File(path, "r+") as file:
        del file["1.1/end_reason"]
        file["1.1/end_reason"] = "CRASHED"
    assert open_scan(path).end_reason == "CRASHED"


# Files that grow


def test_a_running_scan_can_be_looked_at(tmp_path: Path) -> None:
    doc = FAMILIES["ascan"]()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    scan = open_scan(file.path)
    assert (scan.state, scan.end_reason, scan.end_time) == ("RUNNING", None, None)
    assert (scan.data.npoints, scan.duration) == (0, 0.0)
    assert scan.data["diode"].shape == (0,)
    with pytest.raises(CommandError, match="there are no points"):
        scan.cen("diode")
    for number in range(5):
        file.rows(point(doc, number))
    file._write_waiting()
    assert scan.data.npoints == 5
    assert scan.data["diode"].tolist() == [300, 301, 302, 303, 304]
    assert scan.duration == 4.0
    assert "not ended, 5 of 11 points" in repr(scan)
    file.scan_ended(ended(doc, 5, EndReason.STOPPED))
    assert (scan.state, scan.end_reason) == ("DONE", EndReason.STOPPED)
    assert scan.data.npoints == 5


def test_the_shortest_column_counts(tmp_path: Path) -> None:
    doc = FAMILIES["ascan"]()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    for number in range(5):
        file.rows(point(doc, number))
    file._write_waiting()
    file._close()
    with h5py.File(file.path, "r+") as growing:
        growing["1.1/measurement/roby"].resize((4,))
    assert StoredRows(file.path, 1).rows() == 4
    assert open_scan(file.path).data["diode"].shape == (4,)


def test_a_bad_moment_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, FAMILIES["loopscan"]())
    fails = iter([OSError("bad moment"), KeyError("not yet"), None])
    real = h5py.File

    def flaky(*arguments: Any, **options: Any) -> Any:
        if options and (error := next(fails, None)) is not None:
            raise RuntimeError(error)
        return real(*arguments, **options)

    monkeypatch.setattr(reading.h5py, "File", flaky)
    assert StoredRows(path, 1).rows() == 10


# Which scan


def test_scans_are_found_by_file_master_and_folder(tmp_path: Path) -> None:
    master = tmp_path / "demo.h5"
    for number in (1, 2, 3):
        path = save(tmp_path, replace(FAMILIES["loopscan"](), number=number))
        update_master(master, f"{number}.1", path)
    assert open_scan(tmp_path / "scan_0002.h5").number == 2
    assert open_scan(str(master), 3).number == 3
    assert open_scan(master, 3).file == tmp_path / "scan_0003.h5"
    assert open_scan(master, "2.1").number == 2
    assert open_scan(tmp_path, 2).number == 2
    for path, number, message in (
        (master, None, "which scan"),
        (master, 9, "has no scan 9; it has 1.1 to 3.1"),
        (tmp_path, 9, "there is no scan 9"),
        (tmp_path, None, "which scan"),
        (tmp_path / "scan_0002.h5", 3, "has no scan 3; it has 2.1"),
    ):
        with pytest.raises(CommandError, match=message):
            open_scan(path, number)
    (tmp_path / "scan_0003.h5").unlink()
    with pytest.raises(ScanError, match=r"scan_0003\.h5: there is no such file"):
        open_scan(master, 3)


@pytest.mark.parametrize("path", [3, None, b"x", ["a"]])
def test_what_is_no_path_is_told(path: Any) -> None:
    with pytest.raises(CommandError, match="path must be a file or a folder"):
        open_scan(path)


@pytest.mark.parametrize("number", [2.5, True, [1]])
def test_what_is_no_number_is_told(tmp_path: Path, number: Any) -> None:
    with pytest.raises(CommandError, match="number must be a whole number"):
        open_scan(tmp_path, number)


def test_files_that_are_no_scans(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="there is no such file"):
        open_scan(tmp_path / "nothing.h5")
    text = tmp_path / "text.h5"
    text.write_text("This is no HDF5 file, and long enough to have a head.")
    with pytest.raises(ScanError, match="is no HDF5 file"):
        open_scan(text)
    (tmp_path / "empty.h5").write_text("")
    with pytest.raises(ScanError, match="cannot be read"):
        open_scan(tmp_path / "empty.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 3
    with pytest.raises(CommandError, match="has no scan in it"):
        open_scan(tmp_path / "other.h5")


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = save(tmp_path, FAMILIES["loopscan"]())
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(ScanError, match="cannot be read"):
        open_scan(path)


# Files of BLISS


@pytest.fixture
def bliss_file(tmp_path: Path) -> Path:
    """The tree that BLISS writes, as far as it matters here."""
    path = tmp_path / "bliss.h5"
    with h5py.File(path, "w") as file:
        for number, title in ((1, "ascan roby 0 4 4 0.1"), (2, "amesh roby 0 2 2 robz 0 1 1 0.1")):
            entry = file.create_group(f"{number}.1")
            entry.attrs["NX_class"] = "NXentry"
            entry["title"] = title
            entry["start_time"] = "2024-05-01T10:00:00.000000+02:00"
            entry["end_time"] = "2024-05-01T10:00:02.000000+02:00"
            entry["end_reason"] = "SUCCESS"
            count = 5 if number == 1 else 6
            columns: dict[str, Any] = {
                "elapsed_time": np.arange(count) * 0.1,
                "epoch": 1e9 + np.arange(count) * 0.1,
                "diode": np.array([0.0, 1, 4, 1, 0, 0])[:count],
                "roby": np.array([0.0, 1, 2, 3, 4] if number == 1 else [0.0, 1, 2] * 2),
            }
            if number == 2:
                columns["robz"] = np.array([0.0, 0, 0, 1, 1, 1])
            for name, column in columns.items():
                axis = name in ("roby", "robz")
                group = entry.create_group(f"instrument/{name}")
                group.attrs["NX_class"] = "NXpositioner" if axis else "NXdetector"
                data = group.create_dataset("value" if axis else "data", data=column)
                data.attrs["units"] = "mm" if axis else ""
                entry.require_group("measurement")[name] = h5py.SoftLink(data.name)
            entry["instrument/name"] = "ID00"
            entry["sample/name"] = "gold"
            entry["notes/x"] = h5py.SoftLink("/nowhere")
    return path


def test_files_of_bliss_can_be_opened(bliss_file: Path) -> None:
    line = open_scan(bliss_file, 1)
    assert (line.type, line.number, line.npoints, line.data.npoints) == ("ascan", 1, 5, 5)
    assert line.layout.axes == ("roby",)
    assert line.end_reason is EndReason.SUCCESS
    assert (line.cen(), line.peak("diode"), line.duration) == (2.0, 2.0, 2.0)
    assert line.info["sample"] == {"name": "gold"}
    assert line.info["instrument"] == {"name": "ID00"}
    mesh = open_scan(bliss_file, 2)
    assert mesh.layout.axes == ("robz", "roby")
    assert mesh.grid("diode").tolist() == [[0, 1, 4], [1, 0, 0]]
    assert mesh.peak() == {"robz": 0.0, "roby": 2.0}


def test_files_of_bliss_give_documents(bliss_file: Path) -> None:
    started, *rows, end = stored_documents(bliss_file, 2, block=4)
    assert isinstance(started, ScanStarted)
    assert (started.number, started.type, started.axes) == (2, "amesh", ("robz", "roby"))
    assert (started.shape, started.npoints) == ((2, 3), 6)
    assert started.time == datetime.fromisoformat("2024-05-01T10:00:00+02:00").timestamp()
    assert started.metadata == {"sample": {"name": "gold"}, "instrument": {"name": "ID00"}}
    assert [c.kind for c in started.channels].count("axis") == 2
    assert [block.count for block in rows if isinstance(block, Rows)] == [4, 2]
    assert isinstance(end, ScanEnded)
    assert (end.reason, end.npoints, end.time - started.time) == (EndReason.SUCCESS, 6, 2.0)


def test_a_scan_without_any_column_has_documents(tmp_path: Path) -> None:
    path = tmp_path / "empty.h5"
    with h5py.File(path, "w") as file:
        file["1.1/title"] = "nothing"
        file["1.1/end_time"] = "2024-05-01T10:00:02"
        file["1.1/end_reason"] = "USER_STOPPED"
    started, end = stored_documents(path)
    assert isinstance(started, ScanStarted)
    assert isinstance(end, ScanEnded)
    assert (started.title, started.channels, end.npoints) == ("nothing", (), 0)


# Metadata


class Colour(Enum):
    RED = 1


METADATA: dict[str, Any] = {
    "instrument": {
        "mp": {"position_label": "Al", "@NX_class": "NXattenuator"},
        "mygroup": {"myvalue": 10, "myvalue@units": "mm", "deep": {"er": {"est": 1.5}}},
        "source": {
            "@NX_class": "NXsource",
            "name": "storage ring",
            "current": 200.0,
            "current@units": "mA",
            "odd": 3,
        },
        "diode": {"gain": 3.0, "gain@units": "V", "serial_number": "x1", "mode": "MEAN"},
        "roby": {"velocity": 2.5, "velocity@units": "mm/s", "steps_per_unit": 1000},
    },
    "positioners": {"s1_opening": {"vertical": 0.5, "vertical@units": "mm"}},
    "sample": {"@NX_class": "NXsample", "name": "gold foil", "colour": "yellow"},
    "proposal": {"title": "Trying", "people": ["Ada", "Grace"]},
    "technique": {
        "text": "mm²",
        "flag": True,
        "none": 0,
        "big": 2**60,
        "complex": 1 + 2j,
        "list": [1, 2, 3],
        "matrix": [[1.0, 2.0], [3.0, 4.0]],
        "mixed": [1, "two", None],
        "empty text": "",
        "array": np.arange(5.0),
    },
    "loose": 5.0,
}


def same(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    return type(left) is type(right) and left == right


def test_metadata_come_back_as_they_were(tmp_path: Path) -> None:
    doc = replace(FAMILIES["ascan"](), metadata=METADATA)
    info = open_scan(save(tmp_path, doc)).info
    assert info.keys() == METADATA.keys()
    for category, expected in METADATA.items():
        assert same(info[category], expected), (category, info[category])


def test_what_has_no_form_of_its_own_comes_back_as_its_stored_form(tmp_path: Path) -> None:
    metadata = {"a": {"enum": Colour.RED, "path": Path("/x"), "none": None, "empty": {}}}
    doc = replace(FAMILIES["loopscan"](), metadata=metadata)
    assert open_scan(save(tmp_path, doc)).info == {
        "a": {"enum": "RED", "path": Path("/x"), "none": None, "empty": {}}
    }


def test_links_to_columns_come_back_as_links(tmp_path: Path) -> None:
    metadata = {"a": {">signal": "measurement/diode", ">other": "other.h5::/x"}}
    doc = replace(FAMILIES["loopscan"](), metadata=metadata)
    assert open_scan(save(tmp_path, doc)).info == {
        "a": {">signal": "measurement/diode", ">other": "other.h5::/x"}
    }


def test_a_scan_of_a_session_has_the_same_metadata_from_its_file(session: Session) -> None:
    meta = session.scan_meta
    meta.instrument.set("mine", METADATA["instrument"]["mygroup"])
    meta.sample.set("one", METADATA["sample"])
    meta.add_categories(["weather"])
    meta.weather.set("now", lambda scan: {"wind": 3.5, "wind@units": "m/s"})
    live = session.run("ascan(roby, 0, 1, 4, 0.1, diode, scan_info={'extra': {'x': 1}})")
    saved = open_scan(live.file)
    assert same(saved.info, live.info), (saved.info, live.info)
    assert saved.layout == live.layout
    assert [c.name for c in saved.data.channels] == [c.name for c in live.data.channels]


def test_the_scans_of_the_demo_come_back(tmp_path: Path) -> None:
    from session_shell.clock import VirtualClock

    config = Path(__file__).parents[2] / "sessions"
    with open_session("demo", config=config, data=tmp_path, clock=VirtualClock(), seed=1) as demo:
        live = demo.run("ascan(roby, 0, 10, 20, 0.1, diode1)")
        assert same(open_scan(live.file).info, live.info)
        assert open_scan(live.file).cen() == live.cen()


# A live scan and its file


def test_long_scans_of_a_session_are_read_from_the_file(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from session_shell.scanning import data

    monkeypatch.setattr(data, "SCALARS", 40)
    scan = session.run("loopscan(500, 0.1, diode)")
    assert scan.data._numbers.held < 500
    assert scan.data["diode"].tolist() == [7.0] * 500
    assert np.all(np.diff(scan.data["elapsed_time"]) > 0)
    assert scan.data.npoints == 500


def test_a_running_scan_of_this_process_can_be_read(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from session_shell.scanning import data

    monkeypatch.setattr(data, "SCALARS", 40)
    seen: list[Any] = []

    def look(scan: Any) -> None:
        seen.append((scan.data["diode"], open_scan(scan.file).data["diode"]))

    session.scan_meta.instrument.set("look", look)  # at the end, before the file is finished
    session.run("loopscan(500, 0.1, diode)")
    live, saved = seen[0]
    assert live.tolist() == [7.0] * 500
    assert set(saved.tolist()) <= {7.0}


def test_a_file_that_is_gone_is_told(
    make_session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    from session_shell.scanning import data

    monkeypatch.setattr(data, "SCALARS", 40)
    with make_session() as session:
        scan = session.run("loopscan(500, 0.1, diode)")
        scan.file.unlink()
        with pytest.raises(ScanError, match="there is no such file"):
            scan.data["diode"]
        assert scan.data.recent("diode", 3).tolist() == [7.0] * 3
