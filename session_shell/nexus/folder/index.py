"""Make master files anew from the scan files beside them, whatever was moved or renamed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from session_shell.errors import CommandError
from session_shell.nexus.disk.files import part_path, sink_error, sync_folder, write_whole
from session_shell.nexus.folder.master import keep_old, locked

_ENTRY = re.compile(r"(\d+)\.(\d+)\Z")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Index:
    """What a master file has after it was made anew."""

    master: Path
    links: dict[str, str]
    """File of each entry, by number."""
    added: tuple[str, ...] = ()
    """Entries that it did not have, or had of another file."""
    dropped: tuple[str, ...] = ()
    """Entries whose file is gone."""
    left_out: tuple[tuple[str, str], ...] = ()
    """Files that are not linked, or not for all they have, and why."""


def rebuild_master(folder: Path | str, name: str | None = None) -> list[Index]:
    """Make the master file of a folder anew from its scan files; others go on writing meanwhile.

    Args:
        folder: Folder of a dataset.
        name: Name of the master file, made when it is not there; default: all that are there,
            else one with the name of the folder.

    Returns:
        What each has now; nothing when the folder has neither scans nor a master file.

    Raises:
        CommandError: When there is no such folder, or `name` is no name of a file.
        SinkError: When the folder refuses.

    Example:
        ``rebuild_master("data/demo")[0].added``
    """
    place = Path(folder).expanduser().absolute()
    if not place.is_dir():
        raise CommandError(f"{place}: there is no such folder")
    if name is not None and (name in ("", ".", "..") or Path(name).name != name):
        raise CommandError(f"{name!r} is no name of a file")
    masters, found = _look_through(place)
    if name is not None:
        masters = [place / (name if name.endswith(".h5") else f"{name}.h5")]
        if masters[0].name in found.entries:
            raise CommandError(f"{masters[0]}: is a scan file, not a master file")
    elif not masters and found.entries:
        masters = [_free_master(place, found)]
    return [_rebuild(master, found) for master in masters]


def rebuild_masters(top: Path | str) -> list[Index]:
    """Make the master files of a folder and of all below it anew.

    Raises:
        CommandError: When there is no such folder.
        SinkError: When a folder refuses.
    """
    place = Path(top).expanduser().absolute()
    if not place.is_dir():
        raise CommandError(f"{place}: there is no such folder")
    made = []
    for folder, below, _ in os.walk(place):
        below[:] = sorted(name for name in below if not name.startswith("."))
        made += rebuild_master(folder)
    return made


def complete_masters(folder: Path, *, create: bool) -> None:
    """Add scans to the master files of a folder that have no link; make one when there is none.

    Raises:
        SinkError: When the folder refuses.
    """
    masters, found = _look_through(folder)
    if create and not masters and found.entries:
        masters = [_free_master(folder, found)]
    there = {entry for entries in found.entries.values() for entry in entries}
    for master in masters:
        if there - _links(master).keys():
            _rebuild(master, found)


def _links(master: Path) -> dict[str, str]:
    from session_shell.nexus.folder.master_image import contents_of

    contents = contents_of(master)
    return dict(contents.links) if contents is not None and contents.is_master else {}


def is_master(path: Path) -> bool:
    """Tell whether a file holds links to scans, and no scan of its own."""
    from session_shell.nexus.folder.master_image import contents_of

    contents = contents_of(path)
    return contents is not None and contents.is_master


@dataclass(slots=True)
class _Found:
    """The scan files of a folder: their entries, and files that have none."""

    entries: dict[str, list[str]]
    """Entries of each file."""
    left_out: list[tuple[str, str]]


def _look_through(folder: Path) -> tuple[list[Path], _Found]:
    from session_shell.nexus.folder.master_image import contents_of

    masters, found = [], _Found({}, [])
    for path in sorted(_data_files(folder)):
        contents = contents_of(path)
        if contents is None:
            found.left_out.append((path.name, "cannot be opened"))
        elif contents.is_master:
            masters.append(path)
        else:
            entries = [name for name in contents.groups if _ENTRY.match(name)]
            if entries:
                found.entries[path.name] = entries
            else:
                found.left_out.append((path.name, "has no scan"))
    return masters, found


def _data_files(folder: Path) -> Iterator[Path]:
    for path in folder.glob("*.h5"):
        if not path.name.startswith(".") and path.is_file():
            yield path


def _free_master(folder: Path, found: _Found) -> Path:
    """Return the master file that a folder without one is to have."""
    name = f"{folder.name or 'master'}.h5"
    while name in found.entries or (folder / name).exists():
        name = f"{name[:-3]}_master.h5"
    return folder / name


def _rebuild(master: Path, found: _Found) -> Index:
    from session_shell.nexus.folder.master_image import contents_of, new_master, relinked

    try:
        with locked(master):
            contents = contents_of(master)
            before = dict(contents.links) if contents is not None and contents.is_master else {}
            links, left_out = _chosen(master, found, before)
            added = [name for name, file in links.items() if before.get(name) != file]
            dropped = [name for name in before if name not in links]
            if added or dropped or contents is None or not contents.is_master:
                if contents is not None and contents.is_master:
                    content = relinked(master.read_bytes(), before, links)
                else:
                    if master.exists():
                        keep_old(master)
                    content = new_master(master, links, next(reversed(links), ""))
                part = part_path(master)
                write_whole(part, content, sync=True)
                os.replace(part, master)  # noqa: PTH105
                sync_folder(master.parent)
    except (OSError, RuntimeError) as error:
        raise sink_error("the master file could not be written", master, error) from error
    return Index(master, links, tuple(added), tuple(dropped), tuple(left_out))


def _chosen(
    master: Path, found: _Found, before: dict[str, str]
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the file of each entry, and what is left out."""
    left_out = [(name, why) for name, why in found.left_out if name != master.name]
    candidates: dict[str, list[str]] = {}
    for file, entries in found.entries.items():
        for entry in entries:
            candidates.setdefault(entry, []).append(file)
    links = {}
    for entry, files in candidates.items():
        best = links[entry] = min(files, key=lambda f: _rank(master.parent, entry, f, before))
        left_out += [(f, f"{entry} is that of {best}") for f in files if f != best]
    for entry, file in before.items():
        # A file of another folder, or of a scan that has just ended.
        seen = os.path.normpath(file) in {*found.entries, *(name for name, _ in found.left_out)}
        if entry not in links and not seen and (master.parent / file).is_file():
            links[entry] = file
    return dict(sorted(links.items(), key=lambda item: _order(item[0]))), sorted(left_out)


def _rank(
    folder: Path, entry: str, file: str, before: dict[str, str]
) -> tuple[bool, bool, float, int, str]:
    """Order the files that have an entry: linked by now, its number in the name, the oldest."""
    number = int(entry.partition(".")[0])
    named = number in [int(digits) for digits in _DIGITS.findall(file)]
    try:
        age = (folder / file).stat().st_mtime
    except OSError:
        age = 0.0
    return (before.get(entry) != file, not named, age, len(file), file)


def _order(entry: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in entry.split(".")]
