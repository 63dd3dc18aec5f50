"""Every row of the table "Metadata dictionaries to HDF5"."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from session_shell.nexus import Dataset, Group, Link, metadata_tree
from session_shell.nexus.tree.nodes import find


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    HIGH = 3


class PintUnit:
    def __format__(self, spec: str) -> str:
        return "µm" if spec == "~C" else "micrometer"


class PintQuantity:
    """Has the face of a pint quantity."""

    def __init__(self, magnitude: Any) -> None:
        self._magnitude = magnitude

    @property
    def magnitude(self) -> Any:
        return self._magnitude

    @property
    def units(self) -> PintUnit:
        return PintUnit()

    def __str__(self) -> str:
        return f"{self._magnitude} um"


class AstropyQuantity:
    """Has the face of an astropy quantity."""

    @property
    def value(self) -> float:
        return 2.5

    @property
    def unit(self) -> str:
        return "Angstrom"

    def to_value(self) -> float:
        return 2.5


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@dataclass
class Filter:
    material: str
    thickness: float


class EvilMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise OSError("no answer")

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


LOCAL = dt.datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001
UTC = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
UUID = uuid.UUID("12345678123456781234567812345678")


def item(value: Any, key: str = "x") -> Any:
    return metadata_tree({key: value})[0].items.get("x")


def check(node: Any, expected: Any, **attributes: Any) -> None:
    assert isinstance(node, Dataset)
    if isinstance(expected, str):
        assert node.value == expected
    else:
        expected = np.asarray(expected)
        assert isinstance(node.value, np.ndarray)
        assert node.value.shape == expected.shape
        assert node.value.dtype == expected.dtype
        np.testing.assert_array_equal(node.value, expected)
    assert node.attributes == attributes


STRINGS = np.array(["a", "é"], object)

ROWS: list[tuple[str, Any, Any, dict[str, Any]]] = [
    ("bool", True, np.True_, {}),
    ("int", 5, np.int64(5), {}),
    ("negative", -(2**63), np.int64(-(2**63)), {}),
    ("uint64", 2**64 - 1, np.uint64(2**64 - 1), {}),
    ("int beyond 64 bit", 2**64, str(2**64), {}),
    ("negative beyond 64 bit", -(2**63) - 1, str(-(2**63) - 1), {}),
    ("huge int", 1 << 20_000, hex(1 << 20_000), {}),
    ("float", 1.5, 1.5, {}),
    ("nan", float("nan"), np.nan, {}),
    ("inf", float("-inf"), -np.inf, {}),
    ("complex", 1 + 2j, 1 + 2j, {}),
    ("str", "Grüße µm", "Grüße µm", {}),
    ("empty str", "", "", {}),
    ("list of str", ["a", "é"], STRINGS, {}),
    ("tuple of str", ("a", "é"), STRINGS, {}),
    ("list of int", [1, 2], np.array([1, 2], np.int64), {}),
    ("list of float", [1.0, 2.5], [1.0, 2.5], {}),
    ("list of bool", [True, False], [True, False], {}),
    ("ints and floats", [1, 2.5], [1.0, 2.5], {}),
    ("complex numbers", [1, 2j], [1 + 0j, 2j], {}),
    ("unsigned list", [0, 2**64 - 1], np.array([0, 2**64 - 1], np.uint64), {}),
    ("table", [[1, 2], [3, 4]], np.array([[1, 2], [3, 4]], np.int64), {}),
    ("empty list", [], np.empty(0), {}),
    ("empty tuple", (), np.empty(0), {}),
    ("range", range(3), np.array([0, 1, 2], np.int64), {}),
    ("deque", deque([1, 2]), np.array([1, 2], np.int64), {}),
    ("set", {3, 1, 2}, np.array([1, 2, 3], np.int64), {}),
    ("frozenset of str", frozenset({"b", "a"}), np.array(["a", "b"], object), {}),
    ("mixed set", {1, "a"}, '["a", 1]', {"encoding": "json"}),
    ("numbers with None", [1, None, 3], [1.0, np.nan, 3.0], {}),
    ("floats with None", [1.5, None], [1.5, np.nan], {}),
    ("only None", [None, None], "[null, null]", {"encoding": "json"}),
    ("ragged", [[1], [2, 3]], "[[1], [2, 3]]", {"encoding": "json"}),
    ("mixed", [1, "a"], '[1, "a"]', {"encoding": "json"}),
    ("bool and int", [True, 2], "[true, 2]", {"encoding": "json"}),
    ("digits that float loses", [2**60 + 1, 0.5], f"[{2**60 + 1}, 0.5]", {"encoding": "json"}),
    ("too large ints", [2**64, 1], f"[{2**64}, 1]", {"encoding": "json"}),
    ("dict in list", [1, {"a": None}], '[1, {"a": null}]', {"encoding": "json"}),
    ("list of datetimes", [UTC], np.array([UTC.isoformat()], object), {}),
    ("list of enums", [Colour.RED], np.array(["RED"], object), {}),
    ("bytes of text", "é".encode(), "é", {}),
    ("other bytes", b"\xff\x00", np.array([255, 0], np.uint8), {}),
    ("bytes with NUL", b"a\x00", np.array([97, 0], np.uint8), {}),
    ("bytearray", bytearray(b"ab"), "ab", {}),
    ("memoryview", memoryview(b"ab"), "ab", {}),
    ("text with NUL", "a\0b", '"a\\u0000b"', {"encoding": "json"}),
    ("lone surrogate", "\ud800", '"\\ud800"', {"encoding": "json"}),
    ("aware datetime", UTC, "2026-01-02T03:04:05+00:00", {}),
    ("naive datetime", LOCAL, LOCAL.astimezone().isoformat(), {}),
    ("date", dt.date(2026, 1, 2), "2026-01-02", {}),
    ("timedelta", dt.timedelta(minutes=1.5), 90.0, {"units": "s"}),
    ("enum", Colour.RED, "RED", {}),
    ("int enum", Level.HIGH, "HIGH", {}),
    ("path", Path("/tmp/x"), "/tmp/x", {}),
    ("uuid", UUID, str(UUID), {}),
    ("decimal", Decimal("1.25"), 1.25, {}),
    ("decimal that loses digits", Decimal("0.1") + Decimal("1e-25"), None, {}),
    ("decimal nan", Decimal("nan"), np.nan, {}),
    ("fraction", Fraction(1, 4), 0.25, {}),
    ("fraction that loses digits", Fraction(1, 3), "1/3", {}),
    ("pint", PintQuantity(5.0), 5.0, {"units": "um"}),
    ("pint array", PintQuantity(np.arange(2.0)), [0.0, 1.0], {"units": "um"}),
    ("astropy", AstropyQuantity(), 2.5, {"units": "Angstrom"}),
    ("quantities in a list", [PintQuantity(5)], np.array(["5 um"], object), {}),
    ("numpy float32", np.float32(1.5), np.float32(1.5), {}),
    ("numpy int8", np.int8(-3), np.int8(-3), {}),
    ("numpy bool", np.bool_(True), np.True_, {}),
    ("numpy str", np.str_("a"), "a", {}),
    ("numpy bytes", np.bytes_(b"a"), "a", {}),
    ("float16 array", np.ones(2, np.float16), np.ones(2, np.float16), {}),
    ("big endian", np.arange(3, dtype=">i4"), np.arange(3, dtype=">i4"), {}),
    ("image", np.ones((2, 3, 4), np.uint16), np.ones((2, 3, 4), np.uint16), {}),
    ("longdouble", np.longdouble(1.5), 1.5, {}),
    ("longdouble array", np.ones(2, np.longdouble), np.ones(2), {}),
    ("clongdouble", np.ones(1, np.clongdouble), np.ones(1, np.complex128), {}),
    ("array of str", np.array(["a", "é"]), STRINGS, {}),
    ("array of bytes", np.array([b"a", b"b"]), np.array(["a", "b"], object), {}),
    ("array of bad bytes", np.array([b"\xff"]), np.array([255], np.uint8), {}),
    ("array of objects", np.array([1, None], object), [1.0, np.nan], {}),
    ("array of times", np.array(["2026-01-02"], "M8[D]"), np.array(["2026-01-02"], object), {}),
    ("one time", np.datetime64("2026-01-02"), "2026-01-02", {}),
    ("time difference", np.timedelta64(1500, "ms"), 1.5, {"units": "s"}),
    ("list of arrays", [np.ones(2), np.zeros(2)], [[1.0, 1.0], [0.0, 0.0]], {}),
    ("unequal arrays", [np.ones(1), np.ones(2)], "[[1.0], [1.0, 1.0]]", {"encoding": "json"}),
    ("empty array", np.empty((0, 3)), np.empty((0, 3)), {}),
    ("void", np.void(b"ab"), np.array([97, 98], np.uint8), {}),
]


@pytest.mark.parametrize(
    ("value", "expected", "attributes"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS]
)
def test_value(value: Any, expected: Any, attributes: dict[str, Any]) -> None:
    if expected is None:
        expected = str(value)
    tree, warnings = metadata_tree({"x": value})
    check(tree.items["x"], expected, **attributes)
    assert warnings == []


@pytest.mark.parametrize("value", [None, {}, {"y": None}, {"y": {}}, MappingProxyType({})])
def test_nothing_is_stored(value: Any) -> None:
    assert metadata_tree({"x": value}) == (Group(), [])


def test_none_takes_its_attributes_along() -> None:
    assert metadata_tree({"x": None, "x@units": "mm"}) == (Group(), [])


@pytest.mark.parametrize(
    "value",
    [{"a": 1}, OrderedDict(a=1), MappingProxyType({"a": 1}), np.array((1,), [("a", "i8")])],
)
def test_mappings_are_groups(value: Any) -> None:
    group = item(value)
    assert group.nx_class == "NXcollection"
    check(group.items["a"], np.int64(1))


def test_dataclass_is_a_group() -> None:
    group = item(Filter("Al", 20.0))
    check(group.items["material"], "Al")
    check(group.items["thickness"], 20.0)


def test_list_of_dicts() -> None:
    group = item([{"a": 1}, {"a": 2, "@NX_class": "NXnote"}])
    check(find(group, "item_0/a"), np.int64(1))
    assert group.items["item_1"].nx_class == "NXnote"


def test_a_long_list_of_dicts_is_text() -> None:
    assert item([{"a": 1}] * 10_001).attributes == {"encoding": "json"}


def test_masked_array() -> None:
    tree, warnings = metadata_tree({"x": np.ma.array([1, 2], mask=[False, True])})
    check(tree.items["x"], [1.0, np.nan])
    check(tree.items["x_mask"], [False, True])
    assert warnings == []
    check(item(np.ma.masked), np.nan)
    check(item(np.ma.array([1j], mask=[True])), [complex(np.nan, np.nan)])


@pytest.mark.parametrize("order", [1, -1])
def test_explicit_units_win_whatever_the_order(order: int) -> None:
    pairs = [("x", PintQuantity(5.0)), ("x@units", "nm")][::order]
    check(metadata_tree(dict(pairs))[0].items["x"], 5.0, units="nm")


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ("µm", "um"),
        ("\u03bcm", "um"),
        ("Å", "angstrom"),
        ("°C", "degC"),
        ("°", "deg"),
        ("mm²", "mm**2"),
        ("", ""),
        (5, "5"),
        (b"mm", "mm"),
    ],
)
def test_units_are_ascii_text(units: Any, expected: str) -> None:
    check(metadata_tree({"x": 1.0, "x@units": units})[0].items["x"], 1.0, units=expected)


def test_attributes() -> None:
    tree, warnings = metadata_tree(
        {
            "@NX_class": "NXsample",
            "@text": "é",
            "g": {"@NX_class": "NXnote", "y": 1},
            "g@a": [1, 2],
            "g/y@b": True,
            "x@units@z": 1,
            "x": 2.0,
            "x@none": None,
            "x@when": dt.timedelta(seconds=2),
            "x@size": PintQuantity(5),
        }
    )
    assert tree.attributes == {"NX_class": "NXsample", "text": "é"}
    group = tree.items["g"]
    assert isinstance(group, Group)
    assert group.nx_class == "NXnote"
    np.testing.assert_array_equal(group.attributes["a"], [1, 2])
    assert find(group, "y").attributes == {"b": np.True_}  # type: ignore[union-attr]
    assert tree.items["x"].attributes == {"when": 2.0, "size": "5 um"}  # type: ignore[union-attr]
    assert len(warnings) == 1
    assert "x@units@z" in warnings[0]


def test_a_large_attribute_becomes_a_dataset() -> None:
    tree, warnings = metadata_tree({"x": 1, "x@long": "a" * 9000, "@all": np.ones(2000)})
    check(tree.items["x"], np.int64(1))
    check(tree.items["x_long"], "a" * 9000)
    check(tree.items["all"], np.ones(2000))
    assert warnings == []


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ({"x@units": "mm"}, "x@units"),
        ({"@": 1}, "@"),
        ({"x": 1, "x@": 2}, "x@"),
        ({"x": 1, "x@a": {"b": 1}}, "x@a"),
        ({"x": 1, "x@a": [{"b": 1}]}, "x@a"),
        ({"x": 1, "x@NX_class": "NXnote"}, "x@NX_class"),
        ({"x": {"y": 1, "@NX_class": 5}}, "x/@NX_class"),
        ({"x": {"y": 1, "@NX_class": "note"}}, "x/@NX_class"),
        ({"x": {">y": 5}}, "x/>y"),
        ({">y": ""}, ">y"),
        ({">y": "z", "y@a": 1}, "y@a"),
    ],
)
def test_dropped_with_a_warning_that_names_it(metadata: dict[str, Any], named: str) -> None:
    tree, warnings = metadata_tree({**metadata, "kept": 1})
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{named}: ")
    check(tree.items["kept"], np.int64(1))


@pytest.mark.parametrize(
    ("key", "name", "original"),
    [
        (5, "5", None),
        (1.5, "1.5", None),
        (None, "None", None),
        (Colour.RED, "RED", None),
        (b"ab", "ab", None),
        ((1, 2), "_1__2_", "(1, 2)"),
        ("", "_", ""),
        (".", "_", "."),
        ("..", "__", ".."),
        ("/", "_", "/"),
        ("a\0b", "a_b", "a\\x00b"),
        ("a b", "a_b", "a b"),
        ("é", "_", "é"),
        ("\ud800", "_", "\\ud800"),
        (".hidden", "_hidden", ".hidden"),
        ("end.", "end_", "end."),
        ("a.b", "a.b", None),
        ("n" * 300, "n" * 200, "n" * 300),
    ],
)
def test_keys(key: Any, name: str, original: str | None) -> None:
    tree, warnings = metadata_tree({key: 1})
    check(
        tree.items[name], np.int64(1), **({} if original is None else {"original_name": original})
    )
    assert warnings == []


def test_names_that_become_the_same_are_kept_apart() -> None:
    tree, warnings = metadata_tree({"a b": 1, "a_b": 2, "a+b": 3, "a b@units": "mm"})
    check(tree.items["a_b"], np.int64(1), original_name="a b", units="mm")
    check(tree.items["a_b_2"], np.int64(2), original_name="a_b")
    check(tree.items["a_b_3"], np.int64(3), original_name="a+b")
    assert warnings == []


def test_paths_as_keys() -> None:
    tree, warnings = metadata_tree({"a/b": 1, "a": {"c": 2}, "/d//e/": 3})
    assert find(tree, "a/b") is not None
    assert find(tree, "a/c") is not None
    assert find(tree, "d/e") is not None
    assert warnings == []


@pytest.mark.parametrize(
    ("metadata", "left_out", "taken"),
    [
        ({"a": 5, "a/b": 6}, "a/b", "'a'"),
        ({"a/b": 6, "a": 5}, "a", "'a'"),
        ({1: 5, "1": 6}, "1", "'1'"),
        ({"a": {"b": 5}, "a/b": 6}, "a/b", "'b'"),
        ({"a": 5, ">a": "x"}, ">a", "'a'"),
    ],
)
def test_conflicts(metadata: dict[Any, Any], left_out: str, taken: str) -> None:
    tree, warnings = metadata_tree({**metadata, "kept": 1})
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{left_out}: ")
    assert taken in warnings[0]
    assert "kept" in tree.items


def test_links() -> None:
    tree, warnings = metadata_tree({"g": {">a": "../x"}, ">b": "other.h5::/1.1/x"})
    assert find(tree, "g/a") == Link("../x")
    assert tree.items["b"] == Link("/1.1/x", "other.h5")
    assert warnings == []


def test_circular_dict() -> None:
    metadata: dict[str, Any] = {"a": {"b": 1}}
    metadata["a"]["self"] = metadata
    tree, warnings = metadata_tree(metadata)
    assert find(tree, "a/self") == Dataset("<circular>")
    check(find(tree, "a/b"), np.int64(1))
    assert len(warnings) == 1
    assert "a/self" in warnings[0]


def test_the_same_dict_twice_is_no_circle() -> None:
    shared = {"b": 1}
    tree, warnings = metadata_tree({"a": shared, "c": shared})
    assert warnings == []
    assert find(tree, "c/b") is not None


def test_circular_list() -> None:
    values: list[Any] = [1]
    values.append(values)
    check(item(values), '[1, "<circular>"]', encoding="json")


def test_dicts_without_end() -> None:
    metadata: dict[str, Any] = {}
    for _ in range(5000):
        metadata = {"a": metadata, "b": 1}
    tree, warnings = metadata_tree(metadata)
    assert find(tree, "a/a/a/b") is not None
    assert len(warnings) == 1


@pytest.mark.parametrize(
    "value", [object(), len, Colour, (i for i in "ab"), Broken(), range(10**9), lambda: 1]
)
def test_anything_else_is_its_text_with_a_warning(value: Any) -> None:
    tree, warnings = metadata_tree({"a": {"x": value}, "kept": 1})
    node = find(tree, "a/x")
    assert isinstance(node, Dataset)
    assert isinstance(node.value, str)
    assert node.value
    assert len(warnings) == 1
    assert warnings[0].startswith("a/x: ")
    assert "\n" not in warnings[0]
    assert "kept" in tree.items


def test_long_texts_of_objects_are_capped() -> None:
    class Long:
        def __repr__(self) -> str:
            return "x" * 100_000

    assert len(item(Long()).value) < 3000


def test_an_object_that_raises_when_read() -> None:
    tree, warnings = metadata_tree({"x": EvilMapping(), "kept": 1})
    assert isinstance(tree.items["x"], Dataset)
    assert "OSError" in warnings[0]
    assert "kept" in tree.items


@pytest.mark.parametrize("metadata", [5, None, "text", [1, 2], object()])
def test_no_dict_at_all(metadata: Any) -> None:
    tree, _warnings = metadata_tree(metadata)
    assert isinstance(tree, Group)


def test_values_are_copied() -> None:
    values = np.zeros(3)
    tree = metadata_tree({"x": values})[0]
    values[:] = 1
    check(tree.items["x"], np.zeros(3))
