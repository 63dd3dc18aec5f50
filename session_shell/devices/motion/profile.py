"""Where a moving axis is: trapezoidal velocity profiles as pure functions of time.

Times are seconds of the clock, positions dial units. Nothing here knows of an axis.

Positions are computed from the time that has passed, never from the time of day: an epoch of
1.7e9 s has a resolution of 0.2 µs, which a fast axis would show as a jump.
"""

from __future__ import annotations

from math import copysign, sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Profile(Protocol):
    """A way from `start` to `end` that begins at `begin` and is over at `finish`."""

    begin: float
    start: float
    end: float
    finish: float

    def position(self, time: float) -> float:
        """Return where the axis is at `time`: `start` before, exactly `end` after the move."""
        ...

    def speed(self, time: float) -> float:
        """Return the velocity at `time`, with the sign of the direction."""
        ...


class Trapezoid:
    """A move that speeds up, cruises and slows down; short ones never reach the full velocity.

    10 mm at 5 mm/s and 10 mm/s² are 0.5 s and 1.25 mm of ramp at each end and 1.5 s of cruise.
    """

    __slots__ = (
        "acceleration",
        "begin",
        "distance",
        "duration",
        "end",
        "finish",
        "peak",
        "ramp",
        "start",
    )

    def __init__(
        self, begin: float, start: float, end: float, velocity: float, acceleration: float
    ) -> None:
        self.begin = begin
        self.start = start
        self.end = end
        self.acceleration = acceleration
        self.distance = end - start
        length = abs(self.distance)
        if length * acceleration >= velocity * velocity:
            self.peak = velocity
            self.ramp = velocity / acceleration
            self.duration = self.ramp + length / velocity
        else:
            self.peak = sqrt(length * acceleration)
            self.ramp = self.peak / acceleration
            self.duration = 2 * self.ramp
        self.finish = begin + self.duration

    def position(self, time: float) -> float:
        """Return where the axis is at `time`."""
        if time >= self.finish:
            return self.end
        elapsed = time - self.begin
        if elapsed <= 0:
            return self.start
        left = self.duration - elapsed
        if left < self.ramp:
            # From the end backwards, so that the last positions close in on `end`.
            return self.end - copysign(self.acceleration * left * left / 2, self.distance)
        if elapsed < self.ramp:
            gone = self.acceleration * elapsed * elapsed / 2
        else:
            gone = self.peak * (elapsed - self.ramp / 2)
        return self.start + copysign(gone, self.distance)

    def speed(self, time: float) -> float:
        """Return the velocity at `time`, with the sign of the direction."""
        elapsed = time - self.begin
        left = self.duration - elapsed
        if elapsed <= 0 or left <= 0:
            return 0.0
        speed = min(self.acceleration * elapsed, self.peak, self.acceleration * left)
        return copysign(speed, self.distance)


def durations(distances: NDArray[Any], velocity: float, acceleration: float) -> NDArray[np.float64]:
    """Return the seconds that a `Trapezoid` takes over each of some distances.

    >>> durations(np.array([0.0, 10.0]), velocity=5.0, acceleration=10.0).tolist()
    [0.0, 2.5]
    """
    length = np.abs(distances)
    long = length / velocity + velocity / acceleration
    short = 2 * np.sqrt(length / acceleration)
    cruises = length * acceleration >= velocity * velocity
    times: NDArray[np.float64] = np.where(cruises, long, short)
    return times


class Braking:
    """A stop: from a position at a speed to a standstill at `end`, with constant deceleration.

    `end` may differ from where the ramp would end by a fraction of a motor step; the ramp is bent
    so that it ends there, without a jump.
    """

    __slots__ = ("begin", "duration", "end", "finish", "start")

    def __init__(self, begin: float, start: float, end: float, duration: float) -> None:
        self.begin = begin
        self.start = start
        self.end = end
        self.duration = duration
        self.finish = begin + duration

    def position(self, time: float) -> float:
        """Return where the axis is at `time`."""
        if time >= self.finish:
            return self.end
        elapsed = time - self.begin
        if elapsed <= 0:
            return self.start
        left = 1 - elapsed / self.duration
        return self.end - (self.end - self.start) * left * left

    def speed(self, time: float) -> float:
        """Return the velocity at `time`, with the sign of the direction."""
        elapsed = time - self.begin
        if elapsed <= 0 or elapsed >= self.duration:
            return 0.0
        return 2 * (self.end - self.start) / self.duration * (1 - elapsed / self.duration)
