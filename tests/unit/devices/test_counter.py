from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from session_shell.clock import VirtualClock
from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.context import DeviceContext
from session_shell.devices.counters.counter import SimulatedCounter, simulated_counter
from session_shell.devices.protocols import missing_members
from session_shell.errors import ConfigError, DeviceError

Make = Callable[..., SimulatedAxis]


@pytest.fixture
def counter(context: DeviceContext) -> Callable[..., SimulatedCounter]:
    def make(name: str = "diode", **keys: Any) -> SimulatedCounter:
        return simulated_counter(name, context=context, **keys)

    return make


Counter = Callable[..., SimulatedCounter]


def counts(device: SimulatedCounter, npoints: int, count_time: float = 0.1) -> np.ndarray:
    device.prepare(count_time, npoints)
    rows = []
    for _ in range(npoints):
        assert device.trigger() is None
        rows.append(device.read())
    device.stop()
    return np.array(rows)


def test_is_a_detector(counter: Counter) -> None:
    assert missing_members(counter(), "detector") == []


# -- models ----------------------------------------------------------------------------------


def test_constant(counter: Counter) -> None:
    assert counts(counter(constant=3.5), 4).ravel().tolist() == [3.5] * 4
    assert counter(model="constant", height=2.0, background=1.0).raw_read == 3.0


def test_gaussian_of_one_axis(counter: Counter, axis: Make) -> None:
    roby = axis()
    diode = counter(axis=roby, center=2.0, fwhm=2.0, height=10.0, background=1.0)
    for position, value in [(2, 11.0), (3, 6.0), (1, 6.0)]:
        roby.move(position)
        assert counts(diode, 1) == pytest.approx(value)


def test_gaussian_of_two_axes_is_a_product(counter: Counter, axis: Make) -> None:
    sy, sz = axis("sy"), axis("sz")
    diode = counter(
        model="gaussian", axes=[sy, sz], center=[1.0, -1.0], sigma=[0.5, 0.25], height=8.0
    )
    sy.move(1.5)
    sz.move(-1)
    assert diode.value == pytest.approx(8 * math.exp(-0.5))
    sz.move(-1.25)
    assert diode.value == pytest.approx(8 * math.exp(-1))


def test_flat_linear_and_sigmoid(counter: Counter, axis: Make) -> None:
    roby = axis()
    flat = counter(model="flat", axis=roby, fwhm=2.0, height=5.0)
    slope = counter(model="linear", axis=roby, center=1.0, slope=-2.0, background=3.0)
    edge = counter(model="sigmoid", axis=roby, center=0.0, sigma=1.0, height=4.0)
    assert (flat.value, slope.value, edge.value) == (5.0, 5.0, 2.0)
    roby.move(2)
    assert (flat.value, slope.value) == (0.0, 1.0)
    assert edge.value == pytest.approx(4 * 0.97725, abs=1e-4)


def test_linear_of_two_axes_adds(counter: Counter, axis: Make) -> None:
    sy, sz = axis("sy", position=1.0), axis("sz", position=2.0)
    assert counter(model="linear", axes=[sy, sz]).value == 3.0


def test_decay_from_now_on(counter: Counter, clock: VirtualClock) -> None:
    monitor = counter(model="decay", height=100.0, background=1.0, time_constant=10.0)
    assert monitor.value == 101.0
    clock.sleep(10)
    assert monitor.value == pytest.approx(1 + 100 / math.e)


def test_decay_with_refill_depends_on_the_time_of_day(context: DeviceContext) -> None:
    keys: dict[str, Any] = {"model": "decay", "time_constant": 10.0, "refill": 60.0}
    first = simulated_counter("a", context=context, **keys)
    context.clock.sleep(7)
    second = simulated_counter("b", context=context, **keys)
    assert first.value == second.value
    before = first.value
    context.clock.sleep(60)
    assert first.value == pytest.approx(before)
    assert 100 * math.exp(-6) <= before <= 100


