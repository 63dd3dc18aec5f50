"""What a session gives to the scans that it runs: numbers, files, sinks, positions, facts."""

from __future__ import annotations

import getpass
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from session_shell.clock import Clock
from session_shell.devices.protocols import Movable, is_axis
from session_shell.errors import SessionShellError, SinkError
from session_shell.interrupts import InterruptGuard
from session_shell.journal.journal import Journal
from session_shell.paths import is_there
from session_shell.scanning.columns import RowSource
from session_shell.scanning.documents import Comment, EndReason, Sink
from session_shell.scanning.engine import run_scan
from session_shell.scanning.forecast import Forecast
from session_shell.scanning.host import FileSink, ScanFacts
from session_shell.scanning.metadata import Caller
from session_shell.scanning.presets import Watchdog
from session_shell.scanning.scan import Scan
from session_shell.scanning.scan_meta import ScanMeta
from session_shell.session.keeping import PositionKeeper
from session_shell.session.saving import ScanSaving

if TYPE_CHECKING:
    from session_shell.nexus import FileTemplate

_log = logging.getLogger(__name__)

_KEYS = "Ctrl-C ends it, Ctrl-\\ stops after this point, Ctrl-Z pauses"

_FOLDERS = 50
"""Folders whose last number is remembered; the folders themselves know it too."""

RECENT = 20
"""Scans whose data stay in memory; older ones are in their files."""


