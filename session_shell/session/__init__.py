"""The session: devices, metadata, saving and namespace under one name."""

from __future__ import annotations

from session_shell.session.saving import ScanSaving
from session_shell.session.session import Session
from session_shell.session.settings import Settings
from session_shell.session.shorthand import expand

__all__ = ["ScanSaving", "Session", "Settings", "expand"]
