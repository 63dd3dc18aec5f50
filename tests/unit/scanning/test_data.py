from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError, ScanError
from session_shell.scanning import data as module
from session_shell.scanning.columns import StoredArray
from session_shell.scanning.data import ScanData
from session_shell.scanning.documents import EndReason, Rows, ScanEnded, ScanStarted

TIME = Channel("elapsed_time", "time", "s")
ROBY = Channel("roby", "axis", "mm")
DIODE = Channel("diode", "counter", "V")
COUNTS = Channel("counts", "counter", "counts", dtype="int64")
MCA = Channel("mca", "counter", "counts", dtype="uint32", shape=(4,))
CAM = Channel("cam_image", "counter", "counts", dtype="uint16", shape=(2, 3), device="cam")
SUM = Channel("cam_sum", "counter", "counts", device="cam")


class FakeFile:
    """The rows of a scan in a file that has its first `flushed` of them."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {}
        self.flushed: int | None = None
        self.reads: list[tuple[str, int, int]] = []
        self.broken = False

    def load(self, path: Path, number: int) -> FakeFile:
        return self

    def rows(self) -> int:
        if self.broken:
            raise ScanError("gone")
        total = min((len(c) for c in self.columns.values()), default=0)
        return total if self.flushed is None else min(self.flushed, total)

    def read(self, channel: str, first: int, last: int) -> Any:
        if self.broken:
            raise ScanError("gone")
        self.reads.append((channel, first, last))
        return np.array(self.columns[channel][first : min(last, self.rows())])


def started(channels: Sequence[Channel], file: Path | None = None) -> ScanStarted:
    return ScanStarted(
        uid="u",
        number=1 if file else 0,
        type="ascan",
        name="ascan",
        title="ascan roby 0 1 10 0.1",
        time=0.0,
        npoints=0,
        shape=(0,),
        count_time=0.1,
        channels=tuple(channels),
        file=file,
    )


def value(channel: Channel, point: int) -> Any:
    if channel.shape:
        return np.full(channel.shape, point, channel.dtype)
    return np.dtype(channel.dtype).type(point).item()


class Run:
    """A scan that is fed point by point, into a file too when it has one."""

    def __init__(self, channels: Sequence[Channel], file: FakeFile | None = None) -> None:
        self.channels = channels
        self.file = file
        self.data = ScanData(file.load if file else None)
        self.data.scan_started(started(channels, Path("x.h5") if file else None))
        self.count = 0

    def add(self, points: int, block: int = 1) -> Run:
        for _ in range(0, points, block):
            columns = tuple([value(c, self.count + n) for n in range(block)] for c in self.channels)
            if self.file is not None:
                for channel, column in zip(self.channels, columns, strict=True):
                    self.file.columns.setdefault(channel.name, []).extend(column)
            self.data.rows(Rows(self.count, block, columns))
            self.count += block
        return self

    def end(self) -> Run:
        self.data.scan_ended(ScanEnded("u", 1.0, EndReason.SUCCESS, self.count))
        return self


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory for few points: 40 numbers, 20 of an unsaved scan; 10 or 5 rows of the MCA."""
    monkeypatch.setattr(module, "SCALARS", 40)
    monkeypatch.setattr(module, "SCALARS_UNSAVED", 20)
    monkeypatch.setattr(module, "ARRAY_BYTES", 160)
    monkeypatch.setattr(module, "ARRAY_BYTES_UNSAVED", 80)


# Keys and shapes


def test_columns_by_name_device_and_kind() -> None:
    data = Run([TIME, ROBY, DIODE, CAM, SUM]).add(3).data
    assert list(data) == ["elapsed_time", "roby", "diode", "cam_image", "cam_sum"]
    assert (len(data), data.npoints) == (5, 3)

    class Named:
        name = "roby"

    for key in ("roby", "axis:roby", Named()):
        assert key in data
        assert data[key].tolist() == [0, 1, 2]
    assert data["timer:elapsed_time"].tolist() == [0, 1, 2]
    assert data["counter:diode"].shape == (3,)
    assert "axis:diode" not in data
    assert data["cam_image"].shape == (3, 2, 3)
    assert data["cam_image"].dtype == np.uint16
    with pytest.raises(CommandError, match="several columns: choose one of cam_image, cam_sum"):
        data["cam"]
    for key in ("robz", 3, None, ("roby",)):
        with pytest.raises(CommandError, match=r"has no column .*; it has elapsed_time, roby"):
            data[key]
    assert repr(data).startswith("<3 points of elapsed_time, roby")


