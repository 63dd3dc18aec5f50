"""Press recorded keys again: Ctrl-C, Ctrl-\\ and Ctrl-Z, at the point where they were pressed."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from session_shell.journal.records import Interruption, Scan
from session_shell.replay.clocks import RealReplayClock, ReplayClock
from session_shell.scanning.documents import Rows, ScanEnded, ScanStarted

if TYPE_CHECKING:
    from session_shell.session import Session

_MARGIN = 0.999
"""Part of the time to the next point after which a key counts as pressed before that point."""


class Keys:
    """A sink that follows the scans of a replay and presses what was pressed in them.

    In virtual time a key comes at the recorded time of the clock, so everything behind it is as
    it was. In real time it comes as long after the last point as it did.

    Args:
        session: The session of the replay.
        clock: Its clock.
        exact: The times of the record are those of the replay.
    """

    must_not_fail = False

    def __init__(
        self, session: Session, clock: ReplayClock | RealReplayClock, *, exact: bool
    ) -> None:
        self._session = session
        self._clock = clock
        self._exact = exact
        self._planned: list[Scan] = []
        self._moment: float | None = None
        self._scans: dict[str, _Pressed] = {}
        self.pressed = False
        """Something was pressed in this command."""

    def begin(self, scans: Sequence[Scan], interrupted_at: float | None) -> None:
        """Get ready for a command.

        Args:
            scans: Recorded scans that began in it, in their order.
            interrupted_at: When it was interrupted, if no scan of it was.
        """
        self._planned = list(scans)
        self._moment = interrupted_at
        self.pressed = False
        self._disarm()
        self._arm_command()

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Leave the block to commands on top of the one that runs, which waits at a pause."""
        alarm = self._clock.alarm
        kept = self._planned, self._moment, self.pressed
        ring, moment = alarm.ring, alarm.moment
        self._disarm()
        try:
            yield
        finally:
            self._planned, self._moment, self.pressed = kept
            alarm.ring, alarm.moment = ring, moment

    def end(self) -> None:
        """Press nothing any more."""
        self._planned, self._moment = [], None
        self._disarm()

    # The sink

    def scan_started(self, doc: ScanStarted) -> None:
        """Look up what was pressed in this scan."""
        self._disarm()
        planned = next((s for s in self._planned if s.title == doc.title), None)
        if planned is not None:
            self._planned.remove(planned)
            self._scans[doc.uid] = _Pressed(doc, list(planned.interruptions))
            self._next(self._scans[doc.uid], doc.time, 0)

    def rows(self, doc: Rows) -> None:
        """Press when the points are there after which a key was pressed."""
        running = self._session.host.running
        scan = self._scans.get(running.plan.uid) if running is not None else None
        if scan is None:
            return  # the row of a sequence: its member is over
        begun = doc.columns[1][-1]
        scan.step, scan.last = begun - scan.last if scan.last else scan.doc.count_time, begun
        self._next(scan, begun, doc.first + doc.count)

    def scan_ended(self, doc: ScanEnded) -> None:
        """Leave keys to the next scan, or to the command."""
        self._scans.pop(doc.uid, None)
        self._disarm()
        self._arm_command()

    def _next(self, scan: _Pressed, begun: float, points: int) -> None:
        while scan.keys and points >= scan.keys[0].points:
            key = scan.keys[0]
            if key.kind in ("abort", "end"):
                self._set_alarm(scan, key, begun, points)
                return
            scan.keys.pop(0)
            self._press(key.kind)

    def _set_alarm(self, scan: _Pressed, key: Interruption, begun: float, points: int) -> None:
        moment = key.time
        if not self._exact:
            since = key.since
            if points:
                since = min(since, (scan.step + scan.doc.count_time) * _MARGIN)
            moment = begun + since

        def ring() -> None:
            scan.keys.remove(key)
            self._press(key.kind)

        if points > key.points:
            moment = self._clock.time()  # too late already: at once
        self._clock.alarm.ring = ring
        self._clock.alarm.moment = moment
        self._clock.alarm.look(self._clock.time())

    def _press(self, kind: str) -> None:
        self.pressed = True
        running = self._session.host.running
        if kind == "stop" and running is not None:
            running.control.request_stop(by_key=True)
        elif kind == "pause" and running is not None:
            running.control.request_pause("Ctrl-Z", to_prompt=True, by_key=True)
        else:
            self._session.guard.interrupt(signal.SIGTERM if kind == "end" else signal.SIGINT)

    def _arm_command(self) -> None:
        if self._moment is None or self._planned:
            return  # it came after the last scan

        def ring() -> None:
            self._moment = None
            self._press("abort")

        self._clock.alarm.ring = ring
        self._clock.alarm.moment = self._moment

    def _disarm(self) -> None:
        self._clock.alarm.moment = float("inf")


class _Pressed:
    """A scan of the replay, and what is still to be pressed in it."""

    def __init__(self, doc: ScanStarted, keys: list[Interruption]) -> None:
        self.doc = doc
        self.keys = keys
        self.last = 0.0
        """When the last point began."""
        self.step = 0.0
        """Seconds from one point to the next."""
