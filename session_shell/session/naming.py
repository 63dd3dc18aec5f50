"""Names that become folders: what is allowed, templates, and the next free dataset."""

from __future__ import annotations

import errno
import os
import re
import string
import unicodedata
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from session_shell.errors import CommandError
from session_shell.paths import is_there

LONGEST = 100
"""Bytes of one name: two of them, a number and an ending fit into a file name of 255."""

_MARK = "\0"
_TRIES = 100_000


def checked_name(what: str, value: Any) -> str:
    """Return `value` as a name for files and folders; blanks in it become ``_``.

    Raises:
        CommandError: When it cannot be one, with the reason.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise CommandError(f"{what}: expected a name, got {value!r}")
    name = "_".join(unicodedata.normalize("NFC", value).split())
    if reason := _wrong(name):
        raise CommandError(f"{what}: {value!r} cannot be the name of a folder: {reason}")
    return name


def _wrong(name: str) -> str:
    if not name:
        return "it is empty"
    if "/" in name or "\\" in name:
        return "it has a slash"
    if name.startswith("."):
        return "it begins with a dot"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "it is no valid text (UTF-8)"
    if any(unicodedata.category(character) == "Cc" for character in name):
        return "it has a control character"
    if size > LONGEST:
        return f"it has {size} bytes, {LONGEST} are possible"
    return ""


def fields_of(what: str, template: str) -> set[str]:
    """Return the ``{fields}`` of a template.

    Raises:
        CommandError: When it is no template.
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise CommandError(f"{what}: {template!r}: {error}") from error
    for _, field, spec, conversion in parts:
        if field is not None and (not field.isidentifier() or spec or conversion):
            raise CommandError(f"{what}: {template!r}: a field is written as {{session}}")
    return {field for _, field, _, _ in parts if field}


def checked_template(what: str, value: Any, known: Collection[str]) -> str:
    """Return a template whose fields are known and which stays in the data directory.

    Raises:
        CommandError: When it cannot be used.
    """
    text = str(value)
    if unknown := fields_of(what, text) - set(known):
        raise CommandError(
            f"{what}: unknown key {', '.join(sorted(unknown))}; known are "
            f"{', '.join(sorted(known))} (SCAN_SAVING.add makes one)"
        )
    path = Path(text)
    if path.is_absolute() or ".." in path.parts:
        raise CommandError(f"{what}: {value!r} leaves the data directory")
    if any(part.startswith(".") for part in path.parts) or "\0" in text:
        raise CommandError(f"{what}: {value!r} is hidden or no path")
    return text


def checked_format(what: str, value: Any) -> str:
    """Return a format of numbers: ``04d``, also written as ``%04d``.

    Raises:
        CommandError: When it gives something else than the number.
    """
    text = str(value).removeprefix("%")
    try:
        shown = [format(number, text) for number in (7, 1234567)]
    except ValueError as error:
        raise CommandError(f"{what}: {value!r}: {error}") from error
    if not all(word.isascii() and word.isdigit() for word in shown) or int(shown[1]) != 1234567:
        raise CommandError(f"{what}: {value!r} does not give a plain number (use 04d)")
    return text


FolderOf = Callable[[str], Path]
"""Gives the folder of a dataset name."""


def next_number(folder_of: FolderOf) -> int:
    """Return the number after the highest one among the datasets that are there."""
    parts = folder_of(_MARK).parts
    first = next(i for i, part in enumerate(parts) if _MARK in part)
    pattern = re.compile(re.escape(parts[first]).replace(re.escape(_MARK), r"(\d{1,9})", 1))
    numbers = [0]
    with suppress(OSError):
        names = os.listdir(Path(*parts[:first]))  # noqa: PTH208 - there may be thousands
        numbers += [int(found[1]) for name in names if (found := pattern.fullmatch(name))]
    return max(numbers) + 1


def take_dataset(
    folder_of: FolderOf,
    name: str | None,
    number_format: str,
    *,
    used: Callable[[Path], bool] = lambda _: False,
    make: bool = True,
) -> str:
    """Return the name of a new dataset, whose folder nobody has; it is made, to keep it so.

    Args:
        folder_of: Gives the folder of a dataset name.
        name: What was asked for; ``name_0002``, ... when there is such a dataset. None counts.
        number_format: How numbers look.
        used: Tells that a folder was one of a dataset, also when it is not there any more.
        make: Make the folder.

    Raises:
        OSError: When it cannot be made.
    """
    begin = next_number(folder_of) if name is None else 1
    for number in range(begin, begin + _TRIES):
        shown = format(number, number_format)
        candidate = shown if name is None else name if number == 1 else f"{name}_{shown}"
        folder = folder_of(candidate)
        if used(folder):
            continue
        if not make:
            if not is_there(folder):
                return candidate
            continue
        if _make(folder):
            return candidate
    raise FileExistsError(errno.EEXIST, "there is no free dataset name", str(folder_of(name or "")))


def _make(folder: Path) -> bool:
    """Make a folder and those above it; tell whether it is new."""
    for last in (False, False, True):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError:
            return False
        except FileNotFoundError:
            if last:
                raise
            continue  # another session removed an empty folder above it just now
        return True
    return False


def number_of(dataset: str) -> int:
    """Return the count in a dataset name: 3 of ``0003`` and of ``align_0003``, 1 of ``align``."""
    found = re.fullmatch(r"(?:.*_)?(\d{1,9})", dataset)
    return int(found[1]) if found else 1


def remove_empty(folder: Path, base: Path) -> None:
    """Remove a folder in which there is nothing, and those above that are empty without it."""
    while folder != base and base in folder.parents:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
