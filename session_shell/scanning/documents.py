"""The documents that a scan sends: started, rows, rows, ..., ended.

Everything that shows, saves or sends a scan is a sink that reads them; a replay is another
source of the same documents. A `ScanStarted` is always followed by a `ScanEnded`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from session_shell.devices.protocols import Channel


class EndReason(StrEnum):
    """Why a scan is over; written to the file as it is spelled here."""

    SUCCESS = "SUCCESS"
    STOPPED = "STOPPED"
    USER_ABORT = "USER_ABORT"
    FAILURE = "FAILURE"
    SESSION_ENDED = "SESSION_ENDED"
    """The system or a closed terminal ended the session (SIGTERM, SIGHUP)."""
    CRASHED = "CRASHED"
    """Its process died; `session-shell repair` has finished the file."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where an axis stands: NaN and the error text when it cannot be read."""

    user: float
    dial: float
    unit: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class MetadataFailure:
    """A metadata source that raised, gave the wrong type or did not return in time."""

    source: str
    category: str
    timing: str
    message: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A remark of the user on a scan."""

    time: float
    text: str


@dataclass(frozen=True, slots=True)
class ScanStarted:
    """All that is known before the first point."""

    uid: str
    number: int
    """Scan number, unique in its folder; 0 when the scan is not saved."""
    type: str
    """Family, for example ``ascan``."""
    name: str
    title: str
    """The scan as typed in the field's words: ``ascan roby 0 10 10 0.1``."""
    time: float
    npoints: int
    """Points asked for; 0 is endless."""
    shape: tuple[int, ...]
    """Shape of the trajectory, slowest first: ``(npoints,)`` for a line, ``(slow, fast)``."""
    count_time: float
    channels: tuple[Channel, ...]
    axes: tuple[str, ...] = ()
    """Names of the scanned axes, slowest first."""
    grid: tuple[tuple[float, ...], ...] = ()
    """For meshes: the nominal positions along each dimension, slowest first."""
    backnforth: bool = False
    """For meshes: every second line along the fastest axis runs backwards."""
    plot: tuple[str, ...] = ()
    """Counters of the default plot, the signal first; empty: the writer chooses."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What was asked for (start, stop, intervals, ...), `<name>@units` for units."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Merged metadata (START and PREPARED): category or group -> nested dict."""
    positions: Mapping[str, Position] = field(default_factory=dict)
    """All axes of the session before the first move."""
    failures: tuple[MetadataFailure, ...] = ()
    comments: tuple[Comment, ...] = ()
    file: Path | None = None
    session: str = ""
    user: str = ""
    host: str = ""
    command: str = ""
    """What was typed, as far as it is known."""
    sequence: str = ""
    """uid of the sequence that the scan is a part of."""
    configuration: Mapping[str, str] = field(default_factory=dict)
    """Texts that tell how the session was set up: ``configuration``, ``setup_script``, ``seed``."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One point or a block of points: a column of `count` values for each channel."""

    first: int
    count: int
    columns: tuple[Sequence[Any], ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which a scan waited, because somebody or a watchdog asked for it."""

    time: float
    """When it began."""
    reason: str
    seconds: float = 0.0
    """How long it lasted; 0 while it lasts."""


@dataclass(frozen=True, slots=True)
class ScanEnded:
    """How it ended; `metadata` is the complete merged metadata, START included."""

    uid: str
    time: float
    reason: EndReason
    npoints: int
    """Points taken."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    positions: Mapping[str, Position] = field(default_factory=dict)
    failures: tuple[MetadataFailure, ...] = ()
    """All of the scan, those of `ScanStarted` included."""
    comments: tuple[Comment, ...] = ()
    """All of the scan, those of `ScanStarted` included."""
    error: str = ""
    """One line about what went wrong, empty when nothing did."""
    counting: float = 0.0
    """Seconds spent in gates."""
    moving: float = 0.0
    """Seconds spent waiting for axes."""
    pauses: tuple[Pause, ...] = ()


class Sink(Protocol):
    """A reader of the documents of one scan after another.

    A sink may also have ``scan_paused(pause: Pause)`` and ``scan_resumed(pause: Pause)``; a
    pause that ends the command (the prompt comes back meanwhile) is followed by ``scan_resumed``
    or ``scan_ended`` much later.
    """

    @property
    def must_not_fail(self) -> bool:
        """True: an error here ends the scan (the file). False: it is dropped with a warning."""
        ...

    def scan_started(self, doc: ScanStarted) -> None:
        """Take the start of a scan."""
        ...

    def rows(self, doc: Rows) -> None:
        """Take one or more points; must return within microseconds most of the time."""
        ...

    def scan_ended(self, doc: ScanEnded) -> None:
        """Take the end of the scan."""
        ...
