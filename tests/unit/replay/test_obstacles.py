from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from session_shell.replay.code import CodeReader, prompt_hazard
from tests.unit.replay.conftest import Recorded, run_here
from tests.unit.replay.night import record

PLAIN = """
- class: mockup
  axes: [{name: roby, velocity: 10, acceleration: 100, unit: mm}]
- {name: diode, class: simulation_diode, model: constant, constant: 7, unit: V}
- {name: plain, class: Session}
"""


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("x = input('sure?')", "asks a person"),
        ("import getpass\ngetpass.getpass()", "asks a person"),
        ("breakpoint()", "asks a person"),
        ("import os; os.system('rm x')", "runs another program"),
        ("from subprocess import run as go\ngo(['ls'])", "runs another program"),
        ("from urllib.request import urlopen\nurlopen('http://x')", "reaches out of this session"),
        ("import tango.server\ntango.DeviceProxy('a/b/c')", "reaches out of this session"),
    ],
)
def test_code_that_cannot_be_repeated_is_seen(code: str, why: str) -> None:
    assert [(h.why, h.blocks) for h in CodeReader().read(code)] == [(why, True)]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import numpy as np\nnp.random.rand()", "uses random numbers of its own"),
        ("from random import choice\nchoice([1])", "uses random numbers of its own"),
        ("import datetime as dt\ndt.datetime.now()", "uses the time of the machine"),
        ("import threading\nthreading.Thread()", "uses threads or processes"),
        ("import os\nos.environ['HOME']", "depends on this computer"),
    ],
)
def test_code_that_may_differ_is_told(code: str, why: str) -> None:
    (hazard,) = CodeReader().read(code)
    assert hazard.why.startswith(why)
    assert not hazard.blocks


@pytest.mark.parametrize(
    "code",
    [
        "ascan(roby, 0, 1, 10, 0.1)",
        "import time\ntime.sleep(5)",
        "import numpy as np\nnp.sin(1)",
        "random = 3\nrandom + 1",
        "scan.random.seed()",
        "'input()'",
        "def ask():\n    return input()",
        "this is no Python",
        "\0",
        "for _ in range(3): print(_)",
    ],
)
def test_harmless_code_is_left_in_peace(code: str) -> None:
    assert CodeReader().read(code, prompt=True) == []


def test_a_function_is_named_where_it_is_called() -> None:
    reader = CodeReader()
    assert reader.read("def ask():\n    return input()") == []
    assert reader.read("def twice():\n    return ask() + ask()") == []
    (hazard,) = reader.read("x = twice()")
    assert hazard.why == "asks a person"
    assert reader.read("def ask():\n    return 5") == []
    assert reader.read("x = ask()") == []


@pytest.mark.parametrize("code", ["_ + 1", "Out[3]", "print(__)", "In[2]", "_12"])
def test_earlier_values_of_the_prompt_are_named_only_there(code: str) -> None:
    assert CodeReader().read(code, prompt=True)[0].blocks
    assert CodeReader().read(code) == []


@pytest.mark.parametrize("typed", ["%time x", "x = %pwd", "!ls", "files = !ls", "%%bash\nls"])
def test_what_only_ipython_knows_is_named(typed: str) -> None:
    hazard = prompt_hazard(typed)
    assert hazard is not None
    assert hazard.blocks


@pytest.mark.parametrize("typed", ["roby?", "?roby", "roby??"])
def test_help_is_left_out_without_asking(typed: str) -> None:
    hazard = prompt_hazard(typed)
    assert hazard is not None
    assert not hazard.blocks


@pytest.mark.parametrize(
    "typed", ["ascan roby 0 1 5 0.1", "print('!')", "x = 5 % 3", "%typing_helper off", "print 'a?'"]
)
def test_commands_typed_as_words_are_none_of_ipythons(typed: str) -> None:
    assert prompt_hazard(typed) is None


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    config = tmp_path / "plain"
    config.mkdir()
    (config / "plain.yml").write_text(PLAIN)
    return config


def record_plain(tmp_path: Path, config: Path, *commands: str, **more: Any) -> Recorded:
    data = tmp_path / "data"
    journal = record(data, commands, session="plain", config=config, keys={}, moves={}, **more)
    return Recorded(data, journal)


