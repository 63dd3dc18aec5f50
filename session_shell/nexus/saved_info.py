"""The metadata of a saved scan as the dictionary that the live scan had.

The writer merges the metadata of users and devices with its own tree; here that is undone, as
far as the file tells them apart.
"""

from __future__ import annotations

import json
from typing import Any

import h5py

from session_shell.nexus.classes import FIELDS
from session_shell.nexus.reader import column_names, measurement, plain, text

_ENTRY_OWN = {
    *("title", "start_time", "end_time", "end_reason", "duration"),
    *("entry_identifier", "entry_identifier_uuid", "program_name", "definition"),
    *("scan", "scan_parameters", "scan_info", "comments", "session"),
    *("instrument", "measurement", "plot", "notes"),
}
"""Items of an entry that are no metadata of users, or are looked at by themselves."""
_POSITIONS = tuple(f"positioners_{kind}" for kind in ("start", "end", "dial_start", "dial_end"))
_LARGE = 2**24
"""Values of metadata that are read; what is larger stands there as a link."""


def read_info(entry: Any) -> dict[str, Any]:
    """Return the metadata of an entry: category -> nested dict, attributes as ``name@units``."""
    reader = _Reader(entry)
    info = reader.items(entry, skip=_ENTRY_OWN)
    user = info.get("user")
    if isinstance(user, dict):
        login = entry.get("user/name")
        if set(user) <= {"name", "@NX_class"} and login is not None:
            del info["user"]  # only the account, which the writer puts there
    aside = entry.get("scan_info")
    if isinstance(aside, h5py.Group):
        info |= reader.items(aside)
    instrument, positioners = _instrument(reader, entry)
    if instrument:
        info["instrument"] = instrument
    if positioners:
        info["positioners"] = positioners
    return info


def read_group(group: Any) -> dict[str, Any]:
    """Return a group as a nested dict, attributes as ``name@units``."""
    return _Reader(group).items(group)


def _instrument(reader: _Reader, entry: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    group = entry.get("instrument")
    if not isinstance(group, h5py.Group):
        return {}, {}
    columns = column_names(entry)
    info = reader.items(group, skip={"positioners", *_POSITIONS, *columns})
    for name, original in columns.items():
        if isinstance(group.get(name), h5py.Group):
            rest = _channel_info(reader, group[name])
            if rest:
                info[original] = rest
    axes = set().union(*(group[name] for name in _POSITIONS if name in group)) | set(columns)
    below = group.get("positioners")
    positioners = reader.items(below, skip=axes) if isinstance(below, h5py.Group) else {}
    return info, positioners


def _channel_info(reader: _Reader, group: Any) -> dict[str, Any]:
    """Return what a device said of itself in the group of its column."""
    rest = reader.items(group, skip={"value", "data", "local_name", "name"})
    rest.pop("@NX_class", None)
    # The writer knows the mode too, and stores it also for devices that say nothing.
    return {} if rest.keys() == {"mode"} else rest


class _Reader:
    """Turns groups into dicts; what is a column of the scan stays a link."""

    def __init__(self, root: Any) -> None:
        self._columns = {
            h5py.h5o.get_info(node.id).addr: f"measurement/{name}"
            for name, node in measurement(root).items()
            if isinstance(node, h5py.Dataset)
        }

    def items(
        self, group: Any, skip: Any = frozenset(), inside: tuple[int, ...] = ()
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in group:
            if name in skip:
                continue
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                found[f">{name}"] = f"{link.filename}::{link.path}"
            elif isinstance(link, h5py.SoftLink):
                found[f">{name}"] = link.path
            else:
                self._add(found, name, group[name], inside)
        _lift_parameters(found, text(group.attrs.get("NX_class", "")))
        return found

    def _add(self, found: dict[str, Any], name: str, node: Any, inside: tuple[int, ...]) -> None:
        address = h5py.h5o.get_info(node.id).addr
        column = self._columns.get(address)
        if column is not None or (isinstance(node, h5py.Dataset) and node.size > _LARGE):
            found[f">{name}"] = column or node.name
            return
        if address in inside:
            found[f">{name}"] = node.name
            return
        key = text(node.attrs.get("original_name", name))
        if isinstance(node, h5py.Group):
            below = self.items(node, inside=(*inside, address))
            found[key] = _group_attributes(node) | below
            return
        found[key] = _dataset_value(node)
        for attribute, stored in node.attrs.items():
            if attribute not in ("original_name", "encoding", "target"):
                found[f"{key}@{attribute}"] = plain(stored)
        if "encoding" in node.attrs and text(node.attrs["encoding"]) != "json":
            found[f"{key}@encoding"] = plain(node.attrs["encoding"])


def _group_attributes(group: Any) -> dict[str, Any]:
    found = {}
    for name, stored in group.attrs.items():
        if name == "original_name" or (name, text(stored)) == ("NX_class", "NXcollection"):
            continue
        found[f"@{name}"] = plain(stored)
    return found


def _dataset_value(node: Any) -> Any:
    value = plain(node[()])
    if text(node.attrs.get("encoding", "")) == "json" and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _lift_parameters(found: dict[str, Any], nx_class: str) -> None:
    """Put back what the writer moved to `parameters`, since the class does not define it."""
    if nx_class not in FIELDS or not isinstance(found.get("parameters"), dict):
        return
    parameters = found["parameters"]
    if any(key in found for key in parameters):
        return
    del found["parameters"]
    found.update(parameters)
