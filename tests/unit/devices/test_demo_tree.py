"""The demo beamline: every file of it is read, every object built, without a word of complaint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from session_shell.clock import VirtualClock
from session_shell.config import Builder, check_configuration, load_configuration
from session_shell.devices.context import DeviceContext
from session_shell.devices.protocols import is_axis, is_detector

SESSIONS = Path(__file__).parents[3] / "sessions"


@pytest.fixture
def demo() -> dict[str, Any]:
    configuration = load_configuration(SESSIONS)
    plan = configuration.session_plan("demo")
    context = DeviceContext(clock=VirtualClock(1_700_000_000.0), seed=1)
    devices, problems = Builder(configuration, context).build(plan.object_names)
    assert problems == []
    return devices


def test_nothing_is_wrong() -> None:
    configuration = load_configuration(SESSIONS)
    assert configuration.problems == []
    assert check_configuration(configuration, None) == []
    assert set(configuration.sessions) == {"demo", "bench"}


def test_the_beamline(demo: dict[str, Any]) -> None:
    axes = {name for name, device in demo.items() if is_axis(device)}
    assert axes >= {"sx", "sy", "sz", "roby", "robz", "s1vg", "s1vo", "s1hg", "s1ho", "att1z"}
    counters = {name for name, device in demo.items() if is_detector(device)}
    assert counters >= {"diode", "diode1", "diode2", "diode3", "mon", "srcur", "mca", "cam"}
    assert demo["MG1"].enabled == ["diode", "diode1", "diode2", "diode3", "mon"]
    for device in demo.values():
        assert device.name in device.__info__()
        assert "\n" not in repr(device)


def test_the_detectors_see_the_sample(demo: dict[str, Any]) -> None:
    mca, cam = demo["mca"], demo["cam"]
    names = [channel.name for channel in mca.channels]

    def count() -> tuple[float, float]:
        for detector in (mca, cam):
            detector.prepare(1.0, 1)
        gold, spot = mca.read()[names.index("mca_Au")], cam.read()[1]
        for detector in (mca, cam):
            detector.stop()
        return gold, spot

    demo["sy"].move(0.4)
    demo["sz"].move(-0.3)
    gold, spot = count()
    demo["sy"].move(10)
    assert count() < (gold / 10, spot / 2)
    demo["sy"].move(0.4)
    demo["shutter"].close()
    assert count() < (gold / 100, spot / 2)


def test_the_attenuator_is_at_a_position(demo: dict[str, Any]) -> None:
    mp = demo["mp"]
    assert mp.position == "out"
    mp.Al_20um()
    assert mp.scan_metadata()["thickness"] == 20.0
    mp.move("beam stop")
    assert mp.position == "beam stop"


def test_the_sample_is_seen_along_sy_and_sz(demo: dict[str, Any]) -> None:
    demo["sy"].move(0.4)
    demo["sz"].move(-0.3)
    assert demo["diode"].raw_read == pytest.approx(252, abs=6)
    demo["sy"].move(10)
    assert demo["diode"].raw_read == pytest.approx(2, abs=6)


def test_a_scan_of_roby_is_quick(demo: dict[str, Any]) -> None:
    roby, clock = demo["roby"], demo["roby"]._clock
    begin = clock.time()
    for position in range(1, 11):
        roby.move(position)
    assert clock.time() - begin < 1.0
