"""What the prompt and the command line record, and ``session-shell history``."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from session_shell.journal import journal_paths, list_journals, read_journal


@pytest.mark.terminal
def test_the_prompt_is_recorded_as_a_person_saw_it(open_terminal, tmp_path: Path) -> None:
    terminal = open_terminal()
    terminal.command("ascan roby 0 10 4 0.01 diode", number=1)
    terminal.command("1 / 0", number=2)
    terminal.command("x =", number=3)
    terminal.command("%typing_helper", number=4)
    terminal.command("answer", number=5)
    terminal.command("elog_add(5)", number=6)
    (tmp_path / "work.py").write_text("print('at work')\n")
    terminal.command("%run work.py", number=7)
    terminal.wait("EH1 [8]:")
    terminal.type("timescan(0.05, diode)\r")
    terminal.wait_raw("point")
    terminal.type("\x03")
    terminal.wait("EH1 [9]:")
    assert terminal.leave() == 0
    (path,) = journal_paths(tmp_path / "data")
    log = read_journal(path)
    assert log.problems == ()
    assert log.closed is not None
    scan, zero, syntax, magic, answer, note, script, aborted = log.commands[:8]
    assert [f.text for f in script.files] == ["print('at work')\n"]
    assert scan.command.typed == "ascan roby 0 10 4 0.01 diode"
    assert scan.command.executed == "ascan(roby, 0, 10, 4, 0.01, diode)"
    assert scan.command.source == "prompt"
    assert scan.done is not None
    assert "\x1b" not in scan.done.output
    assert scan.done.output.count("** Scan 1: ascan") == 1
    rows = [line.split("|")[0].strip() for line in scan.done.output.split("\n")]
    assert [row for row in rows if row.isdigit()] == ["0", "1", "2", "3", "4"]
    assert zero.done is not None
    assert (zero.done.outcome, zero.done.output) == ("error", "")
    assert zero.done.error == "ZeroDivisionError: division by zero"
    assert "1 / 0" in zero.done.traceback
    assert "IPython" not in zero.done.traceback.replace("<ipython", "")
    assert syntax.done is not None
    assert syntax.done.error.startswith("SyntaxError")
    assert syntax.done.output == ""
    assert "run_line_magic" in magic.command.executed
    assert answer.done is not None
    assert answer.done.output == "42\n"
    assert note.notes[0].text == "[5] answer\n42\n"
    assert aborted.done is not None
    assert aborted.done.outcome == "interrupted"
    assert aborted.scans[0].end_reason == "USER_ABORT"


def test_history_lists_shows_and_writes(run_program, tmp_path: Path) -> None:
    assert "there are no saved sessions in data" in run_program("history").stdout
    run_program("open", "eh1", "-c", "loopscan(2, 0.01, diode)", "-c", "1 / 0")
    (tmp_path / "night.py").write_text("print('good night')\n")
    assert run_program("open", "eh1", "night.py", "a b").returncode == 0
    listed = run_program("history")
    assert listed.returncode == 0
    assert len(listed.stdout.splitlines()) == 3
    assert run_program("history", "eh1").stdout == listed.stdout
    assert run_program("history", "list", "eh1").stdout == listed.stdout
    none = run_program("history", "eh2")
    assert (none.returncode, none.stdout) == (1, "there are no saved sessions of eh2 in data\n")
    name = listed.stdout.splitlines()[1].split()[0]
    shown = run_program("history", "show", name)
    assert "scan 1: loopscan 2 0.01, 2 of 2 points, SUCCESS" in shown.stdout
    assert "ZeroDivisionError" in shown.stdout
    last = run_program("history", "show", "last")
    assert "good night" in last.stdout
    assert "night.py 'a b'" in last.stdout
    wrote = run_program("history", "show", name, "--html", "-o", "log.html")
    assert (wrote.returncode, wrote.stdout) == (0, "wrote log.html\n")
    assert (tmp_path / "log.html").read_text().startswith("<!DOCTYPE html>")
    assert "# eh1" in run_program("history", "show", name, "--markdown").stdout
    run_program("history", "show", "last", "--script", "-o", "again.py")
    assert "session.run_file(" in (tmp_path / "again.py").read_text()


def test_history_says_what_is_wrong(run_program, tmp_path: Path) -> None:
    run_program("open", "eh1", "-c", "pass")
    (path,) = journal_paths(tmp_path / "data")
    for arguments, told in (
        (("show", "no-such"), "there is no saved session 'no-such'"),
        (("show",), "Missing argument"),
        (("show", "none.jsonl"), "cannot be read: No such file"),
        (("show", "last", "--html", "-o", "no/where.html"), "no/where.html"),
    ):
        done = run_program("history", *arguments)
        assert done.returncode in (1, 2)
        assert told in done.stderr
        assert "Traceback" not in done.stderr
    record = json.loads(path.read_text().splitlines()[0])
    path.write_text(json.dumps({**record, "format": 99}) + "\n")
    done = run_program("history", "show", "last")
    assert done.returncode == 1
    assert "format 99" in done.stderr
    assert "update session-shell" in done.stderr
    listed = run_program("history")
    assert "unreadable" in listed.stdout


@pytest.mark.terminal
def test_a_session_that_a_signal_ends_says_so(open_terminal, tmp_path: Path) -> None:
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.type("timescan(0.05, diode)\r")
    terminal.wait_raw("point")
    terminal.process.kill(signal.SIGTERM)
    assert terminal.exit_code() == 128 + signal.SIGTERM
    (summary,) = list_journals(tmp_path / "data")
    assert summary.state == "ended"
    log = read_journal(summary.path)
    assert log.closed is not None
    assert log.closed.reason == "SIGTERM"
    assert log.commands[0].done is not None
    assert log.commands[0].scans[0].points > 0
