from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from session_shell.clock import VirtualClock
from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.context import DeviceContext
from session_shell.devices.counters.calculated import (
    CalculatedCounter,
    calculated_counter,
    per_second,
)
from session_shell.devices.counters.counter import SimulatedCounter, simulated_counter
from session_shell.devices.counters.derived import ChannelCounter, ChannelNames
from session_shell.devices.counters.linking import linked
from session_shell.devices.motion.status import Arrived
from session_shell.devices.protocols import Channel, Detector, is_detector
from session_shell.errors import ConfigError, DeviceError

Make = Callable[..., SimulatedAxis]


class Spectrum:
    """A detector with an array and a number; counts how often it is asked."""

    def __init__(self, name: str = "mca") -> None:
        self.name = name
        self.reads = self.triggers = self.prepares = self.stops = 0
        self.channels: Sequence[Channel] = (
            Channel(name, "counter", shape=(4,), device=name),
            Channel(f"{name}_Fe", "counter", unit="counts", device=name),
        )

    def prepare(self, count_time: float, npoints: int) -> None:
        self.prepares += 1

    def trigger(self) -> Arrived:
        self.triggers += 1
        return Arrived()

    def read(self) -> list[Any]:
        self.reads += 1
        return [np.arange(4.0), 6.0]

    def stop(self) -> None:
        self.stops += 1

    def channel_metadata(self) -> dict[str, Any]:
        return {"type": "SDD"}


@pytest.fixture
def counter(context: DeviceContext) -> Callable[..., SimulatedCounter]:
    def make(name: str = "diode1", **keys: Any) -> SimulatedCounter:
        return simulated_counter(name, context=context, **keys)

    return make


def count(
    detectors: Sequence[Detector], count_time: float = 0.1, points: int = 1
) -> dict[str, list[Any]]:
    """Count like a scan does; return the values by channel."""
    linked_ones = linked(detectors)
    for each in linked_ones:
        each.prepare(count_time, points)
    found: dict[str, list[Any]] = {}
    for _ in range(points):
        for each in linked_ones:
            if (status := each.trigger()) is not None:
                status.result()
        for each in linked_ones:
            for channel, value in zip(each.channels, each.read(), strict=True):
                found.setdefault(channel.name, []).append(value)
    for each in linked_ones:
        each.stop()
    return found


def test_it_is_a_function_of_the_very_values_of_the_point(
    counter: Callable[..., SimulatedCounter],
) -> None:
    one, two = counter("diode1", noise=1.0, constant=5.0), counter("diode2", constant=2.0)
    ratio = CalculatedCounter("ratio", lambda a, b: a / b, [one, two], unit="V")
    assert is_detector(ratio)
    found = count([ratio, one], points=3)
    # The inputs come after what was asked for; what was asked for comes once.
    assert list(found) == ["ratio", "diode1", "diode2"]
    assert found["ratio"] == [d / 2 for d in found["diode1"]]
    assert len(set(found["diode1"])) == 3
    assert ratio.channels[0].unit == "V"


def test_without_calculated_counters_nothing_is_wrapped(
    counter: Callable[..., SimulatedCounter],
) -> None:
    one = counter()
    assert linked([one]) == (one,)


def test_counters_of_calculated_counters(counter: Callable[..., SimulatedCounter]) -> None:
    one = counter(constant=4.0)
    half = CalculatedCounter("half", lambda v: v / 2, [one])
    quarter = CalculatedCounter("quarter", lambda v, h: h / 2 + 0 * v, [one, half])
    found = count([quarter])
    assert found == {"quarter": [1.0], "diode1": [4.0], "half": [2.0]}


def test_arrays_are_inputs_and_results() -> None:
    mca = Spectrum()
    total = CalculatedCounter("total", np.sum, [mca])
    assert count([total]) == {"total": [6.0]}, "an array is recorded only when it is asked for"
    double = CalculatedCounter("double", lambda s: 2 * s, [mca], shape=(4,))
    found = count([double, mca])
    assert found["double"][0].tolist() == [0, 2, 4, 6]
    assert set(found) == {"double", "mca", "mca_Fe"}


def test_one_channel_of_a_detector() -> None:
    mca = Spectrum()
    names = ChannelNames(mca)
    assert dir(names) == ["Fe", "mca"]
    assert [c.name for c in names] == ["mca", "mca_Fe"]
    assert repr(names) == "<counters of mca: mca, Fe>"
    twice = CalculatedCounter("twice", lambda v: 2 * v, [names.Fe])
    assert count([names.Fe, twice]) == {"mca_Fe": [6.0], "twice": [12.0]}
    assert (mca.reads, mca.triggers, mca.prepares, mca.stops) == (1, 1, 1, 1)
    assert count([names["mca_Fe"], mca]).keys() == {"mca", "mca_Fe"}
    with pytest.raises(AttributeError, match="mca has no counter 'Cu'; it has mca, Fe"):
        _ = names.Cu
    with pytest.raises(DeviceError, match="mca: has no channel 'mca_Cu'; it has mca, mca_Fe"):
        ChannelCounter(mca, "mca_Cu")


