"""Bring the devices of a scan to rest, and relative axes back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from session_shell.devices.motion.together import limited_call, start_together, stop_all
from session_shell.devices.protocols import Detector, Movable, Status
from session_shell.errors import DeviceError
from session_shell.interrupts import InterruptGuard

_log = logging.getLogger(__name__)

_POLL = 0.05
"""Seconds between two looks for a Ctrl-C while axes go back."""


def stop_detectors(detectors: Sequence[Detector], guard: InterruptGuard) -> list[Exception]:
    """Stop all detectors; return what went wrong."""
    return [
        DeviceError(f"did not stop: {error}", device=detector.name)
        for detector in detectors
        for error in limited_call(detector.stop, "stop", guard)
    ]


def move_back(targets: Mapping[Movable, float], interrupted: Callable[[], bool]) -> None:
    """Move axes to `targets` and wait; when `interrupted` says so they are stopped instead.

    Raises:
        KeyboardInterrupt: When it was interrupted.
        Exception: What a device raises; all axes are stopped then.
    """
    motions = start_together(targets)
    try:
        for motion in motions:
            _wait(motion, interrupted)
    except (Exception, KeyboardInterrupt):
        for problem in stop_all(targets):
            _log.warning("%s", problem)
        raise


def _wait(motion: Status, interrupted: Callable[[], bool]) -> None:
    while True:
        try:
            motion.result(_POLL)
        except TimeoutError:
            if motion.done():
                raise
        else:
            return
        if interrupted():
            raise KeyboardInterrupt
