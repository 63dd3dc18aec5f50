"""The gate of a point: the count time, during which polled counters take their samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from session_shell.clock import Clock
from session_shell.devices.protocols import Detector, HasSampling

_ROUNDING = 2e-6
"""Seconds by which a time may be off: the time of day has a resolution of 0.2 µs."""


def gate(detectors: Sequence[Detector], clock: Clock) -> Callable[[float], None]:
    """Return what waits for a count time, in seconds; polled counters are sampled meanwhile.

    Without polled counters it is the sleep of the clock itself and costs nothing more.

    >>> wait = gate([diode], clock)  # doctest: +SKIP
    >>> wait(0.1)  # doctest: +SKIP
    """
    polled: list[Any] = [detector for detector in detectors if hasattr(detector, "sample")]
    return partial(_sample, polled, clock) if polled else clock.sleep


def _sample(polled: Sequence[HasSampling], clock: Clock, seconds: float) -> None:
    begin = clock.time()
    # Due times are counted from the beginning, so that samples do not drift.
    due = [0.0] * len(polled)
    while True:
        for index, counter in enumerate(polled):
            elapsed = clock.time() - begin
            if elapsed >= due[index] - _ROUNDING:
                counter.sample()
                # One that takes longer than its period is asked again at once.
                due[index] = max(due[index] + counter.sampling_period, clock.time() - begin)
        elapsed = clock.time() - begin
        if elapsed >= seconds:
            return
        # No sample falls on the end of the gate.
        upcoming = min(at if at < seconds - _ROUNDING else seconds for at in due)
        clock.sleep(upcoming - elapsed)
        if upcoming >= seconds:
            return
