"""The end of a scan: on a copy that replaces the file, or in place when that is large or full."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from session_shell.nexus.disk.files import Ballast, is_full, part_path, sync_folder, write_whole
from session_shell.nexus.disk.redo import roll_forward
from session_shell.nexus.tree.nodes import Group
from session_shell.nexus.writing.columns import Columns

_COPY_LIMIT = 50 * 2**20
"""Bytes of a file above which its end is written in place."""


OVERWRITTEN = "another program has overwritten the file"


@dataclass(frozen=True, slots=True)
class Edit:
    """What the end changes: the tree in the file, the tree to be, and rows that still wait."""

    old: Group
    new: Group
    columns: Columns
    entry: str = ""
    uid: str = ""

    def check(self, file: Any) -> None:
        """Raise `OSError` unless the file is that of the scan, with the rows that were written."""
        import h5py
        from h5py import h5g

        entry = h5py.Group(h5g.open(file, b"/")).get(self.entry)
        stored = None if entry is None else entry.get("entry_identifier_uuid")
        if stored is None or stored.asstr()[()] != self.uid:
            raise OSError(OVERWRITTEN)
        rows = min((len(entry.file[path]) for path, _ in self.columns.streams), default=0)
        if rows < self.columns.written:
            raise OSError(OVERWRITTEN)

    def apply(self, file: Any) -> None:
        """Make the change in an open HDF5 file."""
        from session_shell.nexus.disk.hdf5 import edit_root
        from session_shell.nexus.writing.streams import Streams

        if self.columns.written and self.uid:
            self.check(file)
        edit_root(file, self.old, self.new)
        streams = Streams(file, self.columns)
        if self.columns.waiting:
            streams.write(self.columns.written, self.columns.block())
        streams.set_length(self.columns.written + self.columns.waiting)


def finish(path: Path, edit: Edit, ballast: Ballast, image: Any = None) -> None:
    """Bring the file of a scan to its end; at any instant the former or the new one is there.

    `image` is the file in memory when nothing was written since the start. Raises OSError, and
    then the file is as it was.
    """
    edit_file(path, edit.apply, ballast, image)


def edit_file(
    path: Path, change: Callable[[Any], None], ballast: Ballast | None = None, image: Any = None
) -> None:
    """Change a file that nobody writes; at any instant the former or the new one is there.

    Args:
        path: The file.
        change: Makes the change in an open HDF5 file (an `h5py.h5f.FileID`).
        ballast: Space to give back when the disk is full.
        image: The file in memory, when its content is there already.

    Raises:
        OSError: When the disk refuses; the file is as it was.
    """
    if image is None:
        roll_forward(path)
        if path.stat().st_size > _COPY_LIMIT:
            _edit_in_place(path, change)
            return
    try:
        _edit_copy(path, change, ballast, image)
    except OSError as error:
        # The file itself may well take it: a folder that was made read-only is such a case.
        if not is_full(error) and error.errno not in {errno.EACCES, errno.EPERM}:
            raise
        if ballast is not None:
            ballast.release()
        _edit_in_place(path, change)


def _edit_copy(
    path: Path, change: Callable[[Any], None], ballast: Ballast | None, image: Any
) -> None:
    from session_shell.nexus.disk.hdf5 import image_bytes, open_image

    part = part_path(path)
    image = image if image is not None else open_image(path.read_bytes())
    try:
        change(image)
        content = image_bytes(image)
    finally:
        image.close()
    try:
        write_whole(part, content, sync=True)
    except OSError as error:
        if not is_full(error) or ballast is None or not ballast.release():
            raise
        write_whole(part, content, sync=True)
    # A folder that is gone must not come back with this one file in it: replace fails then.
    try:
        os.replace(part, path)  # noqa: PTH105
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync_folder(path.parent)


def _edit_in_place(path: Path, change: Callable[[Any], None]) -> None:
    from session_shell.nexus.disk.hdf5 import open_like
    from session_shell.nexus.disk.overlay import Overlay

    fd = os.open(path, os.O_RDWR)
    try:
        overlay = Overlay(fd)
        file = open_like(overlay)
        try:
            change(file)
        finally:
            file.close()
        overlay.commit(path)
    finally:
        os.close(fd)
