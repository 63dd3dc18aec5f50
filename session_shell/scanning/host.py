"""What a scan needs of the session that runs it, and what the session needs of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from session_shell.clock import Clock
from session_shell.devices.protocols import Movable
from session_shell.interrupts import InterruptGuard
from session_shell.scanning.columns import RowSource
from session_shell.scanning.documents import Comment, Sink
from session_shell.scanning.forecast import Forecast
from session_shell.scanning.metadata import Caller
from session_shell.scanning.presets import Watchdog
from session_shell.scanning.scan_meta import ScanMeta


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """What the file tells about where a scan was made."""

    session: str = ""
    user: str = ""
    host: str = ""
    command: str = ""
    configuration: Mapping[str, str] | None = None
    metadata: Mapping[str, Any] | None = None
    """Metadata that anything more specific may overrule."""
    told: Mapping[str, Any] | None = None
    """Metadata that the user said at the prompt: only ``scan_info`` overrules them."""


class Resumable(Protocol):
    """A run of a scan that was paused."""

    held: bool
    """The line that runs it waits below a prompt, until it is asked to go on or to end."""

    def resume(self) -> None:
        """Go on to the end."""
        ...

    def give_up(self) -> None:
        """End it as aborted."""
        ...


class FileSink(Sink, Protocol):
    """The file of one scan, reserved: number and name are decided."""

    @property
    def number(self) -> int:
        """Scan number."""
        ...

    @property
    def path(self) -> Path:
        """File name that the scan will have."""
        ...

    def discard(self) -> None:
        """Give the reservation up."""
        ...


class ScanHost(Protocol):
    """What a scan needs of the session that runs it."""

    clock: Clock
    guard: InterruptGuard
    caller: Caller
    scan_meta: ScanMeta
    presets: list[Any]
    watchdogs: list[Watchdog]
    running: Any
    """The scan that runs, None when there is none."""
    paused_scans: list[Any]
    """Scans that were paused at the prompt."""
    dry: list[Forecast] | None
    """Where scans leave a forecast instead of running; None: they run."""
    keys: bool
    """Ctrl-Z pauses and Ctrl-\\\\ stops a scan: somebody sits at the prompt."""

    def axes(self) -> Sequence[Movable]:
        """All axes whose positions are recorded."""
        ...

    def publishers(self) -> Sequence[Any]:
        """Devices that publish metadata with every scan."""
        ...

    def reserve(self, scan: Any) -> FileSink | None:
        """Reserve a number and a file, None for a scan that is not saved."""
        ...

    def rows_of(self, file: Path, number: int) -> RowSource:
        """Return what reads the points of a scan from its file."""
        ...

    def add_comment(self, scan: Any, comment: Comment) -> None:
        """Add a remark to the file of a scan that is over."""
        ...

    def add_to_sequence(self, scan: Any, uid: str) -> None:
        """Note in the file of a scan that is over which sequence it became a part of."""
        ...

    def sinks(self, *, shown: bool) -> Sequence[Sink]:
        """What else reads the documents of the scan; a table only when it is to be shown."""
        ...

    def facts(self) -> ScanFacts:
        """Where and by whom scans are made."""
        ...

    def execute(self, scan: Any) -> None:
        """Run the scan with the engine."""
        ...

    def scan_begins(self, scan: Any) -> None:
        """Take note that a scan begins, or goes on after a pause."""
        ...

    def scan_pauses(self, scan: Any) -> None:
        """Take note that a scan was paused and others may run."""
        ...

    def hold(self, scan: Any, text: str) -> bool:
        """Tell `text` and run what a person types, until the paused scan is to go on or to end.

        Returns:
            False at once when there is no prompt to do that.
        """
        ...

    def scan_ends(self, scan: Any) -> None:
        """Take note that a scan is over, however it ended."""
        ...
