from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.context import DeviceContext
from session_shell.devices.detectors.spectrum import SimulatedSpectrum
from session_shell.devices.detectors.spectrum_config import simulated_spectrum
from session_shell.devices.detectors.xray_lines import elements, lines_of
from session_shell.devices.environment.shutter import Shutter
from session_shell.devices.protocols import is_detector
from session_shell.errors import CommandError, ConfigError, DeviceError

Make = Callable[..., SimulatedSpectrum]


@pytest.fixture
def mca(context: DeviceContext) -> Make:
    def make(**keys: Any) -> SimulatedSpectrum:
        return simulated_spectrum("mca", context=context, **keys)

    return make


def read(detector: SimulatedSpectrum, count_time: float = 1.0) -> dict[str, Any]:
    detector.prepare(count_time, 1)
    detector.trigger()
    names = [channel.name for channel in detector.channels]
    values = dict(zip(names, detector.read(), strict=True))
    detector.stop()
    return values


def test_channels(mca: Make) -> None:
    made = mca(channels=1024, rois={"Fe": [6.2, 6.6], "Cu": [7.9, 8.2]})
    assert is_detector(made)
    found = [(c.name, c.shape, c.unit, c.dtype) for c in made.channels]
    assert found == [
        ("mca", (1024,), "counts", "uint32"),
        # A region first: it is what tables, plots and `cen` look at.
        ("mca_Fe", (), "counts", "uint32"),
        ("mca_Cu", (), "counts", "uint32"),
        ("mca_live_time", (), "s", "float64"),
        ("mca_dead_time", (), "", "float64"),
    ]
    assert {c.device for c in made.channels} == {"mca"}
    assert made.energies[[0, -1]].tolist() == [0.0, 10.23]


def test_peaks_stand_at_the_energies_of_the_elements(mca: Make) -> None:
    made = mca(
        elements=[{"element": "Fe", "rate": 1e5}, {"element": "x", "lines": [12.0], "rate": 1e5}]
    )
    spectrum = read(made, 10)["mca"]
    assert spectrum.dtype == np.uint32
    energies = made.energies
    assert energies[spectrum[:900].argmax()] == pytest.approx(6.404, abs=0.02)
    assert energies[900 + spectrum[900:].argmax()] == pytest.approx(12.0, abs=0.02)
    # The width at 5.9 keV is the resolution, and grows with the energy.
    half = spectrum[600:680] > spectrum[600:680].max() / 2
    assert half.sum() * 0.01 == pytest.approx(0.14, abs=0.02)
    assert made.calibration.sigma(12) > made.calibration.sigma(6)


def test_counts_and_regions(mca: Make) -> None:
    made = mca(
        elements=[{"element": "Fe", "rate": 1000.0}], background=0.0, dead_time=0.0,
        rois={"Fe": [6.0, 6.7], "all": [0, 20.48]},
    )  # fmt: skip
    found = read(made, 100)
    assert found["mca_all"] == found["mca"].sum() == pytest.approx(100_000, rel=0.02)
    # 87 of 100 events are Kα.
    assert found["mca_Fe"] == pytest.approx(87_000, rel=0.02)
    assert found["mca_live_time"] == 100.0
    assert found["mca_dead_time"] == 0.0


def test_dead_time(mca: Make) -> None:
    made = mca(
        elements=[{"element": "Fe", "rate": 1e6}],
        background=0.0,
        dead_time=1e-6,
        rois={"all": [0, 9]},
    )
    found = read(made, 2.0)
    # A million events per second, each blind for 1 us: half of the time.
    assert found["mca_live_time"] == pytest.approx(1.0, rel=0.01)
    assert found["mca_dead_time"] == pytest.approx(0.5, rel=0.01)
    assert found["mca_all"] == pytest.approx(1e6, rel=0.01)


def test_an_element_at_one_place_of_the_sample(
    mca: Make, axis: Callable[..., SimulatedAxis]
) -> None:
    sy = axis("sy")
    made = mca(
        elements=[{"element": "Au", "rate": 1e4, "axis": sy, "center": 1.0, "fwhm": 0.5}],
        background=0.0,
    )
    assert read(made)["mca"].sum() == 0
    sy.move(1.0)
    assert read(made)["mca"].sum() == pytest.approx(1e4, rel=0.1)
    sy.move(1.25)
    assert read(made)["mca"].sum() == pytest.approx(5e3, rel=0.1)


def test_the_scattered_beam(mca: Make) -> None:
    made = mca(beam_energy=15.0, elastic_rate=1e4, background=0.0)
    assert made.energies[read(made)["mca"].argmax()] == pytest.approx(15.0, abs=0.1)


def test_the_same_seed_gives_the_same_spectra(context: DeviceContext) -> None:
    one, two = (simulated_spectrum("mca", context=context) for _ in range(2))
    first, second = read(one)["mca"], read(one)["mca"]
    assert (read(two)["mca"] == first).all()
    assert (second != first).any()


def test_a_closed_shutter(mca: Make, context: DeviceContext) -> None:
    shutter = Shutter("sh", context=context)
    made = mca(elements=[{"element": "Fe"}], shutter=shutter)
    found = read(made)
    assert (found["mca"].sum(), found["mca_live_time"]) == (0, 1.0)
    shutter.open()
    assert read(made)["mca"].sum() > 0
    assert "shutter" in made.__info__()


def test_count_time_zero(mca: Make) -> None:
    found = read(mca(elements=[{"element": "Fe"}]), 0.0)
    assert (found["mca"].sum(), found["mca_live_time"], found["mca_dead_time"]) == (0, 0.0, 0.0)
    assert mca().read()[0].sum() == 0, "also without a scan"


# -- regions ---------------------------------------------------------------------------------