def test_a_channel_counts_by_itself_too() -> None:
    mca = Spectrum()
    fe = ChannelCounter(mca, "mca_Fe")
    fe.prepare(0.1, 1)
    assert fe.trigger() is not None
    assert fe.read() == (6.0,)
    fe.stop()
    assert (mca.prepares, mca.stops) == (1, 1)
    assert repr(fe) == "<counter mca_Fe of mca>"


def test_metadata_passes_through() -> None:
    mca = Spectrum()
    total = CalculatedCounter("total", np.sum, [mca], text="sum of mca")
    calculated, tap = linked([total])
    assert calculated.channel_metadata() == {  # type: ignore[attr-defined]
        "description": "calculated",
        "calculation": "sum of mca",
        "inputs": "mca",
    }
    assert tap.channel_metadata() == {"type": "SDD"}  # type: ignore[attr-defined]


def test_positions_and_the_count_time(counter: Callable[..., SimulatedCounter], axis: Make) -> None:
    roby = axis(position=2.0)
    rate = CalculatedCounter(
        "rate", lambda v, x, count_time: v * x / count_time, [counter(constant=3.0), roby]
    )
    assert count([rate], count_time=0.5) == {"rate": [12.0], "diode1": [3.0]}


def test_it_counts_by_itself_too(counter: Callable[..., SimulatedCounter]) -> None:
    mca = Spectrum()
    total = CalculatedCounter("total", lambda s, d: s.sum() + d, [mca, counter(constant=1.0)])
    assert total.read() == (7.0,)
    total.prepare(0.1, 2)
    status = total.trigger()
    assert status is not None
    status.result()
    assert status.done()
    assert total.read() == (7.0,)
    total.stop()
    assert mca.stops == 1


@pytest.mark.parametrize("function", [lambda a: 1 / a, lambda a: math.log(a)])
def test_arithmetic_errors_give_nan_and_one_warning(
    counter: Callable[..., SimulatedCounter],
    caplog: pytest.LogCaptureFixture,
    function: Callable[[float], float],
) -> None:
    bad = CalculatedCounter("bad", function, [counter(constant=0.0)])
    with caplog.at_level(logging.WARNING):
        found = count([bad], points=3)
    assert np.isnan(found["bad"]).all()
    assert len([r for r in caplog.records if "bad: " in r.message]) == 1
    image = CalculatedCounter("image", lambda v: 1 / v, [counter(constant=0.0)], shape=(2, 3))
    assert np.isnan(count([image])["image"][0]).all()


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda a: "high", "must give a number, not 'high'"),
        (lambda a: None, "must give a number, not None"),
        (
            lambda a: np.zeros(3),
            r"must give a number, and gave an array of shape \(3,\); make the counter with "
            r"shape=\(3,\)",
        ),
        (lambda a: a.nothing, "failed: AttributeError"),
    ],
)
def test_a_function_that_fails(
    counter: Callable[..., SimulatedCounter], function: Callable[[Any], Any], text: str
) -> None:
    wrong = CalculatedCounter("wrong", function, [counter(constant=1.0)])
    with pytest.raises(DeviceError, match=f"wrong: .*{text}"):
        count([wrong])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"function": 5}, "5 is no function"),
        ({"function": lambda: 1}, "cannot take the values of 1 counters"),
        ({"function": lambda a, b: 1}, "cannot take the values of 1 counters"),
        ({"inputs": []}, "give at least one counter"),
        ({"inputs": ["diode1"]}, "'diode1' is neither a counter nor an axis"),
        ({"shape": (0,)}, "shape must be whole numbers above zero"),
        ({"shape": (2.5,)}, "shape must be whole numbers above zero"),
        ({"shape": "3"}, "shape cannot be '3'"),
    ],
)
def test_bad_arguments(
    counter: Callable[..., SimulatedCounter], change: dict[str, Any], text: str
) -> None:
    keys = {"function": lambda a: a, "inputs": [counter()], **change}
    with pytest.raises(DeviceError, match=text):
        CalculatedCounter("c", keys.pop("function"), keys.pop("inputs"), **keys)


# -- from YAML -------------------------------------------------------------------------------


