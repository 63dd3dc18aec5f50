"""Take note of keys and signals that change the course of a scan: a replay repeats them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from session_shell.interrupts import InterruptGuard
from session_shell.scanning.control import Interruption

if TYPE_CHECKING:
    from session_shell.scanning.scan import Scan


class Interruptions:
    """What a person or the system did to a scan while it ran; kept in ``scan.interruptions``."""

    def __init__(self, scan: Scan, guard: InterruptGuard) -> None:
        self._scan, self._guard = scan, guard
        self.begin()

    def begin(self) -> None:
        """Count signals from now on: the scan begins, or goes on."""
        self._seen = self._guard.count

    def failed(self, error: BaseException, now: float) -> None:
        """Take note of an error, if a signal is what raised it: `now` by the clock."""
        if self._guard.count <= self._seen:
            return
        if isinstance(error, KeyboardInterrupt):
            self._note("abort", now)
        elif isinstance(error, SystemExit):
            self._note("end", now)

    def asked(self, kind: Literal["stop", "pause"], now: float) -> None:
        """Take note of a stop or a pause, if a key asked for it."""
        if self._scan.control.by_key:
            self._note(kind, now)

    def _note(self, kind: Literal["abort", "stop", "pause", "end"], now: float) -> None:
        scan = self._scan
        begun = scan.start_time if scan.start_time is not None else now
        points = scan.data.npoints
        if points and "epoch" in scan.data:
            begun = float(scan.data.recent("epoch", 1)[-1])
        scan.interruptions.append(Interruption(kind, now, points, now - begun, str(scan.state)))
