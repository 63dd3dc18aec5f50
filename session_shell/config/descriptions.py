"""What a YAML tree says, as plain data: objects and sessions with the place of every key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from session_shell.config.problems import Problem, place

IGNORED_KEYS = frozenset({"plugin", "package", "class", "name", "module"})
"""Keys that say what an object is; they are never handed to its factory."""


@dataclass(frozen=True, slots=True)
class ObjectDescription:
    """One object of the tree, or a controller without a name that makes objects."""

    name: str
    class_name: str
    """Empty: it is made by its `parent`, which knows the class."""
    package: str | None
    values: Mapping[str, Any]
    """All keys as written, inherited ones included; plain Python values."""
    file: Path
    line: int
    key_lines: Mapping[str, int] = field(default_factory=dict)
    """Line of each key of the mapping, by dotted path: ``axes.0.velocity``."""
    parent: str | None = None
    """Key of the controller that makes it, in `Configuration.objects` or `.controllers`."""
    part: str = ""
    """Key of the list of `parent` in which it stands, for example ``axes``."""
    inherited: Mapping[str, tuple[Path, int]] = field(default_factory=dict)
    """Keys that come from an ``__init__.yml``, with their place there."""
    problem: Problem | None = None
    """Why it cannot be built, when its YAML is already wrong."""

    def place_of(self, path: str) -> tuple[Path, int]:
        """Return file and line of a key by its dotted path, or of the closest key around it."""
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            line = self.key_lines.get(".".join(parts[:length]))
            if line is not None:
                return self.file, line
        return self.inherited.get(parts[0], (self.file, self.line))

    def problem_at(self, path: str, message: str, *, warning: bool = False) -> Problem:
        """Make a problem at the place of a key."""
        file, line = self.place_of(path)
        return Problem(message, file, line, "warning" if warning else "error")

    @property
    def subject(self) -> str:
        """Tell what messages are about: the name, or the class of a controller without one."""
        return self.name or self.class_name or "controller"

    @property
    def where(self) -> str:
        """Tell the place as ``file:line``."""
        return place(self.file, self.line)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """One session of the tree, as written."""

    name: str
    file: Path
    line: int
    setup_file: Path | None = None
    config_objects: tuple[str, ...] | None = None
    """None: every object of the tree."""
    exclude_objects: tuple[str, ...] = ()
    include_sessions: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Original name by alias."""
    scripts_dir: Path = Path("scripts")
    values: Mapping[str, Any] = field(default_factory=dict)
    """All keys as written, unknown ones included."""
    key_lines: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, path: str) -> int:
        """Return the line of a key by its dotted path, or of the closest key around it."""
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            if (line := self.key_lines.get(".".join(parts[:length]))) is not None:
                return line
        return self.line

    def problem_at(self, path: str, message: str, *, warning: bool = False) -> Problem:
        """Make a problem at the place of a key."""
        return Problem(message, self.file, self.line_of(path), "warning" if warning else "error")


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What to load for a session, the sessions that it includes coming first."""

    name: str
    sessions: tuple[SessionDescription, ...]
    """In the order in which their setup scripts run; a missing setup file is None here."""
    object_names: tuple[str, ...]
    """Objects to build, in the order of the tree or as listed."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Original name by alias."""
    excluded: frozenset[str] = frozenset()
    """Names that stay out of the namespace even when another object needs them."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with these sessions; the rest of the plan works without it."""
