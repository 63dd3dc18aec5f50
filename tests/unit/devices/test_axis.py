from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_shell.clock import VirtualClock
from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.axes.state import AxisState
from session_shell.devices.context import DeviceContext
from session_shell.devices.protocols import missing_members
from session_shell.errors import DeviceError, DeviceTimeoutError, LimitError

Make = Callable[..., SimulatedAxis]
START = 1_700_000_000.0
NOT_NUMBERS = ["3", True, None, math.nan, [1.0], 1j, Decimal(3), np.bool_(True), np.array([1.0])]
NOT_FINITE = [*NOT_NUMBERS, math.inf, -math.inf, 10**400]
SAME_EACH_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_is_an_axis(axis: Make) -> None:
    assert missing_members(axis(), "axis") == []


# -- moving ----------------------------------------------------------------------------------


def test_move_takes_the_time_of_its_profile(axis: Make, clock: VirtualClock) -> None:
    roby = axis()
    roby.move(10)
    assert roby.position == 10.0
    assert clock.time() - START == pytest.approx(1.1)


def test_start_move_returns_at_once(axis: Make, clock: VirtualClock) -> None:
    roby = axis()
    status = roby.start_move(10.0)
    assert clock.time() == START
    assert not status.done()
    assert roby.is_moving
    assert roby.state is AxisState.MOVING
    clock.sleep(0.6)
    assert roby.position == pytest.approx(5.5)
    status.result()
    assert status.done()
    assert roby.state is AxisState.READY
    assert roby.position == 10.0


def test_position_settles_by_the_clock_alone(axis: Make, clock: VirtualClock) -> None:
    roby = axis()
    roby.start_move(1.0)
    clock.sleep(100)
    assert roby.position == 1.0
    assert not roby.is_moving
    roby.start_move(2.0)


def test_targets_are_whole_steps(axis: Make) -> None:
    roby = axis(steps_per_unit=3.0)
    roby.move(1.4)
    assert roby.position == pytest.approx(4 / 3)


def test_a_move_of_no_length_is_over_at_once(axis: Make, clock: VirtualClock) -> None:
    roby = axis(backlash=1.0)
    status = roby.start_move(0.0)
    assert status.done()
    assert status.result() is None
    roby.start_move(0.0002).result()  # less than half a step
    assert clock.time() == START


def test_relative_moves(axis: Make) -> None:
    roby = axis(position=1.0)
    roby.rmove(0.5)
    roby.move(-2, relative=True)
    assert roby.position == -0.5


def test_move_without_waiting(axis: Make) -> None:
    roby = axis()
    roby.move(5, wait=False)
    assert roby.is_moving
    roby.wait_move()
    assert roby.position == 5.0


def test_wait_move_gives_up(axis: Make, clock: VirtualClock) -> None:
    roby = axis()
    roby.start_move(10.0)
    with pytest.raises(DeviceTimeoutError, match=r"roby: still moving after 0\.5 s"):
        roby.wait_move(0.5)
    assert clock.time() == START + 0.5
    roby.wait_move(5)
    roby.wait_move(0)
    roby.start_move(0.0)
    with pytest.raises(DeviceError, match="timeout"):
        roby.wait_move(-1)


def test_a_moving_axis_takes_no_second_move(axis: Make) -> None:
    roby = axis()
    roby.start_move(10.0)
    with pytest.raises(DeviceError, match=r"roby: is moving \(to 10 mm\)"):
        roby.start_move(5.0)
    with pytest.raises(DeviceError, match="is moving"):
        roby.move(5)


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_bad_targets(axis: Make, bad: Any) -> None:
    roby = axis()
    for verb in (roby.move, roby.rmove, roby.start_move):
        with pytest.raises(DeviceError, match="roby: target"):
            verb(bad)
    assert not roby.is_moving


def test_numbers_of_numpy_are_numbers(axis: Make) -> None:
    roby = axis()
    roby.move(np.int64(3))
    roby.move(np.float32(1.5))
    assert roby.position == 1.5


def test_result_waits_for_the_clock_alone(axis: Make) -> None:
    roby = axis()
    times = [0.1, 0.7, 1e-9, 123.456]
    for target in times:
        roby.start_move(target).result()
        assert roby.position == pytest.approx(round(target, 3))


# -- stopping --------------------------------------------------------------------------------


