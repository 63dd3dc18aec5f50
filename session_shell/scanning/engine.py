"""Run a scan: from a plan to documents, with an end in every case.

    check -> reserve the file -> START metadata -> prepare -> PREPARED metadata -> ScanStarted
          -> Rows, Rows, ... -> stop devices, go back -> END metadata -> ScanEnded

The whole run is shielded from Ctrl-C, and the shield is opened around what may take long. So an
interrupt can come anywhere a user waits, and nowhere that it could damage a file or cut into the
clean-up. A pause leaves the acquirer, a generator, where it is.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from session_shell.devices.motion.places import Place, targets_of
from session_shell.devices.motion.together import stop_all
from session_shell.devices.protocols import Movable
from session_shell.errors import ScanError, ScanPaused, SessionShellError
from session_shell.interrupts import is_of_signal
from session_shell.scanning.acquire import Acquisition, step
from session_shell.scanning.bus import Bus
from session_shell.scanning.collect import MetadataCollector, read_positions
from session_shell.scanning.column_types import ColumnTypes
from session_shell.scanning.control import ControlledClock
from session_shell.scanning.documents import (
    Comment,
    EndReason,
    Pause,
    Position,
    Rows,
    ScanEnded,
    ScanStarted,
)
from session_shell.scanning.host import FileSink, ScanHost
from session_shell.scanning.interrupted import Interruptions
from session_shell.scanning.presets import Hooks
from session_shell.scanning.scan import Scan, ScanState
from session_shell.scanning.scan_meta import META_TIMING
from session_shell.scanning.stopping import move_back, stop_detectors

_log = logging.getLogger(__name__)


def run_scan(scan: Scan, host: ScanHost) -> None:
    """Run `scan` to its end, and raise what ended it, if anything did.

    Raises:
        ScanPaused: When it was paused from the keyboard and the host has no prompt to wait at;
            `scan.resume` goes on.
    """
    scan.plan.check()
    with host.guard.active(), host.guard.shielded(), _keys(scan, host):
        file = host.reserve(scan)
        host.scan_begins(scan)
        try:
            run = Run(scan, host, file)
        except BaseException:
            if file is not None:
                file.discard()
            host.scan_ends(scan)
            raise
        run.begin()
        run.go_on()


def _keys(scan: Scan, host: ScanHost) -> AbstractContextManager[None]:
    """Let Ctrl-Z pause and Ctrl-\\ stop the scan, when somebody sits at the prompt."""
    control = scan.control
    pause = partial(control.request_pause, "Ctrl-Z", to_prompt=True, by_key=True)
    stop = partial(control.request_stop, by_key=True)
    requests: dict[str, Callable[[], None]] = {"SIGTSTP": pause, "SIGQUIT": stop}
    return host.guard.requests(requests) if host.keys else nullcontext()


class Run:
    """One run of one scan, in the order of the methods below."""

    def __init__(self, scan: Scan, host: ScanHost, file: FileSink | None) -> None:
        self.scan, self.plan, self.host, self.control = scan, scan.plan, host, scan.control
        scan.number = file.number if file else 0
        scan.file = file.path if file else None
        scan.attach(self)
        self.bus = Bus([*([file] if file else []), scan.data, *host.sinks(shown=self.plan.shown)])
        participants = [*self.plan.trajectory.axes, *self.plan.detectors]
        facts = host.facts()
        self.metadata = MetadataCollector(
            host.scan_meta.copy(),
            host.publishers(),
            participants,
            self.plan.scan_info,
            host.guard,
            host.caller,
            facts.metadata or {},
            facts.told or {},
        )
        scan.profile = self.metadata.profile
        self.hooks = Hooks([*host.presets, *scan.presets], scan)
        self.watchdogs = [*host.watchdogs, *scan.watchdogs]
        self.start = self._read_positions()
        clock = ControlledClock(host.clock, self.control)
        before = self.hooks.before_point if self.hooks.has_points else None
        self.work = Acquisition(self.plan, clock, before)
        self.rows: Iterator[Rows] = (self.plan.acquirer or step)(self.work)
        self.opened = host.guard.opened()
        self.keys = Interruptions(scan, host.guard)
        self.types = ColumnTypes(())
        self.pauses: list[Pause] = []
        self.places: Sequence[Place] = ()
        self.error: BaseException | None = None
        self.held = False
        """The line that runs the scan waits at a pause, below a prompt."""

    # The phases

    def begin(self) -> None:
        """Take metadata, prepare, and send the start; what goes wrong is kept for the end."""
        self.scan.state = ScanState.PREPARING
        self.scan.start_time = self.host.clock.time()
        self._attempt(self._prepare)
        # Also when preparing failed: the file then says what went wrong.
        self._attempt(lambda: self.bus.started(self._started()), always=True)

    def go_on(self) -> None:
        """Take points to the end, or to a pause that leaves the line that runs."""
        self._attempt(self._acquire)
        if isinstance(self.error, ScanPaused):
            paused, self.error = self.error, None
            raise paused
        self.end()

    def resume(self) -> None:
        """Go on after such a pause: axes where they were, detectors prepared again."""
        guard = self.host.guard
        with guard.active(), guard.shielded(), _keys(self.scan, self.host):
            self.keys.begin()
            self._return_or_stay_paused()
            self.host.scan_begins(self.scan)
            self._resumed()
            self.go_on()

    def _return_or_stay_paused(self) -> None:
        try:
            self._put_back()
        except Exception as error:
            raise ScanError(
                f"{self._name} ({self.plan.title}) stays paused, since it cannot be put back: "
                f"{error}; resume() tries again, abort() ends it"
            ) from error

    def end(self) -> None:
        """Stop everything, take END metadata, and send the end."""
        try:
            self.scan.state = ScanState.STOPPING
            self._stop_devices()
            if self.plan.go_back:
                self._go_back()
            self._tell_renamed()
            self._note_replaced()
            self.metadata.collect(self.scan, META_TIMING.END)
            self._finish()
        finally:
            self.host.scan_ends(self.scan)

    def give_up(self) -> None:
        """End a paused scan as aborted."""
        with self.host.guard.active(), self.host.guard.shielded():
            self.error = KeyboardInterrupt()
            self.end()

    # What they consist of

    def _read_positions(self) -> dict[str, Position]:
        # An axis that was made by hand may be scanned without being one of the session's.
        return read_positions([*self.host.axes(), *self.plan.trajectory.axes])

    def _attempt(self, phase: Callable[[], None], *, always: bool = False) -> None:
        if self.error is not None and not always:
            return
        try:
            phase()
            self._raise_swallowed()
        except BaseException as error:  # noqa: BLE001  raised again by _finish
            # A stop of all axes makes motions fail: the abort is what ended the scan.
            aborted = self.control.aborted.is_set()
            self.keys.failed(error, self.host.clock.time())
            self.error = self.error or (KeyboardInterrupt() if aborted else error)

    def _prepare(self) -> None:
        with self.host.guard.opened():
            self.metadata.collect(self.scan, META_TIMING.START)
            self.scan.info = self.metadata.merged()
            self.hooks.prepare()
            for detector in self.plan.detectors:
                detector.prepare(self.plan.count_time, self.plan.npoints)
            self.metadata.collect(self.scan, META_TIMING.PREPARED)
            self.hooks.start()

    def _started(self) -> ScanStarted:
        plan, scan, facts = self.plan, self.scan, self.host.facts()
        scan.info = self.metadata.merged()
        self.types = ColumnTypes(plan.channels)
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
            sequence=scan.sequence,
            configuration=facts.configuration or {},
        )

    def _acquire(self) -> None:
        self.scan.state = ScanState.RUNNING
        guard = self.host.guard
        while not self._is_held_up() and (block := self._next()) is not None:
            if odd := self.types.odd(block):
                self._take_odd(block, odd)
            else:
                self.bus.rows(block)
            if self.hooks.has_points:
                with self.host.guard.opened():
                    self.hooks.after_point(block.first + block.count - 1)
            if guard.raised is not None:
                self._raise_swallowed()

    def _take_odd(self, block: Rows, odd: Sequence[int]) -> None:
        """Hand points on as their columns hold them; one that they cannot hold ends the scan."""
        known = len(self.types.replaced)
        rows, failure = self.types.converted(block, odd)
        if rows.count:
            self.bus.rows(rows)
        for _, first in [*self.types.replaced.values()][known:]:
            _log.warning("%s, which its column cannot hold: NaN is in its place", first)
        if failure is not None:
            raise failure

    def _raise_swallowed(self) -> None:
        """Raise a Ctrl-C or a signal again that code of the user has caught and dropped."""
        if self.error is None and (raised := self.host.guard.raised) is not None:
            raise type(raised)(*raised.args)

    def _next(self) -> Rows | None:
        with self.opened:
            return next(self.rows, None)

    def _is_held_up(self) -> bool:
        """Look at requests and watchdogs, pause if need be; True when the scan is to end."""
        if not (self.watchdogs or self.control.wanted) or self._is_complete:
            return False
        if self.watchdogs:
            self._ask_watchdogs()
        if not self.control.pause or self.control.stop:
            return self.control.stop
        if self.work.at_rest:
            self._pause(self.control.pause)
        elif self.work.rests_at >= self.scan.npoints > 0:
            _log.warning("a pass cannot be paused; the scan ends with this one (Ctrl-\\ stops it)")
            self.control.request_resume()
        return self.control.stop

    def _ask_watchdogs(self) -> None:
        now = self.host.clock.time()
        for dog in self.watchdogs:
            with self.host.guard.opened():
                reason = dog.reason(self.scan, now)
            if not reason:
                continue
            _log.warning("%s: %s", self.plan.title, reason)
            if dog.action == "abort":
                raise KeyboardInterrupt(reason)
            if dog.action == "stop":
                self.control.request_stop()
                return
            if not self.work.at_rest:
                dog.ask_again()  # where the axes stand
                continue
            self._wait_in_place(reason, lambda dog=dog: not dog.ask(self.scan), dog.interval)  # type: ignore[misc]

    # Pauses

    def _pause(self, reason: str) -> None:
        if not self.control.to_prompt:
            resumed = self.control.resumed
            self._wait_in_place(reason, lambda: resumed.wait(0.05), 0.0)
            return
        self._paused(reason)
        points = f"after {self.scan.data.npoints} of {self.scan.npoints or 'endless'} points"
        text = f"is paused {points}; resume() goes on, abort() ends it"
        self._hold(f"{self._name} ({self.plan.title}) {text}")
        while not self.control.stop:
            try:
                self._return_or_stay_paused()
                break
            except ScanError as error:
                self.control.request_pause(reason, to_prompt=True)
                self._hold(str(error))
        self._resumed()

    def _hold(self, text: str) -> None:
        """Wait in place, with a prompt on top of the line that runs, until the scan may go on."""
        self.host.scan_pauses(self.scan)
        self.held = is_held = True
        try:
            with self.host.guard.suspended():
                is_held = self.host.hold(self.scan, text)
        finally:
            self.held = False
            if is_held:
                self.host.scan_begins(self.scan)
        if not is_held:
            raise ScanPaused(text)
        if self.control.aborted.is_set():
            raise KeyboardInterrupt

    def _wait_in_place(self, reason: str, is_over: Callable[[], bool], interval: float) -> None:
        self._paused(reason)
        with self.host.guard.opened():
            while not is_over() and not self.control.stop:
                if self.control.aborted.is_set():
                    raise KeyboardInterrupt
                self._raise_swallowed()
                self.host.clock.sleep(interval)
        if not self.control.stop:
            self._put_back()
        self._resumed()

    def _paused(self, reason: str) -> None:
        self.keys.asked("pause", self.host.clock.time())
        self.scan.state = ScanState.PAUSED
        self.pauses.append(Pause(self.host.clock.time(), reason))
        self.places = [Place(axis) for axis in self.plan.trajectory.axes]
        self.bus.paused(self.pauses[-1])

    def _resumed(self) -> None:
        begun = self.pauses[-1]
        seconds = self.host.clock.time() - begun.time
        self.pauses[-1] = Pause(begun.time, begun.reason, seconds)
        self.control.request_resume()
        self.scan.state = ScanState.RUNNING
        self.bus.resumed(self.pauses[-1])

    def _put_back(self) -> None:
        """Make the scan's devices as they were: somebody may have used them meanwhile."""
        with self.host.guard.opened():
            self._move(targets_of(self.places))
            left = max(self.plan.npoints - self.scan.data.npoints, 0)
            for detector in self.plan.detectors:
                detector.prepare(self.plan.count_time, left)

    # The end

    def _stop_devices(self) -> None:
        # After a success the axes stand already, and stopping them would cost time for nothing.
        problems: list[Exception] = []
        guard = self.host.guard
        if self.error is not None or not self.work.at_rest:
            problems += stop_all(self.plan.trajectory.axes, guard)
        problems += stop_detectors(self.plan.detectors, guard)
        problems += self.hooks.stop(guard)
        for problem in problems:
            _log.warning("%s", problem)
            self.error = self.error or problem

    def _go_back(self) -> None:
        """Move relative axes to where they were; a further Ctrl-C stops that, not the clean-up."""
        axes = self.plan.trajectory.axes
        try:
            self._move(targets_of(self.work.places))
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  told and recorded
            names = ", ".join(axis.name for axis in axes)
            why = str(error) or "stopped by Ctrl-C"
            _log.warning("%s did not go back to the start: %s", names, why)
            self.keys.failed(error, self.host.clock.time())
            self.error = self.error or error

    def _note_replaced(self) -> None:
        now = self.host.clock.time()
        for count, first in self.types.replaced.values():
            more = f", and {count - 1} more" if count > 1 else ""
            self.scan.comments.append(Comment(now, f"{first}{more}: NaN is in its place"))

    def _tell_renamed(self) -> None:
        for place in self.work.places:
            if place.is_renamed:
                _log.warning(
                    "%s: its positions were redefined during the scan, which kept its places; "
                    "its column has the positions of the start",
                    place.axis.name,
                )

    def _move(self, targets: dict[Movable, float]) -> None:
        begin, seen = self.host.clock.time(), self.host.guard.count
        try:
            move_back(targets, lambda: self.host.guard.count > seen)
        finally:
            self.work.spent.moving += self.host.clock.time() - begin

    def _finish(self) -> None:
        scan, clock = self.scan, self.host.clock
        scan.info = self.metadata.merged()
        scan.end_time = clock.time()
        scan.end_reason = self._reason()
        if scan.end_reason is EndReason.STOPPED:
            self.keys.asked("stop", scan.end_time)
        ended = ScanEnded(
            uid=self.plan.uid,
            time=scan.end_time,
            reason=scan.end_reason,
            npoints=scan.data.npoints,
            metadata=scan.info,
            positions=self._read_positions(),
            failures=tuple(self.metadata.failures),
            comments=tuple(scan.comments),
            error=_describe(self.error),
            counting=self.work.spent.counting,
            moving=self.work.spent.moving,
            pauses=tuple(self.pauses),
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
        if is_of_signal(self.error):
            return EndReason.SESSION_ENDED
        if self.error is not None:
            return EndReason.FAILURE
        if self.control.stop and not self._is_complete:
            return EndReason.STOPPED
        return EndReason.SUCCESS

    @property
    def _is_complete(self) -> bool:
        return 0 < self.scan.npoints <= self.scan.data.npoints

    @property
    def _name(self) -> str:
        return f"scan {self.scan.number}" if self.scan.number else "the scan"

    def _raise(self, error: BaseException) -> None:
        scan = self.scan
        points = f"after {scan.data.npoints} of {scan.npoints or 'endless'} points"
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(f"{self._name} ({scan.title}) was aborted {points}") from error
        if isinstance(error, SessionShellError) or not isinstance(error, Exception):
            raise error
        raise ScanError(
            f"{self._name} ({scan.title}) failed {points}: {_describe(error)}",
            point=scan.data.npoints,
        ) from error


def _describe(error: BaseException | None) -> str:
    if error is None or isinstance(error, KeyboardInterrupt):
        return ""
    if isinstance(error, SystemExit) and is_of_signal(error):
        return f"ended by {signal.Signals(int(error.code or 0) - 128).name}"
    if isinstance(error, SessionShellError):
        return str(error)
    return f"{type(error).__name__}: {error}"
