"""Sinks that show scans, the live display they draw on, and how tables and numbers look."""

from __future__ import annotations

from session_shell.sinks._columns import Column, TableText, choose, column_of
from session_shell.sinks._format import clean, clock_time, number, short_path
from session_shell.sinks.live import LiveDisplay
from session_shell.sinks.positions import MovingPositions
from session_shell.sinks.table import ScanTable

__all__ = [
    "Column",
    "LiveDisplay",
    "MovingPositions",
    "ScanTable",
    "TableText",
    "choose",
    "clean",
    "clock_time",
    "column_of",
    "number",
    "short_path",
]
