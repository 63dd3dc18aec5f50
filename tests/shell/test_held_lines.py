"""A pause holds the line that runs: a prompt on top of it, and it goes on after `resume()`."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

CTRL_Z = "\x1a"


def pause(terminal, line: str) -> None:
    """Run a line at the first prompt, and pause its first scan."""
    terminal.type(line + "\r")
    terminal.wait("\n   3 ")
    terminal.type(CTRL_Z)
    terminal.wait("resume() goes on, abort() ends it")
    terminal.wait("EH1 [2]:")


def ends(config: Path) -> list[tuple[str, int, str]]:
    """Return type, command and end of each scan of the journal, in the order of their ends."""
    (journal,) = config.parent.rglob("*.jsonl")
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    return [(r["type"], r["number"], r["end_reason"]) for r in records if r["record"] == "scan"]


@pytest.mark.parametrize("handler", ["except Exception: print('failed')", "except: print('bare')"])
def test_a_loop_goes_on_behind_its_paused_scan(open_terminal, config: Path, handler: str):
    (config / "eh1_setup.py").write_text(
        "def f():\n    for n in range(2):\n        try: ascan(roby, 0, 60, 60, 0.02, diode)\n"
        f"        {handler}\n    return 'all ' + 'done'\n"
    )
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    pause(terminal, "f()")
    assert "50" in terminal.command("mv(roby, 50); ct(0.01, diode); roby.position", number=2)
    assert "all done" in terminal.command("resume()", number=3)
    assert "failed" not in terminal.text
    assert "bare" not in terminal.text
    assert terminal.leave() == 0
    assert ends(config) == [("ct", 2, "SUCCESS"), *[("ascan", 1, "SUCCESS")] * 2]


def test_a_sequence_goes_on_behind_a_paused_member(terminal, config: Path):
    add = "seq.add(loopscan(30, 0.02, diode, run=False)); seq.add(ct(0.01, diode, run=False))"
    terminal.type(f"with sequence('two') as seq: {add}\n\n")
    terminal.wait("\n   3 ")
    terminal.type(CTRL_Z)
    terminal.command("resume()", number=2)
    assert terminal.leave() == 0
    assert [end for _, _, end in ends(config)] == ["SUCCESS"] * 3


def test_a_second_pause_lies_on_top_of_the_first(terminal, config: Path):
    pause(terminal, "ascan(roby, 0, 60, 60, 0.02, diode); print('first ' + 'over')")
    terminal.type("loopscan(60, 0.02, diode); print('second ' + 'over')\r")
    terminal.wait_until(lambda: terminal.text.count("\n   3 ") == 2)
    terminal.type(CTRL_Z)
    assert "is paused on top of it" in terminal.command("SCANS[0].resume()", number=3)
    assert "is paused on top of it" in terminal.command("SCANS[0].abort()", number=4)
    assert "second over" in terminal.command("SCANS[-1].resume()", number=5)
    assert "first over" in terminal.command("resume()", number=6)
    assert terminal.leave() == 0
    assert ends(config) == [("loopscan", 2, "SUCCESS"), ("ascan", 1, "SUCCESS")]


def test_abort_ends_the_line(terminal, config: Path):
    pause(terminal, "timescan(0.02, diode); print('never ' + 'seen')")
    terminal.command("abort()", number=2)
    terminal.wait("USER_ABORT")
    assert "never seen" not in terminal.text
    assert terminal.leave() == 0
    assert ends(config) == [("timescan", 1, "USER_ABORT")]


def test_what_cannot_be_put_back_stays_paused(terminal, config: Path):
    pause(terminal, "ascan(roby, 0, 60, 60, 0.02, diode); print('line ' + 'over')")
    line = "mv(roby, -50); roby.limits = -60, -40; resume()"
    assert "stays paused" in terminal.command(line, number=2)
    assert "line over" in terminal.command("roby.limits = -100, 100; resume()", number=3)
    assert terminal.leave() == 0
    assert ends(config) == [("ascan", 1, "SUCCESS")]


@pytest.mark.parametrize("way", ["\x04", "exit\r", "exit()\r"])
def test_leaving_ends_the_scan_with_its_names_in_place(terminal, config: Path, way: str):
    terminal.type("class P(ScanPreset):\n    def stop(self, scan): print('closed', len(SCANS))\n\n")
    terminal.wait("EH1 [2]:")
    terminal.command("add_preset(P())", number=2)
    terminal.type("timescan(0.02, diode)\r")
    terminal.wait("\n   3 ")
    terminal.type(CTRL_Z)
    terminal.wait("EH1 [4]:")
    assert terminal.leave(way) == 0
    assert "closed 1" in terminal.text
    assert "NameError" not in terminal.text
    assert ends(config) == [("timescan", 3, "USER_ABORT")]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_scan_and_the_session(terminal, config: Path, signum: int):
    pause(terminal, "timescan(0.02, diode)")
    terminal.process.kill(signum)
    assert terminal.exit_code() == 128 + signum
    assert ends(config) == [("timescan", 1, "SESSION_ENDED")]
