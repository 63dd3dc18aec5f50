from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from session_shell.clock import VirtualClock
from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.motion.together import (
    check_together,
    move_together,
    start_together,
    stop_all,
)
from session_shell.errors import CommandError, DeviceError, DeviceTimeoutError, LimitError
from session_shell.interrupts import InterruptGuard

Make = Callable[..., SimulatedAxis]
START = 1_700_000_000.0


class Plain:
    """An axis of somebody else, with no more than the protocol asks for."""

    unit = "mm"

    def __init__(self, name: str, clock: VirtualClock, **faults: Exception) -> None:
        self.name = name
        self.position = 0.0
        self.stops = 0
        self._clock = clock
        self._end = 0.0
        self._faults = faults

    def check_targets(self, targets: Any) -> None:
        pass

    def start_move(self, target: float) -> Plain:
        self._raise("start")
        self.position = target
        self._end = self._clock.time() + 1
        return self

    def stop(self) -> None:
        self.stops += 1
        self._raise("stop")

    def done(self) -> bool:
        return self._clock.time() >= self._end

    def result(self, timeout: float | None = None) -> None:
        left = self._end - self._clock.time()
        if timeout is not None and left > timeout:
            self._clock.sleep(timeout)
            raise TimeoutError
        self._clock.sleep(left)
        self._raise("end")

    def _raise(self, when: str) -> None:
        if when in self._faults:
            raise self._faults[when]


def test_axes_move_at_the_same_time(axis: Make, clock: VirtualClock) -> None:
    sx, sy = axis("sx"), axis("sy", velocity=5.0)
    move_together({sx: 10, sy: -5}, clock=clock)
    assert (sx.position, sy.position) == (10.0, -5.0)
    assert clock.time() - START == pytest.approx(1.1)


def test_one_bad_target_and_nothing_moves(axis: Make, clock: VirtualClock) -> None:
    sx, sy = axis("sx"), axis("sy", high_limit=1.0)
    with pytest.raises(LimitError, match="sy: 2 mm"):
        move_together([(sx, 10), (sy, 2)], clock=clock)
    assert not sx.is_moving
    assert (sx.position, clock.time()) == (0.0, START)


def test_one_moving_axis_and_nothing_moves(axis: Make, clock: VirtualClock) -> None:
    sx, sy = axis("sx"), axis("sy")
    sy.start_move(3.0)
    with pytest.raises(DeviceError, match="sy: is moving"):
        move_together([(sx, 10), (sy, 2)], clock=clock)
    assert not sx.is_moving
    assert sy.is_moving


@pytest.mark.parametrize("bad", ["1", True, None, float("nan"), float("inf")])
def test_bad_targets(axis: Make, clock: VirtualClock, bad: Any) -> None:
    with pytest.raises(DeviceError, match="sx: target"):
        move_together({axis("sx"): bad}, clock=clock)


def test_an_axis_given_twice(axis: Make, clock: VirtualClock) -> None:
    sx = axis("sx")
    with pytest.raises(CommandError, match="sx is given twice"):
        move_together([(sx, 1), (sx, 2)], clock=clock)


def test_nothing_to_move(clock: VirtualClock) -> None:
    move_together({}, clock=clock)
    move_together({}, clock=clock, on_poll=lambda: None)
    assert clock.time() == START


def test_polls_by_the_clock(axis: Make, clock: VirtualClock) -> None:
    sx, sy = axis("sx"), axis("sy")
    seen: list[tuple[float, float]] = []
    move_together(
        {sx: 4, sy: 10},
        clock=clock,
        on_poll=lambda: seen.append((round(clock.time() - START, 6), sx.position)),
        poll=0.25,
    )
    assert [time for time, _ in seen] == [0.25, 0.5, 0.75, 1.0]
    assert seen[0][1] == pytest.approx(2.0)
    assert clock.time() - START == pytest.approx(1.1)


def test_a_slow_display_does_not_stretch_the_move(axis: Make, clock: VirtualClock) -> None:
    sx = axis("sx")
    move_together({sx: 10}, clock=clock, on_poll=lambda: clock.sleep(2), poll=0.1)
    assert sx.position == 10.0


def test_a_failing_display_stops_the_move(axis: Make, clock: VirtualClock) -> None:
    sx = axis("sx")

    def fail() -> None:
        raise ValueError("no terminal")

    with pytest.raises(ValueError, match="no terminal"):
        move_together({sx: 10}, clock=clock, on_poll=fail, poll=0.5)
    assert not sx.is_moving
    assert sx.position == pytest.approx(5.0, abs=0.01)


def test_a_failure_stops_every_axis(axis: Make, clock: VirtualClock) -> None:
    sx = axis("sx", velocity=1.0)
    bad = Plain("bad", clock, end=DeviceError("lost steps", device="bad"))
    with pytest.raises(DeviceError, match="bad: lost steps"):
        move_together([(bad, 1), (sx, 10)], clock=clock)
    assert bad.stops == 1
    assert not sx.is_moving
    assert 0 < sx.position < 2


def test_an_axis_that_does_not_start_stops_the_others(axis: Make, clock: VirtualClock) -> None:
    sx, bad = axis("sx"), Plain("bad", clock, start=RuntimeError("no power"))
    for move in (lambda p: move_together(p, clock=clock), start_together):
        with pytest.raises(RuntimeError, match="no power"):
            move([(sx, 10), (bad, 1)])
        assert not sx.is_moving
    assert sx.position == 0.0


def test_all_are_stopped_even_if_one_refuses(axis: Make, clock: VirtualClock) -> None:
    stubborn = Plain("stubborn", clock, end=OSError("gone"), stop=OSError("cannot stop"))
    sx = axis("sx")
    with pytest.raises(OSError, match="gone") as caught:
        move_together([(stubborn, 1), (sx, 100)], clock=clock)
    assert caught.value.__notes__ == ["stubborn: did not stop: cannot stop"]
    assert not sx.is_moving
    assert sx.position < 20


def test_a_timeout_of_a_device_is_no_poll(clock: VirtualClock) -> None:
    dead = Plain("dead", clock, end=DeviceTimeoutError("no answer", device="dead"))
    with pytest.raises(DeviceTimeoutError, match="dead: no answer"):
        move_together({dead: 1}, clock=clock, on_poll=lambda: None, poll=0.3)
    with pytest.raises(DeviceTimeoutError, match="dead: no answer"):
        move_together({dead: 1}, clock=clock)


@pytest.mark.parametrize("shielded", [False, True])
def test_ctrl_c_stops_every_axis(axis: Make, clock: VirtualClock, shielded: bool) -> None:
    sx, sy = axis("sx"), axis("sy")
    guard = InterruptGuard() if shielded else None

    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        move_together({sx: 10, sy: 10}, clock=clock, guard=guard, on_poll=interrupt, poll=0.5)
    assert not sx.is_moving
    assert not sy.is_moving
    assert sx.position == sy.position == pytest.approx(5.0, abs=0.01)


def test_stop_all_tells_what_did_not_stop(axis: Make, clock: VirtualClock) -> None:
    sx, stubborn = axis("sx"), Plain("stubborn", clock, stop=OSError("no"))
    sx.start_move(10.0)
    assert [str(p) for p in stop_all([stubborn, sx])] == ["stubborn: did not stop: no"]
    assert not sx.is_moving


def test_check_together_moves_nothing(axis: Make) -> None:
    sx = axis("sx")
    assert check_together({sx: 3}) == [(sx, 3.0)]
    assert sx.position == 0.0
