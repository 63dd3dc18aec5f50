"""Sessions: their keys, what they include, and what is wrong with them."""

from __future__ import annotations

import pytest

from session_shell.config import load_configuration
from session_shell.errors import ConfigError

OBJECTS = """
- class: mockup
  axes: [{name: roby}, {name: robz}]
- {name: diode, class: simulation_diode}
"""


def plan_of(root, name="s"):
    return load_configuration(root).session_plan(name)


def test_the_keys_of_a_session(tree):
    root = tree(
        OBJECTS,
        {
            "sub/s.yml": """
                class: Session
                name: s
                setup-file: ./s_setup.py
                config-objects: [roby, $diode]
                exclude-objects: [diode]
                aliases:
                  - {original_name: roby, alias_name: y}
                synoptic: {kept: true}
            """,
            "sub/s_setup.py": "",
        },
    )
    configuration = load_configuration(root)
    assert configuration.problems == []
    session = configuration.sessions["s"]
    assert session.setup_file == root / "sub" / "s_setup.py"
    assert session.scripts_dir == root / "sub" / "scripts"
    assert session.config_objects == ("roby", "diode")
    assert session.aliases == {"y": "roby"}
    assert session.values["synoptic"] == {"kept": True}
    plan = configuration.session_plan("s")
    assert plan.object_names == ("roby",)
    assert plan.excluded == {"diode"}
    assert plan.aliases == {"y": "roby"}
    assert plan.problems == ()


def test_without_config_objects_a_session_has_every_object(tree):
    root = tree(OBJECTS + "- {class: Session, name: s, exclude-objects: [robz]}\n")
    assert plan_of(root).object_names == ("roby", "diode")
    root = tree(OBJECTS + "- {class: Session, name: s, config-objects: []}\n")
    assert plan_of(root).object_names == ()


def test_included_sessions_come_first_and_once(tree):
    root = tree(
        OBJECTS
        + """
- {class: Session, name: base, config-objects: [roby, diode], exclude-objects: [diode]}
- {class: Session, name: left, include-sessions: [base], config-objects: [robz]}
- {class: Session, name: right, include-sessions: [base], config-objects: [diode]}
- {class: Session, name: s, include-sessions: [left, right], config-objects: [],
   exclude-objects: [robz]}
"""
    )
    plan = plan_of(root)
    assert [session.name for session in plan.sessions] == ["base", "left", "right", "s"]
    assert plan.object_names == ("roby", "diode")
    assert plan.excluded == {"robz"}


def test_sessions_that_include_each_other(tree):
    root = tree("""
        - {class: Session, name: a, include-sessions: [b]}
        - class: Session
          name: b
          include-sessions:
            - c
        - {class: Session, name: c, include-sessions: [b]}
        - {class: Session, name: me, include-sessions: [me]}
    """)
    configuration = load_configuration(root)
    with pytest.raises(ConfigError, match="include each other: b -> c -> b") as caught:
        configuration.session_plan("a")
    assert (caught.value.file, caught.value.line) == (root / "all.yml", 6)
    with pytest.raises(ConfigError, match="me -> me"):
        configuration.session_plan("me")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dmeo", "there is no session 'dmeo' in .*, did you mean 'demo'\\? Sessions: demo, other"),
        ("zzz", "there is no session 'zzz' in .*; sessions: demo, other"),
    ],
)
def test_a_session_that_is_not_there(tree, name, message):
    root = tree("- {class: Session, name: other}\n- {class: Session, name: demo}\n")
    with pytest.raises(ConfigError, match=message):
        plan_of(root, name)


def test_no_session_at_all_points_to_new_and_to_the_first_problem(tree):
    with pytest.raises(ConfigError, match="session-shell new s"):
        plan_of(tree(OBJECTS))
    with pytest.raises(ConfigError, match=r"first problem: all.yml:\d+: YAML"):
        plan_of(tree("a: ["))


@pytest.mark.parametrize(
    ("keys", "line", "message"),
    [
        ("setup-file: 5", 3, "setup-file must be the path of a Python file, not 5"),
        ("config-objects: roby", 3, "config-objects must be a list of names"),
        ("config-objects:\n  - roby\n  - 5", 5, "config-objects must hold names, not 5"),
        ("exclude-objects: {a: 1}", 3, "exclude-objects must be a list of names"),
        ("include-sessions: x", 3, "include-sessions must be a list of names"),
        ("aliases: {roby: y}", 3, "aliases must be a list of {original_name: roby"),
        ("aliases:\n  - roby", 4, "aliases must be a list of {original_name: roby"),
        ("aliases:\n  - {alias_name: y}", 4, "an alias needs an original_name"),
        ("aliases:\n  - {original_name: roby}", 4, "the alias of roby needs an alias_name"),
        (
            "aliases:\n  - original_name: roby\n    alias_name: 2y",
            5,
            "'2y' cannot be used as a name",
        ),
        (
            "aliases:\n  - {original_name: roby, alias_name: y}\n"
            "  - {original_name: diode, alias_name: y}",
            5,
            "the alias 'y' stands for roby already",
        ),
    ],
)
def test_a_wrong_key_is_one_line_at_its_place(tree, keys, line, message):
    root = tree(files={"o.yml": OBJECTS, "s.yml": f"class: Session\nname: s\n{keys}\n"})
    configuration = load_configuration(root)
    assert [(p.file.name, p.line) for p in configuration.problems] == [("s.yml", line)]
    assert message in configuration.problems[0].message
    assert configuration.session_plan("s").problems == ()


@pytest.mark.parametrize(
    ("keys", "line", "message"),
    [
        ("setup-file: no.py", 3, "no.py does not exist; create it, or remove this line"),
        ("setup-file: .", 3, "is a directory"),
        ("config-objects:\n  - roby\n  - robu", 5, "no object 'robu', did you mean"),
        ("config-objects: [s]", 3, "'s' is a session, not an object"),
        ("exclude-objects: [doide]", 3, "no object 'doide', did you mean 'diode'?"),
        ("include-sessions:\n- ss", 4, "there is no session 'ss' to include, did you mean 's'?"),
        (
            "aliases:\n  - original_name: robx\n    alias_name: y",
            4,
            "alias 'y': there is no object 'robx', did you mean",
        ),
        (
            "aliases:\n  - original_name: roby\n    alias_name: diode",
            5,
            "the alias 'diode' is the name of an object (o.yml:3); use another",
        ),
    ],
)
def test_names_that_do_not_exist_are_left_out_and_named(tree, keys, line, message):
    root = tree(files={"o.yml": OBJECTS, "s.yml": f"class: Session\nname: s\n{keys}\n"})
    configuration = load_configuration(root)
    assert configuration.problems == []
    plan = configuration.session_plan("s")
    assert [(p.file.name, p.line) for p in plan.problems] == [("s.yml", line)]
    assert message in plan.problems[0].message
    assert plan.sessions[-1].setup_file is None
    assert plan.aliases == {}
    assert set(plan.object_names) <= set(configuration.objects)
