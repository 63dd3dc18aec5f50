"""Recorded sessions: pack them, run them again, and compare."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from session_shell.replay.archive import Packed, pack, unpack
    from session_shell.replay.recording import Recording, find_recording, open_recording, save
    from session_shell.replay.replaying import Replay, replay
    from session_shell.replay.report import Difference, Report

_LATE = {
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
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
