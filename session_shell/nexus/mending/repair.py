"""Finish scans whose process died, and clean what it left; points are never changed.

A scan is crashed when its file has no `end_time` and nobody holds the lock beside it. It is
finished as a live scan is, on a copy or with a redo file, so a repair that is killed does no harm
and is done again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from session_shell.errors import CommandError, SinkError
from session_shell.nexus.disk.files import error_number, is_device, part_path, reason, sync_folder
from session_shell.nexus.disk.redo import is_cut_off, redo_path, roll_forward
from session_shell.nexus.disk.running import hold, is_being_written, side_path, writer_of

_log = logging.getLogger("session_shell.nexus")

State = Literal["finished", "running", "repaired", "unreadable", "foreign"]

_YOUNG = 60.0
"""Seconds for which a reservation of nobody is left alone."""
_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of one scan file."""

    path: Path
    state: State
    done: tuple[str, ...] = ()
    """What was done (with `dry`: what would be), or why nothing could be, in words."""
    points: int = 0
    """Points of the scans that were finished by this."""


def repair_file(path: Path | str, *, dry: bool = False) -> Repair:
    """Finish the scan of a crashed session; any other file is left as it is.

    Args:
        path: The scan file; it may be only the hidden part of one.
        dry: Only look, and tell what would be done.

    Raises:
        CommandError: When there is no such file.

    Example:
        ``repair_file("data/demo/scan_0012.h5").done``
    """
    file = Path(path).expanduser().absolute()
    if not file.exists() and not part_path(file).exists():
        raise CommandError(f"{file}: there is no such file")
    repair = _repair_path(file, dry)
    if repair.state == "repaired" and not dry:
        _complete_masters(file.parent, create=True)
    return repair


def _repair_path(file: Path, dry: bool) -> Repair:
    if is_device(file):
        return Repair(file, "unreadable", ("is a pipe or a device, not a regular file",))
    if is_being_written(file):
        return Repair(file, "running", (_running(file),))
    if not _is_to_do(file):
        return _look(file)
    if dry:
        return _foretell(file)
    try:
        with hold(file) as free:
            if not free:
                return Repair(file, "running", (_running(file),))
            return _repair(file)
    except _ERRORS as error:
        return Repair(file, "unreadable", (f"could not be repaired: {reason(error)}",))


def repair_folder(folder: Path | str, *, dry: bool = False) -> list[Repair]:
    """Repair all scan files in a folder and below it, and complete their master files.

    Args:
        folder: Folder of a dataset, or of many.
        dry: Only look, and tell what would be done.

    Returns:
        One for each scan file, finished ones included.

    Raises:
        CommandError: When there is no such folder.

    Example:
        ``[r.path.name for r in repair_folder("data/demo") if r.state == "repaired"]``
    """
    top = Path(folder).expanduser().absolute()
    if not top.is_dir():
        raise CommandError(f"{top}: there is no such folder")
    done: list[Repair] = []
    for place, below, names in os.walk(top):
        below[:] = sorted(name for name in below if not name.startswith("."))
        done += _repair_names(Path(place), sorted(names), dry)
    return done


def crashed_files(folder: Path | str) -> list[Path]:
    """Return the scan files of a folder whose process died.

    Cheap enough to be asked at each start of a session: looks only at the hidden files that
    crashed scans leave, and opens no other scan.

    Example:
        ``crashed_files("data/demo")``
    """
    try:
        names = os.listdir(folder)  # noqa: PTH208 - a Path for each of thousands is slow
    except OSError:
        return []
    ending = side_path(Path("x")).name.removeprefix(".x")
    found = [n[1 : -len(ending)] for n in names if n[0] == "." and n.endswith(ending)]
    return [path for name in sorted(found) if _is_crashed(path := Path(folder) / name)]


def _is_crashed(path: Path) -> bool:
    if not path.is_file() or is_being_written(path):
        return False
    try:
        return bool(_unfinished(path))
    except _ERRORS:
        return True  # nothing that opens is no finished scan either


# A folder


def _repair_names(folder: Path, names: list[str], dry: bool) -> Iterator[Repair]:
    from session_shell.nexus.folder.index import is_master

    scans = {n for n in names if n.endswith(".h5") and not n.startswith(".")}
    hidden = {_owner(n) for n in names if n.startswith(".")} - {""}
    changed, masters = [], 0
    for name in sorted(scans | hidden):
        path = folder / name
        if path.is_symlink() or is_master(path):
            _drop_stale_part(path, dry)
            masters += 1
            continue
        if not path.exists() and not _has_content(part_path(path)):
            _drop_reservation(path, dry)
            continue
        repair = _repair_path(path, dry)
        if repair.state == "repaired":
            changed.append(path)
        yield repair
    if not dry and (changed or masters):
        # A session that died between the end of a scan and its link leaves nothing but that.
        _complete_masters(folder, create=bool(changed))