class SessionHost:
    """The side of a session that scans see (`session_shell.scanning.scan.ScanHost`)."""

    def __init__(
        self,
        name: str,
        devices: Mapping[str, Any],
        clock: Clock,
        guard: InterruptGuard,
        saving: ScanSaving,
        stream: TextIO | None,
    ) -> None:
        self.name = name
        self.clock = clock
        self.guard = guard
        self.caller = Caller()
        self.scan_meta = ScanMeta()
        self.saving = saving
        self.stream = stream
        self.scans: deque[Scan] = deque(maxlen=RECENT)
        self.running: Scan | None = None
        self.paused_scans: list[Scan] = []
        """Scans that wait for `resume`, the last one paused at the end."""
        self.keys = False
        self.prompt: Callable[[Scan, str], bool] | None = None
        """Holds a scan that a person has paused; see `hold`."""
        self.halted = ""
        """The key that asked, in this line, that no further scan begins unasked."""
        self.ask: Callable[[str], bool] | None = None
        """Asks the person at the prompt a question."""
        self.live_plot = False
        self.read_only = False
        self.dry: list[Forecast] | None = None
        self._template: FileTemplate | None = None
        self.presets: list[Any] = []
        self.watchdogs: list[Watchdog] = []
        self.command = ""
        self.configuration: Mapping[str, str] = {}
        self.last_numbers: dict[str, int] = {}
        self._masters: dict[Path, Path] = {}
        self.save_settings: Callable[[], None] = lambda: None
        self.extra_sinks: list[Sink] = []
        self.journal: Journal | None = None
        self._devices = devices

    def axes(self) -> Sequence[Movable]:
        """All axes of the session."""
        return [device for device in self._devices.values() if is_axis(device)]

    def publishers(self) -> Sequence[Any]:
        """Devices that publish metadata and were not told to stop it."""
        return [
            device
            for device in self._devices.values()
            if hasattr(device, "scan_metadata") and getattr(device, "publishes_metadata", True)
        ]

    def reserve(self, scan: Scan) -> FileSink | None:
        """Reserve the next number in the folder of SCAN_SAVING."""
        if not scan.plan.save:
            return None
        if self.read_only:
            raise SinkError(
                f"the session {self.name} is open read-only: scan with save=False, "
                "or open it without --read-only",
                sink="file",
            )
        from session_shell.nexus import (  # h5py costs 40 ms of start-up
            FileTemplate,
            ScanFile,
            last_number,
        )

        if self._template is None:
            self._template = FileTemplate()

        folder, filename = self.saving.folder, self.saving.scan_filename()
        master = self.saving.master
        key = str(folder)
        if key not in self.last_numbers or not is_there(folder):
            # The folder may know more than we do: another session, or lost settings.
            known = self.last_numbers.get(key, 0)
            found = last_number(folder, filename, master)
            self.last_numbers[key] = max(known, found)
        file = ScanFile.reserve(folder, filename, self.last_numbers[key] + 1, self._template)
        # The newest folders stay at the end: only they are remembered.
        del self.last_numbers[key]
        self.last_numbers[key] = file.number
        while len(self.last_numbers) > _FOLDERS:
            del self.last_numbers[next(iter(self.last_numbers))]
        self._masters[file.path] = master
        self.saving.scan_taken(folder)
        return file

    def rows_of(self, file: Path, number: int) -> RowSource:
        """Return what reads the points of a scan from its file."""
        from session_shell.nexus import StoredRows  # h5py costs 40 ms of start-up

        return StoredRows(file, number)

    def add_comment(self, scan: Scan, comment: Comment) -> None:
        """Add a remark to the file of a scan that is over."""
        if scan.file is not None:
            from session_shell.nexus.reading.afterwards import add_comment

            add_comment(scan.file, f"{scan.number}.1", comment)

    def add_to_sequence(self, scan: Scan, uid: str) -> None:
        """Note in the file of a scan that is over which sequence it became a part of."""
        if scan.file is None:
            return
        from session_shell.nexus.reading.afterwards import add_to_sequence

        try:
            add_to_sequence(scan.file, f"{scan.number}.1", uid, self.clock.time())
        except SessionShellError as error:
            _log.warning("%s does not say that it is in a sequence: %s", scan.file.name, error)

    def sinks(self, *, shown: bool = True) -> Sequence[Sink]:
        """What was added, what keeps positions and records, a table when there is a stream."""
        sinks: list[Sink] = [*self.extra_sinks, PositionKeeper(self.save_settings)]
        recorder = self.journal.recorder() if self.journal is not None else None
        if recorder is not None:
            sinks.append(recorder)
        if self.stream is None or not shown:
            return sinks
        from session_shell.sinks import ScanTable

        keys = _KEYS if self.keys else ""
        if not self.live_plot:
            return [*sinks, ScanTable(self.stream, keys)]
        from session_shell.sinks.plot import LivePlot

        plot = LivePlot(self.stream, lambda: self.running)
        return [*sinks, ScanTable(self.stream, keys, plot.text), plot]

    def facts(self) -> ScanFacts:
        """Where and by whom scans are made."""
        return ScanFacts(
            self.name,
            self.user,
            self._host,
            self.command,
            self.configuration,
            self.saving.metadata(),
            self.saving.told(),
        )

    @property
    def paused(self) -> Scan | None:
        """The scan that `resume` goes on with, None when none is paused."""
        return self.paused_scans[-1] if self.paused_scans else None

    def execute(self, scan: Scan) -> None:
        """Run a scan with the engine; one at a time."""
        if self.running is not None:
            raise SessionShellError(
                f"{self.running.title} is running; a session runs one scan at a time"
            )
        self._ask_before(scan)
        run_scan(scan, self)

    def key_pressed(self, key: str) -> None:
        """Take note of Ctrl-Z or Ctrl-\\ while no scan runs; called by a signal handler."""
        self.halted = key
        text = f"\n{key}: no scan runs. The next scan of this line asks first; Ctrl-C stops now.\n"
        with suppress(OSError):
            os.write(2, text.encode())

    def _ask_before(self, scan: Scan) -> None:
        """Ask whether a scan is to begin, when a key stopped the one before it in the same line."""
        key, self.halted = self.halted, ""
        if not key or self.ask is None:
            return
        if not self.ask(f"{key} was pressed: start {scan.title} all the same? [y/N] "):
            raise KeyboardInterrupt(f"{scan.title} was not started")

    def scan_begins(self, scan: Scan) -> None:
        """Remember the scan."""
        self.running = scan
        if scan in self.paused_scans:
            self.paused_scans.remove(scan)
        if scan not in self.scans:
            self.scans.append(scan)

    def scan_pauses(self, scan: Scan) -> None:
        """Let other scans run meanwhile."""
        self.running = None
        self.paused_scans.append(scan)
        self.save_settings()

    def hold(self, scan: Scan, text: str) -> bool:
        """Let the prompt run commands on top of the line that runs; False when it cannot."""
        if self.prompt is None:
            return False
        line = self.command, self.halted
        with self.journal.nested() if self.journal is not None else nullcontext():
            try:
                return self.prompt(scan, text)
            finally:
                self.command, self.halted = line

    def scan_ends(self, scan: Scan) -> None:
        """Link its file in the master file and save what must survive."""
        self.running = None
        if scan.control.by_key and scan.end_reason is EndReason.STOPPED:
            self.halted = "Ctrl-\\"
        if scan in self.paused_scans:
            self.paused_scans.remove(scan)
        if self.journal is not None:
            self.journal.scan_ends(scan)
        if scan.file is not None:
            # SCAN_SAVING may lead elsewhere by now: a scan can be paused for long.
            master = self._masters.pop(scan.file, self.saving.master)
            if is_there(scan.file):
                self._link(scan.file, scan.number, master)
        self.save_settings()

    def _link(self, file: Path, number: int, master: Path) -> None:
        from session_shell.nexus import update_master

        try:
            update_master(master, f"{number}.1", file, self.clock.time())
        except (OSError, SessionShellError) as error:
            _log.warning("%s has no link in the master file: %s", file.name, error)

    @cached_property
    def user(self) -> str:
        """Login name."""
        return user_name()

    @cached_property
    def _host(self) -> str:
        return socket.gethostname()


def user_name() -> str:
    """Return the login name, ``unknown`` where the system has none (some containers)."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
