"""Append blocks of rows to the datasets of an open HDF5 file."""

from __future__ import annotations

from typing import Any

import numpy as np
from h5py import h5d, h5f, h5s
from numpy.typing import NDArray

from session_shell.nexus.writing.columns import Columns, mesh_pieces


class Streams:
    """The growing datasets of one open file."""

    def __init__(self, file: Any, columns: Columns) -> None:
        self.file = file
        self._columns = columns
        self._datasets = [h5d.open(file, path.encode()) for path, _ in columns.streams]
        by_channel = {stream.channel: i for i, (_, stream) in enumerate(columns.streams)}
        self._meshes = [
            (h5d.open(file, path.encode()), mesh, by_channel[mesh.channel])
            for path, mesh in columns.meshes
            if mesh.channel in by_channel
        ]

    def write(self, first: int, block: list[NDArray[Any]]) -> None:
        """Write rows `first`, `first + 1`, ... of every column."""
        for dataset, values in zip(self._datasets, block, strict=True):
            _write_rows(dataset, first, values)
        for dataset, mesh, index in self._meshes:
            for where, piece in mesh_pieces(mesh, first, block[index]):
                _write_line(dataset, where, piece)

    def flush(self) -> None:
        """Hand everything to the operating system."""
        h5f.flush(self.file)

    def set_length(self, rows: int) -> None:
        """Give all columns the same length (one row of NaN when nothing was taken)."""
        for dataset in self._datasets:
            if dataset.shape[0] != max(rows, 1):
                dataset.set_extent((max(rows, 1), *dataset.shape[1:]))

    def length(self) -> int:
        """Return the length of the shortest column."""
        return min((dataset.shape[0] for dataset in self._datasets), default=0)

    def close(self) -> None:
        """Close the datasets and the file."""
        self._datasets.clear()
        self._meshes.clear()
        self.file.close()


def _write_rows(dataset: Any, first: int, values: NDArray[Any]) -> None:
    end = first + len(values)
    if dataset.shape[0] < end:
        dataset.set_extent((end, *values.shape[1:]))
    if values.size:
        _write_slab(dataset, (first, *(0 for _ in values.shape[1:])), values)


def _write_line(dataset: Any, where: tuple[int, ...], values: NDArray[Any]) -> None:
    shape = (*(1 for _ in where[:-1]), len(values))
    _write_slab(dataset, where, np.asarray(values, float).reshape(shape))


def _write_slab(dataset: Any, start: tuple[int, ...], values: NDArray[Any]) -> None:
    space = dataset.get_space()
    space.select_hyperslab(start, values.shape)
    dataset.write(h5s.create_simple(values.shape), space, values)
