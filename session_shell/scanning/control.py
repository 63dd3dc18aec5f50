"""Requests to a running scan: stop, pause, abort; from keys, callbacks and other threads."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

from session_shell.clock import Clock


@dataclass(frozen=True, slots=True)
class Interruption:
    """A key or a signal that changed the course of a scan; what code asked for is none."""

    kind: Literal["abort", "stop", "pause", "end"]
    """``end``: a signal that ends the session."""
    time: float
    """By the clock of the session."""
    points: int
    """Points that were taken before."""
    since: float
    """Seconds since the last point began; since the start of the scan when there is none."""
    state: str
    """State of the scan: ``PREPARING``, ``RUNNING``, ``PAUSED`` or ``STOPPING``."""


@dataclass(slots=True)
class ScanControl:
    """What was asked of a scan; the engine looks at `wanted` between two points."""

    wanted: bool = False
    stop: bool = False
    pause: str = ""
    """Why it is to pause; empty: it is not."""
    to_prompt: bool = False
    """A person pauses it, who is given a prompt meanwhile."""
    by_key: bool = False
    """A key asked, not the code of a user."""
    aborted: threading.Event = field(default_factory=threading.Event)
    resumed: threading.Event = field(default_factory=threading.Event)

    @property
    def is_released(self) -> bool:
        """Return True when a paused scan is to go on or to end."""
        return self.resumed.is_set() or self.aborted.is_set()

    def request_stop(self, *, by_key: bool = False) -> None:
        """Ask for the end of the scan after the present point."""
        self.stop = self.wanted = True
        self.by_key = by_key
        self.resumed.set()

    def request_pause(self, reason: str, *, to_prompt: bool = False, by_key: bool = False) -> None:
        """Ask the scan to wait after the present point."""
        self.resumed.clear()
        self.pause, self.to_prompt, self.by_key = reason, to_prompt, by_key
        self.wanted = True

    def request_resume(self) -> None:
        """Ask the scan to go on, or not to pause after all."""
        self.pause = ""
        self.wanted = self.stop
        self.resumed.set()

    def request_abort(self) -> None:
        """Ask for the end of the scan at once."""
        self.aborted.set()
        self.resumed.set()


class ControlledClock:
    """The clock of a session whose `sleep` ends when the scan is aborted from elsewhere."""

    def __init__(self, clock: Clock, control: ScanControl) -> None:
        self.time = clock.time
        self._wait = clock.wait
        self._aborted = control.aborted

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`; `KeyboardInterrupt` when the scan was aborted."""
        if self._wait(self._aborted, seconds):
            raise KeyboardInterrupt

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for `seconds` or until `event` is set; tell whether it is."""
        return self._wait(event, seconds)
