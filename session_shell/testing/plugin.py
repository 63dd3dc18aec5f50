"""Fixtures for pytest, known to it as soon as session-shell is installed (``pytest11``).

Nothing heavy is imported before a fixture is used: this module is loaded with every run of
pytest on the machine. All names begin with ``beamline``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from session_shell.testing import Beamline, Screen, Terminal

_OPTIONS = ("name", "config", "files", "seed", "start", "columns", "rows", "allow_problems")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare what an ini file may say."""
    parser.addini(
        "beamline_config", "folder of YAML files for tests of sessions", default="sessions"
    )
    parser.addini("beamline_session", "session that tests open", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        "beamline(name, config=, files=, seed=, start=, columns=, rows=, allow_problems=): "
        "which session the fixture `beamline` opens, and how",
    )


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Merge the markers of a test: its own wins over those of its class and module."""
    merged: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("beamline"))):
        given = {**dict(zip(("name",), marker.args, strict=False)), **marker.kwargs}
        if len(marker.args) > 1 or (unknown := given.keys() - set(_OPTIONS)):
            wrong = ", ".join(sorted(unknown)) if len(marker.args) < 2 else repr(marker.args[1])
            raise pytest.UsageError(
                f"{request.node.nodeid}: the marker beamline knows {', '.join(_OPTIONS)}, "
                f"not {wrong}"
            )
        merged |= given
    return merged


@pytest.fixture
def beamline_config(request: pytest.FixtureRequest) -> Path | Mapping[str, str]:
    """Where the configuration is, for tests whose marker does not say it; made to be overridden.

    A folder, or the files of one: their names with their text.
    """
    config = request.config
    beside = config.inipath.parent if config.inipath is not None else config.rootpath
    return Path(beside, str(config.getini("beamline_config")))


@pytest.fixture
def beamline_open(
    request: pytest.FixtureRequest, beamline_config: Path | Mapping[str, str], tmp_path: Path
) -> Iterator[Callable[..., Beamline]]:
    """Open sessions: ``beamline_open("demo", seed=2)``; the test's data folder is shared."""
    options = _options(request)
    opened: list[Beamline] = []

    def open_one(name: str | None = None, **changes: Any) -> Beamline:
        given: dict[str, Any] = {
            key: options[key] for key in ("seed", "start", "allow_problems") if key in options
        }
        if "columns" in options or "rows" in options:
            given["screen"] = Screen(options.get("columns", 100), options.get("rows", 30))
        config = _folder(request, beamline_config, tmp_path)
        given |= {"config": config, "data": tmp_path / "data"}
        opened.append(Beamline(name or _name(request), **(given | changes)))
        return opened[-1]

    yield open_one
    for beamline in reversed(opened):
        beamline.close()
        if isinstance(beamline.screen, Screen):
            beamline.screen.close()


@pytest.fixture
def beamline(beamline_open: Callable[..., Beamline]) -> Beamline:
    """An open session in virtual time, with data in the test's temporary folder."""
    return beamline_open()


@pytest.fixture
def beamline_terminal(
    request: pytest.FixtureRequest, beamline_config: Path | Mapping[str, str], tmp_path: Path
) -> Iterator[Callable[..., Terminal]]:
    """Open the real prompt in a terminal: ``terminal = beamline_terminal(); terminal.run("wa()")``.

    Arguments are those of ``session-shell open``, behind the name of the session.
    """
    opened: list[Terminal] = []

    def start(*arguments: str, columns: int = 100, rows: int = 30) -> Terminal:
        from session_shell.testing.beamline import only_session

        config = _folder(request, beamline_config, tmp_path)
        options = _options(request)
        name = _name(request) or only_session(config)
        command = [sys.executable, "-m", "session_shell", "open", name]
        command += ["--config", str(config), "--data", str(tmp_path / "data")]
        command += ["--clock", "virtual", "--seed", str(options.get("seed", 1)), *arguments]
        environment = _environment(tmp_path)
        opened.append(Terminal(command, env=environment, columns=columns, rows=rows))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def _name(request: pytest.FixtureRequest) -> str | None:
    """Return the session that is meant, None for the only one that there is."""
    options = _options(request)
    if "name" in options or "files" in options or "config" in options:
        return options.get("name")
    return str(request.config.getini("beamline_session")) or None


def _folder(
    request: pytest.FixtureRequest, config: Path | Mapping[str, str], tmp_path: Path
) -> Path:
    """Return the folder of the configuration; one that is given as texts is written first."""
    options = _options(request)
    if "config" in options:
        return Path(request.config.rootpath, options["config"])
    files = options.get("files", config)
    if not isinstance(files, Mapping):
        return Path(files)
    folder = tmp_path / "config"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():  # a session that was opened before may have changed it
            path.write_text(text, encoding="utf-8")
    return folder


def _environment(home: Path) -> dict[str, str]:
    """Return an environment in which nothing of the user is seen or touched."""
    foreign = ("SESSION_SHELL", "IPYTHON", "COLUMNS", "LINES", "NO_COLOR", "PYTHONSTARTUP")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    return {**kept, "HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "TERM": "xterm"}
