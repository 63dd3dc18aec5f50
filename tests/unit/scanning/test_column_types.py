"""Values of every type through every kind of counter: one value everywhere, or none."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from typing import Any

import h5py
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray

from session_shell.devices.protocols import Channel
from session_shell.errors import DeviceError, ScanError
from session_shell.journal.digests import DigestSink
from session_shell.nexus import open_scan, stored_documents
from session_shell.scanning.column_types import ColumnTypes
from session_shell.scanning.data import ScanData
from session_shell.scanning.documents import EndReason, Rows
from session_shell.session import Session
from session_shell.viewer.as_json import scan_json
from session_shell.viewer.points import Selection
from session_shell.viewer.table import csv_text

from .devices import Counter, Recorder


class Given(Counter):
    """A counter that gives the values it was made with."""

    def __init__(self, name: str, dtype: str, values: Sequence[Any], shape: Any = ()) -> None:
        super().__init__(name)
        self.channels = (Channel(name, "counter", dtype=dtype, shape=shape, device=name),)
        self.values = list(values)

    def read(self) -> Any:
        self.points += 1
        return (self.values[self.points - 1],)


class Colour(Enum):
    RED = "red"


class Gear(IntEnum):
    SECOND = 2


NAN = math.nan
ARRAY = np.array([1.5, 2.5])

HELD = [
    ("float64", 2.5, 2.5),
    ("float64", 7, 7.0),
    ("float64", True, 1.0),
    ("float64", np.float32(0.5), 0.5),
    ("float64", np.longdouble("2.5"), 2.5),
    ("float64", Fraction(1, 4), 0.25),
    ("float64", Decimal("0.25"), 0.25),
    ("float64", Gear.SECOND, 2.0),
    ("float64", np.array(3), 3.0),
    ("float64", np.array([3.5]), 3.5),
    ("float64", math.inf, math.inf),
    ("float64", 10**300, 1e300),
    ("float64", np.ma.masked, NAN),
    ("float64", np.ma.array(5.0, mask=True), NAN),
    ("float64", np.ma.array(5.0, mask=False), 5.0),
    ("float32", math.inf, math.inf),
    ("float32", 0.1, float(np.float32(0.1))),
    ("int64", 2**53 + 1, 2**53 + 1),
    ("int64", -(2**63), -(2**63)),
    ("int64", np.int64(2**63 - 1), 2**63 - 1),
    ("uint64", 2**64 - 1, 2**64 - 1),
    ("uint64", np.uint64(2**64 - 1), 2**64 - 1),
    ("uint8", 255, 255),
    ("uint8", 255.0, 255),
    ("uint8", np.float32(7), 7),
    ("int32", True, 1),
    ("int32", np.bool_(True), 1),
    ("int32", Gear.SECOND, 2),
    ("bool", np.bool_(True), True),
    ("bool", 0, False),
    ("bool", 1.0, True),
    ("complex128", 1 + 2j, 1 + 2j),
    ("complex128", 5, 5 + 0j),
    ("longdouble", 0.5, 0.5),
]
REPLACED = [
    ("float64", None),
    ("float64", "5"),
    ("float64", b"5"),
    ("float64", Colour.RED),
    ("float64", [1, 2]),
    ("float64", {}),
    ("float64", object()),
    ("float64", 1j),
    ("float64", np.complex128(1 + 2j)),
    ("float64", np.array([1.0, 2.0])),
    ("float64", np.datetime64("2026-01-01")),
    ("float64", np.timedelta64(5, "s")),
    ("float64", 10**400),
    ("float64", np.longdouble("1e4000") if np.finfo(np.longdouble).max > 1e308 else 10**400),
    ("float32", 1e300),
    ("complex128", "1+2j"),
    ("complex128", None),
]
REFUSED = [
    ("int32", NAN),
    ("int32", None),
    ("int32", 2.7),
    ("int32", math.inf),
    ("int32", 2**31),
    ("int32", "5"),
    ("int32", 1j),
    ("int32", np.ma.masked),
    ("uint8", -1),
    ("uint8", 300),
    ("uint8", 256.0),
    ("uint64", 2**64),
    ("int64", 2.0**63),
    ("bool", 2),
    ("bool", None),
    ("bool", NAN),
]


def same(one: Any, other: Any) -> bool:
    return bool(np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True))


def words(values: Sequence[Any]) -> list[str]:
    return [f"{v!r:.30}" for v in values]


@pytest.mark.parametrize(("dtype", "value", "kept"), HELD, ids=words(HELD))
def test_what_a_column_can_hold_is_the_same_everywhere(
    session: Session, dtype: str, value: Any, kept: Any, caplog: pytest.LogCaptureFixture
) -> None:
    session.namespace["given"] = Given("given", dtype, [value, value])
    scan = session.run("loopscan(2, 0.1, given)")
    live = scan.data["given"]
    assert same(live, np.array([kept, kept], live.dtype))
    check_everywhere(scan, "given")
    assert caplog.text == ""


@pytest.mark.parametrize(("dtype", "value"), REPLACED, ids=words(REPLACED))
def test_nan_stands_for_what_a_column_of_floats_cannot_hold(
    session: Session, dtype: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    session.namespace["given"] = Given("given", dtype, [1.0, value, 3.0, value])
    recorder = Recorder()
    session.host.extra_sinks.append(recorder)
    scan = session.run("loopscan(4, 0.1, given)")
    assert scan.end_reason is EndReason.SUCCESS
    assert np.isnan(scan.data["given"]).tolist() == [False, True, False, True]
    check_everywhere(scan, "given")
    assert caplog.text.count("given gave") == 1
    assert "at point 1, " in caplog.text
    assert scan.comments[-1].text.startswith("given gave")
    assert scan.comments[-1].text.endswith("at point 1, and 1 more: NaN is in its place")
    assert len(recorder.documents) == 6, "the other sinks were not switched off"


@pytest.mark.parametrize(("dtype", "value"), REFUSED, ids=words(REFUSED))
def test_what_a_column_of_whole_numbers_cannot_hold_ends_the_scan(
    session: Session, dtype: str, value: Any
) -> None:
    session.namespace["given"] = Given("given", dtype, [1, 0, value, 1])
    with pytest.raises(ScanError, match=r"given gave .* at point 2; its column holds") as told:
        session.run("loopscan(4, 0.1, given)")
    assert dtype in str(told.value)
    scan = session.scans[-1]
    assert scan.end_reason is EndReason.FAILURE
    assert scan.data["given"].tolist() == [1, 0]
    check_everywhere(scan, "given")


@pytest.mark.parametrize(
    ("dtype", "value", "kept"),
    [
        ("float64", np.array([1, 2]), [1, 2]),
        ("float64", [1, 2], [1, 2]),
        ("float64", np.ma.array([1.0, 2.0], mask=[True, False]), [NAN, 2]),
        ("float64", np.ones(3), None),
        ("float64", np.ones((2, 1)), None),
        ("float64", 5, None),
        ("float64", None, None),
        ("float64", np.array(["a", "b"]), None),
        ("float64", np.array([1j, 2]), None),
        ("float32", np.array([1e300, 1]), None),
        ("uint8", np.array([255, 0]), [255, 0]),
        ("uint8", np.array([255.0, 0.0]), [255, 0]),
        ("uint8", np.ma.array([1, 2], mask=False), [1, 2]),
        ("complex64", np.array([1, 2]), [1, 2]),
        ("float64", [np.ma.masked, 2.0], [NAN, 2]),
        ("float64", [np.ma.array(5.0, mask=True), 2.0], [NAN, 2]),
        ("float64", np.array([Fraction(1, 4), 2], object), [0.25, 2]),
        ("float64", np.array(["5", 2.0], object), None),
        ("float64", ["5", "6"], None),
        ("float64", np.array([1, 2], "M8[ns]"), None),
        ("uint64", [2**64 - 1, 1], [2**64 - 1, 1]),
        ("int64", [2**53 + 1, 1.0], [2**53 + 1, 1]),
        ("int64", np.array([2**63 - 1, 5], object), [2**63 - 1, 5]),
    ],
)
def test_arrays_are_held_or_missing_as_a_whole(
    session: Session, dtype: str, value: Any, kept: Any, caplog: pytest.LogCaptureFixture
) -> None:
    good = np.zeros(2, dtype)
    session.namespace["given"] = Given("given", dtype, [good, value, good], (2,))
    scan = session.run("loopscan(3, 0.1, given)")
    assert same(scan.data["given"][1], [NAN, NAN] if kept is None else kept)
    assert same(scan.data["given"][2], good)
    check_everywhere(scan, "given")
    assert ("given gave" in caplog.text) is (kept is None)


@pytest.mark.parametrize(
    "value",
    [
        np.array([NAN, 1]),
        np.array([0.5, 1]),
        np.array([300, 1]),
        np.array([-1, 1]),
        np.ones(3, "uint8"),
        np.ma.array([1, 2], mask=[True, False]),
        None,
    ],
    ids=str,
)
def test_arrays_that_a_column_of_whole_numbers_cannot_hold(session: Session, value: Any) -> None:
    good = np.zeros(2, "uint8")
    session.namespace["given"] = Given("given", "uint8", [good, value, good], (2,))
    with pytest.raises(ScanError, match=r"given gave .* at point 1; its column holds whole"):
        session.run("loopscan(3, 0.1, given)")
    assert session.scans[-1].data.npoints == 1


def test_masks_inside_of_lists_are_kept(session: Session) -> None:
    rows = [np.ma.array([1.0, 2.0], mask=[True, False]), [3.0, 4.0]]
    session.namespace["given"] = Given("given", "float64", [rows], (2, 2))
    assert same(session.run("loopscan(1, 0.1, given)").data["given"], [[[NAN, 2], [3, 4]]])


@pytest.mark.parametrize(("dtype", "value"), [("int64", 2.0**63), ("uint64", 2.0**64)])
def test_floats_just_above_the_largest_whole_number_end_the_scan(
    session: Session, dtype: str, value: float
) -> None:
    session.namespace["given"] = Given("given", dtype, [np.array([value, 1])], (2,))
    with pytest.raises(ScanError, match="numbers out of range at point 0"):
        session.run("loopscan(1, 0.1, given)")


@pytest.mark.parametrize("dtype", ["str", "U10", "object", "datetime64[s]", "nonsense"])
def test_columns_of_other_things_are_refused_before_the_scan(session: Session, dtype: str) -> None:
    session.namespace["given"] = Given("given", dtype, ["a"])
    with pytest.raises(ScanError, match="a column holds numbers"):
        session.run("loopscan(1, 0.1, given)")
    assert not list(session.scans)


def test_a_counter_with_more_values_than_channels(session: Session) -> None:
    counter = session.namespace["given"] = Given("given", "float64", [1.0])
    counter.read = lambda: (1.0, 2.0)  # type: ignore[method-assign]
    with pytest.raises(ScanError, match="4 values came for 3 columns"):
        session.run("loopscan(1, 0.1, given)")


def test_points_of_a_block_before_one_that_ends_the_scan_are_kept() -> None:
    types = ColumnTypes([Channel("x", "axis"), Channel("n", "counter", dtype="int8")])
    block = Rows(10, 4, ([0.0, 1, 2, 3], np.array([1, 2, 300, 4])))
    rows, failure = types.converted(block, types.odd(block))
    assert (rows.first, rows.count) == (10, 2)
    assert [list(c) for c in rows.columns] == [[0, 1], [1, 2]]
    assert "at point 12" in str(failure)


def test_rows_of_the_right_types_need_no_conversion() -> None:
    channels = [
        Channel("x", "axis"),
        Channel("n", "counter", dtype="int8"),
        Channel("image", "counter", dtype="uint16", shape=(2,)),
    ]
    types = ColumnTypes(channels)
    image = np.zeros(2, "uint16")
    for rows in (
        Rows(0, 1, ((1.5,), (3,), (image,))),
        Rows(0, 2, ([1.5, 2.0], [3, 4], [image, image])),
        Rows(0, 2, (np.ones(2), np.ones(2, "int8"), np.ones((2, 2), "uint16"))),
    ):
        assert not types.odd(rows)


# Masked values of soft and calculated counters


def test_masked_values_of_soft_and_calculated_counters_are_missing(session: Session) -> None:
    session.run(
        "import numpy as np\n"
        "hidden = np.ma.array([5.0, 7.0], mask=[True, False])\n"
        "soft = SoftCounter(value=lambda: np.ma.masked, name='soft')\n"
        "half = SoftCounter(value=lambda: hidden[0], name='half')\n"
        "calc = calc_counter('calc', lambda d: hidden[0], diode)\n"
        "both = calc_counter('both', lambda d: hidden, diode, shape=(2,))\n"
    )
    scan = session.run("loopscan(2, 0.1, soft, half, calc, both, diode)")
    for name in ("soft", "half", "calc"):
        assert np.isnan(scan.data[name]).all(), name
    assert same(scan.data["both"], [[NAN, 7], [NAN, 7]])


@pytest.mark.parametrize(
    "value",
    ["10**400", "np.longdouble('1e4000')", "np.timedelta64(5, 'ns')", "np.array('5')", "'5'", "1j"],
)
@pytest.mark.parametrize(
    "counter",
    [
        "SoftCounter(value=lambda: box[0], name='odd')",
        "calc_counter('odd', lambda d: box[0], diode)",
    ],
)
def test_soft_and_calculated_counters_refuse_what_no_float_holds(
    session: Session, value: str, counter: str
) -> None:
    session.run(f"import numpy as np\nbox = [1.0]\nodd = {counter}\nbox[0] = {value}")
    with pytest.raises(DeviceError, match=r"odd: .* must (be|give) a number, not"):
        session.run("loopscan(1, 0.1, odd, diode)")


def test_text_in_the_array_of_a_calculated_counter_is_not_a_number(session: Session) -> None:
    session.run("import numpy as np\nodd = np.array(['5', 1.0], object)")
    session.run("calc = calc_counter('calc', lambda d: odd, diode, shape=(2,))")
    with pytest.raises(DeviceError, match="must give an array of shape"):
        session.run("loopscan(1, 0.1, calc, diode)")


# Everything, everywhere


STRATEGIES = {
    "float64": st.floats(),
    "float32": st.floats(width=32),
    "float16": st.floats(width=16),
    "complex128": st.complex_numbers(allow_nan=False),
    "bool": st.booleans(),
} | {
    f"{'u' * u}int{bits}": st.integers(0 if u else -(2 ** (bits - 1)), 2 ** (bits - 1 + u) - 1)
    for bits in (8, 16, 32, 64)
    for u in (0, 1)
}
FORMS = [lambda v: v, lambda v: np.asarray(v)[()], np.array, lambda v: np.array([v])]


@pytest.mark.parametrize("dtype", STRATEGIES)
@settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_random_values_of_every_type(session: Session, dtype: str, data: Any) -> None:
    values = data.draw(st.lists(STRATEGIES[dtype], min_size=1, max_size=12))
    forms = data.draw(st.lists(st.sampled_from(FORMS), min_size=len(values), max_size=len(values)))
    given = [
        form(np.dtype(dtype).type(v)) if i % 2 else v
        for i, (form, v) in enumerate(zip(forms, values, strict=True))
    ]
    counter = Given("given", dtype, given)
    arrays = Given("arrays", dtype, [np.array([v, v], dtype) for v in values], (2,))
    session.namespace |= {"given": counter, "arrays": arrays}
    scan = session.run(f"loopscan({len(values)}, 0.1, given, arrays)")
    oracle = np.array([np.dtype(dtype).type(v) for v in values])
    assert scan.data["given"].dtype == oracle.dtype
    assert same(scan.data["given"], oracle)
    assert same(scan.data["arrays"], np.stack([oracle, oracle], 1))
    check_everywhere(scan, "given")
    check_everywhere(scan, "arrays")


def check_everywhere(scan: Any, name: str) -> None:
    """Compare live data with the file, its reader, documents, CSV and JSON."""
    live = np.asarray(scan.data[name])
    with h5py.File(scan.file) as file:
        entry = next(iter(file.values()))
        stored = entry["measurement"][name][()]
    assert same(stored[: len(live)], live)
    saved = open_scan(scan.file)
    assert same(np.asarray(saved.data[name]), live)
    documents = list(stored_documents(scan.file))
    rebuilt, digests = ScanData(), DigestSink()
    for sink in (rebuilt, digests):
        for document in documents:
            kind = type(document).__name__
            take = {"ScanStarted": "scan_started", "Rows": "rows", "ScanEnded": "scan_ended"}[kind]
            getattr(sink, take)(document)
    assert same(np.asarray(rebuilt[name]), live)
    live_digest = DigestSink()
    live_digest.scan_started(documents[0])
    columns = tuple(np.asarray(scan.data[c.name]) for c in documents[0].channels)
    live_digest.rows(Rows(0, len(live), columns))
    live_digest.scan_ended(documents[-1])
    assert live_digest.channels == digests.channels
    check_text(saved, name, live)


def check_text(saved: Any, name: str, live: NDArray[Any]) -> None:
    flat = live.reshape(len(live), -1)
    rows = list(csv.reader(io.StringIO("".join(csv_text(saved, Selection(columns=(name,)))))))[1:]
    kind = {"i": int, "u": int, "b": int, "f": float, "c": complex}[live.dtype.kind]
    told = [[kind(cell) for cell in row] for row in rows]
    assert same(np.array(told, live.dtype).reshape(flat.shape), flat)
    text = "".join(scan_json(saved, Selection(columns=(name,))))
    column = json.loads(text)["columns"][0]
    values = [v for row in column["values"] for v in (row if live.ndim > 1 else [row])]
    for value, exact in zip(values, flat.ravel().tolist(), strict=True):
        if isinstance(exact, complex):
            continue
        if isinstance(exact, float) and not math.isfinite(exact):
            assert value is None
        else:
            assert type(exact)(value) == exact
