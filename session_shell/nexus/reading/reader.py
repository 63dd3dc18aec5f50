"""Read scan files, also while they grow: the shortest column counts, and a bad moment is retried.

Files are opened for each look and closed again, without a lock, so that nobody is kept from
finishing, moving or deleting them.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from session_shell.devices.protocols import Channel, ChannelKind
from session_shell.errors import CommandError, ScanError, SessionShellError
from session_shell.nexus.disk.files import is_device
from session_shell.nexus.disk.filters import check_readable
from session_shell.nexus.disk.redo import roll_forward
from session_shell.nexus.reading.virtual import check_sources

_T = TypeVar("_T")

_WAITS = (0.01, 0.03, 0.1, 0.2, 0.4)
"""Seconds before the next try: a file that grows is unreadable for a moment, if at all."""
_OLD = 60.0
"""Seconds without a change after which a file does not grow: what is wrong with it stays."""
_ENTRY = re.compile(r"\d+\.\d+\Z")
_LINKED = re.compile(r".+_\d+\.\d+\Z")
"""How BLISS names links to the scans of several files: ``sample_0001_3.1``."""
_DIGITS = re.compile(r"(\d+)")
_TIMES = ("elapsed_time", "epoch")
_MOST = 2**27
"""Bytes of a single value of metadata that are read."""
_MOST_ROWS = 2**32
"""Bytes of a column that are read at once."""
_EARLIEST, _LATEST = -62135510400.0, 253402214400.0
"""The second day of year 1 and the last but one of 9999: times that every time zone can show."""
_LARGEST = 2.0**62
"""Above it a stored number counts nothing."""


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
    if is_device(path):  # opening a pipe waits for ever
        raise OSError(errno.ENODEV, "it is a pipe or a device, not a regular file")
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError:
        # This process writes it: HDF5 wants both openings alike.
        file = h5py.File(path, "r")
    with file:
        yield file


def retried(path: Path, read: Callable[[Any], _T]) -> _T:
    """Return what `read` gives of the open file; try again when the file was in the way.

    Files of others may hold anything: whatever cannot be read is a `ScanError` of this file.

    Raises:
        ScanError: When the file is not there, stays unreadable, or is not laid out as a scan.
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
        except ScanError as error:
            raise _of_file(path, error) from error
        except SessionShellError:
            raise
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            if wait is None or _is_hopeless(path):
                why = "is no HDF5 file" if _is_no_hdf5(path) else f"cannot be read: {error}"
                raise ScanError(f"{path}: {why}") from error
            time.sleep(wait)
        except Exception as error:
            raise ScanError(
                f"{path}: cannot be read: {str(error) or type(error).__name__}"
            ) from error
    raise AssertionError("unreachable")


def _of_file(path: Path, error: ScanError) -> ScanError:
    told = str(error)
    return error if told.startswith(f"{path}: ") else ScanError(f"{path}: {told}")


def _is_hopeless(path: Path) -> bool:
    """Tell whether waiting is of no use: no HDF5 file, or nobody has written it for long."""
    try:
        quiet = time.time() - path.stat().st_mtime
    except OSError:
        quiet = 0.0
    return quiet > _OLD or _is_no_hdf5(path)


def _is_no_hdf5(path: Path) -> bool:
    if is_device(path):
        return False
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
        self._names: dict[str, Any] = {}

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

        return retried(self.path, lambda file: read_part(self._dataset(file, channel), first, last))

    def _entry(self, file: Any) -> Any:
        return entry_of(file, self.entry)

    def _dataset(self, file: Any, channel: str) -> Any:
        entry = self._entry(file)
        if channel not in self._names:
            self._names = {original: name for name, original in column_names(entry).items()}
        return entry["measurement"][self._names[channel]]


def entry_of(file: Any, name: str) -> Any:
    """Return the entry of a scan.

    Raises:
        ScanError: When there is something else of that name.
    """
    node = file[name]
    if not isinstance(node, h5py.Group):
        raise ScanError(f"{name} is a {type(node).__name__.lower()}, not the group of a scan")
    return node


def is_ours(entry: Any) -> bool:
    """Tell whether this program wrote an entry: then a lock says whether it is being written."""
    return bool(value(entry, "program_name") == "session-shell")


