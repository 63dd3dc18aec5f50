"""What of a session's commands only defines names."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_shell.session.definitions import Picked, pick

OWNED = frozenset(
    """
    umv mv ct ascan cen wa roby robz diode SCANS SCAN_SAVING soft_axis add_preset user
    """.split()  # noqa: SIM905
)


def picked(*commands: str) -> Picked:
    return pick(commands, OWNED)


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np",
        "from math import pi, sqrt as root",
        "import os.path",
        "def f(x, y=3): umv(roby, x)",
        "async def f(): pass",
        "@staticmethod\ndef f(): pass",
        "class Sample:\n    '''A sample.'''\n    name: str = 'Fe'\n    def go(self): umv(roby, 1)",
        "x = 3",
        "x: int = -3",
        "x, (y, *z) = 1, (2, 3)",
        "x = y = [1, 'a', None, {'b': (1,)}]",
        "f = lambda x: umv(roby, x)",
        "motors = [roby, robz]",
        "x = [0] * 10",
        "x = 2 * 3 ** -1 + 'a' * 2",
        "import math\nx = 2 * math.pi",
        "from numpy import pi as half\nx = half / 2",
        "from functools import cache\n@cache\ndef x(a: int | None, *b: list[int]) -> None: pass",
        "from dataclasses import dataclass, field\n"
        "@dataclass\nclass x:\n    a: int = 3\n    b: list[int] = field(default_factory=list)",
        "from enum import Enum, auto\nclass x(Enum):\n    RED = auto()",
        "import typing as t\nclass x(t.NamedTuple):\n    a: t.Any",
        "class a: pass\nclass x(a): pass",
        "class x:\n    @property\n    def v(self): return 1\n    @v.setter\n"
        "    def v(self, to): umv(roby, to)",
        "y = roby",
    ],
)
def test_definitions(code: str) -> None:
    done = picked(code)
    assert "\n".join(done.definitions) == code
    assert done.left_out == ()
    assert done.dropped == ()
    assert done.names


@pytest.mark.parametrize(
    "code",
    [
        "umv(roby, 3)",
        "roby.velocity = 3",
        "SCAN_SAVING.template = '{session}'",
        "wa()",
        "print(3)",
        "x",
        "3",
        "'text'",
        "roby.position",
        "open('x', 'w').write('y')",
        "__import__('os').system('true')",
        "[umv(roby, i) for i in range(3)]",
        "user.x = 3",
        "del roby.x",
        "",
        "no python(",
        "a\0b",
    ],
)
def test_commands_are_no_definitions(code: str) -> None:
    done = picked(code)
    assert done.definitions == ()
    assert done.names == ()
    assert done.left_out == ()


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("x = cen()", "cen() is not a plain value"),
        ("x = roby.position", "roby.position is not a plain value"),
        ("x = [1, roby.position]", "roby.position is not a plain value"),
        ("x = f'{ct(1)}'", "is not a plain value"),
        ("x = f'{roby}'", "is not a plain value"),
        ("x = roby + 1", "is not a plain value"),
        ("y = roby\nx = y + 1", "is not a plain value"),
        ("y = [roby]\nx = y + 1", "is not a plain value"),
        ("x = -roby", "is not a plain value"),
        ("x = roby < 1", "is not a plain value"),
        ("x = {**roby}", "is not a plain value"),
        ("x = [*roby]", "is not a plain value"),
        ("x = '%s' % roby", "is not a plain value"),
        ("x = [ct(1) for _ in range(3)]", "is not a plain value"),
        ("x = {'a': ct(1)}", "ct(1) is not a plain value"),
        ("x = 1 if ct(1) else 2", "is not a plain value"),
        ("x = lambda y=ct(1): y", "ct(1) is not a plain value"),
        ("x = SCANS[-1].data", "is not a plain value"),
        ("x = sorted([2, 1], key=umv)", "is not a plain value"),
        ("import os; x = os.environ", "os.environ is not a plain value"),
        ("import os; x = os.system('true')", "is not a plain value"),
        ("import pathlib; x = pathlib.os.system('true')", "is not a plain value"),
        ("from pathlib import Path; x = Path('a').write_text('b')", "is not a plain value"),
        ("import numpy as np; x = np.genfromtxt('file')", "is not a plain value"),
        ("x = (y := umv(roby, 1))", "is not a plain value"),
        ("def f(x): return umv(roby, x)\nx = f(3)", "f(3) is not a plain value"),
        ("class A:\n    def __init__(self): umv(roby, 1)\nx = A()", "A() is not a plain value"),
        ("class x:\n    umv(roby, 1)", "its body does something"),
        ("class x:\n    umv.y = 1", "its body does something"),
        ("class x(ct(1)): pass", "its base ct(1) may do something"),
        ("class x(metaclass=umv): pass", "its metaclass may do something"),
        ("class M(type): pass\nclass x(metaclass=M): pass", "its metaclass may do something"),
        ("class A:\n    def __init_subclass__(cls): ct(1)\nclass x(A): pass", "its base A"),
        ("class x(user.Base): pass", "its base user.Base may do something"),
        ("class x:\n    class y(metaclass=umv): pass", "its metaclass"),
        ("class x:\n    def f(self, y=ct(1)): pass", "ct(1) is not a plain value"),
        ("@umv\ndef x(): pass", "its decorator umv may do something"),
        ("@property(ct(1))\ndef x(): pass", "ct(1) is not a plain value"),
        ("def property(f): ct(1)\n@property\ndef x(): pass", "its decorator property"),
        ("def x(y=ct(1)): pass", "ct(1) is not a plain value"),
        ("def x(y: umv(roby, 1)): pass", "its annotation umv(roby, 1) may do something"),
        ("def x() -> roby.position: pass", "its annotation roby.position may do something"),
        ("def x(y: roby[ct(1)]): pass", "its annotation roby[ct(1)] may do something"),
        ("x: ct(1) = 3", "its annotation ct(1) may do something"),
        ("for x in range(3): umv(roby, x)", "it is more than a definition"),
        ("if ct(1):\n    x = 3", "it is more than a definition"),
        ("with open('f') as x: pass", "it is more than a definition"),
        ("x += 1", "is not a plain value"),
        ("from nowhere_at_all import x", "nowhere_at_all is not an installed package"),
        ("from . import x", "is not an installed package"),
    ],
)
def test_what_is_left_out(code: str, why: str) -> None:
    done = picked(code)
    assert "x" not in done.names
    assert any(why in one.why for one in done.left_out), done.left_out
    assert not any("x" in one.split("(")[0].split() for one in done.definitions)


def test_what_needs_something_left_out_is_left_out_too() -> None:
    done = picked("x = cen()", "y = x + 1", "def f(): return x", "z = [y]", "x = 3", "w = x")
    assert done.definitions == ("def f(): return x", "x = 3", "w = x")
    assert [one.code for one in done.left_out] == ["y = x + 1", "z = [y]"]
    assert done.left_out[0].why == "it needs x, which is left out"


def test_the_last_value_counts() -> None:
    done = picked("x = 3", "y = x + 1", "x = cen()")
    assert done.definitions == ("x = 3", "y = x + 1")
    assert done.dropped == ("x",)
    assert done.names == ("y",)
    assert [one.code for one in done.left_out] == ["x = cen()"]


def test_deleted_names_are_gone() -> None:
    done = picked("x = 1", "y = x", "del x, nobody", "z = x")
    assert done.definitions == ("x = 1", "y = x")
    assert (done.names, done.dropped) == (("y",), ("x",))
    assert [one.code for one in done.left_out] == ["z = x"]
    assert picked("x = 1", "del x", "x = 2").names == ("x",)


@pytest.mark.parametrize(
    "change",
    [
        "d['a'] = 1",
        "d.update(b=2)",
        "d[0].velocity = 3",
        "x = d.pop()",
        "for i in range(3): d.append(i)",
        "del d['a']",
        "fill(d)",
        "fill([*d])",
        "fill(1)",
        "deeper()",
        "del d",
        "d = cen()",
        "d += ct(1)",
    ],
)
def test_what_may_have_changed_is_left_out(change: str) -> None:
    begin = (
        "n = 3",
        "d = {'n': n}",
        "def fill(x):\n    d['x'] = x",
        "def deeper():\n    for _ in range(2): fill(1)",
        "def look(): return len(d)",
    )
    done = picked(*begin, change)
    assert "d" in done.dropped
    assert set(done.names) == {"n", "fill", "deeper", "look"}
    assert any(one.code.startswith(change.splitlines()[0][:9]) for one in done.left_out) or (
        change == "del d"
    )
    assert picked(*begin, "look()", "wm(*d)", "print(d)", "y = len(d)").dropped == ()


def test_names_that_functions_give_another_value() -> None:
    done = picked(
        "n = 3", "m = 4", "def go():\n    global n\n    n = cen()", "go()", "umv(roby, m)"
    )
    assert (done.names, done.dropped) == (("m", "go"), ("n",))
    assert done.left_out[0].why == "it may have been changed by go()"


def test_numbers_cannot_be_changed_by_those_that_get_them() -> None:
    done = picked(
        "x, name = 3, 'Fe'", "def go(x, name): umv(roby, x)", "go(x, name)", "name.lower()"
    )
    assert done.names == ("x", "name", "go")
    assert done.left_out == ()


def test_registrations_are_named() -> None:
    done = picked(
        "from bliss.scanning import scan_meta",
        "meta = scan_meta.get_user_scan_meta()",
        "meta.sample.set('x', {'a': 1})",
        "class Shutter:\n    def start(self, scan): umv(roby, 1)",
        "add_preset(Shutter())",
    )
    assert done.names == ("scan_meta", "Shutter")
    assert [one.code for one in done.left_out] == [
        "meta = scan_meta.get_user_scan_meta()",
        "meta.sample.set('x', {'a': 1})",
        "add_preset(Shutter())",
    ]


WORDS = ["x", "y = 3", "umv(roby, 1)", "def f():", "    x = 1", "\n", "(", "import os", "@a", ";"]


@given(st.lists(st.lists(st.sampled_from(WORDS)).map("\n".join)))
def test_any_text_is_looked_at_without_an_error(commands: list[str]) -> None:
    done = pick(commands, OWNED)
    for code in done.definitions:
        ast.parse(code)
        assert not code.startswith("umv")
