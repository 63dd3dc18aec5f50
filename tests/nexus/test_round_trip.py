"""What a script put into metadata comes back equal from the file, however odd it is."""

from __future__ import annotations

import datetime as dt
import enum
import io
import math
import uuid
from collections import OrderedDict, deque
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from session_shell.nexus import open_scan, scan_tree
from session_shell.nexus.disk.hdf5 import image_bytes, new_image
from session_shell.nexus.reading.saved_info import read_info, read_info_at_start
from session_shell.scanning.documents import ScanStarted

from .documents import FAMILIES, ascan, ended, save
from .test_metadata_any import ANYTHING, CATEGORIES, INSIDE, KEYS


def same(a: Any, b: Any) -> bool:
    """Tell whether values are equal and of the same types throughout, NaN included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            any(same(k, other) and same(v, b[other]) for other in b) for k, v in a.items()
        )
    if isinstance(a, (np.ndarray, np.generic)):
        return same_arrays(a, b)
    if isinstance(a, (list, tuple, deque)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (set, frozenset)):
        return len(a) == len(b) and all(any(same(x, y) for y in b) for x in a)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, Decimal):
        return str(a) == str(b) or (not a.is_nan() and bool(a == b))
    if isinstance(a, float):
        return bool(a == b) or (a != a and b != b)
    return bool(a == b)


def same_arrays(a: Any, b: Any) -> bool:
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if isinstance(a, np.ma.MaskedArray):
        return np.array_equal(a.mask, b.mask) and np.array_equal(a.filled(0), b.filled(0))
    return a.tobytes() == b.tobytes() or np.array_equal(a, b, equal_nan=a.dtype.kind in "fcMm")


def written(metadata: Any, later: Any = None) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Return metadata as the file of a scan gives them back, at its start and at its end."""
    doc = ascan(metadata=metadata)
    end = ended(doc, 11, metadata=metadata if later is None else later)
    image = new_image(scan_tree(doc, end))
    try:
        content = io.BytesIO(image_bytes(image))
    finally:
        image.close()
    with h5py.File(content) as file:
        return read_info_at_start(file["1.1"]), read_info(file["1.1"])


class Colour(enum.Enum):
    RED = 1


@dataclass
class Filter:
    material: str
    thickness: float


class Odd:
    def __repr__(self) -> str:
        return "<odd>"


class Quantity:
    """Has the face of a pint quantity."""

    magnitude = 2.5
    units = "mm"


LOCAL = dt.datetime(2026, 1, 2, 3, 4, 5, 678)  # noqa: DTZ001
ZONED = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=-3)))

