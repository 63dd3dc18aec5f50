"""`make` says what is wrong in one line, and does nothing when nothing has changed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .markdown import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "with a space"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def _make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-C", str(folder), "--no-print-directory", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def _finished(folder: Path) -> None:
    """Put what `make demo` leaves behind: a .venv that knows what it is, and its stamp."""
    _program(folder / ".venv/bin/python", f'echo "{folder}/.venv 3 11"')
    _program(folder / ".venv/bin/session-shell", "echo opened")
    (folder / ".venv/.python").write_text(f"{folder}/.venv 3 11\n")
    (folder / ".venv/.run").touch()


def test_a_python_that_is_too_old_gets_one_clear_line(checkout: Path) -> None:
    old = _program(checkout / "old python", '[ "$1" = --version ] && echo Python 3.8.18; exit 1')
    done = _make(checkout, f"PYTHON={old}", "demo")
    assert done.returncode == 2
    assert "needs Python 3.11 or newer, found: Python 3.8.18" in done.stderr.splitlines()[0]
    assert not (checkout / ".venv").exists()


def test_a_python_that_is_not_there_gets_one_clear_line(checkout: Path) -> None:
    done = _make(checkout, "PYTHON=/nowhere/python", "demo")
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr.splitlines()[0]


def test_nothing_is_installed_when_nothing_has_changed(checkout: Path) -> None:
    _finished(checkout)
    done = _make(checkout, "demo")
    assert (done.returncode, done.stdout, done.stderr) == (0, "opened\n", "")


@pytest.mark.parametrize(
    ("change", "begins_with"),
    [
        (lambda venv: (venv / ".python").write_text("/elsewhere/.venv 3 11\n"), "set -e; python="),
        (lambda venv: (venv / ".python").unlink(), "set -e; python="),
        (lambda venv: (venv / "bin/python").unlink(), "set -e; python="),
        (lambda venv: _program(venv / "bin/python", "exit 127"), "set -e; python="),
        (lambda venv: (venv / "bin/session-shell").unlink(), 'echo "Installing session-shell'),
        (lambda venv: (venv / ".run").unlink(), 'echo "Installing session-shell'),
    ],
    ids=["moved", "interrupted", "no python", "broken python", "no program", "not installed"],
)
def test_what_cannot_be_used_is_made_anew(change, begins_with: str, checkout: Path) -> None:
    _finished(checkout)
    change(checkout / ".venv")
    assert _make(checkout, "-n", "demo").stdout.startswith(begins_with)


def test_help_names_every_target_that_is_for_people(checkout: Path) -> None:
    shown = _make(checkout, "help").stdout
    for target in ("demo", "test", "lint", "types", "contracts", "bench", "reference", "wheel"):
        assert f"make {target}" in shown
