"""Scan numbers: each is given once in a folder, whatever is deleted, lost or done at once.

Who decides is the exclusive creation of a scan's hidden file. So that a number does not come
again when its file is deleted, the folder keeps the highest one that was ever given in a small
hidden file; the links of the master file and what the session remembers count as well. None of
them is needed: without all of them the scan files are counted.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from session_shell.errors import SinkError
from session_shell.nexus.disk.files import FileName, part_path, sink_error
from session_shell.paths import is_there

NUMBER_FILE = ".last_scan_number"
"""Name of the hidden file with the highest number that was given in its folder."""

_TRIES = 100_000
_DIGITS = 18
"""Longer numbers are no scan numbers but damage."""
_WAIT = 0.25
"""Seconds to wait for another process that takes a number, which takes a tenth of a millisecond."""


def reserve_number(folder: Path, filename: FileName, number: int) -> tuple[int, Path]:
    """Take the first free number from `number` on, above all that were ever given in `folder`.

    Raises:
        SinkError: When nothing can be saved there.
    """
    path = folder
    try:
        path = folder / filename(max(number, 1))
        if path.parent != folder or "\0" in path.name:
            raise SinkError(f"{path.name!r} is not the name of a file in {folder}", sink="file")
        folder.mkdir(parents=True, exist_ok=True)
        with _counter(folder) as fd:
            given = _read(fd)
            if given is None:
                _share(fd, folder)
                given = _highest_file(folder, filename)
            first = max(number, given + 1, 1)
            for candidate in range(first, first + _TRIES):
                path = folder / filename(candidate)
                if _take(path):
                    _write(fd, candidate)
                    return candidate, path
    except (OSError, ValueError) as error:
        raise sink_error("the scan cannot be saved", path, error) from error
    raise SinkError(f"{folder}: no free scan number from {first} on", sink="file")


def last_number(folder: Path, filename: FileName, master: Path | None = None) -> int:
    """Return the highest scan number that was given in a folder, 0 when there is none.

    Args:
        folder: Folder of a dataset; it need not exist.
        filename: Gives the file name of a number, as for `ScanFile.reserve`.
        master: Its master file, whose links count when the files themselves are gone.

    Example:
        ``last_number(Path("data/demo"), lambda n: f"scan_{n:04d}.h5")``
    """
    given = 0
    with contextlib.suppress(OSError):
        fd = os.open(folder / NUMBER_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            given = _read(fd) or 0
        finally:
            os.close(fd)
    linked = _highest_link(master) if master is not None and is_there(master) else 0
    return max(given, linked, _highest_file(folder, filename))


def _take(path: Path) -> bool:
    part = part_path(path)
    if is_there(path) or path.is_symlink():
        return False
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        return False
    # Another process may have finished this number just before our hidden file came to be.
    if is_there(path) or path.is_symlink():
        part.unlink(missing_ok=True)
        return False
    return True


def _highest_file(folder: Path, filename: FileName) -> int:
    highest = 0
    try:
        names = os.listdir(folder)  # noqa: PTH208 - a Path for each of thousands is slow
    except OSError:
        return 0
    pattern = re.compile(r"\d+")
    for name in names:
        plain = name[1:-5] if name.startswith(".") and name.endswith(".part") else name
        for digits in pattern.findall(plain):
            number = int(digits) if len(digits) <= _DIGITS else 0
            if number > highest and filename(number) == plain:
                highest = number
    return highest


def _highest_link(master: Path) -> int:
    from session_shell.nexus.folder.master_image import links_of

    numbers = [name.partition(".")[0] for name in links_of(master)]
    return max((int(n) for n in numbers if n.isdecimal() and len(n) <= _DIGITS), default=0)


# The hidden file. It helps and is never needed, so whatever is wrong with it is passed over.


@contextlib.contextmanager
def _counter(folder: Path) -> Iterator[int]:
    """Open the hidden file of a folder for this process alone; -1 when that cannot be."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK
    path = folder / NUMBER_FILE
    try:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
        except PermissionError:
            fd = os.open(path, os.O_RDONLY | flags)
    except OSError:
        # A folder that cannot be written says so when the scan's own file is made.
        yield -1
        return
    try:
        _lock(fd)
        yield fd
    finally:
        os.close(fd)


def _lock(fd: int) -> None:
    """Wait for our turn, but not long: two processes without it still get different numbers."""
    import fcntl

    deadline = time.monotonic() + _WAIT
    while time.monotonic() < deadline:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.001)
        except OSError:
            return  # a disk without locks
        else:
            return


def _share(fd: int, folder: Path) -> None:
    """Let everybody write a new hidden file who may make scans beside it."""
    if fd >= 0:
        with contextlib.suppress(OSError):
            os.fchmod(fd, folder.stat().st_mode & 0o666)


def _read(fd: int) -> int | None:
    """Return the number in the hidden file, None when there is none or it is damaged."""
    if fd < 0:
        return None
    try:
        words = os.pread(fd, 3 * _DIGITS, 0).split()
    except OSError:
        return None
    # Twice the same number: whatever else is in the file is not of ours.
    if len(words) != 2 or words[0] != words[1] or not words[0].isdigit():
        return None
    return int(words[0]) if len(words[0]) <= _DIGITS else None


def _write(fd: int, number: int) -> None:
    if fd < 0:
        return
    with contextlib.suppress(OSError):
        text = b"%d %d\n" % (number, number)
        os.pwrite(fd, text, 0)
        os.ftruncate(fd, len(text))
