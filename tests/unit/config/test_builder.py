"""Building: each object once, bad ones alone, every reason with file and line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from session_shell.config import Builder, load_configuration
from session_shell.devices.context import DeviceContext
from session_shell.errors import ConfigError

sys.path.insert(0, str(Path(__file__).parent))
try:
    import config_test_devices as devices
finally:
    sys.path.pop(0)


def builder_of(root, **keys):
    return Builder(load_configuration(root), classes=devices.CLASSES, **keys)


def build(root, *names):
    builder = builder_of(root)
    made, problems = builder.build(names or list(builder.configuration.objects))
    return made, [str(p) for p in problems]


def build_thing(tree, keys):
    text = "- name: t\n  class: Thing\n" + "".join(f"  {line}\n" for line in keys.splitlines())
    text += "- {name: roby, class: Axis}\n- {name: diode, class: Counter}\n"
    return build(tree(files={"all.yml": text}), "t")


@pytest.mark.parametrize(
    ("keys", "attribute", "value"),
    [
        ("number: 5", "number", 5.0),
        ("number: -.inf", "number", float("-inf")),
        ("number: '-inf'", "number", float("-inf")),
        ("number: inf", "number", float("inf")),
        ("low-limit: -inf", "low_limit", float("-inf")),
        ("pair: [-inf, 3]", "pair", (float("-inf"), 3.0)),
        ("text: inf", "text", "inf"),
        ("table: {a: 1}", "table", {"a": 1.0}),
        ("mode: fast", "mode", "fast"),
        ("colour: red", "colour", devices.Colour.RED),
        ("anything: {a: [1, null]}", "anything", {"a": [1, None]}),
        ("odd: {a: 1}", "odd", {"a": 1}),
        ("either: text", "either", "text"),
        ("flag: true", "flag", True),
    ],
)
def test_values_fit_the_signature(tree, keys, attribute, value):
    made, problems = build_thing(tree, keys)
    assert problems == []
    assert getattr(made["t"], attribute) == value


def test_a_path_is_relative_to_its_file(tree):
    root = tree(files={"sub/a.yml": "name: t\nclass: Thing\nfile: data.txt\n"})
    assert build(root)[0]["t"].file == root / "sub" / "data.txt"


@pytest.mark.parametrize(
    ("keys", "line", "message"),
    [
        ("number: fast", 3, "t: number must be a number, not 'fast'"),
        ("number: true", 3, "t: number must be a number, not True"),
        ("number:", 3, "t: number has no value: it must be a number"),
        ("whole: 1.5", 3, "t: whole must be a whole number, not 1.5"),
        ("text: 5", 3, "t: text must be text, not 5; put it in quotes"),
        ("flag: 'yes'", 3, "t: flag must be true or false, not 'yes'"),
        ("pair:\n  - 1\n  - x", 5, "t: pair[1] must be a number, not 'x'"),
        ("pair: [1]", 3, "t: pair must be a list of length 2, not [1]"),
        ("numbers: 5", 3, "t: numbers must be a list, not 5"),
        ("table: {a: x}", 3, "t: table must be a number, not {'a': 'x'}"),
        ("mode: quick", 3, "t: mode must be one of 'slow', 'fast', not 'quick'"),
        ("colour: green", 3, "t: colour must be one of 'red', 'blue', not 'green'"),
        ("axis: roby", 3, "t: axis must be an axis, not 'roby'"),
        ("axis: $diode", 3, "t: axis must be an axis, not $diode"),
        ("counter: $roby", 3, "t: counter must be a counter, not $roby"),
        ("axes:\n  - $roby\n  - $diode", 5, "t: axes[1] must be an axis, not $diode"),
        ("axis: $robt", 3, "t: there is no object 'robt', did you mean 'roby'?"),
        ("number: $roby", 3, "t: number must be a number, not $roby"),
        ("low_limit: 1\nlow-limit: 2", 4, "t: low-limit is the same key as low_limit"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_line(tree, keys, line, message):
    made, problems = build_thing(tree, keys)
    assert problems == [f"all.yml:{line}: {message}"]
    assert "t" not in made


def test_all_wrong_keys_of_an_object_are_named(tree):
    _, problems = build_thing(tree, "number: x\nwhole: y\naxis: $z")
    assert [p.split(": ")[0] for p in problems] == ["all.yml:3", "all.yml:4", "all.yml:5"]


def test_an_inherited_value_is_wrong_where_it_stands(tree):
    root = tree(files={"__init__.yml": "\nwhole: x\n", "a.yml": "name: t\nclass: Thing\n"})
    (root / "__init__.yml").write_text("plugin: x\nwhole: x\n")
    assert build(root)[1] == ["__init__.yml:2: t: whole must be a whole number, not 'x'"]


def test_missing_keys_are_named_at_the_object(tree):
    _, problems = build(tree("class: NeedsKeys\nname: t\nport: 1\n"))
    assert problems == ["all.yml:2: t: the key 'host' is missing"]


def test_a_factory_with_any_keys_gets_them_all(tree):
    made, problems = build(tree("class: OpenEnded\nname: t\nsome-key: 1\nplugin: p\n"))
    assert problems == []
    assert made["t"].keys == {"some_key": 1}


def test_references_are_built_first_and_once(tree):
    root = tree("""
        - {name: t, class: Thing, axis: $roby, axes: [$roby], anything: {deep: [$diode]}}
        - {name: roby, class: Axis, velocity: 3}
        - {name: diode, class: Counter, axis: $roby}
    """)
    made, problems = build(root, "t")
    assert problems == []
    assert list(made) == ["roby", "diode", "t"]
    assert made["t"].axis is made["roby"] is made["t"].axes[0] is made["diode"].axis
    assert made["t"].anything == {"deep": [made["diode"]]}
    assert made["roby"].config["velocity"] == 3


def test_an_object_defined_in_place_is_built(tree):
    root = tree("name: t\nclass: Thing\naxis: {name: roby, class: Axis}\n")
    made, problems = build(root, "t")
    assert problems == []
    assert made["t"].axis is made["roby"]


def test_only_what_is_named_is_built(tree):
    root = tree("- {name: a, class: Axis}\n- {name: b, class: Failing}\n")
    assert build(root, "a")[1] == []
    assert list(build(root, "a")[0]) == ["a"]


@pytest.mark.parametrize(
    ("how", "message"),
    [("value", "ValueError: no answer"), ("exit", "SystemExit: 3"), ("plain", "KeyError")],
)
def test_a_factory_that_fails_harms_nobody_else(tree, how, message):
    root = tree(f"- name: bad\n  class: Failing\n  how: {how}\n- {{name: good, class: Axis}}\n")
    builder = builder_of(root)
    made, problems = builder.build(["bad", "good"])
    assert [str(p) for p in problems] == [f"all.yml:1: bad: {message}"]
    assert list(made) == ["good"]
    assert builder.errors["bad"].__traceback__ is not None


def test_ctrl_c_is_not_a_problem_of_an_object(tree):
    def interrupted(name):
        raise KeyboardInterrupt

    classes = {"Slow": devices.DeviceClass("Slow", interrupted)}
    builder = Builder(load_configuration(tree("name: a\nclass: Slow\n")), classes=classes)
    with pytest.raises(KeyboardInterrupt):
        builder.build(["a"])


@pytest.mark.parametrize(
    ("class_name", "message"),
    [
        ("Nothing", "all.yml:1: a: class Nothing made nothing: its factory returned None"),
        ("Missing", "all.yml:2: a: class Missing cannot be loaded (ModuleNotFoundError"),
        ("Axsi", "all.yml:2: a: there is no device class 'Axsi', did you mean 'Axis'?"),
        ("Zzz", "all.yml:2: a: there is no device class 'Zzz'; a class of your own needs"),
    ],
)
def test_a_class_that_cannot_be_used(tree, class_name, message):
    _, problems = build(tree(f"name: a\nclass: {class_name}\n"))
    assert len(problems) == 1
    assert problems[0].startswith(message)


def test_what_depends_on_a_failure_says_so(tree):
    root = tree("""
        - {name: a, class: Thing, anything: $b}
        - {name: b, class: Thing, anything: $roby}
        - name: roby
          class: Axis
          velocity: fast
    """)
    assert build(root)[1] == [
        "all.yml:1: a: needs b, which failed: needs roby, which failed: velocity must be a "
        "number, not 'fast'",
        "all.yml:2: b: needs roby, which failed: velocity must be a number, not 'fast'",
        "all.yml:5: roby: velocity must be a number, not 'fast'",
    ]


def test_wrong_yaml_of_an_object_is_not_told_twice(tree):
    root = tree("- {name: a, class: Axis, x: 1, x: 2}\n- {name: b, class: Thing, axis: $a}\n")
    assert build(root)[1] == [
        "all.yml:2: b: needs a, which failed: the key 'x' is there twice, first at line 1"
    ]


def test_objects_in_a_circle_fail_and_the_rest_does_not(tree):
    root = tree("""
        - {name: a, class: Thing, anything: $b}
        - name: b
          class: Thing
          anything: $a
        - {name: me, class: Thing, anything: $me}
        - {name: good, class: Axis}
    """)
    made, problems = build(root)
    assert list(made) == ["good"]
    circle = "objects refer to each other in a circle: a -> b -> a"
    assert problems == [
        f"all.yml:1: a: needs b, which failed: {circle}",
        f"all.yml:4: b: {circle}",
        "all.yml:5: me: objects refer to each other in a circle: me -> me",
    ]


def test_a_chain_without_end_is_one_problem_each(tree):
    chain = "".join(f"- {{name: o{i}, class: Thing, anything: $o{i + 1}}}\n" for i in range(300))
    made, problems = build(tree(chain + "- {name: o300, class: Axis}\n"), "o0", "o280")
    assert "o280" in made
    assert any("refers to more than" in p for p in problems)


def test_parts_of_a_controller_stand_alone(tree):
    root = tree("""
        - class: Holder
          axes:
            - {name: good, velocity: 2}
            - {name: bad, velocity: x}
            - {name: other, class: Thing}
          encoders:
            - {name: enc}
    """)
    made, problems = build(root)
    assert set(made) == {"good", "other"}
    assert problems == [
        "all.yml:4: bad: velocity must be a number, not 'x'",
        "all.yml:7: enc: class Holder makes no encoders",
    ]


def test_the_name_of_a_holder_stands_for_its_parts(tree):
    root = tree("""
        - {class: Holder, name: rack, axes: [{name: a}, {name: b}]}
        - {class: Thing, name: t, anything: $rack}
    """)
    made, problems = build(root, "rack", "t")
    assert list(made) == ["a", "b"]
    assert problems == ["all.yml:2: t: 'rack' only holds other objects: refer to one of these"]


def test_a_part_gets_its_controller(tree):
    root = tree("class: Rack\nname: rack\nnumber: 3\ncards: [{name: c1, address: 7}]\n")
    made, problems = build(root, "c1")
    assert problems == []
    assert made["c1"].controller is made["rack"]
    assert made["c1"].address == 7


def test_a_controller_that_nobody_knows_is_named_once_with_what_it_costs(tree):
    root = tree("class: Hodler\naxes: [{name: a}, {name: b}]\n")
    _, problems = build(root)
    assert problems == [
        "all.yml:1: there is no device class 'Hodler', did you mean 'Holder'? (needed by a, b)"
    ]


def test_a_factory_may_make_several_objects(tree):
    root = tree("""
        - class: Several
          axes: [{name: $roby}, {name: gap}, {name: offset}]
        - class: Several
          name: s2
          axes: [{name: gap2}]
        - {name: roby, class: Axis}
    """)
    made, problems = build(root)
    assert problems == []
    assert set(made) == {"roby", "gap", "offset", "s2", "gap2"}
    assert made["gap"].real == [made["roby"]]


def test_objects_that_a_controller_did_not_make(tree):
    root = tree("""
        - class: Several
          axes: [{name: forgotten}, {name: gap}]
        - {class: Thing, name: t, items: [{name: item}]}
    """)
    made, problems = build(root)
    assert set(made) == {"gap", "t"}
    assert [p.partition(";")[0] for p in problems] == [
        "all.yml:2: forgotten: class Several made no object of this name",
        "all.yml:3: item: class Thing made no object of this name",
    ]


def test_objects_of_a_controller_that_failed(tree):
    root = tree("class: Several\naxes: [{name: $robx}, {name: gap}]\n")
    assert build(root)[1] == [
        "all.yml:2: Several: there is no object 'robx'",
        "all.yml:2: gap: needs Several at all.yml:1, which failed: there is no object 'robx'",
    ]


def test_find_builds_on_demand_and_knows_aliases(tree):
    root = tree("""
        - {name: f, class: Finder, uses: y}
        - {name: roby, class: Axis}
        - {name: late, class: Axis}
        - {name: bad, class: Axis, velocity: x}
    """)
    builder = builder_of(root, aliases={"y": "roby"}, context=DeviceContext(seed=5))
    made, problems = builder.build(["f"])
    assert problems == []
    assert made["f"].found is made["roby"]
    assert made["f"].context.seed == 5
    assert made["f"].context.find("late") is builder.devices["late"]
    with pytest.raises(ConfigError, match="no object 'lat', did you mean 'late'"):
        builder.find("lat")
    with pytest.raises(ConfigError, match=r"all.yml:4: needs bad, which failed: velocity"):
        builder.find("bad")


def test_what_a_factory_looks_for_is_named_where_it_is_written(tree):
    root = tree("- name: f\n  class: Finder\n  uses: bad\n- {name: bad, class: Failing}\n")
    assert build(root, "f")[1] == [
        "all.yml:3: f: needs bad, which failed: ValueError: no answer",
        "all.yml:4: bad: ValueError: no answer",
    ]


def test_unknown_names_are_problems(tree):
    root = tree("name: roby\nclass: Axis\n")
    assert build(root, "rob", "roby")[1] == ["there is no object 'rob', did you mean 'roby'?"]


def test_simulated_devices(tree):
    root = tree("""
        - class: mockup
          axes:
            - {name: roby, velocity: 5, unit: mm, low_limit: "-inf", camera: $cam}
            - {name: up}
            - {name: down}
        - {class: simulation_diode, name: diode, model: gaussian, axis: $roby}
        - class: simulation_diode
          name: odd
          model: gauss
        - class: simulation_diode
          name: both
          axis: $roby
          noise: -5
        - {class: MeasurementGroup, name: MG1, counters: [diode]}
        - class: MeasurementGroup
          name: MG2
          counters: [diode,
                     odd]
        - class: slits
          axes:
            - {name: $up, tags: real up}
            - {name: $down, tags: real down}
            - {name: gap, tags: vgap}
        - class: MultiplePositions
          name: mp
          positions:
            - {label: in, target: [{axis: $roby, destination: 1}]}
    """)
    made, problems = build(root)
    assert set(made) == {"roby", "up", "down", "diode", "MG1", "MG2", "gap", "mp"}
    # A measurement group does without a counter that failed, and logs it.
    assert made["MG2"].available == ["diode"]
    assert [p.split(": ")[0] for p in problems] == ["all.yml:9", "all.yml:13"]
