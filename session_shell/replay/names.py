"""Names of files that came from elsewhere: which of them may be made here."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path, PurePosixPath

from session_shell.errors import JournalError

_LONGEST = 1000
_DRIVE = re.compile(r"[A-Za-z]:")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


def checked_name(name: str, place: str) -> str:
    """Return a relative name with ``/`` that stays below any folder it is put into.

    Args:
        name: As it was found.
        place: What errors call the place where it was found.

    Raises:
        JournalError: When it could leave the folder, or could not be made everywhere.
    """
    parts = name.split("/")
    why = ""
    if not name or len(name) > _LONGEST:
        why = "it is empty" if not name else f"it is longer than {_LONGEST} characters"
    elif any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        why = "it has a control character in it"
    elif "\\" in name or _DRIVE.match(name):
        why = "it is a path of another system"
    elif name.startswith("/"):
        why = "it is an absolute path"
    elif any(part in ("", ".", "..") for part in parts):
        why = "it leaves the folder"
    elif any(_RESERVED.fullmatch(part) for part in parts):
        why = "it means a device on some systems"
    if why:
        raise JournalError(f"{place}: the file name {name!r} is refused: {why}")
    return name


def checked_names(names: list[str], place: str) -> None:
    """Check names one by one and together.

    Raises:
        JournalError: When two are the same file on some systems, or one is a folder of another.
    """
    files: dict[str, str] = {}
    for name in names:
        key = _folded(checked_name(name, place))
        if key in files:
            raise JournalError(f"{place}: {files[key]!r} and {name!r} are one file; it is refused")
        files[key] = name
    for key, name in files.items():
        for parent in PurePosixPath(key).parents:
            if str(parent) in files:
                other = files[str(parent)]
                raise JournalError(f"{place}: {other!r} is a file, and a folder for {name!r}")


def below(folder: Path, name: str, place: str) -> Path:
    """Return where a checked name is below `folder`.

    Raises:
        JournalError: When it would lie elsewhere.
    """
    path = folder.joinpath(*checked_name(name, place).split("/"))
    if not path.resolve().is_relative_to(folder.resolve()):
        raise JournalError(f"{place}: the file name {name!r} is refused: it leaves the folder")
    return path


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
