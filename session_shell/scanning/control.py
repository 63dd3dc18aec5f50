"""Requests to a running scan: stop, pause, abort; from keys, callbacks and other threads."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from session_shell.clock import Clock


@dataclass(slots=True)
class ScanControl:
    """What was asked of a scan; the engine looks at `wanted` between two points."""

    wanted: bool = False
    stop: bool = False
    pause: str = ""
    """Why it is to pause; empty: it is not."""
    to_prompt: bool = False
    """A pause gives the prompt back instead of waiting in place."""
    aborted: threading.Event = field(default_factory=threading.Event)
    resumed: threading.Event = field(default_factory=threading.Event)

    def request_stop(self) -> None:
        """Ask for the end of the scan after the present point."""
        self.stop = self.wanted = True
        self.resumed.set()

    def request_pause(self, reason: str, *, to_prompt: bool = False) -> None:
        """Ask the scan to wait after the present point."""
        self.resumed.clear()
        self.pause, self.to_prompt = reason, to_prompt
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
