"""The tree of an HDF5 file as plain data: groups, datasets, links, with classes, shapes, units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from session_shell.errors import ScanError
from session_shell.nexus.reading.reader import (
    link_of,
    plain,
    retried,
    stored,
    text,
    type_name,
    unreadable,
)

_SHORT = 64
"""Values of a dataset that are small enough to be shown."""
_DEEPEST = 100
"""Levels that are shown."""
_TEXT = 4096
"""Characters of a text that are read at most when it is cut anyway."""
_HIDDEN = frozenset({"NX_class", "units", "target"})


@dataclass(frozen=True, slots=True)
class Node:
    """One line of the tree."""

    depth: int
    name: str
    kind: Literal["group", "dataset", "link", "same"]
    """``link``: a soft or external link; ``same``: an object that was shown at `target`."""
    nx_class: str = ""
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    units: str = ""
    value: Any = None
    """Of a small dataset, else None."""
    target: str = ""
    attributes: tuple[tuple[str, Any], ...] = ()


def outline(path: Path, entry: str | None = None) -> Iterator[Node]:
    """Yield the nodes of a file, parents first; links are named, not followed.

    Args:
        path: The file.
        entry: Only that entry, the root aside.

    Raises:
        ScanError: When the file cannot be read.
    """
    names = retried(path, lambda file: [entry] if entry else list(file))
    yield retried(path, lambda file: _group(file, 0, "/"))
    for name in names:
        # One entry at a time: a file of BLISS has thousands.
        yield from retried(path, lambda file, name=name: _tree(file, name))  # type: ignore[misc]


def _tree(file: Any, name: Any) -> list[Node]:
    try:
        link_of(file, name)
    except KeyError as error:
        raise ScanError(f"there is no {text(name)} in the file (any more)") from error
    found: list[Node] = []
    _add(file, name, 1, found, {})
    return found


def _add(parent: Any, raw: Any, depth: int, found: list[Node], seen: dict[int, str]) -> None:
    name = text(raw)
    link = link_of(parent, raw)
    if isinstance(link, h5py.ExternalLink):
        found.append(Node(depth, name, "link", target=f"{link.filename}::{link.path}"))
        return
    if isinstance(link, h5py.SoftLink):
        found.append(Node(depth, name, "link", target=link.path))
        return
    try:
        node = parent[raw]
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        found.append(Node(depth, name, "link", target=unreadable(error)))
        return
    address = h5py.h5o.get_info(node.id).addr
    if address in seen:
        found.append(Node(depth, name, "same", target=seen[address]))
        return
    seen[address] = text(node.name)
    if isinstance(node, h5py.Dataset):
        found.append(_dataset(node, depth, name))
    elif isinstance(node, h5py.Group):
        found.append(_group(node, depth, name))
        if depth == _DEEPEST and len(node):
            found.append(Node(depth + 1, "...", "link", target="(deeper levels are not shown)"))
            return
        for below in node:
            _add(node, below, depth + 1, found, seen)
    else:
        found.append(Node(depth, name, "dataset", dtype="a type of data"))


def _group(node: Any, depth: int, name: str) -> Node:
    return Node(
        depth,
        name,
        "group",
        nx_class=text(node.attrs.get("NX_class", "")),
        attributes=_attributes(node),
    )


def _dataset(node: Any, depth: int, name: str) -> Node:
    return Node(
        depth,
        name,
        "dataset",
        shape=node.shape,
        dtype=_type(node),
        units=text(node.attrs.get("units", "")),
        value=_value(node),
        attributes=_attributes(node),
    )


def _type(node: Any) -> str:
    name = type_name(node)
    if name.startswith("|V"):
        return name
    return "text" if h5py.check_string_dtype(node.dtype) is not None else name


def _value(node: Any) -> Any:
    if node.shape is None or node.size > _SHORT or node.ndim > 1:
        return None
    found = _read(lambda: plain(stored(node)))
    return found[:_TEXT] if isinstance(found, str) else found


def _attributes(node: Any) -> tuple[tuple[str, Any], ...]:
    found = []
    for name in node.attrs:
        if name in _HIDDEN:
            continue
        value = _read(lambda name=name: plain(node.attrs[name]))  # type: ignore[misc]
        found.append((name, value.tolist() if isinstance(value, np.ndarray) else value))
    return tuple(found)


def _read(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - files of others may hold anything
        return unreadable(error)
