"""Time as a device: the real clock, and a virtual one that jumps.

``clock.time()`` and ``clock.sleep()`` are all that the engine and the simulated devices know of
time. A simulated axis is a pure function of it, so a scan under the virtual clock has the
timestamps and the values that the real clock would have given, and takes only the work it costs.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What the engine and the devices need of time."""

    def time(self) -> float:
        """Return seconds since the epoch; never goes backwards within a session."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`; zero and negative values return at once."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for `seconds` or until `event` is set; tell whether it is."""
        ...


# Suspend counts on the boot clock, so timestamps are right after a laptop was closed.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


_SLICE = 1.0
"""Seconds that are slept in one piece."""


class RealClock:
    """The time of the machine, anchored once: setting the system time back does not bend a scan."""

    def __init__(self) -> None:
        self._offset = time.time() - time.clock_gettime(_STEADY)

    def time(self) -> float:
        """Return seconds since the epoch."""
        return self._offset + time.clock_gettime(_STEADY)

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of real time; Ctrl-C interrupts it."""
        # A signal that comes just before the system call does not cut it short: it is seen at the
        # next slice.
        end = time.monotonic() + seconds
        while seconds > _SLICE:
            time.sleep(_SLICE)
            seconds = end - time.monotonic()
        if seconds > 0:
            time.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for `seconds` of real time or until `event` is set; tell whether it is."""
        return event.wait(seconds) if seconds > 0 else event.is_set()


class VirtualClock:
    """A clock that jumps: `sleep` costs nothing and moves the time on.

    >>> clock = VirtualClock(start=0.0)
    >>> clock.sleep(3600)
    >>> clock.time()
    3600.0
    """

    def __init__(self, start: float | None = None) -> None:
        self._now = time.time() if start is None else float(start)

    def time(self) -> float:
        """Return seconds since the epoch, as advanced so far."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move the time on by `seconds`."""
        if seconds > 0:
            self._now += seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Move the time on by `seconds` unless `event` is set; tell whether it is."""
        if event.is_set():
            return True
        self.sleep(seconds)
        return False


def iso_time(seconds: float) -> str:
    """Write a time of the clock as ISO 8601 with the local UTC offset, to the microsecond."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="microseconds")


def utc_offset(date: str) -> str:
    """Return the UTC offset of an ISO 8601 date: ``+01:00``; empty when it says none.

    >>> utc_offset("2026-10-25T02:30:00.000000+02:00")
    '+02:00'
    """
    return date[-6:] if date[-6:-5] in ("+", "-") and date[-3:-2] == ":" else ""
