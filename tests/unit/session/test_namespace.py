"""Names of devices and commands, which no assignment takes away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from session_shell.errors import CommandError
from session_shell.session import Session

Make = Callable[..., Session]

TAKEN = [
    "roby = 5",
    "ascan = 3",
    "SCANS = []",
    "user = 1",
    "x, roby = 1, 2",
    "x, *roby = 1, 2",
    "[x, (roby, y)] = 1, (2, 3)",
    "roby: int = 5",
    "for roby in (1, 2): done.append(roby)",
    "for roby, x in [(1, 2)]: done.append(roby)",
    "with open('/dev/null') as roby: done.append(roby)",
    "import math as roby",
    "from math import pi as roby",
    "from os import path as wa",
    "def roby(): pass",
    "class roby: pass",
    "(roby := 5)",
    "[roby := x for x in (1, 2)]",
    "if True:\n    roby = 5",
    "try:\n    1 / 0\nexcept ZeroDivisionError as roby:\n    done.append(1)",
    "match 5:\n    case roby: done.append(roby)",
    "del roby",
    "del wa",
    "globals()['roby'] = 5",
    "locals()['roby'] = 5",
    "globals().update(roby=5, other=1)",
    "globals().pop('roby')",
    "globals().__ior__({'roby': 5})",
    "exec('roby = 5')",
    "exec('roby = 5', globals())",
    "dict.__setitem__(globals(), 'roby', 5)",
    "dict.pop(globals(), 'roby')",
    "def f():\n    global roby\n    roby = 5\ndone.append(1)",
    "def f():\n    global roby\n    del roby\ndone.append(1)",
    "class A:\n    def f(self):\n        global roby\n        for roby in (1, 2): pass",
]


@pytest.mark.parametrize("code", TAKEN)
def test_no_code_takes_a_device_or_a_command_away(session: Session, code: str) -> None:
    session.run("done = []")
    before = dict(session.namespace)
    with pytest.raises(CommandError, match=r"keeps its name: .* unprotect\(\"\w+\"\) first"):
        session.run(code)
    assert session.run("done") == []
    assert {n: session.namespace.get(n) for n in session.furniture} == {
        n: before[n] for n in session.furniture
    }
    assert session.run("roby.position, ascan.__name__, wa.__name__") == (0, "ascan", "wa")


@pytest.mark.parametrize(
    "code",
    [
        "roby = roby",
        "from session_shell.commands import wa",
        "from bliss.setup_globals import *",
        "globals().update(roby=roby)",
        "def f(energy, roby):\n    roby = 5\n    return roby\nassert f(1, 2) == 5",
        "[roby for roby in (1, 2)]",
        "lambda roby: roby",
        "class A:\n    roby = 5",
        "def f():\n    global mine\n    mine = roby.position\nf(); mine",
        "from time import sleep",
        "scan = loopscan(1, 0.1, diode, save=False); scan.number",
        "x = 1; x += 1; del x",
        "globals().setdefault('roby', 5)",
    ],
)
def test_what_takes_nothing_away_is_allowed(session: Session, code: str) -> None:
    session.run(code)
    assert session.run("roby.position") == 0


def test_a_loop_over_a_natural_word_runs_no_scan(session: Session) -> None:
    with pytest.raises(CommandError, match="robz is an object of this session"):
        session.run("for robz in (1, 2):\n    loopscan(1, 0.1, diode, save=False)")
    assert not session.scans


def test_an_unprotected_name_is_free_until_the_session_ends(make_session: Make) -> None:
    with make_session() as first:
        first.run('unprotect("roby"); roby = 5')
        assert first.run("roby") == 5
        first.run("unprotect wa; del wa")
        first.run("unprotect(ascan); ascan = 3")
    with make_session() as second:
        assert second.run("roby.name, wa.__name__, ascan.__name__") == ("roby", "wa", "ascan")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("unprotect('robyy')", "did you mean 'roby'"),
        ("unprotect(5)", "5 is not a protected name"),
        ("unprotect()", "say which name"),
    ],
)
def test_unprotect_says_what_is_not_protected(session: Session, code: str, told: str) -> None:
    with pytest.raises(CommandError, match=told):
        session.run(code)


def test_setup_scripts_may_define_what_they_like(make_session: Make, config: Path) -> None:
    (config / "bench_setup.py").write_text(
        "plain = ascan\n"
        "def ascan(*args): return plain(*args)\n"
        "for sy in (1, 2): pass\n"
        "del wu\n"
        "speed = soft_axis('speed', roby, 'velocity', 'velocity')\n"
        "def later():\n    global robz\n    robz = 3\n"
    )
    session = make_session()
    assert session.problems == []
    session.run("sy = 3; wu = 4")
    with pytest.raises(CommandError, match="ascan is a command"):
        session.run("ascan = plain")
    with pytest.raises(CommandError, match="speed is an object"):
        session.run("speed = 3")
    with pytest.raises(CommandError, match="robz is an object"):
        session.run("later()")
    assert session.run("robz.position") == 0


def test_devices_made_at_the_prompt_are_protected_and_can_be_made_again(session: Session) -> None:
    session.run("twice = calc_counter('twice', lambda d: 2 * d, diode)")
    with pytest.raises(CommandError, match="twice is an object"):
        session.run("twice = 3")
    session.run("thrice = calc_counter('twice', lambda d: 3 * d, diode)")
    assert session.run("twice is thrice")


@pytest.mark.parametrize("command", ["load_script('mine')", "user_script_load('mine', True)"])
def test_scripts_at_the_prompt_are_told_the_line(
    session: Session, config: Path, command: str
) -> None:
    (config / "scripts" / "mine.py").write_text("first = 1\nfor roby in (1, 2):\n    pass\n")
    with pytest.raises(CommandError, match="roby is an object"):
        session.run(command)
    assert session.run("first, roby.position") == (1, 0)


def test_scripts_that_run_apart_have_names_of_their_own(session: Session, config: Path) -> None:
    (config / "scripts" / "mine.py").write_text("for roby in (1, 2): pass\ndone = roby\n")
    session.run("user_script_load('mine'); user_script_run('mine')")
    assert session.run("user.done, roby.position") == (2, 0)


def test_a_global_in_a_script_is_refused_before_it_runs(session: Session, config: Path) -> None:
    (config / "scripts" / "mine.py").write_text("x = 1\ndef f():\n    global roby\n    roby = 2\n")
    with pytest.raises(CommandError, match=r"mine\.py:4: roby is an object"):
        session.run("load_script('mine')")
    assert "x" not in session.namespace


def test_an_error_of_the_code_is_kept(session: Session) -> None:
    with pytest.raises(ZeroDivisionError):
        session.run(BOTH)
    assert session.run("roby.position") == 0


BOTH = "if True:\n    dict.__setitem__(globals(), 'roby', 5)\n    1 / 0"


def test_resume_tells_of_a_name_that_is_protected_again(make_session: Make) -> None:
    with make_session() as first:
        first.run('unprotect("roby")')
        first.run("roby = 5")
        first.run("x = 3")
    with make_session(resume=True) as second:
        assert second.run("x, roby.position") == (3, 0)
        assert second.resumed is not None
        assert any("roby" in line for line in second.resumed.lines()[1:])