def test_an_expression(counter: Callable[..., SimulatedCounter]) -> None:
    one, two = counter("diode1", constant=8.0), counter("diode2", constant=2.0)
    made = calculated_counter(
        "c", expression="k * log2(diode1) / diode2 + pi * 0", inputs=[one, two], constants={"k": 4}
    )
    assert count([made])["c"] == [6.0]
    assert made.text == "k * log2(diode1) / diode2 + pi * 0"
    named = calculated_counter(
        "c", expression="after / before / count_time", inputs={"before": one, "after": two}
    )
    assert count([named], count_time=0.5)["c"] == [0.5]
    tagged = calculated_counter("c", expression="x - 1", inputs=[{"counter": one, "tags": "x"}])
    assert count([tagged])["c"] == [7.0]


def test_a_division_by_zero_in_an_expression_of_arrays() -> None:
    made = calculated_counter(
        "c", expression="mca / (mca - mca)", inputs=[Spectrum()], shape=[4], unit="V"
    )
    value = count([made])["c"][0]
    assert value.shape == (4,)
    assert not np.isfinite(value).any()


def test_an_imported_function(counter: Callable[..., SimulatedCounter]) -> None:
    one = counter("diode1", constant=9.0)
    made = calculated_counter("c", function="math:sqrt", inputs=[one])
    assert count([made])["c"] == [3.0]
    made = calculated_counter("c", function="sqrt", inputs=[one], config={"package": "math"})
    assert count([made])["c"] == [3.0]


@pytest.mark.parametrize(
    ("keys", "key", "text"),
    [
        ({}, "inputs", "give `expression` or `function`"),
        ({"expression": "diode1", "function": "math:sqrt"}, "inputs", "one of them"),
        ({"expression": "diode1 +"}, "expression", "is no formula"),
        ({"expression": "diode9 + 1"}, "expression", "uses 'diode9', which is no input"),
        ({"expression": "__import__('os')"}, "expression", "uses '__import__'"),
        ({"expression": "diode1\0"}, "expression", "is no formula"),
        ({"function": "sqrt"}, "function", "say where the function 'sqrt' is"),
        ({"function": "math:nothing"}, "function", "math:nothing cannot be imported"),
        ({"function": "no_such_module:f"}, "function", "ModuleNotFoundError"),
        ({"function": "math:pi"}, "inputs", "is no function"),
        ({"function": "math:atan2"}, "inputs", "cannot take the values of 1 counters"),
        ({"expression": "1", "inputs": []}, "inputs", "`inputs` must be a list"),
        ({"expression": "1", "inputs": "diode1"}, "inputs", "`inputs` must be a list"),
        ({"expression": "1", "inputs": ["diode1"]}, "inputs.0", "neither a counter nor an axis"),
        ({"expression": "1", "inputs": [{"tags": "x"}]}, "inputs.0", "neither a counter"),
        ({"expression": "1", "inputs": {"a b": None}}, "inputs.0", "neither a counter"),
    ],
)
def test_bad_configuration(
    counter: Callable[..., SimulatedCounter], keys: dict[str, Any], key: str, text: str
) -> None:
    inputs = keys.pop("inputs", [counter("diode1")])
    with pytest.raises(ConfigError, match=text) as caught:
        calculated_counter("c", inputs=inputs, **keys)
    assert caught.value.key == key


def test_inputs_need_names_that_differ(counter: Callable[..., SimulatedCounter]) -> None:
    one = counter("diode1")
    with pytest.raises(ConfigError, match="a name of its own that an expression can use"):
        calculated_counter("c", expression="1", inputs=[one, one])
    with pytest.raises(ConfigError, match="not 'a b'"):
        calculated_counter("c", expression="1", inputs={"a b": one})


def test_per_second(counter: Callable[..., SimulatedCounter], clock: VirtualClock) -> None:
    counts = counter("diode1", constant=8.0, unit="counts")
    rate = per_second("rate", counter=counts)
    assert (rate.unit, rate.text) == ("counts/s", "diode1 / count_time")
    assert count([rate], count_time=0.5)["rate"] == [16.0]
    assert math.isnan(count([rate], count_time=0.0)["rate"][0])
    assert per_second("rate", counter=counter("d")).unit == "Hz"
    with pytest.raises(ConfigError, match="d is per second already: its unit is counts/s"):
        per_second("rate", counter=counter("d", unit="counts/s"))


def test_what_it_says_of_itself(counter: Callable[..., SimulatedCounter]) -> None:
    made = calculated_counter("c", expression="diode1 * 2", inputs=[counter()], unit="V")
    assert "diode1 * 2" in made.__info__()
    assert repr(made) == "<counter c: diode1 * 2 of diode1>"
    spectrum = CalculatedCounter("s", lambda a: a, [Spectrum()], shape=(4,))
    assert "shape        4" in spectrum.__info__()
