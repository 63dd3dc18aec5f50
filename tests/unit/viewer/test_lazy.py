"""A saved scan reads what is asked for and no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from session_shell.devices.protocols import Channel
from session_shell.nexus import open_scan

from ...nexus.documents import DIODE, save, started

Counted = Callable[[], dict[str, int]]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Return the bytes that were read of each dataset since the last call."""
    sizes: dict[str, int] = {}
    plain = h5py.Dataset.__getitem__

    def counted(dataset: Any, *arguments: Any, **options: Any) -> Any:
        found = plain(dataset, *arguments, **options)
        size = found.nbytes if isinstance(found, (np.ndarray, np.generic)) else len(found)
        sizes[dataset.name] = sizes.get(dataset.name, 0) + size
        return found

    def since() -> dict[str, int]:
        found = dict(sizes)
        sizes.clear()
        return found

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
    return since


def test_a_saved_scan_is_lazy(tmp_path: Path, read: Counted) -> None:
    camera = Channel("cam", "counter", "", "uint16", (64, 64))
    metadata = {"sample": {"name": "gold", "map": np.zeros(5000)}}
    path = save(tmp_path, started(camera, DIODE, npoints=1000, metadata=metadata), 300)
    read()
    scan = open_scan(path)
    assert sum(read().values()) < 2000
    assert (scan.title, len(scan.data), scan.data.npoints) == ("loopscan 1000 0.1", 4, 300)
    assert scan.end_reason == "SUCCESS"
    assert sum(read().values()) < 500
    assert scan.data["diode"].shape == (300,)
    assert read()["/1.1/measurement/diode"] == 300 * 8
    images = scan.data["cam"]
    assert images.shape == (300, 64, 64)
    assert "/1.1/measurement/cam" not in read()
    assert images[7].mean() == 9
    assert read()["/1.1/measurement/cam"] == 64 * 64 * 2
    assert images[10:12, 3].shape == (2, 64)
    assert read()["/1.1/measurement/cam"] == 2 * 64 * 64 * 2
    assert scan.info["sample"]["name"] == "gold"
    asked = read()
    assert asked["/1.1/sample/parameters/map"] == 5000 * 8
    assert not any(name.startswith("/1.1/measurement/") for name in asked)
