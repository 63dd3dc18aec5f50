"""What is added to a scan that is over: a remark, or the sequence that it became a part of.

The file is copied, edited and replaced as at the end of a scan, under the same lock; so at any
instant the former or the new one is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from session_shell.clock import iso_time
from session_shell.errors import ScanError
from session_shell.nexus.disk.files import reason
from session_shell.nexus.disk.running import hold, is_being_written, writer_of
from session_shell.nexus.layout.entry import comment_note
from session_shell.nexus.reading.reader import entry_of, retried, text, texts, value
from session_shell.nexus.tree.nodes import Dataset, Group, new_group
from session_shell.nexus.writing.ending import edit_file
from session_shell.scanning.documents import Comment

_TRIES = 100
"""Hundredths of a second to wait for somebody who adds something too."""

Change = Callable[[Any], tuple[Group, Group]]
"""Gets the entry as it is; returns what of it is changed, before and after."""


def add_comment(path: Path, entry: str, comment: Comment) -> None:
    """Add a remark to a scan that is over.

    Args:
        path: Its file.
        entry: Name of its entry, ``12.1``.
        comment: The remark.

    Raises:
        ScanError: When the scan is not over, is not ours, or the disk refuses.
    """

    def change(stored: Any) -> tuple[Group, Group]:
        comments = stored.get("comments")
        count = len(comments) if comments is not None else 0
        note = Group(items={f"note_{count + 1:02d}": comment_note(comment)})
        if comments is None:
            note.attributes["NX_class"] = "NXcollection"
            return Group(), Group(items={"comments": note})
        return Group(items={"comments": Group()}), Group(items={"comments": note})

    _change(path, entry, change, comment.time)


def add_to_sequence(path: Path, entry: str, uid: str, moment: float) -> None:
    """Note the sequence that a scan became a part of when it was over.

    Args:
        path: File of the scan.
        entry: Name of its entry.
        uid: Of the sequence.
        moment: Seconds since the epoch.

    Raises:
        ScanError: As `add_comment`.
    """

    def change(stored: Any) -> tuple[Group, Group]:
        present = texts(stored, "scan/sequences")
        if uid in present:
            return Group(), Group()
        old, new = new_group(), new_group()
        if present:
            old.items["sequences"] = Dataset(np.array(present, object))
        new.items["sequences"] = Dataset(np.array([*present, uid], object))
        return Group(items={"scan": old}), Group(items={"scan": new})

    _change(path, entry, change, moment)


def _change(path: Path, entry: str, change: Change, moment: float) -> None:
    # Looked at before the lock is taken: the lock of a crashed scan is its sign, and must stay.
    retried(path, lambda file: _check(path, entry_of(file, entry)))
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(0.01)
        try:
            with hold(path) as free:
                if free:
                    _edit(path, entry, change, moment)
                    return
        except (OSError, RuntimeError) as error:
            raise ScanError(f"{path}: nothing can be added: {reason(error)}") from error
    who = writer_of(path)
    by = f" by {who}" if who else ""
    raise ScanError(f"{path}: the scan is being written{by}; add to it when it is over")


def _edit(path: Path, entry: str, change: Change, moment: float) -> None:
    before, after = retried(path, lambda file: change(entry_of(file, entry)))
    root = {"file_update_time": iso_time(moment)}
    old, new = Group(items={entry: before}), Group(dict(root), {entry: after})

    def apply(file: Any) -> None:
        from session_shell.nexus.disk.hdf5 import edit_root

        edit_root(file, old, new)

    edit_file(path, apply)


def _check(path: Path, entry: Any) -> None:
    if not isinstance(entry, h5py.Group) or text(value(entry, "program_name")) != "session-shell":
        raise ScanError(f"{path}: was not written by session-shell, so nothing is added to it")
    if "end_time" in entry:
        return
    if not is_being_written(path):
        raise ScanError(
            f"{path}: the scan has no end, since its session was killed; "
            f"session-shell repair {path.name} gives it one"
        )
    raise ScanError(f"{path}: the scan still runs in another session; add to it when it is over")
