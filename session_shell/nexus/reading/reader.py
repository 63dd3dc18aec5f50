"""Read scan files, also while they grow: the shortest column counts, and a bad moment is retried.

Files are opened for each look and closed again, without a lock, so that nobody is kept from
finishing, moving or deleting them.
"""

from __future__ import annotations

import contextlib
import math
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from session_shell.devices.protocols import Channel, ChannelKind
from session_shell.errors import CommandError, ScanError
from session_shell.nexus.disk.filters import check_readable
from session_shell.nexus.disk.redo import roll_forward

_T = TypeVar("_T")

_WAITS = (0.01, 0.03, 0.1, 0.2, 0.4)
"""Seconds before the next try: a file that grows is unreadable for a moment, if at all."""
_ENTRY = re.compile(r"(\d+)\.(\d+)\Z")
_TIMES = ("elapsed_time", "epoch")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file for reading, whoever else has it open."""
    with contextlib.suppress(OSError, ValueError):
        roll_forward(path)  # an edit of it may have been killed
    with opened_as_it_is(path) as file:
        yield file


@contextlib.contextmanager
def opened_as_it_is(path: Path) -> Iterator[Any]:
    """Open a file for reading and change nothing, also when an edit of it was cut off."""
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError:
        # This process writes it: HDF5 wants both openings alike.
        file = h5py.File(path, "r")
    with file:
        yield file


def retried(path: Path, read: Callable[[Any], _T]) -> _T:
    """Return what `read` gives of the open file; try again when the file was in the way.

    Raises:
        ScanError: When the file is not there or stays unreadable.
    """
    for wait in (*_WAITS, None):
        try:
            with opened(path) as file:
                return read(file)
        except FileNotFoundError as error:
            raise ScanError(f"{path}: there is no such file (any more)") from error
        except IsADirectoryError as error:
            raise ScanError(f"{path}: is a folder, not a file") from error
        except PermissionError as error:
            raise ScanError(f"{path}: there is no permission to read it") from error
        except (OSError, RuntimeError, KeyError) as error:
            if wait is None or _is_no_hdf5(path):
                why = "is no HDF5 file" if _is_no_hdf5(path) else f"cannot be read: {error}"
                raise ScanError(f"{path}: {why}") from error
            time.sleep(wait)
    raise AssertionError("unreachable")


def _is_no_hdf5(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        return False
    # HDF5 may begin behind a block of the user; nobody writes scans so.
    return bool(head) and head != b"\x89HDF\r\n\x1a\n"


class StoredRows:
    """The rows of one scan in its file (`session_shell.scanning.columns.RowSource`)."""

    def __init__(self, path: Path, entry: int | str) -> None:
        self.path = path
        self.entry = entry if isinstance(entry, str) else f"{entry}.1"
        self._names: dict[str, str] = {}

    def rows(self) -> int:
        """Return how many points are in the file, those of the shortest column.

        Raises:
            ScanError: When the file cannot be read.
        """
        return retried(self.path, lambda file: count_rows(self._entry(file)))

    def read(self, channel: str, first: int, last: int) -> NDArray[Any]:
        """Return rows `first` to `last` (not included) of a channel; fewer when there are fewer.

        Raises:
            ScanError: When the file cannot be read.
        """

        def part(file: Any) -> NDArray[Any]:
            dataset = self._dataset(file, channel)
            if dataset.ndim > 1:
                check_readable(dataset)
            return np.asarray(dataset[first:last])

        return retried(self.path, part)

    def _entry(self, file: Any) -> Any:
        return file[self.entry]

    def _dataset(self, file: Any, channel: str) -> Any:
        entry = self._entry(file)
        if channel not in self._names:
            self._names = {original: name for name, original in column_names(entry).items()}
        return entry["measurement"][self._names[channel]]


def column_names(entry: Any) -> dict[str, str]:
    """Return the names of the columns in the file, and the names that they have for the user."""
    instrument = entry.get("instrument", {})
    names = {}
    for name, node in measurement(entry).items():
        if isinstance(node, h5py.Dataset) and node.ndim >= 1:
            group = instrument.get(name)
            names[name] = (
                text(group.attrs.get("original_name", name)) if group is not None else name
            )
    return names


def measurement(entry: Any) -> Any:
    """Return the group of the columns; an empty dict when the entry has none."""
    group = entry.get("measurement")
    return group if isinstance(group, h5py.Group) else {}


def count_rows(entry: Any) -> int:
    """Return the number of points in an entry, those of the shortest column."""
    datasets = [measurement(entry)[name] for name in column_names(entry)]
    rows = min((len(d) for d in datasets), default=0)
    acquired = number(entry, "scan/npoints_acquired")
    if "end_time" in entry and acquired is not None:
        return min(rows, int(acquired))
    # Before the first point every column holds one row of nothing.
    if rows == 1 and all(_is_nothing(measurement(entry), name) for name in _TIMES):
        return 0
    return rows


def _is_nothing(columns: Any, name: str) -> bool:
    return name not in columns or math.isnan(float(columns[name][0]))


def read_channels(entry: Any) -> tuple[Channel, ...]:
    """Return the columns of an entry, in the order in which the scan had them."""
    instrument = entry.get("instrument", {})
    names = column_names(entry)
    channels = [
        _channel(measurement(entry)[name], original, instrument.get(name))
        for name, original in names.items()
    ]
    stored = texts(entry, "scan/columns")
    order = {name: place for place, name in enumerate(stored)}
    kinds = {"time": 0, "axis": 1, "counter": 2}
    return tuple(sorted(channels, key=lambda c: (order.get(c.name, len(order)), kinds[c.kind])))


def _channel(dataset: Any, name: str, group: Any) -> Channel:
    kind: ChannelKind = "counter"
    device = mode = ""
    if isinstance(group, h5py.Group):
        kind = "axis" if text(group.attrs.get("NX_class", "")) == "NXpositioner" else "counter"
        device = str(value(group, "local_name") or "")
        mode = str(value(group, "parameters/mode") or "")
    if name in _TIMES:
        kind = "time"
    return Channel(
        name,
        kind,
        unit=text(dataset.attrs.get("units", "")),
        dtype=str(dataset.dtype),
        shape=tuple(dataset.shape[1:]),
        device=device if kind == "counter" else "",
        mode=mode,
    )


def entry_names(file: Any) -> list[str]:
    """Return the names of the scans of a file (``3.1``), by number; links are not followed."""
    names = [name for name in file if _ENTRY.match(name)]
    return sorted(names, key=lambda name: [int(part) for part in name.split(".")])


def choose_entry(file: Any, path: Path, wanted: int | str | None) -> str:
    """Return the name of the entry of a scan number.

    Raises:
        CommandError: When it is not there, or when there are several and none is asked for.
    """
    names = entry_names(file)
    if wanted is None and len(names) == 1:
        return names[0]
    if not names:
        raise CommandError(f"{path}: has no scan in it")
    there = f"{names[0]} to {names[-1]}" if len(names) > 1 else names[0]
    if wanted is None:
        raise CommandError(f"{path}: which scan? It has {len(names)}, {there}")
    name = wanted if isinstance(wanted, str) and "." in wanted else f"{wanted}.1"
    if name not in names:
        raise CommandError(f"{path}: has no scan {wanted}; it has {there}")
    return name


# Values


def text(stored: Any) -> str:
    """Return text, however it is stored."""
    if isinstance(stored, bytes):
        return stored.decode("utf-8", "backslashreplace")
    if isinstance(stored, np.ndarray) and stored.size == 1:
        return text(stored.ravel()[0])
    return str(stored)


def value(group: Any, path: str) -> Any:
    """Return a single stored value as plain Python, None when there is none."""
    node = group.get(path)
    return plain(node[()]) if isinstance(node, h5py.Dataset) and node.size == 1 else None


def number(group: Any, path: str) -> float | None:
    """Return a stored number, None when there is none."""
    found = value(group, path)
    is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
    return float(found) if is_number else None


def texts(group: Any, path: str) -> list[str]:
    """Return a stored list of texts, empty when there is none."""
    node = group.get(path)
    if not isinstance(node, h5py.Dataset):
        return []
    return [text(item) for item in np.ravel(node[()])]


def plain(stored: Any) -> Any:
    """Return a stored value as one has it in Python: text, numbers, lists of text, arrays."""
    if isinstance(stored, bytes):
        return text(stored)
    if isinstance(stored, np.ndarray) and stored.dtype.kind in "OS":
        decoded = [text(item) for item in stored.ravel()]
        return decoded if stored.ndim == 1 else _nested(decoded, stored.shape)
    if isinstance(stored, np.generic):
        return stored.item()
    if isinstance(stored, h5py.Empty):
        return None
    return stored


def _nested(flat: list[str], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    array = np.empty(len(flat), object)
    array[:] = flat
    return array.reshape(shape).tolist()
