"""Fingerprints of data: the same whatever way the points came, different when a value is."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from session_shell.devices.protocols import Channel
from session_shell.journal.digests import ChannelDigest, DigestSink, digest_of
from session_shell.scanning.documents import EndReason, Rows, ScanEnded, ScanStarted


def run(channels: tuple[Channel, ...], blocks: list[tuple[Any, ...]]) -> DigestSink:
    sink = DigestSink()
    sink.scan_started(
        ScanStarted("u", 1, "ascan", "ascan", "ascan", 0.0, 0, (0,), 0.1, channels=channels)
    )
    first = 0
    for columns in blocks:
        sink.rows(Rows(first, len(columns[0]), columns))
        first += len(columns[0])
    sink.scan_ended(ScanEnded("u", 1.0, EndReason.SUCCESS, first))
    return sink


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_values_are_hashed_as_little_endian_bytes_of_the_channels_type() -> None:
    channels = (
        Channel("x", "axis"),
        Channel("n", "counter", dtype="int32"),
        Channel("f", "counter", dtype="float32"),
        Channel("spectrum", "counter", dtype="uint16", shape=(3,)),
    )
    x, n, f = [0.1, 0.2, 0.3], [1, -2, 3], [0.1, 0.2, 0.3]
    spectra = [np.arange(3) + i for i in range(3)]
    sink = run(channels, [((x[i],), (n[i],), (f[i],), (spectra[i],)) for i in range(3)])
    assert sink.channels == {
        "x": sha(np.array(x, "<f8").tobytes()),
        "n": sha(np.array(n, "<i4").tobytes()),
        "f": sha(np.array(f, "<f4").tobytes()),
        "spectrum": sha(np.array(spectra, "<u2").tobytes()),
    }
    assert sink.digest == digest_of(sink.channels)


VALUES = {
    "float64": st.floats(),
    "float32": st.floats(width=32),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "uint8": st.integers(0, 255),
    "bool": st.booleans(),
    "complex128": st.complex_numbers(),
}


@given(st.sampled_from(sorted(VALUES)), st.data(), st.integers(1, 7))
def test_any_values_in_any_blocks_give_one_fingerprint(
    dtype: str, data: st.DataObject, size: int
) -> None:
    values = data.draw(st.lists(VALUES[dtype], max_size=30))
    channel = (Channel("c", "counter", dtype=dtype),)
    one_by_one = run(channel, [((v,),) for v in values])
    blocks = run(channel, [(values[i : i + size],) for i in range(0, len(values), size)])
    assert one_by_one.channels == blocks.channels
    assert one_by_one.channels["c"] == sha(np.array(values, np.dtype(dtype)).tobytes())
    whole = ChannelDigest(channel[0])
    whole.add(values)
    assert whole.hexdigest() == blocks.channels["c"]


def test_every_value_counts() -> None:
    channel = (Channel("c", "counter", dtype="int32"),)
    seen = {
        run(channel, [(values,)]).digest
        for values in ([1, 2], [2, 1], [1], [], [1, 3], [1, 0], [1, 2, 3])
    }
    assert len(seen) == 7


def test_the_smallest_step_of_a_float_counts() -> None:
    channel = (Channel("c", "counter"),)
    assert run(channel, [([0.1],)]).digest != run(channel, [([math.nextafter(0.1, 1)],)]).digest


def test_names_and_their_order_count() -> None:
    assert digest_of({"a": "1", "b": "2"}) != digest_of({"b": "2", "a": "1"})
    assert digest_of({"a": "1"}) != digest_of({"c": "1"})
    assert digest_of({"\ud800": "1"})


def test_memory_is_bounded() -> None:
    channels = (Channel("x", "axis"), Channel("image", "counter", dtype="uint16", shape=(4, 4)))
    sink = DigestSink()
    sink.scan_started(
        ScanStarted("u", 1, "ascan", "ascan", "ascan", 0.0, 0, (0,), 0.1, channels=channels)
    )
    image = np.zeros((4, 4), "uint16")
    most = 0
    for number in range(20_000):
        sink.rows(Rows(number, 1, ((float(number),), (image,))))
        most = max(most, len(sink._waiting))
        assert all(len(columns) == 1 for columns in sink._waiting), "no image waits"
    assert most <= 4096
