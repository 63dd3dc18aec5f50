"""A motion under way: one or two profiles in a row, waited for by the clock."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import ceil, floor, inf

from session_shell.clock import Clock
from session_shell.devices.motion.profile import Braking, Profile, Trapezoid
from session_shell.devices.protocols import Status
from session_shell.errors import DeviceError, DeviceTimeoutError

# Rounding of a position that is on a whole step already, in steps.
_ROUNDING = 1e-6


class Arrived:
    """The status of a move that is over before it began."""

    __slots__ = ()

    def done(self) -> bool:
        """Return True."""
        return True

    def result(self, timeout: float | None = None) -> None:
        """Return at once."""


class Together:
    """The status of several axes that move together."""

    __slots__ = ("_clock", "_statuses")

    def __init__(self, statuses: Sequence[Status], clock: Clock) -> None:
        self._statuses = statuses
        self._clock = clock

    def done(self) -> bool:
        """Tell whether all stand still again."""
        return all(status.done() for status in self._statuses)

    def result(self, timeout: float | None = None) -> None:
        """Wait for all, `timeout` seconds at most; raise what went wrong with the first."""
        end = None if timeout is None else self._clock.time() + timeout
        for status in self._statuses:
            status.result(None if end is None else max(end - self._clock.time(), 0.0))


class Motion:
    """The status of a simulated axis that moves, in dial units.

    A move that ends against the backlash has two profiles: beyond the target, then to it.
    """

    __slots__ = ("_braked", "_clock", "_name", "_profiles", "finish", "stopped", "target")

    def __init__(self, name: str, clock: Clock, profile: Profile) -> None:
        self._name = name
        self._clock = clock
        self._profiles: tuple[Profile, ...] = (profile,)
        self._braked: threading.Event | None = None
        self.finish = profile.finish
        self.target = profile.end
        self.stopped = False

    def then(self, profile: Profile) -> None:
        """Add a profile that begins where and when the last one ends."""
        self._profiles = (*self._profiles, profile)
        self.finish = profile.finish
        self.target = profile.end

    def done(self) -> bool:
        """Tell whether the axis stands still again."""
        return self._clock.time() >= self.finish

    def result(self, timeout: float | None = None) -> None:
        """Wait until the motion is over.

        Raises:
            DeviceTimeoutError: When it is not over after `timeout` seconds.
            DeviceError: When the axis was stopped before it reached its target.
        """
        self.wait(timeout)
        if self.stopped:
            raise DeviceError("was stopped before it reached its target", device=self._name)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the axis stands still, wherever that is."""
        clock = self._clock
        if timeout is not None and self.finish - clock.time() > timeout:
            clock.sleep(timeout)
            if not self.done():
                raise DeviceTimeoutError(f"still moving after {timeout:g} s", device=self._name)
            return
        if self._braked is None:
            self._braked = threading.Event()
        # A stop from another thread brings the end forward, and wakes who waits for it.
        clock.wait(self._braked, self.finish - clock.time())
        while (left := self.finish - clock.time()) > 0:
            clock.sleep(left)

    def position(self, time: float) -> float:
        """Return the dial position at `time`."""
        return self._at(time).position(time)

    def end(self) -> float:
        """Return the dial position where the motion ends."""
        return self._profiles[-1].end

    def brake(self, acceleration: float, steps_per_unit: float) -> None:
        """Slow down at once, and stand still on a whole motor step."""
        time = self._clock.time()
        if self.stopped or time >= self.finish:
            return
        profile = self._at(time)
        here, speed = profile.position(time), profile.speed(time)
        duration = abs(speed) / acceleration
        end = _stop_on_step(here, speed, duration, profile, abs(steps_per_unit))
        self._profiles = (Braking(time, here, end, max(duration, 1e-9)),)
        self.finish = self._profiles[0].finish
        self.stopped = end != self.target
        if self._braked is not None:
            self._braked.set()

    def _at(self, time: float) -> Profile:
        for profile in self._profiles:
            if time < profile.finish:
                return profile
        return self._profiles[-1]


def _stop_on_step(
    here: float, speed: float, duration: float, profile: Profile, steps_per_unit: float
) -> float:
    """Return the first whole step at or after the end of the ramp, not beyond the profile's end."""
    forwards = profile.end >= profile.start
    steps = (here + speed * duration / 2) * steps_per_unit
    whole = ceil(steps - _ROUNDING) if forwards else floor(steps + _ROUNDING)
    end = whole / steps_per_unit
    return min(end, profile.end) if forwards else max(end, profile.end)


class Swing(Motion):
    """An axis that goes to and fro around a place until it is stopped, in dial units."""

    __slots__ = ("_acceleration", "_begin", "_center", "_half", "_period", "_velocity")

    def __init__(
        self, name: str, clock: Clock, center: float, half: float, speed: tuple[float, float]
    ) -> None:
        self._velocity, self._acceleration = speed
        self._center, self._half = center, half
        first = Trapezoid(clock.time(), center, center + half, *speed)
        self._begin = first.finish
        self._period = Trapezoid(0.0, -half, half, *speed).finish
        super().__init__(name, clock, first)
        self.finish = inf

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it stands still; nothing to wait for before it was told to stop."""
        if self.finish == inf:
            raise DeviceError("goes to and fro until it is stopped", device=self._name)
        super().wait(timeout)

    def _at(self, time: float) -> Profile:
        # Once it was told to stop there is one profile that ends.
        if self.finish != inf or time < self._begin:
            return super()._at(time)
        turns = floor((time - self._begin) / self._period)
        way = self._half if turns % 2 else -self._half
        begin = self._begin + turns * self._period
        ends = (self._center - way, self._center + way)
        return Trapezoid(begin, *ends, self._velocity, self._acceleration)
