"""Append records to the file of a journal: one write for each, never in the way of the session.

No fsync: what was written survives the death of the program, not that of the machine, and costs
microseconds.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from session_shell.journal.records import LINE_BYTES, Opened, Record
from session_shell.journal.seal import sealed
from session_shell.paths import is_there

_log = logging.getLogger(__name__)

_encoder = msgspec.json.Encoder()


class JournalFile:
    """The file of a journal, open for appending; it is locked as long as its session lives.

    It gets its name when its first record is in it: a journal that is there can be read.

    A write that fails (a full disk) costs one warning; later records are written again when
    that is possible.

    Args:
        path: The file; it must not exist. Its folder is made.
        opened: The first record.

    Raises:
        OSError: When the file cannot be made.
    """

    def __init__(self, path: Path, opened: Opened) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_there(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        self._unnamed = path.with_suffix(".part")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        self._descriptor = os.open(self._unnamed, flags, 0o644)
        with suppress(OSError):  # a file system without locks: the session then looks killed
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._pid = os.getpid()
        self._broken = False
        self._torn = False
        head, self._check = sealed(encode(opened), b"")
        self._head: bytes | None = head + b"\n"
        self._write(b"")

    def append(self, record: Record) -> None:
        """Write one record; a forked child of the session writes none."""
        if self._descriptor < 0 or os.getpid() != self._pid:
            return
        line = encode(record)
        if len(line) > LINE_BYTES - 100:  # its fingerprint comes to it
            _log.warning("%s: a record of %d MB is too long to be kept", self.path, len(line) >> 20)
            return
        line, check = sealed(line, self._check)
        if self._write(line + b"\n"):
            self._check = check

    def close(self) -> None:
        """Close the file and let go of its lock; harmless twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            if self._head is not None:
                with suppress(OSError):
                    self._unnamed.unlink()

    def _write(self, line: bytes) -> bool:
        try:
            if self._head is not None:
                self._write_head(self._head)
            if line:
                self._write_whole(b"\n" + line if self._torn else line)
            self._torn = False
        except OSError as error:
            if not self._broken:
                _log.warning(
                    "%s: what is done is not recorded: %s", self.path, error.strerror or error
                )
            self._broken = True
        else:
            self._broken = False
        return not self._broken

    def _write_head(self, head: bytes) -> None:
        # Without its first record a journal is worth nothing: this one is whole or absent.
        try:
            self._write_whole(head)
        except OSError:
            os.ftruncate(self._descriptor, 0)
            self._torn = False
            raise
        self._unnamed.replace(self.path)
        self._head = None

    def _write_whole(self, line: bytes) -> None:
        done = os.write(self._descriptor, line)
        while done < len(line):  # the disk is nearly full, or the line is of several megabytes
            self._torn = True
            done += os.write(self._descriptor, line[done:])


def encode(record: Record) -> bytes:
    """Return a record as one line of JSON, also when it holds what JSON cannot say."""
    try:
        return _encoder.encode(record)
    except (TypeError, ValueError, OverflowError, RecursionError):
        # Text of a file name that is no UTF-8, a huge integer, a value of a plugin's device.
        tag = {"record": type(record).__struct_config__.tag}
        return _encoder.encode({**tag, **plain(msgspec.structs.asdict(record))})


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value of settings as JSON has it; NaN and infinities are null there."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if depth < 50 and isinstance(value, Mapping):
        return {str(plain(str(k))): plain(v, depth + 1) for k, v in value.items()}
    if depth < 50 and isinstance(value, Sequence):
        return [plain(v, depth + 1) for v in value]
    return plain(repr(value)[:1000])
