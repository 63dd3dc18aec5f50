"""The prompt in a real terminal: banner, help, completion, history, toolbar, leaving."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

pytestmark = pytest.mark.terminal


def test_banner_prompt_and_toolbar(terminal):
    terminal.wait("no scan yet")
    assert "session-shell 0." in terminal.text
    assert "3 axes, 2 counters, 1 measurement group" in terminal.text
    assert "sessions/eh1_setup.py" in terminal.text
    assert " eh1 | data" in terminal.text
    assert "error" not in terminal.text.lower()
    assert terminal.leave() == 0


def test_the_namespace_is_that_of_the_setup_script(terminal):
    assert "42" in terminal.command("answer", number=1)
    terminal.command("answer = 43", number=2)
    assert "43" in terminal.command(
        "from session_shell import current_session as c; c().namespace['answer']", number=3
    )


def test_what_failed_is_told_and_the_rest_works(open_terminal, config: Path):
    (config / "bad.yml").write_text("- {class: no_such_class, name: broken}\n", encoding="utf-8")
    (config / "eh1_setup.py").write_text("first = 1\n\nroby.nothing_there\n", encoding="utf-8")
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    assert "sessions/bad.yml:1:" in terminal.text
    assert "sessions/eh1_setup.py:3:" in terminal.text
    assert "Traceback" not in terminal.text
    assert "nothing_there" in terminal.command("last_error()", number=1)
    assert "1" in terminal.command("first", number=2)
    assert "1 point" in terminal.command("ct(0.01, diode)", number=3)


def test_values_are_shown_as_info_does(terminal):
    shown = terminal.command("roby", number=1)
    assert "Out [1]:" in shown
    assert "position" in shown
    assert "velocity" in shown
    assert "Out [2]: [1, 2]" in terminal.command("[1, 2]", number=2)
    assert "<Scan 1: loopscan 1 0.01" in terminal.command("loopscan(1, 0.01)", number=3)


def test_help(terminal):
    shown = terminal.command("mv?", number=1)
    assert "Signature:" in shown
    assert "Move axes together" in shown
    assert "axis" in terminal.command("roby?", number=2)


def test_completion_of_devices_and_their_members(terminal):
    terminal.type("ro\t")
    terminal.wait_until(lambda: "roby" in terminal.text and "robz" in terminal.text)
    terminal.type("\x15roby.posit\t")
    terminal.wait("roby.position")
    terminal.type("\x15loopsc\t")
    terminal.wait("loopscan")


def test_completion_of_typed_syntax(terminal):
    terminal.type("umv slo\t")
    terminal.wait("umv slow")


def test_typed_syntax_and_how_to_switch_it_off(terminal):
    assert "3 points" in terminal.command("ascan roby 0 1 2 0.01", number=1)
    assert "2.000\n" in terminal.command("umv roby 2", number=2)
    assert "typing helper is off" in terminal.command("%typing_helper off", number=3)
    assert "SyntaxError" in terminal.command("umv roby 3", number=4)
    assert "typing helper is off" in terminal.command("typing_helper", number=5)
    assert "expected on or off" in terminal.command("%typing_helper maybe", number=6)
    assert "typing helper is on" in terminal.command("%typing_helper on", number=7)
    assert "3.000\n" in terminal.command("umv roby 3", number=8)


def test_a_block_of_several_lines(terminal):
    terminal.type("for i in range(2):\rprint('line', i * 21)\r\r")
    terminal.wait("EH1 [2]:")
    assert "line 21" in terminal.text


def test_an_error_of_ours_is_one_line(terminal):
    shown = terminal.command("mv(roby, 1e6)", number=1).strip()
    assert len(shown.splitlines()) == 2  # what was typed, and the error
    assert "outside [-100, 100] mm" in shown
    shown = terminal.command("last_error()", number=2)
    assert "Traceback" in shown
    assert "LimitError" in shown
    assert "IPython" not in shown


def test_another_error_is_a_traceback_without_our_frames(terminal):
    terminal.command("def f(): return 1 / 0", number=1)
    shown = terminal.command(
        "from session_shell import current_session as c; c().run('f()')", number=2
    )
    assert "ZeroDivisionError" in shown
    assert "return 1 / 0" in shown
    assert "execution.py" not in shown


def test_positions_and_history_survive_a_restart(open_terminal):
    first = open_terminal()
    first.command("umv(roby, 3.25)", number=1)
    assert first.leave() == 0
    second = open_terminal()
    assert "3.25" in second.command("roby.position", number=1)
    second.wait("EH1 [2]:")
    second.type("\x1b[A\x1b[A")
    second.wait("EH1 [2]: umv(roby, 3.25)")


def test_two_prompts_of_one_session(open_terminal):
    one = open_terminal()
    one.wait("EH1 [1]:")
    assert "Took" in one.command("loopscan(1, 0.01, diode)", number=1)
    refused = open_terminal()
    refused.wait("look with: session-shell open eh1 --read-only")
    two = open_terminal("open", "eh1", "--read-only")
    two.wait("EH1 [1]:")
    assert "READ-ONLY" in two.text
    assert "last scan 1" in two.text
    assert "save=False" in two.command("loopscan(1, 0.01, diode)", number=1)
    assert "Took" in two.command("loopscan(1, 0.01, diode, save=False)", number=2)
    assert one.leave() == 0
    assert two.leave() == 0


def test_a_history_that_cannot_be_kept_is_told_once(open_terminal, tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    terminal = open_terminal(env={"XDG_STATE_HOME": str(tmp_path / "file")})
    terminal.wait("EH1 [1]:")
    assert terminal.text.count("warning: the history is not kept") == 1
    assert "2" in terminal.command("1 + 1", number=1)
    assert terminal.leave() == 0


def test_a_damaged_history_does_not_keep_a_session_from_opening(open_terminal, tmp_path: Path):
    history = tmp_path / "state" / "session-shell" / "history" / "eh1.sqlite"
    history.parent.mkdir(parents=True)
    history.write_bytes(bytes(4096))
    terminal = open_terminal(env={"XDG_STATE_HOME": str(tmp_path / "state")})
    terminal.wait("EH1 [1]:")
    assert "the history was damaged" in terminal.text
    assert "2" in terminal.command("1 + 1", number=1)
    assert terminal.leave() == 0
    assert history.with_name("eh1-damaged-1.sqlite").read_bytes() == bytes(4096)


def test_of_the_users_ipython_only_taste_is_taken(open_terminal, tmp_path: Path):
    profile = tmp_path / ".ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "00.py").write_text("raise SystemError('startup')", encoding="utf-8")
    (profile / "ipython_config.py").write_text(
        "c = get_config()\n"
        "c.InteractiveShellApp.exec_lines = ['raise SystemError(1)']\n"
        "c.InteractiveShell.banner1 = 'theirs'\n"
        "c.TerminalInteractiveShell.editing_mode = 'vi'\n",
        encoding="utf-8",
    )
    terminal = open_terminal()
    terminal.wait("[ins] EH1 [1]:")
    assert "SystemError" not in terminal.text
    assert "theirs" not in terminal.text


def test_a_broken_ipython_configuration_is_a_warning(open_terminal, tmp_path: Path):
    profile = tmp_path / ".ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text("1 / 0\n", encoding="utf-8")
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    assert "ipython_config.py is not used: division by zero" in terminal.text.replace("\n", "")


def test_the_toolbar_tells_the_last_scan_and_what_moves(terminal):
    terminal.command("loopscan(2, 0.01, diode)", number=1)
    terminal.wait("scan 1 loopscan 2 0.01")
    terminal.wait("SUCCESS")
    terminal.command("move(slow, 100, wait=False)", number=2)
    terminal.wait("moving slow")
    terminal.command("stop(slow)", number=3)
    terminal.wait_until(lambda: "moving slow" not in terminal.screen.display[-1])


@pytest.mark.parametrize("way", ["exit\r", "quit\r", "exit()\r"])
def test_leaving(terminal, way):
    assert terminal.leave(way) == 0


def test_a_script_that_calls_exit_does_not_end_the_session(terminal):
    terminal.command("import sys; sys.exit(3)", number=1)
    assert "2" in terminal.command("1 + 1", number=2)
    assert terminal.leave() == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt_ends_the_session(terminal, signum):
    terminal.process.kill(signum)
    assert terminal.exit_code() == 128 + signum
    assert "Traceback" not in terminal.text


def test_staying_at_the_prompt_after_script_and_commands(open_terminal, tmp_path: Path):
    (tmp_path / "work.py").write_text("import sys\nargs = sys.argv[1:]\n", encoding="utf-8")
    terminal = open_terminal("-s", "eh1", "work.py", "a", "-c", "b = 7", "-i")
    # Commands are numbered as in the journal: the script was 1, -c was 2.
    assert "['a']" in terminal.command("args", number=3)
    assert "7" in terminal.command("b", number=4)


def test_commands_at_a_terminal_exit_without_a_prompt(open_terminal):
    terminal = open_terminal("open", "eh1", "-c", "loopscan(2, 0.01, diode)")
    assert terminal.exit_code() == 0
    assert "Took" in terminal.text
    assert "EH1 [" not in terminal.raw


def test_resume(open_terminal):
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    terminal.command("newsample Fe2O3", number=1)
    terminal.command("step = 0.5", number=2)
    assert terminal.leave() == 0
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    assert "Fe2O3_0001" in terminal.text
    assert "step" in terminal.command("%resume", number=1)
    assert "0.5" in terminal.command("step", number=2)


def test_whos_lists_what_the_person_has_defined(terminal):
    terminal.command("mine = 3", number=1)
    shown = terminal.command("%whos", number=2)
    names = [line.split()[0] for line in shown.splitlines() if line.split()]
    assert "mine" in names
    assert not {"dscan", "roby", "SCANS", "cen"} & set(names)


def test_no_line_takes_devices_and_commands_away(open_terminal, config: Path):
    terminal = open_terminal(columns=160)
    script = config.parent / "mine.py"
    script.write_text("first = 1\nroby = 5\n", encoding="utf-8")
    refused = 'take another name, or run unprotect("roby") first'
    (config / "scripts").mkdir()
    (config / "scripts" / "named.py").write_text("for roby in (1, 2): pass\n", encoding="utf-8")
    lines = [
        "roby = 5",
        "for roby in (1, 2): print('looped')",
        "del roby",
        "%time roby = 5",
        "%run mine.py",
        "%run -i mine.py",
        "%xdel roby",
        "load_script('named')",
        "import __main__; __main__.roby = 5",
    ]
    for number, line in enumerate(lines, start=1):
        shown = " ".join(terminal.command(line, number=number).split())
        assert refused in shown, line
        assert "Traceback" not in shown
        assert "\nlooped" not in shown


def test_reset_keeps_devices_and_commands(terminal):
    terminal.command("mine = 3", number=1)
    terminal.command("%reset -f", number=2)
    shown = terminal.command("roby.name, ascan.__name__, 'mine' in globals()", number=3)
    assert "('roby', 'ascan', False)" in shown
