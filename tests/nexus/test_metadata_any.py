"""Any nested Python object gives a tree that can be written, and comes back as it was."""

from __future__ import annotations

import io
import math
from typing import Any

import h5py
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from session_shell.nexus import Dataset, Group, metadata_tree, scan_tree
from session_shell.nexus.disk.hdf5 import image_bytes, new_image
from session_shell.nexus.tree.links import resolve_links
from session_shell.nexus.tree.nodes import walk

from .documents import ascan, ended

KEYS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["a", "b", "a@units", "@NX_class", "a/b", ">a", "a@", "@", "..", "a b", "x@y"]),
    st.integers(),
    st.none(),
    st.binary(max_size=3),
    st.floats(),
    st.tuples(st.integers(), st.text(max_size=2)),
)
DTYPES = st.one_of(
    hnp.scalar_dtypes(), hnp.unicode_string_dtypes(), hnp.byte_string_dtypes(), hnp.array_dtypes()
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=20),
    st.text(alphabet=st.characters(), max_size=5),
    st.binary(max_size=20),
    st.datetimes(),
    st.dates(),
    st.timedeltas(),
    st.decimals(),
    st.fractions(),
    st.uuids(),
    st.builds(object),
    hnp.arrays(DTYPES, hnp.array_shapes(max_dims=3, max_side=3, min_dims=0)),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.frozensets(st.one_of(st.integers(), st.text(max_size=3)), max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
    ),
    max_leaves=15,
)

NAMES = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
PLAIN_LEAVES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.lists(st.floats(), min_size=1, max_size=4),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4),
)
PLAIN = st.recursive(
    PLAIN_LEAVES,
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=4),
    max_leaves=12,
)


def written(tree: Group) -> h5py.File:
    """Return the tree as a file."""
    tree.attributes.setdefault("NX_class", "NXroot")
    image = new_image(tree)
    try:
        return h5py.File(io.BytesIO(image_bytes(image)), "r")
    finally:
        image.close()


def read(node: Any) -> Any:
    """Return groups as dicts, datasets as plain Python."""
    if isinstance(node, h5py.Group):
        return {name: read(item) for name, item in node.items()}
    text = h5py.check_string_dtype(node.dtype) is not None
    value = node.asstr()[()] if text else node[()]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, float):
        return isinstance(b, float) and (a == b or (math.isnan(a) and math.isnan(b)))
    return type(a) is type(b) and bool(a == b)


def check_file(file: h5py.File, tree: Group) -> None:
    """Compare every item of a tree with what is in the file."""
    for path, node in walk(tree):
        if isinstance(node, Dataset):
            assert file[path].shape == (() if isinstance(node.value, str) else node.value.shape)
            assert set(node.attributes) == set(file[path].attrs)
        elif isinstance(node, Group):
            assert file[path].attrs["NX_class"].startswith("NX")
            assert set(file[path]) == set(node.items)
            assert set(file[path].attrs) == set(node.attributes)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, ANYTHING, max_size=5))
def test_anything_can_be_written(metadata: dict[Any, Any]) -> None:
    user = {"any": metadata, "kept": {"value": 1.5, "value@units": "mm"}}
    tree, warnings = metadata_tree(user)
    resolve_links(tree, "")
    assert all(warning.isprintable() for warning in warnings)
    with written(tree) as file:
        check_file(file, tree)
        assert file["kept/value"][()] == 1.5
        assert file["kept/value"].attrs["units"] == "mm"


OURS = [
    "instrument",
    "positioners",
    "sample",
    "user",
    "technique",
    "measurement",
    "plot",
    "title",
    "scan",
    "session",
    "scan_parameters",
    "comments",
    "scan_info",
    "end_time",
    "notes",
    "source",
]
CATEGORIES = st.one_of(KEYS, st.sampled_from(OURS))
INSIDE = st.dictionaries(
    st.one_of(
        KEYS,
        st.sampled_from(["diode", "roby", "positioners", "source", "name", "data", "note_01"]),
    ),
    ANYTHING,
    max_size=3,
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(CATEGORIES, st.one_of(ANYTHING, INSIDE), max_size=4))
def test_any_metadata_makes_a_scan_file_with_a_plot(metadata: dict[Any, Any]) -> None:
    doc = ascan(metadata=metadata)
    for tree in (scan_tree(doc), scan_tree(doc, ended(doc, 11))):
        with written(tree) as file:
            check_file(file, tree)
            entry = file[file.attrs["default"]]
            plot = entry[entry.attrs["default"]]
            assert plot.attrs["NX_class"] == "NXdata"
            assert plot[plot.attrs["signal"]] == entry["instrument/diode/data"]
            assert plot[plot.attrs["axes"][0]] == entry["measurement/roby"]
            assert entry["title"].asstr()[()] == "ascan 11 0.1"
            assert set(entry["measurement"]) == {"elapsed_time", "epoch", "roby", "diode"}


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(NAMES, PLAIN, max_size=5))
def test_plain_values_come_back_as_they_were(metadata: dict[str, Any]) -> None:
    tree, warnings = metadata_tree(metadata)
    assert warnings == []
    with written(tree) as file:
        assert equal(metadata, read(file))
