from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from session_shell.clock import VirtualClock
from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.context import DeviceContext
from session_shell.devices.counters.derived import AxisCounter, as_counter, clock_counter
from session_shell.devices.counters.gate import gate
from session_shell.devices.motion.together import move_together
from session_shell.devices.protocols import is_axis, is_detector
from session_shell.devices.soft.soft import SoftCounter
from session_shell.devices.soft.soft_config import soft_axis, soft_counter
from session_shell.errors import ConfigError, DeviceError, LimitError


class Oven:
    """Some object that was not written for us."""

    name = "oven"

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.setpoint = 20.0
        self.stopped = 0
        self.broken = False

    @property
    def temperature(self) -> float:
        if self.broken:
            raise OSError("no answer")
        return self.clock.time() - 1_700_000_000.0

    def get(self) -> float:
        return self.setpoint

    def set_to(self, value: float) -> None:
        self.setpoint = value

    def halt(self) -> None:
        self.stopped += 1


class Ramp:
    """A status of somebody else."""

    def __init__(self) -> None:
        self.over = False

    def done(self) -> bool:
        return self.over

    def result(self, timeout: float | None = None) -> None:
        self.over = True


@pytest.fixture
def oven(clock: VirtualClock) -> Oven:
    return Oven(clock)


# -- axes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "move"), [("setpoint", "set_to"), ("get", "set_to"), ("setpoint", "setpoint")]
)
def test_an_axis_of_members(context: DeviceContext, oven: Oven, position: str, move: str) -> None:
    axis = soft_axis(
        "temp", context=context, obj=oven, position=position, move=move, unit="degC", high_limit=90
    )
    assert is_axis(axis)
    axis.move(50)
    assert (axis.position, axis.dial, oven.setpoint) == (50.0, 50.0, 50.0)
    axis.rmove(-5)
    axis.move(1, relative=True, wait=False)
    assert axis.position == 46.0
    assert str(axis.state) == "READY"
    with pytest.raises(LimitError, match=r"temp: 91 degC is outside \[-inf, 90\] degC"):
        axis.move(91)
    with pytest.raises(LimitError):
        axis.start_move(91)
    with pytest.raises(LimitError):
        axis.check_targets(np.array([1.0, 100.0]))
    axis.stop()
    axis.wait_move()
    axis.low_limit, axis.high_limit = 0, None
    assert axis.limits == (0.0, math.inf)
    assert axis.channel_metadata() == {
        "description": f"soft axis: oven, position {position}, move {move}",
        "soft_limit_min": 0.0,
        "soft_limit_min@units": "degC",
    }
    assert "46 degC" in axis.__info__()
    assert repr(axis) == "<axis temp: 46 degC, READY>"


def test_an_axis_of_functions(context: DeviceContext, oven: Oven) -> None:
    axis = soft_axis(
        "temp", context=context, obj=None, position=oven.get, move=oven.set_to, stop=oven.halt
    )
    move_together({axis: 5}, clock=context.clock)
    assert oven.setpoint == 5.0
    axis.stop()
    assert oven.stopped == 1
    named = soft_axis("t", context=context, obj=oven, position="get", move="set_to", stop="halt")
    named.stop()
    assert oven.stopped == 2


def test_a_status_of_the_object_is_waited_for(context: DeviceContext, oven: Oven) -> None:
    ramp = Ramp()
    axis = soft_axis("temp", context=context, obj=oven, position="get", move=lambda _v: ramp)
    axis.move(3, wait=False)
    assert axis.is_moving
    assert "MOVING" in axis.state
    with pytest.raises(DeviceError, match="temp: is moving"):
        axis.start_move(4)
    axis.wait_move(1)
    assert not axis.is_moving


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({}, "oven has no 'position' to use as its position: say position=..."),
        ({"position": "get", "move": "go"}, "oven has no 'go' to use as its move"),
        ({"position": "get", "move": 5}, "move must be the name of a method, or a function, not 5"),
        ({"position": "name", "move": "set_to"}, "its position must be a number, not 'oven'"),
        ({"obj": None, "position": "get"}, "give an object whose 'get' is its position"),
        ({"position": "get", "move": "set_to", "stop": "name"}, "stop must be the name of"),
        ({"position": "get", "move": "set_to", "low_limit": 5, "high_limit": 1}, "low limit must"),
        ({"position": "get", "move": "set_to", "low_limit": "low"}, "limit cannot be 'low'"),
        ({"position": lambda: 1 / 0, "move": "set_to"}, "its position failed: ZeroDivisionError"),
    ],
)
def test_what_cannot_be_an_axis(
    context: DeviceContext, oven: Oven, keys: dict[str, Any], text: str
) -> None:
    with pytest.raises(DeviceError, match=f"temp: .*{text}"):
        soft_axis("temp", context=context, **{"obj": oven, **keys})


