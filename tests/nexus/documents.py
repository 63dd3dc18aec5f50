"""Documents made by hand: the scans that the tests of the files run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from session_shell.devices.protocols import Channel
from session_shell.nexus import ScanFile
from session_shell.scanning.documents import (
    EndReason,
    Position,
    Rows,
    ScanEnded,
    ScanStarted,
)

START = 1_700_000_000.0
ELAPSED = Channel("elapsed_time", "time", "s")
EPOCH = Channel("epoch", "time", "s")
DIODE = Channel("diode", "counter", "counts", mode="MEAN")
DIODE3 = Channel("diode3", "counter", "", mode="MEAN")
ROBY = Channel("roby", "axis", "mm")
ROBZ = Channel("robz", "axis", "deg")
POSITIONS = {
    "roby": Position(1.0, 2.0, "mm"),
    "robz": Position(0.5, -0.5, "deg"),
    "sx": Position(float("nan"), float("nan"), "mm", error="no answer"),
}


def name_of(number: int) -> str:
    return f"scan_{number:04d}.h5"


def started(
    *channels: Channel,
    npoints: int = 10,
    type: str = "loopscan",  # noqa: A002
    metadata: Mapping[str, Any] | None = None,
    **more: Any,
) -> ScanStarted:
    channels = (ELAPSED, EPOCH, *(channels or (DIODE, DIODE3)))
    values: dict[str, Any] = {
        "uid": "0d3a0e0c-7f5c-4b49-9f60-7d7a3b0d3f10",
        "number": 1,
        "type": type,
        "name": type,
        "title": f"{type} {npoints} 0.1",
        "time": START,
        "npoints": npoints,
        "shape": (npoints,) if npoints else (),
        "count_time": 0.1,
        "channels": channels,
        "parameters": {"count_time": 0.1, "npoints": npoints},
        "metadata": metadata or {},
        "positions": POSITIONS,
        "session": "demo",
        "user": "someone",
        "host": "somewhere",
        "command": f"{type}({npoints}, 0.1)",
        "configuration": {"demo.yml": "- class: Session\n  name: demo\n", "demo_setup.py": "x = 1"},
    }
    return ScanStarted(**(values | more))


def ended(
    doc: ScanStarted, npoints: int, reason: EndReason = EndReason.SUCCESS, **more: Any
) -> ScanEnded:
    values: dict[str, Any] = {
        "uid": doc.uid,
        "time": doc.time + 3.5,
        "reason": reason,
        "npoints": npoints,
        "metadata": doc.metadata,
        "positions": doc.positions,
        "counting": 1.0,
        "moving": 2.0,
    }
    return ScanEnded(**(values | more))


def value_of(channel: Channel, point: int, index: int) -> Any:
    """Give every channel a value that tells which point it is from."""
    if channel.shape:
        return np.full(channel.shape, point + index, channel.dtype)
    return float(point + 100 * index)


def point(doc: ScanStarted, number: int) -> Rows:
    return Rows(number, 1, tuple([value_of(c, number, i)] for i, c in enumerate(doc.channels)))


def block(doc: ScanStarted, first: int, count: int) -> Rows:
    return Rows(
        first,
        count,
        tuple(
            np.array([value_of(c, first + k, i) for k in range(count)])
            for i, c in enumerate(doc.channels)
        ),
    )


def save(
    folder: Path,
    doc: ScanStarted,
    points: int | None = None,
    reason: EndReason = EndReason.SUCCESS,
    **end: Any,
) -> Path:
    """Save a scan with so many points from its start to its end."""
    file = ScanFile.reserve(folder, name_of, doc.number)
    file.scan_started(replace(doc, number=file.number))
    points = doc.npoints if points is None else points
    for number in range(points):
        file.rows(point(doc, number))
    file.scan_ended(ended(doc, points, reason, **end))
    return file.path


def loopscan(**more: Any) -> ScanStarted:
    return started(**more)


def ascan(**more: Any) -> ScanStarted:
    return started(ROBY, DIODE, type="ascan", axes=("roby",), npoints=11, **more)


def a2scan(**more: Any) -> ScanStarted:
    return started(ROBY, ROBZ, DIODE, type="a2scan", axes=("roby", "robz"), npoints=6, **more)


def amesh(backnforth: bool = False, **more: Any) -> ScanStarted:
    return started(
        ROBZ,
        ROBY,
        DIODE,
        DIODE3,
        type="amesh",
        axes=("robz", "roby"),
        npoints=12,
        shape=(3, 4),
        grid=((0.0, 1.0, 2.0), (10.0, 11.0, 12.0, 13.0)),
        plot=("diode", "diode3"),
        backnforth=backnforth,
        parameters={"count_time": 0.1},
        **more,
    )


def timescan(**more: Any) -> ScanStarted:
    return started(type="timescan", npoints=0, **more)


def spectrum(**more: Any) -> ScanStarted:
    mca = Channel("mca", "counter", "counts", dtype="uint32", shape=(1024,), device="mca")
    return started(mca, DIODE, npoints=5, **more)


FAMILIES = {
    "loopscan": loopscan,
    "ascan": ascan,
    "a2scan": a2scan,
    "amesh": amesh,
    "timescan": timescan,
    "spectrum": spectrum,
}
