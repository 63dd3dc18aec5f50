"""Clocks of a replay: time that goes on as it was recorded, with an alarm for recorded keys."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from session_shell.clock import RealClock, VirtualClock

_SLICE = 0.05
"""Seconds of real time between two looks at an alarm."""


class Alarm:
    """Calls somebody once when a time has come; unset it never does."""

    def __init__(self) -> None:
        self.moment = math.inf
        """Time of the clock; infinity: never."""
        self.ring: Callable[[], None] = _nothing

    def look(self, now: float) -> None:
        """Ring if it is time."""
        if now >= self.moment:
            self.moment = math.inf
            self.ring()


class ReplayClock(VirtualClock):
    """A virtual clock that can be set forward and paced.

    Args:
        start: Seconds since the epoch.
        speed: Seconds of its time for one of real time; None: as fast as the machine can.
    """

    def __init__(self, start: float, speed: float | None = None) -> None:
        super().__init__(start)
        self.alarm = Alarm()
        self._speed = speed

    def sleep(self, seconds: float) -> None:
        """Let time pass; the alarm rings in it, at its very moment."""
        alarm = self.alarm
        alarm.look(self._now)
        if seconds <= 0:
            return
        end = self._now + seconds
        if alarm.moment < end:
            self._go_to(alarm.moment)
            alarm.look(self._now)
        self._go_to(end)
        alarm.look(end)

    def set_forward(self, moment: float) -> None:
        """Let the time until `moment` pass at once; a moment of the past changes nothing."""
        self._now = max(self._now, moment)

    def _go_to(self, moment: float) -> None:
        seconds = moment - self._now
        if self._speed is not None and seconds > 0:
            time.sleep(seconds / self._speed)
        self._now = max(self._now, moment)


class RealReplayClock(RealClock):
    """The real clock, with an alarm."""

    def __init__(self) -> None:
        super().__init__()
        self.alarm = Alarm()

    def sleep(self, seconds: float) -> None:
        """Wait for real; the alarm rings in it."""
        alarm, end = self.alarm, self.time() + seconds
        alarm.look(self.time())
        while (left := end - self.time()) > 0:
            to_alarm = max(alarm.moment - self.time(), 0.0)
            super().sleep(min(left, to_alarm, _SLICE if alarm.moment < end else left))
            alarm.look(self.time())

    def set_forward(self, moment: float) -> None:
        """Do nothing: real time cannot be set."""


def _nothing() -> None:
    pass
