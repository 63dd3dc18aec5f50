"""The metadata of a saved scan as the dictionary that the live scan had.

The entry is loaded as a tree like the writer's, without the columns, and read by the writer's
rules (`session_shell.nexus.metadata.items`); the notes in the file say where these are wrong. Files
of other programs have no notes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from session_shell.nexus.layout.record import AT_START
from session_shell.nexus.layout.record import NAME as RECORD
from session_shell.nexus.metadata.items import OWN, POSITIONS, group_items, info_items
from session_shell.nexus.metadata.python_values import at_start, dictionary, items_of
from session_shell.nexus.reading.reader import link_of, measurement, stored, text, unreadable, value
from session_shell.nexus.tree.nodes import Dataset, Group, Link, Stored

_LARGE = 2**24
"""Values of metadata that are read; what is larger stands there as a link."""
_NAMES_ONLY = frozenset(
    {"measurement", "plot", "comments", *(f"instrument/{name}" for name in POSITIONS)}
)
"""Groups of which only the names matter, except for what a note points at."""


def read_record(entry: Any) -> dict[str, Any] | None:
    """Return the record of an entry, None when the file has none."""
    try:
        record = json.loads(str(value(entry, f"scan/{RECORD}") or "null"))
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def read_info(entry: Any) -> dict[Any, Any]:
    """Return the metadata of an entry: category -> nested dict, attributes as ``name@units``."""
    record = read_record(entry)
    noted = _area(record, "metadata")
    tree = _Loader(entry, noted).entry()
    return dictionary(tree, info_items(tree, ours=record is not None), noted)


def read_parameters(entry: Any) -> dict[Any, Any]:
    """Return what was asked for: ``scan_parameters`` of the file."""
    return _read_group(entry, "scan_parameters", "parameters")


def read_info_at_start(entry: Any) -> dict[Any, Any]:
    """Return the metadata that were there before the first point."""
    info = read_info(entry)
    record = read_record(entry) or {}
    at_start(info, record.get("added", ()), _read_group(entry, AT_START, "at_start"))
    return info


def _read_group(entry: Any, path: str, area: str) -> dict[Any, Any]:
    record = read_record(entry)
    noted = _area(record, area)
    node = entry.get(path)
    tree = _Loader(entry, noted).group(node, path) if isinstance(node, h5py.Group) else Group()
    root = Group()
    _place(root, path, tree)
    return dictionary(root, group_items(tree, path, ours=record is not None), noted)


def _area(record: dict[str, Any] | None, name: str) -> dict[str, Any]:
    area = (record or {}).get(name)
    return area if isinstance(area, dict) else {}


def _place(root: Group, path: str, tree: Group) -> None:
    *above, last = path.split("/")
    for name in above:
        root = root.group(name)
    root.items[last] = tree


class _Loader:
    """Turns HDF5 groups into a tree; what is a column of the scan stays a link."""

    def __init__(self, root: Any, noted: dict[str, Any]) -> None:
        self._root = root
        self._notes = items_of(noted)
        self._noted = {path.partition("@")[0] for path in self._notes}
        self._columns = {
            h5py.h5o.get_info(node.id).addr: f"measurement/{text(name)}"
            for name, node in measurement(root).items()
            if isinstance(node, h5py.Dataset)
        }

    def entry(self) -> Group:
        """Return the whole entry."""
        return self.group(self._root, "")

    def group(self, group: Any, path: str, inside: tuple[int, ...] = ()) -> Group:
        """Return a group with all that is in it."""
        tree = Group(_attributes(group))
        for name in group:
            shown = text(name)
            node = self._node(group, name, f"{path}/{shown}" if path else shown, inside)
            if node is not None:
                tree.items[shown] = node
        return tree

    def _node(
        self, group: Any, name: Any, path: str, inside: tuple[int, ...]
    ) -> Group | Dataset | Link | None:
        entry = self._notes.get(path)
        link = link_of(group, name)
        if isinstance(link, h5py.ExternalLink):
            return Link(link.path, link.filename)
        if isinstance(link, h5py.SoftLink):
            return Link(link.path)
        if isinstance(entry, dict) and "link" in entry:
            return Link(str(entry["link"]))
        if path in OWN and not self._is_noted(path):
            return None if path != "measurement" else Group(items=_placeholders(group[name]))
        try:
            node = group[name]
        except (KeyError, OSError, RuntimeError, ValueError) as error:
            return Dataset(unreadable(error))
        return self._loaded(node, path, inside)

    def _loaded(self, node: Any, path: str, inside: tuple[int, ...]) -> Group | Dataset | Link:
        address = h5py.h5o.get_info(node.id).addr
        if isinstance(node, h5py.Group):
            if address in inside:
                return Link(text(node.name))
            if path in _NAMES_ONLY and not self._is_noted(path):
                return Group(items=_placeholders(node))
            return self.group(node, path, (*inside, address))
        if not isinstance(node, h5py.Dataset):
            return Dataset("(a type of data)")
        column = self._columns.get(address)
        if column is not None or node.size is None or node.size > _LARGE:
            return Link(column or text(node.name))
        return Dataset(_read(lambda: stored(node)), _attributes(node))

    def _is_noted(self, path: str) -> bool:
        return any(f"{noted}/".startswith(f"{path}/") for noted in self._noted)


def _placeholders(group: Any) -> dict[str, Any]:
    if not isinstance(group, h5py.Group):
        return {}
    return {text(name): Dataset("") for name in group}


def _attributes(node: Any) -> dict[str, Stored]:
    return {
        text(name): _read(lambda name=name: node.attrs[name])  # type: ignore[misc]
        for name in node.attrs
    }


def _read(read: Callable[[], Any]) -> Stored:
    """Return a value; one that cannot be read does not hide the others."""
    try:
        return _as_written(read())
    except Exception as error:  # noqa: BLE001 - files of others may hold anything
        return unreadable(error)


def _as_written(found: Any) -> Stored:
    """Return a value as the writer would have it in its tree."""
    if isinstance(found, (bytes, str)):
        return text(found)
    if isinstance(found, h5py.Empty):
        return ""
    array = np.asarray(found)
    if array.dtype.kind not in "OSU":
        return array
    texts = np.empty(array.shape, object)
    texts.ravel()[:] = [text(item) for item in array.ravel().tolist()]
    return texts if array.ndim else str(texts[()])