def test_a_device_with_one_column_of_another_name_gives_it() -> None:
    assert Run([TIME, CAM]).add(2).data["cam"].shape == (2, 2, 3)


def test_before_the_start_there_is_nothing() -> None:
    data = ScanData()
    assert (len(data), data.npoints, repr(data)) == (0, 0, "<0 points of nothing>")
    with pytest.raises(CommandError, match="it has none"):
        data["roby"]


def test_columns_of_a_scan_without_points_are_empty() -> None:
    data = Run([TIME, DIODE, MCA]).end().data
    assert data["diode"].shape == (0,)
    assert data["mca"].shape == (0, 4)


def test_values_are_copies_of_the_type_of_the_channel() -> None:
    run = Run([TIME, COUNTS]).add(2)
    column = run.data["counts"]
    assert column.dtype == np.int64
    column[:] = 99
    assert run.data["counts"].tolist() == [0, 1]


def test_blocks_of_arrays() -> None:
    data = Run([DIODE, MCA]).data
    data.rows(Rows(0, 3, (np.arange(3.0), np.arange(12, dtype="uint32").reshape(3, 4))))
    assert data["diode"].tolist() == [0, 1, 2]
    assert data["mca"][2].tolist() == [8, 9, 10, 11]


# Memory is bounded


def held(data: ScanData) -> tuple[int, int]:
    return data._numbers.held, data._arrays.held


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("block", [1, 3])
def test_a_long_saved_scan_leaves_its_older_points_to_the_file(block: int) -> None:
    run = Run([TIME, DIODE], FakeFile()).add(999, block)
    assert held(run.data)[0] <= 20 + 10 + block
    assert run.data.npoints == 999
    assert run.data["diode"].tolist() == list(range(999))
    assert run.data.recent("diode", 5).tolist() == [994, 995, 996, 997, 998]
    assert run.data.recent("diode", 500).tolist() == list(range(499, 999))


@pytest.mark.usefixtures("small")
def test_points_that_the_file_has_not_yet_stay_in_memory() -> None:
    file = FakeFile()
    file.flushed = 7
    run = Run([TIME, DIODE], file).add(200)
    assert held(run.data)[0] == 193
    assert run.data["diode"].tolist() == list(range(200))
    file.flushed = None
    run.add(100)
    assert held(run.data)[0] <= 40


@pytest.mark.usefixtures("small")
def test_arrays_of_a_saved_scan_are_read_from_the_file() -> None:
    file = FakeFile()
    run = Run([DIODE, MCA], file).add(100)
    assert held(run.data)[1] <= 16
    spectra = run.data["mca"]
    assert isinstance(spectra, StoredArray)
    assert (spectra.shape, spectra.dtype) == ((100, 4), np.uint32)
    assert spectra[3].tolist() == [3, 3, 3, 3]
    assert file.reads[-1] == ("mca", 3, 4)
    assert spectra[-1].tolist() == [99] * 4
    run.end()
    assert held(run.data)[1] == 0
    assert run.data["mca"][:, 0].tolist() == list(range(100))


@pytest.mark.usefixtures("small")
def test_a_file_that_cannot_be_read_costs_no_points() -> None:
    file = FakeFile()
    file.broken = True
    run = Run([DIODE, MCA], file).add(100).end()
    assert held(run.data) == (100, 100)
    assert run.data["diode"].tolist() == list(range(100))