def test_random_is_uniform(counter: Counter) -> None:
    found = counts(counter(height=100.0, mode="SINGLE"), 5000)
    assert 0 <= found.min() < 1
    assert 99 < found.max() <= 100
    assert found.mean() == pytest.approx(50, abs=1.5)


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("FLAT", [1, 1, 1, 1, 1]),
        ("LINEAR", [0, 0.25, 0.5, 0.75, 1]),
        ("GAUSSIAN", [0.0039, 0.249, 1, 0.249, 0.0039]),
        ("sigmoid", [0.0004, 0.0478, 0.5, 0.9522, 0.9996]),
    ],
)
def test_a_distribution_is_drawn_over_the_scan(
    counter: Counter, distribution: str, expected: list[float]
) -> None:
    device = counter(distribution=distribution)
    for _ in range(2):
        assert counts(device, 5).ravel() == pytest.approx(expected, abs=1e-3)


def test_distribution_factors(counter: Counter) -> None:
    device = counter(distribution="GAUSSIAN", mu_offset=0.25, height_factor=3.0, sigma_factor=2.0)
    assert counts(device, 5).ravel().argmax() == 3
    assert counts(device, 5).max() == 3.0
    assert np.isfinite(counts(counter(distribution="LINEAR"), 1)).all()


def test_a_distribution_of_an_endless_scan_repeats(counter: Counter) -> None:
    device = counter(distribution="LINEAR")
    device.prepare(0.1, 0)
    found = []
    for _ in range(201):
        device.trigger()
        found.append(device.read()[0])
    assert found[0] == found[100] == found[200]
    assert device.value == found[200]


def test_a_distribution_with_an_axis_follows_it(counter: Counter, axis: Make) -> None:
    roby = axis()
    device = counter(distribution="GAUSSIAN", axis=roby, mu_offset=1.0)
    roby.move(1)
    assert device.value == 1.0


# -- modes and noise -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "value"),
    [("MEAN", 6.0), ("LAST", 6.0), ("SINGLE", 6.0), ("SUM", 60.0), ("INTEGRATE", 0.6)],
)
def test_modes_of_a_quiet_signal(counter: Counter, mode: str, value: float) -> None:
    assert counts(counter(constant=6.0, mode=mode), 1) == pytest.approx(value)


def test_stats_have_seven_channels(counter: Counter) -> None:
    diode = counter(constant=6.0, mode="stats", unit="nA")
    names = [channel.name for channel in diode.channels]
    assert names == [
        "diode",
        "diode_N",
        "diode_std",
        "diode_var",
        "diode_min",
        "diode_max",
        "diode_p2v",
    ]
    assert [c.unit for c in diode.channels] == ["nA", "", "nA", "nA^2", "nA", "nA", "nA"]
    assert {c.device for c in diode.channels} == {"diode"}
    assert counts(diode, 1).ravel().tolist() == [6, 10, 0, 0, 6, 6, 0]


def test_stats_are_those_of_the_samples(counter: Counter) -> None:
    diode = counter(constant=6.0, noise=2.0, mode="STATS", sampling_rate=1000.0)
    mean, count, std, var, low, high, p2v = counts(diode, 1, count_time=100.0)[0]
    assert count == 100_000
    assert mean == pytest.approx(6, abs=0.05)
    assert std == pytest.approx(2, rel=0.02)
    assert var == pytest.approx(std**2)
    assert p2v == pytest.approx(high - low)
    assert low < 0 < 12 < high


def test_the_mean_of_more_samples_scatters_less(counter: Counter) -> None:
    diode = counter(constant=10.0, noise=3.0)
    short, long = counts(diode, 4000, 0.01), counts(diode, 4000, 0.25)
    assert short.std() == pytest.approx(3, rel=0.05)
    assert long.std() == pytest.approx(3 / 5, rel=0.05)
    assert long.mean() == pytest.approx(10, abs=0.05)


@pytest.mark.parametrize(("samples", "count_time"), [(10, 0.1), (100, 1.0)])
def test_the_mean_of_uniform_samples(counter: Counter, samples: int, count_time: float) -> None:
    found = counts(counter(height=1.0), 4000, count_time)
    assert found.mean() == pytest.approx(0.5, abs=0.01)
    assert found.std() == pytest.approx(math.sqrt(1 / 12 / samples), rel=0.05)


