"""Ctrl-\\ and Ctrl-Z while no scan runs: nothing ends, nothing is suspended, the next scan asks."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

pytestmark = pytest.mark.terminal
KEYS = pytest.mark.parametrize("key", ["\x1c", "\x1a"])
LOOP = "for n in range(3): loopscan(200, 0.05, diode)\r\r"


def files(tmp_path: Path) -> list[str]:
    found = []
    for path in sorted((tmp_path / "data").rglob("scan_*.h5")):
        with h5py.File(path) as file:
            found.append(next(iter(file.values()))["end_reason"].asstr()[()])
    return found


@KEYS
def test_at_the_prompt_they_do_nothing(open_terminal, key: str) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.type(key + key)
    terminal.type("answer\r")
    terminal.wait("Out [1]: 42")
    assert terminal.leave() == 0


@KEYS
@pytest.mark.parametrize(
    ("line", "running"),
    [("umv(slow, 1)", "slow"), ("sleep(2)", ""), ("mv(slow, 1)", "")],
)
def test_a_command_goes_on(open_terminal, key: str, line: str, running: str) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.type(line + "\r")
    if running:
        terminal.wait_raw(running)
    terminal.type(key)
    terminal.wait("no scan runs")
    terminal.wait("EH1 [2]:")
    terminal.command("slow.position", number=2)
    assert ("Out [2]: 1.0" in terminal.text) is ("slow" in line)
    assert terminal.leave() == 0


@pytest.mark.parametrize(("answer", "reasons"), [("n", ["STOPPED"]), ("", ["STOPPED"])])
def test_the_next_scan_of_a_loop_is_not_started_unasked(
    open_terminal, tmp_path: Path, answer: str, reasons: list[str]
) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.type(LOOP)
    terminal.wait_raw(r"\n +3 ")
    terminal.type("\x1c")
    terminal.wait("start loopscan 200 0.05 all the same? [y/N]")
    terminal.type(answer + "\r")
    terminal.wait("EH1 [2]:")
    assert files(tmp_path) == reasons
    terminal.command("loopscan(2, 0.01, diode)", number=2)
    assert files(tmp_path) == [*reasons, "SUCCESS"], "a new line is not asked for"
    assert terminal.leave() == 0


def test_a_loop_goes_on_when_the_person_says_so(open_terminal, tmp_path: Path) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.type(LOOP)
    terminal.wait_raw(r"\n +3 ")
    terminal.type("\x1c")
    terminal.wait("[y/N]")
    terminal.type("y\r")
    terminal.wait("** Scan 2")
    terminal.type("\x03")
    terminal.wait("EH1 [2]:")
    assert files(tmp_path) == ["STOPPED", "USER_ABORT"]
    assert terminal.leave() == 0


@KEYS
def test_a_key_in_a_move_before_a_scan_asks(open_terminal, tmp_path: Path, key: str) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.type("umv(slow, 0.5); ct(0.1, diode)\r")
    terminal.wait_raw("slow")
    terminal.type(key)
    terminal.wait("start ct 0.1 all the same?")
    terminal.type("\r")
    terminal.wait("EH1 [2]:")
    assert files(tmp_path) == []
    assert terminal.leave() == 0


@KEYS
def test_a_key_just_behind_enter(open_terminal, tmp_path: Path, key: str) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.type("sct(0.1, diode)\r" + key)
    terminal.wait("start sct 0.1 all the same?")
    terminal.type("y\r")
    terminal.wait("EH1 [2]:")
    assert files(tmp_path) == ["SUCCESS"]
    assert terminal.leave() == 0


SLOW_SETUP = "print('setting up')\nsleep(3)\nready = 'yes'\n"


@KEYS
def test_a_setup_script_goes_on(open_terminal, config: Path, key: str) -> None:
    (config / "eh1_setup.py").write_text(SLOW_SETUP)
    terminal = open_terminal()
    terminal.wait("setting up")
    terminal.type(key)
    terminal.wait("has no effect here")
    terminal.command("ready", number=1)
    assert "Out [1]: 'yes'" in terminal.text
    assert terminal.leave() == 0


@pytest.mark.parametrize("signum", [1, 15])
def test_a_signal_in_a_setup_script_ends_the_session(
    open_terminal, config: Path, tmp_path: Path, signum: int
) -> None:
    (config / "eh1_setup.py").write_text(SLOW_SETUP)
    terminal = open_terminal()
    terminal.wait("setting up")
    terminal.process.kill(signum)
    assert terminal.exit_code() == 128 + signum
    assert "EH1 [1]:" not in terminal.text
    assert not list((tmp_path / "data").rglob("*.lock"))