def test_an_object_that_fails_while_moving(context: DeviceContext, oven: Oven) -> None:
    def refuse(value: float) -> None:
        raise OSError("door open")

    axis = soft_axis("temp", context=context, obj=oven, position="get", move=refuse)
    with pytest.raises(DeviceError, match="temp: its move failed: OSError: door open"):
        axis.move(5)
    for bad in ("1", True, None, math.nan):
        with pytest.raises(DeviceError, match="temp: target"):
            axis.move(bad)
    with pytest.raises(DeviceError, match="limits must be a pair"):
        axis.limits = 5  # type: ignore[assignment]


# -- counters --------------------------------------------------------------------------------


@pytest.fixture
def point(clock: VirtualClock) -> Callable[..., list[Any]]:
    """Count one point as the engine does."""

    def one(counter: SoftCounter, count_time: float = 0.1) -> list[Any]:
        counter.prepare(count_time, 1)
        counter.trigger()
        gate([counter], clock)(count_time)
        return list(counter.read())

    return one


def test_it_is_polled_during_the_gate(
    context: DeviceContext, oven: Oven, clock: VirtualClock, point: Callable[..., list[Any]]
) -> None:
    counter = soft_counter("t", context=context, obj=oven, value="temperature", unit="K")
    assert is_detector(counter)
    begin = clock.time()
    (mean,) = point(counter)
    assert clock.time() - begin == pytest.approx(0.1)
    # Ten samples, at 0.00, 0.01, ..., 0.09 s.
    assert mean == pytest.approx(0.045, abs=1e-6)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("MEAN", [0.15]),
        ("SUM", [0.6]),
        ("INTEGRATE", [0.06]),
        ("SINGLE", [0.0]),
        ("LAST", [0.3]),
        ("STATS", [0.15, 4, 0.1118034, 0.0125, 0.0, 0.3, 0.3]),
        ("SAMPLES", [0.15, [0.0, 0.1, 0.2, 0.3]]),
    ],
)
def test_modes(
    context: DeviceContext,
    oven: Oven,
    point: Callable[..., list[Any]],
    mode: str,
    expected: list[Any],
) -> None:
    counter = soft_counter(
        "t", context=context, obj=oven, value="temperature", mode=mode, sampling_rate=10
    )
    values = point(counter, 0.4)
    assert len(values) == len(counter.channels) == len(expected)
    for value, wanted in zip(values, expected, strict=True):
        assert value == pytest.approx(wanted, abs=1e-5)
    assert [c.mode for c in counter.channels] == [mode] * len(values)
    if mode == "SAMPLES":
        assert counter.channels[1].shape == (4,)
        assert counter.channels[1].name == "t_samples"


def test_one_sample_at_least(
    context: DeviceContext, oven: Oven, point: Callable[..., list[Any]]
) -> None:
    counter = soft_counter("t", context=context, obj=lambda: 3.5)
    assert point(counter, 0.0) == [3.5]
    counter.trigger()
    assert counter.read() == (3.5,), "also when no gate asked it"


def test_a_slow_object_gives_fewer_samples(
    context: DeviceContext, clock: VirtualClock, point: Callable[..., list[Any]]
) -> None:
    def slow() -> float:
        clock.sleep(0.04)
        return 1.0

    counter = soft_counter("t", context=context, obj=slow, mode="SAMPLES")
    mean, samples = point(counter, 0.1)
    assert mean == 1.0
    # Three were taken in the time for ten: the rest is missing, not zero.
    assert np.isfinite(samples).sum() == 3
    assert samples.shape == counter.channels[1].shape == (10,)


def test_several_are_polled_in_one_gate(context: DeviceContext, clock: VirtualClock) -> None:
    taken: list[str] = []
    counters = [
        soft_counter("a", context=context, obj=lambda: taken.append("a") or 1.0, sampling_rate=10),
        soft_counter("b", context=context, obj=lambda: taken.append("b") or 1.0, sampling_rate=5),
    ]
    taken.clear()
    begin = clock.time()
    gate(counters, clock)(0.4)
    assert taken == ["a", "b", "a", "a", "b", "a"]
    assert clock.time() - begin == pytest.approx(0.4)


def test_without_polled_counters_the_gate_is_the_sleep_of_the_clock(
    context: DeviceContext, clock: VirtualClock
) -> None:
    assert gate([clock_counter("t", context=context)], clock) == clock.sleep


