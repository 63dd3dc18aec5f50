"""The first bytes of an HDF5 file: where it ends, and whether it is marked as open.

HDF5 marks a file of its latest format as open while it is written; after a kill nothing opens it
until the mark is cleared, as `h5clear` does.
"""

from __future__ import annotations

import os
from pathlib import Path

SIGNATURE = b"\x89HDF\r\n\x1a\n"

_CHECKED, _LATEST = 2, 3
"""Versions from which on it has a checksum, and a mark."""
_LENGTH = 48
"""Bytes of a superblock of version 2 or 3 with addresses of 8 bytes."""
_VERSION, _FLAGS, _SUM = 8, 11, 44
_END_OF = {0: 40, 1: 44, 2: 28, 3: 28}
"""Where the end of the file stands, by version."""


def end_of_content(head: bytes | bytearray) -> int | None:
    """Return the length of a file as its first 64 bytes have it; None when they do not say."""
    if len(head) < _LENGTH + 4 or head[:8] != SIGNATURE:
        return None
    at = _END_OF.get(head[_VERSION])
    wide = head[13] if head[_VERSION] < 2 else head[9]
    return None if at is None or wide != 8 else int.from_bytes(head[at : at + 8], "little")


def missing_bytes(path: Path) -> int:
    """Return how much a file is shorter than it says; 0 when it is not."""
    try:
        with path.open("rb") as file:
            end = end_of_content(file.read(64))
        return max(0, (end or 0) - path.stat().st_size)
    except OSError:
        return 0


def keep_length(fd: int) -> None:
    """Make an open file as long as it says, if it is shorter: HDF5 opens none that is.

    A close that fails may leave it so. It takes no space.
    """
    end = end_of_content(os.pread(fd, 64, 0))
    if end is not None and os.fstat(fd).st_size < end:
        os.ftruncate(fd, end)


def announce_end(fd: int, end: int) -> None:
    """Let a file say that it ends at `end`, ahead of what HDF5 is about to put there.

    HDF5 writes the length last when it flushes. A kill just before that would leave chunks behind
    the end that the file knows, which nothing reads. The file is made as long as it says.
    """
    head = bytearray(os.pread(fd, 64, 0))
    known = end_of_content(head)
    if known is None or known >= end:
        return
    if os.fstat(fd).st_size < end:
        os.ftruncate(fd, end)
    at, version = _END_OF[head[_VERSION]], head[_VERSION]
    head[at : at + 8] = end.to_bytes(8, "little")
    if version >= _CHECKED:
        head[_SUM:_LENGTH] = _checksum(head[:_SUM])
    os.pwrite(fd, head[: max(at + 8, _LENGTH)], 0)  # in one piece: readers see one or the other


def clear_flags(path: Path) -> bool:
    """Take the mark of an open file away; tell whether there was one.

    Raises:
        OSError: When the file cannot be written.
    """
    with path.open("rb") as file:
        head = bytearray(file.read(_LENGTH))
    if len(head) < _LENGTH or head[:8] != SIGNATURE or head[_VERSION] != _LATEST or head[9] != 8:
        return False
    if not head[_FLAGS] or head[_SUM:] != _checksum(head[:_SUM]):
        return False
    head[_FLAGS] = 0
    head[_SUM:] = _checksum(head[:_SUM])
    fd = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(fd, head, 0)
        os.fsync(fd)
    finally:
        os.close(fd)
    return True


def _checksum(data: bytes | bytearray) -> bytes:
    """Return Bob Jenkins' lookup3 hash, which guards HDF5's own structures, as it is stored."""
    a = b = c = (0xDEADBEEF + len(data)) & _WORD
    words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
    while len(words) > 3:
        a, b, c = _mix(a + words[0], b + words[1], c + words[2])
        words = words[3:]
    first, second, third = (*words, 0, 0, 0)[:3]
    return _final(a + first, b + second, c + third).to_bytes(4, "little")


_WORD = 0xFFFFFFFF


def _turned(word: int, bits: int) -> int:
    word &= _WORD
    return (word << bits | word >> (32 - bits)) & _WORD


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        # Each step takes c from a and adds b to c; then the three change places.
        a = (a - c ^ _turned(c, bits)) & _WORD
        c = (c + b) & _WORD
        a, b, c = b, c, a
    return a & _WORD, b & _WORD, c & _WORD


def _final(a: int, b: int, c: int) -> int:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _turned(b, bits)) & _WORD
        a, b, c = b, c, a
    return b