def column_names(entry: Any) -> dict[Any, str]:
    """Return the names of the columns in the file, and the names that they have for the user.

    One that is not UTF-8 is bytes in the file.
    """
    instrument = _group(entry, "instrument")
    names = {}
    for name, node in measurement(entry).items():
        if isinstance(node, h5py.Dataset) and node.ndim >= 1:
            group = instrument.get(name)
            names[name] = text(name if group is None else group.attrs.get("original_name", name))
    return names


def measurement(entry: Any) -> Any:
    """Return the group of the columns; an empty dict when the entry has none."""
    return _group(entry, "measurement")


def _group(entry: Any, name: str) -> Any:
    group = entry.get(name)
    return group if isinstance(group, h5py.Group) else {}


def count_rows(entry: Any) -> int:
    """Return the number of points in an entry, those of the shortest column."""
    datasets = [measurement(entry)[name] for name in column_names(entry)]
    rows = min((len(d) for d in datasets), default=0)
    acquired = whole(entry, "scan/npoints_acquired")
    if "end_time" in entry and acquired is not None:
        return min(rows, max(acquired, 0))
    # Before the first point every column of ours holds one row of nothing.
    if rows == 1 and is_ours(entry) and all(_is_nothing(measurement(entry), t) for t in _TIMES):
        return 0
    return rows


def _is_nothing(columns: Any, name: str) -> bool:
    return name not in columns or math.isnan(float(columns[name][0]))


def read_channels(entry: Any) -> tuple[Channel, ...]:
    """Return the columns of an entry, in the order in which the scan had them."""
    instrument = _group(entry, "instrument")
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
        dtype=type_name(dataset),
        shape=tuple(dataset.shape[1:]),
        device=device if kind == "counter" else "",
        mode=mode,
    )


def entry_names(file: Any) -> list[str]:
    """Return the names of the scans of a file (``3.1``), by number; links are not followed."""
    names = [name for name in file if isinstance(name, str)]
    linked = [name for name in names if _LINKED.match(name) and _is_external(file, name)]
    return sorted([*filter(_ENTRY.match, names), *linked], key=natural)


def _is_external(file: Any, name: str) -> bool:
    return isinstance(link_of(file, name), h5py.ExternalLink)


