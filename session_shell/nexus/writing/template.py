"""Files that are made from earlier ones: scans of one kind differ in a dozen values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from session_shell.nexus.tree.nodes import Dataset, Group, Link, Node, same_form, walk

_LARGEST = 2 * 2**20
"""Bytes of a file that are kept for the next scan of its kind."""
_KINDS = 32
"""Kinds of scans that are remembered: people alternate between a few."""


@dataclass(frozen=True, slots=True)
class _Kept:
    tree: Group
    entry: str
    content: bytes


class FileTemplate:
    """Remembers the starts of scan files; a session keeps one and gives it to `ScanFile.reserve`.

    Making the hundred objects of a file takes HDF5 ten times as long as changing the dozen
    values that differ between two scans of the same kind.
    """

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    def image(self, tree: Group, entry: str) -> Any:
        """Return a file in memory that holds `tree`, made from a former one when one fits."""
        from session_shell.nexus.disk import hdf5

        kind = _kind(tree, entry)
        kept = self._kept.pop(kind, None)
        old = None if kept is None else _renamed(kept.tree, kept.entry, entry)
        if kept is None or old is None or not _fits(old, tree):
            image = hdf5.new_image(tree)
            content = hdf5.image_bytes(image)
            if len(content) <= _LARGEST:
                self._keep(kind, _Kept(tree, entry, content))
            return image
        self._keep(kind, kept)
        image = hdf5.open_image(kept.content)
        hdf5.rename(image, kept.entry, entry)
        hdf5.edit_root(image, old, tree)
        return image

    def _keep(self, kind: int, kept: _Kept) -> None:
        """Remember it as the last one used, and forget the one that was not used for longest."""
        self._kept[kind] = kept
        if len(self._kept) > _KINDS:
            del self._kept[next(iter(self._kept))]


def _kind(tree: Group, entry: str) -> int:
    """Return a number that is the same for files with the same names in the same places."""
    return hash(tuple([path.removeprefix(entry) for path, _ in walk(tree)]))


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