def test_nothing_runs_before_somebody_has_decided(
    tmp_path: Path, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _prompt: "5")
    commands = ("umv(roby, 1)", "x = float(input('where to?'))", "umv(roby, 2)")
    recorded = record_plain(tmp_path, plain, *commands)
    result = run_here("replay", "last", "--data", str(recorded.data))
    assert result.code == 1
    assert (
        "cannot repeat: command 2 (x = float(input('where to?'))): asks a person" in result.stderr
    )
    assert "nothing was run: --skip leaves the commands out, --force runs them" in result.stderr
    assert list((recorded.data / "replays").iterdir()) == []

    skipped = recorded.replay("--skip")
    assert skipped.code == 0, skipped.stdout
    assert skipped.report["left_out"] == [2]
    assert recorded.replay("--force").code == 0

    monkeypatch.setattr("builtins.input", lambda _prompt: "6")
    assert recorded.replay("--force").code == 0, "nothing that is recorded depends on it"


def test_a_dry_run_names_all_and_leaves_nothing(tmp_path: Path, plain: Path) -> None:
    recorded = record_plain(tmp_path, plain, "umv(roby, 1)", "import os; os.system('true')")
    result = run_here("replay", "last", "--data", str(recorded.data), "--dry-run")
    assert result.code == 1
    assert "runs another program" in result.stderr
    assert result.stdout == "2 commands can be run again, 1 need a decision\n"
    assert not (recorded.data / "replays").exists()
    named = json.loads(recorded.replay("--dry-run").stdout)
    assert [o["number"] for o in named["obstacles"]] == [2]
    # What is not asked for is not in the way.
    assert recorded.replay("--dry-run", "--to", "1").code == 0


def test_devices_that_are_not_simulated_are_named(tmp_path: Path, plain: Path) -> None:
    (plain / "mine.py").write_text(
        "class Lamp:\n    def __init__(self, name, config):\n        self.name = name\n"
    )
    (plain / "lamp.yml").write_text("- {name: lamp, class: Lamp, package: mine}\n")
    recorded = record_plain(tmp_path, plain, "umv(roby, 1)")
    result = run_here("replay", "last", "--data", str(recorded.data), "--skip")
    assert result.code == 1
    assert "device lamp: class Lamp of mine is not one of the simulated devices" in result.stderr
    assert "nothing was run: --force runs them all the same" in result.stderr
    assert recorded.replay("--force", "--clock", "virtual").code == 0


def test_failures_by_chance_are_named_and_others_are_not(tmp_path: Path, plain: Path) -> None:
    recorded = record_plain(tmp_path, plain, "open('/nowhere/at/all')", "1 / 0", "umv(roby, 'far')")
    (named,) = json.loads(recorded.replay("--dry-run").stdout)["obstacles"]
    assert named["number"] == 1
    assert "it failed by chance (FileNotFoundError" in named["why"]
    assert recorded.replay("--skip").code == 0


def test_scripts_that_were_not_recorded_are_named(tmp_path: Path, plain: Path) -> None:
    (plain / "scripts").mkdir()
    (plain / "scripts" / "align.py").write_text("umv(roby, 3)\n")
    recorded = record_plain(tmp_path, plain, "load_script('align')")
    assert recorded.replay().code == 0

    lines = [
        line
        for line in recorded.journal.read_bytes().splitlines()
        if b'"record":"file"' not in line
    ]
    recorded.journal.write_bytes(b"\n".join(lines) + b"\n")
    (named,) = json.loads(recorded.replay("--dry-run").stdout)["obstacles"]
    assert named["why"] == "the text of the script was not recorded"


def test_a_killed_session_is_replayed_as_far_as_it_got(tmp_path: Path, plain: Path) -> None:
    recorded = record_plain(tmp_path, plain, "umv(roby, 1)", "umv(roby, 2)", "umv(roby, 3)")
    lines = recorded.journal.read_bytes().splitlines()
    kept = [line for line in lines if b'"record":"close"' not in line][:-1]
    recorded.journal.write_bytes(b"\n".join(kept) + b'\n{"record":"do')
    result = recorded.replay()
    assert result.code == 0, result.stdout
    assert result.report["left_out"] == [3]
    assert any("did not end" in note for note in result.report["notes"])
    assert any("it was not finished" in note for note in result.report["notes"])


def test_a_scan_of_an_earlier_session_is_told(tmp_path: Path, plain: Path) -> None:
    recorded = record_plain(tmp_path, plain, "loopscan(2, 0.1, diode)", "scan(1)", "scan(77)")
    named = json.loads(recorded.replay("--dry-run").stdout)["obstacles"]
    assert [(o["number"], o["why"]) for o in named] == [(3, "reads scan 77 of an earlier session")]
