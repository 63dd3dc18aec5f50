"""The points of a scan in memory, by column."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError
from session_shell.scanning.documents import Rows, ScanEnded, ScanStarted


class ScanData(Mapping[str, NDArray[Any]]):
    """What a scan measured so far; a sink, and a read-only mapping for the user.

    Keys are channel names, ``axis:roby`` for an axis, or the counter or axis itself. Values are
    numpy arrays of shape (npoints, *channel shape): copies, so that a running scan can be looked
    at. A number costs 8 bytes here.
    """

    must_not_fail = True

    def __init__(self) -> None:
        self._channels: tuple[Channel, ...] = ()
        self._columns: list[array[float] | list[Any]] = []
        self._index: dict[str, int] = {}
        self._single: list[Any] = []

    def scan_started(self, doc: ScanStarted) -> None:
        """Make an empty column for each channel."""
        self._channels = doc.channels
        self._columns = [[] if c.shape else array("d") for c in doc.channels]
        self._index = {c.name: n for n, c in enumerate(doc.channels)}
        self._index |= {f"axis:{c.name}": n for n, c in enumerate(doc.channels) if c.kind == "axis"}

    def rows(self, doc: Rows) -> None:
        """Append to the columns."""
        for column, values in zip(self._columns, doc.columns, strict=True):
            column.extend(values)

    def scan_ended(self, doc: ScanEnded) -> None:
        """Nothing is left to do."""

    @property
    def npoints(self) -> int:
        """Number of points so far."""
        return min(map(len, self._columns), default=0)

    @property
    def channels(self) -> Sequence[Channel]:
        """The columns, in their order."""
        return self._channels

    def __getitem__(self, key: object) -> NDArray[Any]:
        name = key if isinstance(key, str) else getattr(key, "name", None)
        if name not in self._index:
            raise CommandError(
                f"this scan has no column {name or key!r}; it has {', '.join(self) or 'none'}"
            )
        number = self._index[name]
        # Taken to one length: another thread may be in the middle of a row.
        values = self._columns[number][: self.npoints]
        return np.array(values, dtype=self._channels[number].dtype)

    def __contains__(self, key: object) -> bool:
        return (key if isinstance(key, str) else getattr(key, "name", None)) in self._index

    def __iter__(self) -> Iterator[str]:
        return (channel.name for channel in self._channels)

    def __len__(self) -> int:
        return len(self._channels)

    def __repr__(self) -> str:
        return f"<{self.npoints} points of {', '.join(self) or 'nothing'}>"
