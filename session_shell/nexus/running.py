"""Who writes a scan: a lock on the hidden file beside it, which the system frees when it dies.

The lock is never on the scan file itself, where it would shut out viewers. The hidden file also
says who the writer is, for messages, and for disks that have no locks.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
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
        fd = os.open(side_path(path), os.O_RDONLY)
    except OSError as error:
        return isinstance(error, PermissionError)  # somebody else's: it may well be alive
    try:
        return _is_held(fd)
    finally:
        os.close(fd)


def writer_of(path: Path) -> str:
    """Return who writes (or wrote) a scan, ``process 4711 on lab3``; empty when nobody knows."""
    try:
        fd = os.open(side_path(path), os.O_RDONLY)
    except OSError:
        return ""
    try:
        record = _read(fd)
    finally:
        os.close(fd)
    host = str(record.get("host", "")).encode("utf-8", "backslashreplace").decode()
    return f"process {record['pid']} on {host}" if "pid" in record else ""


def sign(fd: int) -> int:
    """Lock a hidden file that was just made and write this process into it; return its length."""
    locked = _lock(fd)
    content = _me(os.getpid(), locked)
    os.pwrite(fd, content, 0)
    return len(content)


def _lock(fd: int) -> bool:
    import fcntl

    for _ in range(_TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.001)  # somebody asks `is_being_written`
        except OSError:
            return False  # a disk without locks
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


@cache
def _me(pid: int, locked: bool) -> bytes:
    record = {
        "pid": pid,
        "begun": _begun(pid),
        "host": os.uname().nodename,
        "space": _space(),
        "locked": locked,
    }
    return json.dumps(record).encode() + b"\n"


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
