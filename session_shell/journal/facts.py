"""What a journal tells of a session before its first command: versions and files."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from session_shell import __version__
from session_shell.paths import is_there

FILES_BYTES = 5 * 2**20
"""Text of configuration and scripts that a journal takes along."""
_ENTRIES = 20_000
"""Directory entries that are looked at: somebody may keep data below the configuration."""


class Texts:
    """Files of a session as text."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        """By path relative to the configuration."""
        self.outside: dict[str, str] = {}
        """Those that are elsewhere, by absolute path."""
        self.left_out: list[str] = []
        """Those that were too much or no text, with the reason."""


def versions() -> dict[str, str]:
    """Return the versions of what data pass through, without importing what is not loaded."""
    found = {"session-shell": __version__, "python": platform.python_version()}
    found["numpy"] = np.__version__
    module = sys.modules.get("h5py")
    version = getattr(module, "__version__", None) or _installed("h5py")
    if version:
        found["h5py"] = version
    found["platform"] = f"{platform.system()} {platform.machine()}"
    return found


def _installed(name: str) -> str:
    """Return the version of a package that lies beside numpy: `importlib.metadata` costs 20 ms."""
    begin, end = f"{name}-", ".dist-info"
    with suppress(OSError), os.scandir(Path(np.__file__).parent.parent) as entries:
        for entry in entries:
            if entry.name.startswith(begin) and entry.name.endswith(end):
                return entry.name[len(begin) : -len(end)]
    return ""


def texts_of(root: Path, known: Mapping[Path, str], scripts: Iterable[Path], leave: Path) -> Texts:
    """Return the text of all that a session loads or could load from its configuration.

    Args:
        root: Directory of the YAML tree.
        known: Text of the YAML files, which were read already.
        scripts: Setup scripts and folders of scripts, which may be elsewhere.
        leave: A directory that is not looked into: the data.
    """
    texts = Texts()
    paths = dict.fromkeys(known)
    for script in scripts:
        if script.is_dir():
            paths |= dict.fromkeys(sorted(script.glob("*.py")))
        else:
            paths[script] = None
    paths |= dict.fromkeys(_python_files(root, leave, texts))
    room = FILES_BYTES
    for path in paths:
        name, place = _place(Path(os.path.normpath(path)), root, texts)
        text = known.get(path)
        if text is None and (text := _read(path, name, room, texts)) is None:
            continue
        if len(text) > room:
            texts.left_out.append(f"{name}: more than {FILES_BYTES >> 20} MB in all")
            continue
        room -= len(text)
        place[name] = text
    return texts


def _place(path: Path, root: Path, texts: Texts) -> tuple[str, dict[str, str]]:
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix(), texts.files
    return path.as_posix(), texts.outside


def _python_files(root: Path, leave: Path, texts: Texts) -> Iterator[Path]:
    """Yield the Python files below the configuration, from the top; links are not followed."""
    seen = 0
    for folder, below, names in os.walk(root):
        here = Path(folder)
        below[:] = sorted(
            name
            for name in below
            if not name.startswith(".") and name != "__pycache__" and here / name != leave
        )
        seen += len(below) + len(names)
        if seen > _ENTRIES:
            texts.left_out.append(f"{folder} and more: there are too many files")
            return
        yield from (here / name for name in sorted(names) if name.endswith(".py"))


def _read(path: Path, name: str, room: int, texts: Texts) -> str | None:
    try:
        if not is_there(path):
            return None  # no folder of scripts; a setup script that is missing is a problem already
        if not path.is_file():
            texts.left_out.append(f"{name}: is no regular file")
        elif path.stat().st_size > room:
            texts.left_out.append(f"{name}: more than {FILES_BYTES >> 20} MB in all")
        else:
            return path.read_bytes().decode("utf-8")
    except OSError as error:
        texts.left_out.append(f"{name}: {error.strerror}")
    except UnicodeDecodeError:
        texts.left_out.append(f"{name}: is no UTF-8 text")
    return None
