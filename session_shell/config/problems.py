"""What is wrong with a configuration, and where to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from session_shell.errors import ConfigError

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend; as text it is ``file:line: message``."""

    message: str
    file: Path | None = None
    line: int | None = None
    severity: Severity = "error"

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.file is not None else self.message
        # A file name on disk need not be text: what cannot be printed is shown as "?".
        return text.encode("utf-8", "replace").decode("utf-8")

    @property
    def where(self) -> str:
        """Tell the place as ``file:line``, the file relative to the working directory."""
        if self.file is None:
            return ""
        return place(self.file, self.line)

    def error(self) -> ConfigError:
        """Make the exception that says the same."""
        return ConfigError(self.message, file=self.file, line=self.line)


def place(file: Path, line: int | None) -> str:
    """Write a place as ``file:line``, the file relative to the working directory if below it."""
    try:
        shown = file.relative_to(Path.cwd())
    except (ValueError, OSError):  # elsewhere, or the working directory was removed
        shown = file
    return f"{shown}:{line}" if line is not None else str(shown)


def sorted_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Put problems in the order of file and line, each one once."""
    return sorted(
        dict.fromkeys(problems),
        key=lambda p: (str(p.file or ""), p.line or 0, p.severity, p.message),
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``, did you mean 'roby' or 'robz'?`` for close matches, else an empty text."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    lowered = name.lower()
    close += [n for n in names if n.lower() == lowered and n not in close]
    if not close:
        return ""
    return ", did you mean " + " or ".join(repr(c) for c in close) + "?"


def one_line(error: BaseException) -> str:
    """Write an exception as one line, with its type."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