def link_of(group: Any, name: str | bytes) -> Any:
    """Return the link of that name: an `h5py.ExternalLink`, `SoftLink` or `HardLink`.

    A fifth of the time that h5py takes, and for names that are not UTF-8 too, which are bytes.
    """
    raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    links = group.id.links
    kind = links.get_info(raw).type
    if kind == h5py.h5l.TYPE_EXTERNAL:
        file, path = links.get_val(raw)
        return h5py.ExternalLink(os.fsdecode(file), text(path))
    return (
        h5py.SoftLink(text(links.get_val(raw))) if kind == h5py.h5l.TYPE_SOFT else h5py.HardLink()
    )


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts names with numbers as people do: ``scan_9`` before ``scan_10``."""
    return [
        (int(part), "") if part.isdecimal() else (0, part)
        for part in _DIGITS.split(name)
        if part and len(part) < 4000
    ]


def linked_file(path: Path, link: Any) -> Path:
    """Return the file that an external link in the file `path` leads to.

    A master file was perhaps copied alone, or is itself reached by a link: its own folder is
    where its links begin, then the folder in which it really is.
    """
    near: Path = path.parent / link.filename
    real: Path = Path(os.path.realpath(path)).parent / link.filename
    return real if not os.path.exists(near) and os.path.exists(real) else near  # noqa: PTH110


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
    return chosen_name(names, str(wanted), path, there)


def chosen_name(names: list[str], wanted: str, path: Path, there: str) -> str:
    """Return the name that a number means: ``12``, ``12.2`` or ``sample_0001_12``.

    Raises:
        CommandError: When there is none, or when scans of several files have that number.
    """
    name = wanted if re.search(r"\d\.\d+\Z", wanted) else f"{wanted}.1"
    if name in names:
        return name
    found = [other for other in names if other.endswith(f"_{name}")]
    if len(found) > 1:
        several = ", ".join(other.removesuffix(".1") for other in found[:5])
        raise CommandError(f"{path}: has {len(found)} scans {wanted}: name one of {several}")
    if not found:
        raise CommandError(f"{path}: has no scan {wanted}; it has {there}")
    return found[0]


# Values


def text(found: Any) -> str:
    """Return text, however it is stored."""
    if isinstance(found, bytes):
        return found.decode("utf-8", "backslashreplace")
    if isinstance(found, np.ndarray) and found.size == 1:
        return text(found.ravel()[0])
    return str(found)


def stored(node: Any) -> Any:
    """Return what a dataset holds; its size, its filters and its sources are looked at before.

    Raises:
        ScanError: When it is too large for a value, compressed in an unknown way, or lost.
    """
    size = (node.size or 0) * node.dtype.itemsize
    if size > _MOST:
        raise ScanError(f"{node.name} is too large to be read: {size / 2**30:.3g} GiB")
    check_readable(node)
    check_sources(node)
    return node[()]


def read_part(dataset: Any, first: int, last: int) -> NDArray[Any]:
    """Return rows `first` to `last` (not included) of a column; fewer when there are fewer.

    Raises:
        ScanError: As `stored`.
    """
    rows = max(min(last, len(dataset)) - first, 0)
    size = rows * math.prod(dataset.shape[1:]) * dataset.dtype.itemsize
    if size > _MOST_ROWS:
        raise ScanError(f"{rows} points are too many to be read at once: {size / 2**30:.3g} GiB")
    check_readable(dataset)
    check_sources(dataset, first, last)
    return np.asarray(dataset[first:last])


def type_name(dataset: Any) -> str:
    """Return the type of a dataset as numpy writes it; ``|V8`` for those that it does not have."""
    try:
        return str(dataset.dtype)
    except TypeError:
        return f"|V{dataset.id.get_type().get_size()}"


def value(group: Any, path: str) -> Any:
    """Return a single stored value as plain Python, None when there is none.

    Others store it as an array of one, too.
    """
    node = group.get(path)
    if not isinstance(node, h5py.Dataset) or node.size != 1:
        return None
    found = stored(node)
    return plain(found.ravel()[0] if isinstance(found, np.ndarray) else found)


def number(group: Any, path: str) -> float | None:
    """Return a stored number, None when there is none."""
    found = value(group, path)
    is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
    return float(found) if is_number else None


def whole(group: Any, path: str) -> int | None:
    """Return a stored number of something, None when there is none."""
    found = number(group, path)
    return int(found) if found is not None and abs(found) < _LARGEST else None


def read_seconds(group: Any, path: str) -> float | None:
    """Return a time as seconds since the epoch: exactly, or from its text in ISO 8601.

    None when it is missing, or no time that a calendar has.
    """
    node = group.get(path)
    if not isinstance(node, h5py.Dataset):
        return None
    exact = _float(node.attrs.get("epoch"))
    if exact is None and path in {"start_time", "end_time"}:  # of an entry
        exact = number(group, f"scan/{path.removesuffix('_time')}_epoch")
    if exact is not None and _EARLIEST < exact < _LATEST:
        return exact
    try:
        moment = datetime.fromisoformat(str(value(group, path))).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return moment if _EARLIEST < moment < _LATEST else None


def _float(found: Any) -> float | None:
    try:
        return None if found is None else float(text(found))
    except ValueError:
        return None


def texts(group: Any, path: str) -> list[str]:
    """Return a stored list of texts, empty when there is none."""
    node = group.get(path)
    if not isinstance(node, h5py.Dataset):
        return []
    return [text(item) for item in np.ravel(stored(node))]


def unreadable(error: Exception) -> str:
    """Return what stands in the place of a value that cannot be read."""
    return f"(cannot be read: {str(error) or type(error).__name__})"


def plain(found: Any) -> Any:
    """Return a stored value as one has it in Python: text, numbers, lists of text, arrays."""
    if isinstance(found, bytes):
        return text(found)
    if isinstance(found, np.ndarray) and found.dtype.kind in "OS":
        decoded = [text(item) for item in found.ravel()]
        return decoded if found.ndim == 1 else _nested(decoded, found.shape)
    if isinstance(found, np.generic):
        return found.item()
    if isinstance(found, h5py.Empty):
        return None
    return found


def _nested(flat: list[str], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    array = np.empty(len(flat), object)
    array[:] = flat
    return array.reshape(shape).tolist()
