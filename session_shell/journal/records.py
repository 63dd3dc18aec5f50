"""What a journal consists of: one record a line, JSON, told apart by ``record``.

::

    open      the session as it was before its first command
    command   a command begins, as typed and as executed
    file      a script that was run, with its text
    scan      a scan is over
    done      the command is over: outcome, output, what it changed
    note      a remark, an output or a picture for the logbook
    close     the session is over; a journal without it belongs to a session that runs or was killed

Nothing is written per point: the scan file is the record of the points. Keys that a reader does
not know are left alone, so a later version may add some without a new `FORMAT`.
"""

from __future__ import annotations

from typing import Any

import msgspec

FORMAT = 1
"""Raised when older readers would misunderstand a journal."""

LINE_BYTES = 64 * 2**20
"""A longer line is neither written nor read."""


class _Record(msgspec.Struct, frozen=True, tag_field="record", omit_defaults=True, kw_only=True):
    """Common to all records; fields that have their default are left out of the line."""


class Opened(_Record, frozen=True, kw_only=True, tag="open"):
    """The session as it was before its setup scripts ran."""

    format: int
    id: str
    """Name of the run, unique in a data directory: ``demo-20261122-183721-4f2a``."""
    session: str
    time: float
    """Seconds since the epoch, by the clock of the session."""
    date: str
    """Wall time, ISO 8601 with offset."""
    clock: str
    """``real`` or ``virtual``."""
    seed: int
    versions: dict[str, str]
    """Of session-shell, Python and the libraries that data pass through."""
    user: str = ""
    host: str = ""
    pid: int = 0
    typing_helper: bool = True
    shown: bool = True
    """False: the session had no stream, so scans and moves were shown nowhere."""
    terminal: bool = False
    """Its stream was a terminal, on which tables are alive."""
    config: str = ""
    """Directory of the YAML tree."""
    data: str = ""
    """Data directory; the files of scans are told relative to it."""
    files: dict[str, str] = msgspec.field(default_factory=dict)
    """Text of each file of the configuration tree (YAML, Python), by path relative to `config`."""
    outside: dict[str, str] = msgspec.field(default_factory=dict)
    """Text of setup scripts and the like that are not below `config`, by absolute path."""
    left_out: list[str] = msgspec.field(default_factory=list)
    """Files that were too much or no text, each with the reason."""
    settings: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    """Owner (device, ``SCAN_SAVING``, ``session``) -> key -> value, as restored."""
    problems: list[str] = msgspec.field(default_factory=list)
    """What was wrong with the configuration; for the setup scripts see `Done` number 0."""


class Command(_Record, frozen=True, kw_only=True, tag="command"):
    """A command begins."""

    number: int
    """From 1; what setup scripts do belongs to number 0, which has no record of its own."""
    time: float
    typed: str
    executed: str = ""
    """What ran in its place, empty when it ran as typed."""
    source: str = "prompt"
    """``prompt``, ``-c``, ``stdin``, ``file`` (a script of the command line), ``api``."""
    held: int = 0
    """The command that waited meanwhile, as its scan was paused; 0: none did."""
    offset: str = ""
    """UTC offset of local time, as ``+01:00``; empty when it is that of `Opened.date`."""


class File(_Record, frozen=True, kw_only=True, tag="file"):
    """A script that a command ran (`load_script`, `user_script_run`, `open NAME SCRIPT`)."""

    number: int
    """The command."""
    path: str
    text: str
    arguments: list[str] = msgspec.field(default_factory=list)


class Interruption(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A key or a signal that changed the course of a scan: what a replay has to repeat."""

    kind: str
    """``abort`` (Ctrl-C), ``stop``, ``pause``, or ``end`` (the session was ended)."""
    time: float
    points: int = 0
    """Points that were taken before."""
    since: float = 0.0
    """Seconds since the last point began; since the start of the scan when there is none."""
    state: str = "RUNNING"
    """State of the scan: ``PREPARING``, ``RUNNING``, ``PAUSED`` or ``STOPPING``."""


class Scan(_Record, frozen=True, kw_only=True, tag="scan"):
    """A scan is over."""

    number: int
    """The command during which it ended; one that was paused may have begun in an earlier one."""
    uid: str
    scan: int
    """Scan number; 0 when it is not saved."""
    type: str
    title: str
    time: float
    seconds: float
    """Duration by the clock of the session."""
    npoints: int
    """Points asked for; 0 is endless."""
    points: int
    """Points taken."""
    end_reason: str
    file: str = ""
    """Relative to the data directory when it is below it; empty when it is not saved."""
    error: str = ""
    digest: str = ""
    """SHA-256 over the digests of all channels, in their order, with their names."""
    channels: dict[str, str] = msgspec.field(default_factory=dict)
    """SHA-256 of each channel: its values as little-endian bytes of the channel's type."""
    interruptions: list[Interruption] = msgspec.field(default_factory=list)


class Done(_Record, frozen=True, kw_only=True, tag="done"):
    """A command is over; number 0: the setup scripts have run."""

    number: int
    time: float
    seconds: float
    """Wall time that it took."""
    outcome: str = "ok"
    """``ok``, ``error``, ``interrupted``, ``paused`` or ``exit``."""
    error: str = ""
    """``TypeName: message`` in one line."""
    traceback: str = ""
    """The user's own lines of it."""
    output: str = ""
    """What it printed: plain text, without the colours and the lines that were overwritten."""
    left_out: int = 0
    """Characters of the output that were too many; the middle is cut."""
    value: str = ""
    """What the last expression showed, when it was not printed."""
    interrupted: float = 0.0
    """When it was interrupted, before what moved was stopped; 0 when it was not."""
    changes: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    """Settings that it changed: owner -> key -> new value."""


class Note(_Record, frozen=True, kw_only=True, tag="note"):
    """Something for the logbook (`elog_print`, `elog_add`, `elog_plot`)."""

    number: int
    time: float
    kind: str
    """``text``, ``output`` or ``plot``."""
    text: str = ""
    uid: str = ""
    """For a plot: the scan."""
    file: str = ""
    """For a plot: the picture, relative to the folder of the journal."""


class Closed(_Record, frozen=True, kw_only=True, tag="close"):
    """The session is over."""

    time: float
    reason: str = "closed"
    """``closed``, or the signal that ended it."""


Record = Opened | Command | File | Scan | Done | Note | Closed
"""Any line of a journal."""
