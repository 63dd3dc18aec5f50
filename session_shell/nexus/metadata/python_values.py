"""What the tree does not tell of a user's dictionary: noted in the file, put right by the reader.

The tree is what counts. The notes only say which items are no metadata, which stand under another
key, and what a value was before it became an array or a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from session_shell.nexus.metadata.items import Item
from session_shell.nexus.metadata.values import NotStorableError, convert
from session_shell.nexus.tree.exact import NotExactError, decode, encode, identical
from session_shell.nexus.tree.forms import EXACT, restored
from session_shell.nexus.tree.nodes import Dataset, Group, Link, Origin, find, same
from session_shell.nexus.tree.units import ascii_units

Notes = dict[str, Any]
"""Path in the entry -> False: no metadata; True: metadata all the same; a form; or a dict with the
keys (``at``), the form and the exact value (``is``)."""


def noted(items: Iterable[Item], origins: Iterable[Origin]) -> dict[str, Any]:
    """Return what the rules get wrong of a dictionary: ``items`` and what is ``absent``.

    Args:
        items: Of the tree, by the rules.
        origins: All items of the dictionary.
    """
    notes: Notes = {}
    known = {id(origin): origin for origin in origins}
    for item in items:
        node = item.node
        if item.attribute:
            assert not isinstance(node, Link)
            origin = node.origins.get(item.attribute)
        else:
            origin = node.origin
        if origin is not None and known.pop(id(origin), None) is not None:
            _note_item(item, origin, notes)
        elif item.counts and (item.attribute or not isinstance(node, Group)):
            notes[item.path] = False
    found = {"items": notes, "absent": _absent(known.values())}
    return {key: value for key, value in found.items() if value}


def _note_item(item: Item, origin: Origin, notes: Notes) -> None:
    in_place = item.keys == origin.keys
    exact, form = None, origin.form
    if form.startswith(EXACT):
        exact, form = _encoded(origin.value), form.removeprefix(EXACT).strip()
    found: dict[str, Any] = {}
    if not in_place:
        found["at"] = _encoded(list(origin.keys)) or list(item.keys)
    if isinstance(item.node, Link):
        if not item.node.file or link_text(item.node) != origin.value:
            found["link"] = str(origin.value)
    elif exact is not None:
        found["is"] = exact
    elif form and in_place and item.counts:
        notes[item.path] = form
        return
    elif form:
        found["form"] = form
    if found or not item.counts:
        notes[item.path] = found or True


def link_text(link: Link) -> str:
    """Return a link as users write it."""
    return f"{link.file}::{link.target}" if link.file else link.target


def _absent(origins: Iterable[Origin]) -> list[Any]:
    """Return what is nowhere in the tree, outer dicts first."""
    found = []
    for origin in origins:
        keys = _encoded(list(origin.keys))
        try:
            found.append([keys, encode(origin.value)])
        except NotExactError:
            continue
    return sorted((pair for pair in found if pair[0] is not None), key=lambda pair: len(pair[0]))


def encoded_keys(keys: list[Any]) -> Any:
    """Return a path of keys as it is stored, None when that cannot be."""
    return _encoded(keys)


def _encoded(value: Any) -> Any:
    try:
        return encode(value)
    except NotExactError:
        return None


def difference(start: Mapping[Any, Any], end: Mapping[Any, Any]) -> tuple[list[Any], Any]:
    """Return what the end of a scan has added to metadata (paths of keys), and what it changed.

    The second is a dictionary of the former values.
    """
    added: list[Any] = []
    former: dict[Any, Any] = {}
    for key, value in end.items():
        if key not in start:
            added.append([key])
            continue
        before = start[key]
        if before is value:
            continue
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            more, changed = difference(before, value)
            added += [[key, *path] for path in more]
            if changed:
                former[key] = changed
        elif not _unchanged(before, value):
            former[key] = before
    former |= {key: start[key] for key in start if key not in end}
    return added, former


def _unchanged(before: Any, after: Any) -> bool:
    if isinstance(before, float) and isinstance(after, float):
        return before == after or (before != before and after != after)
    if isinstance(before, str) and isinstance(after, str):
        return before == after
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        return before.dtype == after.dtype and np.array_equal(before, after)
    return identical(before, after)


# Reading


def dictionary(tree: Group, items: Iterable[Item], record: Mapping[str, Any]) -> dict[Any, Any]:
    """Return the dictionary that the items of a tree were made of, with what `noted` gave."""
    notes = items_of(record)
    found: dict[Any, Any] = {}
    lists = []
    for item in items:
        entry = notes.get(item.path)
        if entry is False or (entry is None and not item.counts):
            continue
        details = entry if isinstance(entry, dict) else {}
        keys = _keys(details["at"], item.keys) if "at" in details else item.keys
        form = entry if isinstance(entry, str) else str(details.get("form", ""))
        if isinstance(item.node, Group) and not item.attribute:
            if form:
                lists.append((keys, form))
            continue
        _set(found, keys, _value(tree, item, form, details))
    for keys, value in _pairs(record.get("absent")):
        _set(found, keys, value)
    for keys, form in sorted(lists, key=lambda pair: -len(pair[0])):
        _make_list(found, keys, form)
    return found


def items_of(record: Mapping[str, Any]) -> Notes:
    """Return the notes on items; a record that is damaged has none."""
    items = record.get("items")
    return items if isinstance(items, dict) else {}


def _keys(stored: Any, otherwise: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return keys of a note; `otherwise` when they are damaged or of a later version."""
    try:
        keys = decode(stored)
        hash(tuple(keys))
        return tuple(keys)
    except (NotExactError, TypeError):
        return otherwise


