"""The documents of a scan from its file are those that it sent while it ran."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from session_shell.nexus import open_scan, stored_documents
from session_shell.scanning.documents import (
    Rows,
    ScanEnded,
    ScanStarted,
)
from session_shell.session import Session

Documents = list[Any]


class Listener:
    """Keeps the documents of all scans, and what has been sent so far is a scan's own list."""

    must_not_fail = True

    def __init__(self) -> None:
        self.scans: list[Documents] = []
        self._open: dict[str, Documents] = {}
        self._stack: list[Documents] = []

    def scan_started(self, doc: ScanStarted) -> None:
        self.scans.append([doc])
        self._stack.append(self.scans[-1])

    def rows(self, doc: Rows) -> None:
        # A sequence sends its rows while none of its members runs.
        columns = tuple(np.array(column) for column in doc.columns)
        self._stack[-1].append(Rows(doc.first, doc.count, columns))

    def scan_ended(self, doc: ScanEnded) -> None:
        self._stack.pop().append(doc)


def equal(a: Any, b: Any) -> bool:
    """Tell whether values are the same, of the same types, NaN included."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(map(equal, a, b))
    if dataclasses.is_dataclass(a) and type(a) is type(b):
        names = [f.name for f in dataclasses.fields(a)]
        return all(equal(getattr(a, name), getattr(b, name)) for name in names)
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    return type(a) is type(b) and bool(a == b)


def check_same(live: Documents, stored: Iterable[Any]) -> None:
    stored = list(stored)
    assert [type(d) for d in (live[0], live[-1])] == [type(d) for d in (stored[0], stored[-1])]
    check_fields(live[0], stored[0])
    if isinstance(live[-1], ScanEnded):
        check_fields(live[-1], stored[-1])
    dtypes = [channel.dtype for channel in live[0].channels]
    check_columns(columns(live, dtypes), columns(stored, dtypes), live[0])


def check_fields(live: Any, stored: Any) -> None:
    for field in dataclasses.fields(live):
        one, other = getattr(live, field.name), getattr(stored, field.name)
        assert equal(plain(one), plain(other)), (field.name, one, other)


def plain(value: Any) -> Any:
    return {key: plain(item) for key, item in value.items()} if hasattr(value, "items") else value


def columns(documents: Documents, dtypes: list[str]) -> list[Any]:
    blocks = [d for d in documents if isinstance(d, Rows)]
    first = 0
    for block in blocks:
        assert block.first == first
        assert all(len(column) == block.count for column in block.columns)
        first += block.count
    return [
        np.concatenate([np.asarray(b.columns[i], dtype) for b in blocks]) if blocks else np.empty(0)
        for i, dtype in enumerate(dtypes)
    ]


def check_columns(live: list[Any], stored: list[Any], doc: ScanStarted) -> None:
    for channel, one, other in zip(doc.channels, live, stored, strict=True):
        assert equal(one, other), channel.name


@pytest.fixture
def listener(session: Session) -> Listener:
    listener = Listener()
    session.host.extra_sinks.append(listener)
    return listener


META = """
from session_shell.scanning.scan_meta import META_TIMING, get_user_scan_meta
meta = get_user_scan_meta()
meta.sample.set("one", {"name": "gold", "sizes": [1, 2.5], "place": (1, 2), "none": None})
meta.add_categories(["machine", "weather", "broken", "late"])
meta.machine.timing = META_TIMING.START | META_TIMING.END
counter = iter(range(1000))
meta.machine.set("ring", lambda scan: {"current": 200.0 - next(counter), "current@units": "mA",
                                       "history": [1.0] * (next(counter) % 7)})
meta.instrument.set("att", lambda scan: {"att": {"@NX_class": "NXattenuator", "type": "Al"},
                                         "roby": {"remark": scan.data.npoints}})
meta.weather.timing = META_TIMING.PREPARED
meta.weather.set("now", {"wind": 3.5, "wind@units": "m/s", "deep": {"er": {}, "x": [{"a": 1}]}})
meta.broken.timing = META_TIMING.START | META_TIMING.END
meta.broken.set("bad", lambda scan: 1 / 0)
meta.late.timing = META_TIMING.END
meta.late.set("links", lambda scan: {">signal": "measurement/diode", ">gone": "nowhere/at/all",
                                     ">other": "other.h5::/1.1"})
"""

FAMILIES = [
    "ct(0.1, diode)",
    "sct(0.1, diode, diode3)",
    "loopscan(5, 0.1, diode3)",
    "timescan(0.1, npoints=4)",
    "ascan(roby, 0, 1, 4, 0.1, diode, scan_info={'extra': {'x': 1}, 'loose': 5.5})",
    "a2scan(roby, 0, 1, robz, 0, 2, 4, 0.1, diode)",
    "dscan(roby, -1, 1, 4, 0.1)",
    "lookupscan([(roby, (0, 0.5, 2)), (robz, (0, 1, 2))], 0.1, diode)",
    "pointscan(roby, (0, 3, 5), 0.1)",
    "amesh(roby, 0, 1, 3, robz, 0, 1, 2, 0.1, diode)",
    "amesh(roby, 0, 1, 3, robz, 0, 1, 2, 0.1, diode3, backnforth=True)",
    "fscan(roby, 0, 1, 5, 0.1, diode)",
    "fmesh(roby, 0, 1, 4, robz, 0, 1, 2, 0.1, diode)",
]


@pytest.mark.parametrize("command", FAMILIES)
@pytest.mark.parametrize("metadata", ["", META], ids=["bare", "metadata"])
def test_live_and_stored_documents_are_equal(
    session: Session, listener: Listener, command: str, metadata: str
) -> None:
    session.run(metadata)
    session.host.configuration = {**session.host.configuration, "journal": "bench-2026-1234"}
    scan = session.run(command.replace("ct(0.1, diode)", "sct(0.1, diode)"))
    live = listener.scans[-1]
    assert live[0].number == 1
    check_same(live, stored_documents(scan.file))
    check_same(live, stored_documents(scan.file, 1, block=2))
    check_same(live, stored_documents(session.saving.master, 1))
    assert live[0].configuration["journal"] == "bench-2026-1234"
    saved = open_scan(scan.file)
    assert equal(plain(saved.info), plain(scan.info))
