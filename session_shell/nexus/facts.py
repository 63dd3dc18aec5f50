"""What a file tells of a scan beside points and metadata: who, where axes stood, what failed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from session_shell.nexus.listing import NO_END, is_ours, outcome_without_end, seconds
from session_shell.nexus.reader import measurement, retried, text, texts, value
from session_shell.scanning.documents import MetadataFailure, Pause, Position


@dataclass(frozen=True, slots=True)
class Facts:
    """What is told of a scan beside its points and metadata; empty where the file says nothing."""

    outcome: str = ""
    """End reason; ``RUNNING``, ``CRASHED`` or ``no end`` when there is none."""
    uid: str = ""
    session: str = ""
    user: str = ""
    host: str = ""
    command: str = ""
    program: str = ""
    started: Mapping[str, Position] = field(default_factory=dict)
    """All axes before the first point."""
    ended: Mapping[str, Position] = field(default_factory=dict)
    """All axes after the last point; empty while it has no end."""
    failures: tuple[MetadataFailure, ...] = ()
    warnings: tuple[str, ...] = ()
    pauses: tuple[Pause, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)
    """Columns that are links to what is not there, and what they link to."""
    plan: Mapping[str, float] = field(default_factory=dict)
    """Seconds of ``counting`` and ``moving``."""


def read_facts(path: Path, entry: str) -> Facts:
    """Read the facts of a scan.

    Raises:
        ScanError: When the file cannot be read.
    """
    return retried(path, lambda file: _facts(file[entry], path))


def _facts(entry: Any, path: Path) -> Facts:
    over = value(entry, "end_time") is not None
    return Facts(
        outcome=_outcome(entry, path, over),
        uid=_word(entry, "entry_identifier_uuid"),
        session=_word(entry, "session/name") or _word(entry, "scan/session"),
        user=_word(entry, "user/name"),
        host=_word(entry, "session/host"),
        command=_word(entry, "scan/command"),
        program=_program(entry),
        started=_positions(entry, "start"),
        ended=_positions(entry, "end") if over else {},
        failures=_failures(entry),
        warnings=tuple(texts(entry, "scan/metadata_warnings")),
        pauses=_pauses(entry),
        broken=_broken(entry),
        plan=_spent(entry),
    )


def _outcome(entry: Any, path: Path, over: bool) -> str:
    if not over:
        return outcome_without_end(path, ours=is_ours(entry)) if is_ours(entry) else NO_END
    return _word(entry, "end_reason") or "DONE"


def _word(entry: Any, path: str) -> str:
    found = value(entry, path)
    return "" if found is None else str(found)


def _program(entry: Any) -> str:
    node = entry.get("program_name")
    if not isinstance(node, h5py.Dataset):
        return text(entry.file.attrs.get("creator", ""))
    return f"{_word(entry, 'program_name')} {text(node.attrs.get('version', ''))}".strip()


def _positions(entry: Any, when: str) -> dict[str, Position]:
    user = entry.get(f"instrument/positioners_{when}")
    dial = entry.get(f"instrument/positioners_dial_{when}")
    if not isinstance(user, h5py.Group):
        return {}
    found = {}
    for name, node in user.items():
        if not isinstance(node, h5py.Dataset) or node.size != 1:
            continue
        original = text(node.attrs.get("original_name", name))
        there = isinstance(dial, h5py.Group)
        found[original] = Position(
            _number(node[()]),
            _number(value(dial, name)) if there else math.nan,
            text(node.attrs.get("units", "")),
            text(node.attrs.get("error", "")),
        )
    return found


def _number(stored: Any) -> float:
    try:
        return float(stored)
    except (TypeError, ValueError):  # BLISS writes "ERR" for an axis that does not answer
        return math.nan


def _failures(entry: Any) -> tuple[MetadataFailure, ...]:
    keys = ("source", "category", "timing", "message")
    return tuple(
        MetadataFailure(*(_word(group, key) for key in keys))
        for group in _groups(entry, "scan/metadata_failures")
    )


def _pauses(entry: Any) -> tuple[Pause, ...]:
    return tuple(
        Pause(
            seconds(value(group, "time")) or math.nan,
            _word(group, "reason"),
            _number(value(group, "duration")),
        )
        for group in _groups(entry, "scan/pauses")
    )


def _groups(entry: Any, path: str) -> list[Any]:
    group = entry.get(path)
    if not isinstance(group, h5py.Group):
        return []
    return [group[name] for name in sorted(group) if isinstance(group.get(name), h5py.Group)]


def _broken(entry: Any) -> dict[str, str]:
    columns = measurement(entry)
    found = {}
    for name in columns:
        if columns.get(name) is None:
            link = columns.get(name, getlink=True)
            file = f"{link.filename}::" if isinstance(link, h5py.ExternalLink) else ""
            found[name] = f"{file}{getattr(link, 'path', '')}"
    return found


def _spent(entry: Any) -> dict[str, float]:
    found = {}
    for name in ("counting", "moving"):
        stored = value(entry, f"scan/{name}_time")
        if isinstance(stored, (int, float)):
            found[name] = float(stored)
    return found
