"""The redo file: what an edit in place is about to write over, so that a kill cannot cut it off.

It lies hidden beside the scan from before the first byte is written over until after the last.
Who finds it (a reader, `session-shell repair`, the next edit) writes the same bytes again. A redo
file that is not complete belongs to an edit that had not begun to write.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from session_shell.nexus.disk.direct import Piece, write_over
from session_shell.nexus.disk.files import sync_folder, write_all

_MAGIC = b"session-shell redo 1\n"
_HEAD = struct.Struct("<QQIQ")  # former end, new end, checksum of what lies between, pieces
_PIECE = struct.Struct("<QQ")
_SUM = struct.Struct("<I")
_WAIT = 2.0
"""Seconds to wait for another process that is at work on the same file."""
_BLOCK = 2**20


def redo_path(path: Path) -> Path:
    """Return the redo file of a scan file."""
    return path.with_name(f".{path.name}.redo")


@contextlib.contextmanager
def kept(path: Path, fd: int, old_end: int, new_end: int, over: list[Piece]) -> Iterator[None]:
    """Keep `over` in the redo file of `path` until it is written, and on the disk, too.

    Raises:
        OSError: When the redo file cannot be written; nothing has been changed then.
    """
    redo = redo_path(path)
    content = [_MAGIC, _HEAD.pack(old_end, new_end, _checksum(fd, old_end, new_end), len(over))]
    for start, data in over:
        content += [_PIECE.pack(start, len(data)), data]
    body = b"".join(content)
    own = os.open(redo, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, 0o666)
    try:
        _lock(own)
        try:
            write_all(own, 0, body + _SUM.pack(zlib.crc32(body)))
            os.fsync(own)
        except OSError:
            _remove(redo)
            raise
        sync_folder(redo.parent)
        yield
        os.fsync(fd)
        _remove(redo)
    finally:
        os.close(own)


def roll_forward(path: Path) -> bool:
    """Finish an edit in place that was cut off; tell whether there was one.

    Raises:
        OSError: When the file cannot be written.
    """
    redo = redo_path(path)
    try:
        own = os.open(redo, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not _lock(own) or not _is_there(redo, own):
            return False  # its writer is at work, or another process was faster
        pieces = _pieces(path, own)
        if pieces:
            _write_over(path, pieces)
        _remove(redo)
        return bool(pieces)
    finally:
        os.close(own)


def is_cut_off(path: Path) -> bool:
    """Tell whether an edit in place was cut off, so that `roll_forward` has something to do."""
    try:
        own = os.open(redo_path(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return bool(_pieces(path, own))
    except OSError:
        return False
    finally:
        os.close(own)


def _write_over(path: Path, pieces: list[Piece]) -> None:
    fd = os.open(path, os.O_RDWR)
    try:
        write_over(path, fd, pieces)
        os.fsync(fd)
    finally:
        os.close(fd)


def _pieces(path: Path, own: int) -> list[Piece]:
    """Return what is to be written; nothing when it is not complete or not of this file."""
    content = _read(own)
    body, end = content[: -_SUM.size], content[-_SUM.size :]
    if not body.startswith(_MAGIC) or end != _SUM.pack(zlib.crc32(body)):
        return []
    at = len(_MAGIC)
    old_end, new_end, checksum, count = _HEAD.unpack_from(body, at)
    at += _HEAD.size
    pieces = []
    for _ in range(count):
        start, size = _PIECE.unpack_from(body, at)
        at += _PIECE.size
        pieces.append((start, body[at : at + size]))
        at += size
    fd = os.open(path, os.O_RDONLY)
    try:
        # What is new was on the disk before: if it is not there, this is another file.
        return pieces if _checksum(fd, old_end, new_end) == checksum else []
    finally:
        os.close(fd)


def _read(fd: int) -> bytes:
    parts, at = [], 0
    while part := os.pread(fd, _BLOCK, at):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _checksum(fd: int, start: int, end: int) -> int:
    checksum = 0
    while start < end and (part := os.pread(fd, min(_BLOCK, end - start), start)):
        checksum = zlib.crc32(part, checksum)
        start += len(part)
    return checksum if start >= end else -1 & 0xFFFFFFFF


def _lock(fd: int) -> bool:
    import fcntl

    deadline = time.monotonic() + _WAIT
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
        except OSError:
            return True  # a disk without locks: both write the same bytes
        else:
            return True


def _is_there(redo: Path, fd: int) -> bool:
    try:
        return redo.stat().st_ino == os.fstat(fd).st_ino
    except OSError:
        return False


def _remove(redo: Path) -> None:
    with contextlib.suppress(OSError):
        redo.unlink()