EQUAL: dict[str, Any] = {
    "none": None,
    "empty dict": {},
    "dicts of nothing": {"y": {}, "z": None},
    "bool": True,
    "int": -5,
    "int of 64 bits": 2**64 - 1,
    "int beyond 64 bits": -(2**70),
    "float": 1.5,
    "nan": math.nan,
    "inf": -math.inf,
    "complex": 1 + 2j,
    "text": "Grüße µm\n",
    "empty text": "",
    "text with NUL": "a\0b",
    "lone surrogate": "\ud800",
    "text that looks like JSON": "[1, 2]",
    "text that looks like a number": "5",
    "bytes of text": b"abc",
    "other bytes": b"\xff\x00",
    "no bytes": b"",
    "bytearray": bytearray(b"ab"),
    "aware datetime": ZONED,
    "naive datetime": LOCAL,
    "date": dt.date(2026, 1, 2),
    "time": dt.time(3, 4, 5),
    "timedelta": dt.timedelta(minutes=3, microseconds=1),
    "long timedelta": dt.timedelta(days=999_999_999, microseconds=1),
    "path": Path("recipes/7.txt"),
    "uuid": uuid.UUID("12345678123456781234567812345678"),
    "decimal": Decimal("1.25"),
    "decimal that loses digits": Decimal("0.1000000000000000000000001"),
    "fraction": Fraction(1, 3),
    "list of numbers": [1, 2, 3],
    "list of one": [1.5],
    "empty list": [],
    "list of floats": [1.0, math.nan],
    "ints and floats": [1, 2.5],
    "list of bools": [True, False],
    "list of texts": ["a", "é", ""],
    "tuple": (1, 2),
    "empty tuple": (),
    "tuple of texts": ("a", "b"),
    "mixed tuple": (1, "a", None, (2.5, b"x")),
    "matrix": [[1, 2], [3, 4]],
    "list of pairs": [(1, 2), (3, 4)],
    "pairs of pairs": ((1.5, 2.5), (3.5, 4.5)),
    "ragged": [[1], [2, 3], []],
    "numbers with None": [300, None, 310],
    "mixed": [1, "two", 3.5, None, True],
    "complex numbers": [1j, 2.0],
    "datetimes": [LOCAL, ZONED],
    "paths": [Path("a"), Path("b")],
    "dict in a list": [1, {"a": (1, 2)}],
    "set": {1, 2, 3},
    "empty set": set(),
    "set of texts": {"a", "b"},
    "frozenset": frozenset({1.5}),
    "mixed set": {1, "a", None},
    "deque": deque([1, 2]),
    "range": range(2, 10, 3),
    "array": np.arange(5.0),
    "array of ints": np.arange(3, dtype=np.int16),
    "empty array": np.empty((0, 3)),
    "image": np.ones((2, 3, 4), np.uint16),
    "single of numpy": np.float32(1.5),
    "big endian": np.arange(3, dtype=">i4"),
    "array of bools": np.array([True, False]),
    "array of texts": np.array(["a", "bcd"]),
    "array of bytes": np.array([b"a", b"bc"]),
    "array of times": np.array(["2026-01-02T03:04:05", "NaT"], "M8[s]"),
    "array of differences": np.array([1, 2500, "NaT"], "m8[ms]"),
    "one time": np.datetime64("2026-01-02"),
    "one difference": np.timedelta64(1500, "ms"),
    "list of arrays": [np.ones(2), np.zeros(2)],
    "unequal arrays": [np.ones(1), np.ones(2)],
    "masked": np.ma.array([1, 2, 3], mask=[False, True, False]),
    "masked floats": np.ma.array([1.5, 2.5], mask=[True, False]),
    "list of dicts": [{"a": 1}, {}, {"a": [(1, 2)]}],
    "tuple of dicts": ({"a": 1}, {"b": None}),
    "deep": {"a": {"b": {"c": [1, (2, 3)]}}},
    "keys that are no text": {1: "a", 2.5: "b", None: "c", (1, 2): "d"},
    "keys that are no names": {"a b": 1, "µ": 2, "": 3, ".": 4, "a.": 5},
    "keys that are one name": {"a b": 1, "a_b": 2, "a-b": 3},
    "paths in keys": {"a/b": 1, "a/c/d": 2, "e": 3},
    "conflict": {"a": 5, "a/b": 6},
    "units": {"y": 1.5, "y@units": "mm"},
    "units beyond ASCII": {"y": 1.5, "y@units": "µm"},
    "units without value": {"y@units": "mm"},
    "units of None": {"y": None, "y@units": "mm"},
    "attributes": {"y": 1, "y@a": [1, 2], "y@b": (1, "x"), "y@c": None, "y@": 1, "@": 2},
    "attribute of a dict": {"y": {"z": 1}, "y@remark": "x", "@remark": "y"},
    "a dict as attribute": {"y": 1, "y@a": {"b": 1}},
    "long attribute": {"y": 1, "y@a": "x" * 9000},
    "class": {"@NX_class": "NXattenuator", "type": "Al"},
    "class that is the default": {"@NX_class": "NXcollection", "y": 1},
    "class with strangers": {"@NX_class": "NXsource", "current": 1.0, "odd": 2},
    "class with parameters": {"@NX_class": "NXsource", "odd": 1, "parameters": {"odd": 2, "x": 3}},
    "no class": {"@NX_class": "nothing", "y": 1},
    "links": {">a": "measurement/diode", ">b": "other.h5::/1.1", ">c": "no/where", ">d": 5},
    "encoding": {"y": "[1, 2]", "y@encoding": "json"},
    "original_name": {"y": 1, "y@original_name": "z"},
    "a mask of its own": {"y": [1.0], "y_mask": [True]},
    "masked beside its mask": {"y": np.ma.array([1], mask=[True]), "y_mask": 5},
}


