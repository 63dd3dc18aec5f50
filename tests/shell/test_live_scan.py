"""Scans and moves in a real terminal: table, progress, Ctrl-C, warnings, narrow windows."""

from __future__ import annotations

import signal
from pathlib import Path

import h5py
import pytest

pytestmark = pytest.mark.terminal

SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


def end_reason(config: Path, number: int = 1) -> str:
    (file,) = (config.parent / "data").rglob(f"*{number:04d}.h5")
    with h5py.File(file) as content:
        return str(content[f"{number}.1/end_reason"][()].decode())


def test_table_progress_and_summary(terminal, config: Path):
    shown = terminal.command("loopscan(40, 0.02, diode)", number=1)
    assert "** Scan 1: loopscan 40 0.02" in shown
    assert "dt[s]" in shown
    assert "diode[nA]" in shown
    assert "\n   39   |" in shown
    assert "Took 0:00:0" in shown
    assert "40 points (counting 0.8" in shown
    assert "/40  0:00:0" in terminal.raw
    assert "left" not in shown
    assert terminal.raw.count(SHOW_CURSOR) >= terminal.raw.count(HIDE_CURSOR)
    assert end_reason(config) == "SUCCESS"


def test_ctrl_c_ends_a_scan_and_keeps_what_was_measured(terminal, config: Path):
    terminal.type("timescan(0.01, diode)\r")
    terminal.wait_raw(r"\d+ points  0:00:0")
    terminal.wait("\n   5 ")
    terminal.type("\x03")
    terminal.wait("EH1 [2]:")
    assert "ABORTED by user after" in terminal.text
    assert "interrupted by Ctrl-C" in terminal.text
    assert "Traceback" not in terminal.text
    assert "Took" in terminal.text
    terminal.wait("USER_ABORT")
    assert end_reason(config) == "USER_ABORT"
    assert "2 points" in terminal.command("loopscan(2, 0.01, diode)", number=2)


def test_a_second_ctrl_c_does_not_cut_into_the_clean_up(terminal, config: Path):
    terminal.command("from session_shell.scanning import scan_meta\n", number=1)
    terminal.command(
        "def last(scan):\n"
        "import time; print('end begins'); time.sleep(0.5); print('end is over')\n"
        "return {'a': 1}\n\n",
        number=2,
    )
    terminal.command("m = scan_meta.get_user_scan_meta().sample; m.set('x', last)", number=3)
    terminal.command("m.timing = scan_meta.META_TIMING.END", number=4)
    terminal.type("timescan(0.01, diode)\r")
    terminal.wait("\n   3 ")
    terminal.type("\x03")
    terminal.wait("end begins")
    terminal.type("\x03\x03")
    terminal.wait("EH1 [6]:")
    assert "end is over" in terminal.text
    assert end_reason(config) == "USER_ABORT"


def test_ctrl_c_stops_a_move(terminal):
    terminal.type("umv(slow, 100)\r")
    terminal.wait_raw(r"slow\[mm\][\s\S]*0\.[1-9]")
    terminal.type("\x03")
    terminal.wait("EH1 [2]:")
    assert "interrupted by Ctrl-C" in terminal.text
    assert "Traceback" not in terminal.text
    terminal.command("p = slow.position", number=2)
    assert "True" in terminal.command("0 < p < 100, slow.is_moving", number=3)
    assert "False" in terminal.text


def test_ctrl_c_ends_a_sleep(terminal):
    terminal.type("print('asleep'); sleep(1000)\r")
    terminal.wait("\nasleep")
    terminal.type("\x03")
    terminal.wait("EH1 [2]:")
    assert "interrupted by Ctrl-C" in terminal.text


def test_ctrl_c_at_the_prompt_takes_the_line_away(terminal):
    terminal.type("half a li")
    terminal.wait("half a li")
    terminal.type("\x03")
    assert "2" in terminal.command("1 + 1", number=1)


def test_warnings_and_prints_stand_above_the_progress(terminal):
    terminal.command(
        "def bad(scan):\nprint('user code'); raise ValueError('no sample')\n\n", number=1
    )
    terminal.command(
        "from session_shell import current_session as c; c().scan_meta.sample.set('broken', bad)",
        number=2,
    )
    shown = terminal.command("loopscan(20, 0.02, diode)", number=3)
    assert "user code" in shown
    assert shown.count("no sample") == 1
    assert "warning: metadata" in shown
    assert "Traceback" not in shown
    assert "left" not in shown
    assert "\n   19   |" in shown


