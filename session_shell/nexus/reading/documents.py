"""The documents of a scan from its file, equal to those that it sent while it ran."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py

from session_shell.errors import CommandError
from session_shell.nexus.layout.record import noted_channels
from session_shell.nexus.metadata.python_values import items_of
from session_shell.nexus.reading.reader import (
    column_names,
    count_rows,
    entry_of,
    number,
    plain,
    read_channels,
    read_part,
    read_seconds,
    retried,
    text,
    value,
)
from session_shell.nexus.reading.reader import texts as stored_texts
from session_shell.nexus.reading.saved import SavedScan, open_scan, read_comments
from session_shell.nexus.reading.saved_info import (
    read_info,
    read_info_at_start,
    read_parameters,
    read_record,
)
from session_shell.scanning.column_types import column_dtype
from session_shell.scanning.documents import (
    EndReason,
    MetadataFailure,
    Pause,
    Position,
    Rows,
    ScanEnded,
    ScanStarted,
)

_ROWS = 8192
"""Points in a block: those of a chunk in the file."""
_BYTES = 8 * 2**20
"""Bytes in a block."""

Document = ScanStarted | Rows | ScanEnded


def stored_documents(
    path: Path | str, entry: int | str | None = None, block: int = _ROWS
) -> Iterator[Document]:
    """Give the documents of a saved scan: the start, its points in blocks, and the end.

    Equal to those of the live scan; only the points come in other blocks. A scan that runs, or
    whose session was killed, has no end: what is there now is given, and no `ScanEnded`. Of a
    file of another program (BLISS) there is as much as it tells.

    Args:
        path: Scan file, master file, file of BLISS, or a folder of scans.
        entry: Scan number, needed where there are several.
        block: Points in a block at most; fewer of large images, so that memory is bounded.

    Raises:
        CommandError: When there is no such scan, or `block` is no number above zero.
        ScanError: When the file cannot be read.

    Example:
        ``for document in stored_documents("data/demo/scan_0012.h5"): print(document)``
    """
    if type(block) is not int or block < 1:
        raise CommandError(f"stored_documents: block must be a number above zero, got {block!r}")
    scan = open_scan(path, entry)
    return _documents(scan, block)


def _documents(scan: SavedScan, block: int) -> Iterator[Document]:
    started = read_started(scan)
    yield started
    yield from read_rows(scan, started, block)
    ended = read_ended(scan)
    if ended is not None:
        yield ended


def read_started(scan: SavedScan) -> ScanStarted:
    """Return the first document of a saved scan."""
    return retried(scan.file, lambda file: _started(scan, entry_of(file, scan.entry)))


def read_ended(scan: SavedScan) -> ScanEnded | None:
    """Return the last document of a saved scan, None while it has no end."""
    return retried(scan.file, lambda file: _ended(entry_of(file, scan.entry)))


def read_rows(scan: SavedScan, started: ScanStarted, block: int = _ROWS) -> Iterator[Rows]:
    """Give all points that are in the file now, in blocks of bounded size."""
    row_bytes = sum(column_dtype(c).itemsize * max(math.prod(c.shape), 1) for c in started.channels)
    size = max(1, min(block, _BYTES // max(row_bytes, 1)))
    first, total = 0, scan.rows.rows()
    while first < total:
        rows = _read_block(scan, started, first, min(first + size, total))
        if rows.count == 0:
            return
        yield rows
        first += rows.count
        if first >= total:
            total = scan.rows.rows()  # it may have grown, or come to its end


def _read_block(scan: SavedScan, started: ScanStarted, first: int, last: int) -> Rows:
    def read(file: Any) -> Rows:
        entry = entry_of(file, scan.entry)
        names = {original: name for name, original in column_names(entry).items()}
        columns = []
        for channel in started.channels:
            dataset = entry["measurement"][names[channel.name]]
            columns.append(read_part(dataset, first, last))
        count = min((len(column) for column in columns), default=0)
        return Rows(first, count, _cut(columns, count))

    return retried(scan.file, read)


def _cut(columns: list[Any], count: int) -> tuple[Any, ...]:
    return tuple(column[:count] for column in columns)


# The start


def _started(scan: SavedScan, entry: Any) -> ScanStarted:
    record = read_record(entry)
    is_ours = record is not None
    record = record or {}
    parameters = read_parameters(entry)
    layout = scan.layout
    texts = _texts(entry, scan) | noted_texts(record)
    failures = _failures(entry)
    comments = tuple(read_comments(entry))
    return ScanStarted(
        uid=texts["uid"],
        number=scan.number,
        type=texts["type"],
        name=texts["name"],
        title=texts["title"],
        time=read_seconds(entry, "start_time") or 0.0,
        npoints=scan.npoints,
        shape=layout.shape if not is_ours or "scan/shape" in entry else (),
        count_time=_count_time(entry),
        channels=_channels(entry, record),
        axes=layout.axes,
        grid=layout.grid,
        backnforth=layout.backnforth,
        plot=layout.plot,
        parameters=parameters,
        metadata=read_info_at_start(entry),
        positions=_positions(entry, "start", record),
        failures=failures[: _count(record, "failures")] if _is_over(entry) else failures,
        comments=comments[: _count(record, "comments")] if _is_over(entry) else comments,
        file=scan.file,
        session=texts["session"],
        user=texts["user"],
        host=texts["host"],
        command=texts["command"],
        sequence=next(iter(stored_texts(entry, "scan/sequences")), ""),
        configuration=texts.get("configuration") or _configuration(entry, record),
    )


def noted_texts(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the texts that could not be stored as they are."""
    return {
        name: text
        for name, text in _dict(record, "texts").items()
        if isinstance(text, dict if name == "configuration" else str)
    }