def test_poisson_counts(counter: Counter) -> None:
    counted = counts(counter(constant=400.0, poisson=True, mode="INTEGRATE"), 4000, 0.25)
    assert counted.mean() == pytest.approx(100, rel=0.01)
    assert counted.std() == pytest.approx(10, rel=0.05)
    assert (counted == counted.round()).all()
    rate = counts(counter(constant=400.0, poisson=True), 4000, 0.25)
    assert rate.std() == pytest.approx(40, rel=0.05)


def test_poisson_statistics_and_negative_rates(counter: Counter) -> None:
    stats = counts(counter(constant=400.0, poisson=True, mode="STATS"), 1, 100.0)[0]
    assert stats[0] == pytest.approx(400, rel=0.05)
    assert stats[2] == pytest.approx(math.sqrt(400 * 100), rel=0.1)
    assert counts(counter(constant=-5.0, poisson=True), 3).tolist() == [[0], [0], [0]]


def test_no_count_time_takes_one_sample(counter: Counter) -> None:
    assert counts(counter(constant=2.0, mode="SUM"), 1, 0.0) == 2.0
    assert counts(counter(constant=2.0, mode="INTEGRATE"), 1, 0.0) == 0.0
    assert np.isfinite(counts(counter(constant=50.0, poisson=True, noise=1.0), 5, 0.0)).all()


@pytest.mark.parametrize(
    ("unit", "integrated"), [("counts/s", "counts"), ("nA", "nA*s"), ("", "s")]
)
def test_the_unit_of_an_integral(counter: Counter, unit: str, integrated: str) -> None:
    (channel,) = counter(constant=1.0, unit=unit, mode="INTEGRATE").channels
    assert (channel.unit, channel.mode, channel.kind) == (integrated, "INTEGRATE", "counter")


@pytest.mark.parametrize("unit", ["", "nA", "counts/s"])
def test_the_unit_of_a_variance(counter: Counter, unit: str) -> None:
    variance = counter(constant=1.0, unit=unit, mode="STATS").channels[3].unit
    assert variance == {"": "", "nA": "nA^2", "counts/s": "(counts/s)^2"}[unit]


def test_the_mode_can_be_set(counter: Counter) -> None:
    diode = counter(constant=2.0)
    assert diode.mode == "MEAN"
    diode.mode = "integrate"
    assert diode.mode == "INTEGRATE"
    assert counts(diode, 1, 0.5) == 1.0


def test_a_new_mode_holds_from_the_next_scan(counter: Counter) -> None:
    diode = counter(constant=2.0)
    diode.prepare(1.0, 1)
    diode.mode = "STATS"
    assert len(diode.read()) == 1
    diode.prepare(1.0, 1)
    assert len(diode.read()) == 7


def test_integration_chooses_the_mode(counter: Counter) -> None:
    assert counter(integration=True).mode == "INTEGRATE"
    assert counter(integration=True, mode="LAST", independent=True).mode == "LAST"


# -- reproducible ----------------------------------------------------------------------------


def test_every_scan_has_noise_of_its_own_and_it_comes_again() -> None:
    def session(npoints: list[int], seed: int = 3) -> list[list[float]]:
        context = DeviceContext(clock=VirtualClock(0.0), seed=seed)
        diode = simulated_counter("diode", context=context, constant=1.0, noise=1.0)
        found = []
        for n in npoints:
            assert diode.raw_read != 1.0  # looking at it changes no scan
            found.append(counts(diode, n).ravel().tolist())
        return found

    first, second = session([5, 5]), session([2, 5])
    assert first[0] != first[1]
    assert first[0][:2] == second[0]
    assert first[1] == second[1]
    assert session([5, 5]) == first
    assert session([5, 5], seed=4) != first


def test_counters_have_noise_of_their_own(counter: Counter) -> None:
    keys: dict[str, Any] = {"constant": 1.0, "noise": 1.0}
    assert counts(counter("a", **keys), 3).tolist() != counts(counter("b", **keys), 3).tolist()


def test_reading_without_a_scan(counter: Counter) -> None:
    assert counter(constant=4.0).read() == (4.0,)
    assert len(counter(constant=4.0, noise=1.0).read()) == 1


# -- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["average", 3, None, ""])
def test_unknown_modes(counter: Counter, bad: Any) -> None:
    with pytest.raises(DeviceError, match=r"diode: there is no mode .*MEAN, STATS"):
        counter(constant=1.0).mode = bad


