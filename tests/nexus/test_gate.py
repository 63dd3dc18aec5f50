"""Files of every kind of scan, however it ended, please every checker and plot by themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from session_shell.nexus import update_master
from session_shell.scanning.documents import Comment, EndReason, MetadataFailure, ScanStarted

from .documents import FAMILIES, START, save

pytest.importorskip("silx.io.nxdata")
pytest.importorskip("nexusformat.nexus")

METADATA = {
    "instrument": {
        "name": "BM00",
        "name@short_name": "BM",
        "mygroup": {"myvalue": 10, "myvalue@units": "mm"},
        "roby": {"velocity": 2.5, "velocity@units": "mm/s", "steps_per_unit": 1e4},
        "diode": {"gain": 3, "description": "photodiode", "type": "Si"},
        "source": {"name": "ring", "filling": "7/8"},
    },
    "positioners": {"hexapod": {"x": 1.0, "x@units": "um"}},
    "sample": {"name": "Fe2O3", "shelf": 3},
    "sample_description": "red powder",
    "technique": {"scan_range": [1, None, 3], "ragged": [[1], [2, 3]], "flag": True},
    "proposal": {"id": "hg-1"},
    "user": {"name": "M. Curie", "badge": 7},
    "notes": {"author": "me", "mood": "good"},
    "odd name µ": {"a b": b"\xff", ">link": "/instrument/diode/data"},
    "several": [{"a": 1}, {"a": 2}],
}

SIGNALS = {
    "loopscan": ("diode", ["elapsed_time"]),
    "ascan": ("diode", ["roby"]),
    "a2scan": ("diode", ["roby"]),
    "amesh": ("diode", ["robz", "roby"]),
    "timescan": ("diode", ["elapsed_time"]),
    "spectrum": ("diode", ["elapsed_time"]),
}

ENDS = [
    (None, EndReason.SUCCESS),
    (3, EndReason.USER_ABORT),
    (1, EndReason.STOPPED),
    (0, EndReason.FAILURE),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:silx")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:nexusformat")
@pytest.mark.parametrize(("points", "reason"), ENDS, ids=[str(end[1]) for end in ENDS])
@pytest.mark.parametrize("family", FAMILIES)
def test_gate(family: str, points: int | None, reason: EndReason, tmp_path: Path) -> None:
    from .gate import default_plot, problems

    make: Callable[..., ScanStarted] = FAMILIES[family]
    doc = make(
        metadata=METADATA, failures=(MetadataFailure("mp", "instrument", "START", "raised"),)
    )
    if points is None:
        points = doc.npoints or 7
    path = save(
        tmp_path,
        doc,
        points,
        reason,
        comments=(Comment(START, "all well"),),
        error="roby: stuck" if reason == EndReason.FAILURE else "",
    )
    master = tmp_path / "demo.h5"
    update_master(master, "1.1", path)
    assert problems(path) == []
    assert problems(master) == []
    signal, axes = SIGNALS[family]
    shape = (3, 4) if family == "amesh" else (max(points, 1),)
    assert default_plot(path) == (signal, shape, axes)
    assert default_plot(master) == (signal, shape, axes)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_running_scan_plots_too(family: str, tmp_path: Path) -> None:
    from session_shell.nexus import ScanFile

    from .documents import name_of, point
    from .gate import default_plot, problems

    doc = FAMILIES[family](metadata=METADATA)
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    assert problems(file.path) == []
    assert default_plot(file.path)[0] == "diode"
    file.rows(point(doc, 0))
    assert default_plot(file.path)[0] == "diode"
