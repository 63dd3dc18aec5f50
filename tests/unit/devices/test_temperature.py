from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_shell.clock import VirtualClock
from session_shell.devices.context import DeviceContext
from session_shell.devices.environment.ramp import Ramp
from session_shell.devices.environment.temperature import (
    SetpointAxis,
    TemperatureController,
    temperature_controller,
)
from session_shell.devices.protocols import is_axis, is_detector
from session_shell.errors import ConfigError, DeviceError, DeviceTimeoutError, LimitError


def made(context: DeviceContext, **keys: Any) -> tuple[TemperatureController, SetpointAxis]:
    keys = {"axes": [{"name": "sp"}], "ramprate": 60.0, "high_limit": 300, **keys}
    found = temperature_controller("temp", context=context, **keys)
    assert list(found) == ["temp", "sp"]
    return found["temp"], found["sp"]


# -- the ramp --------------------------------------------------------------------------------


def integrated(ramp: Ramp, time: float, steps: int = 20_000) -> float:
    """Return the temperature by integrating its equation in small steps."""
    temperature, dt = ramp.reading, (time - ramp.begin) / steps
    for number in range(steps):
        setpoint = ramp.working(ramp.begin + (number + 0.5) * dt)
        temperature += (setpoint - temperature) / ramp.tau * dt
    return temperature


@pytest.mark.parametrize("target", [80.0, -40.0])
@pytest.mark.parametrize("time", [1.0, 10.0, 60.0, 75.0, 130.0])
def test_the_reading_solves_its_equation(target: float, time: float) -> None:
    ramp = Ramp(0.0, 20.0, 23.0, target, 1.0, 8.0)
    assert ramp.temperature(time) == pytest.approx(integrated(ramp, time), abs=0.02)


@given(
    st.floats(-100, 100), st.floats(-100, 100), st.floats(0.01, 100), st.floats(0, 100),
    st.floats(1e-3, 5),
)  # fmt: skip
def test_it_settles_when_it_says(
    start: float, target: float, rate: float, tau: float, tolerance: float
) -> None:
    ramp = Ramp(5.0, start, start, target, rate, tau)
    settled = ramp.settled(tolerance)
    assert settled >= ramp.finish
    for later in (0.0, 1.0, 100.0):
        off = abs(ramp.temperature(settled + later) - target)
        assert off <= tolerance * 1.000001 + 1e-9
    assert ramp.temperature(5.0) == pytest.approx(start)
    assert ramp.temperature(0.0) == pytest.approx(start), "before it began"


def test_a_jump_and_no_lag() -> None:
    jump = Ramp(0.0, 20.0, 20.0, 30.0, math.inf, 10.0)
    assert (jump.working(0.0), jump.finish) == (30.0, 0.0)
    assert jump.temperature(10.0) == pytest.approx(30 - 10 / math.e)
    at_once = Ramp(0.0, 20.0, 20.0, 30.0, 1.0, 0.0)
    assert at_once.temperature(4.0) == 24.0
    assert at_once.settled(0.1) == 10.0


# -- the devices -----------------------------------------------------------------------------


def test_a_move_waits_until_it_has_settled(context: DeviceContext, clock: VirtualClock) -> None:
    temp, sp = made(context, time_constant=5.0, tolerance=0.1)
    assert is_axis(sp)
    assert is_detector(temp)
    assert not is_axis(temp)
    assert (sp.position, temp.temperature, sp.unit) == (20.0, 20.0, "degC")
    begin = clock.time()
    sp.move(50)
    # 30 degC at 1 degC/s, then from 5 degC off to 0.1: 5 s * ln(50)
    assert clock.time() - begin == pytest.approx(30 + 5 * math.log(50), abs=0.05)
    assert sp.position == 50.0
    assert temp.temperature == pytest.approx(50, abs=0.1001)


def test_on_the_way(context: DeviceContext, clock: VirtualClock) -> None:
    temp, sp = made(context, time_constant=5.0)
    temp.setpoint = 50
    assert sp.is_moving
    assert "MOVING" in sp.state
    clock.sleep(20)
    assert (sp.position, temp.setpoint) == (pytest.approx(40.0), 50.0)
    assert temp.temperature == pytest.approx(35 + 5 * math.exp(-4), abs=1e-6)
    with pytest.raises(DeviceTimeoutError, match="sp: not ready after 1 s"):
        sp.wait_move(1)
    sp.start_move(41.0)
    assert temp.setpoint == 41.0, "a ramp can be turned round"
    sp.stop()
    assert not sp.is_moving
    clock.sleep(100)
    assert sp.position == temp.setpoint == pytest.approx(41.0, abs=1e-6)
    assert temp.temperature == pytest.approx(41.0, abs=1e-3)
    sp.stop()
    sp.wait_move()


