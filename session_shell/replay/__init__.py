"""Recorded sessions: pack them, run them again, and compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from session_shell.late import late

if TYPE_CHECKING:
    from session_shell.replay.archive import Packed, pack, unpack
    from session_shell.replay.recording import Recording, find_recording, open_recording, save
    from session_shell.replay.replaying import Replay, replay
    from session_shell.replay.report import Difference, Report

__getattr__ = late(
    __name__,
    {
        "Difference": "report",
        "Packed": "archive",
        "Recording": "recording",
        "Replay": "replaying",
        "Report": "report",
        "find_recording": "recording",
        "open_recording": "recording",
        "pack": "archive",
        "replay": "replaying",
        "save": "recording",
        "unpack": "archive",
    },
)

__all__ = [
    "Difference",
    "Packed",
    "Recording",
    "Replay",
    "Report",
    "find_recording",
    "open_recording",
    "pack",
    "replay",
    "save",
    "unpack",
]
