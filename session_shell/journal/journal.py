"""The journal of a session while it runs: what the session tells it becomes records."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from session_shell.clock import Clock, iso_time, utc_offset
from session_shell.errors import JournalError
from session_shell.journal.file import JournalFile, plain
from session_shell.journal.output import Listener
from session_shell.journal.records import (
    Closed,
    Command,
    Done,
    File,
    Interruption,
    Note,
    Opened,
    Record,
    Scan,
)
from session_shell.journal.telling import cut, one_line, outcome_of, own_lines, reason_of, shown
from session_shell.scanning.documents import ScanEnded, ScanStarted

if TYPE_CHECKING:
    from session_shell.journal.digests import DigestSink
    from session_shell.scanning.scan import Scan as LiveScan

_log = logging.getLogger(__name__)

_TEXT = 4 * 2**20
"""Characters of a command or a script that are kept."""
_INTERRUPTION = Interruption.__struct_fields__
_OF_ONE_COMMAND = ("number", "_depth", "_held", "_begin", "_moment", "_changes")


class Journal:
    """Writes the journal of one session; without a file it listens to nothing.

    Args:
        clock: The clock of the session.
        data: The data directory; scan files below it are told relative to it.

    Attributes:
        id: Name of this run of the session, empty when nothing is recorded.
        path: The file, None when nothing is recorded.
    """

    def __init__(self, clock: Clock, data: Path) -> None:
        self.id = ""
        self.path: Path | None = None
        self.why = "the session keeps no journal"
        self.listener = Listener()
        self.number = 0
        """The command that runs, or ran last; 0: the setup scripts."""
        self.last = 0
        """The command that began last: on top of one that waits there may be others."""
        self.interrupted_at: Callable[[], float] = lambda: 0.0
        """Tells when the last Ctrl-C was raised, by the clock of the session."""
        self._clock = clock
        self._data = data
        self._file: JournalFile | None = None
        self._depth = 0
        self._held = 0
        self._begin = self._moment = 0.0
        self._reason = "closed"
        self._offset = ""
        self._changes: dict[str, dict[str, Any]] = {}
        self._known: dict[tuple[str, str], Any] = {}
        self._recorders: dict[str, ScanRecorder] = {}

    def open(self, path: Path, opened: Opened) -> None:
        """Begin the file; one that cannot be made costs a warning, never the session."""
        try:
            self._file = JournalFile(path, opened)
        except OSError as error:
            self.why = f"{path.parent} cannot be written ({error.strerror or error})"
            _log.warning("what is done is not recorded: %s", self.why)
            return
        self.id, self.path = opened.id, path
        self._offset = utc_offset(opened.date)
        self._known = {(o, k): v for o, keys in opened.settings.items() for k, v in keys.items()}

    def close(self, reason: str = "closed") -> None:
        """Say that the session is over; harmless twice."""
        if self._file is None:
            return
        if self._depth:
            self._depth = 1
            self.ends(None, "exit")
        if reason == "closed":
            reason = self._reason
        self._write(Closed(time=self._clock.time(), reason=reason))
        self._file.close()
        self._file = None

    # Commands

    @contextmanager
    def setup(self) -> Iterator[list[str]]:
        """Listen while the setup scripts run, which are command 0; yield a list of failures."""
        failures: list[str] = []
        self._depth = 1
        self._listen()
        try:
            yield failures
        finally:
            self._end(outcome="error" if failures else "ok", error="; ".join(failures))

    def begins(self, typed: str, executed: str = "", source: str = "api") -> None:
        """Take note that a command begins; one inside another belongs to it."""
        self._depth += 1
        if self._depth > 1 or self._file is None:
            return
        self.number = self.last = max(self.number, self.last) + 1
        self._moment = self._clock.time()
        same = executed.strip() == typed.strip()
        offset = utc_offset(iso_time(self._moment))
        self._write(
            Command(
                number=self.number,
                time=self._moment,
                typed=cut(typed, _TEXT),
                executed="" if same else cut(executed.rstrip(), _TEXT),
                source=source,
                held=self._held,
                offset="" if offset == self._offset else offset,
            )
        )
        self._listen()

    def ends(self, error: BaseException | None, outcome: str = "", value: Any = None) -> None:
        """Take note that it is over.

        Args:
            error: What it raised.
            outcome: When it is not what `error` says.
            value: What the last expression gave, when it was not printed.
        """
        if isinstance(error, SystemExit):
            self._reason = reason_of(error)  # the prompt ends by itself then
        if self._depth > 1 or self._file is None:
            self._depth = max(self._depth - 1, 0)
            return
        self._end(
            outcome=outcome or outcome_of(error),
            error=one_line(error),
            traceback=own_lines(error),
            value=shown(value),
        )

    def _end(self, **told: Any) -> None:
        self._depth = 0
        if self._file is None:
            return
        now = self._clock.time()
        if told["outcome"] == "interrupted":
            raised = self.interrupted_at()
            told["interrupted"] = raised if raised >= self._moment else now
        output, left_out = self.listener.end()
        changes, self._changes = self._changes, {}
        self._write(
            Done(
                number=self.number,
                time=now,
                seconds=round(time.perf_counter() - self._begin, 6),
                output=output,
                left_out=left_out,
                changes=changes,
                **told,
            )
        )

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Record in the block commands on top of the one that runs, which waits."""
        kept = {name: getattr(self, name) for name in _OF_ONE_COMMAND}
        self._depth, self._held, self._changes = 0, self.number, {}
        try:
            with self.listener.set_aside():
                yield
        finally:
            for name, value in kept.items():
                setattr(self, name, value)

    def interrupted(self) -> None:
        """End a command whose end nobody told: an interrupt came in between."""
        if self._depth:
            self._depth = 1
            self.ends(KeyboardInterrupt())

    def script(self, path: Path, arguments: Sequence[str] = ()) -> None:
        """Take note of a script that is run, with its text."""
        if self._file is None:
            return
        try:
            text = path.read_bytes().decode("utf-8", "backslashreplace")
        except OSError:
            return  # running it will say so
        self._write(
            File(
                number=self.number,
                path=str(path),
                text=cut(text, _TEXT),
                arguments=list(map(str, arguments)),
            )
        )

    def settings_changed(self, changed: Mapping[str, Mapping[str, Any]]) -> None:
        """Take note of settings that the running command changed."""
        if self._file is None:
            return
        for owner, keys in changed.items():
            for key, value in keys.items():
                now = plain(value)
                if (owner, key) not in self._known or self._known[owner, key] != now:
                    self._known[owner, key] = now
                    self._changes.setdefault(owner, {})[key] = now

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Keep out of the output what is printed in the block."""
        screen, self.listener.screen = self.listener.screen, None
        try:
            yield
        finally:
            self.listener.screen = screen

    def _listen(self) -> None:
        self._begin = time.perf_counter()
        if self._file is not None:
            self.listener.begin()

    # Scans

    def recorder(self) -> ScanRecorder | None:
        """Return the sink that the next scan needs, None when nothing is recorded."""
        return None if self._file is None else ScanRecorder(self._recorders)

    def scan_ends(self, scan: LiveScan) -> None:
        """Take note of the end of a scan, as it is when all sinks have finished."""
        recorder = self._recorders.pop(scan.plan.uid, None)
        if recorder is None or recorder.ended is None or self._file is None:
            return
        begun, ended, digests = recorder.begun, recorder.ended, recorder.digests
        self._write(
            Scan(
                number=self.number,
                uid=begun.uid,
                scan=begun.number,
                type=begun.type,
                title=begun.title,
                time=begun.time,
                seconds=ended.time - begun.time,
                npoints=begun.npoints,
                points=ended.npoints,
                end_reason=str(scan.end_reason or ended.reason),
                file=self._below_data(begun.file),
                error="" if isinstance(scan.error, KeyboardInterrupt) else one_line(scan.error),
                digest=digests.digest,
                channels=digests.channels,
                interruptions=[
                    Interruption(**{name: getattr(one, name) for name in _INTERRUPTION})
                    for one in scan.interruptions
                ],
            )
        )

    def _below_data(self, file: Path | None) -> str:
        if file is None:
            return ""
        if file.is_relative_to(self._data):
            return file.relative_to(self._data).as_posix()
        return str(file)

    # Notes

    def note(self, kind: str, text: str = "", *, uid: str = "", file: str = "") -> None:
        """Add something for the logbook: ``text``, ``output`` or ``plot``.

        Raises:
            JournalError: When nothing is recorded.
        """
        if self._file is None:
            raise JournalError(f"there is no journal to write to: {self.why}")
        self._write(
            Note(
                number=self.number,
                time=self._clock.time(),
                kind=kind,
                text=cut(text, _TEXT),
                uid=uid,
                file=file,
            )
        )

    def output(self, number: int) -> tuple[str, str]:
        """Return what a command of the session was and what it printed.

        Raises:
            JournalError: When there is no such command, or nothing is recorded.
        """
        if self.path is None:
            raise JournalError(f"there is no journal to look at: {self.why}")
        from session_shell.journal.reader import read_records

        typed = None
        for _, record in read_records(self.path, []):
            if isinstance(record, Command) and record.number == number:
                typed = record.typed
            if isinstance(record, Done) and record.number == number and typed is not None:
                return typed, record.output or record.value
        raise JournalError(f"there is no finished command {number} in this session")

    @property
    def pictures(self) -> Path:
        """Folder of the pictures of plots.

        Raises:
            JournalError: When nothing is recorded.
        """
        if self.path is None:
            raise JournalError(f"there is no journal to write to: {self.why}")
        return self.path.with_suffix("")

    def _write(self, record: Record) -> None:
        if self._file is not None:
            self._file.append(record)


class ScanRecorder:
    """A sink that remembers what the journal tells of one scan."""

    must_not_fail = False

    def __init__(self, recorders: dict[str, ScanRecorder]) -> None:
        from session_shell.journal.digests import DigestSink

        self.digests: DigestSink = DigestSink()
        self.begun: ScanStarted
        self.ended: ScanEnded | None = None
        self.rows = self.digests.rows
        """Take points; bound here, since a call in between would cost for each of them."""
        self._recorders = recorders

    def scan_started(self, doc: ScanStarted) -> None:
        """Begin."""
        self.begun = doc
        self._recorders[doc.uid] = self
        self.digests.scan_started(doc)

    def scan_ended(self, doc: ScanEnded) -> None:
        """Finish."""
        self.ended = doc
        self.digests.scan_ended(doc)
