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

SCAN = "s = ascan(roby, 0, 10, 20, 0.1, diode1)"
PAUSED = """
class CtrlZ:
    def after_point(self, scan, index):
        if index == 1:
            scan.control.request_pause("Ctrl-Z", to_prompt=True)

add_preset(CtrlZ())
try:
    loopscan(3, 0.1, diode)
except BaseException as error:
    assert "is paused" in str(error)
"""
PEAKS = (
    "cen com find_position fit fwhm goto_cen goto_com goto_custom goto_min goto_peak peak trough"
)
BEFORE = {
    "abort": PAUSED,
    "add_preset": "class my_shutter_preset: start = print\nmy_shutter_preset = my_shutter_preset()",
    "dscan": "mv(sy, 0)",
    "elog_add": "wa()",
    "group": "sct(0.1, diode); sct(0.1, diode)",
    "metadata_profiling": "sct(0.1, diode)",
    "prdef": "def my_function(): pass",
    "remove_preset": (
        "class my_shutter_preset: start = print\nmy_shutter_preset = my_shutter_preset()\n"
        "add_preset(my_shutter_preset)"
    ),
    "resume": PAUSED,
    "user_script_homedir": "import pathlib; pathlib.Path('~/scripts').expanduser().mkdir()",
    **dict.fromkeys(PEAKS.split(), SCAN),
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
