"""What the checks with real viewers share; `make viewers` installs what they need and runs them."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..nexus.families import ROOT, Made, make

PAGE = Path(os.environ.get("SESSION_SHELL_H5WEB") or ROOT / ".venv-viewers" / "h5web" / "dist")
"""The h5web page, built from `tests/viewers/h5web`."""
CHROMIUM = os.environ.get("SESSION_SHELL_CHROMIUM") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Files = Callable[[str], list[Made]]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Give the files of an outcome, of every family, the same ones to all tests."""
    folder = tmp_path_factory.mktemp("families")
    made: dict[str, list[Made]] = {}

    def of(outcome: str) -> list[Made]:
        if outcome not in made:
            made[outcome] = make(folder, outcome)
        return made[outcome]

    return of


@pytest.fixture(autouse=True)
def closed_files() -> None:
    """Close what viewers have left open: objects of scippnexus hold files until they are collected.

    silx opens files without a lock, and HDF5 refuses that for one that is open with a lock.
    """
    gc.collect()


@pytest.fixture(scope="session")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let pynxtools, which is loaded after this, know our profile too."""
    from . import pynx

    pynx.use_definitions(tmp_path_factory.mktemp("definitions"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
