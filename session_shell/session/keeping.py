"""Save positions while a scan runs, so that a session that is killed knows where its axes are."""

from __future__ import annotations

import time
from collections.abc import Callable

from session_shell.scanning.documents import Rows, ScanEnded, ScanStarted

_SECONDS = 1.0
"""Of real time between two savings: one costs about a millisecond."""


class PositionKeeper:
    """A sink that calls `save` once a second while points come."""

    must_not_fail = False

    def __init__(self, save: Callable[[], None]) -> None:
        self._save = save
        self._due = 0.0

    def scan_started(self, doc: ScanStarted) -> None:  # noqa: ARG002  what every sink takes
        """Begin to count the seconds."""
        self._due = time.monotonic() + _SECONDS

    def rows(self, doc: Rows) -> None:  # noqa: ARG002
        """Save when it is time."""
        now = time.monotonic()
        if now >= self._due:
            self._save()
            self._due = now + _SECONDS

    def scan_ended(self, doc: ScanEnded) -> None:
        """Nothing: the session saves after every scan."""
