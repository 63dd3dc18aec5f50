"""Arrays are compressed with what is there, and who cannot read them is told what to install."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from h5py import h5z

from session_shell.devices.protocols import Channel
from session_shell.errors import ScanError
from session_shell.nexus import ScanFile
from session_shell.nexus.disk import filters
from session_shell.nexus.reading.reader import StoredRows

from .documents import ended, point, started

CAMERA = Channel("camera", "counter", "counts", "uint16", (64, 64))


@pytest.fixture(params=[True, False], ids=["hdf5plugin", "gzip"])
def fast(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    filters.fast_filter.cache_clear()
    if request.param:
        pytest.importorskip("hdf5plugin")
    else:
        monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    yield bool(request.param)
    filters.fast_filter.cache_clear()


def scan_of_images(folder: Path) -> Path:
    doc = started(CAMERA, npoints=3)
    file = ScanFile.reserve(folder, lambda number: f"scan_{number:04d}.h5", 1)
    file.scan_started(doc)
    for number in range(3):
        file.rows(point(doc, number))
    file.scan_ended(ended(doc, 3))
    return file.path


def test_images_are_compressed_and_read_back(tmp_path: Path, fast: bool) -> None:
    path = scan_of_images(tmp_path)
    with h5py.File(path) as h5:
        data = h5["1.1/instrument/camera/data"]
        number = data.id.get_create_plist().get_filter(0)[0]
        assert (number == 32008) is fast
        assert (data.compression == "gzip") is not fast
    images = StoredRows(path, 1).read("camera", 0, 3)
    assert images.shape == (3, 64, 64)
    assert images.dtype == np.uint16
    assert path.stat().st_size < images.nbytes + 60_000


def test_who_cannot_read_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hdf5plugin")
    filters.fast_filter.cache_clear()
    path = scan_of_images(tmp_path)
    monkeypatch.setattr(h5z, "filter_avail", lambda _number: False)
    with pytest.raises(ScanError, match=r"bitshuffle.* not installed here: pip install"):
        StoredRows(path, 1).read("camera", 0, 3)


def test_a_filter_without_a_name() -> None:
    properties = SimpleNamespace(
        get_nfilters=lambda: 1, get_filter=lambda _index: (40_000, 0, (), b"")
    )
    data = SimpleNamespace(name="/1.1/x", id=SimpleNamespace(get_create_plist=lambda: properties))
    with pytest.raises(ScanError, match=r"/1\.1/x is compressed with filter 40000"):
        filters.check_readable(data)
