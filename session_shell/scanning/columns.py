"""The columns of a scan as the user sees them, wherever they are kept."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError

_BLOCK_BYTES = 32 * 2**20
"""Bytes that are read from a file at a time."""
_PREFIXES = {"axis": "axis", "time": "timer", "counter": "counter"}


class RowSource(Protocol):
    """The rows of a scan in its file, which may still grow."""

    def rows(self) -> int:
        """Return how many points are in the file."""
        ...

    def read(self, channel: str, first: int, last: int) -> NDArray[Any]:
        """Return rows `first` to `last` (not included) of a channel; fewer when there are fewer."""
        ...


class Columns(Mapping[str, Any]):
    """A read-only mapping from names to columns of shape (npoints, *channel shape).

    Keys are channel names, ``axis:roby`` for an axis, or the counter or axis itself.
    """

    @property
    @abstractmethod
    def channels(self) -> Sequence[Channel]:
        """The columns, in their order."""

    @property
    @abstractmethod
    def npoints(self) -> int:
        """Number of points so far."""

    @abstractmethod
    def values_of(self, channel: Channel) -> Any:
        """Return one column."""

    def key(self, key: object) -> str:
        """Return the name of the column that `key` means.

        Raises:
            CommandError: When there is none, or several.
        """
        name = key if isinstance(key, str) else getattr(key, "name", None)
        channel = self._find(name)
        if channel is not None:
            return channel.name
        parts = [c.name for c in self.channels if name is not None and c.device == name]
        if len(parts) == 1:
            return parts[0]
        if parts:
            raise CommandError(f"{name} gives several columns: choose one of {', '.join(parts)}")
        raise CommandError(
            f"this scan has no column {name or key!r}; it has {', '.join(self) or 'none'}"
        )

    def _find(self, name: object) -> Channel | None:
        for channel in self.channels:
            if name in (channel.name, f"{_PREFIXES[channel.kind]}:{channel.name}"):
                return channel
        return None

    def __getitem__(self, key: object) -> Any:
        name = self.key(key)
        return self.values_of(next(c for c in self.channels if c.name == name))

    def __contains__(self, key: object) -> bool:
        try:
            self.key(key)
        except CommandError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return (channel.name for channel in self.channels)

    def __len__(self) -> int:
        return len(self.channels)

    def __repr__(self) -> str:
        return f"<{self.npoints} points of {', '.join(self) or 'nothing'}>"


class StoredArray(NDArrayOperatorsMixin):
    """Arrays of many points that stay where they are until a part of them is asked for.

    It looks like a numpy array of shape (npoints, *channel shape): ``images[3]`` and
    ``spectra[:, 100:200]`` read these parts alone, in blocks; calculating with the whole
    (``spectra.sum(axis=0)``, ``np.asarray(images)``) loads it.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: DTypeLike, read: Callable[[int, int], NDArray[Any]]
    ) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._read = read

    @property
    def ndim(self) -> int:
        """Number of dimensions, that of the points included."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes that it takes when it is loaded."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        first, rest = _split(key, self.ndim)
        if first is None or sum(not isinstance(k, (int, slice)) and k is not ... for k in rest) > 1:
            return np.asarray(self)[key]
        rows = np.arange(len(self))[first]
        if rows.ndim == 0:
            return self._rows(int(rows), int(rows) + 1)[0][rest]
        if rows.ndim > 1:
            return np.asarray(self)[key]
        parts = [block[(slice(None), *rest)] for block in self._blocks(rows)]
        if parts:
            return parts[0] if len(parts) == 1 else np.concatenate(parts)
        return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for block in self._blocks(np.arange(len(self))):
            yield from block

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("the values are in a file: they can only be copied from there")
        whole = np.empty(self.shape, self.dtype if dtype is None else dtype)
        done = 0
        for block in self._blocks(np.arange(len(self))):
            whole[done : done + len(block)] = block
            done += len(block)
        return whole

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        loaded = [np.asarray(i) if isinstance(i, StoredArray) else i for i in inputs]
        return getattr(ufunc, method)(*loaded, **options)

    def __getattr__(self, name: str) -> Any:
        # Methods of numpy arrays (sum, mean, ...) work on the loaded whole.
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(np.asarray(self), name)

    def __repr__(self) -> str:
        return f"<stored array of shape {self.shape}, {self.dtype}: [...] or np.asarray reads it>"

    def _rows(self, first: int, last: int) -> NDArray[Any]:
        block = self._read(first, last)
        if len(block) != last - first:
            raise CommandError(
                f"points {first} to {last - 1} cannot be read: only {len(block)} of them are there"
            )
        return block

    def _blocks(self, rows: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Read some rows, in their order, in blocks of bounded size."""
        row_bytes = max(self.nbytes // max(len(self), 1), 1)
        count = max(1, _BLOCK_BYTES // row_bytes)
        for start in range(0, len(rows), count):
            part = rows[start : start + count]
            low, high = int(part.min()), int(part.max()) + 1
            if high - low <= count:
                yield self._rows(low, high)[part - low]
            else:
                yield np.concatenate([self._rows(int(r), int(r) + 1) for r in part])


def _split(key: Any, ndim: int) -> tuple[Any, tuple[Any, ...]]:
    """Return the index of the points and that of what is within them; None: too special."""
    keys = key if isinstance(key, tuple) else (key,)
    if not keys:
        return slice(None), ()
    if keys[0] is ...:
        missing = ndim - (len(keys) - 1)
        keys = (*(slice(None) for _ in range(missing)), *keys[1:])
    if not keys or any(k is None for k in keys) or isinstance(keys[0], (bool, np.bool_)):
        return None, ()
    if isinstance(keys[0], np.ndarray) and keys[0].ndim > 1:
        return None, ()
    return keys[0], keys[1:]
