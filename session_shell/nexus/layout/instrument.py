"""The instrument of an entry: a group for each channel, and where all axes stood."""

from __future__ import annotations

import math

import numpy as np

from session_shell.devices.protocols import Channel
from session_shell.nexus.tree.classes import INSTRUMENT_CLASSES, fit_class, merge
from session_shell.nexus.tree.nodes import (
    Dataset,
    Group,
    Link,
    Stream,
    free_name,
    new_group,
    safe_text,
    valid_name,
)
from session_shell.nexus.tree.units import ascii_units
from session_shell.scanning.column_types import column_dtype
from session_shell.scanning.documents import Position, ScanEnded, ScanStarted

_CHUNK_ROWS = 8192
_CHUNK_BYTES = 65536
_COMPRESS_BYTES = 4096
_OWN = (
    "name",
    "positioners",
    "positioners_start",
    "positioners_end",
    "positioners_dial_start",
    "positioners_dial_end",
)


def channel_names(channels: tuple[Channel, ...]) -> tuple[str, ...]:
    """Return the names of the channels in the file: valid, each its own, none of ours."""
    taken: set[str] = set(_OWN)
    names = []
    for channel in channels:
        name = free_name(valid_name(channel.name), taken)
        taken.add(name)
        names.append(name)
    return tuple(names)


def data_name(channel: Channel) -> str:
    """Return the field that holds the values of a channel in its group."""
    return "value" if channel.kind == "axis" else "data"


def instrument_group(
    doc: ScanStarted,
    ended: ScanEnded | None,
    names: tuple[str, ...],
    targets: tuple[str, ...],
    user: Group | None,
    warnings: list[str],
) -> Group:
    """Return the NXinstrument group, with the user's metadata merged into it."""
    group = new_group("NXinstrument")
    # A group that is not named after a channel is the user's alone; it comes in by the merge.
    theirs = user if user is not None else Group()
    for index, (channel, name) in enumerate(zip(doc.channels, names, strict=True)):
        group.items[name] = _channel_group(channel, name, index, doc.npoints)
    _add_positions(group, doc, ended, names, targets)
    for name, node in theirs.items.items():
        ours = group.items.get(name)
        if not isinstance(node, Group):
            continue
        if isinstance(ours, Group) and name in names:
            fit_class(node, _class_or_warn(ours, node, f"instrument/{name}", warnings))
        elif name in INSTRUMENT_CLASSES and not node.nx_class:
            fit_class(node, INSTRUMENT_CLASSES[name])
    merge(group, theirs, "instrument", warnings)
    return group


def _class_or_warn(ours: Group, theirs: Group, path: str, warnings: list[str]) -> str:
    if theirs.nx_class not in {"", ours.nx_class}:
        warnings.append(
            f"{path}@NX_class: left out, since it takes part in the scan as {ours.nx_class}"
        )
    return ours.nx_class


def _channel_group(channel: Channel, name: str, index: int, npoints: int) -> Group:
    axis = channel.kind == "axis"
    group = new_group("NXpositioner" if axis else "NXdetector")
    if axis:
        group.put("name", channel.name)
    group.items[data_name(channel)] = _stream(channel, index, npoints)
    if not axis:
        group.put("local_name", channel.device or channel.name)
    if channel.mode:
        group.group("parameters").put("mode", channel.mode)
    if name != channel.name:
        group.attributes["original_name"] = channel.name
    return group


def _stream(channel: Channel, index: int, npoints: int) -> Dataset:
    dtype = column_dtype(channel)
    row_bytes = dtype.itemsize * math.prod(channel.shape)
    compressed = row_bytes >= _COMPRESS_BYTES
    rows = min(npoints or _CHUNK_ROWS, _CHUNK_ROWS)
    if channel.shape:
        rows = 1 if compressed else min(rows, max(1, _CHUNK_BYTES // max(row_bytes, 1)))
    empty = np.nan if dtype.kind in "fc" else 0
    source = Stream(index, dtype.str, channel.shape, rows, compressed)
    return Dataset(
        np.full((1, *channel.shape), empty, dtype), {"units": ascii_units(channel.unit)}, source
    )


def _add_positions(
    group: Group,
    doc: ScanStarted,
    ended: ScanEnded | None,
    names: tuple[str, ...],
    targets: tuple[str, ...],
) -> None:
    start, end = doc.positions, ended.positions if ended is not None else {}
    now = group.group("positioners")
    scanned = {c.name: i for i, c in enumerate(doc.channels) if c.kind == "axis"}
    for axis, position in start.items():
        if axis not in scanned:
            _put_position(now, axis, position, position.user)
    for i in scanned.values():
        now.items[free_name(names[i], now.items)] = Link(targets[i])
    for label, of in (("start", start), ("end", end)):
        user, dial = group.group(f"positioners_{label}"), group.group(f"positioners_dial_{label}")
        for axis, before in start.items():
            # Fields of the end exist from the start on, so that the end only fills them.
            position = of.get(axis) or Position(math.nan, math.nan, before.unit)
            _put_position(user, axis, position, position.user)
            _put_position(dial, axis, position, position.dial)
        for axis in of.keys() - start.keys():
            _put_position(user, axis, of[axis], of[axis].user)
            _put_position(dial, axis, of[axis], of[axis].dial)


def _put_position(group: Group, axis: str, position: Position, value: float) -> None:
    name = free_name(valid_name(axis), group.items)
    node = group.put(name, float(value))
    if name != axis:
        node.attributes["original_name"] = safe_text(axis)
    if position.unit:
        node.attributes["units"] = ascii_units(position.unit)
    if position.error:
        node.attributes["error"] = safe_text(position.error)