@pytest.mark.usefixtures("small")
def test_an_unsaved_scan_keeps_its_last_points_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        run = Run([DIODE, MCA]).add(100)
    assert [r.message for r in caplog.records] == [
        "the scan is not saved: only the last 2 points of mca stay in memory"
    ]
    assert run.data.npoints == 100
    assert held(run.data)[1] <= 5 + 2
    with pytest.raises(CommandError, match=r"are gone.*not saved; scan.data.recent\('mca'\)"):
        run.data["mca"]
    last = run.data.recent("mca")
    assert last[:, 0].tolist() == list(range(100 - len(last), 100))
    with pytest.raises(CommandError, match=r"the first \d+ of 100 points of diode are gone"):
        run.data["diode"]
    assert run.data.recent("diode", 3).tolist() == [97, 98, 99]


@pytest.mark.usefixtures("small")
def test_a_second_scan_starts_anew() -> None:
    run = Run([DIODE, MCA]).add(100)
    run.data.scan_started(started([TIME]))
    run.data.rows(Rows(0, 1, ([1.0],)))
    assert run.data["elapsed_time"].tolist() == [1]


# Arrays that stay in the file


class Reader:
    def __init__(self, array: Any) -> None:
        self.array = array
        self.most = 0

    def __call__(self, first: int, last: int) -> Any:
        self.most = max(self.most, last - first)
        return self.array[first:last]


KEYS: list[Any] = [
    3,
    -1,
    np.int64(2),
    slice(None),
    slice(2, 9, 3),
    slice(None, None, -1),
    slice(5, 5),
    [1, 4, 2],
    np.array([0, 8]),
    np.arange(10) % 2 == 0,
    ...,
    (3, 1),
    (slice(2, 5), 1),
    (slice(None), slice(1, 3), 0),
    (..., 1),
    (..., slice(0, 2)),
    (2, ..., 1),
    (3, 2, 1),
    (slice(None), [0, 2]),
    (slice(1, 3), [0, 2], [1, 0]),
    None,
    (slice(None), None),
    (),
    True,
    [[1, 2], [3, 4]],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_parts_are_what_numpy_gives(key: Any) -> None:
    array = np.arange(10 * 3 * 2).reshape(10, 3, 2)
    stored = StoredArray(array.shape, array.dtype, Reader(array))
    found = stored[key]
    assert np.array_equal(found, array[key])
    assert np.shape(found) == np.shape(array[key])


@pytest.mark.parametrize("key", [10, -11, (0, 3), (0, 0, 0, 0), "x"])
def test_indices_that_are_not_there_are_errors(key: Any) -> None:
    array = np.zeros((10, 3, 2))
    with pytest.raises(IndexError):
        StoredArray(array.shape, array.dtype, Reader(array))[key]


def test_only_what_is_asked_for_is_read_and_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    from session_shell.scanning import columns

    array = np.arange(100.0 * 8).reshape(100, 8)
    monkeypatch.setattr(columns, "_BLOCK_BYTES", 10 * 64)
    reader = Reader(array)
    stored = StoredArray(array.shape, array.dtype, reader)
    assert stored[50].tolist() == array[50].tolist()
    assert reader.most == 1
    assert np.array_equal(stored[:, 3], array[:, 3])
    assert np.array_equal(stored[::7], array[::7])
    assert np.array_equal(list(stored), array)
    assert np.array_equal(np.asarray(stored), array)
    assert reader.most == 10


def test_it_calculates_like_an_array() -> None:
    array = np.arange(24).reshape(6, 4)
    stored = StoredArray(array.shape, array.dtype, Reader(array))
    assert (stored.ndim, stored.size, stored.nbytes, len(stored)) == (2, 24, array.nbytes, 6)
    assert np.array_equal(stored + 1, array + 1)
    assert np.array_equal(2 * stored, 2 * array)
    assert (stored == array).all()
    assert stored.sum(axis=0).tolist() == array.sum(axis=0).tolist()
    assert np.max(stored) == 23
    assert stored.T.shape == (4, 6)
    assert np.asarray(stored, dtype=float).dtype == float
    assert "(6, 4)" in repr(stored)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        stored.nonsense  # noqa: B018
    with pytest.raises(ValueError, match="only be copied"):
        np.array(stored, copy=False)


def test_rows_that_have_vanished_are_told() -> None:
    stored = StoredArray((10, 2), float, lambda a, b: np.zeros((0, 2)))
    with pytest.raises(CommandError, match="points 3 to 3 cannot be read"):
        stored[3]
