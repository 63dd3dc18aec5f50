"""The command line without a session: usage, directories, list, new, check."""

from __future__ import annotations

from pathlib import Path

import pytest

from session_shell import __version__
from session_shell.shell.cli import _with_open, run
from session_shell.shell.places import Places


@pytest.fixture(autouse=True)
def _here(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(config.parent)
    monkeypatch.delenv("SESSION_SHELL_CONFIG", raising=False)
    monkeypatch.delenv("SESSION_SHELL_DATA", raising=False)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("-s demo", "open demo"),
        ("-sdemo -c wa()", "open demo -c wa()"),
        ("--session demo -i", "open demo -i"),
        ("--session=demo x.py", "open demo x.py"),
        ("--config list -s demo --data d", "--config list open demo --data d"),
        ("--config=c -s demo", "--config=c open demo"),
        ("open -s", "open -s"),
        ("open demo -c -s", "open demo -c -s"),
        ("list", "list"),
        ("-s", "-s"),
        ("--version", "--version"),
        ("--config", "--config"),
        ("", ""),
    ],
)
def test_s_means_open(typed, meant):
    assert _with_open(typed.split()) == meant.split()


@pytest.mark.parametrize("command", ["", "open", "list", "new", "check"])
def test_help_has_examples(capsys, command):
    assert run([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert "Example" in text
    assert f"session-shell {command}".strip() in text
    assert "$SESSION_SHELL_CONFIG" in text


def test_version(capsys):
    assert run(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["opne", "eh1"], "No such command 'opne'"),
        (["open"], "Missing argument 'NAME'"),
        (["-s"], "requires an argument"),
        (["open", "eh1", "nothing.py"], "'nothing.py' does not exist"),
        (["open", "eh1", "--clock", "sundial"], "'sundial' is not one of"),
        (["open", "eh1", "--seed", "-1"], "--seed"),
        (["list", "--wrong"], "No such option"),
        (["list", "too", "many"], "unexpected extra argument"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    assert run(arguments) == 2
    assert message in capsys.readouterr().err


def test_no_argument_is_help(capsys):
    assert run([]) == 2
    assert "Usage: session-shell" in "".join(capsys.readouterr())


@pytest.mark.parametrize("command", [["open", "eh2"], ["check", "eh2"]])
def test_an_unknown_session(capsys, command):
    assert run(command) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: there is no session 'eh2'")
    assert "did you mean 'eh1'?" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", [["open", "eh1"], ["list"], ["check"]])
def test_no_configuration_directory(capsys, command):
    assert run(["--config", "nowhere", *command]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: there is no configuration directory")
    assert error.count("\n") == 1


def test_the_configuration_is_a_file(capsys):
    Path("file").write_text("", encoding="utf-8")
    assert run(["list", "--config", "file"]) == 1
    assert "is a file, not a directory" in capsys.readouterr().err


def test_which_directory_counts(monkeypatch):
    assert Places().config_dir == Path("sessions")
    assert Places().data_dir == Path("data")
    monkeypatch.setenv("SESSION_SHELL_CONFIG", "~/mine")
    monkeypatch.setenv("SESSION_SHELL_DATA", "/scans")
    assert Places().config_dir == Path("~/mine").expanduser()
    assert Places().data_dir == Path("/scans")
    given = Places(Path("a"), Path("b"))
    assert (given.config_dir, given.data_dir) == (Path("a"), Path("b"))
    monkeypatch.setenv("SESSION_SHELL_CONFIG", "")
    assert Places().config_dir == Path("sessions")


def test_options_before_and_behind_the_subcommand(capsys, config: Path):
    config.rename("elsewhere")
    for arguments in (
        ["--config", "elsewhere", "list"],
        ["list", "--config", "elsewhere"],
        ["--config", "nowhere", "list", "--config", "elsewhere"],
    ):
        assert run(arguments) == 0
        assert "eh1" in capsys.readouterr().out


def test_list(capsys, config: Path):
    (config / "eh9.yml").write_text(
        "- {class: Session, name: eh9, include-sessions: [eh1], setup-file: gone.py}\n",
        encoding="utf-8",
    )
    assert run(["list"]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["session", "file", "setup", "script", "includes"]
    assert first.split() == ["eh1", "sessions/eh1.yml:3", "sessions/eh1_setup.py", "-"]
    assert second.split() == ["eh9", "sessions/eh9.yml:1", "sessions/gone.py", "(missing)", "eh1"]


def test_list_of_nothing(capsys):
    Path("empty").mkdir()
    assert run(["list", "--config", "empty"]) == 0
    assert "session-shell new NAME" in capsys.readouterr().err


def test_list_tells_that_files_are_broken(capsys, config: Path):
    (config / "bad.yml").write_text("a: [1\n", encoding="utf-8")
    assert run(["list"]) == 0
    done = capsys.readouterr()
    assert "eh1" in done.out
    assert "1 problem in these files: session-shell check" in done.err


def test_check(capsys, config: Path):
    assert run(["check"]) == 0
    assert "no problem" in capsys.readouterr().err
    (config / "bad.yml").write_text(
        "- {class: no_such_class, name: broken}\n- {class: mockup, name: odd, axis: 1}\n",
        encoding="utf-8",
    )
    assert run(["check"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("sessions/bad.yml:1: ")
    assert all(line.startswith("sessions/bad.yml:") for line in lines)


def test_warnings_do_not_fail_a_check(capsys, config: Path):
    with (config / "devices.yml").open("a", encoding="utf-8") as file:
        file.write("- {class: simulation_diode, name: odd, model: constant, colour: red}\n")
    assert run(["check", "eh1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("sessions/devices.yml:")
    assert ": warning: " in line
    assert "colour" in line


def test_a_new_session_works_at_once(capsys):
    assert run(["new", "mine", "--config", "other"]) == 0
    out = capsys.readouterr().out
    assert "wrote other/mine.yml" in out
    assert "session-shell open mine --config other" in out
    assert run(["check", "--config", "other"]) == 0
    assert run(["new", "mine", "--config", "other"]) == 1
    assert capsys.readouterr().err.count("error: ") == 1


def test_a_name_that_cannot_be(capsys):
    assert run(["new", "../x"]) == 1
    assert capsys.readouterr().err.startswith("error: '../x'")
