"""Write trees into HDF5: the only place that makes HDF5 objects, by the low-level calls of h5py.

These cost a third of the ordinary ones, and a scan file has hundreds of objects.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from functools import cache
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5p, h5s, h5t
from numpy.typing import NDArray

from session_shell.nexus.disk.filters import compress
from session_shell.nexus.tree.nodes import (
    Dataset,
    Group,
    Link,
    Mesh,
    Stored,
    Stream,
    same,
    same_form,
)

_COMPACT_BYTES = 1024
_IMAGE_STEP = 256 * 1024
_PAGE = 4096


@cache
def _scalar() -> Any:
    return h5s.create(h5s.SCALAR)


@cache
def _text_type() -> Any:
    return h5t.py_create(h5py.string_dtype(), logical=True)


@cache
def _objects() -> Any:
    """Return the type of text in memory: Python objects that h5py turns into text."""
    return h5t.py_create(h5py.string_dtype())


@cache
def _type(dtype: np.dtype[Any]) -> Any:
    return h5t.py_create(dtype, logical=True)


@cache
def _small() -> Any:
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_obj_track_times(False)
    plist.set_layout(h5d.COMPACT)
    return plist


@cache
def _large() -> Any:
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_obj_track_times(False)
    plist.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    return plist


def library_versions() -> dict[str, str]:
    """Return the versions that the root of a file names."""
    return {"HDF5_Version": h5py.version.hdf5_version, "h5py_version": h5py.__version__}


def new_image(tree: Group, *, in_pages: bool = True) -> Any:
    """Return a file in memory that holds `tree`.

    With `in_pages` no header of a column lies across two pages of the system. HDF5 writes it with
    each point, and a kill may cut that off between two pages: one in thirteen lay so.
    """
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fapl_core(_IMAGE_STEP, False)
    if in_pages:
        access.set_meta_block_size(_PAGE)
        access.set_alignment(_PAGE // 4, _PAGE)
    file = h5f.create(_image_name(), h5f.ACC_TRUNC, h5p.create(h5p.FILE_CREATE), access)
    write_root(file, tree)
    return file


def open_image(content: bytes) -> Any:
    """Return a file in memory with the content of a file on disk."""
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fapl_core(_IMAGE_STEP, False)
    access.set_file_image(content)
    return h5f.open(_image_name(), h5f.ACC_RDWR, access)


def _image_name() -> bytes:
    # HDF5 takes two files in memory of one name for the same file.
    return f"image-{os.urandom(8).hex()}".encode()


def rename(file: Any, old: str, new: str) -> None:
    """Give an item at the top of a file another name."""
    if old != new:
        h5g.open(file, b"/").move(old.encode(), new.encode())


def image_bytes(file: Any) -> bytes:
    """Return what the file in memory would be on disk."""
    h5f.flush(file)
    content: bytes = file.get_file_image()
    return content


def open_file(path: str) -> Any:
    """Open a file on disk for writing, without a lock that would shut out viewers."""
    name = path.encode("utf-8", "surrogateescape")
    access = h5p.create(h5p.FILE_ACCESS)
    try:
        # Opened as h5py does by default, or else no script in this process could look at the
        # file of a running scan; the lock is given back at once for the sake of other processes.
        file = h5f.open(name, h5f.ACC_RDWR, access)
    except OSError:
        access.set_file_locking(False, True)  # a viewer holds a lock
        return h5f.open(name, h5f.ACC_RDWR, access)
    with contextlib.suppress(OSError):
        fcntl.flock(file.get_vfd_handle(access), fcntl.LOCK_UN)
    return file


def open_like(stream: Any) -> Any:
    """Open a Python file object as an HDF5 file for writing."""
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fileobj_driver(h5py.h5fd.fileobj_driver, stream)
    return h5f.open(_image_name(), h5f.ACC_RDWR, access)


def write_root(file: Any, tree: Group) -> None:
    """Write the tree of a whole file into an empty one."""
    links: list[tuple[Any, bytes, Link]] = []
    root = h5g.open(file, b"/")
    _write_items(root, tree, links)
    _write_links(root, links)


def edit_root(file: Any, old: Group, new: Group) -> None:
    """Bring a file that holds `old` to `new`: write what is new or changed, keep the rest."""
    links: list[tuple[Any, bytes, Link]] = []
    place = _Place(file, b"/")
    _edit(place, old, new, links)
    _write_links(place.gid, links)


class _Place:
    """A group that is opened when something in it is to be changed, which is seldom."""

    def __init__(self, parent: Any, name: bytes) -> None:
        self._parent, self._name = parent, name
        self._gid: Any = None

    @property
    def gid(self) -> Any:
        if self._gid is None:
            parent = self._parent
            self._gid = h5g.open(parent.gid if isinstance(parent, _Place) else parent, self._name)
        return self._gid


def _write_items(gid: Any, group: Group, links: list[tuple[Any, bytes, Link]]) -> None:
    for key, value in group.attributes.items():
        write_attribute(gid, key, value)
    for name, node in group.items.items():
        _write_node(gid, name.encode(), node, links)


def _write_node(
    gid: Any, name: bytes, node: Group | Dataset | Link, links: list[tuple[Any, bytes, Link]]
) -> None:
    if isinstance(node, Link):
        links.append((gid, name, node))
    elif isinstance(node, Group):
        _write_items(h5g.create(gid, name), node, links)
    else:
        dataset = _write_dataset(gid, name, node)
        for key, value in node.attributes.items():
            write_attribute(dataset, key, value)


def _write_links(root: Any, links: list[tuple[Any, bytes, Link]]) -> None:
    for gid, name, link in links:
        if link.file:
            gid.links.create_external(name, os.fsencode(link.file), link.target.encode())
        else:
            gid.links.create_hard(name, root, link.target.encode())


def _edit(place: _Place, old: Group, new: Group, links: list[tuple[Any, bytes, Link]]) -> None:
    if _attributes_differ(old.attributes, new.attributes):
        _edit_attributes(place.gid, old.attributes, new.attributes)
    for name, node in new.items.items():
        before, key = old.items.get(name), name.encode()
        if before is None:
            _write_node(place.gid, key, node, links)
        elif isinstance(before, Group) and isinstance(node, Group):
            _edit(_Place(place, key), before, node, links)
        elif isinstance(before, Dataset) and isinstance(node, Dataset):
            _edit_dataset(place, key, before, node, links)
        elif before != node or not isinstance(node, Link):
            place.gid.unlink(key)
            _write_node(place.gid, key, node, links)


def _edit_attributes(oid: Any, old: dict[str, Stored], new: dict[str, Stored]) -> None:
    for key, value in new.items():
        before = old.get(key)
        if before is not None and same(before, value):
            continue
        if before is not None and not same_form(before, value):
            h5a.delete(oid, key.encode())
        write_attribute(oid, key, value)


def _attributes_differ(old: dict[str, Stored], new: dict[str, Stored]) -> bool:
    return any(key not in old or not same(old[key], value) for key, value in new.items())


def _edit_dataset(
    place: _Place, name: bytes, old: Dataset, new: Dataset, links: list[tuple[Any, bytes, Link]]
) -> None:
    if old.source is None and not same(old.value, new.value):
        if not same_form(old.value, new.value):
            place.gid.unlink(name)
            _write_node(place.gid, name, new, links)
            return
        _write_value(h5d.open(place.gid, name), new.value)
    if _attributes_differ(old.attributes, new.attributes):
        _edit_attributes(h5d.open(place.gid, name), old.attributes, new.attributes)


def _write_dataset(gid: Any, name: bytes, node: Dataset) -> Any:
    if isinstance(node.source, Stream):
        return _write_stream(gid, name, node, node.source)
    value = node.value
    if isinstance(value, str):
        dataset = h5d.create(gid, name, _text_type(), _scalar(), _small())
    else:
        is_text = value.dtype.kind == "O"
        size = value.size * 16 if is_text else value.nbytes
        small = size <= _COMPACT_BYTES and not isinstance(node.source, Mesh) and value.size
        space = h5s.create_simple(value.shape) if value.ndim else _scalar()
        dataset = h5d.create(
            gid,
            name,
            _text_type() if is_text else _type(value.dtype),
            space,
            _small() if small else _large(),
        )
    _write_value(dataset, value)
    return dataset


def _write_value(dataset: Any, value: Stored) -> None:
    if isinstance(value, str) or value.dtype.kind == "O":
        dataset.write(h5s.ALL, h5s.ALL, _encoded(value), _objects())
    elif value.size:
        array = np.ascontiguousarray(value).reshape(value.shape)
        dataset.write(h5s.ALL, h5s.ALL, array, _type(value.dtype))


def _encoded(value: Stored) -> NDArray[Any]:
    if isinstance(value, str):
        return np.array(value.encode(), object)
    flat = np.empty(value.size, object)
    flat[:] = [text.encode() for text in value.ravel().tolist()]
    return flat.reshape(value.shape)


def _write_stream(gid: Any, name: bytes, node: Dataset, stream: Stream) -> Any:
    """Make a dataset that grows: one row of NaN, its first chunk allocated."""
    dtype = np.dtype(stream.dtype)
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_obj_track_times(False)
    plist.set_chunk((stream.chunk_rows, *(max(n, 1) for n in stream.shape)))
    if dtype.kind in "fc":
        plist.set_fill_value(np.array(np.nan, dtype))
    if stream.compressed:
        compress(plist)
    else:
        plist.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    space = h5s.create_simple((1, *stream.shape), (h5s.UNLIMITED, *stream.shape))
    dataset = h5d.create(gid, name, _type(dtype), space, plist)
    _write_value(dataset, node.value)
    return dataset


def write_attribute(oid: Any, key: str, value: Stored) -> None:
    """Give an object an attribute; one of the same form is written over: a new one takes 4 kB."""
    if isinstance(value, str):
        name = key.encode()
        if h5a.exists(oid, name):
            attribute = h5a.open(oid, name)
        else:
            attribute = h5a.create(oid, name, _text_type(), _scalar())
        attribute.write(np.array(value.encode(), object), _objects())
        return
    is_text = value.dtype.kind == "O"
    if h5a.exists(oid, key.encode()):
        attribute = h5a.open(oid, key.encode())
    else:
        space = h5s.create_simple(value.shape) if value.ndim else _scalar()
        kind = _text_type() if is_text else _type(value.dtype)
        attribute = h5a.create(oid, key.encode(), kind, space)
    if is_text:
        attribute.write(_encoded(value), _objects())
    elif value.size:
        attribute.write(np.ascontiguousarray(value).reshape(value.shape))