def test_the_rate_can_be_changed(context: DeviceContext, clock: VirtualClock) -> None:
    temp, sp = made(context, time_constant=0.0)
    assert temp.ramprate == pytest.approx(60)
    temp.ramprate = 600
    begin = clock.time()
    sp.move(50)
    assert clock.time() - begin == pytest.approx(3)
    temp.ramprate = None
    sp.move(20)
    assert clock.time() - begin == pytest.approx(3)
    assert temp.ramprate is None
    with pytest.raises(DeviceError, match="temp: ramprate must be above zero"):
        temp.ramprate = 0


def test_limits(context: DeviceContext) -> None:
    temp, sp = made(context, low_limit=0)
    for target in (-1, 301):
        with pytest.raises(LimitError, match=r"sp: .* is outside \[0, 300\] degC"):
            sp.move(target)
        with pytest.raises(LimitError):
            temp.setpoint = target
    assert temp.setpoint == 20.0
    with pytest.raises(DeviceError, match="sp: target cannot be 'hot'"):
        sp.start_move("hot")  # type: ignore[arg-type]
    own = made(context, axes=[{"name": "sp", "high_limit": 50}])[1]
    assert own.limits == (-math.inf, 50.0)


def test_readings_scatter_with_the_seed(context: DeviceContext) -> None:
    one, two = (made(context, noise=0.5)[0] for _ in range(2))
    for each in (one, two):
        each.prepare(0.1, 3)
        each.trigger()
    values = [one.read()[0] for _ in range(3)]
    assert values == [two.read()[0] for _ in range(3)]
    assert len(set(values)) == 3
    assert made(context, noise=0.5)[0].read()[0] != 20.0
    one.stop()


def test_it_is_as_it_was_left(context: DeviceContext) -> None:
    temp, sp = made(context)
    sp.move(60)
    again, setpoint = made(context)
    assert again.configured_state() == {"setpoint": 20.0}
    again.restore_state(temp.saved_state())
    assert (again.temperature, setpoint.position) == (60.0, 60.0)
    again.restore_state({})
    with pytest.raises(DeviceError, match="saved setpoint cannot be 'warm'"):
        again.restore_state({"setpoint": "warm"})


def test_without_an_axis(context: DeviceContext, clock: VirtualClock) -> None:
    found = temperature_controller("temp", context=context)
    assert list(found) == ["temp"]
    found["temp"].setpoint = 30
    clock.sleep(100)
    assert found["temp"].temperature == pytest.approx(30, abs=0.01)
    with pytest.raises(DeviceError, match="setpoint cannot be None"):
        found["temp"].setpoint = None


def test_what_they_say(context: DeviceContext) -> None:
    temp, sp = made(context)
    assert "setpoint axis     sp" in temp.__info__()
    assert repr(temp) == "<temperature temp: 20 degC>"
    assert "temp      20 degC" in sp.__info__()
    assert repr(sp) == "<axis sp: 20 degC, READY>"
    assert temp.channel_metadata()["ramprate@units"] == "degC/min"
    assert sp.channel_metadata()["soft_limit_max"] == 300.0
    assert "none" in made(context, ramprate=None)[0].__info__()


@pytest.mark.parametrize(
    ("keys", "key", "text"),
    [
        ({"ramprate": 0}, "ramprate", "must be above zero"),
        ({"time_constant": -1}, "time_constant", "must not be negative"),
        ({"tolerance": 0}, "tolerance", "must be above zero"),
        ({"noise": -1}, "noise", "must not be negative"),
        ({"temperature": math.nan}, "temperature", "must be finite"),
        ({"axes": [{"name": "a"}, {"name": "b"}]}, "axes.1", "there is one setpoint, not 2"),
        ({"axes": ["sp"]}, "axes.0", "the setpoint needs a name"),
        ({"low_limit": 400}, "axes.0", "the low limit must be below the high one"),
    ],
)
def test_bad_configuration(
    context: DeviceContext, keys: dict[str, Any], key: str, text: str
) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        made(context, **keys)
    assert caught.value.key == key
    with pytest.raises(ConfigError, match="needs a name"):
        temperature_controller("", context=context)
