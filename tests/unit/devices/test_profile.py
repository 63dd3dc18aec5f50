from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_shell.devices.motion.profile import Braking, Trapezoid

NUMBERS = st.floats(-1e4, 1e4)
RATES = st.floats(1e-3, 1e4)


def test_long_move_cruises() -> None:
    # 0.5 s and 1.25 mm of ramp at each end, 7.5 mm at 5 mm/s in between
    move = Trapezoid(100.0, 0.0, 10.0, 5.0, 10.0)
    assert move.finish == pytest.approx(102.5)
    assert move.position(100.5) == pytest.approx(1.25)
    assert move.position(101.25) == pytest.approx(5.0)
    assert move.position(102.0) == pytest.approx(8.75)
    assert move.speed(101.0) == 5.0
    assert move.speed(100.25) == pytest.approx(2.5)


def test_short_move_is_a_triangle() -> None:
    move = Trapezoid(0.0, 3.0, 2.0, 100.0, 4.0)
    assert move.finish == pytest.approx(1.0)  # 2 * sqrt(1 / 4)
    assert move.peak == pytest.approx(2.0)
    assert move.position(0.5) == pytest.approx(2.5)
    assert move.position(0.25) == pytest.approx(3 - 4 * 0.25**2 / 2)
    assert move.speed(0.25) == pytest.approx(-1.0)


@pytest.mark.parametrize("time", [-5.0, 0.0])
def test_before_the_start_it_stands(time: float) -> None:
    move = Trapezoid(0.0, 1.0, 2.0, 1.0, 1.0)
    assert (move.position(time), move.speed(time)) == (1.0, 0.0)


def test_after_the_end_it_stands() -> None:
    move = Trapezoid(0.0, 1.0, 2.0, 1.0, 1.0)
    assert (move.position(99.0), move.speed(99.0)) == (2.0, 0.0)


@given(start=NUMBERS, end=NUMBERS, velocity=RATES, acceleration=RATES, begin=st.floats(0, 2e9))
def test_position_goes_one_way_and_ends_exactly(
    start: float, end: float, velocity: float, acceleration: float, begin: float
) -> None:
    move = Trapezoid(begin, start, end, velocity, acceleration)
    places = [move.position(begin + move.duration * i / 50) for i in range(51)]
    steps = [(b - a) * (1 if end >= start else -1) for a, b in itertools.pairwise(places)]
    slack = 1e-9 * (1 + abs(start) + abs(end))
    assert min(steps) >= -slack
    assert min(start, end) - slack <= min(places)
    assert max(places) <= max(start, end) + slack
    assert move.position(move.finish) == end


def test_braking_ends_exactly_without_a_jump() -> None:
    brake = Braking(10.0, 1.0, 2.0, 2.0)
    assert brake.position(9.0) == 1.0
    assert brake.speed(9.0) == 0.0
    assert brake.position(11.0) == pytest.approx(1.75)
    assert brake.speed(11.0) == pytest.approx(0.5)
    assert brake.position(12.0) == 2.0
    assert brake.speed(12.0) == 0.0