def test_stop_slows_down_to_a_whole_step(axis: Make, clock: VirtualClock) -> None:
    roby = axis()
    status = roby.start_move(10.0)
    clock.sleep(0.50037)
    roby.stop()
    here = roby.position
    assert roby.state is AxisState.MOVING
    roby.wait_move()
    assert clock.time() - START == pytest.approx(0.60037)
    assert here + 0.5 <= roby.position <= here + 0.5 + 0.001
    assert roby.position == round(roby.position, 3)
    with pytest.raises(DeviceError, match="was stopped before it reached its target"):
        status.result()


def test_stop_while_slowing_down_ends_on_target(axis: Make, clock: VirtualClock) -> None:
    roby = axis()
    status = roby.start_move(10.0)
    clock.sleep(1.05)
    roby.stop()
    status.result()
    assert roby.position == 10.0


def test_stop_of_a_standing_axis_does_nothing(axis: Make) -> None:
    roby = axis(position=1.0)
    roby.stop()
    roby.move(2)
    roby.stop()
    assert roby.position == 2.0


def test_stop_at_once_stays(axis: Make) -> None:
    roby = axis(position=2.999)
    roby.start_move(5.0)
    roby.stop()
    roby.wait_move()
    assert roby.position == 2.999


def test_a_second_stop_changes_nothing(axis: Make, clock: VirtualClock) -> None:
    roby = axis()
    roby.start_move(10.0)
    clock.sleep(0.5)
    roby.stop()
    clock.sleep(0.05)
    roby.stop()
    clock.sleep(0.05)
    assert not roby.is_moving


def test_move_after_stop_waits_for_the_ramp(axis: Make, clock: VirtualClock) -> None:
    roby = axis()
    roby.start_move(10.0)
    clock.sleep(0.5)
    roby.stop()
    roby.move(0)
    assert roby.position == 0.0


@SAME_EACH_TIME
@given(
    target=st.floats(-50, 50),
    backlash=st.sampled_from([0.0, 2.0, -2.0]),
    part=st.floats(0, 1),
    sign=st.sampled_from([1, -1]),
    steps=st.sampled_from([1000.0, 7.0, -300.0]),
)
def test_stop_is_consistent(
    axis: Make, target: float, backlash: float, part: float, sign: int, steps: float
) -> None:
    roby = axis(backlash=backlash, sign=sign, steps_per_unit=steps, offset=0.25)
    clock = roby._clock
    status = roby.start_move(target)
    end = getattr(status, "finish", clock.time())
    clock.sleep((end - clock.time()) * part)
    before = roby.position
    roby.stop()
    assert roby.position == pytest.approx(before, abs=1e-6)
    roby.wait_move()
    assert not roby.is_moving
    after = roby.position
    low, high = min(0.25, target, target - backlash), max(0.25, target, target - backlash)
    assert low - 1 / abs(steps) <= after <= high + 1 / abs(steps)
    assert round(roby.dial * steps) == pytest.approx(roby.dial * steps, abs=1e-6)
    roby.move(target)
    assert roby.position == pytest.approx(target, abs=0.51 / abs(steps))


# -- backlash --------------------------------------------------------------------------------


def test_backlash_overshoots_against_its_direction(axis: Make, clock: VirtualClock) -> None:
    roby = axis(backlash=2.0)
    roby.start_move(-5.0)
    seen = []
    while roby.is_moving:
        seen.append(roby.position)
        clock.sleep(0.01)
    assert min(seen) == pytest.approx(-7, abs=0.01)
    assert roby.position == -5.0
    assert clock.time() - START == pytest.approx(0.8 + 0.3, abs=0.011)


def test_no_overshoot_along_the_backlash(axis: Make, clock: VirtualClock) -> None:
    roby = axis(backlash=2.0)
    roby.move(5)
    assert clock.time() - START == pytest.approx(0.6)


def test_backlash_is_in_user_direction(axis: Make, clock: VirtualClock) -> None:
    roby = axis(backlash=2.0, sign=-1)
    roby.move(5)
    assert clock.time() - START == pytest.approx(0.6)
    roby.move(0)
    assert clock.time() - START == pytest.approx(0.6 + 0.8 + 0.3)


