"""Names of an earlier run, defined again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from session_shell.errors import SessionShellError
from session_shell.journal import read_journal
from session_shell.session import Session

Make = Callable[..., Session]

TYPED = [
    "import math",
    "def half(axis):\n    # half way\n    return axis.position / 2",
    "radius = 2 * math.pi",
    "umv roby 3",
    "where = roby.position",
    "SCAN_SAVING.add('sample', 'Si')",
    "MG2.set_active()",
    "ascan roby 0 1 2 0.1",
]


def test_all_is_as_it_was_left(make_session: Make) -> None:
    with make_session() as first:
        for command in TYPED:
            first.run(command)
    with make_session(resume=True) as second:
        assert second.run("half(roby), round(radius, 2)") == (0.5, 6.28)
        assert second.saving.sample == "Si"
        assert second.active_mg is not None
        assert second.active_mg.name == "MG2"
        assert second.run("sct(0.1)").number == 2
        assert "where" not in second.namespace
        assert second.resumed is not None
        assert second.resumed.journal == first.journal.id
        assert second.resumed.names == ("math", "half", "radius")
        lines = second.resumed.lines()
        assert lines[0].startswith(f"run {first.journal.id} of ")
        assert lines[1] == (
            "not again: where = roby.position  (roby.position is not a plain value)"
        )
        assert not second.run("roby.is_moving")


def test_without_resume_nothing_is_defined(make_session: Make) -> None:
    with make_session() as first:
        first.run("x = 3")
    with make_session() as second:
        assert "x" not in second.namespace
        assert second.resumed is None
        assert second.resume().names == ("x",)
        assert second.run("x") == 3


def test_it_goes_on_from_run_to_run(make_session: Make) -> None:
    with make_session() as session:
        session.run("x = 3\ny = 4\nx = cen")
        session.run("z = 1")
        session.run("z = roby.position")
    for _ in range(3):
        with make_session() as session:
            session.run("roby.position")  # runs that define nothing are passed over
        with make_session(resume=True) as session:
            assert session.run("y") == 4
            assert "z" not in session.namespace
    assert session.resumed is not None
    assert session.resumed.left_out == ()
    sources = {one.command.source for one in read_journal(session.journal.path).commands}
    assert sources == {"resume", "api"}


def test_a_killed_run(make_session: Make, config: Path, tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from session_shell import open_session\n"
        "session = open_session('bench', config=sys.argv[1], data=sys.argv[2])\n"
        "session.run('x = 7; umv(roby, 2)')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", code, str(config), str(tmp_path / "data")]
    subprocess.run(command, check=False)
    with make_session(resume=True) as session:
        assert session.run("x, roby.position") == (7, 2)


def test_failed_commands_are_not_repeated(make_session: Make) -> None:
    with make_session() as first, pytest.raises(ZeroDivisionError):
        first.run("x = 3; 1 / 0")
    with make_session() as second:
        second.run("y = 2")
    with make_session(resume=True) as third:
        assert third.resumed is not None
        assert third.resumed.names == ("y",)


def test_modules_of_the_user_do_not_run_again(
    make_session: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    (tmp_path / "lab_module.py").write_text("from session_shell import current_session\n")
    with make_session() as first:
        first.run("import lab_module\nx = 3")
    del sys.modules["lab_module"]
    with make_session(resume=True) as second:
        assert second.run("x") == 3
        assert second.resumed is not None
        assert second.resumed.lines()[1].startswith(
            "not again: import lab_module  (lab_module is not an installed package"
        )
    assert "lab_module" not in sys.modules


def test_a_definition_that_fails_now(make_session: Make, config: Path) -> None:
    setup = config / "bench_setup.py"
    setup.write_text("depth = 3\n")
    with make_session() as first:
        first.run("deep = [depth]\nx = 3")
    setup.write_text("")
    with make_session(resume=True) as second:
        assert second.run("x") == 3
        assert second.resumed is not None
        assert "not again: deep = [depth]  (NameError" in "".join(second.resumed.lines())
        assert second.last_error is None


def test_names_of_scripts(make_session: Make, config: Path) -> None:
    (config / "scripts" / "align.py").write_text("step = 0.5\ndef go(): umv(roby, step)\ngo()\n")
    with make_session() as first:
        first.run("load_script('align')")
    with make_session(resume=True) as second:
        second.run("mv(roby, 0); go()")
        assert second.run("roby.position, step") == (0.5, 0.5)


def test_a_run_by_its_id(make_session: Make) -> None:
    with make_session() as first:
        first.run("x = 1")
    with make_session() as second:
        second.run("x = 2")
    with make_session() as third:
        third.resume(first.journal.id)
        assert third.run("x") == 1
        with pytest.raises(SessionShellError):
            third.resume("nonsense")


def test_looking_takes_names_of_the_run_that_goes_on(make_session: Make) -> None:
    first = make_session()
    first.run("x = 5")
    with make_session(read_only=True, resume=True) as second:
        assert second.run("x") == 5


def test_nothing_to_resume(make_session: Make) -> None:
    with make_session(resume=True) as session:
        assert session.resumed is not None
        assert session.resumed.lines() == ["nothing was defined in an earlier run"]


def test_names_of_the_setup_script_come_from_it(make_session: Make, config: Path) -> None:
    (config / "bench_setup.py").write_text("step = 1\n")
    with make_session() as first:
        first.run("step = 2")
        first.run("step = roby.position")
    with make_session(resume=True) as second:
        assert second.run("step") == 1