@pytest.mark.parametrize("value", EQUAL.values(), ids=list(EQUAL))
def test_it_comes_back_as_it_was(value: Any) -> None:
    for metadata in ({"any": {"x": value}}, {"x": value}, {"instrument": {"roby": {"x": value}}}):
        start, end = written(metadata)
        assert same(end, metadata), (end, metadata)
        assert same(start, metadata)


STORED_FORM: dict[str, tuple[Any, Any]] = {
    "enum": (Colour.RED, "RED"),
    "enums": ([Colour.RED], ["RED"]),
    "dataclass": (Filter("Al", 20.0), {"material": "Al", "thickness": 20.0}),
    "any mapping": (MappingProxyType({"a": 1}), {"a": 1}),
    "ordered dict": (OrderedDict(a=1), {"a": 1}),
    "object": (Odd(), "<odd>"),
    "memoryview": (memoryview(b"ab"), b"ab"),
    "long double": (np.longdouble(1.5), 1.5),
    "array of objects": (np.array([1.5, 2], object), np.array([1.5, 2.0], object)),
    "record": (np.array((1,), [("a", "i8")]), {"a": np.array(1)}),
}


@pytest.mark.parametrize(("value", "expected"), STORED_FORM.values(), ids=list(STORED_FORM))
def test_what_has_a_stored_form_only(value: Any, expected: Any) -> None:
    assert same(written({"any": {"x": value}})[1], {"any": {"x": expected}})


def test_a_quantity_is_a_number_and_its_units() -> None:
    expected = {"any": {"x": 2.5, "x@units": "mm"}}
    assert written({"any": {"x": Quantity()}}) == (expected, expected)


def test_very_large_lists_lose_what_an_array_cannot_hold() -> None:
    found = written({"any": {"x": [None, *range(5000)], "y": list(range(5000))}})[1]["any"]
    assert isinstance(found["x"], list)
    assert math.isnan(found["x"][0])
    assert found["x"][1:] == list(map(float, range(5000)))
    assert found["y"] == list(range(5000))


def test_a_circle_is_told() -> None:
    circle: dict[str, Any] = {"a": 1}
    circle["self"] = circle
    assert written({"any": circle})[1] == {"any": {"a": 1, "self": "<circular>"}}


def test_what_the_scan_file_owns_is_not_lost_to_who_reads_it() -> None:
    metadata = {
        "measurement": {"mine": 1},
        "plot": 5,
        "comments": {"a": (1, 2)},
        "title": "not this one",
        "scan": {"type": "mine", "more": [1]},
        "session": {"name": "mine", "x": 1, "configuration": "y"},
        "scan_parameters": {"count_time": 0.1, "npoints": 77, "x": (1,)},
        "scan_info": {"a": 1, "scan_info": {"b": 2}},
        "user": {"name": "Ada", "role": "chief"},
        "end_reason": "x",
        "entry_identifier": {"a": 1},
        "instrument": {
            "name": "ID00",
            "@NX_class": "NXother",
            "roby": {"name": "roby", "value": 5.0, "@NX_class": "NXpositioner", "velocity": "x"},
            "diode": {"data": [1, 2], "local_name": "diode", "mode": "MEAN", "type": "pin"},
            "positioners": {"roby": 5.0, "other": 6.0},
            "positioners_start": {"roby": 1.0, "mine": 2.0},
            "source": {"current": 200.0, "odd": {"a": 1}},
        },
        "positioners": {"slit": 0.5, "slit@units": "mm"},
        "sample": {"name": "gold", "parameters": {"x": 1}, "colour": "yellow"},
        "notes": {"author": "me", "data": "x"},
        "@remark": "of the entry",
    }
    start, end = written(metadata)
    assert same(end, metadata), end
    assert same(start, metadata)


