"""A session of one name is open once in a data directory; this is the file that says by whom.

The system's lock on ``<data>/.session-shell/NAME.lock`` decides, and goes with its owner, however
that one ends. Where a disk has no such locks, the owner that the file names is looked for.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import getpass
import json
import logging
import os
import socket
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from session_shell.errors import SessionLockedError

_log = logging.getLogger(__name__)

_LARGEST = 4096
_TRIES = 20


class SessionLock:
    """Held from `acquire` to `release`, or until it is forgotten or its process ends.

    Args:
        data: Data directory.
        name: Session.
    """

    def __init__(self, data: Path, name: str) -> None:
        self.name = name
        self.path = data / ".session-shell" / f"{name}.lock"
        self._end: weakref.finalize[[int, Path, int], SessionLock] | None = None

    @property
    def held(self) -> bool:
        """Whether this session has it."""
        return self._end is not None and self._end.alive

    def acquire(self) -> bool:
        """Take the lock; False, with a warning, where nothing can be written.

        Raises:
            SessionLockedError: When the session is open already.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fd = self._take()
        except OSError as error:
            _log.warning(
                "%s cannot be written (%s): settings are not kept, and scans need another "
                "folder (SCAN_SAVING.base_path) or save=False",
                self.path.parent.parent,
                error.strerror or error,
            )
            return False
        self._end = weakref.finalize(self, _release, fd, self.path, os.getpid())
        _close_in_children(self, fd)
        return True

    def release(self) -> None:
        """Give it back; harmless when it is not held."""
        if self._end is not None:
            self._end()

    def _take(self) -> int:
        for _ in range(_TRIES):
            fd, is_mine = self._open()
            try:
                ours = self._lock(fd) and _is_still(self.path, fd)
                if ours and (is_mine or not self._remove()):
                    # On a full disk it is held all the same, without a name on it.
                    with contextlib.suppress(OSError):
                        os.ftruncate(fd, 0)
                        os.pwrite(fd, json.dumps(_myself(self.name)).encode(), 0)
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)  # who had it removed the file just now
        raise SessionLockedError(
            f"the session {self.name} is opened and closed elsewhere just now; try again"
        )

    def _open(self) -> tuple[int, bool]:
        """Open the file; False when it is somebody else's, left by a session that was killed."""
        flags = os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | flags, 0o666), True
        except PermissionError:
            return os.open(self.path, os.O_RDONLY | flags), False

    def _remove(self) -> bool:
        """Remove the file of somebody else whose lock is ours now, to have one of our own."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True

    def _lock(self, fd: int) -> bool:
        """Take the system's lock; raise when another session has it."""
        import fcntl

        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._refuse(_owner(fd), locked=True)
        except OSError:  # a disk without locks
            owner = _owner(fd)
            if owner and _may_live(owner):
                self._refuse(owner, locked=False)
        return True

    def _refuse(self, owner: Mapping[str, Any], *, locked: bool) -> None:
        todo = f"leave it there, or look with: session-shell open {self.name} --read-only"
        mine = owner.get("host") == socket.gethostname()
        if mine and owner.get("pid") == os.getpid():
            where = "in this program"
            todo = "close() it first, or look with open_session(..., read_only=True)"
        elif owner:
            where = f"by {owner.get('user', 'somebody')} on {owner.get('host', 'a computer')}"
            where += f" (process {owner.get('pid')}) since {owner.get('start')}"
        else:
            where = "in another program"
        if not locked and not mine:
            todo += f"; if it does not run there any more, delete {self.path}"
        raise SessionLockedError(
            f"the session {self.name} is open already, {where}; {todo}", owner=dict(owner)
        )


def _myself(name: str) -> dict[str, Any]:
    start = dt.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "unknown"
    return {
        "session": name,
        "host": socket.gethostname(),
        "user": user,
        "pid": os.getpid(),
        "start": start,
        "process": _process_start(os.getpid()),
    }


def _owner(fd: int) -> dict[str, Any]:
    """Return what the file says about its owner, nothing when that is no sense."""
    try:
        found = json.loads(os.pread(fd, _LARGEST, 0))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _may_live(owner: Mapping[str, Any]) -> bool:
    """Tell whether the owner may still run: always, when it is on another computer."""
    if owner.get("host") != socket.gethostname():
        return True
    pid = owner.get("pid")
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it runs, and belongs to somebody else
        pass
    # The number may have gone to another program since.
    return owner.get("process") in (None, _process_start(pid))


def _process_start(pid: int) -> str | None:
    """Return when a process began, in the system's own words; None where it does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {fields.rpartition(')')[2].split()[19]}"
    except (OSError, IndexError):
        return None


def _is_still(path: Path, fd: int) -> bool:
    """Tell whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))  # noqa: PTH116
    except FileNotFoundError:
        return False


def _release(fd: int, path: Path, pid: int) -> None:
    if os.getpid() != pid:
        return  # a child of ours that ends; its copy is closed already
    with contextlib.suppress(OSError):
        if _is_still(path, fd):
            path.unlink()
    with contextlib.suppress(OSError):
        os.close(fd)


def _close_in_children(lock: SessionLock, fd: int) -> None:
    """Let no forked process keep the lock of a session that is gone."""
    known = weakref.ref(lock)

    def close() -> None:
        found = known()
        if found is not None and found.held:
            with contextlib.suppress(OSError):
                os.close(fd)

    os.register_at_fork(after_in_child=close)