def _dict(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def _count(record: Mapping[str, Any], name: str) -> int | None:
    """Return how many there were at the start; None: all, since the end is that of a repair."""
    found = record.get(name)
    return found if isinstance(found, int) else None


def _is_over(entry: Any) -> bool:
    return "end_time" in entry


def _texts(entry: Any, scan: SavedScan) -> dict[str, str]:
    places = {
        "uid": "entry_identifier_uuid",
        "session": "session/name",
        "user": "session/user",
        "host": "session/host",
        "command": "scan/command",
    }
    found = {key: str(value(entry, path) or "") for key, path in places.items()}
    found["user"] = found["user"] or str(value(entry, "user/name") or "")
    return found | {"type": scan.type, "name": scan.name, "title": scan.title}


def _count_time(entry: Any) -> float:
    for path in ("scan/count_time", "scan_parameters/count_time"):
        found = number(entry, path)
        if found is not None:
            return found
    return 0.0


def _channels(entry: Any, record: Mapping[str, Any]) -> tuple[Any, ...]:
    noted = noted_channels(record)
    return tuple(noted.get(i, channel) for i, channel in enumerate(read_channels(entry)))


def _positions(entry: Any, when: str, record: Mapping[str, Any]) -> dict[str, Position]:
    """Return where all axes stood at the start or the end."""
    user = entry.get(f"instrument/positioners_{when}")
    dial = entry.get(f"instrument/positioners_dial_{when}")
    if not isinstance(user, h5py.Group):
        return {}
    units = _dict(record, "units")
    found = {}
    for name, node in user.items():
        if not isinstance(node, h5py.Dataset) or node.size != 1:
            continue
        axis = text(node.attrs.get("original_name", name))
        stood = _float(node)
        below = dial.get(name, node) if isinstance(dial, h5py.Group) else node
        unit = text(node.attrs.get("units", ""))
        error = text(node.attrs.get("error", ""))
        found[axis] = Position(stood, _float(below), units.get(axis, unit), error)
    return found


def _float(node: Any) -> float:
    try:
        return float(plain(node[()]))
    except (TypeError, ValueError):
        return math.nan


def _failures(entry: Any) -> tuple[MetadataFailure, ...]:
    return tuple(
        MetadataFailure(
            *(str(value(one, key) or "") for key in ("source", "category", "timing", "message"))
        )
        for one in _groups(entry, "scan/metadata_failures")
    )


def _groups(entry: Any, path: str) -> list[Any]:
    """Return the groups ``..._01``, ``..._02``, ... below a path, in order."""
    group = entry.get(path)
    if not isinstance(group, h5py.Group):
        return []
    names = sorted(group, key=lambda name: (len(name), text(name)))
    return [group[name] for name in names if isinstance(group[name], h5py.Group)]


def _configuration(entry: Any, record: Mapping[str, Any]) -> dict[str, str]:
    session = entry.get("session")
    if not isinstance(session, h5py.Group):
        return {}
    metadata = items_of(_dict(record, "metadata"))  # a category may have that name too
    return {
        text(node.attrs.get("original_name", name)): str(plain(node[()]))
        for name, node in session.items()
        if name not in ("name", "user", "host") and f"session/{name}" not in metadata
        if isinstance(node, h5py.Dataset)
    }


# The end


def _ended(entry: Any) -> ScanEnded | None:
    if not _is_over(entry):
        return None
    record = read_record(entry) or {}
    texts = noted_texts(record)
    return ScanEnded(
        uid=texts.get("uid") or str(value(entry, "entry_identifier_uuid") or ""),
        time=read_seconds(entry, "end_time") or 0.0,
        reason=_reason(entry),
        npoints=count_rows(entry),
        metadata=read_info(entry),
        positions=_positions(entry, "end", record),
        failures=_failures(entry),
        comments=tuple(read_comments(entry)),
        error=texts.get("error") or str(value(entry, "scan/error") or ""),
        counting=number(entry, "scan/counting_time") or 0.0,
        moving=number(entry, "scan/moving_time") or 0.0,
        pauses=_pauses(entry),
    )


def _reason(entry: Any) -> EndReason:
    """Return why it is over; what other programs say is a success unless it has a known name."""
    try:
        return EndReason(str(value(entry, "end_reason") or "SUCCESS"))
    except ValueError:
        return EndReason.SUCCESS


def _pauses(entry: Any) -> tuple[Pause, ...]:
    return tuple(
        Pause(
            read_seconds(one, "time") or 0.0,
            str(value(one, "reason") or ""),
            number(one, "duration") or 0.0,
        )
        for one in _groups(entry, "scan/pauses")
    )
