"""The scan that a user holds: made from a plan, run once, looked at afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from session_shell.devices.motion.together import stop_all
from session_shell.errors import CommandError, ScanError
from session_shell.scanning.collect import Profile
from session_shell.scanning.control import Interruption, ScanControl
from session_shell.scanning.data import ScanData
from session_shell.scanning.documents import Comment, EndReason
from session_shell.scanning.forecast import Forecast, forecast
from session_shell.scanning.host import Resumable, ScanHost
from session_shell.scanning.layout import Layout
from session_shell.scanning.metadata import copy_tree
from session_shell.scanning.plan import ScanPlan
from session_shell.scanning.presets import Action, Watchdog, checked_preset
from session_shell.scanning.results import ScanResults

_log = logging.getLogger(__name__)


def checked_comment(text: object) -> str:
    """Return the text of a remark; `CommandError` when there is none."""
    if not str(text).strip():
        raise CommandError("add_comment: expected some text")
    return str(text)


class ScanState(StrEnum):
    """How far a scan is."""

    IDLE = "IDLE"
    PREPARING = "PREPARING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPING = "STOPPING"
    DONE = "DONE"


class Scan(ScanResults):
    """One scan: what it was asked to do, what it measured and how it ended."""

    def __init__(self, plan: ScanPlan, host: ScanHost) -> None:
        self.plan = plan
        self.state = ScanState.IDLE
        self.number = 0
        self.file: Path | None = None
        self.data: ScanData = ScanData(host.rows_of)
        self.info: dict[str, Any] = copy_tree(plan.scan_info)
        self.end_reason: EndReason | None = None
        self.error: BaseException | None = None
        self.start_time: float | None = None
        self.end_time: float | None = None
        self.profile: list[Profile] = []
        self.comments: list[Comment] = []
        self.presets: list[Any] = []
        self.watchdogs: list[Watchdog] = []
        self.sequence = ""
        """uid of the sequence that it is a part of."""
        self.control = ScanControl()
        self.interruptions: list[Interruption] = []
        self._host = host
        self._run: Resumable | None = None

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
    def layout(self) -> Layout:
        """How its points lie: axes, shape, and what to look at."""
        path = self.plan.trajectory
        axes = tuple(axis.name for axis in path.axes)
        return Layout(axes, path.shape, path.grid, path.backnforth, self.plan.plot)

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
        if self._host.dry is not None:
            self._host.dry.append(self.simulate())
            return self
        self._host.execute(self)
        return self

    def simulate(self) -> Forecast:
        """Check limits and devices and tell what the scan would take; nothing moves.

        Example:
            ``amesh(sy, -1, 1, 50, sz, -1, 1, 50, 0.1, run=False).simulate()``
        """
        return forecast(self.plan)

    # Control, from another thread, a preset or a metadata callable, or at the prompt

    def stop(self) -> None:
        """End the scan after the present point; ``end_reason`` is STOPPED then."""
        self.control.request_stop()

    def pause(self, reason: str = "paused") -> None:
        """Let the scan wait after the present point, until `resume`.

        Axes may be moved and counters used meanwhile; the scan puts them back first.

        Raises:
            ScanError: When it is paused already.
        """
        if self.state is ScanState.PAUSED:
            raise ScanError(f"{self.title}: is paused already")
        self.control.request_pause(reason)

    def resume(self) -> None:
        """Let a paused scan go on: the line that runs it, else here to its end.

        Raises:
            ScanError: When it is not paused.
        """
        if self.state is not ScanState.PAUSED and not self.control.pause:
            raise ScanError(f"{self.title}: is {self.state}, not paused")
        if self._waits_for("resume"):
            self._run.resume()  # type: ignore[union-attr]
        else:
            self.control.request_resume()

    def abort(self) -> None:
        """End the scan at once, as Ctrl-C does; axes are stopped, data are kept.

        Raises:
            ScanError: When it does not run.
        """
        if self.state in (ScanState.IDLE, ScanState.DONE):
            raise ScanError(f"{self.title}: is {self.state}, there is nothing to abort")
        if self._waits_for("abort"):
            with suppress(KeyboardInterrupt):
                self._run.give_up()  # type: ignore[union-attr]
            return
        self.control.request_abort()
        for problem in stop_all(self.plan.trajectory.axes, wait=False):
            _log.warning("%s", problem)

    @property
    def is_held(self) -> bool:
        """Return True while the line that runs the scan waits at a pause, below a prompt."""
        return self._run is not None and self._run.held

    def _waits_for(self, what: str) -> bool:
        """Return True when it is paused and no line waits for it: `what` has to run it."""
        paused = self._host.paused_scans
        if self not in paused:
            return False
        if self.is_held and paused[-1] is not self:
            raise ScanError(
                f"{self.title}: {what} comes while {paused[-1].title} is paused on top of it; "
                "resume() or abort() that one first"
            )
        if self._host.running is not None:
            raise ScanError(
                f"{self.title}: {what} comes while {self._host.running.title} is running; a "
                "session runs one scan at a time"
            )
        return not self.is_held

    def attach(self, run: Resumable) -> None:
        """Remember the run, to resume it; the engine calls this."""
        self._run = run

    def add_preset(self, preset: Any) -> None:
        """Add hooks to this scan; see `session_shell.scanning.presets.ScanPreset`."""
        self._refuse_when_begun("add_preset")
        self.presets.append(checked_preset(preset))

    def add_watchdog(
        self, check: Callable[[Any], Any], action: Action = "pause", interval: float = 1.0
    ) -> None:
        """Let a function look whether the scan may go on.

        Args:
            check: Gets the scan; returns a reason while it must not go on.
            action: ``pause`` (until `check` returns nothing), ``stop`` or ``abort``.
            interval: Seconds between two looks.
        """
        self._refuse_when_begun("add_watchdog")
        self.watchdogs.append(Watchdog(check, action, interval))

    def _refuse_when_begun(self, what: str) -> None:
        if self.state is not ScanState.IDLE:
            raise ScanError(f"{self.title}: {what} comes too late, the scan is {self.state}")

    def add_comment(self, text: str) -> None:
        """Add a remark, saved with its time in the file; before, while or after the scan runs.

        Args:
            text: The remark.

        Raises:
            ScanError: When the scan is over and nothing can be added to its file.

        Example:
            ``scan.add_comment("sample realigned")``
        """
        comment = Comment(self._host.clock.time(), checked_comment(text))
        if self.state is ScanState.DONE:
            self._host.add_comment(self, comment)
        self.comments.append(comment)

    def __repr__(self) -> str:
        number = f" {self.number}" if self.number else ""
        points = f"{self.data.npoints} of {self.npoints or 'endless'} points"
        outcome = self.end_reason or self.state
        where = f", {self.file}" if self.file else ", not saved"
        return f"<Scan{number}: {self.title}, {outcome}, {points}{where}>"
