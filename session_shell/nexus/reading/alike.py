"""Tell quickly whether two scan files hold the same, without making anything of what they hold."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from session_shell.errors import SessionShellError
from session_shell.nexus.disk.filters import check_readable
from session_shell.nexus.reading.reader import opened

_OF_A_FILE = frozenset(("file_name", "file_time", "file_update_time"))
"""Attributes of a file by which two of the same scan differ."""
_BYTES = 64 * 2**20
"""Bytes of a dataset that are compared at a time."""


def same_content(one: Path, other: Path, ignored: Collection[str]) -> bool:
    """Tell whether two files have the same tree, attributes and values, bit by bit.

    True is certain. False means that somebody has to look: it is also the answer when a file
    cannot be read, or holds what cannot be compared as bytes.

    Args:
        one: A file with one scan.
        other: Another one.
        ignored: Paths below the entry that may differ, as ``session/journal``.
    """
    try:
        with opened(one) as first, opened(other) as second:
            names = _names(first)
            if names != _names(second) or not _same_attributes(first, second, _OF_A_FILE):
                return False
            seen: set[tuple[int, int]] = set()
            return all(
                _same_object(first, second, name, seen)
                for name, link in names.items()
                if not link and name.partition("/")[2] not in ignored
            )
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, SessionShellError):
        return False


def _names(file: Any) -> dict[str, str]:
    """Return all names of a file; those of soft and external links with where they lead."""
    found: dict[str, str] = {}

    def note(name: bytes, info: Any) -> None:
        text = name.decode("utf-8", "surrogateescape")
        hard = info.type == h5py.h5l.TYPE_HARD
        found[text] = "" if hard else repr(file.id.links.get_val(name))

    file.id.links.visit(note, info=True)
    return found


def _same_object(first: Any, second: Any, name: str, seen: set[tuple[int, int]]) -> bool:
    one, other = first[name], second[name]
    place = h5py.h5o.get_info(one.id).addr, h5py.h5o.get_info(other.id).addr
    if place in seen:
        return True  # a column has several names
    seen.add(place)
    if type(one) is not type(other) or not _same_attributes(one, other, frozenset()):
        return False
    if not isinstance(one, h5py.Dataset):
        return True
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.ndim > 1:
        check_readable(one)
    if not one.shape:
        return _same_value(one[()], other[()])
    row = max(one.dtype.itemsize * int(np.prod(one.shape[1:])), 1)
    step = max(_BYTES // row, 1)
    return all(
        _same_value(one[at : at + step], other[at : at + step])
        for at in range(0, max(len(one), 1), step)
    )


def _same_attributes(one: Any, other: Any, ignored: Collection[str]) -> bool:
    mine, yours = sorted(one.attrs), sorted(other.attrs)
    return mine == yours and all(
        name in ignored or _same_value(one.attrs[name], other.attrs[name]) for name in mine
    )


def _same_value(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, (str, bytes)):
        return bool(one == other)
    first, second = np.asarray(one), np.asarray(other)
    if first.dtype != second.dtype or first.shape != second.shape:
        return False
    if first.dtype.hasobject:
        return all(
            type(a) is type(b) and isinstance(a, (str, bytes)) and a == b
            for a, b in zip(first.flat, second.flat, strict=True)
        )
    return bool(first.tobytes() == second.tobytes())
