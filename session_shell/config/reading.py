"""Find the YAML files of a tree and parse them: each wrong file is a problem, never a stop."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from session_shell.config.problems import Problem

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

INIT_NAMES = ("__init__.yml", "__init__.yaml")
_SUFFIXES = (".yml", ".yaml")


@dataclass(slots=True)
class Folder:
    """One folder of the tree with its YAML files, ``__init__.yml`` first."""

    path: Path
    files: list[Path] = field(default_factory=list)


def find_folders(root: Path, problems: list[Problem]) -> Iterator[Folder]:
    """Yield the folders of a tree from the top, in the order of names; each is read once."""
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        path = waiting.pop()
        try:
            status = path.stat()
            with os.scandir(path) as entries:
                found = sorted(entries, key=lambda e: e.name)
        except OSError as error:
            problems.append(Problem(f"this folder cannot be read ({error.strerror})", path))
            continue
        if _identity(status) in seen:
            if path.is_symlink():
                message = f"this link leads to {path.resolve()}, which is read already"
                problems.append(Problem(message, path, None, "warning"))
            continue
        seen.add(_identity(status))
        folder, below = _sort_entries(path, found, seen)
        waiting += reversed(below)
        yield folder


def _sort_entries(
    path: Path, entries: list[os.DirEntry[str]], seen: set[tuple[int, int]]
) -> tuple[Folder, list[Path]]:
    folder = Folder(path)
    below: list[Path] = []
    for entry in entries:
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if _is_folder(entry):
            below.append(path / entry.name)
        elif entry.name.endswith(_SUFFIXES) and _is_new(entry, seen):
            folder.files.append(path / entry.name)
    folder.files.sort(key=lambda f: (f.name not in INIT_NAMES, f.name))
    # Real folders before links to them, so that problems name the real path.
    below.sort(key=Path.is_symlink)
    return folder, below


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself: reading it as a file tells
        return False


def _is_new(entry: os.DirEntry[str], seen: set[tuple[int, int]]) -> bool:
    """Tell whether a file was not met under another name (a link to it)."""
    try:
        identity = _identity(Path(entry.path).stat())
    except OSError:  # a broken link: reading it tells
        return True
    if identity in seen:
        return False
    seen.add(identity)
    return True


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def read_text(file: Path, problems: list[Problem]) -> str | None:
    """Return the text of a file, or None with a problem that says why not."""
    try:
        # A named pipe or a device would be waited for without end.
        if not stat.S_ISREG(file.stat().st_mode):
            problems.append(Problem("this is no regular file", file, 1))
            return None
        raw = file.read_bytes()
    except OSError as error:
        problems.append(Problem(f"this file cannot be read ({error.strerror})", file, 1))
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = raw[error.start]
        problems.append(
            Problem(f"byte 0x{byte:02x} is not UTF-8; save the file as UTF-8", file, line)
        )
        return None


class YamlParser:
    """Parse YAML texts to nodes; ruamel.yaml is imported when one is made."""

    def __init__(self) -> None:
        from ruamel.yaml import YAML

        self._yaml_class = YAML
        self.constructor: Any = None
        """Makes the values of the file parsed last, by the YAML version that it names."""

    def parse(self, text: str, file: Path, problems: list[Problem]) -> Node | None:
        """Return the top node of a text, or None when it is empty or wrong."""
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        yaml = self._yaml_class(typ="safe", pure=True)
        self.constructor = yaml.constructor
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an anchor that is set again is legal YAML
                node: Node | None = yaml.compose(text)
        except MarkedYAMLError as error:
            problems.append(_syntax_problem(error, text, file))
        except YAMLError as error:
            position = getattr(error, "position", 0)
            line = text.count("\n", 0, position) + 1
            reason = str(getattr(error, "reason", "") or error).split("\n")[0]
            problems.append(Problem(f"YAML: {_reader_text(error, reason)}", file, line))
        except RecursionError:
            problems.append(Problem("YAML: the values are nested too deeply", file, 1))
        except (ValueError, AttributeError, IndexError, AssertionError, TypeError) as error:
            # ruamel lets these out for a few malformed inputs, with no mark.
            problems.append(Problem(f"YAML: this file cannot be parsed ({error})", file, 1))
        else:
            return node
        return None


def _reader_text(error: Exception, reason: str) -> str:
    character = getattr(error, "character", None)
    if character is None:
        return reason
    code = ord(character) if isinstance(character, str) else int(character)
    return f"the character U+{code:04X} cannot be used; remove it"


def _syntax_problem(error: Any, text: str, file: Path) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    lines = text.splitlines()
    # At the end of the file the mark stands behind the last line.
    line = max(1, min(line, len(lines)))
    reason = " ".join(str(error.problem or error.context or "syntax error").split())
    if "'\\t'" in reason or "'\t'" in reason:
        reason = "a tab cannot be used to indent; use spaces"
    elif "mapping values are not allowed" in reason:
        reason = "no ':' can stand here; check the indentation, or put the text in quotes"
    elif "single document" in str(error.context or ""):
        reason = "a second document begins here ('---'); put it into a file of its own"
    elif error.context and error.context_mark is not None:
        context = " ".join(str(error.context).split())
        reason += f" ({context}, line {error.context_mark.line + 1})"
    return Problem(f"YAML: {reason}", file, line)
