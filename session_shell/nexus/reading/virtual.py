"""Virtual datasets whose source is gone: HDF5 gives zeros for it, which nobody has measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from session_shell.errors import ScanError


def check_sources(dataset: Any, first: int = 0, last: int | None = None) -> None:
    """Look whether the sources of the rows `first` to `last` (not included) are there.

    Raises:
        ScanError: When one is not, saying which.
    """
    if not dataset.is_virtual or not dataset.ndim:
        return
    last = len(dataset) if last is None else min(last, len(dataset))
    rows = range(first, last)
    for source in dataset.virtual_sources():
        for number, part in _blocks(source.vspace, len(dataset)):
            if part.start < rows.stop and rows.start < part.stop:
                # Of a series of sources one is named for each block.
                name = source.file_name.replace("%b", str(number)).replace("%%", "%")
                path = source.dset_name.replace("%b", str(number)).replace("%%", "%")
                _check_source(dataset, name, path, source.src_space)


def _blocks(space: Any, length: int) -> Iterator[tuple[int, range]]:
    """Yield the rows that a source fills; those of a series of sources block by block."""
    if space.is_regular_hyperslab():
        start, stride, count, block = (axis[0] for axis in space.get_regular_hyperslab())
        if count == h5py.h5s.UNLIMITED:
            for number in range(max(-(-(length - start) // stride), 0)):
                yield number, range(start + number * stride, start + number * stride + block)
            return
        if block == h5py.h5s.UNLIMITED:
            yield 0, range(start, length)
            return
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        yield 0, range(length)
        return
    low, high = space.get_select_bounds()
    yield 0, range(low[0], high[0] + 1)


def _check_source(dataset: Any, name: str, path: str, space: Any) -> None:
    if name == ".":
        _check_dataset(dataset, dataset.file, path, name, space)
        return
    for file in _candidates(Path(dataset.file.filename), name):
        if os.path.isfile(file):  # noqa: PTH113 - raises for no path
            try:
                opened = h5py.File(file, "r", locking=False)
            except OSError:
                opened = h5py.File(file, "r")  # this process writes it
            with opened:
                _check_dataset(dataset, opened, path, name, space)
            return
    raise ScanError(f"its data are gone: {dataset.name} links to {name}, which is not there")


def _candidates(path: Path, name: str) -> Iterator[str]:
    """Yield the files that HDF5 would try, in its order."""
    names = [name, os.path.basename(name)] if os.path.isabs(name) else [name]  # noqa: PTH117,PTH119
    prefix = os.environ.get("HDF5_VDS_PREFIX", "").replace("${ORIGIN}", str(path.parent))
    for one in names:
        for folder in (prefix, path.parent, "", os.path.dirname(os.path.realpath(path))):  # noqa: PTH120
            yield os.path.join(folder, one)  # noqa: PTH118


def _check_dataset(dataset: Any, file: Any, path: str, name: str, space: Any) -> None:
    """Look whether a source is in its file, and has the rows that are taken from it."""
    where = "the same file" if name == "." else name
    source = file.get(path)
    if not isinstance(source, h5py.Dataset):
        raise ScanError(f"its data are gone: {dataset.name} links to {path} in {where}, not there")
    if not source.ndim:
        return
    first, last = _selected(space, len(source))
    if last > len(source):
        raise ScanError(
            f"its data are gone: {dataset.name} links to {last} points of {path} in {where}, "
            f"which has {len(source)}"
        )
    check_sources(source, first, last)


def _selected(space: Any, length: int) -> tuple[int, int]:
    """Return the rows of a source of `length` that are taken, as they were when it was linked."""
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return 0, length
    if space.is_regular_hyperslab():
        _start, _stride, count, block = space.get_regular_hyperslab()
        if h5py.h5s.UNLIMITED in (*count, *block):
            return 0, length
    low, high = space.get_select_bounds()
    return low[0], high[0] + 1
