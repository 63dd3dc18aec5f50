"""Keep a replay from changing files outside of its folder.

Recorded commands may name any file of the machine: `os.remove("/home/me/notes")` did its work
when it was recorded, and would do it again. Python reports each change of a file before it happens
(audit events, PEP 578), so that it can be refused. What C libraries open by themselves and what
other programs do is not seen; commands that start programs are asked about beforehand.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from session_shell.errors import SessionShellError

_NONE = -1
_CHANGES = {
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, _NONE),),
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "sqlite3.connect": ((0, _NONE),),
}
"""Audit events that change files: which arguments are the paths, and the folders of these."""
_REPLAY = "a replay changes no file outside of its folder; --force lets it"
_HARMLESS = ("/dev/", "/proc/self/")


class OutsideError(SessionShellError, PermissionError):
    """A command of a replay was to change a file outside of the replay's folder."""


@dataclass
class _Fence:
    """Folders in which files may be changed, and what was made elsewhere meanwhile."""

    roots: Sequence[str]
    why: str
    made: set[str] = field(default_factory=set)

    def check(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse a change outside."""
        if event == "open":
            path, _, flags = arguments
            # A folder cannot be written; who opens one wants a file without a name (O_TMPFILE).
            if isinstance(path, str | bytes) and _writes(flags) and not os.path.isdir(path):  # noqa: PTH112
                self._check(path, new=bool(flags & os.O_CREAT and flags & os.O_EXCL))
            return
        for path_at, folder_at in _CHANGES[event]:
            path = arguments[path_at]
            if isinstance(path, str | bytes | os.PathLike):
                folder = "" if folder_at == _NONE else _folder_of(arguments[folder_at])
                self._check(f"{folder}{os.fsdecode(path)}", new=event == "os.mkdir")

    def _check(self, given: Any, *, new: bool) -> None:
        path = os.path.realpath(os.fsdecode(given))
        allowed = (*self.roots, *self.made)
        if any(path == root or path.startswith(f"{root}/") for root in allowed):
            return
        if path.startswith(_HARMLESS) or "/__pycache__" in path or path == ":memory:":
            return
        if new and not os.path.lexists(path):
            self.made.add(path)  # temporary files: nothing that was there is changed
            return
        raise OutsideError(f"{path}: {self.why}")


_FENCE: ContextVar[_Fence | None] = ContextVar("fence", default=None)


@contextmanager
def only_below(*roots: Path, why: str = _REPLAY) -> Iterator[None]:
    """Refuse changes of files that are not below one of `roots`, in the block, and say why.

    Raises:
        OutsideError: In the code that tries it.
    """
    _listen()
    token = _FENCE.set(_Fence([os.path.realpath(root) for root in roots], why))
    try:
        yield
    finally:
        _FENCE.reset(token)


@cache
def _listen() -> None:
    """Listen to audit events; a hook cannot be taken back, so there is one."""
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" and event not in _CHANGES:
        return
    fence = _FENCE.get()
    if fence is not None:
        fence.check(event, arguments)


def _folder_of(descriptor: Any) -> str:
    """Return the folder that an open descriptor means; nothing for the working directory."""
    if not isinstance(descriptor, int) or descriptor < 0:
        return ""
    return f"{Path(f'/proc/self/fd/{descriptor}').readlink()}/"


def _writes(flags: Any) -> bool:
    changing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    return isinstance(flags, int) and bool(flags & changing)
