"""Who writes a scan: a lock on the hidden file beside it, which the system frees when it dies.

The lock is never on the scan file itself, where it would shut out viewers. The hidden file also
says who the writer is, for messages, and for disks that have no locks.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

_TRIES = 50
"""Milliseconds to wait for who looks at the lock just now."""


def side_path(path: Path) -> Path:
    """Return the hidden file that is locked while the scan `path` is written."""
    return path.with_name(f".{path.name}.ballast")


def is_being_written(path: Path) -> bool:
    """Tell whether a process is at work on a scan; a file without end is crashed otherwise.

    Args:
        path: The scan file.
    """
    try:
        fd = os.open(side_path(path), os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        return isinstance(error, PermissionError)  # somebody else's: it may well be alive
    try:
        return _is_held(fd)
    finally:
        os.close(fd)


def writer_of(path: Path) -> str:
    """Return who writes (or wrote) a scan, ``process 4711 on lab3``; empty when nobody knows."""
    try:
        fd = os.open(side_path(path), os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        return _text(_read(fd))
    finally:
        os.close(fd)


@contextlib.contextmanager
def hold(path: Path) -> Iterator[bool]:
    """Take the place of a dead writer while its scan is repaired; False when somebody has it.

    The hidden file is gone afterwards.

    Raises:
        OSError: When the folder refuses.
    """
    side = side_path(path)
    fd = os.open(side, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    try:
        # The second look: two that repair came at once, or a child of the dead has its lock.
        free = not _is_held(fd) and (_lock(fd) is not False or not _is_held(fd))
        free = free and _is_still(side, fd)
        if free:
            record = _read(fd)
            _write(fd, {**_me(_lock(fd) is True), "writer": _text(record)})
        yield free
        if free:
            with contextlib.suppress(OSError):
                side.unlink()
    finally:
        os.close(fd)


def sign(fd: int) -> int:
    """Lock a hidden file that was just made and write this process into it; return its length."""
    return _write(fd, _me(_lock(fd) is True))


def _write(fd: int, record: dict[str, Any]) -> int:
    content = json.dumps(record).encode() + b"\n"
    os.pwrite(fd, content, 0)
    return len(content)


def _text(record: dict[str, Any]) -> str:
    if record.get("writer"):
        return str(record["writer"])
    host = str(record.get("host", "")).encode("utf-8", "backslashreplace").decode()
    return f"process {record['pid']} on {host}" if "pid" in record else ""


def _is_still(side: Path, fd: int) -> bool:
    try:
        return side.stat().st_ino == os.fstat(fd).st_ino
    except OSError:
        return False


def _lock(fd: int) -> bool | None:
    """Take the lock; False when another process has it, None when the disk has none."""
    import fcntl

    for _ in range(_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.001)  # somebody asks `is_being_written`
        except OSError:
            return None
        else:
            return True
    return False


def _is_held(fd: int) -> bool:
    import fcntl

    held: bool | None = False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        held = True
    except OSError:
        held = None
    record = _read(fd)
    # A child that was forked may keep the lock of a session that is dead.
    if held:
        return _is_alive(record) is not False
    if held is None or record.get("locked") is False:
        return bool(record) and _is_alive(record) is not False
    return False


def _read(fd: int) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        line = os.pread(fd, 4096, 0).split(b"\n", 1)[0]
        record = json.loads(line)
        if isinstance(record, dict) and isinstance(record.get("pid"), int):
            return record
    return {}


def _is_alive(record: dict[str, Any]) -> bool | None:
    """Tell whether the writer lives; None when it is of another computer or container."""
    if record.get("host") != os.uname().nodename or record.get("space") != _space():
        return None
    begun = record.get("begun")
    return bool(begun) and begun == _begun(int(record["pid"]))


def _me(locked: bool) -> dict[str, Any]:
    return {**_this_process(os.getpid()), "locked": locked}


@cache
def _this_process(pid: int) -> dict[str, Any]:
    return {
        "pid": pid,
        "begun": _begun(pid),
        "host": os.uname().nodename,
        "space": _space(),
    }


def _begun(pid: int) -> str:
    """Return when a process began, as the system counts; empty when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            state, *rest = file.read().rpartition(b")")[2].split()
            return "" if state in (b"Z", b"X") else rest[18].decode()
    except (OSError, IndexError):
        pass
    try:  # a system without /proc
        os.kill(pid, 0)
    except PermissionError:
        return "alive"
    except OSError:
        return ""
    return "alive"


@cache
def _space() -> str:
    """Return what makes process numbers comparable: this start of the system, this container."""
    parts = []
    with contextlib.suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))  # noqa: PTH115
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    return " ".join(parts)
