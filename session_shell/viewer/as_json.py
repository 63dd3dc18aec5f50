"""A scan, or a list of scans, as JSON: one line each, in pieces so that memory is bounded.

The form is described in docs/reference/command-line.md. It is valid JSON whatever was measured:
NaN and infinities are ``null``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from session_shell.clock import iso_time
from session_shell.devices.protocols import Channel
from session_shell.nexus import SavedScan
from session_shell.nexus.reading.documents import read_ended, read_started
from session_shell.nexus.reading.facts import read_facts
from session_shell.nexus.reading.listing import Glance
from session_shell.scanning.documents import ScanEnded, ScanStarted
from session_shell.viewer.points import Selection, blocks
from session_shell.viewer.statistics import statistics

SCAN_SCHEMA = "session-shell/scan/1"
LIST_SCHEMA = "session-shell/list/1"
_LARGEST = 2**53
"""Whole numbers above it are not read exactly by others than Python: they become text."""


def scan_json(scan: SavedScan, selection: Selection) -> Iterator[str]:
    """Yield a scan as one line of JSON, in pieces.

    Columns of numbers have their ``values``, spectra and images only when they are named.

    Raises:
        CommandError: When there is no such column.
        ScanError: When the file cannot be read.
    """
    channels = selection.channels(scan.data.channels)
    points = selection.range(scan.data.npoints)
    head = _head(scan, read_started(scan), read_ended(scan))
    head["points"] = {"first": points.start, "stop": points.stop, "step": points.step}
    yield _dumped(head)[:-1] + ', "columns": ['
    for number, channel in enumerate(channels):
        yield ", " if number else ""
        yield from _column(scan, channel, points, bool(selection.columns) or not channel.shape)
    yield "]}\n"


def _head(scan: SavedScan, started: ScanStarted, ended: ScanEnded | None) -> dict[str, Any]:
    facts = read_facts(scan.file, scan.entry)
    last = ended or started
    return {
        "schema": SCAN_SCHEMA,
        "file": str(scan.file),
        "entry": scan.entry,
        "number": scan.number,
        "uid": started.uid,
        "type": scan.type,
        "title": scan.title,
        "outcome": facts.outcome,
        "error": scan.error,
        "start_time": _time(scan.start_time),
        "end_time": _time(scan.end_time),
        "duration": scan.duration,
        "npoints": scan.data.npoints,
        "npoints_asked": scan.npoints,
        "axes": list(scan.layout.axes),
        "shape": list(scan.layout.shape),
        "session": started.session,
        "user": started.user,
        "host": started.host,
        "command": started.command,
        "program": facts.program,
        "comments": [{"time": _time(c.time), "text": c.text} for c in last.comments],
        "positions": _positions(started, ended),
        "parameters": started.parameters,
        "metadata": last.metadata,
        "metadata_failures": [
            {"source": f.source, "category": f.category, "timing": f.timing, "message": f.message}
            for f in last.failures
        ],
        "metadata_warnings": list(facts.warnings),
    }


def _positions(started: ScanStarted, ended: ScanEnded | None) -> dict[str, Any]:
    found = {}
    at_end = ended.positions if ended is not None else {}
    for name, before in started.positions.items():
        after = at_end.get(name)
        found[name] = {
            "unit": before.unit,
            "start": before.user,
            "dial_start": before.dial,
            "end": None if after is None else after.user,
            "dial_end": None if after is None else after.dial,
        }
    return found


def _column(scan: SavedScan, channel: Channel, points: range, whole: bool) -> Iterator[str]:
    found = statistics(scan, channel, points.start, max(points.stop, points.start))
    about = {
        "name": channel.name,
        "kind": channel.kind,
        "unit": channel.unit,
        "dtype": channel.dtype,
        "shape": list(channel.shape),
        "min": found.minimum,
        "max": found.maximum,
        "mean": found.mean,
    }
    if found.problem or not whole:
        yield _dumped(about | ({"problem": found.problem} if found.problem else {}))
        return
    yield _dumped(about)[:-1] + ', "values": ['
    first = True
    for rows in blocks(scan, [channel], points):
        yield "" if first else ", "
        yield _dumped(rows.columns[0])[1:-1]
        first = False
    yield "]}"


def glance_json(found: Glance) -> str:
    """Return what is listed of a scan as one line of JSON."""
    about = {
        "schema": LIST_SCHEMA,
        "file": str(found.place.file),
        "entry": found.place.entry,
        "title": found.title,
        "outcome": found.outcome,
        "start_time": _time(found.start),
        "duration": found.duration,
        "npoints": found.points,
        "npoints_asked": found.asked,
        "problem": found.problem or None,
    }
    return _dumped(about) + "\n"


def _time(moment: float | None) -> str | None:
    return None if moment is None or not math.isfinite(moment) else iso_time(moment)


def _dumped(value: Any) -> str:
    # Text that is not valid UTF-8 (names of files) is written with its bytes as \udcXX.
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(below) for key, below in value.items()}
    if isinstance(value, np.ndarray):
        return _plain_array(value)
    if isinstance(value, np.generic):
        return _plain(_python(value))
    if isinstance(value, (str, bool)) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, complex):
        return [_plain(value.real), _plain(value.imag)]
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [_plain(below) for below in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def _python(value: Any) -> Any:
    if isinstance(value, np.floating):  # `item` of a long double is one again
        return float(value)
    return complex(value) if isinstance(value, np.complexfloating) else value.item()


def _plain_array(values: Any) -> Any:
    kind = values.dtype.kind
    if kind in "fc" and values.dtype.char in "gG":
        values = values.astype(float if kind == "f" else complex)
    if kind == "b" or (kind == "f" and np.isfinite(values).all()):
        return values.tolist()
    if kind in "iu" and values.itemsize < 8:
        return values.tolist()
    return [_plain(below) for below in values] if values.ndim else _plain(values.item())
