"""Files that are shorter than they say: made as long again when all their points are there.

HDF5 may announce a length, and the disk refuses what was to come up to there. What is in the file
is whole then, and only the length keeps it from being opened. Of a file that was cut off, points
may be missing: these would read as zeros, so rows that lie beyond the end are not kept.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py

from session_shell.nexus.disk.superblock import end_of_content, missing_bytes

_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError)


def lengthen(path: Path) -> list[str]:
    """Make a file as long as it says; return what was done, nothing if that does not help.

    Raises:
        OSError: When the file cannot be written.
    """
    missing = missing_bytes(path)
    if not missing:
        return []
    size = path.stat().st_size
    with path.open("rb") as stream:
        end = end_of_content(stream.read(64)) or 0
    os.truncate(path, end)
    try:
        with h5py.File(path, "r+", locking=False) as file:
            lost = _cut_rows(file, size)
    except _ERRORS:
        os.truncate(path, size)
        return []
    more = f"; {lost} rows that the disk did not take are left out" if lost else ""
    return [f"made {missing} bytes longer, as long as it says{more}"]


def _cut_rows(file: Any, size: int) -> int:
    """Take rows away that lie behind the former end of a file; return how many at most.

    Raises:
        ValueError: When something else lies there.
    """
    lost = 0
    datasets: list[Any] = []
    file.visititems(
        lambda _, node: datasets.append(node) if isinstance(node, h5py.Dataset) else None
    )
    for dataset in datasets:
        first = _first_lost_row(dataset, size)
        if first is None:
            continue
        if first == 0 or dataset.maxshape[0] is not None:
            raise ValueError(f"{dataset.name} lies behind the end")
        lost = max(lost, len(dataset) - first)
        dataset.resize(first, axis=0)
    return lost


def _first_lost_row(dataset: Any, size: int) -> int | None:
    """Return the first row of a dataset with a byte behind `size`, None when there is none."""
    if dataset.chunks is None:
        offset = dataset.id.get_offset()
        behind = offset is not None and offset + dataset.id.get_storage_size() > size
        return 0 if behind else None
    chunks = [dataset.id.get_chunk_info(n) for n in range(dataset.id.get_num_chunks())]
    behind_rows = [c.chunk_offset[0] for c in chunks if c.byte_offset + c.size > size]
    return min(behind_rows, default=None)
