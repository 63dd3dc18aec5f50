"""The reference pages name every option, key and class that there is."""

from __future__ import annotations

import inspect
import re
import tomllib

import click
import pytest

from session_shell.commands import VERBS
from session_shell.devices.registry import BUILT_IN
from session_shell.scanning.documents import EndReason
from session_shell.scanning.scan_meta import META_TIMING, ScanMeta
from session_shell.shell.cli import cli

from .markdown import ROOT

REFERENCE = ROOT / "docs" / "reference"
COMMANDS = {"session-shell": cli, **cli.commands}


def _page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_option_is_named(command: click.Command) -> None:
    page = _page("command-line.md")
    options = [o for p in command.params if isinstance(p, click.Option) for o in p.opts]
    assert [
        option for option in options if f"`{option}" not in page and f" {option}" not in page
    ] == []


@pytest.mark.parametrize("command", cli.commands)
def test_every_command_is_named(command: str) -> None:
    assert f"`session-shell {command}" in _page("command-line.md")


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_class_and_key_is_named(name: str) -> None:
    page = _page("configuration.md")
    assert name in page or name.lower() in page
    factory = BUILT_IN[name].factory()
    parameters = [] if factory is None else list(inspect.signature(factory).parameters)
    ignored = {"name", "context", "config", "controller", "independent"}
    missing = [key for key in parameters if key not in ignored and f"`{key}" not in page]
    assert missing == []


@pytest.mark.parametrize("word", [*EndReason])
def test_every_end_reason_is_named(word: str) -> None:
    assert f"`{word}`" in _page("file-layout.md")


def test_every_category_and_timing_is_named() -> None:
    page = (ROOT / "docs" / "how-to" / "register-metadata.md").read_text(encoding="utf-8")
    words = [*ScanMeta().categories_names, *(f"META_TIMING.{t.name}" for t in META_TIMING)]
    assert [word for word in words if f"`{word}`" not in page] == []


def test_what_is_said_to_be_missing_is_missing() -> None:
    page = (ROOT / "docs" / "how-to" / "coming-from-bliss.md").read_text(encoding="utf-8")
    section = page.partition("## What is not there")[2]
    assert [name for name in re.findall(r"`(\w+)`", section) if name in VERBS] == []


def test_every_dependency_is_justified() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs/explanations/decisions/0002-dependencies.md").read_text(encoding="utf-8")
    names = [re.split(r"[<>=~!; \[]", line)[0] for line in project["dependencies"]]
    assert [name for name in names if f"| {name} |" not in page] == []
