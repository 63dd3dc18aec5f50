"""The content of a master file, made in memory."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
from h5py import h5a, h5f, h5g, h5l, h5o, h5p

from session_shell import __version__
from session_shell.clock import iso_time
from session_shell.nexus.disk.files import is_device
from session_shell.nexus.disk.hdf5 import (
    image_bytes,
    library_versions,
    new_image,
    open_image,
    write_attribute,
)
from session_shell.nexus.tree.nodes import Group, Link, safe_text

_ENTRY = re.compile(r"(\d+)\.(\d+)\Z")


def new_master(
    master: Path, links: dict[str, str], default: str, moment: float | None = None
) -> bytes:
    """Return a master file with a link to each entry: its name and its file."""
    now = _written(moment)
    root = Group(
        {
            "NX_class": "NXroot",
            "default": default,
            "file_name": safe_text(str(master)),
            "file_time": now,
            "file_update_time": now,
            "creator": "session-shell",
            "creator_version": __version__,
            **library_versions(),
        }
    )
    root.items.update({name: Link(f"/{name}", file) for name, file in links.items()})
    image = new_image(root, in_pages=False)
    try:
        return image_bytes(image)
    finally:
        image.close()


def add_link(content: bytes, entry: str, file: str, moment: float | None = None) -> bytes | None:
    """Return a master file with one more link and that entry as its default.

    None when the content is no master file of ours.
    """
    image = open_image(content)
    try:
        root = h5g.open(image, b"/")
        if not h5a.exists(root, b"NX_class"):
            return None
        name = entry.encode()
        if root.links.exists(name):
            root.unlink(name)
        root.links.create_external(name, _file_name(file), f"/{entry}".encode())
        for key, value in (("default", entry), ("file_update_time", _written(moment))):
            write_attribute(root, key, value)
        return image_bytes(image)
    finally:
        image.close()


def relinked(content: bytes, before: dict[str, str], links: dict[str, str]) -> bytes:
    """Return a master file with other links; whatever else is in it stays."""
    image = open_image(content)
    try:
        root = h5g.open(image, b"/")
        for name in before.keys() - {n for n, file in links.items() if before.get(n) == file}:
            root.unlink(name.encode())
        for name, file in links.items():
            if before.get(name) != file:
                root.links.create_external(name.encode(), _file_name(file), f"/{name}".encode())
        write_attribute(root, "default", next(reversed(links), ""))
        write_attribute(root, "file_update_time", _written(None))
        return image_bytes(image)
    finally:
        image.close()


@dataclass(frozen=True, slots=True)
class Contents:
    """What is at the top of an HDF5 file."""

    groups: tuple[str, ...]
    """Groups of its own."""
    links: dict[str, str]
    """External links: the file of each."""
    others: tuple[str, ...]
    """Datasets, soft links."""
    creator: str

    @property
    def is_master(self) -> bool:
        """Tell whether it is a master file of this program."""
        ours = self.creator == "session-shell"
        return ours and not any(_ENTRY.match(name) for name in self.groups)


def contents_of(path: Path) -> Contents | None:
    """Return what is at the top of a file, None when it is no HDF5 file that opens."""
    if is_device(path):  # opening a pipe waits for ever
        return None
    name = _file_name(str(path))
    access = h5p.create(h5p.FILE_ACCESS)
    try:
        access.set_file_locking(False, True)
        file = h5f.open(name, h5f.ACC_RDONLY, access)
    except (OSError, RuntimeError):
        try:  # this process writes it: HDF5 wants both openings alike
            file = h5f.open(name, h5f.ACC_RDONLY)
        except (OSError, RuntimeError):
            return None
    try:
        return _contents(h5g.open(file, b"/"))
    except (OSError, RuntimeError, KeyError):
        return None
    finally:
        file.close()


def _contents(root: Any) -> Contents:
    groups, links, others = [], {}, []
    for raw in root:
        name, kind = raw.decode("utf-8", "replace"), root.links.get_info(raw).type
        if kind == h5l.TYPE_EXTERNAL:
            links[name] = root.links.get_val(raw)[0].decode("utf-8", "surrogateescape")
        elif kind == h5l.TYPE_HARD and h5o.get_info(root, raw).type == h5o.TYPE_GROUP:
            groups.append(name)
        else:
            others.append(name)
    return Contents(tuple(groups), links, tuple(others), _creator(root))


def _creator(root: Any) -> str:
    try:
        stored = h5py.Group(root).attrs.get("creator", "")
    except (OSError, RuntimeError, UnicodeError, TypeError):
        return ""
    return stored if isinstance(stored, str) else ""


def entries_of(path: Path) -> list[str]:
    """Return the names of the groups in a scan file, none when it is no HDF5 file."""
    contents = contents_of(path)
    return list(contents.groups) if contents is not None else []


def links_of(path: Path) -> list[str]:
    """Return the names in a master file, whether what they link to exists or not."""
    contents = contents_of(path)
    if contents is None:
        return []
    return [*contents.groups, *contents.links, *contents.others]


def _file_name(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _written(moment: float | None) -> str:
    return iso_time(time.time() if moment is None else moment)
