"""Compare two scan files: what was asked, every point, metadata, how it ended."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from session_shell.devices.protocols import Channel
from session_shell.journal.digests import ChannelDigest
from session_shell.nexus import stored_documents
from session_shell.replay.values import Rule, differences, largest_deviation
from session_shell.scanning.documents import Rows, ScanEnded, ScanStarted

_OWN = {"uid", "file", "user", "host", "number"}
"""What each run of a scan has for itself; numbers are compared by the journal."""
_TIMES = {"time", "counting", "moving", "pauses", "comments"}
"""What follows the clock."""
_OWN_CONFIGURATION = {"journal"}

TIME_SLACK = 1.0
"""Seconds by which the time of a point may differ that was recorded in real time, ..."""
TIME_PART = 0.1
"""... and the part of the elapsed time: what the machine does between points adds up."""


@dataclass(slots=True)
class FileComparison:
    """What two files of one scan have in common."""

    digests: dict[str, str] = field(default_factory=dict)
    """Fingerprints of the recorded file, as the journal has them."""
    channels: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Channels that differ: the first point, and the largest deviation."""
    keys: list[tuple[str, Any, Any]] = field(default_factory=list)
    """Keys that differ, with both values."""


def compare_files(
    recorded: Path, replayed: Path, rule: Rule, *, exact: bool, same_setup: bool = True
) -> FileComparison:
    """Compare two scan files through the documents that are in them.

    Args:
        recorded: File of the recorded session.
        replayed: File of the replay.
        rule: How alike values must be.
        exact: Times must be equal too; else the times of points have some slack.
        same_setup: The texts of configuration and setup scripts must be equal.

    Raises:
        ScanError: When a file cannot be read.
    """
    result = FileComparison()
    ones, others = stored_documents(recorded), stored_documents(replayed)
    comparison: _Points | None = None
    for one, other in _pairs(ones, others):
        if isinstance(one, ScanStarted):
            skip = set() if same_setup else {"configuration"}
            assert isinstance(other, ScanStarted | None)
            comparison = _Points(result, one.channels, rule.tolerance, exact=exact)
            result.keys += _compare(one, other, rule, exact=exact, skip=skip)
        elif isinstance(one, ScanEnded):
            result.keys += _compare(one, other, rule, exact=exact, skip=set())
        elif comparison is not None:
            comparison.add(one, other)
    if comparison is not None:
        comparison.finish()
    return result


def file_digests(path: Path) -> dict[str, str]:
    """Return the fingerprints of the channels of a file, as a journal has them.

    Raises:
        ScanError: When it cannot be read.
    """
    digests: list[ChannelDigest] = []
    for document in stored_documents(path):
        if isinstance(document, ScanStarted):
            digests = [ChannelDigest(channel) for channel in document.channels]
        elif isinstance(document, Rows):
            for digest, column in zip(digests, document.columns, strict=True):
                digest.add(column)
    return {digest.channel.name: digest.hexdigest() for digest in digests}


def _pairs(ones: Iterator[Any], others: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield documents of a kind together; one that the other lacks has None beside it."""
    other = next(others, None)
    for one in ones:
        while isinstance(other, Rows) and not isinstance(one, Rows):
            other = next(others, None)  # the replay has more points
        if type(one) is type(other):
            yield one, other
            other = next(others, None)
        else:
            yield one, None


def _compare(
    one: Any, other: Any, rule: Rule, *, exact: bool, skip: set[str]
) -> Iterator[tuple[str, Any, Any]]:
    if other is None:
        yield "end" if isinstance(one, ScanEnded) else "start", "there", None
        return
    left_out = _OWN | skip | (set() if exact else _TIMES)
    for name in (f.name for f in fields(one) if f.name not in left_out):
        yield from differences(_field(one, name), _field(other, name), rule, name)


def _field(document: Any, name: str) -> Any:
    value = getattr(document, name)
    if name == "configuration":
        return {key: text for key, text in value.items() if key not in _OWN_CONFIGURATION}
    return value


class _Points:
    """Compares columns, block by block."""

    def __init__(
        self,
        result: FileComparison,
        channels: tuple[Channel, ...],
        tolerance: float,
        *,
        exact: bool,
    ) -> None:
        self._result = result
        self._channels = channels
        self._tolerance = tolerance
        self._exact = exact
        self._digests = [ChannelDigest(channel) for channel in channels]
        self._begin: tuple[float, float] | None = None

    def add(self, one: Rows, other: Rows | None) -> None:
        """Take a block of each."""
        for index, (channel, column) in enumerate(zip(self._channels, one.columns, strict=True)):
            self._digests[index].add(column)
            if other is None or index >= len(other.columns):
                self._note(channel, one.first, math.nan)
                continue
            if channel.kind == "time" and not self._exact:
                self._compare_times(channel, one, column, other.columns[index])
            elif (
                found := largest_deviation(column, other.columns[index], self._tolerance)
            ) is not None:
                self._note(channel, one.first + found[0], found[1])

    def _compare_times(self, channel: Channel, one: Rows, column: Any, other: Any) -> None:
        """Compare times since the first point: the days of two runs may differ."""
        if channel.name == "epoch":
            self._begin = self._begin or (column[0], other[0])
            column = [moment - self._begin[0] for moment in column]
            other = [moment - self._begin[1] for moment in other]
        for index, (elapsed, again) in enumerate(zip(column, other, strict=False)):
            if abs(again - elapsed) > TIME_SLACK + TIME_PART * abs(elapsed):
                self._note(channel, one.first + index, abs(again - elapsed))
                return

    def _note(self, channel: Channel, point: int, deviation: float) -> None:
        before = self._result.channels.get(channel.name)
        if before is None:
            self._result.channels[channel.name] = (point, deviation)
        elif not before[1] >= deviation:
            self._result.channels[channel.name] = (before[0], deviation)

    def finish(self) -> None:
        """Give the fingerprints to the result."""
        self._result.digests = {d.channel.name: d.hexdigest() for d in self._digests}
