from __future__ import annotations

import ast
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_shell.session import expand


class Device:
    def move(self) -> None: ...

    @property
    def position(self) -> float:
        raise AssertionError("reading a property may talk to hardware")


NAMES = {
    "ascan": print,
    "ct": print,
    "loopscan": print,
    "umv": print,
    "wa": print,
    "roby": Device(),
    "diode3": object(),
}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ascan roby 0 10 10 0.1", "ascan(roby, 0, 10, 10, 0.1)"),
        ("loopscan 10 0.1 diode3", "loopscan(10, 0.1, diode3)"),
        ("loopscan  10\t0.1 ", "loopscan(10, 0.1)"),
        ("ascan roby, 0, 10, 10, 0.1", "ascan(roby, 0, 10, 10, 0.1)"),
        ("umv roby -1", "umv(roby, -1)"),
        ("umv roby 1; ct 0.1 diode3", "umv(roby, 1); ct(0.1, diode3)"),
        ("ct 1 diode3 title='a b # c; d' # dark", "ct(1, diode3, title='a b # c; d')"),
        ("ct 1 scan_info={'a': {'b': 1}}", "ct(1, scan_info={'a': {'b': 1}})"),
        ("umv roby (1 + 2)", "umv(roby, (1 + 2))"),
        ("roby.move 3", "roby.move(3)"),
        ("s = 1\nct 1 2", "s = 1\nct(1, 2)"),
        ("for i in 1, 2:\n    ct 1 diode3", "for i in 1, 2:\n    ct(1, diode3)"),
        ("x = '''\nct 1 2\n'''\nct 1 2", "x = '''\nct 1 2\n'''\nct(1, 2)"),
    ],
)
def test_commands_may_be_typed_as_words(typed: str, meant: str) -> None:
    assert expand(typed, NAMES) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "wa",
        "ct -1",
        "ascan(roby, 0, 10, 10, 0.1)",
        "ct = 3",
        "ct is None",
        "if ct: pass",
        "print 3",
        "if roby",
        "ascan roby [0 1",
        "ascan 'roby 0",
        "ascan roby ) 0",
        "unknown 1 2",
        "roby.position 3",
        "a = 5 6",
        "ascan(roby 0 1)",
        "%timeit 1",
        "\0",
        "ct 1\n  ct 2",
    ],
)
def test_all_else_is_left_alone(typed: str) -> None:
    assert expand(typed, NAMES) == typed


@given(st.text(alphabet=string.ascii_lowercase + " 0123456789.,;()[]'\"#\n=+-:", max_size=60))
def test_valid_python_is_never_changed(source: str) -> None:
    names = dict.fromkeys(source.split(), print)
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        expand(source, names)
    else:
        assert expand(source, names) == source


def newsample(name: str = "", description: str = "") -> None: ...


newsample.takes_words = True  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("newsample Fe2O3", "newsample('Fe2O3')"),
        ("newsample roby", "newsample('roby')"),
        ("newsample Fe2O3-1.b, powder", "newsample('Fe2O3-1.b', 'powder')"),
        ('newsample "Fe 2" ', 'newsample("Fe 2")'),
        ("newsample 5", "newsample(5)"),
        ("newsample 005", "newsample('005')"),
        ("newsample 0", "newsample(0)"),
        ("newsample 1e5", "newsample('1e5')"),
        ("newsample None", "newsample(None)"),
        ("newsample Fe description=powder", "newsample('Fe', description='powder')"),
        ("newsample Fe description='a powder'", "newsample('Fe', description='a powder')"),
        ("newsample it's", "newsample it's"),
        ("newsample Fe; newsample Si", "newsample('Fe'); newsample('Si')"),
        ("newsample(roby)", "newsample(roby)"),
        ("newsample", "newsample"),
        ("ascan roby 0 1", "ascan(roby, 0, 1)"),
    ],
)
def test_words_that_are_text(typed: str, meant: str) -> None:
    assert expand(typed, {**NAMES, "newsample": newsample}) == meant


def test_scripts_are_named_by_a_word() -> None:
    from session_shell.commands import VERBS

    assert expand("load_script align", VERBS) == "load_script('align')"
    assert expand("user_script_run night/align.py", VERBS) == "user_script_run('night/align.py')"
    assert expand('load_script "align"', VERBS) == 'load_script("align")'
