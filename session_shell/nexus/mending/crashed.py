"""Give a scan whose process died an end: what is changed inside its file."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5g
from numpy.typing import NDArray

from session_shell.clock import iso_time
from session_shell.nexus.disk.filters import check_readable
from session_shell.nexus.disk.hdf5 import edit_root, write_attribute
from session_shell.nexus.reading.reader import (
    column_names,
    count_rows,
    entry_names,
    measurement,
    opened_as_it_is,
    text,
    value,
)
from session_shell.nexus.tree.nodes import Group, Mesh, new_group
from session_shell.nexus.writing.columns import mesh_pieces
from session_shell.scanning.documents import EndReason

BEYOND = "beyond_last_point"
"""Group below `scan`: rows of columns that were longer than the shortest."""


@dataclass(slots=True)
class Ending:
    """What was found and done in a file."""

    points: int = 0
    notes: list[str] = field(default_factory=list)


def is_ours(file: Any) -> bool:
    """Tell whether this program wrote an open file."""
    return text(file.attrs.get("creator", "")) == "session-shell"


def count_points(path: Path) -> int:
    """Return the points of the scans in a file that have no end."""
    with opened_as_it_is(path) as file:
        return sum(count_rows(file[name]) for name in open_entries(file))


def open_entries(file: Any) -> list[str]:
    """Return the entries of an open file that have no end; links to other files do not count."""
    own = [n for n in entry_names(file) if isinstance(file.get(n, getlink=True), h5py.HardLink)]
    return [name for name in own if "end_time" not in file[name]]


def end_entries(root: Any, why: str) -> Ending:
    """Finish all entries of an open file that have no end; points are never changed.

    Args:
        root: The root group, writable.
        why: What the file is to say about the end, in one line.
    """
    ending = Ending()
    for name in open_entries(root):
        entry = root[name]
        points = count_rows(entry)
        ending.points += points
        ending.notes.append(f"end_reason CRASHED, {points} point{'' if points == 1 else 's'}")
        _even_out(entry, points, ending.notes)
        _fill_meshes(entry, points, ending.notes)
        _write_end(root, name, points, why)
    return ending


# Columns


def _even_out(entry: Any, points: int, notes: list[str]) -> None:
    """Give all columns the length of the shortest; what is beyond is kept in a group."""
    columns = {name: measurement(entry)[name] for name in column_names(entry)}
    rows = max(points, 1)  # without points every column holds one row of nothing
    longer = {name: column for name, column in columns.items() if len(column) > rows}
    if not longer:
        return
    kept, most = new_group(), 0
    kept.attributes["first_row"] = np.asarray(points)
    for name, column in longer.items():
        if column.ndim > 1:
            check_readable(column)
        more = column[points:]
        kept.put(name, more)
        most = max(most, len(more))
        column.resize(rows, axis=0)
    _put(entry.file, entry.name, {"scan": {BEYOND: kept}})
    notes.append(f"{len(longer)} columns had up to {most} rows more: kept in scan/{BEYOND}")


def _fill_meshes(entry: Any, points: int, notes: list[str]) -> None:
    """Make the 2-D plots hold what the columns hold."""
    backnforth = bool(value(entry, "scan/backnforth"))
    plot = entry.get("plot")
    for name in plot if isinstance(plot, h5py.Group) else ():
        mesh, column = plot[name], measurement(entry).get(name)
        if column is None or column.ndim != 1 or mesh.ndim < 2:
            continue
        wanted = np.full(mesh.shape, np.nan)
        pieces = mesh_pieces(Mesh(0, mesh.shape, backnforth), 0, _floats(column[:points]))
        for where, piece in pieces:
            line: Any = (*where[:-1], slice(where[-1], where[-1] + len(piece)))
            wanted[line] = piece
        if not np.array_equal(wanted, mesh[()], equal_nan=True):
            mesh[...] = wanted
            notes.append(f"plot/{name} filled from the points")


def _floats(column: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(column, float)


# The end


def _write_end(root: Any, name: str, points: int, why: str) -> None:
    entry = root[name]
    start, end = _start(entry), _end(entry, points)
    scan: dict[str, Any] = {
        "npoints_acquired": points,
        "end_reason": str(EndReason.CRASHED),
        "end_epoch": end,
        "error": why,
        "repaired": iso_time(time.time()),
    }
    if start is not None:
        scan["duration"] = end - start
    fields = {
        "end_time": iso_time(end),
        "end_reason": str(EndReason.CRASHED),
        "scan": scan,
    }
    _put(root, entry.name, fields)
    for seconds in ("end_epoch", "duration"):
        if seconds in scan:
            root[name]["scan"][seconds].attrs["units"] = "s"
    write_attribute(h5g.open(root.id, b"/"), "file_update_time", iso_time(time.time()))


def _start(entry: Any) -> float | None:
    exact = entry.get("scan/start_epoch")
    if isinstance(exact, h5py.Dataset):
        return float(exact[()])
    return _seconds(entry.get("start_time"))


def _end(entry: Any, points: int) -> float:
    """Return the time of the last point; without points that of the start."""
    start = _start(entry) or 0.0
    if not points:
        return start
    for name, since in (("epoch", 0.0), ("elapsed_time", start)):
        column = measurement(entry).get(name)
        if column is not None and math.isfinite(last := float(column[points - 1])):
            return since + last
    return start


def _seconds(node: Any) -> float | None:
    """Return a stored time from its text."""
    if not isinstance(node, h5py.Dataset):
        return None
    try:
        return datetime.fromisoformat(text(node[()])).timestamp()
    except ValueError:
        return None


def _put(root: Any, path: str, fields: dict[str, Any]) -> None:
    """Write fields (and groups of them) below `path`; one that is there is replaced."""
    old, new = Group(), Group()
    before, after = old, new
    for part in path.strip("/").split("/"):
        before, after = before.group(part), after.group(part)
    _plan(root[path], fields, before, after)
    edit_root(root.id, old, new)


def _plan(place: Any, fields: dict[str, Any], old: Group, new: Group) -> None:
    for name, field_value in fields.items():
        there = place.get(name)
        if isinstance(field_value, dict) and isinstance(there, h5py.Group):
            _plan(there, field_value, old.group(name), new.group(name))
            continue
        if there is not None:
            del place[name]
        if isinstance(field_value, dict):
            _plan({}, field_value, Group(), new.group(name))
        elif isinstance(field_value, Group):
            new.items[name] = field_value
        else:
            new.put(name, field_value)