@pytest.mark.parametrize("columns", [30, 45])
def test_a_narrow_terminal(open_terminal, columns):
    terminal = open_terminal(columns=columns, rows=20)
    shown = terminal.command("ascan(roby, 0, 1, 30, 0.01)", number=1)
    rows = [line for line in shown.splitlines() if line[3:4].isdigit() and "|" in line]
    assert len(rows) == 31
    assert {len(line) for line in rows} <= set(range(columns + 1))
    assert "more" in shown
    assert "left" not in shown


def test_a_window_that_is_resized_during_a_scan(terminal):
    terminal.type("timescan(0.02, diode, diode2)\r")
    terminal.wait("\n   3 ")
    terminal.resize(50, 30)
    terminal.wait("+1 more")
    terminal.resize(120, 30)
    terminal.wait_until(lambda: "diode2[nA]" in terminal.text.rpartition("+1 more")[2])
    terminal.type("\x03")
    terminal.wait("EH1 [2]:")
    assert "elapsed" not in terminal.text


def test_a_fast_scan_under_the_virtual_clock(open_terminal):
    terminal = open_terminal("open", "eh1", "--clock", "virtual")
    shown = terminal.command("loopscan(20000, 1, diode)", number=1)
    assert "20000 points (counting 20000.0 s" in shown
    assert "points not shown" in shown
    assert "5:33:2" in shown
    assert shown.count("\n") < 5000


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_a_scan_still_ends_it_well(terminal, config: Path, signum):
    terminal.type("timescan(0.01, diode)\r")
    terminal.wait("\n   3 ")
    terminal.process.kill(signum)
    assert terminal.exit_code() == 128 + signum
    assert terminal.raw.count(SHOW_CURSOR) >= terminal.raw.count(HIDE_CURSOR)
    assert end_reason(config) != "SUCCESS"


def test_a_terminal_that_is_closed_during_a_scan(terminal, config: Path):
    terminal.type("timescan(0.01, diode)\r")
    terminal.wait("\n   3 ")
    terminal.process.ptyproc.fileobj.close()
    assert terminal.process.ptyproc.wait() == 129
    assert end_reason(config) == "SESSION_ENDED"


def test_an_interrupted_command_of_the_command_line(open_terminal, config: Path):
    terminal = open_terminal("open", "eh1", "-c", "timescan(0.01, diode)", "-c", "print('never')")
    terminal.wait("\n   3 ")
    terminal.type("\x03")
    assert terminal.exit_code() == 130
    assert "error: -c:1: interrupted by Ctrl-C" in terminal.text
    assert "\nnever" not in terminal.text
    assert end_reason(config) == "USER_ABORT"


CTRL_Z, CTRL_BACKSLASH = "\x1a", "\x1c"


def test_ctrl_z_gives_the_prompt_back_and_resume_goes_on(terminal, config: Path):
    terminal.type("ascan(roby, 0, 60, 60, 0.05, diode)\r")
    terminal.wait_raw("Ctrl-Z pauses")
    terminal.wait("\n   3    |")
    terminal.type(CTRL_Z)
    terminal.wait("EH1 [2]:")
    assert "of 61 points: Ctrl-Z" in terminal.text
    assert "resume() goes on" in terminal.text
    terminal.wait("PAUSED: resume() or abort()")
    assert "50" in terminal.command("mv(roby, 50); ct(0.01, diode); roby.position", number=2)
    shown = terminal.command("resume()", number=3)
    assert "resumed after" in shown
    assert "SUCCESS, 61 of 61 points" in shown
    assert end_reason(config) == "SUCCESS"


def test_ctrl_backslash_stops_after_the_point(terminal, config: Path):
    terminal.type("timescan(0.02, diode)\r")
    terminal.wait("\n   3 ")
    terminal.type(CTRL_BACKSLASH)
    terminal.wait("EH1 [2]:")
    assert "STOPPED after" in terminal.text
    assert end_reason(config) == "STOPPED"


def test_abort_ends_a_paused_scan(terminal, config: Path):
    terminal.type("timescan(0.02, diode)\r")
    terminal.wait("\n   3 ")
    terminal.type(CTRL_Z)
    assert "ABORTED by user" in terminal.command("abort()", number=2)
    assert end_reason(config) == "USER_ABORT"
