from __future__ import annotations

from pathlib import Path

import pytest

from session_shell.commands import GROUPS, VERBS
from session_shell.errors import CommandError
from session_shell.session import Session

Capture = pytest.CaptureFixture[str]


def printed(session: Session, capsys: Capture, typed: str) -> str:
    session.run(typed)
    return capsys.readouterr().out


def test_every_command_is_in_the_namespace_and_documented(session: Session) -> None:
    assert sum(map(len, GROUPS.values())) == len(VERBS)
    for name, verb in VERBS.items():
        assert session.namespace[name] is verb
        assert verb.__doc__
        assert "Example:" in verb.__doc__, name


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("lscnt()", ["diode", "V", "MEAN", "0-D"]),
        ("lsmg()", ["*", "MG1", "MG2", "diode, diode3"]),
        ("lsobj()", ["roby", "robz", "MG1"]),
        ("lsconfig()", ["roby", "bench.yml:4"]),
        ("info(roby)", ["velocity", "10 mm/s"]),
        ("info('roby')", ["velocity"]),
        ("info(SCAN_SAVING)", ["template"]),
        ("info(ct(0.1, diode))", ["SUCCESS", "columns   elapsed_time, epoch, diode"]),
        ("info(ascan)", ["ascan(motor, start, stop, intervals, count_time, *counters"]),
        ("info(3)", ["3"]),
        ("prdef(lscnt)", ["info.py:", "def lscnt()"]),
        ("last_error()", ["no error so far"]),
        ("clear()", []),
    ],
)
def test_looking_prints_what_there_is(
    session: Session, capsys: Capture, typed: str, expected: list[str]
) -> None:
    out = printed(session, capsys, typed)
    for text in expected:
        assert text in out


def test_lsobj_takes_a_pattern(session: Session, capsys: Capture) -> None:
    out = printed(session, capsys, "lsobj('rob?')")
    assert "roby" in out
    assert "diode" not in out


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("info('nothing')", "there is no object 'nothing'"),
        ("prdef(3)", "there is no source"),
        ("metadata_profiling()", "there is no scan yet"),
        ("lsobj(3)", "pattern must be some text, got 3"),
    ],
)
def test_what_is_not_there_is_told(session: Session, typed: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        session.run(typed)


def test_the_last_error_is_shown_whole(session: Session, capsys: Capture) -> None:
    with pytest.raises(ZeroDivisionError):
        session.run("def f():\n    return 1 / 0\nf()")
    out = printed(session, capsys, "last_error()")
    assert "return 1 / 0" in out
    assert "ZeroDivisionError: division by zero" in out


def test_profiling_lists_the_sources(session: Session, capsys: Capture) -> None:
    session.scan_meta.sample.set("slow one", lambda scan: {"x": 1})
    out = printed(session, capsys, "ct(0.1, diode); metadata_profiling()")
    assert "slow one" in out
    assert "START" in out


# Scripts


@pytest.fixture
def scripts(config: Path) -> Path:
    folder = config / "scripts"
    (folder / "align.py").write_text("_private = 1\nhere = __file__\ndef answer(): return 42\n")
    return folder


def test_load_script_puts_names_into_the_session(session: Session, scripts: Path) -> None:
    session.run("load_script('align')")
    assert session.run("answer()") == 42
    assert session.namespace["here"] == str(scripts / "align.py")
    session.run("load_script('align.py')")


def test_user_scripts(session: Session, scripts: Path, capsys: Capture, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "own.py").write_text("x = 5\nprint('ran')\n")
    assert session.run("user_script_homedir()") == str(scripts)
    assert session.run(f"user_script_homedir({str(mine)!r})") == str(mine)
    assert printed(session, capsys, "user_script_list()") == "own.py\n"
    session.run("user_script_load('own')")
    assert session.run("user.x") == 5
    assert "x" not in session.namespace
    assert session.run("user_script_load('own', False).x") == 5
    session.run("user_script_load('own', export_global=True)")
    assert session.namespace["x"] == 5
    capsys.readouterr()
    session.run("user_script_run('own')")
    assert capsys.readouterr().out == "ran\n"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("load_script('aling')", "there is no script 'aling' in .*, did you mean 'align'"),
        ("load_script('zzz')", "there are align"),
        ("load_script(3)", "must be some text, got 3"),
        ("user_script_homedir('/nowhere/at/all')", "is no folder"),
        ("user_script_load('align', 'x')", 'export_global must be "user", True or False'),
    ],
)
def test_wrong_scripts_are_told(session: Session, scripts: Path, typed: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        session.run(typed)


def test_an_error_in_a_script_shows_its_own_line(session: Session, scripts: Path) -> None:
    (scripts / "bad.py").write_text("x = 1\n1 / 0\n")
    with pytest.raises(ZeroDivisionError) as caught:
        session.run("load_script('bad')")
    last = caught.traceback[-1]
    assert (str(last.path), last.lineno) == (str(scripts / "bad.py"), 1)