def test_overshoot_beyond_the_limit_is_refused(axis: Make) -> None:
    roby = axis(backlash=2.0, low_limit=-5.0, high_limit=5.0)
    with pytest.raises(LimitError, match=r"-6 mm is outside \[-5, 5\] mm \(backlash included\)"):
        roby.move(-4)
    with pytest.raises(LimitError, match="backlash"):
        roby.start_move(-4.0)
    with pytest.raises(LimitError, match="backlash"):
        roby.check_targets([3, 4, -4])
    roby.check_targets([-2, -3, 5])
    assert roby.position == 0.0


# -- limits ----------------------------------------------------------------------------------


def test_limit_error_says_what_and_where(axis: Make) -> None:
    roby = axis(low_limit=-5.0, high_limit=5.0)
    with pytest.raises(LimitError, match=r"^roby: 9 mm is outside \[-5, 5\] mm$"):
        roby.move(9)
    with pytest.raises(LimitError, match=r"9 mm .*; 2 of 4 points are"):
        roby.check_targets(np.array([0.0, 9.0, 1.0, -6.0]))
    assert roby.position == 0.0


def test_limits_themselves_can_be_reached(axis: Make) -> None:
    roby = axis(low_limit=-5.0, high_limit=5.0)
    roby.move(-5)
    assert roby.state == AxisState.READY | AxisState.LIMNEG
    roby.move(5)
    assert "LIMPOS" in roby.state
    assert str(roby.state) == "READY | LIMPOS"
    roby.check_targets([5 + 1e-12])
    assert "NONSENSE" not in roby.state
    assert 3 not in roby.state


@SAME_EACH_TIME
@given(points=st.lists(st.floats(-8, 8), min_size=1), offset=st.floats(-3, 3))
def test_check_targets_finds_every_point(axis: Make, points: list[float], offset: float) -> None:
    roby = axis(low_limit=-5.0, high_limit=5.0, offset=offset)
    if any(not -5 - 1e-6 <= point <= 5 + 1e-6 for point in points):
        with pytest.raises(LimitError):
            roby.check_targets(points)
    else:
        roby.check_targets(np.array(points))


@pytest.mark.parametrize("bad", [["1"], [True], [None], "12", [math.nan], [1j]])
def test_check_targets_wants_numbers(axis: Make, bad: Any) -> None:
    with pytest.raises(DeviceError):
        axis().check_targets(bad)


def test_check_targets_of_nothing(axis: Make) -> None:
    axis().check_targets([])


def test_beyond_what_can_be_counted(axis: Make) -> None:
    with pytest.raises(LimitError, match="farther than the axis can count"):
        axis().move(1e300)


def test_limits_can_be_set(axis: Make) -> None:
    roby = axis()
    assert roby.limits == (-math.inf, math.inf)
    roby.limits = -1, 2
    assert (roby.low_limit, roby.high_limit) == (-1.0, 2.0)
    roby.low_limit = None
    roby.high_limit = 3
    assert roby.limits == (-math.inf, 3.0)
    roby.limits = None, None
    assert roby.limits == (-math.inf, math.inf)


@pytest.mark.parametrize(
    "bad", [(2, 1), (1, 1), ("1", 2), (math.nan, 1), (True, 2), 5, (1, 2, 3), (math.inf, None)]
)
def test_bad_limits(axis: Make, bad: Any) -> None:
    roby = axis(low_limit=-5.0)
    with pytest.raises(DeviceError, match="roby: "):
        roby.limits = bad
    assert roby.limits == (-5.0, math.inf)


@pytest.mark.parametrize("sign", [1, -1])
def test_limits_stay_where_they_are_in_space(axis: Make, sign: int) -> None:
    roby = axis(low_limit=-5.0, high_limit=8.0, sign=sign)
    roby.position = 100
    assert roby.limits == (95.0, 108.0)
    roby.offset = 0
    roby.sign = -sign
    assert roby.limits == (-8.0, 5.0)


# -- coordinates -----------------------------------------------------------------------------


def test_user_and_dial(axis: Make) -> None:
    roby = axis(sign=-1, offset=2.0)
    assert (roby.position, roby.dial) == (2.0, 0.0)
    roby.move(5)
    assert roby.dial == -3.0
    assert roby.measured_position == 5.0


def test_setting_the_position_changes_the_offset(axis: Make) -> None:
    roby = axis(position=1.0)
    roby.position = 5
    assert (roby.position, roby.dial, roby.offset) == (5.0, 1.0, 4.0)


