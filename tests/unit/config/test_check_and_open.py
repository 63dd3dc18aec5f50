"""`check` and opening a session report the same problems, whatever stands in the tree."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_shell import open_session
from session_shell.config import check_configuration, load_configuration

_SESSION = "- {name: s, class: Session}\n"


def both(folder: Path) -> tuple[list[str], list[str]]:
    checked = [str(p) for p in check_configuration(load_configuration(folder), ["s"])]
    with open_session("s", config=folder, data=folder / "data", clock="virtual") as session:
        return checked, [str(p) for p in session.problems]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("velocity: 0", "velocity must be above zero"),
        ("acceleration: -1", "acceleration must be above zero"),
        ("steps_per_unit: 0", "steps_per_unit must not be zero"),
        ("sign: 2", "sign must be 1 or -1"),
        ("offset: .inf", "offset cannot be inf"),
        ("low_limit: .nan", "low limit cannot be nan"),
        ("modulo: 0", "modulo must be above zero"),
        ("unit: 5", "unit must be text"),
        ("motion_hooks: [$h]", "does not know the key 'motion_hooks'"),
        ("velocity_high_limit: 3", "does not know the key 'velocity_high_limit'"),
        ("scan_saving: 1", "does not use the key 'scan_saving'"),
    ],
)
def test_a_bad_value_is_told_alike(tmp_path: Path, key: str, reason: str) -> None:
    (tmp_path / "a.yml").write_text(f"{_SESSION}- class: MockupAxis\n  name: x\n  {key}\n")
    checked, opened = both(tmp_path)
    assert checked == opened
    assert any(reason in line and "a.yml:" in line for line in checked)


def test_a_protective_key_of_a_folder_is_for_its_axes(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        f"{_SESSION}- {{name: x, class: MockupAxis}}\n- {{name: d, class: simulation_diode}}\n"
    )
    (tmp_path / "__init__.yml").write_text("motion_hooks: [h]\n")
    checked, opened = both(tmp_path)
    assert checked == opened
    (problem,) = checked
    assert "__init__.yml:1: x: class MockupAxis does not know" in problem


def test_without_imports_no_code_of_a_package_is_run(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(f"{_SESSION}- {{name: x, package: mine_here, class: Own}}\n")
    (tmp_path / "mine_here.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    configuration = load_configuration(tmp_path)
    assert check_configuration(configuration, imports=False) == []
    assert not (tmp_path / "ran").exists()
    assert check_configuration(configuration) != []  # it has no class Own
    assert (tmp_path / "ran").exists()


_NAMES = ["name", "class", "axes", "axis", "counters", "unit", "center", "x"]
_NUMBERS = ["velocity", "sign", "low_limit", "motion_hooks"]
_KEYS = st.sampled_from(_NAMES + _NUMBERS)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**6),
    st.floats(),
    st.sampled_from(
        ["a", "b", "$a", "$b", "MockupAxis", "simulation_diode", "mockup", "MeasurementGroup"]
    ),
    st.text("ab$ :-{", max_size=5),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=8,
)
_CLASSES = st.sampled_from(["MockupAxis", "simulation_diode", "MeasurementGroup", "mockup"])
_OBJECTS = st.builds(
    lambda name, kind, more: {**more, "name": name, "class": kind},
    st.sampled_from("abcd"),
    _CLASSES,
    st.dictionaries(_KEYS, _VALUES, max_size=4),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_OBJECTS | _VALUES, max_size=4))
def test_any_tree_opens_with_a_list_of_problems(items: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "s.yml").write_text(_SESSION)
        (folder / "a.yml").write_text(json.dumps(items))  # which is YAML too
        checked, opened = both(folder)
        assert checked == opened
        assert all(".yml:" in line for line in checked)


def test_what_needs_an_object_of_another_package_is_not_built(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        "- {name: own, package: hardware_here, class: Own}\n"
        "- {name: d, class: simulation_diode}\n"
        "- {name: g, class: MeasurementGroup, counters: [$d, $own]}\n"
        "- {name: gg, class: MeasurementGroup, counters: [$d], include: [$g]}\n"
    )
    made = str(tmp_path / "made")
    (tmp_path / "hardware_here.py").write_text(
        f"class Own:\n    def __init__(self, name):\n        open({made!r}, 'w')\n"
    )
    problems = check_configuration(load_configuration(tmp_path))
    assert not [p for p in problems if p.severity == "error"]
    assert not (tmp_path / "made").exists()


_TWO = "- {name: x, class: MockupAxis}\n- {name: d, class: simulation_diode}\n"


def _tree(folder: Path, sessions: str, more: str = "") -> None:
    (folder / "a.yml").write_text(f"{_TWO}{more}{sessions}")


def test_objects_that_no_session_loads_are_told_once(tmp_path: Path) -> None:
    _tree(tmp_path, "- {name: s, class: Session, config-objects: [x]}\n")
    checked, opened = both(tmp_path)
    assert checked == opened
    (line,) = checked
    assert line.endswith("a.yml:2: d is loaded by no session: add to the config-objects of one")
    assert [p.severity for p in check_configuration(load_configuration(tmp_path))] == ["warning"]
    more = "".join(f"- {{name: d{i}, class: simulation_diode}}\n" for i in range(9))
    _tree(tmp_path, "- {name: s, class: Session, config-objects: [x]}\n", more)
    (line,) = both(tmp_path)[1]
    assert "a.yml:2: d, d0, d1, d2, d3 and 5 more are loaded by no session" in line


@pytest.mark.parametrize(
    ("sessions", "more"),
    [
        ("- {name: s, class: Session}\n", ""),
        ("- {name: s, class: Session, config-objects: [x, d]}\n", ""),
        ("- {name: s, class: Session, config-objects: [x], exclude-objects: [d]}\n", ""),
        (
            "- {name: s, class: Session, config-objects: [x]}\n"
            "- {name: t, class: Session, config-objects: [d]}\n",
            "",
        ),
        ("- {name: s, class: Session, config-objects: [x]}\n- {name: t, class: Session}\n", ""),
        (
            "- {name: s, class: Session, config-objects: [x, g]}\n",
            "- {name: g, class: MeasurementGroup, counters: [d]}\n",
        ),
        (
            "- {name: s, class: Session, config-objects: [d2, d]}\n",
            "- {name: d2, class: simulation_diode, axis: $x}\n",
        ),
        (
            "- {name: s, class: Session, config-objects: [x, d, p1, p2]}\n",
            "- class: mockup\n  name: box\n  axes: [{name: p1}, {name: p2}]\n",
        ),
        (
            "- {name: s, class: Session, config-objects: [x, d, box]}\n",
            "- class: mockup\n  name: box\n  axes: [{name: p1}, {name: p2}]\n",
        ),
    ],
)
def test_objects_that_a_session_loads_or_leaves_out_are_not_told(
    tmp_path: Path, sessions: str, more: str
) -> None:
    _tree(tmp_path, sessions, more)
    assert both(tmp_path) == ([], [])


def test_what_no_session_loads_is_not_imported(tmp_path: Path) -> None:
    more = "- {name: own, package: mine_there, class: Own, of: $d}\n"
    _tree(tmp_path, "- {name: s, class: Session, config-objects: [x]}\n", more)
    (tmp_path / "mine_there.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    (line,) = both(tmp_path)[1]
    assert "d, own are loaded by no session" in line
    assert not (tmp_path / "ran").exists()