def _owner(hidden: str) -> str:
    """Return the scan file that a hidden file belongs to, empty when it is none of ours."""
    for path_of in (part_path, side_path, redo_path):
        ending = path_of(Path("x")).name.removeprefix(".x")
        if hidden.endswith(ending):
            return hidden[1 : -len(ending)]
    return ""


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _drop_reservation(path: Path, dry: bool) -> None:
    """Free the number of a scan that died before it began."""
    if dry or is_being_written(path):
        return
    if not writer_of(path):
        # Nobody has signed yet: it may be in the making.
        with contextlib.suppress(OSError):
            if time.time() - part_path(path).stat().st_mtime < _YOUNG:
                return
    with contextlib.suppress(OSError), hold(path) as free:
        if free and not path.exists() and not _has_content(part_path(path)):
            part_path(path).unlink(missing_ok=True)


def _drop_stale_part(master: Path, dry: bool) -> None:
    """Remove what a killed process left of a master file: the links are made anew."""
    from session_shell.nexus.folder.master import locked

    part = part_path(master)
    if not dry and part.exists():
        with contextlib.suppress(OSError), locked(master):
            part.unlink(missing_ok=True)


def _complete_masters(folder: Path, *, create: bool) -> None:
    from session_shell.nexus.folder.index import complete_masters

    try:
        complete_masters(folder, create=create)
    except SinkError as error:
        _log.warning("%s", error)


# One file


def _is_to_do(path: Path) -> bool:
    """Tell whether a file is other than finished and alone."""
    if any(p.exists() for p in (part_path(path), side_path(path), redo_path(path))):
        return True
    try:
        return bool(_unfinished(path))
    except _ERRORS:
        return True


def _unfinished(path: Path) -> list[str]:
    """Return the entries of a file of ours that have no end."""
    from session_shell.nexus.mending.crashed import is_ours, open_entries
    from session_shell.nexus.reading.reader import opened_as_it_is

    with opened_as_it_is(path) as file:
        return open_entries(file) if is_ours(file) else []


def _look(path: Path) -> Repair:
    from session_shell.nexus.mending.crashed import is_ours
    from session_shell.nexus.reading.reader import opened_as_it_is

    with opened_as_it_is(path) as file:
        if is_ours(file):
            return Repair(path, "finished")
    return Repair(path, "foreign", ("is of another program: left alone",))


def _foretell(path: Path) -> Repair:
    if not path.exists():
        return Repair(path, "repaired", ("would get its name: its session died as it began",))
    if is_cut_off(path):
        return Repair(path, "repaired", ("the end that was being written would be completed",))
    try:
        entries = _unfinished(path)
    except _ERRORS as error:
        return Repair(path, "unreadable", (_why_unreadable(path, error),))
    if not entries:
        return _look(path)
    from session_shell.nexus.mending.crashed import count_points

    points = count_points(path)
    return Repair(path, "repaired", (f"would be finished as CRASHED, {points} points",), points)


def _repair(path: Path) -> Repair:
    from session_shell.nexus.disk.superblock import clear_flags
    from session_shell.nexus.mending.lengthening import lengthen
    from session_shell.nexus.mending.parts import settle_part

    notes = []
    if roll_forward(path):
        notes.append("the end that was being written is completed")
    if path.exists() and clear_flags(path):
        notes.append("the mark of an open file is cleared")
    if path.exists():
        notes += lengthen(path)
    notes += settle_part(path)
    if not path.exists():
        return Repair(path, "finished", (*notes, "nothing is left of it"))
    try:
        entries = _unfinished(path)
    except _ERRORS as error:
        return Repair(path, "unreadable", (*notes, _why_unreadable(path, error)))
    if not entries:
        seen = _look(path)
        return Repair(path, "repaired", tuple(notes)) if notes else seen
    ending = _finish(path)
    return Repair(path, "repaired", (*notes, *ending.notes), ending.points)


def _finish(path: Path) -> Any:
    import h5py
    from h5py import h5g

    from session_shell.nexus.mending.crashed import Ending, end_entries
    from session_shell.nexus.writing.ending import edit_file

    writer = writer_of(path)
    why = f"its session died ({writer})" if writer else "its session died"
    endings: list[Ending] = []

    def change(file: Any) -> None:
        endings[:] = [end_entries(h5py.Group(h5g.open(file, b"/")), why)]

    edit_file(path, change)
    sync_folder(path.parent)
    return endings[0]


def _why_unreadable(path: Path, error: BaseException) -> str:
    from session_shell.nexus.disk.superblock import missing_bytes

    missing = missing_bytes(path)
    if missing:
        return f"cannot be opened: its last {missing} bytes are missing"
    if error_number(error):
        return f"cannot be opened: {reason(error)}"
    return f"cannot be read: {str(error) or type(error).__name__}"


def _running(path: Path) -> str:
    writer = writer_of(path)
    return f"is being written{f' by {writer}' if writer else ''}: left alone"
