"""The scan that a user holds: made from a plan, run once, looked at afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from session_shell.clock import Clock, iso_time
from session_shell.devices.protocols import Movable
from session_shell.errors import CommandError, ScanError
from session_shell.interrupts import InterruptGuard
from session_shell.scanning.collect import Profile
from session_shell.scanning.data import ScanData
from session_shell.scanning.documents import Comment, EndReason, Sink
from session_shell.scanning.metadata import Caller, copy_tree
from session_shell.scanning.plan import ScanPlan
from session_shell.scanning.scan_meta import ScanMeta


class ScanState(StrEnum):
    """How far a scan is."""

    IDLE = "IDLE"
    PREPARING = "PREPARING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    DONE = "DONE"


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """What the file tells about where a scan was made."""

    session: str = ""
    user: str = ""
    host: str = ""
    command: str = ""
    configuration: Mapping[str, str] | None = None


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

    def axes(self) -> Sequence[Movable]:
        """All axes whose positions are recorded."""
        ...

    def publishers(self) -> Sequence[Any]:
        """Devices that publish metadata with every scan."""
        ...

    def reserve(self, scan: Scan) -> FileSink | None:
        """Reserve a number and a file, None for a scan that is not saved."""
        ...

    def sinks(self) -> Sequence[Sink]:
        """What else reads the documents of the scan."""
        ...

    def facts(self) -> ScanFacts:
        """Where and by whom scans are made."""
        ...

    def execute(self, scan: Scan) -> None:
        """Run the scan with the engine."""
        ...

    def scan_begins(self, scan: Scan) -> None:
        """Take note that a scan begins."""
        ...

    def scan_ends(self, scan: Scan) -> None:
        """Take note that a scan is over, however it ended."""
        ...


class Scan:
    """One scan: what it was asked to do, what it measured and how it ended."""

    def __init__(self, plan: ScanPlan, host: ScanHost) -> None:
        self.plan = plan
        self.state = ScanState.IDLE
        self.number = 0
        self.file: Path | None = None
        self.data = ScanData()
        self.info: dict[str, Any] = copy_tree(plan.scan_info)
        self.end_reason: EndReason | None = None
        self.error: BaseException | None = None
        self.start_time: float | None = None
        self.end_time: float | None = None
        self.profile: list[Profile] = []
        self.comments: list[Comment] = []
        self._host = host
        self._stop_requested = False

    @property
    def title(self) -> str:
        """The scan in the field's words."""
        return self.plan.title

    @property
    def name(self) -> str:
        """Name given with ``name=``, else the family: ``ascan``."""
        return self.plan.name or self.plan.type

    @property
    def type(self) -> str:
        """Family, for example ``ascan``."""
        return self.plan.type

    @property
    def npoints(self) -> int:
        """Number of points asked for; 0 is endless. ``data.npoints`` were taken."""
        return self.plan.npoints

    @property
    def scan_info(self) -> dict[str, Any]:
        """Merged metadata: another word for `info`."""
        return self.info

    @property
    def duration(self) -> float:
        """Seconds from start to end, or to now; 0 before the start."""
        if self.start_time is None:
            return 0.0
        end = self._host.clock.time() if self.end_time is None else self.end_time
        return end - self.start_time

    @property
    def stop_requested(self) -> bool:
        """Tell whether `stop` was called."""
        return self._stop_requested

    def run(self) -> Scan:
        """Run it; possible once.

        Raises:
            LimitError: Before anything moves, when a point cannot be reached.
            SinkError: When it cannot be saved.
            ScanError: When something else fails; ``end_reason`` is FAILURE then.
            KeyboardInterrupt: After the clean-up, when Ctrl-C aborted it.

        Example:
            ``s = loopscan(10, 0.1, diode3, run=False); s.add_comment("dark"); s.run()``
        """
        if self.state is not ScanState.IDLE:
            raise ScanError(f"{self.title}: a scan can be run once; make a new one")
        self._host.execute(self)
        return self

    def stop(self) -> None:
        """End the scan after the present point; from another thread or a callback."""
        self._stop_requested = True

    def add_comment(self, text: str) -> None:
        """Add a remark, saved with its time in the file; before or while the scan runs.

        Example:
            ``scan.add_comment("sample realigned")``
        """
        if not str(text).strip():
            raise CommandError("add_comment: expected some text")
        if self.state is ScanState.DONE:
            raise ScanError(f"{self.title}: the scan is over and its file is closed")
        self.comments.append(Comment(self._host.clock.time(), str(text)))

    def get_data(self, name: object = None) -> Any:
        """Return one column by name or device, or all as a dict of arrays."""
        return dict(self.data) if name is None else self.data[name]

    def summary(self) -> str:
        """Describe the scan in a few lines, for ``info(scan)``."""
        lines = [repr(self)]
        if self.start_time is not None:
            lines.append(f"  started   {iso_time(self.start_time)}, took {self.duration:.3f} s")
        lines.append(f"  file      {self.file or 'not saved'}")
        lines.append(f"  columns   {', '.join(self.data) or 'none yet'}")
        if self.error is not None:
            lines.append(f"  error     {self.error}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        number = f" {self.number}" if self.number else ""
        points = f"{self.data.npoints} of {self.npoints or 'endless'} points"
        outcome = self.end_reason or self.state
        where = f", {self.file}" if self.file else ", not saved"
        return f"<Scan{number}: {self.title}, {outcome}, {points}{where}>"
