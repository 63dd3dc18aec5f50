"""Files that are made from the one before: scans of a session differ in a dozen values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from session_shell.nexus.tree import Dataset, Group, Link, Node, same_form

_LARGEST = 2 * 2**20
"""Bytes of a file that are kept for the next scan."""


class FileTemplate:
    """Remembers the start of one scan file; a session keeps one and gives it to `ScanFile.reserve`.

    Making the hundred objects of a file takes HDF5 ten times as long as changing the dozen
    values that differ between two scans of the same kind.
    """

    def __init__(self) -> None:
        self._tree = Group()
        self._entry = ""
        self._content = b""

    def image(self, tree: Group, entry: str) -> Any:
        """Return a file in memory that holds `tree`, made from the former one when that fits."""
        from session_shell.nexus import hdf5

        old = _renamed(self._tree, self._entry, entry) if self._content else None
        if old is None or not _fits(old, tree):
            image = hdf5.new_image(tree)
            content = hdf5.image_bytes(image)
            self._content = content if len(content) <= _LARGEST else b""
            self._tree, self._entry = tree, entry
            return image
        image = hdf5.open_image(self._content)
        hdf5.rename(image, self._entry, entry)
        hdf5.edit_root(image, old, tree)
        return image


def _renamed(root: Group, old: str, new: str) -> Group | None:
    """Return the tree with its entry, and the links into it, under another name."""
    entry = root.items.get(old)
    if not isinstance(entry, Group):
        return None
    return Group(root.attributes, {new: _relinked(entry, f"/{old}/", f"/{new}/")})


def _relinked(node: Node, old: str, new: str) -> Node:
    if isinstance(node, Group):
        items = {name: _relinked(item, old, new) for name, item in node.items.items()}
        return Group(node.attributes, items)
    if isinstance(node, Link) and not node.file and node.target.startswith(old):
        return replace(node, target=new + node.target.removeprefix(old))
    return node


def _fits(old: Node, new: Node) -> bool:
    """Tell whether a file of `old` becomes one of `new` by writing over values alone."""
    if isinstance(old, Link) or isinstance(new, Link):
        return old == new
    if isinstance(old, Group) and isinstance(new, Group):
        return (
            old.attributes.keys() == new.attributes.keys()
            and old.items.keys() == new.items.keys()
            and all(_fits(old.items[name], item) for name, item in new.items.items())
        )
    if isinstance(old, Dataset) and isinstance(new, Dataset):
        return (
            old.attributes.keys() == new.attributes.keys()
            and old.source == new.source
            and same_form(old.value, new.value)
        )
    return False