def test_regions_at_the_prompt(mca: Make) -> None:
    made = mca(rois={"Fe": [6.2, 6.6]})
    made.rois.set("Cu", 7.9, 8.2)
    assert dict(made.rois) == {"Fe": (6.2, 6.6), "Cu": (7.9, 8.2)}
    assert made.counters.Cu.name == "mca_Cu"
    assert "Cu: 7.9 to 8.2 keV" in made.rois.__info__()
    assert repr(made.rois) == "<regions of mca: Fe, Cu>"
    made.rois.remove("Fe")
    assert list(made.rois) == ["Cu"]
    made.rois.clear()
    assert len(made.rois) == 0
    assert "none" in made.rois.__info__()
    with pytest.raises(CommandError, match="mca has no region 'Fe'; it has none"):
        made.rois.remove("Fe")


@pytest.mark.parametrize(
    ("name", "region", "text"),
    [
        ("Fe", (6.6, 6.2), "region Fe: 6.6 to 6.2 keV must be a range within 0 to 20.47 keV"),
        ("Fe", (-1, 2), "must be a range within"),
        ("Fe", (1, 30), "must be a range within"),
        ("Fe", (1,), r"region Fe: it cannot be \(1,\)"),
        ("Fe", ("a", 2), "start cannot be 'a'"),
        ("Fe", (float("nan"), 2), "start cannot be nan"),
        ("F e", (1, 2), "a region needs a name of letters"),
        (5, (1, 2), "a region needs a name"),
        ("", (1, 2), "a region needs a name"),
    ],
)
def test_bad_regions(mca: Make, name: Any, region: tuple[Any, ...], text: str) -> None:
    with pytest.raises(CommandError, match=f"mca: {text}|{text}"):
        mca().rois.set(name, *region)


def test_regions_cannot_change_during_a_scan(mca: Make) -> None:
    made = mca(rois={"Fe": [6.2, 6.6]})
    made.prepare(0.1, 10)
    for change in (lambda: made.rois.set("Cu", 8, 9), made.rois.clear):
        with pytest.raises(DeviceError, match="is being counted"):
            change()
    made.stop()
    made.rois.clear()


def test_regions_survive_a_restart(mca: Make) -> None:
    made = mca(rois={"Fe": [6.2, 6.6]})
    made.rois.set("Cu", 7.9, 8.2)
    again = mca(rois={"Fe": [6.2, 6.6]})
    assert again.configured_state() == made.configured_state() != made.saved_state()
    again.restore_state(made.saved_state())
    assert dict(again.rois) == dict(made.rois)
    again.restore_state({})
    for bad in ("{", "5", None, '{"Fe": [9, 1]}', '{"Fe": 5}'):
        with pytest.raises(DeviceError, match="saved regions"):
            again.restore_state({"rois": bad})
        assert dict(again.rois) == dict(made.rois)


# -- words and configuration -----------------------------------------------------------------


def test_what_it_says_of_itself(mca: Make) -> None:
    made = mca(elements=[{"element": "Fe", "rate": 10.0}], rois={"Fe": [6.2, 6.6]})
    made.prepare(0.5, 1)
    found = made.channel_metadata()
    assert found["count_time"] == 0.5
    assert found["energy"].shape == (2048,)
    assert found["rois"]["Fe"] == {
        "start": 6.2, "start@units": "keV", "stop": 6.6, "stop@units": "keV"
    }  # fmt: skip
    assert "10 counts/s now" in made.__info__()
    assert repr(made) == "<detector mca: 2048 channels, Fe>"


def test_lines() -> None:
    assert {"Fe", "Au"} <= set(elements())
    assert sum(part for _, part in lines_of("Au")) == pytest.approx(1)
    assert lines_of("Xx") == ()


@pytest.mark.parametrize(
    ("keys", "key", "text"),
    [
        ({"channels": 1}, "channels", "channels must be from 2"),
        ({"energy_per_channel": 0}, "energy_per_channel", "must be above zero"),
        ({"energy_offset": float("inf")}, "energy_offset", "must be finite"),
        ({"resolution": -1}, "resolution", "must be above zero"),
        ({"dead_time": -1}, "dead_time", "must not be negative"),
        ({"background": -1}, "background", "must not be negative"),
        ({"beam_energy": 0}, "beam_energy", "must be above zero"),
        ({"beam_energy": 1, "elastic_rate": -1}, "elastic_rate", "must not be negative"),
        ({"elements": ["Fe"]}, "elements.0", "say which element"),
        ({"elements": [{"element": "Fe"}, {"element": "Xx"}]}, "elements.1.lines", "not known"),
        ({"elements": [{"element": "Xx", "lines": "1"}]}, "elements.0.lines", "must be energies"),
        ({"elements": [{"element": "Xx", "lines": [-1]}]}, "elements.0.lines", "above zero"),
        ({"elements": [{"element": "Fe", "rates": 1}]}, "elements.0.rates", "no key 'rates'"),
        ({"elements": [{"element": "Fe", "rate": "x"}]}, "elements.0.constant", "cannot be 'x'"),
        ({"elements": [{"element": "Fe", "axis": "sy"}]}, "elements.0.axes", "'sy' is no axis"),
        ({"rois": {"Fe": [5]}}, "rois", "region Fe: it cannot be"),
        ({"rois": {"Fe": 5}}, "rois", "region Fe must be a list of numbers, not 5"),
        ({"shutter": "sh"}, "shutter", "'sh' is no shutter"),
    ],
)
def test_bad_configuration(mca: Make, keys: dict[str, Any], key: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        mca(**keys)
    assert caught.value.key == key


def test_bad_count_time(mca: Make) -> None:
    with pytest.raises(DeviceError, match="mca: count time"):
        mca().prepare(-1, 1)
