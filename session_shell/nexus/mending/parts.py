"""The hidden copy that a killed process left beside a scan: used when it says more, else removed.

`.scan_0003.h5.part` is the whole file with its end when the kill came just before it would have
taken its name, or a piece of it when it came a little earlier. Before a scan has its first point
it is the file of the start.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from session_shell.nexus.disk.files import part_path, sync_folder
from session_shell.nexus.mending.crashed import is_ours
from session_shell.nexus.reading.reader import (
    column_names,
    count_rows,
    entry_names,
    measurement,
    opened_as_it_is,
)

_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError)
_BLOCK = 4 * 2**20
"""Bytes of a column that are compared at once."""


def settle_part(path: Path) -> list[str]:
    """Put the hidden copy in the place of its scan, or remove it; tell which.

    Only for who holds the lock of the scan. Nothing is removed that has a point which the scan
    file has not.
    """
    part = part_path(path)
    if not part.exists():
        return []
    if not _is_whole(part):
        part.unlink()
        return ["a hidden copy that was cut off is removed"]
    if not path.exists():
        _take_place(part, path)
        return ["got its name: its session died as it began"]
    if _says_more(part, path):
        _take_place(part, path)
        return ["the end that was written beside it took its place"]
    if _says_more(path, part, ended=False):
        part.unlink()
        return ["a hidden copy without anything new is removed"]
    return [f"{part.name} is another scan: kept as {_put_aside(part, path)}"]


def _take_place(part: Path, path: Path) -> None:
    fd = os.open(part, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(part, path)  # noqa: PTH105
    sync_folder(path.parent)


def _put_aside(part: Path, path: Path) -> str:
    aside, number = path.with_name(f"{path.name}.other"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.other{number}")
    os.rename(part, aside)  # noqa: PTH104
    return aside.name


def _is_whole(part: Path) -> bool:
    """Tell whether everything in a file can be read."""
    try:
        with opened_as_it_is(part) as file:
            if not is_ours(file) or not entry_names(file):
                return False
            file.visititems(_read)
    except _ERRORS:
        return False
    return True


def _read(_name: str, node: Any) -> None:
    if hasattr(node, "shape"):
        for _ in _blocks(node):
            pass


def _says_more(new: Path, old: Path, *, ended: bool = True) -> bool:
    """Tell whether `new` is the scan of `old` with all its points, and with an end."""
    try:
        with opened_as_it_is(new) as left, opened_as_it_is(old) as right:
            names = entry_names(left)
            if names != entry_names(right):
                return False
            return all(
                ("end_time" in left[name] or not ended) and _has_points(left[name], right[name])
                for name in names
            )
    except _ERRORS:
        return False


def _has_points(left: Any, right: Any) -> bool:
    uid = "entry_identifier_uuid"
    if left[uid][()] != right[uid][()] or column_names(left) != column_names(right):
        return False
    rows = count_rows(right)
    if count_rows(left) < rows:
        return False
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        for name in column_names(right)
        for a, b in zip(
            _blocks(measurement(left)[name], rows),
            _blocks(measurement(right)[name], rows),
            strict=True,
        )
    )


def _blocks(dataset: Any, rows: int | None = None) -> Any:
    """Yield what is in a dataset, block by block."""
    if dataset.ndim == 0:
        yield dataset[()]
        return
    rows = len(dataset) if rows is None else rows
    size = max(1, _BLOCK // max(1, dataset.dtype.itemsize * int(np.prod(dataset.shape[1:]))))
    for first in range(0, rows, size):
        yield dataset[first : min(first + size, rows)]
