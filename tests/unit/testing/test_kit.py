"""The testing kit as people use it: pytest in a folder of theirs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from session_shell.errors import SessionShellError
from session_shell.testing import Beamline, Screen

CONFIG = {
    "eh1.yml": """
- class: mockup
  axes:
    - {name: roby, steps_per_unit: 10000, velocity: 10, acceleration: 100, unit: mm}
- {name: diode, class: simulation_diode, model: random, unit: nA}
- {name: MG1, class: MeasurementGroup, counters: [diode]}
- {name: eh1, class: Session, setup-file: ./eh1_setup.py}
""",
    "eh1_setup.py": "import time\ndef settle():\n    time.sleep(3600)\n    print('settled')\n",
}

INI = "[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n"


@pytest.fixture
def run_pytest(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run pytest on one test file in a folder with a configuration."""
    for name, text in CONFIG.items():
        path = tmp_path / "sessions" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (tmp_path / "pytest.ini").write_text(INI)

    def run(*arguments: str, **files: str) -> subprocess.CompletedProcess[str]:
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        command = [sys.executable, "-m", "pytest", "-q", "--timeout=60", *arguments]
        return subprocess.run(
            [*command, "--import-mode=importlib", f"--basetemp={tmp_path / 'base'}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    return run


SUITE = """
import pytest
import h5py


def test_scan(beamline):
    scan = beamline.run("ascan roby 0 10 5 0.1")
    assert beamline.documents[-1].column("roby") == pytest.approx([0, 2, 4, 6, 8, 10])
    assert beamline.documents[-1].ended.reason == "SUCCESS"
    assert "Took" in beamline.screen.last
    with h5py.File(scan.file) as file:
        assert file["1.1/measurement/diode"].shape == (6,)


def test_data_are_those_of_this_test_alone(beamline, tmp_path):
    assert beamline.run("sct(0.1)").number == 1
    assert list((tmp_path / "data").rglob("scan_0001.h5"))


def test_functions_of_the_setup_script(beamline):
    before = beamline.clock.time()
    beamline["settle"]()
    beamline.run("settle()")
    assert beamline.screen.last == "settled\\n"
    assert beamline.clock.time() == before + 7200


def test_noise_is_the_same_each_time(beamline_open, tmp_path):
    first = beamline_open(data=tmp_path / "a").run("loopscan(3, 1, save=False)")
    second = beamline_open(data=tmp_path / "b").run("loopscan(3, 1, save=False)")
    third = beamline_open(data=tmp_path / "c", seed=2).run("loopscan(3, 1, save=False)")
    assert list(first.data["diode"]) == list(second.data["diode"]) != list(third.data["diode"])
    assert list(first.data["epoch"]) == list(second.data["epoch"])


def test_positions_survive_a_restart(beamline):
    beamline.run("umv roby 3")
    beamline.restart()
    assert beamline["roby"].position == 3
    beamline.run("sct(0.1)")
    assert len(beamline.documents) == 1


@pytest.mark.beamline(columns=60, rows=15)
def test_a_terminal_in_memory(beamline):
    beamline.run("loopscan(3, 1)")
    assert beamline.screen.isatty()
    assert "\\x1b[" not in beamline.screen.text
    assert "\\x1b[" in beamline.screen.raw
    assert max(map(len, beamline.screen.text.splitlines())) <= 60


@pytest.mark.beamline(files={"x.yml": "- {name: x, class: Session}"})
class TestInline:
    def test_inline(self, beamline):
        assert beamline.name == "x"

    @pytest.mark.beamline(start=0.0)
    def test_markers_add_up(self, beamline):
        assert (beamline.name, beamline.clock.time()) == ("x", 0.0)
"""

PROMPT = """
def test_prompt(beamline_terminal):
    terminal = beamline_terminal()
    shown = terminal.run("loopscan 3 3600")
    assert "Took 3:00:00" in shown
    terminal.type("settle(); settle")
    terminal.wait_for("settled")
    assert "diode" in terminal.run("lscnt()")
    terminal.press("1 +\\x03")
    assert terminal.leave() == 0


def test_a_small_window(beamline_terminal):
    terminal = beamline_terminal(columns=60, rows=6)
    for number in range(5):
        assert terminal.run(f"print({number}, *range(50))").startswith(f"{number} 0 1 2")
    assert terminal.run(f"x = {'y' * 100!r}; 1 + 1").strip() == "Out [6]: 2"
"""

OVERRIDDEN = """
import pytest


@pytest.fixture
def beamline_config():
    return {"mine.yml": "- {name: mine, class: Session}"}


def test_mine(beamline):
    assert beamline.name == "mine"


@pytest.mark.beamline(config="sessions")
def test_a_marker_wins(beamline):
    assert beamline.name == "eh1"
"""

SAME_NAME = """
import pytest


@pytest.fixture
def beamline():
    return "BM05"


def test_theirs(beamline):
    assert beamline == "BM05"
"""


def test_suites_of_users(run_pytest: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run_pytest(
        test_user=SUITE, test_prompt=PROMPT, mine__test_mine=OVERRIDDEN, test_theirs=SAME_NAME
    )
    assert done.returncode == 0, done.stdout
    assert "13 passed" in done.stdout, done.stdout


def test_the_ini_file_names_folder_and_session(
    run_pytest: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "sessions" / "other.yml").write_text("- {name: other, class: Session}")
    (tmp_path / "sessions").rename(tmp_path / "config")
    (tmp_path / "pytest.ini").write_text(
        f"{INI}beamline_config = config\nbeamline_session = other\n"
    )
    done = run_pytest(test_it="def test_it(beamline):\n    assert beamline.name == 'other'\n")
    assert done.returncode == 0, done.stdout


def test_what_is_wrong_fails_the_test(
    run_pytest: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "sessions" / "eh1_setup.py").write_text("x = 1\nx / 0\n")
    done = run_pytest(
        test_it="""
import pytest


def test_fails(beamline):
    pass


@pytest.mark.beamline(allow_problems=True)
def test_is_allowed(beamline):
    assert "eh1_setup.py:2: ZeroDivisionError" in beamline.problems[0]


@pytest.mark.beamline(sede=3)
def test_marker(beamline):
    pass
"""
    )
    assert "1 passed, 2 errors" in done.stdout, done.stdout
    assert "eh1_setup.py:2: ZeroDivisionError: division by zero" in done.stdout
    assert "the marker beamline knows name, config, files" in done.stdout
    assert "not sede" in done.stdout


# What other people's runs of pytest notice: nothing


HEAVY = (
    *("numpy", "h5py", "IPython", "prompt_toolkit", "rich", "ruamel.yaml", "msgspec", "pyte"),
    *("click", "session_shell.opening", "session_shell.session", "session_shell.scanning"),
)


def test_nothing_heavy_is_imported_before_a_fixture_is_used(
    run_pytest: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = run_pytest(
        test_it=f"""
import sys


def test_mine():
    assert "session_shell.testing.plugin" in sys.modules
    assert not set({HEAVY}) & set(sys.modules)
"""
    )
    assert done.returncode == 0, done.stdout


def test_it_can_be_left_out(run_pytest: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    test = """
import sys


def test_it(pytestconfig):
    assert "session_shell" not in sys.modules
    assert not [m for m in pytestconfig.getini("markers") if m.startswith("beamline")]
"""
    done = run_pytest("-p", "no:session_shell", test_it=test)
    assert done.returncode == 0, done.stdout + done.stderr


# Without pytest


def test_as_a_context_manager(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    folder.mkdir()
    for name, text in CONFIG.items():
        (folder / name).write_text(text)
    with Beamline(config=folder, data=tmp_path / "data") as beamline:
        scan = beamline.run("loopscan(2, 0.5)")
        record: Any = beamline.documents[-1]
        assert [type(doc).__name__ for doc in record.all] == [
            "ScanStarted",
            "Rows",
            "Rows",
            "ScanEnded",
        ]
        assert record.started.uid == record.ended.uid == scan.plan.uid
        assert record.column("diode") == list(scan.data["diode"])
        with pytest.raises(KeyError, match=r"roby: the scan has elapsed_time, epoch, diode"):
            record.column("roby")
        with pytest.raises(KeyError, match="the session eh1 has no nothing"):
            beamline["nothing"]
    assert beamline.session.closed
    beamline.close()
    (folder / "other.yml").write_text("- {name: other, class: Session}")
    with pytest.raises(SessionShellError, match=r"2 sessions \(eh1, other\): say which one"):
        Beamline(config=folder, data=tmp_path / "data")


def test_a_screen_forgets_what_was_drawn_over() -> None:
    screen = Screen(20, 4)
    try:
        screen.write("one\ntwo")
        screen.mark()
        screen.write("\rTWO\nthree\nfour\nfive\n")
        assert screen.text == "one\nTWO\nthree\nfour\nfive"
        assert screen.last.startswith("TWO")
    finally:
        screen.close()
        screen.close()


def test_the_terminal_shows_what_it_saw_when_something_does_not_come(tmp_path: Path) -> None:
    from session_shell.testing import Terminal

    with Terminal([sys.executable, "-c", "print('hello'); input()"]) as terminal:
        with pytest.raises(SessionShellError, match=r"(?s)'bye' was not seen.*hello"):
            terminal.wait_for("bye", timeout=2)
        terminal.resize(40, 10)
        terminal.type("")
        assert terminal.leave() == 0
