"""What the documents of a scan say and its tree does not, as one line of JSON in the file.

Most of it is about metadata (`session_shell.nexus.metadata.python_values`); the rest are the few
things that NeXus spells otherwise: units beyond ASCII, kinds of columns, odd characters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from session_shell.devices.protocols import Channel
from session_shell.nexus.metadata.conversion import RawTree
from session_shell.nexus.metadata.items import OWN, POSITIONS, group_items, info_items
from session_shell.nexus.metadata.python_values import noted
from session_shell.nexus.tree.nodes import Group, safe_text
from session_shell.nexus.tree.units import ascii_units
from session_shell.scanning.column_types import column_dtype
from session_shell.scanning.documents import ScanEnded, ScanStarted

NAME = "python_values"
"""The dataset of the record in the group `scan`."""
AT_START = "scan/metadata_at_start"
"""The group of the metadata that END has changed, as they were."""
_WRITERS = OWN.union(POSITIONS)
TIMES = ("elapsed_time", "epoch")
"""Columns of kind time."""


def record_of(
    entry: Group,
    doc: ScanStarted,
    ended: ScanEnded | None,
    raw: RawTree,
    parameters: RawTree,
    former: RawTree | None,
    added: list[Any],
) -> str:
    """Return the record of a scan, as JSON.

    Args:
        entry: The whole entry, links resolved.
        doc: The start.
        ended: The end.
        raw: Metadata.
        parameters: What was asked for.
        former: Metadata that END has changed, as they were.
        added: Keys of what END has added, encoded.
    """
    record: dict[str, Any] = {
        "metadata": noted(info_items(entry, ours=True, passed_by=_without_users(raw)), raw.origins),
        "parameters": _group_noted(entry, parameters, "scan_parameters"),
        "at_start": _group_noted(entry, former, AT_START),
        "added": added,
    }
    record["channels"] = _channels(doc)
    record["texts"] = _texts(doc, ended)
    record["units"] = {
        axis: position.unit
        for axis, position in doc.positions.items()
        if not position.unit.isascii()
    }
    if ended is not None:
        record["comments"], record["failures"] = len(doc.comments), len(doc.failures)
    return json.dumps({key: value for key, value in record.items() if value not in ({}, [])})


def _without_users(raw: RawTree) -> frozenset[str]:
    """Return the groups of the writer in which no metadata can be."""
    return _WRITERS if _WRITERS.isdisjoint(raw.names) else frozenset()


def _group_noted(entry: Group, raw: RawTree | None, path: str) -> dict[str, Any]:
    group: Any = entry
    for part in path.split("/"):
        group = group.items.get(part, Group())
    return noted(group_items(group, path, ours=True), raw.origins) if raw is not None else {}


def read_channel(channel: Channel) -> Channel:
    """Return a channel as the tree of the file tells it."""
    kind = "axis" if channel.kind == "axis" else "counter"
    kind = "time" if channel.name in TIMES else kind
    return Channel(
        channel.name,
        kind,  # type: ignore[arg-type]
        unit=ascii_units(channel.unit),
        dtype=str(column_dtype(channel)),
        shape=channel.shape,
        device=(channel.device or channel.name) if kind == "counter" else "",
        mode=channel.mode,
    )


def _channels(doc: ScanStarted) -> dict[str, Any]:
    """Return the channels, by index, that the tree does not tell as they are."""
    return {
        str(i): [c.name, c.kind, c.unit, c.dtype, list(c.shape), c.device, c.mode]
        for i, c in enumerate(doc.channels)
        if read_channel(c) != c
    }


def noted_channels(record: Mapping[str, Any]) -> dict[int, Channel]:
    """Return the channels that the tree does not tell as they are, by their place."""
    found = {}
    stored = record.get("channels")
    for index, values in stored.items() if isinstance(stored, dict) else ():
        try:
            name, kind, unit, dtype, shape, device, mode = values
            found[int(index)] = Channel(name, kind, unit, dtype, tuple(shape), device, mode)
        except (TypeError, ValueError):
            continue  # damaged, or of a later version
    return found


def _texts(doc: ScanStarted, ended: ScanEnded | None) -> dict[str, Any]:
    """Return the texts that cannot be stored as they are, by their name in the document."""
    told = {
        "title": doc.title or doc.type,
        "name": doc.name or doc.type,
        **{key: getattr(doc, key) for key in ("uid", "type", "session", "user", "host", "command")},
    }
    if ended is not None:
        told["error"] = ended.error
    found: dict[str, Any] = {}
    for key, text in told.items():
        own = ended.error if key == "error" and ended is not None else getattr(doc, key)
        if safe_text(text) != own:
            found[key] = own
    texts: Mapping[str, str] = doc.configuration
    if any(safe_text(text) != text for text in texts.values()):
        found["configuration"] = dict(texts)
    return found
