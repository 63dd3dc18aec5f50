"""Fingerprints of the data of a scan, taken while it runs, in bounded memory.

Each channel has a SHA-256 over its values as little-endian bytes of the channel's type. So a
fingerprint tells nothing of how the points came, in blocks or one by one.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from session_shell.devices.protocols import Channel
from session_shell.scanning.column_types import column_dtype
from session_shell.scanning.documents import Rows, ScanEnded, ScanStarted

_POINTS = 4096
"""Points whose numbers wait to be hashed together: one by one they would cost too much."""


class DigestSink:
    """A sink that keeps a fingerprint of each channel.

    Attributes:
        channels: Fingerprint of each channel by name, complete when the scan is over.
        digest: Fingerprint of them all.
    """

    must_not_fail = False

    def __init__(self) -> None:
        self.channels: dict[str, str] = {}
        self.digest = ""
        self._hashes: list[ChannelDigest] = []
        self._arrays: list[tuple[int, ChannelDigest]] = []
        self._numbers: list[int] = []
        self._waiting: list[tuple[Sequence[Any], ...]] = []
        self._count = 0

    def scan_started(self, doc: ScanStarted) -> None:
        """Begin with nothing."""
        self._hashes = [ChannelDigest(channel) for channel in doc.channels]
        self._arrays = [(i, h) for i, h in enumerate(self._hashes) if h.channel.shape]
        self._numbers = [i for i, h in enumerate(self._hashes) if not h.channel.shape]
        self._waiting, self._count = [], 0

    def rows(self, doc: Rows) -> None:
        """Take points: arrays at once, since they are large, numbers in blocks."""
        columns = doc.columns
        if self._arrays:
            for index, digest in self._arrays:
                digest.add(columns[index])
            columns = tuple([columns[index] for index in self._numbers])
        self._waiting.append(columns)
        self._count += doc.count
        if self._count >= _POINTS:
            self._hash()

    def scan_ended(self, doc: ScanEnded) -> None:  # noqa: ARG002  what every sink takes
        """Finish the fingerprints."""
        self._hash()
        self.channels = {h.channel.name: h.hexdigest() for h in self._hashes}
        self.digest = digest_of(self.channels)

    def _hash(self) -> None:
        waiting, self._waiting, self._count = self._waiting, [], 0
        for index, columns in zip(self._numbers, zip(*waiting, strict=True), strict=False):
            self._hashes[index].add_blocks(columns)


class ChannelDigest:
    """The fingerprint of one channel, fed with its values."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._hash = hashlib.sha256()
        self._dtype = column_dtype(channel).newbyteorder("<")

    def add(self, values: Iterable[Any]) -> None:
        """Take values: numbers, or arrays of the channel's shape."""
        if not self.channel.shape:
            self._add_numbers(list(values))
            return
        for value in values:
            self._hash.update(np.ascontiguousarray(value, self._dtype).data)

    def add_blocks(self, blocks: Sequence[Sequence[Any]]) -> None:
        """Take numbers in several blocks."""
        self._add_numbers(list(chain.from_iterable(blocks)))

    def hexdigest(self) -> str:
        """Return the fingerprint of all values so far."""
        return self._hash.hexdigest()

    def _add_numbers(self, values: list[Any]) -> None:
        if self._dtype.kind == "f":
            numbers = np.frombuffer(array("d", values)).astype(self._dtype, copy=False)
        else:
            numbers = np.fromiter(values, self._dtype, len(values))
        self._hash.update(numbers.data)


def digest_of(channels: Mapping[str, str]) -> str:
    """Return one fingerprint for those of all channels, in their order, with their names."""
    lines = "".join(f"{name}\0{digest}\n" for name, digest in channels.items())
    return hashlib.sha256(lines.encode("utf-8", "backslashreplace")).hexdigest()