def _pairs(stored: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    for pair in stored if isinstance(stored, list) else ():
        with suppress(NotExactError, TypeError, ValueError):
            keys, value = pair
            yield _keys(keys, ()), decode(value)


def _value(tree: Group, item: Item, form: str, details: Mapping[str, Any]) -> Any:
    node = item.node
    if isinstance(node, Link):
        return str(details.get("link", link_text(node)))
    stored: Any = node.attributes[item.attribute] if item.attribute else _content(node)
    with suppress(NotExactError):
        if "is" in details and _is_stored_as(exact := decode(details["is"]), stored):
            return exact
    if form.startswith("masked "):
        mask = find(tree, f"{item.path}_mask")
        return _masked(stored, mask, form.partition(" ")[2])
    value = plain_value(stored)
    if not item.attribute and isinstance(node, Dataset) and form != "text":
        value = _from_json(node, value)
    return restored(value, form) if form else value


def _content(node: Group | Dataset) -> Any:
    assert isinstance(node, Dataset)
    return node.value


def _is_stored_as(value: Any, stored: Any) -> bool:
    """Tell whether the file still holds what the writer made of a value: else the file counts."""
    try:
        made = convert(value).value
    except NotStorableError:
        return False
    return same(made, stored) or (isinstance(made, str) and ascii_units(made) == stored)


def _from_json(node: Dataset, text: Any) -> Any:
    encoding = node.attributes.get("encoding")
    if not isinstance(text, str) or not isinstance(encoding, str) or encoding != "json":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def plain_value(stored: Any) -> Any:
    """Return a stored value as one has it in Python: text, numbers, lists of text, arrays."""
    if isinstance(stored, str):
        return stored
    if stored.dtype.kind == "O":
        return stored.tolist()
    if stored.ndim:
        return stored
    scalar = stored[()]
    native = scalar.dtype.char in "?dD" or scalar.dtype == np.int64
    return scalar.item() if native else scalar


def _masked(stored: Any, mask: Any, dtype: str) -> Any:
    if not isinstance(mask, Dataset) or isinstance(mask.value, str):
        return plain_value(stored)
    hidden = np.asarray(mask.value, bool)
    data = np.where(hidden, 0, stored).astype(np.dtype(dtype))
    return np.ma.MaskedArray(data, mask=hidden)


def _set(into: dict[Any, Any], keys: tuple[Any, ...], value: Any) -> None:
    for key in keys[:-1]:
        below = into.setdefault(key, {})
        if not isinstance(below, dict):
            return
        into = below
    if keys and not (isinstance(into.get(keys[-1]), dict) and value == {}):
        into[keys[-1]] = value


def _make_list(found: Any, keys: tuple[Any, ...], form: str) -> None:
    for key in keys[:-1]:
        found = found.get(key)
        if not isinstance(found, dict):
            return
    items = found.get(keys[-1])
    if isinstance(items, dict):
        numbers = {str(key).removeprefix("item_"): key for key in items}
        if all(number.isdigit() for number in numbers):
            ordered = [items[numbers[number]] for number in sorted(numbers, key=int)]
            found[keys[-1]] = restored(ordered, form)


def at_start(info: dict[Any, Any], added: Iterable[Any], former: Mapping[Any, Any]) -> None:
    """Make the metadata of the end those of the start, in place."""
    for path in added if isinstance(added, list) else ():
        _remove(info, _keys(path, ()))
    _put_back(info, former)


def _remove(info: Any, keys: tuple[Any, ...]) -> None:
    if not keys:
        return
    for key in keys[:-1]:
        info = info.get(key) if isinstance(info, dict) else None
    if isinstance(info, dict):
        info.pop(keys[-1], None)


def _put_back(info: dict[Any, Any], former: Mapping[Any, Any]) -> None:
    for key, value in former.items():
        present = info.get(key)
        if isinstance(present, dict) and isinstance(value, Mapping):
            _put_back(present, value)
        else:
            info[key] = value
