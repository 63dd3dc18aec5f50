"""What a file tells of a scan beside its documents: how it stands, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from session_shell.nexus.reading.listing import RUNNING, outcome_of, outcome_without_end
from session_shell.nexus.reading.reader import (
    entry_of,
    link_of,
    measurement,
    read_seconds,
    retried,
    text,
    texts,
    value,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is told of a scan beside its documents; empty where the file says nothing."""

    outcome: str = ""
    """End reason; ``RUNNING``, ``CRASHED`` or ``no end`` when there is none."""
    program: str = ""
    """Who wrote it, with its version."""
    warnings: tuple[str, ...] = ()
    """About metadata that could not be stored as they were."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """Columns that are links to what is not there, and what they link to."""


def read_facts(path: Path, entry: str) -> Facts:
    """Read the facts of a scan.

    Raises:
        ScanError: When the file cannot be read.
    """
    facts = retried(path, lambda file: _facts(entry_of(file, entry)))
    if facts.outcome != RUNNING:
        return facts
    # Asked when the file is closed again; meanwhile it may have come to its end.
    outcome = outcome_without_end(path, ours=True)
    if outcome == RUNNING:
        return facts
    again = retried(path, lambda file: _facts(entry_of(file, entry)))
    known = again.outcome if again.outcome != RUNNING else outcome
    return Facts(known, again.program, again.warnings, again.broken)


def _facts(entry: Any) -> Facts:
    return Facts(
        outcome=outcome_of(entry),
        program=_program(entry),
        warnings=(*texts(entry, "scan/metadata_warnings"), *_odd_times(entry)),
        broken=_broken(entry),
    )


def _odd_times(entry: Any) -> Iterator[str]:
    for name in ("start_time", "end_time"):
        if name in entry and read_seconds(entry, name) is None:
            yield f"{name} {str(value(entry, name))[:80]!r} is not a time that can be shown"


def _program(entry: Any) -> str:
    node = entry.get("program_name")
    if not isinstance(node, h5py.Dataset):
        return text(entry.file.attrs.get("creator", ""))
    return f"{value(entry, 'program_name')} {text(node.attrs.get('version', ''))}".strip()


def _broken(entry: Any) -> dict[str, str]:
    columns = measurement(entry)
    found = {}
    for name in columns:
        if columns.get(name) is None:
            link = link_of(columns, name)
            file = f"{link.filename}::" if isinstance(link, h5py.ExternalLink) else ""
            found[text(name)] = f"{file}{getattr(link, 'path', '')}"
    return found
