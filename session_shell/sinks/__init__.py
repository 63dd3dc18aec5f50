"""Sinks that show scans, and the live display they draw on."""

from __future__ import annotations

from session_shell.sinks.live import LiveDisplay
from session_shell.sinks.positions import MovingPositions
from session_shell.sinks.table import ScanTable

__all__ = ["LiveDisplay", "MovingPositions", "ScanTable"]
