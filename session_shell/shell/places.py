"""Where the configuration and the data are: options, environment, working directory."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])

PLACES_HELP = """\b
Directories, the first that is given counts:
  configuration   --config, $SESSION_SHELL_CONFIG, ./sessions
  data            --data, $SESSION_SHELL_DATA, ./data
"""


@dataclass(frozen=True, slots=True)
class Places:
    """The directories that options gave; None where none was given."""

    config: Path | None = None
    data: Path | None = None

    def over(self, other: Places) -> Places:
        """Return these directories, those of `other` where there is none."""
        return Places(self.config or other.config, self.data or other.data)

    @property
    def config_dir(self) -> Path:
        """Directory of the YAML files."""
        return self.config or _from_environment("SESSION_SHELL_CONFIG") or Path("sessions")

    @property
    def data_dir(self) -> Path:
        """Directory of scan files and settings."""
        return self.data or _from_environment("SESSION_SHELL_DATA") or Path("data")


def _from_environment(name: str) -> Path | None:
    # Who sets a variable means it: it wins over a directory that happens to be there.
    value = os.environ.get(name, "")
    return Path(value).expanduser() if value else None


def place_options(function: _Function) -> _Function:
    """Give a command the options --config and --data."""
    directory = click.Path(path_type=Path)
    for name, what in (("config", "Directory of the YAML files."), ("data", "Directory of data.")):
        function = click.option(f"--{name}", type=directory, metavar="DIR", help=what)(function)
    return function


def places_of(context: click.Context, config: Path | None, data: Path | None) -> Places:
    """Return what was given to a command, then to the program."""
    outer = context.find_object(Places) or Places()
    return Places(config, data).over(outer)
