"""A merged metadata dictionary as a tree: any nested Python object goes in, nothing is raised.

Keys are as users know them: a nested dict is a group, ``name@units`` an attribute, ``@NX_class``
the class of the group, ``>name`` a link.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np

from session_shell.nexus.metadata.values import (
    NotStorableError,
    convert,
    is_quantity,
)
from session_shell.nexus.tree.forms import EXACT
from session_shell.nexus.tree.nodes import (
    Dataset,
    Group,
    Link,
    Node,
    Origin,
    Stored,
    find,
    free_name,
    safe_repr,
    safe_text,
    valid_name,
)
from session_shell.nexus.tree.units import ascii_units

_DEPTH = 60
"""Levels of dicts in dicts that become groups; below that their text is kept."""
_MAX_ATTRIBUTE = 8000
"""Bytes above which an attribute becomes a dataset (HDF5 itself refuses 64 kB)."""
_MAX_ITEMS = 10_000
"""Dicts of one list that become groups; the text of longer lists is kept."""
_MAX_SHOWN = 300
"""Characters of a path or a message that are shown in a warning."""
_CLASS = re.compile(r"NX[A-Za-z0-9_]+\Z")


def metadata_tree(metadata: Mapping[Any, Any]) -> tuple[Group, list[str]]:
    """Turn a metadata dictionary into a tree and a list of warnings; never raises.

    Groups without "@NX_class" become NXcollection.

    >>> tree, warnings = metadata_tree({"filter": {"thickness": 20.0, "thickness@units": "um"}})
    >>> tree.items["filter"].items["thickness"].attributes
    {'units': 'um'}
    """
    raw = raw_tree(metadata)
    set_default_classes(raw.tree)
    return raw.tree, raw.warnings


@dataclasses.dataclass(slots=True)
class RawTree:
    """A dictionary as a tree, with a class only where the dictionary gives one."""

    tree: Group
    warnings: list[str]
    origins: list[Origin]
    """All items of the dictionary: those of the tree, and those that it cannot hold."""
    names: frozenset[str]
    """Names at the top of the tree, and in its instrument."""
    links: bool
    """There are links in it."""


def raw_tree(metadata: Mapping[Any, Any]) -> RawTree:
    """Do as `metadata_tree`, and remember what each node was made of."""
    builder = _Builder()
    node = builder.node(metadata, "")[0]
    if not isinstance(node, Group):
        if node is not None:
            builder.warn("", f"metadata is not a dict but {type(metadata).__name__}: left out")
        node = Group()
    instrument = node.items.get("instrument")
    below = instrument.items if isinstance(instrument, Group) else ()
    names = frozenset((*node.items, *below))
    return RawTree(node, builder.warnings, builder.origins, names, builder.links)


def set_default_classes(group: Group) -> None:
    """Give every group below `group` that has no class the default one."""
    for node in group.items.values():
        if isinstance(node, Group):
            node.attributes.setdefault("NX_class", "NXcollection")
            set_default_classes(node)


def _key_text(key: Any) -> str:
    if isinstance(key, str) and not isinstance(key, Enum):
        return str(key)
    if isinstance(key, Enum):
        return key.name
    if isinstance(key, bytes):
        return key.decode("utf-8", "backslashreplace")
    if isinstance(key, int | float | complex | bool | None):
        return str(key)
    return safe_repr(key)


def _as_mapping(value: Any) -> Mapping[Any, Any] | None:
    """Return dicts, dataclass instances and records as a mapping, None for anything else."""
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and not is_quantity(value):
        return {f.name: getattr(value, f.name, None) for f in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.void) and value.dtype.names is not None:
        return {name: value[name] for name in value.dtype.names}
    return None


class _Builder:
    """Walks a dictionary once, collecting warnings with the path that they concern."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.origins: list[Origin] = []
        self.links = False
        self._inside: set[int] = set()
        self._keys: tuple[Any, ...] = ()

    def warn(self, path: str, message: str) -> None:
        where = _one_line(path)[:_MAX_SHOWN] or "metadata"
        self.warnings.append(f"{where}: {_one_line(message)[:_MAX_SHOWN]}")

    def node(self, value: Any, path: str) -> tuple[Node | None, Dataset | None]:
        """Return the node for `value`, and the dataset of its mask when it has one."""
        try:
            return self._node(value, path)
        except Exception as error:  # noqa: BLE001 - one bad value must never lose a scan
            if not isinstance(error, NotStorableError):
                self.warn(path, f"{type(error).__name__} while reading it: stored as text")
            else:
                kind = type(value).__name__
                self.warn(path, f"a value of type {kind} cannot be stored: its text is")
            return Dataset(safe_repr(value)), None

    def _node(self, value: Any, path: str) -> tuple[Node | None, Dataset | None]:
        if value is None:
            return None, None
        mapping = _as_mapping(value)
        if mapping is None and _is_list_of_dicts(value):
            mapping = {f"item_{i}": item for i, item in enumerate(value)}
        if mapping is not None:
            return self._guarded_group(value, mapping, path), None
        converted = convert(value)
        mask = None if converted.mask is None else Dataset(converted.mask)
        dataset = Dataset(converted.value, converted.attributes)
        if converted.form:
            dataset.origin = Origin((), value, converted.form)
        return dataset, mask

    def _guarded_group(self, value: Any, mapping: Mapping[Any, Any], path: str) -> Node | None:
        if id(value) in self._inside:
            self.warn(path, "the dict contains itself: stored as <circular>")
            return Dataset("<circular>")
        if len(self._inside) >= _DEPTH:
            self.warn(path, f"more than {_DEPTH} levels of dicts: the rest is stored as text")
            return Dataset(safe_repr(value))
        self._inside.add(id(value))
        try:
            return self._group(mapping, path)
        finally:
            self._inside.discard(id(value))

    def _group(self, mapping: Mapping[Any, Any], path: str) -> Group | None:
        group = Group()
        names: dict[str, str] = {}
        attributes: list[tuple[str, str, Any, Origin]] = []
        for key, value in list(mapping.items()):
            text = _key_text(key)
            above, self._keys = self._keys, (*self._keys, key)
            if text.startswith(">") and len(text) > 1:
                self._link(group, text[1:], value, path)
            elif "@" in text:
                name, _, attribute = text.rpartition("@")
                attributes.append((name, attribute, value, self._origin(value)))
            else:
                self._item(group, names, text, value, path)
            self._keys = above
        for name, attribute, value, origin in attributes:
            self._attribute(group, names, name, attribute, value, origin, path)
        return group if group.items or group.attributes else None

    def _origin(self, value: Any, form: str = "") -> Origin:
        """Note that `value` stands at the present keys."""
        origin = Origin(self._keys, value, form)
        self.origins.append(origin)
        return origin

    def _item(self, group: Group, names: dict[str, str], text: str, value: Any, path: str) -> None:
        here = f"{path}/{text}" if path else text
        node, mask = self.node(value, here)
        if node is None:
            # What is in a dict has been noted by itself.
            self._origin({} if _as_mapping(value) is not None else value)
            names.setdefault(text, "")
            return
        self._trace(node, value)
        parts = [p for p in text.split("/") if p] or [text]
        placed = self._place(group, parts, node, here)
        if placed is not None:
            names[text] = placed
            if mask is not None:
                self._place(group, [*parts[:-1], f"{parts[-1]}_mask"], mask, f"{here}_mask")

    def _trace(self, node: Node, value: Any) -> None:
        """Note what a dataset, or the group of a list, is made of."""
        if isinstance(node, Group):
            if _is_list_of_dicts(value):
                node.origin = self._origin(value, "tuple" if isinstance(value, tuple) else "list")
            return
        if not isinstance(node, Dataset):
            return
        form = node.origin.form if node.origin is not None else ""
        node.origin = self._origin(value, form)
        if "units" in node.attributes and is_quantity(value):
            # The quantity is read as two items, as users write them.
            keys = (*self._keys[:-1], f"{self._keys[-1]}@units")
            node.origins["units"] = Origin(keys, node.attributes["units"])
            self.origins.append(node.origins["units"])

    def _place(self, group: Group, parts: list[str], node: Node, here: str) -> str | None:
        """Put `node` at the path `parts`; return the path of names, None when it is taken."""
        names: list[str] = []
        for part in parts[:-1]:
            name = valid_name(part)
            below = group.items.setdefault(name, Group())
            if not isinstance(below, Group):
                self.warn(here, f"left out, since {'/'.join([*names, name])!r} is not a group")
                return None
            group = below
            names.append(name)
        last = self._enter(group, parts[-1], node, here)
        return None if last is None else "/".join([*names, last])

    def _enter(self, group: Group, text: str, node: Node, here: str) -> str | None:
        """Put `node` into `group` as `text`; return the name that it got."""
        name = valid_name(text)
        existing = group.items.get(name)
        if existing is not None and _original(existing, name) != text:
            name = free_name(name, group.items)
            existing = None
        if isinstance(existing, Group) and isinstance(node, Group):
            for below, item in node.items.items():
                self._enter(existing, _original(item, below), item, f"{here}/{below}")
            existing.attributes = node.attributes | existing.attributes
            existing.origins = node.origins | existing.origins
            return name
        if existing is not None:
            self.warn(here, f"left out, since there is already an item {name!r}")
            return None
        if name != text and not isinstance(node, Link):
            node.attributes["original_name"] = safe_text(text)
        group.items[name] = node
        return name

    def _link(self, group: Group, text: str, value: Any, path: str) -> None:
        here = f"{path}/>{text}" if path else f">{text}"
        origin = self._origin(value)
        self.links = True
        if not isinstance(value, str) or not value or "\0" in value:
            self.warn(here, "left out, since a link needs a path as text")
            return
        file, separator, target = value.rpartition("::")
        if not separator:
            file, target = "", value
        link = Link(safe_text(target), safe_text(file), origin)
        self._enter(group, text.replace("/", "_"), link, here)

    def _attribute(
        self,
        group: Group,
        names: dict[str, str],
        name: str,
        attribute: str,
        value: Any,
        origin: Origin,
        path: str,
    ) -> None:
        here = f"{path}/{name}@{attribute}" if path else f"{name}@{attribute}"
        if not attribute:
            self.warn(here, "left out, since the attribute has no name")
            return
        if name in names and not names[name]:
            return  # the item is None: its attribute goes with it
        target = find(group, names.get(name, name)) if name else group
        if target is None or isinstance(target, Link):
            self.warn(here, f"left out, since there is no item {safe_text(name)!r}")
            return
        stored = self._attribute_value(attribute, value, here, target, origin)
        if stored is None:
            return
        if _size(stored) > _MAX_ATTRIBUTE:
            whole = f"{name}_{attribute}" if name else attribute
            dataset = Dataset(stored, origin=origin)
            self._place(group, [p for p in whole.split("/") if p], dataset, here)
            return
        place = valid_name(attribute)
        if place == "encoding" and isinstance(target, Dataset) and target.origin is not None:
            target.origin.form = "text" if place not in target.attributes else EXACT
        target.attributes[place] = stored
        target.origins[place] = origin

    def _attribute_value(
        self, attribute: str, value: Any, here: str, target: Group | Dataset, origin: Origin
    ) -> Stored | None:
        if value is None:
            return None
        if _as_mapping(value) is not None or _is_list_of_dicts(value):
            self.warn(here, "left out, since an attribute cannot be a dict")
            return None
        node = self.node(value, here)[0]
        if not isinstance(node, Dataset):
            return None
        stored = node.value
        origin.form = node.origin.form if node.origin is not None else ""
        if "units" in node.attributes:
            stored = safe_text(str(value)) if is_quantity(value) else stored
        if node.attributes.get("encoding") == "json":
            origin.form = EXACT  # an attribute cannot say that it is JSON
        if attribute == "units":
            units = ascii_units(stored if isinstance(stored, str) else str(stored))
            origin.form = "" if units == value else EXACT
            return units
        if attribute == "NX_class" and not (
            isinstance(target, Group) and isinstance(stored, str) and _CLASS.match(stored)
        ):
            self.warn(here, f"left out, since {safe_repr(value)} is not the class of a group")
            return None
        return stored


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in safe_text(text))


def _original(node: Node, name: str) -> str:
    if isinstance(node, Link):
        return name
    original = node.attributes.get("original_name", name)
    return original if isinstance(original, str) else name


def _is_list_of_dicts(value: Any) -> bool:
    if not isinstance(value, list | tuple) or not 0 < len(value) <= _MAX_ITEMS:
        return False
    return all(_as_mapping(item) is not None for item in value)


def _size(value: Stored) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if value.dtype.kind == "O":
        return sum(len(text.encode()) + 16 for text in value.ravel().tolist())
    return value.nbytes
