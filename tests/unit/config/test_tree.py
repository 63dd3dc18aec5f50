"""Which mappings are objects, what they inherit, and which names they can have."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_shell.config import load_configuration
from session_shell.config.names import reference_name, wrong_object_name, wrong_session_name


def lines(configuration):
    return [str(problem) for problem in configuration.problems]


def test_objects_stand_alone_in_lists_under_controller_and_nested(tree):
    root = tree(
        """
        controller:
          class: mockup
          plugin: emotion
          axes:
            - name: roby
              velocity: 5
            - name: robz
              class: NoSettingsAxis
        """,
        {
            "alone.yaml": "name: d1\nclass: simulation_diode\n",
            "sub/deep.yml": """
                - class: mockup
                  axes: [{name: sx}, {name: sy}]
                - name: d2
                  class: simulation_diode
                  axis: {name: inline, class: MockupAxis}
                  scan_metadata: {name: Gold foil}
            """,
        },
    )
    configuration = load_configuration(root)
    assert configuration.problems == []
    found = {name: (o.class_name, o.line) for name, o in configuration.objects.items()}
    assert found == {
        "d1": ("simulation_diode", 1),
        "roby": ("MockupAxis", 5),
        "robz": ("NoSettingsAxis", 7),
        "sx": ("MockupAxis", 2),
        "sy": ("MockupAxis", 2),
        "d2": ("simulation_diode", 3),
        "inline": ("MockupAxis", 5),
    }
    roby = configuration.objects["roby"]
    assert (roby.parent, roby.part) == ("mockup at all.yml:2", "axes")
    assert configuration.describe(roby.parent).values["plugin"] == "emotion"
    assert configuration.objects["robz"].parent is None


def test_keys_keep_their_values_and_lines(tree):
    root = tree("""
        - name: a
          class: x
          low_limit: -.inf
          list:
            - 1
            - {deep: true}
          user_tag: SOME.TAG
    """)
    description = load_configuration(root).objects["a"]
    assert description.values["low_limit"] == float("-inf")
    assert description.values["list"] == [1, {"deep": True}]
    assert description.key_lines["list.1.deep"] == 6
    assert description.place_of("list.1.deep.more") == (root / "all.yml", 6)
    assert description.where == "all.yml:1"


def test_a_reference_in_a_list_is_no_new_object(tree):
    root = tree("""
        - class: slits
          axes:
            - {name: $up, tags: real up}
            - {name: vgap, tags: vgap}
    """)
    configuration = load_configuration(root)
    assert list(configuration.objects) == ["vgap"]
    assert configuration.objects["vgap"].class_name == ""


def test_folders_inherit_what_they_do_not_say(tree):
    root = tree(
        files={
            "__init__.yml": "plugin: top\nuser_tag: [A]\nclass: simulation_diode\n",
            "a.yml": "name: a\n",
            "sub/__init__.yml": "plugin: below\nunit: mm\n",
            "sub/b.yml": "- name: b\n  user_tag: mine\n- axes: [{name: c}]\n  class: mockup\n",
            "sub/deep/d.yml": "name: d\n",
        }
    )
    objects = load_configuration(root).objects
    assert objects["a"].values == {
        "plugin": "top",
        "user_tag": ["A"],
        "class": "simulation_diode",
        "name": "a",
    }
    assert objects["b"].values["user_tag"] == "mine"
    assert objects["b"].values["plugin"] == "below"
    assert objects["c"].class_name == "MockupAxis"
    assert objects["d"].values["unit"] == "mm"
    assert objects["d"].place_of("unit") == (root / "sub" / "__init__.yml", 2)


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("- a\n", "__init__.yml:1: __init__.yml must hold 'key: value' lines"),
        ("plugin: x\nname: a\n", "__init__.yml:2: a name is not inherited"),
        ("a: 1\na: 2\n", "__init__.yml:2: the key 'a' is there twice"),
    ],
)
def test_a_wrong_init_file(tree, init, expected):
    configuration = load_configuration(tree(files={"__init__.yml": init}))
    assert len(configuration.problems) == 1
    assert lines(configuration)[0].startswith(expected)


def test_an_empty_init_file_is_fine(tree):
    assert load_configuration(tree(files={"__init__.yml": ""})).problems == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: 2x\nclass: x\n", "all.yml:1: '2x' cannot be used as a name: it becomes a variable"),
        ("name: a b\nclass: x\n", "use 'a_b'"),
        ("class: x\nname: lambda\n", "all.yml:2: 'lambda' is a word of Python"),
        ("class: x\nname: 5\n", "all.yml:2: a name must be text, not 5; put it in quotes"),
        ("class: x\nname:\n", "all.yml:2: a name must be text, not None"),
        ("class: x\nname: [a]\n", "all.yml:2: a name must be text, not ['a']"),
        ("class: x\nname: ''\n", "all.yml:2: '' cannot be used as a name"),
        ("class: x\nname: ﬁ\n", "Python reads it as 'fi'"),
        ("class: x\nname: $a\n", "all.yml:1: '$a' is a reference, not a name: remove the '$'"),
        ("\nname: a\n", "all.yml:1: a has no class: add 'class: ...'"),
        ("class: x\nnmae: a\n", "all.yml:1: this object has no name: add 'name: ...'"),
        ("name: a\nclass: 5\n", "all.yml:2: class must be text, not 5"),
        ("name: a\nclass: x\npackage: [m]\n", "all.yml:3: package must be text, not ['m']"),
        ("class: Session\n", "all.yml:1: this session has no name"),
        ("class: Session\nname: a b\n", "all.yml:2: 'a b' cannot name a session"),
        ("class: mockup\naxes: [{name: a-b}]\n", "all.yml:2: 'a-b' cannot be used as a name"),
    ],
)
def test_a_wrong_object_is_one_line(tree, text, expected):
    configuration = load_configuration(tree(text))
    assert len(configuration.problems) == 1, lines(configuration)
    assert expected in lines(configuration)[0]


def test_a_name_that_is_taken_names_both_places(tree):
    root = tree(
        files={
            "a.yml": "name: roby\nclass: x\n",
            "b.yml": "\n- class: y\n  name: roby\n- {class: Session, name: s}\n",
            "c.yml": "- {class: Session, name: s}\n- {class: Session, name: roby}\n",
        }
    )
    (root / "b.yml").write_text("\n" + (root / "b.yml").read_text())
    configuration = load_configuration(root)
    assert lines(configuration) == [
        "b.yml:3: the name 'roby' is taken at a.yml:1; rename one of them",
        "c.yml:1: the session 's' is defined at b.yml:4 too; rename one of them",
    ]
    assert configuration.objects["roby"].class_name == "x"
    assert list(configuration.sessions) == ["s", "roby"]


def test_an_aliased_mapping_is_one_object(tree):
    configuration = load_configuration(tree("- &a {name: a, class: x}\n- *a\n"))
    assert list(configuration.objects) == ["a"]
    assert configuration.problems == []


def test_an_object_with_wrong_yaml_is_known_but_marked(tree):
    configuration = load_configuration(tree("name: a\nclass: x\nv: 1\nv: 2\n"))
    assert str(configuration.objects["a"].problem).startswith("all.yml:4: the key 'v'")


@given(st.text(max_size=8))
def test_a_name_that_is_accepted_is_a_variable(name):
    if not wrong_object_name(name):
        namespace = {}
        exec(f"{name} = 1", namespace)
        assert namespace[name] == 1
        assert reference_name(f"${name}") == name


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True))
def test_ordinary_names_are_accepted(name):
    assert bool(wrong_object_name(name)) == keyword.iskeyword(name)
    assert wrong_session_name(name) == ""


@pytest.mark.parametrize("name", ["", "a b", "../a", "a/b", "-a", ".a", "a\n", "x" * 101, None, 3])
def test_session_names_that_make_no_file(name):
    assert wrong_session_name(name)
