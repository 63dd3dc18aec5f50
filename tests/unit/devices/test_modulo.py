from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_shell.clock import VirtualClock
from session_shell.devices.axes.axis_config import simulated_axis
from session_shell.devices.axes.modulo import ModuloAxis
from session_shell.devices.context import DeviceContext
from session_shell.errors import ConfigError, DeviceError, LimitError


def turning(context: DeviceContext | None = None, **keys: Any) -> ModuloAxis:
    context = context or DeviceContext(clock=VirtualClock(1_700_000_000.0))
    keys = {"modulo": 360.0, "unit": "deg", "velocity": 100.0, "acceleration": 1000.0, **keys}
    axis = simulated_axis("phi", context=context, config={"class": "ModuloAxis", **keys}, **keys)
    assert isinstance(axis, ModuloAxis)
    return axis


def test_positions_are_within_a_turn(context: DeviceContext) -> None:
    phi = turning(context)
    assert phi.modulo == 360.0
    for target, expected in [(370, 10.0), (-10, 350.0), (360, 0.0), (725, 5.0)]:
        phi.move(target)
        assert phi.position == pytest.approx(expected)


def test_it_goes_the_shorter_way_round(context: DeviceContext, clock: VirtualClock) -> None:
    phi = turning(context, position=350.0)
    begin = clock.time()
    phi.move(10)
    assert clock.time() - begin == pytest.approx(0.3)  # 20 deg at 100 deg/s, 0.1 s of ramps
    assert (phi.position, phi.dial) == (10.0, 370.0)
    phi.rmove(-30)
    assert (phi.position, phi.dial) == (340.0, 340.0)


def test_positions_on_the_way(context: DeviceContext, clock: VirtualClock) -> None:
    phi = turning(context, position=359.0)
    phi.move(1, wait=False)
    seen = set()
    while phi.is_moving:
        seen.add(phi.position)
        clock.sleep(0.005)
    assert all(0 <= position < 360 for position in seen)
    assert min(seen) < 1
    assert max(seen) >= 359


def test_the_default_is_a_full_turn(context: DeviceContext) -> None:
    phi = simulated_axis("phi", context=context, config={"class": "ModuloAxis"})
    assert isinstance(phi, ModuloAxis)
    assert phi.modulo == 360.0


def test_limits_count_the_turns(context: DeviceContext) -> None:
    phi = turning(context, low_limit=-100, high_limit=100)
    phi.move(270)
    assert (phi.position, phi.dial) == (270.0, -90.0)
    phi.move(80)
    assert phi.dial == 80.0, "not -280, which is nearer than no way"
    with pytest.raises(LimitError, match="180 deg and all places a whole number of turns of 360"):
        phi.move(180)
    with pytest.raises(LimitError):
        phi.check_targets([0, 90, 180])
    phi.check_targets([270, 0, 90])
    assert turning(context, low_limit=-100, high_limit=100, position=270.0).dial == -90.0


def test_redefining_positions(context: DeviceContext) -> None:
    phi = turning(context, position=10.0)
    phi.position = 350
    assert (phi.position, phi.dial) == (350.0, 10.0)
    phi.move(20)
    assert phi.dial == 40.0
    again = turning(context)
    again.restore_state(phi.saved_state())
    assert (again.position, again.dial) == (20.0, 40.0)


@pytest.mark.parametrize("bad", ["1", True, None, float("nan"), float("inf")])
def test_bad_targets(context: DeviceContext, bad: Any) -> None:
    phi = turning(context)
    for verb in (phi.move, phi.start_move):
        with pytest.raises(DeviceError, match="phi: target"):
            verb(bad)
    with pytest.raises(DeviceError):
        phi.check_targets([bad])


@pytest.mark.parametrize("bad", [0.0, -360.0, float("inf")])
def test_bad_modulo(context: DeviceContext, bad: float) -> None:
    with pytest.raises(ConfigError, match="phi: modulo") as caught:
        turning(context, modulo=bad)
    assert caught.value.key == "modulo"


def test_it_refuses_while_it_moves(context: DeviceContext) -> None:
    phi = turning(context)
    phi.move(90, wait=False)
    with pytest.raises(DeviceError, match="phi: is moving"):
        phi.start_move(10)
    phi.stop()
    phi.wait_move()
    phi.move(10)
    assert phi.position == pytest.approx(10)


def test_what_it_says_of_itself(context: DeviceContext) -> None:
    text = turning(context, position=370.0).__info__()
    assert "one turn        360 deg" in text
    assert "with all turns  370 deg" in text


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=5))
def test_any_target_is_reached_within_half_a_turn(targets: list[float]) -> None:
    phi = turning()
    for target in targets:
        before = phi.dial
        phi.move(target)
        off = (phi.position - target) % 360
        assert min(off, 360 - off) <= 0.6e-3
        assert abs(phi.dial - before) <= 180.001
        assert 0 <= phi.position < 360
