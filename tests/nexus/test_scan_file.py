"""The life of a scan file: reserved, started, rows, ended."""

from __future__ import annotations

import logging
import types
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from session_shell.devices.protocols import Channel
from session_shell.errors import SinkError
from session_shell.nexus import FileTemplate, ScanFile, scan_tree
from session_shell.nexus.folder.numbers import NUMBER_FILE
from session_shell.nexus.tree.nodes import Dataset, walk
from session_shell.nexus.writing import columns, ending
from session_shell.scanning.documents import Comment, EndReason, Position, ScanStarted

from .documents import (
    DIODE,
    FAMILIES,
    POSITIONS,
    START,
    amesh,
    ascan,
    block,
    ended,
    loopscan,
    name_of,
    point,
    save,
    started,
    timescan,
)


class WallTime:
    """Stands in for the wall clock of the columns."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> WallTime:
    wall = WallTime()
    monkeypatch.setattr(columns, "time", types.SimpleNamespace(monotonic=wall.monotonic))
    return wall


def begin(folder: Path, doc: ScanStarted, **more: Any) -> ScanFile:
    file = ScanFile.reserve(folder, name_of, doc.number, **more)
    file.scan_started(doc)
    return file


def lengths(path: Path) -> dict[str, int]:
    with h5py.File(path) as file:
        return {name: len(data) for name, data in file["1.1/measurement"].items()}


def hidden(folder: Path) -> list[str]:
    names = {path.name for path in folder.iterdir() if path.name.startswith(".")}
    return sorted(names - {NUMBER_FILE})


def test_start_metadata_is_on_disk_before_the_first_point(tmp_path: Path) -> None:
    file = ScanFile.reserve(tmp_path, name_of, 3)
    assert not file.path.exists()
    file.scan_started(loopscan(metadata={"sample": {"name": "Fe2O3"}}))
    with h5py.File(tmp_path / "scan_0003.h5") as h5:
        assert h5.attrs["file_name"] == str(file.path)
        assert h5.attrs["h5py_version"] == h5py.__version__
        entry = h5[h5.attrs["default"]]
        assert entry.name == "/3.1"
        assert entry["sample/name"].asstr()[()] == "Fe2O3"
        assert "end_time" not in entry
        assert len(entry["measurement/diode"]) == 1
        assert np.isnan(entry["measurement/diode"][0])
    assert ".scan_0003.h5.part" not in hidden(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("points", [0, 1, 5])
def test_points_come_back(family: str, points: int, tmp_path: Path) -> None:
    doc = FAMILIES[family]()
    path = save(tmp_path, doc, points)
    with h5py.File(path) as file:
        entry = file["1.1"]
        assert entry["scan/npoints_acquired"][()] == points
        for index, channel in enumerate(doc.channels):
            data = entry["measurement"][channel.name]
            assert data.shape == (max(points, 1), *channel.shape)
            assert data.dtype == np.dtype(channel.dtype)
            for number in range(points):
                expected = point(doc, number).columns[index][0]
                np.testing.assert_array_equal(data[number], expected)
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("flushed", [True, False], ids=["flushed", "waiting"])
def test_the_file_is_what_the_tree_says(
    family: str, flushed: bool, tmp_path: Path, wall: WallTime
) -> None:
    doc = FAMILIES[family](metadata={"sample": {"name": "a", "list": [1, 2]}, "x": 5})
    file = begin(tmp_path, doc)
    for number in range(3):
        wall.now += flushed
        file.rows(point(doc, number))
    end = ended(
        doc,
        3,
        EndReason.STOPPED,
        metadata={"sample": {"name": "b", "list": [1, 2, 3], "new": {"y": 1}}},
        positions={name: Position(7.0, 8.0, "um") for name in POSITIONS},
        comments=(Comment(START, "hello"),),
    )
    file.scan_ended(end)
    with h5py.File(file.path) as h5:
        for path, node in walk(scan_tree(doc, end)):
            if not isinstance(node, Dataset) or node.source is not None:
                continue
            stored = h5[path]
            text = h5py.check_string_dtype(stored.dtype) is not None
            value = stored.asstr()[()] if text else stored[()]
            np.testing.assert_array_equal(value, node.value, err_msg=path)
            for key, attribute in node.attributes.items():
                np.testing.assert_array_equal(stored.attrs[key], attribute)


def test_end_metadata(tmp_path: Path) -> None:
    start = {"sample": {"name": "a", "T": 1.0, "T@units": "K"}, "kept": {"x": 1}, "g": {"y": 1}}
    end = {"sample": {"name": "b", "T": [1.0, 2.0], "T@units": "degC"}, "g": {"y": {"z": 1}}}
    path = save(tmp_path, loopscan(metadata=start), 2, metadata={**end, "late": {"v": 2}})
    with h5py.File(path) as file:
        entry = file["1.1"]
        assert entry["sample/name"].asstr()[()] == "b"
        assert entry["sample/parameters/T"][()].tolist() == [1.0, 2.0]
        assert entry["sample/parameters/T"].attrs["units"] == "degC"
        assert entry["kept/x"][()] == 1
        assert entry["g/y/z"][()] == 1
        assert entry["late/v"][()] == 2


@pytest.mark.parametrize("backnforth", [False, True])
@pytest.mark.parametrize("blocks", [[1] * 12, [12], [5, 7], [3, 1, 6]])
def test_mesh(backnforth: bool, blocks: list[int], tmp_path: Path, wall: WallTime) -> None:
    doc = amesh(backnforth=backnforth)
    file = begin(tmp_path, doc)
    first = 0
    for count in blocks:
        wall.now += 1
        file.rows(block(doc, first, count))
        first += count
    file.scan_ended(ended(doc, first))
    expected = np.full(12, np.nan)
    expected[:first] = np.arange(first) + 400.0
    expected = expected.reshape(3, 4)
    if backnforth:
        expected[1] = expected[1, ::-1]
    with h5py.File(file.path) as h5:
        np.testing.assert_array_equal(h5["1.1/plot/diode"][()], expected)
        np.testing.assert_array_equal(h5["1.1/plot/diode3"][()], expected + 100)
        assert len(h5["1.1/measurement/diode"]) == first


def test_more_points_than_the_mesh_has(tmp_path: Path) -> None:
    doc = amesh()
    path = save(tmp_path, doc, 14)
    with h5py.File(path) as file:
        assert file["1.1/plot/diode"].shape == (3, 4)
        assert len(file["1.1/measurement/diode"]) == 14


# ------------------------------------------------------------------ when rows are written


def test_slow_points_are_written_one_by_one(tmp_path: Path, wall: WallTime) -> None:
    doc = timescan()
    file = begin(tmp_path, doc)
    for number in range(4):
        wall.now += 0.11
        file.rows(point(doc, number))
        assert file.points_written == number + 1
        assert set(lengths(file.path).values()) == {number + 1}
    file.scan_ended(ended(doc, 4))


def test_fast_points_are_written_in_blocks(tmp_path: Path, wall: WallTime) -> None:
    doc = timescan()
    file = begin(tmp_path, doc)
    written = []
    for number in range(100):
        wall.now += 0.01
        file.rows(point(doc, number))
        written.append(file.points_written)
    assert sorted(set(written)) == [0, 20, 40, 60, 80, 100]
    assert set(lengths(file.path).values()) == {100}
    file.rows(point(doc, 100))
    file.scan_ended(ended(doc, 101))
    assert set(lengths(file.path).values()) == {101}


def test_images_do_not_pile_up_in_memory(tmp_path: Path, wall: WallTime) -> None:
    camera = Channel("camera", "counter", "counts", "uint16", (512, 512))
    doc = started(camera, DIODE, npoints=100)
    file = begin(tmp_path, doc)
    for number in range(20):
        file.rows(point(doc, number))
    assert file.points_written == 16  # 16 x 512 kB
    file.scan_ended(ended(doc, 20))
    with h5py.File(file.path) as h5:
        data = h5["1.1/instrument/camera/data"]
        assert data.chunks == (1, 512, 512)
        assert int(data[19, 0, 0]) == 21


@pytest.fixture(params=[False, True], ids=["by copy", "in place"])
def in_place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param:
        monkeypatch.setattr(ending, "_COPY_LIMIT", 0)
    return bool(request.param)


def test_long_scan_over_many_chunks(tmp_path: Path, wall: WallTime, in_place: bool) -> None:
    doc = timescan()
    file = begin(tmp_path, doc)
    for first in range(0, 40_000, 1000):
        wall.now += 0.15
        file.rows(block(doc, first, 1000))
    file.scan_ended(ended(doc, 40_000))
    with h5py.File(file.path) as h5:
        np.testing.assert_array_equal(h5["1.1/measurement/diode"][()], np.arange(40_000) + 200.0)
        assert h5["1.1/end_reason"].asstr()[()] == "SUCCESS"
        assert h5["1.1/scan/npoints_acquired"][()] == 40_000


# -------------------------------------------------------------------------- bad input


def test_warnings_are_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "session_shell.nexus"):
        save(tmp_path, loopscan(metadata={"a": {"x": object(), "y@units": "mm"}}), 2)
    records = [r.getMessage() for r in caplog.records]
    assert len(records) == 2
    assert "a/x" in records[0]
    assert "a/y@units" in records[1]


def test_metadata_that_hdf5_refuses_does_not_lose_the_scan(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from session_shell.nexus.disk import hdf5

    real, calls = hdf5.write_root, []

    def refuse_once(file: Any, tree: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("refused")
        real(file, tree)

    monkeypatch.setattr(hdf5, "write_root", refuse_once)
    with caplog.at_level(logging.WARNING, "session_shell.nexus"):
        path = save(tmp_path, loopscan(metadata={"a": {"x": 1}}), 2)
    assert "refused" in caplog.text
    with h5py.File(path) as file:
        assert len(file["1.1/measurement/diode"]) == 2


def test_rows_without_a_start(tmp_path: Path) -> None:
    file = ScanFile.reserve(tmp_path, name_of, 1)
    with pytest.raises(SinkError, match="not started"):
        file.rows(point(loopscan(), 0))


def test_an_end_without_a_start_gives_the_number_back(tmp_path: Path) -> None:
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_ended(ended(loopscan(), 0))
    assert [path.name for path in tmp_path.iterdir()] == [NUMBER_FILE]


def test_discard(tmp_path: Path) -> None:
    file = ScanFile.reserve(tmp_path / "new" / "folder", name_of, 1)
    file.discard()
    file.discard()
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == [NUMBER_FILE]
    path = save(tmp_path, loopscan(), 1)
    file = ScanFile(1, path)
    file.discard()
    assert path.exists()


def test_two_scans_at_once(tmp_path: Path) -> None:
    one, two = begin(tmp_path, loopscan()), begin(tmp_path, ascan())
    assert (one.number, two.number) == (1, 2)
    one.rows(point(loopscan(), 0))
    two.rows(point(ascan(), 0))
    two.scan_ended(ended(ascan(), 1))
    one.scan_ended(ended(loopscan(), 1))
    with h5py.File(one.path) as a, h5py.File(two.path) as b:
        assert a["1.1/title"].asstr()[()] == "loopscan 10 0.1"
        assert b["2.1/title"].asstr()[()] == "ascan 11 0.1"


# --------------------------------------------------------------------------- template


def test_files_from_a_template_are_the_same(tmp_path: Path) -> None:
    template = FileTemplate()
    docs = [
        loopscan(metadata={"sample": {"name": "a"}}),
        loopscan(metadata={"sample": {"name": "another"}}, title="second"),
        ascan(metadata={"sample": {"name": "a"}}),
        ascan(metadata={"sample": {"name": "b", "more": 1}}),
        ascan(uid="other"),
        amesh(),
        amesh(positions={}),
    ]
    for number, doc in enumerate(docs, 1):
        with_it = begin(tmp_path / "with", doc, template=template)
        without = ScanFile.reserve(tmp_path / "without", name_of, number)
        without.scan_started(doc)
        assert with_it.number == number
        for file in (with_it, without):
            file.rows(point(doc, 0))
            file.scan_ended(ended(doc, 1))
        assert contents(with_it.path) == contents(without.path)


def contents(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    with h5py.File(path) as file:

        def visit(name: str, node: Any) -> None:
            attributes = {k: str(v) for k, v in sorted(node.attrs.items())}
            value = node[()] if isinstance(node, h5py.Dataset) else sorted(node)
            found[name] = f"{attributes} {value}"

        file.visititems(visit)
        found["/"] = str({k: str(v) for k, v in file.attrs.items() if k != "file_name"})
    return found
