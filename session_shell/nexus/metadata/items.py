"""Which items of an entry are metadata of users and devices, and under which keys they had them.

The writer walks its tree by these rules and notes what they get wrong; the reader walks the file
by the same rules and puts that right (`session_shell.nexus.metadata.python_values`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from session_shell.nexus.tree.classes import FIELDS
from session_shell.nexus.tree.nodes import Group, Link, Node

OWN = frozenset(
    {
        *("title", "start_time", "end_time", "end_reason", "duration"),
        *("entry_identifier", "entry_identifier_uuid", "program_name", "definition"),
        *("scan", "scan_parameters", "comments", "session", "measurement", "plot", "notes"),
    }
)
"""Items of an entry that are no metadata of users, unless a note says so."""
POSITIONS = tuple(f"positioners_{kind}" for kind in ("start", "end", "dial_start", "dial_end"))
_CHANNEL_OWN = frozenset({"value", "data", "local_name", "name"})


@dataclass(slots=True)
class Item:
    """A group, dataset or link, or one of its attributes."""

    path: str
    """In the entry: ``sample/name``, ``sample/name@units``, ``sample@NX_class``."""
    keys: tuple[str, ...]
    """Of the dictionary that it is by rule a part of."""
    counts: bool
    """It is by rule an item of that dictionary."""
    node: Node
    attribute: str = ""


def info_items(
    entry: Group, *, ours: bool, passed_by: frozenset[str] = frozenset()
) -> Iterator[Item]:
    """Give all items of an entry.

    Args:
        entry: The entry.
        ours: The file has notes, so the rules may be strict.
        passed_by: Groups of `OWN` and `POSITIONS` that hold nothing of users, as is known.
    """
    rules = _Rules(ours)
    for name in entry.attributes:
        yield Item(f"@{name}", (f"@{name}",), False, entry, name)
    for name, node in entry.items.items():
        if name in passed_by:
            continue
        if name == "instrument" and isinstance(node, Group):
            yield from _instrument(rules, entry, node, passed_by)
        elif name == "scan_info" and isinstance(node, Group):
            yield from rules.children(node, name, (), True)
        elif name == "user" and isinstance(node, Group):
            yield from _user(rules, node)
        else:
            yield from rules.node(node, name, (), name, name not in OWN)


def group_items(group: Group, path: str, *, ours: bool) -> Iterator[Item]:
    """Give all items of one group that is a dictionary of its own, like ``scan_parameters``."""
    return _Rules(ours).children(group, path, (), True)


class _Rules:
    def __init__(self, ours: bool) -> None:
        self.ours = ours

    def node(
        self, node: Node, path: str, above: tuple[str, ...], name: str, counts: bool
    ) -> Iterator[Item]:
        """Give an item, its attributes and all below it."""
        if isinstance(node, Link):
            yield Item(path, (*above, f">{name}"), counts, node)
            return
        key = original_name(node, name)
        keys = (*above, key)
        yield Item(path, keys, counts, node)
        if isinstance(node, Group):
            yield from self.group_attributes(node, path, keys, counts)
            yield from self.children(node, path, keys, counts)
            return
        for attribute, stored in node.attributes.items():
            hidden = attribute in ("original_name", "target") or (
                attribute == "encoding" and isinstance(stored, str) and stored == "json"
            )
            here = (*above, f"{key}@{attribute}")
            yield Item(f"{path}@{attribute}", here, counts and not hidden, node, attribute)

    def group_attributes(
        self, group: Group, path: str, keys: tuple[str, ...], counts: bool
    ) -> Iterator[Item]:
        """Give the attributes of a group; its class is the writer's as a rule."""
        for name in group.attributes:
            hidden = name == "original_name" or (
                name == "NX_class" and (self.ours or group.nx_class == "NXcollection")
            )
            here = (*keys, f"@{name}")
            yield Item(f"{path}@{name}", here, counts and not hidden, group, name)

    def children(
        self, group: Group, path: str, keys: tuple[str, ...], counts: bool
    ) -> Iterator[Item]:
        """Give what is in a group; what the writer moved to `parameters` is put back."""
        parameters = _moved(group)
        for name, node in group.items.items():
            here = f"{path}/{name}"
            if node is parameters:
                yield from self.group_attributes(parameters, here, keys, False)
                yield from self.children(parameters, here, keys, counts)
            else:
                yield from self.node(node, here, keys, name, counts)


def original_name(node: Node, name: str) -> str:
    """Return the name that an item had before it was made one that NeXus allows."""
    if isinstance(node, Link):
        return name
    found = node.attributes.get("original_name", name)
    return found if isinstance(found, str) else name


def _moved(group: Group) -> Group | None:
    """Return the group of what the class does not define, when the writer may have made it."""
    parameters = group.items.get("parameters")
    if not isinstance(parameters, Group) or group.nx_class not in FIELDS:
        return None
    beside = {original_name(node, name) for name, node in group.items.items()}
    below = {original_name(node, name) for name, node in parameters.items.items()}
    return None if beside & below else parameters


def _user(rules: _Rules, user: Group) -> Iterator[Item]:
    # Only a name: the account, which the writer puts there.
    account = rules.ours or user.items.keys() <= {"name"}
    for item in rules.node(user, "user", (), "user", True):
        if account and item.path.startswith(("user/name", "user@")):
            item.counts = False
        yield item


def _instrument(
    rules: _Rules, entry: Group, group: Group, passed_by: frozenset[str]
) -> Iterator[Item]:
    measurement = entry.items.get("measurement")
    columns = set(measurement.items) if isinstance(measurement, Group) else set()
    axes = columns.union(*(_names(group.items.get(name)) for name in POSITIONS))
    for name in group.attributes:
        yield Item(f"instrument@{name}", ("instrument", f"@{name}"), False, group, name)
    for name, node in group.items.items():
        path = f"instrument/{name}"
        if name in passed_by:
            continue
        if name in POSITIONS:
            yield from rules.node(node, path, ("instrument",), name, False)
        elif name == "positioners" and isinstance(node, Group):
            for axis, position in node.items.items():
                here = f"{path}/{axis}"
                yield from rules.node(position, here, ("positioners",), axis, axis not in axes)
        elif name in columns and isinstance(node, Group):
            yield from _channel(rules, node, path, original_name(node, name))
        else:
            yield from rules.node(node, path, ("instrument",), name, True)


def _names(node: Any) -> set[str]:
    return set(node.items) if isinstance(node, Group) else set()


def _channel(rules: _Rules, group: Group, path: str, name: str) -> Iterator[Item]:
    """Give what a device said of itself in the group of its column."""
    own = tuple(f"{path}/{field}" for field in _CHANNEL_OWN)
    keys = ("instrument", name)
    items = list(rules.group_attributes(group, path, keys, False))
    for item in rules.children(group, path, keys, True):
        if item.path.partition("@")[0] in own:
            item.counts = False
        items.append(item)
    if not rules.ours and {i.keys[2] for i in items if i.counts} == {"mode"}:
        # The writer knows the mode too, and stores it also for devices that say nothing.
        for item in items:
            item.counts = False
    yield from items
