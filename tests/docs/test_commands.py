"""The command reference is up to date, and every example in it works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from session_shell import open_session
from session_shell.clock import VirtualClock

from .command_reference import PAGE, examples, page
from .markdown import ROOT

BEFORE = {
    "dscan": "mv(sy, 0)",
    "load_script": "",
    "metadata_profiling": "sct(0.1, diode)",
    "prdef": "def my_function(): pass",
    "user_script_homedir": "import pathlib; pathlib.Path('~/scripts').expanduser().mkdir()",
}
"""What an example needs that the demo session has not."""


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_session(
        "demo", config=ROOT / "sessions", data=tmp_path / "data", clock=VirtualClock(), seed=1
    ) as session:
        (tmp_path / "align.py").write_text("def align_sample():\n    umv(sy, 0)\n")
        session.user_scripts = tmp_path
        yield session


def test_the_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run 'make reference'"


@pytest.mark.parametrize(("command", "example"), examples(), ids=lambda value: value.split("(")[0])
def test_example_works(command: str, example: str, demo: Any) -> None:
    assert f"{command}(" in example or command in example.split(), "an example shows the command"
    demo.run(BEFORE.get(command, ""))
    demo.run(example)