@pytest.mark.parametrize("bad", [-1, math.nan, "1", True])
def test_bad_count_times(counter: Counter, bad: Any) -> None:
    with pytest.raises(DeviceError, match="diode: count time"):
        counter().prepare(bad, 1)


@pytest.mark.parametrize(
    ("keys", "key", "text"),
    [
        ({"model": "gaussian"}, "model", "needs an `axis`"),
        ({"model": "random", "axis": "roby"}, "model", "depends on no axis"),
        ({"model": "random", "constant": 3.0}, "constant", "remove one of them"),
        ({"axis": "roby", "constant": 3.0}, "constant", "`axis`"),
        ({"axis": "roby", "fwhm": 1.0, "sigma": 1.0}, "sigma", "not both"),
        ({"axis": "roby", "fwhm": 0.0}, "fwhm", "above zero"),
        ({"axis": "roby", "sigma": math.nan}, "sigma", "finite"),
        ({"axis": "roby", "center": [1.0, 2.0]}, "center", "2 numbers for 1 axes"),
        ({"axes": [3]}, "axes", "3 is no axis"),
        ({"axes": ["roby"]}, "axes", "'roby' is no axis"),
        ({"model": "gaussian", "distribution": "FLAT"}, "distribution", "not both"),
        ({"distribution": "SQUARE"}, "distribution", "FLAT"),
        ({"noise": -1.0}, "noise", "negative"),
        ({"height": math.inf}, "height", "finite"),
        ({"background": math.nan}, "background", "finite"),
        ({"model": "decay", "time_constant": 0.0}, "time_constant", "above zero"),
        ({"model": "decay", "refill": -1.0}, "refill", "above zero"),
    ],
)
def test_bad_configuration(
    counter: Counter, axis: Make, keys: dict[str, Any], key: str, text: str
) -> None:
    if keys.get("axis") == "roby":
        keys = {**keys, "axis": axis()}
    with pytest.raises(ConfigError, match=text) as caught:
        counter(**keys)
    assert caught.value.key == key
    assert str(caught.value).startswith("diode: ")


@pytest.mark.parametrize("bad", [0.0, -1.0, math.inf])
def test_bad_sampling_rates(counter: Counter, bad: float) -> None:
    with pytest.raises(DeviceError, match="sampling_rate"):
        counter(sampling_rate=bad)


# -- what it says of itself ------------------------------------------------------------------


def test_metadata_and_info(counter: Counter, axis: Make) -> None:
    diode = counter(axes=[axis("sy"), axis("sz")], fwhm=[1.0, 2.0], unit="nA", noise=0.5)
    found = diode.channel_metadata()
    assert found["mode"] == "MEAN"
    assert found["model"] == "gaussian"
    assert found["axes"] == "sy, sz"
    assert found["fwhm_sz"] == pytest.approx(2)
    assert found["fwhm_sz@units"] == "mm"
    assert found["noise@units"] == "nA"
    assert repr(diode) == "<counter diode: gaussian, MEAN>"
    for part in ("diode: simulated counter", "gaussian", "100 nA", "2 mm", "0.5 nA per sample"):
        assert part in diode.__info__()


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({"constant": 1.0, "unit": "V"}, "1 V"),
        ({}, "uniform"),
        ({"model": "decay", "refill": 60.0, "poisson": True}, "Poisson"),
        ({"distribution": "FLAT"}, "none"),
    ],
)
def test_info_of_other_models(counter: Counter, keys: dict[str, Any], part: str) -> None:
    device = counter(**keys)
    assert part in device.__info__()
    assert device.channel_metadata()["sampling_rate"] == device.sampling_rate == 100.0


def test_all_samples_of_a_point(counter: Counter) -> None:
    noisy = counter(model="constant", constant=5.0, noise=1.0, mode="SAMPLES", unit="V")
    noisy.prepare(0.1, 3)
    value, samples = noisy.channels
    assert (value.shape, samples.shape, samples.name) == ((), (10,), "diode_samples")
    noisy.trigger()
    mean, drawn = noisy.read()
    assert mean == pytest.approx(drawn.mean())
    assert drawn.std() > 0
    still = counter(constant=5.0, mode="SAMPLES")
    still.prepare(0.02, 1)
    assert still.read()[1].tolist() == [5.0, 5.0]
