"""`check` finds everything at once and builds nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from session_shell.config import check_configuration, load_configuration
from session_shell.errors import ConfigError

sys.path.insert(0, str(Path(__file__).parent))
try:
    import config_test_devices as devices
finally:
    sys.path.pop(0)


def check(root, names=None, **keys):
    problems = check_configuration(load_configuration(root), names, classes=devices.CLASSES, **keys)
    return [str(p) + (" (warning)" if p.severity == "warning" else "") for p in problems]


def test_everything_at_once_in_the_order_of_files_and_lines(tree):
    root = tree(
        """
        - name: t
          class: Thing
          number: fast
          nmuber: 5
          axis: $diode
        - {name: diode, class: Counter, axis: $nobody}
        - {name: lost, class: Qqq}
        - {name: 2x, class: Axis}
        - {name: a, class: Thing, anything: $b}
        - {name: b, class: Thing, anything: $a}
        """,
        {
            "broken.yml": "a: [",
            "s.yml": """
                - class: Session
                  name: s
                  setup_file: s_setup.py
                  config-objects: [t, u]
                - class: Session
                  name: r
                  setup-file: r_setup.py
                - {class: Session, name: q, include-sessions: [q]}
            """,
            "r_setup.py": "x = 1\ny = (\n",
        },
    )
    assert check(root) == [
        "all.yml:3: t: number must be a number, not 'fast'",
        "all.yml:4: t: class Thing does not use the key 'nmuber', did you mean 'number' or "
        "'numbers'? (warning)",
        "all.yml:5: t: axis must be an axis, not $diode",
        "all.yml:6: diode: there is no object 'nobody'",
        "all.yml:7: lost: there is no device class 'Qqq'; a class of your own needs "
        "'package: its.module' beside it",
        "all.yml:8: '2x' cannot be used as a name: it becomes a variable, so letters, digits and "
        "'_' only, no digit first; use '_2x'",
        "all.yml:10: objects refer to each other in a circle: a -> b -> a",
        "broken.yml:1: YAML: expected the node content, but found '<stream end>' (while parsing "
        "a flow node, line 1)",
        "r_setup.py:2: SyntaxError: '(' was never closed",
        "s.yml:3: session s: unknown key 'setup_file', did you mean 'setup-file'? (warning)",
        "s.yml:4: there is no object 'u'",
        "s.yml:8: sessions include each other: q -> q",
    ]


def test_a_sound_tree_has_no_problem(tree):
    root = tree(
        """
        - class: Holder
          axes: [{name: roby}, {name: robz}]
        - {name: t, class: Thing, low-limit: "-inf", axes: [$roby], user_tag: X}
        - {class: Several, axes: [{name: $roby, tags: real}, {name: gap}]}
        - {class: MeasurementGroup, name: MG1, counters: [d, x]}
        - {class: simulation_diode, name: d}
        - {class: Session, name: s, aliases: [{original_name: d, alias_name: x}]}
        """,
    )
    assert check(root) == []


def test_nothing_is_built(tree):
    root = tree("- {name: a, class: Failing}\n- {name: b, class: Thing, anything: $a}\n")
    assert check(root) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- {name: t, class: Thing, number: $r}\n- {name: r, class: Axis}", "number must be"),
        ("- {name: t, class: Thing, axes: [$d]}\n- {name: d, class: Counter}", "axes[0] must be"),
        ("name: t\nclass: Thing\nitems: [{name: i}]", "i: class Thing makes no objects; give"),
        ("name: t\nclass: NeedsKeys\nhost: h", "all.yml:1: t: the key 'port' is missing"),
        ("class: Missing\nname: t", "all.yml:1: t: class Missing cannot be loaded"),
        ("class: Holder\naxes: {name: a}", "all.yml:2: axes must be a list of mappings"),
        ("class: Holder\naxes:\n- {nmae: a}", "all.yml:3: this item of axes has no name"),
        (
            "class: Holder\nspeed: 1\naxes: []",
            "all.yml:2: Holder: class Holder does not use the key",
        ),
        ("class: Holder\nencoders: [{name: e}]", "all.yml:2: e: class Holder makes no encoders"),
        (
            "class: MeasurementGroup\nname: m\ncounters:\n- x",
            "all.yml:4: m: there is no object 'x'",
        ),
        ("name: sum\nclass: Axis", "the name 'sum' hides Python's sum; another name is safer"),
        ("name: ct\nclass: Axis", "the name 'ct' hides the command ct; another name is safer"),
        ("name: t\nclass: Axis\nx: $none", "all.yml:3: t: there is no object 'none' (warning)"),
        ("name: t\nclass: Thing\ntext: $no-name", "t: '$no-name' is no reference (like '$roby')"),
    ],
)
def test_one_thing_that_is_wrong(tree, text, expected):
    found = [line for line in check(tree(text), reserved=("ct",)) if expected in line]
    assert len(found) == 1, check(tree(text))


def test_only_what_a_session_loads(tree):
    root = tree("""
        - {name: a, class: Thing, anything: $b}
        - {name: b, class: Axis, velocity: x}
        - {name: c, class: Axis, velocity: x}
        - {class: Session, name: s, config-objects: [a]}
        - {class: Session, name: r, config-objects: [a, c, zz]}
    """)
    assert check(root, ["s"]) == ["all.yml:2: b: velocity must be a number, not 'x'"]
    with pytest.raises(ConfigError, match="there is no session 'zz'"):
        check(root, ["zz"])


def test_long_circles_and_shared_references(tree):
    chain = "".join(f"- {{name: o{i}, class: Thing, anything: $o{i + 1}}}\n" for i in range(3000))
    chain += "- {name: o3000, class: Thing, anything: [$o2999, $last, $last]}\n"
    root = tree(chain + "- {name: last, class: Axis}\n")
    assert check(root) == [
        "all.yml:3001: objects refer to each other in a circle: o2999 -> o3000 -> o2999"
    ]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (b"x = 1\n  y = 2\n", "setup.py:2: IndentationError: unexpected indent"),
        (b"x = 1\ny = '\xff'\n", "setup.py:"),
        (b"x = '\0'\n", "setup.py:1: "),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", None),
        (b"x = '\\d'\nraise SystemExit\n", None),
    ],
)
def test_setup_scripts_are_compiled_and_not_run(tree, script, expected):
    root = tree("{class: Session, name: s, setup-file: setup.py}", {"setup.py": script})
    found = check(root)
    assert len(found) == (expected is not None)
    assert expected is None or found[0].startswith(expected)
