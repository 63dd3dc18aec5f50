"""What a file will hold, as plain data: groups, datasets and links, with no file in sight.

Everything is decided here, where it can be tested and cannot harm a file; `hdf5` only writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Stored = str | NDArray[Any]
"""A value as it is stored: text, or an array (rank 0 for a number) of numbers or of str."""

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.]*[A-Za-z0-9_])?\Z")
_MAX_NAME = 200
_CAP = 2000
"""Characters of a repr that are kept."""


@dataclass(frozen=True, slots=True)
class Stream:
    """How a dataset grows: it takes the column of one channel, row by row."""

    channel: int
    """Index of the channel in `ScanStarted.channels`."""
    dtype: str
    shape: tuple[int, ...] = ()
    """Shape of one row."""
    chunk_rows: int = 1
    compressed: bool = False


@dataclass(frozen=True, slots=True)
class Mesh:
    """How a 2-D (or n-D) plot is filled: row number n goes to the n-th place of `shape`."""

    channel: int
    shape: tuple[int, ...]
    backnforth: bool = False
    """Every other line runs backwards."""


@dataclass(slots=True)
class Origin:
    """Which item of a user's dictionary a stored value was made of."""

    keys: tuple[Any, ...]
    """The keys that lead to it."""
    value: Any
    form: str = ""
    """How what is read becomes the value again (`session_shell.nexus.tree.forms`)."""


@dataclass(slots=True)
class Dataset:
    """A value with attributes; with `source` it is filled while the scan runs."""

    value: Stored
    attributes: dict[str, Stored] = field(default_factory=dict)
    source: Stream | Mesh | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)
    """What of the metadata it holds; None: it is the writer's."""
    origins: dict[str, Origin] = field(default_factory=dict, compare=False, repr=False)
    """The same for its attributes."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link to `target`: hard within the file, or into the other file `file`."""

    target: str
    file: str = ""
    origin: Origin | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Group:
    """A group: attributes and named items."""

    attributes: dict[str, Stored] = field(default_factory=dict)
    items: dict[str, Node] = field(default_factory=dict)
    origin: Origin | None = field(default=None, compare=False, repr=False)
    origins: dict[str, Origin] = field(default_factory=dict, compare=False, repr=False)

    @property
    def nx_class(self) -> str:
        """NeXus class, empty when none is given."""
        value = self.attributes.get("NX_class", "")
        return value if isinstance(value, str) else ""

    def group(self, name: str, nx_class: str = "NXcollection") -> Group:
        """Return the group `name` in it, made when it is not there."""
        node = self.items.get(name)
        if not isinstance(node, Group):
            node = self.items[name] = new_group(nx_class)
        return node

    def put(self, name: str, value: Any, **attributes: str) -> Dataset:
        """Store a plain value (text, number, array) under `name`."""
        stored = safe_text(value) if isinstance(value, str) else np.asarray(value)
        node = self.items[name] = Dataset(stored, dict(attributes))
        return node


Node = Group | Dataset | Link


def new_group(nx_class: str = "NXcollection") -> Group:
    """Return an empty group of a NeXus class."""
    return Group({"NX_class": nx_class})


def valid_name(text: str) -> str:
    """Return `text` as a NeXus item name; what does not fit becomes an underscore."""
    if len(text) <= _MAX_NAME and _NAME.match(text):
        return text
    name = re.sub(r"[^A-Za-z0-9_.]", "_", text)[:_MAX_NAME]
    if name.startswith("."):
        name = "_" + name[1:]
    if name.endswith("."):
        name = name[:-1] + "_"
    return name or "_"


def free_name(name: str, taken: Any) -> str:
    """Return `name`, or `name_2`, `name_3`, ... when it is among `taken`."""
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def walk(group: Group, path: str = "") -> Iterator[tuple[str, Node]]:
    """Give every item below `group` with its path (no leading slash), parents first."""
    for name, node in group.items.items():
        here = f"{path}/{name}" if path else name
        yield here, node
        if isinstance(node, Group):
            yield from walk(node, here)


def find(group: Group, path: str) -> Node | None:
    """Return the item at `path` below `group`, or None."""
    node: Node = group
    for part in path.split("/"):
        if part in {"", "."}:
            continue
        if not isinstance(node, Group) or part not in node.items:
            return None
        node = node.items[part]
    return node


def safe_text(text: str) -> str:
    """Return `text` without what HDF5 cannot hold: NUL and lone surrogates are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def safe_repr(value: Any) -> str:
    """Return the repr of anything, capped; never raises."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a broken repr must not lose a scan
        text = f"<{type(value).__name__} without repr: {type(error).__name__}>"
    text = safe_text(text)
    return text if len(text) <= _CAP else text[:_CAP] + "..."


def same(a: Stored, b: Stored) -> bool:
    """Tell whether two stored values are the same, NaN included."""
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind == "O":
        return bool(a.tolist() == b.tolist())
    return a.tobytes() == b.tobytes()


def same_form(old: Stored, new: Stored) -> bool:
    """Tell whether `new` can be written over `old` in a file without making it anew."""
    if isinstance(old, str) or isinstance(new, str):
        return isinstance(old, str) and isinstance(new, str)
    return old.dtype == new.dtype and old.shape == new.shape
