"""Write over several places of a file so that a killed process has written all of them or none.

The system cuts an ordinary write off between two pages when the process is killed. What it was
given as one direct write (past the cache, all pages at once) is on its way to the disk as a
whole. So everything from the first to the last place goes there in one piece, what lies between
as it was; where a disk has no direct writes, the places are written one after the other.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from session_shell.nexus.disk.files import write_all

Piece = tuple[int, bytes]
"""A place in a file and what belongs there."""

_PAGE = 4096
_LARGEST = 16 * 2**20
"""Bytes from the first place to the last that are worth one write."""


def write_over(path: Path, fd: int, pieces: list[Piece]) -> None:
    """Write `pieces` (in order, none overlapping) into the file `path`, which is open as `fd`."""
    if not pieces or _write_direct(path, fd, pieces):
        return
    for start, data in pieces:
        write_all(fd, start, data)


def _write_direct(path: Path, fd: int, pieces: list[Piece]) -> bool:
    begin = pieces[0][0] // _PAGE * _PAGE
    last, data = pieces[-1]
    size = -(-(last + len(data) - begin) // _PAGE) * _PAGE
    flag = getattr(os, "O_DIRECT", 0)
    # Beyond the end of the file a write also has to change its length.
    if not flag or size > _LARGEST or begin + size > os.fstat(fd).st_size:
        return False
    try:
        direct = os.open(path, os.O_WRONLY | flag)
    except OSError:
        return False
    try:
        if not os.path.sameopenfile(direct, fd):
            return False
        with mmap.mmap(-1, size) as buffer:
            if os.preadv(fd, [buffer], begin) != size:
                return False
            for start, data in pieces:
                buffer[start - begin : start - begin + len(data)] = data
            return os.pwrite(direct, buffer, begin) == size
    except OSError:
        return False
    finally:
        os.close(direct)
