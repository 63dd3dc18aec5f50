"""What a simulated counter sees: signal levels as functions of axes and of time.

A model is a function without arguments that returns the level now. It is made once, when the
counter is built, so that counting a point costs no more than its arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import erf, exp, inf, log, sqrt
from typing import Literal

from session_shell.clock import Clock
from session_shell.devices.protocols import Movable

ModelName = Literal["constant", "random", "gaussian", "flat", "linear", "sigmoid", "decay"]
Level = Callable[[], float]
Shape = Callable[[float], float]
"""Part of the full height, from 0 to 1, at a distance from the centre."""

FWHM_PER_SIGMA = 2 * sqrt(2 * log(2))


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that a counter sees along one axis: centre and width (sigma) in its units."""

    axis: Movable
    center: float
    sigma: float


def gaussian_shape(sigma: float) -> Shape:
    """Return a peak of height 1 and of standard deviation `sigma`."""
    scale = -1 / (2 * sigma * sigma)
    return lambda x: exp(scale * x * x)


def flat_shape(sigma: float) -> Shape:
    """Return a plateau of height 1, as wide as a Gaussian of `sigma` is at half its height."""
    half = sigma * FWHM_PER_SIGMA / 2
    return lambda x: 1.0 if -half <= x <= half else 0.0


def sigmoid_shape(sigma: float) -> Shape:
    """Return an edge from 0 to 1, such as a blade that goes out of a beam of width `sigma`."""
    scale = 1 / (sigma * sqrt(2))
    return lambda x: (1 + erf(scale * x)) / 2


SHAPES: dict[str, Callable[[float], Shape]] = {
    "gaussian": gaussian_shape,
    "flat": flat_shape,
    "sigmoid": sigmoid_shape,
}


def product(shape: str, features: Sequence[Feature], height: float, background: float) -> Level:
    """Return ``background + height * shape(axis 1) * shape(axis 2) * ...``."""
    parts = [(f.axis, f.center, SHAPES[shape](f.sigma)) for f in features]
    if len(parts) == 1:
        axis, center, along = parts[0]
        return lambda: background + height * along(axis.position - center)

    def level() -> float:
        part = height
        for axis, center, along in parts:
            part *= along(axis.position - center)
        return background + part

    return level


def linear(features: Sequence[Feature], slope: float, background: float) -> Level:
    """Return ``background + slope * (sum of the distances from the centres)``."""
    parts = [(f.axis, f.center) for f in features]
    return lambda: background + slope * sum(axis.position - center for axis, center in parts)


def decay(
    clock: Clock, height: float, background: float, time_constant: float, refill: float
) -> Level:
    """Return a level that decays from `height` and is topped up every `refill` seconds.

    With top-ups it depends on the time of day alone, as the current of a storage ring does;
    without (infinite `refill`) it decays from now on.
    """
    begin = clock.time() if refill == inf else 0.0

    def level() -> float:
        elapsed = clock.time() - begin
        if refill != inf:
            elapsed %= refill
        return background + height * exp(-elapsed / time_constant)

    return level


class AlongScan:
    """The level of a counter that has no axis: a shape drawn over the points of each scan.

    The points of a scan run from -0.5 to 0.5. Endless scans repeat it every 100 points, and
    outside a scan it stands at its middle.
    """

    __slots__ = ("_along", "_background", "_center", "_height", "_index", "_npoints")

    def __init__(self, along: Shape, center: float, height: float, background: float) -> None:
        self._along = along
        self._center = center
        self._height = height
        self._background = background
        self._index = 0
        self._npoints = 1

    def begin(self, npoints: int) -> None:
        """Start a scan of `npoints` points (0: endless)."""
        self._index = -1
        self._npoints = npoints or 100

    def next(self) -> None:
        """Go on to the next point."""
        self._index += 1

    def __call__(self) -> float:
        """Return the level at the present point."""
        last = self._npoints - 1
        index = max(self._index, 0) % self._npoints
        x = index / last - 0.5 if last else 0.0
        return self._background + self._height * self._along(x - self._center)
