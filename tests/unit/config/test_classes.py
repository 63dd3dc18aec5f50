"""Where device classes come from: built in, entry points, packages beside the configuration."""

from __future__ import annotations

import importlib.metadata
import sys

import pytest

from session_shell.config import Builder, check_configuration, load_configuration
from session_shell.devices import registry
from session_shell.devices.registry import BUILT_IN, DeviceClass, find_class, known_classes
from session_shell.errors import ConfigError

DIODE = """
class MyDiode:
    def __init__(self, name, *, gain: float = 1.0):
        self.name, self.gain = name, gain

not_callable = 5
"""


@pytest.fixture(autouse=True)
def modules_as_before():
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("my_"):
            del sys.modules[name]


def build(root):
    configuration = load_configuration(root)
    made, problems = Builder(configuration).build(configuration.objects)
    assert [str(p) for p in check_configuration(configuration)] == [str(p) for p in problems]
    return made, [str(p) for p in problems]


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_built_in_class_can_be_loaded(name):
    factory = BUILT_IN[name].factory()
    assert callable(factory) or BUILT_IN[name].parts


def test_a_package_in_the_configuration_folder(tree):
    root = tree(
        "- {name: d, package: my_devices.diodes, class: MyDiode, gain: 2}\n",
        {
            "my_devices/__init__.py": "",
            "my_devices/diodes.py": "from my_devices.base import *\n",
            "my_devices/base.py": DIODE,
        },
    )
    path = list(sys.path)
    made, problems = build(root)
    assert problems == []
    assert made["d"].gain == 2.0
    assert sys.path == path


def test_a_package_is_found_by_who_stands_in_the_folder(tree, monkeypatch):
    text = "- {name: d, package: my_dev, class: MyDiode}\n"
    other = tree(files={"other/a.yml": text, "other/my_dev.py": DIODE}) / "other"
    root = tree(files={"one/a.yml": text, "one/my_dev.py": DIODE}) / "one"
    build(other)
    monkeypatch.chdir(root)
    monkeypatch.syspath_prepend("")
    made, problems = build(root)
    assert problems == []
    assert type(made["d"]).__init__.__code__.co_filename == str(root / "my_dev.py")


def test_two_configurations_with_a_package_of_the_same_name(tree):
    text = "- {name: d, package: my_dev, class: MyDiode}\n"
    one = tree(files={"one/a.yml": text, "one/my_dev.py": DIODE}) / "one"
    two = tree(files={"two/a.yml": text, "two/my_dev.py": DIODE + "version = 2\n"}) / "two"
    made_one, made_two = build(one)[0], build(two)[0]
    assert type(made_one["d"]).__init__.__code__.co_filename == str(one / "my_dev.py")
    assert type(made_two["d"]).__init__.__code__.co_filename == str(two / "my_dev.py")


def test_an_installed_package_comes_before_one_in_the_folder(tree):
    root = tree("{name: d, package: json, class: JSONDecoder}\n", {"json.py": "1 / 0"})
    configuration = load_configuration(root)
    problems = Builder(configuration).build(["d"])[1]
    assert "1 / 0" not in str(problems)
    assert "ZeroDivisionError" not in str(problems)


def test_a_built_in_class_is_found_although_a_package_is_inherited(tree):
    root = tree(
        files={
            "__init__.yml": "package: my_dev\n",
            "my_dev.py": DIODE,
            "a.yml": "- {name: d, class: MyDiode}\n- {name: roby, class: MockupAxis}\n",
        }
    )
    made, problems = build(root)
    assert problems == []
    assert set(made) == {"d", "roby"}


@pytest.mark.parametrize(
    ("package", "class_name", "source", "expected"),
    [
        ("my_absent", "MyDiode", "", "all.yml:3: d: there is no package 'my_absent' to import"),
        ("my_dev.sub", "MyDiode", DIODE, "all.yml:3: d: there is no package 'my_dev.sub'"),
        ("..", "MyDiode", "", "all.yml:3: d: package '..' cannot be imported"),
        ("my_dev", "MyDoide", DIODE, "no class 'MyDoide', did you mean 'MyDiode'?"),
        ("my_dev", "Zzzz", DIODE, "all.yml:2: d: package 'my_dev' has no class 'Zzzz'"),
        (
            "my_dev",
            "not_callable",
            DIODE,
            "all.yml:2: d: class not_callable: my_dev:not_callable is",
        ),
        ("my_dev", "MyDiode", "1 / 0", "'my_dev' cannot be imported (ZeroDivisionError: division"),
        ("my_dev", "MyDiode", "x = (", "'my_dev' cannot be imported (SyntaxError"),
        ("my_dev", "MyDiode", "import my_none", "(ModuleNotFoundError: No module named 'my_none')"),
        ("my_dev", "MyDiode", "import sys; sys.exit(2)", "cannot be imported (SystemExit: 2)"),
    ],
)
def test_a_package_that_cannot_be_used(tree, package, class_name, source, expected):
    root = tree(f"name: d\nclass: {class_name}\npackage: {package}\n", {"my_dev.py": source})
    made, problems = build(root)
    assert made == {}
    assert len(problems) == 1
    assert expected in problems[0]


def test_a_package_may_offer_a_controller_with_parts(tree):
    source = DIODE + (
        "from session_shell.devices.registry import DeviceClass\n"
        "Rack = DeviceClass('Rack', parts={'cards': 'MyDiode'})\n"
    )
    root = tree(
        "package: my_dev\nclass: Rack\ncards: [{name: c1}, {name: c2, class: MyDiode, gain: 3}]\n",
        {"my_dev.py": source},
    )
    made, problems = build(root)
    assert problems == []
    assert (made["c1"].gain, made["c2"].gain) == (1.0, 3.0)


class _Point:
    dist = None

    def __init__(self, name, made):
        self.name, self.value, self._made = name, "plugin:made", made

    def load(self):
        if isinstance(self._made, Exception):
            raise self._made
        return self._made


@pytest.fixture
def entry_points(monkeypatch):
    points = []
    asked = []

    def give(*, group):
        asked.append(group)
        return points

    monkeypatch.setattr(importlib.metadata, "entry_points", give)
    return points, asked


def test_entry_points_are_asked_only_for_what_is_not_built_in(entry_points):
    points, asked = entry_points
    points.append(_Point("Plugged", dict))
    assert find_class("mockup").parts["axes"] == "MockupAxis"
    assert asked == []
    assert find_class("Plugged") == DeviceClass("Plugged", dict)
    assert find_class("Unplugged") is None
    assert asked == ["session_shell.devices"] * 2
    assert "Plugged" in known_classes()


def test_an_entry_point_that_cannot_be_loaded(entry_points, tree):
    entry_points[0].append(_Point("Plugged", ImportError("no driver")))
    with pytest.raises(ConfigError, match=r"plugin:made cannot be loaded \(ImportError: no dr"):
        find_class("Plugged")
    made, problems = build(tree("name: d\nclass: Plugged\n"))
    assert made == {}
    assert problems[0].startswith("all.yml:2: d: class Plugged: the entry point")


def test_a_target_that_cannot_be_called():
    with pytest.raises(ConfigError, match="math:pi cannot be called"):
        DeviceClass("Pi", "math:pi").factory()
    assert registry.part_class("nobody", "axes") == ""
