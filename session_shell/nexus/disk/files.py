"""Names, numbers and the disk: what is needed before and after HDF5, without it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from session_shell.errors import SinkError
from session_shell.nexus.disk.running import side_path, sign

FileName = Callable[[int], str]
"""Gives the file name of a scan number."""

_WHY = {
    errno.EACCES: "there is no permission to write there",
    errno.EPERM: "there is no permission to write there",
    errno.EROFS: "the disk is read-only",
    errno.ENOENT: "the folder has vanished",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.ENAMETOOLONG: "the path is too long",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EINVAL: "such a name is not possible there",
    errno.EILSEQ: "such a name is not possible there",
    errno.ESTALE: "the network disk is gone",
    errno.EIO: "the disk has an error",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
    errno.EISDIR: "there is a folder of that name",
}
_TODO = {
    errno.ENOSPC: "free some space, choose another folder (SCAN_SAVING), or scan with save=False",
    errno.EDQUOT: "free some space, choose another folder (SCAN_SAVING), or scan with save=False",
}
_FULL = re.compile(r"errno = (\d+)")


def part_path(path: Path) -> Path:
    """Return the hidden file that holds the place of `path`, or its next version."""
    return path.with_name(f".{path.name}.part")


def is_device(path: Path) -> bool:
    """Tell whether there is something that is neither a file nor a folder, such as a pipe."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def error_number(error: BaseException) -> int:
    """Return the errno of an error of the system or of HDF5 (which has it in its text), else 0."""
    number = getattr(error, "errno", None)
    if isinstance(number, int):
        return number
    found = _FULL.search(str(error))
    return int(found.group(1)) if found else 0


def is_full(error: BaseException) -> bool:
    """Tell whether an error says that there is no space left."""
    return error_number(error) in {errno.ENOSPC, errno.EDQUOT}


def reason(error: BaseException) -> str:
    """Return why the system refused, in the words of a person."""
    return _WHY.get(error_number(error)) or str(error) or type(error).__name__


def sink_error(what: str, path: Path, error: BaseException, note: str = "") -> SinkError:
    """Return the error that the person sees: what could not be done, where, why, what to do."""
    number, why = error_number(error), reason(error)
    todo = _TODO.get(number, "choose another folder (SCAN_SAVING), or scan with save=False")
    shown = str(path).encode("utf-8", "backslashreplace").decode()
    if len(shown) > 300:
        shown = f"{shown[:140]}...{shown[-140:]}"
    return SinkError(f"{shown}: {what}: {why}; {note}{todo}", sink="file")


def write_whole(path: Path, content: bytes, *, sync: bool) -> None:
    """Write a file anew, on the disk when `sync`; nothing is left of it when that fails.

    What lies there under that name and is not a plain file of one name (a link that somebody has
    planted in a shared folder) is removed, not followed.
    """
    fd = _open_own(path)
    try:
        write_all(fd, 0, content)
        if sync:
            os.fsync(fd)
    except BaseException:
        os.close(fd)
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108
        raise
    os.close(fd)


def _open_own(path: Path) -> int:
    """Open a file for writing that has no other name, empty."""
    flags = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        fd = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENXIO}:
            raise
    else:
        found = os.fstat(fd)
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            os.ftruncate(fd, 0)
            return fd
        os.close(fd)
    os.unlink(path)  # noqa: PTH108
    return os.open(path, flags | os.O_EXCL, 0o666)


def write_all(fd: int, start: int, data: bytes) -> None:
    """Write all of `data` at the place `start` of an open file."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, start)
        start, view = start + written, view[written:]


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, so that they outlive a power cut."""
    with contextlib.suppress(OSError):  # some network disks cannot
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class Ballast:
    """The hidden file beside a scan: locked while it is written, and space for its end.

    The space lets a scan be finished when the disk is full; the lock tells others that the scan
    has a writer (`running.is_being_written`).
    """

    def __init__(self, path: Path) -> None:
        self._path = side_path(path)
        self._fd = -1
        self._signed = 0
        self._held = False

    def open(self) -> None:
        """Make and lock the file; raise OSError when that cannot be."""
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
        self._fd = os.open(self._path, flags, 0o666)
        try:
            os.ftruncate(self._fd, 0)
            self._signed = sign(self._fd)
        except OSError:
            self.close()
            raise

    def fill(self, size: int) -> None:
        """Take `size` bytes of the disk; raise OSError when they are not there."""
        if self._fd < 0:
            self.open()
        self._held = True
        try:
            allocate(self._fd, 0, size)
        except OSError:
            self.release()
            raise

    def release(self) -> bool:
        """Give the space back, but keep the lock; tell whether there was any."""
        if not self._held:
            return False
        self._held = False
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, self._signed)
        return True

    def close(self) -> None:
        """Remove the file and its lock."""
        self._held = False
        fd, self._fd = self._fd, -1
        if fd >= 0:
            # Removed first: who finds it has to find it locked.
            with contextlib.suppress(OSError):
                self._path.unlink()
            os.close(fd)


def allocate(fd: int, start: int, size: int) -> None:
    """Make sure that the disk has room for these bytes of a file; OSError when it has not."""
    reserve = getattr(os, "posix_fallocate", None)
    if reserve is None or size <= 0:
        return
    try:
        reserve(fd, start, size)
    except OSError as error:
        # Some network disks cannot; then HDF5 meets the full disk itself, and the ballast helps.
        if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}:
            raise
