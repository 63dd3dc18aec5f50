"""From what was typed behind ``show`` to scans and lists of scans."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from session_shell.errors import CommandError
from session_shell.nexus.reading.listing import (
    Place,
    check_file,
    find_scan,
    holds_scans,
    newest_scan,
    places,
)
from session_shell.nexus.reading.reader import chosen_name

_NUMBER = re.compile(r"\d+(\.\d+)?\Z")
_LINKED = re.compile(r".+_\d+(\.\d+)?\Z")
"""A scan of a master file of BLISS: ``sample_0001_3``."""
LAST = "last"


@dataclass(frozen=True, slots=True)
class Asked:
    """A file or folder, and the number of a scan in it: ``12``, ``12.2``, ``last`` or none."""

    path: Path
    number: str | None = None


@dataclass(frozen=True, slots=True)
class ListOf:
    """The scans of a file or a folder."""

    path: Path
    places: tuple[Place, ...] | None = None
    """Those of a file; None for a folder."""


def asked(words: Sequence[str], data: Path) -> list[Asked]:
    """Return what the words mean: files and folders, each with the numbers behind it.

    Args:
        words: ``["a.h5", "data/eh1", "12", "13"]``; none: the last scan.
        data: The folder of data: where numbers that stand first are looked for.
    """
    found: list[Asked] = []
    path = data
    bare: Asked | None = None
    for word in words or [LAST]:
        if word == LAST or _NUMBER.match(word) or _is_linked(word, path):
            if bare is not None and found[-1] is bare:
                found.pop()
            found.append(Asked(path, word))
            continue
        # Not resolved: a link to a scan file is shown as it was named.
        path = Path(os.path.abspath(Path(word).expanduser()))  # noqa: PTH100
        bare = Asked(path)
        found.append(bare)
    return found


def _is_linked(word: str, path: Path) -> bool:
    """Tell whether a word names a scan of the master file before it, and no file."""
    return _LINKED.match(word) is not None and path.is_file() and not os.path.exists(word)  # noqa: PTH110


def find(one: Asked) -> Place | ListOf:
    """Return the scan that is meant, or the list of scans where there may be several.

    Raises:
        CommandError: When there is no such scan.
        ScanError: When the file or folder cannot be read.
    """
    if one.path.is_dir():
        return _in_folder(one.path, one.number)
    check_file(one.path)
    there = places(one.path)
    if one.number is None:
        only = len(there) == 1 and there[0].file == one.path
        if there:
            return there[0] if only else ListOf(one.path, tuple(there))
        raise CommandError(f"{one.path}: has no scan in it; --tree shows what it has")
    if not there:
        raise CommandError(f"{one.path}: has no scan in it")
    if one.number == LAST:
        return there[-1]
    # The numbers are those of the file; a link may lead to an entry of another name.
    names = {place.name: place for place in there}
    labels = f"{there[0].label} to {there[-1].label}"
    return names[chosen_name(list(names), one.number, one.path, labels)]


def _in_folder(folder: Path, number: str | None) -> Place | ListOf:
    if number is None:
        return ListOf(folder)
    newest = newest_scan(folder) if number == LAST or not holds_scans(folder) else None
    if number == LAST:
        if newest is None:
            raise CommandError(f"{folder}: there is no scan in it")
        return newest
    # Of the folder of data people mean the dataset that they work in.
    where = folder if newest is None else newest.file.parent
    found = find_scan(where, number)
    if found is None:
        raise CommandError(f"{where}: there is no scan {number} in it")
    return found
