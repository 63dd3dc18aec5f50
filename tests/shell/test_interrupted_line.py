"""A Ctrl-C stops what a line starts, however soon it follows Enter."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from session_shell.journal import journal_paths, read_journal


@pytest.mark.terminal
@pytest.mark.parametrize("pauses", [(0.0, 0.0, 0.001, 0.002), (0.005, 0.01, 0.03, 0.1)])
def test_ctrl_c_just_behind_enter_stops_the_line(open_terminal, tmp_path: Path, pauses) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    for number, pause in enumerate(pauses, 1):
        terminal.type("timescan(0.05, diode)\r")
        if pause:
            time.sleep(pause)
        terminal.type("\x03")
        terminal.wait(f"EH1 [{number + 1}]:")
    assert terminal.leave() == 0
    (path,) = journal_paths(tmp_path / "data")
    log = read_journal(path)
    assert [c.done and c.done.outcome for c in log.commands] == ["interrupted"] * len(pauses)


@pytest.mark.terminal
def test_ctrl_c_in_one_piece_with_the_line_stops_it_before_it_runs(
    open_terminal, tmp_path: Path
) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.type("timescan(0.05, diode)\r\x03")
    terminal.wait("EH1 [2]:")
    assert not list((tmp_path / "data").rglob("scan_*.h5"))
    # What was typed before a Ctrl-C goes with it, what was typed behind it stays.
    terminal.type("answer + 1\ransw\x03answer + 2\r")
    terminal.wait("EH1 [4]:")
    assert "Out [3]: 44" in terminal.text
    assert terminal.leave() == 0


@pytest.mark.terminal
def test_ctrl_c_in_a_line_drops_the_lines_typed_behind_it(open_terminal, tmp_path: Path) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.type("timescan(0.05, diode)\rumv(roby, 5)\r")
    terminal.wait_raw(r"\n +3 ")
    terminal.type("\x03")
    terminal.wait("EH1 [2]:")
    terminal.command("roby.position", number=2)
    assert "Out [2]: 0.0" in terminal.text
    assert terminal.leave() == 0


HOOKS = """
class Shutter(ScanPreset):
    def stop(self, scan):
        print("shutter", word)

word = "closed"
add_preset(Shutter())
"""


@pytest.mark.terminal
@pytest.mark.parametrize("leave", ["\x04", "exit\r"])
def test_leaving_while_a_scan_is_paused_ends_it_with_its_names(
    open_terminal, config: Path, leave: str
) -> None:
    (config / "eh1_setup.py").write_text(HOOKS)
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.type("timescan(0.05, diode)\r")
    terminal.wait_raw(r"\n +3 ")
    terminal.type("\x1a")
    terminal.wait("EH1 [2]:")
    assert terminal.leave(leave) == 0
    assert "shutter closed" in terminal.text
    assert "NameError" not in terminal.text


@pytest.mark.terminal
def test_quick_ctrl_c_at_the_prompt_end_nothing(open_terminal) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    for _ in range(10):
        terminal.type("\x03" * 5 + "answer\r" + "\x03" * 5)
    terminal.type("answer + 1\r")
    terminal.wait(": 43")
    assert terminal.leave() == 0
    assert "escaped interact" not in terminal.text


@pytest.mark.terminal
def test_a_closed_terminal_is_told_by_the_exit_code(open_terminal, tmp_path: Path) -> None:
    import h5py

    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.type("timescan(0.05, diode)\r")
    terminal.wait_raw(r"\n +3 ")
    terminal.process.ptyproc.fileobj.close()
    assert terminal.process.ptyproc.wait() == 129
    (path,) = (tmp_path / "data").rglob("scan_*.h5")
    with h5py.File(path) as file:
        assert file["1.1/end_reason"].asstr()[()] == "SESSION_ENDED"


@pytest.mark.terminal
def test_a_terminal_that_is_closed_at_the_prompt(open_terminal) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.process.ptyproc.fileobj.close()
    assert terminal.process.ptyproc.wait() == 129
