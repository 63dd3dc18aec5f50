"""The master file of a folder: one external link per scan, replaced as a whole with each."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from session_shell.nexus.disk.files import part_path, sink_error, write_whole
from session_shell.paths import is_there

_log = logging.getLogger("session_shell.nexus")
_ENTRY = re.compile(r"(\d+)\.(\d+)\Z")
_WAIT = 10.0
"""Seconds to wait for another process that writes the same master file."""


def update_master(master: Path, entry: str, file: Path, moment: float | None = None) -> None:
    """Link a scan into the master file of its folder, and make it the one that is shown first.

    Safe against other processes that do the same; a master file that cannot be read is put
    aside (``.old``) and made anew from the scan files beside it.

    Args:
        master: The master file; made when it is not there.
        entry: Name of the entry, the same in both files (``3.1``).
        file: The scan file.
        moment: Time of the session's clock that the file is to tell; default that of the machine.

    Raises:
        SinkError: When the folder refuses; the scan file is not touched.

    Example:
        ``update_master(Path("data/demo/demo.h5"), "3.1", Path("data/demo/scan_0003.h5"))``
    """
    try:
        master.parent.mkdir(parents=True, exist_ok=True)
        relative = os.path.relpath(file, master.parent)
        with locked(master):
            content = _with_link(master, entry, relative, moment)
            part = part_path(master)
            write_whole(part, content, sync=False)
            os.replace(part, master)  # noqa: PTH105
    except (OSError, RuntimeError) as error:
        note = "the scan itself is saved; "
        raise sink_error("the master file could not be written", master, error, note) from error


@contextlib.contextmanager
def locked(master: Path) -> Iterator[None]:
    """Keep other processes from a master file; the system frees the lock of a dead one.

    Raises:
        OSError: When another process keeps it for long, or the folder refuses.
    """
    import fcntl

    lock = master.with_name(f".{master.name}.lock")
    fd = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o666)
    try:
        deadline = time.monotonic() + _WAIT
        has_locks = True
        while has_locks:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _wait(deadline)
            except OSError:
                has_locks = False
        with contextlib.nullcontext() if has_locks else _claimed(lock):
            yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def _claimed(lock: Path) -> Iterator[None]:
    """Do the same on a disk without locks: who makes the file has it until it is removed."""
    claim = lock.with_suffix(".claim")
    deadline = time.monotonic() + _WAIT
    while True:
        try:
            os.close(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            break
        except FileExistsError:
            if _age(claim) > 3 * _WAIT:
                claim.unlink(missing_ok=True)  # of a process that died
            else:
                _wait(deadline)
    try:
        yield
    finally:
        claim.unlink(missing_ok=True)


def _wait(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise BlockingIOError(errno.EAGAIN, "another process is writing it")
    time.sleep(0.01)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _with_link(master: Path, entry: str, relative: str, moment: float | None) -> bytes:
    """Return the content of the master file with one more link."""
    from session_shell.nexus.folder.master_image import add_link, new_master

    if not is_there(master):
        # It may have been deleted: the scans that are there come with it.
        return new_master(master, _sorted({**_scan_files(master), entry: relative}), entry, moment)
    content: bytes | None
    try:
        content = add_link(master.read_bytes(), entry, relative, moment)
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, PermissionError | IsADirectoryError):
            raise
        content = None
    if content is not None:
        return content
    keep_old(master)
    return new_master(master, _sorted({**_scan_files(master), entry: relative}), entry, moment)


def keep_old(master: Path) -> None:
    """Put a file aside that is no master file of ours: it may be somebody's data."""
    if master.is_dir():
        raise IsADirectoryError(errno.EISDIR, "Is a directory")
    if master.stat().st_size == 0:
        return
    aside, number = master.with_name(f"{master.name}.old"), 1
    while is_there(aside):
        number += 1
        aside = master.with_name(f"{master.name}.old{number}")
    os.rename(master, aside)  # noqa: PTH104
    _log.warning("%s could not be read as a master file: kept as %s", master, aside.name)


def _scan_files(master: Path) -> dict[str, str]:
    """Return the entries of the scan files beside a master file."""
    from session_shell.nexus.folder.master_image import entries_of

    found: dict[str, str] = {}
    for path in sorted(master.parent.glob("*.h5")):
        if path != master and not path.name.startswith("."):
            for name in entries_of(path):
                if _ENTRY.match(name):
                    found[name] = path.name
    return found


def _sorted(links: dict[str, str]) -> dict[str, str]:
    return dict(sorted(links.items(), key=lambda item: [int(n) for n in item[0].split(".")]))