def test_what_the_end_adds_and_changes() -> None:
    begin = {
        "sample": {"name": "gold", "size": (1, 2), "t": 300.0, "t@units": "K", "gone": [1, None]},
        "machine": {"current": 200.0},
        "same": {"a": np.arange(3), "b": math.nan, "c": [{"x": 1}]},
        "plain": 5,
        "becomes": {"a": 1},
        "was": 3,
    }
    finish = {
        "sample": {"name": "gold", "size": [1, 2], "t": 310.0, "t@units": "°C", "new": b"x"},
        "machine": {"current": 199.5, "current@units": "mA"},
        "same": {"a": np.arange(3), "b": math.nan, "c": [{"x": 1}]},
        "plain": 6,
        "becomes": 2,
        "was": {"b": 4},
        "late": {"y": {1: None}},
    }
    start, end = written(begin, finish)
    assert same(start, begin), start
    assert same(end, finish), end


# Anything at all

EXACT_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(), max_size=10),
    st.text(st.characters(categories=["Cs", "Cc", "Ll"]), max_size=4),
    st.binary(max_size=10),
    st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2100, 1, 1)),  # noqa: DTZ001
    st.datetimes(timezones=st.just(dt.UTC)),
    st.dates(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.uuids(),
    hnp.arrays(
        st.one_of(
            hnp.boolean_dtypes(),
            hnp.integer_dtypes(),
            hnp.floating_dtypes(sizes=(16, 32, 64)),
            hnp.complex_number_dtypes(sizes=(64, 128)),
        ),
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=3, min_side=0),
    ),
)
EXACT = st.recursive(
    EXACT_LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.frozensets(st.one_of(st.integers(), st.text(max_size=3)), max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.one_of(KEYS, CATEGORIES), EXACT, max_size=4))
@example({"sample": {"a": 1, "a/b": {"c": None}}})
@example({"instrument": {"diode": {"mode": "MEAN"}, "roby": 5}})
def test_anything_with_an_exact_form_comes_back(metadata: dict[Any, Any]) -> None:
    start, end = written(metadata)
    assert same(end, metadata), (end, metadata)
    assert same(start, metadata)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(CATEGORIES, st.one_of(EXACT, INSIDE), max_size=3),
    st.dictionaries(CATEGORIES, st.one_of(EXACT, INSIDE), max_size=3),
)
def test_start_and_end_are_told_apart(begin: dict[Any, Any], finish: dict[Any, Any]) -> None:
    kept = {"kept": {"value": (1, 2.5), "value@units": "µm"}}
    start, end = written({**begin, **kept}, {**begin, **finish, **kept})
    assert same(start["kept"], kept["kept"])
    assert same(end["kept"], kept["kept"])
    alone, _ = written({**begin, **kept})
    assert same(start, alone)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(CATEGORIES, st.one_of(ANYTHING, INSIDE), max_size=4))
def test_no_value_harms_the_others(metadata: dict[Any, Any]) -> None:
    kept = {"value": [(1, "a"), (2, "b")], "when": LOCAL, "when@remark": ("x",)}
    start, end = written({**metadata, "kept": kept})
    assert same(start["kept"], kept)
    assert same(end["kept"], kept)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_the_metadata_and_nothing_else(family: str, tmp_path: Path) -> None:
    metadata = {"sample": {"name": "x", "list": [1, 2]}, "instrument": {"diode": {"gain": (1, 2)}}}
    doc: ScanStarted = FAMILIES[family](metadata=metadata)
    assert open_scan(save(tmp_path, doc, 3)).info == metadata
    bare: ScanStarted = FAMILIES[family]()
    assert open_scan(save(tmp_path, bare, 3), 2).info == {}
