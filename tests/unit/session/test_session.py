from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import session_shell
from session_shell import open_session
from session_shell.clock import RealClock, VirtualClock
from session_shell.current import current_session, find_session
from session_shell.errors import CommandError, ConfigError, SessionShellError
from session_shell.session import Session

Make = Callable[..., Session]


def test_a_session_runs_commands_and_gives_values(session: Session) -> None:
    assert session.run("1 + 1") == 2
    assert session.run("x = 3") is None
    assert session.run("y = 1; x + y") == 4
    assert session.namespace["x"] == 3
    scan = session.run("loopscan 3 0.1 diode save=False")
    assert scan.data["diode"].tolist() == [7, 7, 7]


def test_echo_shows_values_as_the_prompt_does(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    session.run("roby.position; x = 1; 'text'", echo=True)
    assert capsys.readouterr().out == "0.0\n'text'\n"
    session.run("wa", echo=True)
    assert "Run it with wa()" in capsys.readouterr().out


def test_the_typing_helper_can_be_switched_off(session: Session) -> None:
    session.typing_helper = False
    with pytest.raises(SyntaxError):
        session.run("ct 0.1 diode")


def test_errors_are_raised_and_kept(session: Session) -> None:
    with pytest.raises(ZeroDivisionError):
        session.run("1 / 0")
    assert isinstance(session.last_error, ZeroDivisionError)
    assert session.run("2") == 2


def test_positions_and_settings_survive_a_restart(make_session: Make) -> None:
    with make_session() as first:
        first.run("mv(roby, 3.5); roby.offset = 1; roby.velocity = 4; MG2.set_active()")
        first.run("MG1.disable('diode3'); SCAN_SAVING.add('sample', 'Si')")
    with make_session() as second:
        roby = second.namespace["roby"]
        assert (roby.dial, roby.offset, roby.velocity) == (3.5, 1, 4)
        assert second.active_mg is second.namespace["MG2"]
        assert second.namespace["MG1"].enabled == ["diode"]
        assert second.saving.sample == "Si"


def test_positions_survive_a_kill_between_two_commands(make_session: Make) -> None:
    killed = make_session()
    killed.run("mv(roby, 3.5)")
    killed.lock.release()  # as the system does; the session is never closed
    assert make_session().namespace["roby"].position == 3.5


def test_an_edit_of_the_yaml_beats_a_saved_value(make_session: Make, config: Path) -> None:
    with make_session() as first:
        first.run("roby.velocity = 4; mv(roby, 1)")
    text = (config / "bench.yml").read_text()
    (config / "bench.yml").write_text(text.replace("velocity: 10,", "velocity: 20,"))
    with make_session() as second:
        assert second.namespace["roby"].velocity == 20
        assert second.namespace["roby"].position == 1


def test_garbage_in_the_settings_costs_a_warning(
    make_session: Make, caplog: pytest.LogCaptureFixture
) -> None:
    with make_session() as first:
        pass
    first.settings.put({"robz": {"dial": "nonsense"}, "SCAN_SAVING": {"template": "{x}"}})
    first.settings.close()
    second = make_session()
    assert second.namespace["robz"].position == 0
    assert "robz" in caplog.text
    assert "SCAN_SAVING" in caplog.text


def test_same_seed_same_numbers(make_session: Make, tmp_path: Path) -> None:
    def counts(seed: int | None) -> list[float]:
        with make_session(seed=seed, data=tmp_path / "other") as session:
            values: list[float] = (
                session.run("loopscan 5 0.1 diode3 save=False").data["diode3"].tolist()
            )
            return values

    assert counts(3) == counts(3)
    assert counts(3) != counts(4)
    assert counts(None) != counts(None)


def test_bad_objects_do_not_keep_it_from_opening(make_session: Make, config: Path) -> None:
    (config / "bad.yml").write_text("- {name: bad, class: Nonsense}\n- {name: worse\n")
    session = make_session()
    assert "roby" in session.namespace
    assert any("bad.yml" in str(problem) for problem in session.problems)


def test_an_unknown_session_or_directory_is_an_error(config: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="bench"):
        open_session("bnech", config=config, data=tmp_path)
    with pytest.raises(ConfigError, match="nowhere"):
        open_session("bench", config=tmp_path / "nowhere", data=tmp_path)


# The setup script


def test_names_of_the_setup_script_appear(make_session: Make, config: Path) -> None:
    (config / "bench_setup.py").write_text(
        "import math\ndef half():\n    return roby.position / 2\numv(roby, 3)\nhere = __file__\n"
    )
    session = make_session()
    assert session.problems == []
    assert session.run("half()") == 1.5
    assert session.namespace["here"] == str(config / "bench_setup.py")
    assert "__file__" not in session.namespace


@pytest.mark.parametrize(
    ("script", "line", "message"),
    [
        ("x = 1\n1 / 0\n", 2, "ZeroDivisionError: division by zero"),
        ("def f():\n    raise ValueError('bad')\n\nf()\n", 2, "ValueError: bad"),
        ("x = 1\nif x\n", 2, "SyntaxError: expected ':'"),
        ("x = 1\nexit()\n", 2, "called exit()"),
        ("import nonsense_module\n", 1, "ModuleNotFoundError: No module named 'nonsense_module'"),
        ("ascan(roby, 0, 1, 2.5, 1)\n", 1, "intervals must be a whole number >= 1, got 2.5"),
    ],
)
def test_an_error_in_the_setup_script_names_its_line(
    make_session: Make, config: Path, script: str, line: int, message: str
) -> None:
    path = config / "bench_setup.py"
    path.write_text(script)
    session = make_session()
    (problem,) = session.problems
    assert (problem.file, problem.line) == (path, line)
    assert message in problem.message
    assert session.run("roby.position") == 0


def test_a_setup_script_that_is_no_text_is_a_problem(make_session: Make, config: Path) -> None:
    (config / "bench_setup.py").write_bytes(b"\xff\xfe\0")
    assert "is no Python file" in str(make_session().problems[0])


def test_included_sessions_set_up_first(make_session: Make, config: Path) -> None:
    (config / "more.yml").write_text(
        "- {name: more, class: Session, setup-file: ./more_setup.py, include-sessions: [bench],"
        " aliases: [{original_name: roby, alias_name: y}]}\n"
    )
    (config / "bench_setup.py").write_text("order = ['bench']\n")
    (config / "more_setup.py").write_text("order.append('more')\n")
    with open_session("more", config=config, data=config / "data") as session:
        assert session.namespace["order"] == ["bench", "more"]
        assert session.namespace["y"] is session.namespace["roby"]
        assert session.run("ascan y 0 1 1 0.01 save=False").title == "ascan roby 0 1 1 0.01"


# Current session, closing


def test_the_current_session_is_put_back(make_session: Make) -> None:
    assert find_session() is None
    with make_session() as outer:
        with make_session(read_only=True) as inner:
            assert current_session() is inner
        assert current_session() is outer
        assert inner.closed
        with pytest.raises(CommandError, match="is closed"):
            inner.run("1")
    assert find_session() is None
    with pytest.raises(SessionShellError, match="no session is open"):
        session_shell.current_session()


def test_closing_stops_what_moves(make_session: Make) -> None:
    session = make_session()
    session.run("move(roby, 40, wait=False)")
    session.clock.sleep(1)
    session.close()
    session.close()
    session.clock.sleep(10)
    assert session.namespace["roby"].position < 20


def test_an_object_that_hides_a_command_is_told(make_session: Make, config: Path) -> None:
    (config / "more.yml").write_text("- {name: ct, class: simulation_diode, model: random}\n")
    session = make_session()
    assert "the object ct hides the command" in str(session.problems[0])


def test_a_session_describes_itself(session: Session) -> None:
    assert "bench.yml" in session.__info__()
    assert repr(session) == "<Session bench, open>"


def test_clocks() -> None:
    real, virtual = RealClock(), VirtualClock(start=5)
    before = real.time()
    real.sleep(-1)
    assert real.time() >= before
    virtual.sleep(2)
    virtual.sleep(-2)
    assert virtual.time() == 7


def test_the_library_path_imports_neither_ipython_nor_click(config: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from session_shell import open_session\n"
        f"with open_session('bench', config={str(config)!r}, data={str(tmp_path)!r}) as s:\n"
        "    s.run('loopscan 2 0.001 diode')\n"
        "print([m for m in ('IPython', 'prompt_toolkit', 'click', 'rich') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "[]\n"


def test_clocks_have_names(make_session: Make) -> None:
    with make_session(clock="virtual") as session:
        assert type(session.clock) is VirtualClock
    with make_session(clock="real") as session:
        assert type(session.clock) is RealClock
    with pytest.raises(CommandError, match='clock must be "real" or "virtual"'):
        make_session(clock="fast")