def test_setting_the_dial_keeps_the_user_position(axis: Make) -> None:
    roby = axis(position=1.0, low_limit=-5.0, high_limit=5.0, sign=-1)
    roby.dial = 7
    assert (roby.position, roby.dial) == (1.0, 7.0)
    assert roby.limits == (-5.0, 5.0)


def test_the_start_position_is_a_user_position(axis: Make) -> None:
    roby = axis(position=4.0, offset=1.0)
    assert (roby.position, roby.dial) == (4.0, 3.0)


@pytest.mark.parametrize("key", ["position", "dial", "offset", "sign"])
def test_coordinates_hold_while_it_moves(axis: Make, key: str) -> None:
    roby = axis()
    roby.start_move(5.0)
    with pytest.raises(DeviceError, match="roby: is moving"):
        setattr(roby, key, 1)


@pytest.mark.parametrize(
    "key", ["position", "dial", "offset", "velocity", "acceleration", "acctime", "backlash", "sign"]
)
@pytest.mark.parametrize("bad", NOT_FINITE)
def test_bad_settings(axis: Make, key: str, bad: Any) -> None:
    roby = axis()
    before = roby.saved_state()
    with pytest.raises(DeviceError, match="roby: "):
        setattr(roby, key, bad)
    assert roby.saved_state() == before


@pytest.mark.parametrize("key", ["velocity", "acceleration", "acctime"])
@pytest.mark.parametrize("bad", [0, -1])
def test_rates_are_positive(axis: Make, key: str, bad: float) -> None:
    with pytest.raises(DeviceError, match="above zero"):
        setattr(axis(), key, bad)


@pytest.mark.parametrize("bad", [0, 2, -3, 0.5])
def test_signs(axis: Make, bad: Any) -> None:
    with pytest.raises(DeviceError, match="1 or -1"):
        axis().sign = bad


def test_a_dial_that_cannot_be_counted(axis: Make) -> None:
    with pytest.raises(DeviceError, match="farther than the axis can count"):
        axis().dial = 1e300


def test_acctime(axis: Make) -> None:
    roby = axis()
    assert roby.acctime == pytest.approx(0.1)
    roby.acctime = 0.5
    assert roby.acceleration == 20.0
    roby.velocity = 20
    assert roby.acctime == 1.0


def test_a_slip_in_a_name_is_noticed(axis: Make) -> None:
    with pytest.raises(AttributeError):
        axis().veloctiy = 3


@pytest.mark.parametrize(
    "keys",
    [
        {"steps_per_unit": 0.0},
        {"steps_per_unit": math.nan},
        {"velocity": 0.0},
        {"acceleration": -1.0},
        {"low_limit": 5.0, "high_limit": 1.0},
        {"sign": 2},
        {"offset": math.inf},
        {"position": 9.0, "high_limit": 5.0},
        {"position": math.nan},
    ],
)
def test_bad_configuration(axis: Make, keys: dict[str, Any]) -> None:
    with pytest.raises(DeviceError, match=r"^roby: "):
        axis(**keys)


# -- what it says of itself ------------------------------------------------------------------


def test_info_and_repr(axis: Make) -> None:
    roby = axis(low_limit=-5.0, high_limit=5.0)
    assert repr(roby) == "<axis roby: 0.000 mm, READY>"
    text = roby.__info__()
    for part in ("roby: simulated axis", "0.000 mm", "[-5, 5] mm", "10 mm/s", "100 mm/s^2"):
        assert part in text


@pytest.mark.parametrize(("steps", "digits"), [(1000.0, 3), (1.0, 0), (2500.0, 4), (0.1, 0)])
def test_digits_tell_steps_apart(axis: Make, steps: float, digits: int) -> None:
    assert axis(steps_per_unit=steps).display_digits == digits
    assert axis(display_digits=6).display_digits == 6


def test_channel_metadata(context: DeviceContext) -> None:
    roby = SimulatedAxis(
        "roby",
        context=context,
        config={"name": "roby", "velocity": 1.0, "user_tag": "A.B", "encoders": [1]},
        unit="mm",
        limits=(-5, None),
    )
    found = roby.channel_metadata()
    assert found["velocity"] == 1.0
    assert found["velocity@units"] == "mm/s"
    assert found["soft_limit_min"] == -5.0
    assert "soft_limit_max" not in found
    assert found["user_tag"] == "A.B"
    assert "encoders" not in found
    assert "name" not in found
