"""The line at the bottom of the prompt: session, data, last scan, moving axes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from session_shell.config.problems import place

if TYPE_CHECKING:
    from session_shell.session import Session

_SECONDS = 0.5
"""The text is made anew at most so often: the prompt asks for it with every key."""


class Toolbar:
    """Text of the toolbar, for `prompt_toolkit`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._text = ""
        self._made = float("-inf")

    def __call__(self) -> str:
        """Return the text."""
        now = time.monotonic()
        if now - self._made >= _SECONDS:
            self._text = self._make()
            self._made = now
        return self._text

    def refresh(self) -> None:
        """Make the text anew the next time: something has happened."""
        self._made = float("-inf")

    def _make(self) -> str:
        session = self._session
        parts = [session.name, place(session.saving.folder, None), _last_scan(session)]
        if session.read_only:
            parts.insert(1, "READ-ONLY")
        if session.host.paused is not None:
            parts.append("PAUSED: resume() or abort()")
        moving = [a.name for a in session.host.axes() if _is_moving(a)]
        if moving:
            parts.append("moving " + " ".join(moving))
        return " " + " | ".join(parts)


def _last_scan(session: Session) -> str:
    if not session.scans:
        return "no scan yet"
    scan = session.scans[-1]
    number = f"{scan.number} " if scan.number else ""
    return f"scan {number}{scan.title}: {scan.end_reason or scan.state}"


def _is_moving(axis: Any) -> bool:
    try:
        return bool(getattr(axis, "is_moving", False))
    except Exception:  # noqa: BLE001 - a device that fails must not take the prompt away
        return False