@pytest.mark.parametrize(
    ("obj", "value", "expected"),
    [
        (lambda: 5, None, 5.0),
        (lambda: True, None, 1.0),
        (lambda: np.float32(2.5), None, 2.5),
        (lambda: np.array(2.5), None, 2.5),
        (lambda: np.bool_(True), None, 1.0),
        ({"a": 1}, "__len__", 1.0),
        (None, lambda: 7, 7.0),
    ],
)
def test_what_can_be_read(context: DeviceContext, obj: Any, value: Any, expected: float) -> None:
    counter = soft_counter("c", context=context, obj=obj, value=value)
    assert counter.value == counter.raw_read == expected


def test_apply(context: DeviceContext, oven: Oven) -> None:
    counter = soft_counter("c", context=context, obj=oven, value="get", apply=lambda v: v / 2)
    assert counter.value == 10.0


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"obj": None}, "give an object whose 'value' is its value"),
        ({"value": "pressure"}, "oven has no 'pressure' to use as its value"),
        ({}, "oven has no 'value' to use as its value"),
        ({"value": "name"}, "its value must be a number, not 'oven'"),
        ({"value": lambda: [1, 2]}, r"its value must be a number, not \[1, 2\]"),
        ({"value": lambda: np.zeros(3)}, "its value must be a number"),
        ({"value": lambda: 1j}, "its value must be a number"),
        ({"value": "setpoint", "mode": "FAST"}, "there is no mode 'FAST'"),
        ({"value": "setpoint", "sampling_rate": 0}, "sampling_rate must be above zero"),
        ({"value": "setpoint", "sampling_rate": 1e9}, "sampling_rate must be 100000 per second"),
        ({"value": "setpoint", "apply": 3}, "apply must be a function"),
        ({"value": 5}, "value must be the name of a method, or a function"),
    ],
)
def test_what_cannot_be_a_counter(
    context: DeviceContext, oven: Oven, keys: dict[str, Any], text: str
) -> None:
    with pytest.raises(DeviceError, match=f"c: {text}"):
        soft_counter("c", context=context, **{"obj": oven, **keys})


def test_an_object_that_fails_while_counting(
    context: DeviceContext, oven: Oven, point: Callable[..., list[Any]]
) -> None:
    counter = soft_counter("t", context=context, obj=oven, value="temperature")
    oven.broken = True
    with pytest.raises(DeviceError, match="t: its value failed: OSError: no answer"):
        point(counter)
    with pytest.raises(DeviceError, match="t: count time"):
        counter.prepare(-1, 1)


def test_what_a_counter_says_of_itself(context: DeviceContext, oven: Oven) -> None:
    counter = soft_counter("c", context=context, obj=oven, value="get", unit="K")
    assert "oven, get" in counter.__info__()
    assert repr(counter) == "<counter c: oven, get, MEAN>"
    assert counter.channel_metadata()["description"] == "soft counter: oven, get"
    counter.stop()


# -- axes and the clock as counters ------------------------------------------------------------


def test_the_position_of_an_axis(axis: Callable[..., SimulatedAxis]) -> None:
    roby = axis(position=2.0)
    counter = as_counter(roby)
    assert isinstance(counter, AxisCounter)
    assert is_detector(counter)
    counter.prepare(0.1, 1)
    counter.trigger()
    assert counter.read() == (2.0,)
    counter.stop()
    (channel,) = counter.channels
    assert (channel.name, channel.kind, channel.unit) == ("roby", "counter", "mm")
    assert repr(counter) == "<counter roby: position of the axis>"
    assert as_counter(counter) is counter
    with pytest.raises(DeviceError, match="'roby' is neither a counter nor an axis"):
        as_counter("roby")


def test_the_clock(context: DeviceContext, clock: VirtualClock) -> None:
    epoch = clock_counter("t", context=context)
    elapsed = clock_counter("e", context=context, kind="elapsed")
    assert is_detector(epoch)
    assert (epoch.value, elapsed.value) == (clock.time(), 0.0)
    for counter in (epoch, elapsed):
        counter.prepare(1, 2)
    begin = clock.time()
    for _ in range(2):
        epoch.trigger()
        elapsed.trigger()
        clock.sleep(1)
    assert epoch.read() == (begin + 1,)
    assert elapsed.read() == (1.0,)
    elapsed.prepare(1, 1)
    assert elapsed.read() == (0.0,)
    epoch.stop()
    assert "time of day" in epoch.__info__()
    assert repr(elapsed) == "<counter e: elapsed time>"
    with pytest.raises(ConfigError, match="kind must be one of epoch, elapsed"):
        clock_counter("t", context=context, kind="local")  # type: ignore[arg-type]
