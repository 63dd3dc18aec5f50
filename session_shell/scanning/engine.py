"""Run a scan: from a plan to documents, with an end in every case.

    check -> reserve the file -> START metadata -> prepare -> PREPARED metadata -> ScanStarted
          -> Rows, Rows, ... -> stop devices, go back -> END metadata -> ScanEnded

The whole run is shielded from Ctrl-C, and the shield is opened around what may take long. So an
interrupt can come anywhere a user waits, and nowhere that it could damage a file or cut into the
clean-up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from session_shell.devices.moving import stop_all
from session_shell.devices.protocols import Movable, Status
from session_shell.errors import DeviceError, ScanError, SessionShellError
from session_shell.scanning.acquire import Acquirer, TimeSpent, step
from session_shell.scanning.bus import Bus
from session_shell.scanning.collect import MetadataCollector, read_positions
from session_shell.scanning.documents import EndReason, Rows, ScanEnded, ScanStarted
from session_shell.scanning.scan import FileSink, Scan, ScanHost, ScanState
from session_shell.scanning.scan_meta import META_TIMING

_log = logging.getLogger(__name__)

_POLL = 0.05
"""Seconds between two looks for a Ctrl-C while axes go back."""


def run_scan(scan: Scan, host: ScanHost, acquirer: Acquirer = step) -> None:
    """Run `scan` to its end, and raise what ended it, if anything did."""
    scan.plan.check()
    with host.guard.active(), host.guard.shielded():
        file = host.reserve(scan)
        host.scan_begins(scan)
        try:
            _Run(scan, host, acquirer, file).run()
        finally:
            host.scan_ends(scan)


class _Run:
    """One run of one scan, in the order of the methods below."""

    def __init__(
        self, scan: Scan, host: ScanHost, acquirer: Acquirer, file: FileSink | None
    ) -> None:
        self.scan, self.plan, self.host, self.acquirer = scan, scan.plan, host, acquirer
        scan.number = file.number if file else 0
        scan.file = file.path if file else None
        self.bus = Bus([*([file] if file else []), scan.data, *host.sinks()])
        participants = [*self.plan.trajectory.axes, *self.plan.detectors]
        self.metadata = MetadataCollector(
            host.scan_meta.copy(),
            host.publishers(),
            participants,
            self.plan.scan_info,
            host.guard,
            host.caller,
        )
        scan.profile = self.metadata.profile
        self.start = read_positions(host.axes())
        self.spent = TimeSpent()
        self.error: BaseException | None = None

    def run(self) -> None:
        """Go through the phases; whatever goes wrong in one, the end is reached."""
        self.scan.state = ScanState.PREPARING
        self.scan.start_time = self.host.clock.time()
        self._attempt(self._prepare)
        # Also when preparing failed: the file then says what went wrong.
        self._attempt(lambda: self.bus.started(self._started()), always=True)
        self.scan.state = ScanState.RUNNING
        self._attempt(self._acquire)
        self.scan.state = ScanState.STOPPING
        self._stop_devices()
        if self.plan.go_back:
            self._go_back()
        self.metadata.collect(self.scan, META_TIMING.END)
        self._finish()

    def _attempt(self, phase: Callable[[], None], *, always: bool = False) -> None:
        if self.error is not None and not always:
            return
        try:
            phase()
        except BaseException as error:  # noqa: BLE001  raised again by _finish
            self.error = self.error or error

    def _prepare(self) -> None:
        with self.host.guard.opened():
            self.metadata.collect(self.scan, META_TIMING.START)
            self.scan.info = self.metadata.merged()
            for detector in self.plan.detectors:
                detector.prepare(self.plan.count_time, self.plan.npoints)
            self.metadata.collect(self.scan, META_TIMING.PREPARED)

    def _started(self) -> ScanStarted:
        plan, scan, facts = self.plan, self.scan, self.host.facts()
        scan.info = self.metadata.merged()
        return ScanStarted(
            uid=plan.uid,
            number=scan.number,
            type=plan.type,
            name=scan.name,
            title=plan.title,
            time=scan.start_time or 0.0,
            npoints=plan.npoints,
            shape=plan.trajectory.shape,
            count_time=plan.count_time,
            channels=plan.channels,
            axes=tuple(axis.name for axis in plan.trajectory.axes),
            grid=plan.trajectory.grid,
            backnforth=plan.trajectory.backnforth,
            plot=plan.plot,
            parameters=plan.parameters,
            metadata=scan.info,
            positions=self.start,
            failures=tuple(self.metadata.failures),
            comments=tuple(scan.comments),
            file=scan.file,
            session=facts.session,
            user=facts.user,
            host=facts.host,
            command=facts.command,
            configuration=facts.configuration or {},
        )

    def _acquire(self) -> None:
        rows = self.acquirer(self.plan, self.host.clock, self.spent)
        while (block := self._next(rows)) is not None:
            self.bus.rows(block)
            if self.scan.stop_requested:
                return

    def _next(self, rows: Iterator[Rows]) -> Rows | None:
        with self.host.guard.opened():
            return next(rows, None)

    def _stop_devices(self) -> None:
        # After a success the axes stand already, and stopping them would cost time for nothing.
        problems: list[Exception] = []
        if self.error is not None:
            problems += stop_all(self.plan.trajectory.axes)
        for detector in self.plan.detectors:
            try:
                detector.stop()
            except Exception as error:  # noqa: BLE001  the others must be stopped all the same
                problems.append(DeviceError(f"did not stop: {error}", device=detector.name))
        for problem in problems:
            _log.warning("%s", problem)
            self.error = self.error or problem

    def _go_back(self) -> None:
        """Move relative axes to where they were; a further Ctrl-C stops that, not the clean-up."""
        seen = self.host.guard.count
        begin = self.host.clock.time()
        motions: list[tuple[Movable, Status]] = []
        try:
            for axis in self.plan.trajectory.axes:
                motions.append((axis, axis.start_move(self.start[axis.name].user)))  # noqa: PERF401
            for _, motion in motions:
                self._wait(motion, seen)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  told and recorded
            stop_all(axis for axis, _ in motions)
            names = ", ".join(axis.name for axis in self.plan.trajectory.axes)
            why = str(error) or "stopped by Ctrl-C"
            _log.warning("%s did not go back to the start: %s", names, why)
            self.error = self.error or error
        self.spent.moving += self.host.clock.time() - begin

    def _wait(self, motion: Status, seen: int) -> None:
        while True:
            try:
                motion.result(_POLL)
            except TimeoutError:
                if motion.done():
                    raise
            else:
                return
            if self.host.guard.count > seen:
                raise KeyboardInterrupt

    def _finish(self) -> None:
        scan, clock = self.scan, self.host.clock
        scan.info = self.metadata.merged()
        scan.end_time = clock.time()
        scan.end_reason = self._reason()
        ended = ScanEnded(
            uid=self.plan.uid,
            time=scan.end_time,
            reason=scan.end_reason,
            npoints=scan.data.npoints,
            metadata=scan.info,
            positions=read_positions(self.host.axes()),
            failures=tuple(self.metadata.failures),
            comments=tuple(scan.comments),
            error=_describe(self.error),
            counting=self.spent.counting,
            moving=self.spent.moving,
        )
        self._attempt(lambda: self.bus.ended(ended), always=True)
        scan.error = self.error
        if self.error is not None:
            scan.end_reason = self._reason()
        scan.state = ScanState.DONE
        if self.error is not None:
            self._raise(self.error)

    def _reason(self) -> EndReason:
        if isinstance(self.error, KeyboardInterrupt):
            return EndReason.USER_ABORT
        if self.error is not None:
            return EndReason.FAILURE
        if self.scan.stop_requested:
            return EndReason.STOPPED
        return EndReason.SUCCESS

    def _raise(self, error: BaseException) -> None:
        scan = self.scan
        points = f"after {scan.data.npoints} of {scan.npoints or 'endless'} points"
        name = f"scan {scan.number}" if scan.number else "the scan"
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(f"{name} ({scan.title}) was aborted {points}") from error
        if isinstance(error, SessionShellError) or not isinstance(error, Exception):
            raise error
        raise ScanError(
            f"{name} ({scan.title}) failed {points}: {_describe(error)}", point=scan.data.npoints
        ) from error


def _describe(error: BaseException | None) -> str:
    if error is None or isinstance(error, KeyboardInterrupt):
        return ""
    if isinstance(error, SessionShellError):
        return str(error)
    return f"{type(error).__name__}: {error}"
