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
        "x = f'{1 + 2} mm' if True else ''",
        "x = [i ** 2 for i in range(10) if i % 2]",
        "x = {k: v for k, v in zip('ab', [1, 2])}",
        "f = lambda x: umv(roby, x)",
        "motors = [roby, robz]",
        "y = roby",
        "x = 'a b'.split()",
        "x = sorted([3, 1])[0]",
        "ax = soft_axis('ax', {})",
        "x = not -abs(-3)",
    ],
)
def test_definitions(code: str) -> None:
    done = picked(code)
    assert done.definitions == (code,)
    assert done.left_out == ()
    assert done.dropped == ()
    assert set(done.names) >= {name for name in done.names if name}
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
        ("x = cen()", "cen() may do something"),
        ("x = roby.position", "roby.position is another value now"),
        ("x = [1, roby.position]", "is another value now"),
        ("x = f'{ct(1)}'", "ct() may do something"),
        ("x = [ct(1) for _ in range(3)]", "ct() may do something"),
        ("x = {'a': ct(1)}", "ct() may do something"),
        ("x = 1 if ct(1) else 2", "ct() may do something"),
        ("x = SCANS[-1].data", "is another value now"),
        ("x = input('name')", "input() may do something"),
        ("x = open('file').read()", "may do something"),
        ("x = eval('umv(roby, 1)')", "eval() may do something"),
        ("import os; x = os.system('rm -r data')", "os.system() may do something"),
        ("import os; x = os.environ", ""),
        ("import numpy as np; x = np.random.rand()", "np.random.rand() may do something"),
        ("import numpy as np; x = np.save('f', 1)", "np.save() may do something"),
        ("from numpy.random import rand; x = rand()", "rand() may do something"),
        ("from datetime import datetime; x = datetime.now()", "may do something"),
        ("from pathlib import Path; x = Path('a').unlink()", "may do something"),
        ("x = (y := umv(roby, 1))", "does something"),
        ("x = sorted([1], key=umv)", "umv may do something"),
        ("x = max([1], key=lambda v: umv(roby, v))", "umv() may do something"),
        ("def f(x): return umv(roby, x)\nx = f(3)", "f() may do something"),
        ("f = lambda: umv(roby, 1)\nx = f()", "f() may do something"),
        ("def f(v): return ct(v)\nx = max([1], key=f)", "f may do something"),
        ("class A:\n    def __init__(self): umv(roby, 1)\nx = A()", "A() may do something"),
        ("class x:\n    umv(roby, 1)", "its body does something"),
        ("class A(ct(1)): pass", "ct() may do something"),
        ("@umv\ndef x(): pass", "its decorator umv may do something"),
        ("def x(y=ct(1)): pass", "ct() may do something"),
        ("for x in range(3): umv(roby, x)", "it is more than a definition"),
        ("if ct(1):\n    x = 3", "it is more than a definition"),
        ("with open('f') as x: pass", "it is more than a definition"),
        ("m = [roby]\nx = m[0].position", "is another value now"),
        ("r = roby\nx = r.position", "is another value now"),
        ("x = nobody()", "nobody() may do something"),
        ("x += 1", "it needs x"),
    ],
)
def test_what_is_left_out(code: str, why: str) -> None:
    done = picked(code)
    if not why:
        assert "x" in done.names
        return
    assert "x" not in done.names
    assert any(why in one.why for one in done.left_out)
    assert "ct(1)" not in "".join(done.definitions) or "def f" in done.definitions[0]


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


def test_what_is_overwritten_unused_is_not_repeated() -> None:
    done = picked(
        "def f(): return 1", "x = 1", "import math", "x = 2", "def f(): return 2", "x += 1"
    )
    assert done.definitions == ("import math", "x = 2", "def f(): return 2", "x += 1")
    kept = picked("x = 1", "y = x", "x = 2")
    assert kept.definitions == ("x = 1", "y = x", "x = 2")


def test_deleted_names_are_gone() -> None:
    done = picked("x = 1", "y = 2", "del x")
    assert (done.definitions, done.names, done.dropped) == (("y = 2",), ("y",), ())
    done = picked("x = 1", "y = x", "del x, nobody", "z = x")
    assert done.definitions == ("x = 1", "y = x", "del x")
    assert [one.code for one in done.left_out] == ["z = x"]
    assert picked("x = 1", "y = x", "del x", "x = 2").names == ("x", "y")


def test_objects_that_change() -> None:
    done = picked(
        "d = {}", "d['a'] = 1", "d.update(b=2)", "p = []", "p.append(roby)", "p[0].velocity = 3"
    )
    assert done.definitions == ("d = {}", "d['a'] = 1", "d.update(b=2)", "p = []", "p.append(roby)")
    for change in ("d['a'] = cen()", "d.update(a=cen())", "d[cen()] = 1"):
        done = picked("d = {}", change)
        assert done.dropped == ("d",)
        assert done.left_out[0].code == change


def test_modules_are_no_objects_of_the_user() -> None:
    done = picked("import os, sys", "sys.path.insert(0, 'lab')", "os.environ.update(A='1')")
    assert done.definitions == ("import os, sys", "sys.path.insert(0, 'lab')")
    assert (done.names, done.commands) == (("os", "sys"), 1)


def test_functions_that_only_calculate_may_be_called() -> None:
    done = picked(
        "import numpy as np\nfrom dataclasses import dataclass",
        "@dataclass(frozen=True)\nclass Params:\n    energy: float = 7.0",
        "def square(x):\n    # a comment\n    return np.sqrt(x) ** 4",
        "def fact(n): return 1 if n < 2 else n * fact(n - 1)",
        "p = Params(energy=square(3) + fact(4))",
    )
    assert set(done.names) == {"np", "dataclass", "Params", "square", "fact", "p"}
    assert "    # a comment" in done.definitions[3]
    assert done.definitions[2].startswith("@dataclass")


def test_registrations() -> None:
    begin = "from bliss.scanning import scan_meta"
    for code in (
        f"{begin}\nscan_meta.get_user_scan_meta().sample.set('x', {{'a': 1}})",
        f"{begin}\nmeta = scan_meta.get_user_scan_meta()\nmeta.sample.set(roby, lambda s: ct(1))",
        f"{begin}\nmeta = scan_meta.get_user_scan_meta()\nmeta.add_categories({{'x'}})",
        "class Shutter:\n    def start(self, scan): umv(roby, 1)\nadd_preset(Shutter)",
        "roby.disable_scan_metadata()",
    ):
        assert picked(code).definitions == tuple(
            ast.get_source_segment(code, node) for node in ast.parse(code).body
        )
        assert picked(code).commands == 0
    assert picked("roby.set(3)").definitions == ()
    assert picked(f"{begin}\nscan_meta.get_user_scan_meta().x.set('x', cen())").commands == 1


WORDS = ["x", "y = 3", "umv(roby, 1)", "def f():", "    x = 1", "\n", "(", "import os", "@a", ";"]


@given(st.lists(st.lists(st.sampled_from(WORDS)).map("\n".join)))
def test_any_text_is_looked_at_without_an_error(commands: list[str]) -> None:
    done = pick(commands, OWNED)
    for code in done.definitions:
        ast.parse(code)
        assert not code.startswith("umv")
