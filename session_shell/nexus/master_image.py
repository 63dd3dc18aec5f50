"""The content of a master file, made in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from h5py import h5a, h5f, h5g, h5o, h5p

from session_shell import __version__
from session_shell.clock import iso_time
from session_shell.nexus.hdf5 import (
    image_bytes,
    library_versions,
    new_image,
    open_image,
    write_attribute,
)
from session_shell.nexus.tree import Group, Link


def new_master(
    master: Path, links: dict[str, str], default: str, moment: float | None = None
) -> bytes:
    """Return a master file with a link to each entry: its name and its file."""
    now = _written(moment)
    root = Group(
        {
            "NX_class": "NXroot",
            "default": default,
            "file_name": str(master),
            "file_time": now,
            "file_update_time": now,
            "creator": "session-shell",
            "creator_version": __version__,
            **library_versions(),
        }
    )
    root.items.update({name: Link(f"/{name}", file) for name, file in links.items()})
    image = new_image(root)
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


def entries_of(path: Path) -> list[str]:
    """Return the names of the entries in a scan file, none when it is no HDF5 file."""
    return _names(path, _is_group)


def links_of(path: Path) -> list[str]:
    """Return the names in a master file, whether what they link to exists or not."""
    return _names(path, lambda _root, _name: True)


def _names(path: Path, wanted: Callable[[Any, bytes], bool]) -> list[str]:
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_file_locking(False, True)
    try:
        file = h5f.open(_file_name(str(path)), h5f.ACC_RDONLY, access)
        try:
            root = h5g.open(file, b"/")
            return [name.decode("utf-8", "replace") for name in root if wanted(root, name)]
        finally:
            file.close()
    except (OSError, RuntimeError, KeyError):  # damaged, or no HDF5 file
        return []


def _is_group(root: Any, name: bytes) -> bool:
    from h5py import h5l

    kind = root.links.get_info(name).type
    return bool(kind == h5l.TYPE_HARD and h5o.get_info(root, name).type == h5o.TYPE_GROUP)


def _file_name(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _written(moment: float | None) -> str:
    return iso_time(time.time() if moment is None else moment)
