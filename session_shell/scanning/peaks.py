"""Positions and widths of peaks, dips and edges in measured curves; pure functions on (x, y).

They fit no model. A point counts when both its numbers are finite; the order of the points does
not matter, and points of one x are averaged. "Half" is half of the way between the lowest and the
highest value. What is looked for is decided by the ends of the curve: both below half, a peak;
both above, a dip; one of each, an edge.

>>> import numpy as np
>>> x = np.linspace(-5, 5, 101)
>>> y = np.exp(-4 * np.log(2) * (x - 1) ** 2 / 2**2)      # a Gaussian at 1, 2 wide
>>> round(cen(x, y), 2), round(fwhm(x, y), 2)
(1.0, 2.0)
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from session_shell.errors import CommandError

Curve = NDArray[np.float64]

_END_FRACTION = 20
"""The level of a noisy end is the average of this part of the points there (a 20th)."""
_QUIET = 0.03
"""Noise (3 sigma) in parts of the height below which the last point tells the level of an end."""
_FEWEST = 6
"""Points of a curve in which one end point can be told from a flank."""
_WHOLE = 0.3
"""Part of the height that a peak has without the end point that is left out."""
_KNIFE = 0.1196
"""A Gaussian beam that is cut by an edge: its FWHM reaches from here to 1 minus that."""
_QUARTILE = 0.3186
"""A quarter of normally distributed numbers is closer to zero than so many sigma."""
_FOURTH = math.sqrt(70.0)
"""Sigma of fourth differences (1 -4 6 -4 1) of numbers of sigma 1."""


@dataclass(frozen=True, slots=True)
class Width:
    """Where a peak, a dip or an edge begins and ends at half height."""

    left: float
    right: float
    kind: str
    """``peak``, ``dip`` or ``edge``."""

    @property
    def centre(self) -> float:
        """The middle."""
        return (self.left + self.right) / 2

    @property
    def width(self) -> float:
        """The full width at half maximum."""
        return self.right - self.left


def cen(x: ArrayLike, y: ArrayLike) -> float:
    """Return the centre of the full width at half maximum; of an edge, where it crosses half.

    Args:
        x: Positions, shape (npoints,), in any order.
        y: Values, shape (npoints,).

    Raises:
        CommandError: With fewer than 3 points, when all values are the same, when a peak is cut
            off by an end of the curve.
    """
    return half_width(x, y).centre


def fwhm(x: ArrayLike, y: ArrayLike) -> float:
    """Return the full width at half maximum; of an edge, that of the beam that it cuts.

    An edge cut into a Gaussian beam goes from 12 % to 88 % of its height within the FWHM of that
    beam. Arguments and errors are those of `cen`.
    """
    return half_width(x, y).width


def com(x: ArrayLike, y: ArrayLike) -> float:
    """Return the centre of mass above the lowest value (of a dip: below the highest).

    Weights are never negative, so it lies within the scan. Points weigh by the range of x that
    they stand for, so uneven steps do no harm; on even steps all weigh the same, as in BLISS.

    Raises:
        CommandError: Without points, and when all values are the same.
    """
    u, v = cleaned(x, y)
    if len(u) == 1:
        return float(u[0])
    weights = v.max() - v if _kind(v) == "dip" else v - v.min()
    if not weights.any():
        raise CommandError(f"there is no centre of mass: all values are {v[0]:g}")
    steps = np.diff(u)
    # The first and the last point stand for a whole step, as the others do.
    spans = (np.r_[steps, steps[-1]] + np.r_[steps[0], steps]) / 2
    middle = float(np.average(u, weights=weights / weights.max() * spans))
    return min(max(middle, float(u[0])), float(u[-1]))


def peak(x: ArrayLike, y: ArrayLike) -> float:
    """Return the position of the highest value, the leftmost of several.

    Raises:
        CommandError: When there is no point.
    """
    u, v = cleaned(x, y)
    return float(u[np.argmax(v)])


def trough(x: ArrayLike, y: ArrayLike) -> float:
    """Return the position of the lowest value, the leftmost of several.

    Raises:
        CommandError: When there is no point.
    """
    u, v = cleaned(x, y)
    return float(u[np.argmin(v)])


def find_position(f: Callable[[Any, Any], Any], x: ArrayLike, y: ArrayLike) -> float:
    """Return what `f` makes of the curve.

    Args:
        f: Takes positions (rising) and values, both of shape (npoints,), and returns a position.
        x: Positions.
        y: Values.

    Raises:
        CommandError: When there is no point, or `f` does not return a finite number.
    """
    found = f(*cleaned(x, y))
    value = found.item() if isinstance(found, np.ndarray) and found.size == 1 else found
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise CommandError(f"{_name(f)} must return a position, it returned {found!r}")
    return float(value)


def cleaned(x: ArrayLike, y: ArrayLike) -> tuple[Curve, Curve]:
    """Return the finite points in rising order of x, those of one x averaged.

    Raises:
        CommandError: When there is none, or the two do not fit together.
    """
    u, v = np.asarray(x, float), np.asarray(y, float)
    if u.shape != v.shape or u.ndim != 1:
        raise CommandError(
            f"positions and values must be lists of one length, got {u.shape} and {v.shape}"
        )
    good = np.isfinite(u) & np.isfinite(v)
    if not good.any():
        raise CommandError("there are no points" if not len(u) else "no point has a finite value")
    places, index, counts = np.unique(u[good], return_inverse=True, return_counts=True)
    return places, np.bincount(index, weights=v[good]) / counts


def half_width(x: ArrayLike, y: ArrayLike) -> Width:
    """Return where the peak, dip or edge crosses half of its height. See `cen`."""
    u, v = cleaned(x, y)
    if len(u) < 3:
        raise CommandError(f"a width needs at least 3 points, there are {len(u)}")
    if v.max() == v.min():
        raise CommandError(f"there is no peak: all values are {v[0]:g}")
    u, v = _without_stray_end(u, v)
    kind = _kind(v)
    if kind == "edge":
        return _edge(u, v)
    v = -v if kind == "dip" else v
    low, high = float(v.min()), float(v.max())
    top, slack = int(np.argmax(v)), _slack(v)
    left = _crossing(u, v, (low + high) / 2, top, -1, slack)
    right = _crossing(u, v, (low + high) / 2, top, 1, slack)
    return Width(left, right, kind)


def _without_stray_end(u: Curve, v: Curve) -> tuple[Curve, Curve]:
    """Leave out an end point that alone makes a whole peak or dip look cut off by that end."""
    if len(v) < _FEWEST or _kind(v) != "edge":
        return u, v
    half, height = (float(v.min()) + float(v.max())) / 2, float(v.max() - v.min())
    for end, next_to_it, rest in ((0, 1, slice(1, None)), (-1, -2, slice(None, -1))):
        alone = (v[end] > half) != (v[next_to_it] > half)
        if alone and np.ptp(v[rest]) > _WHOLE * height and _kind(v[rest]) != "edge":
            return u[rest], v[rest]
    return u, v


def _kind(v: Curve) -> str:
    half = (float(v.min()) + float(v.max())) / 2
    first, last = _ends(v)
    if (first > half) != (last > half):
        return "edge"
    return "dip" if first > half else "peak"


def _ends(v: Curve, quiet: float = _QUIET) -> tuple[float, float]:
    noisy = _slack(v) > quiet * float(v.max() - v.min())
    count = max(1, len(v) // _END_FRACTION) if noisy else 1
    return float(v[:count].mean()), float(v[-count:].mean())


def _edge(u: Curve, v: Curve) -> Width:
    """Return the width of an edge; raise when it is rather a peak of which a side is missing."""
    first, last = _ends(v)
    if first > last:  # a falling edge is a rising one seen in a mirror
        mirrored = _edge(-u[::-1], v[::-1])
        return Width(-mirrored.right, -mirrored.left, "edge")
    slack, half = _slack(v), (float(v.min()) + float(v.max())) / 2
    # The extremes of noisy plateaus lie beyond them: half of the points there do not.
    low = min(float(np.median(v[v <= half])), first)
    high = max(float(np.median(v[v >= half])), last)
    end, height = len(v) - 1, high - low
    centre = _crossing(u, v, low + height / 2, end, -1, slack)
    foot = _crossing(u, v, low + height * _KNIFE, end, -1, slack)
    head = _crossing(u, v, high - height * _KNIFE, end, -1, slack)
    width, much = head - foot, slack + 0.05 * height
    sides = [
        (float(u[-1]) - head, float(v.max()) - last > much),
        (foot - float(u[0]), first - float(v.min()) > much),
    ]
    # Half a Gaussian is above 88 % for a third of the way from there down to 12 %.
    if any(long < 0.6 * width or (turns and long < 1.2 * width) for long, turns in sides):
        raise CommandError(
            "the peak or edge is cut off by an end of the curve: scan further "
            "(peak() gives the highest point)"
        )
    return Width(centre - width / 2, centre + width / 2, "edge")


def _crossing(u: Curve, v: Curve, level: float, start: int, step: int, slack: float) -> float:
    """Return where the curve falls below `level`, on the way from a point in one direction.

    The way ends where it is below by more than `slack`. What lies above the level on that way is
    as long as the way to the crossing: so noise that crosses several times is averaged.
    """
    stop = start
    while 0 <= stop + step < len(v):
        stop += step
        if v[stop] < level - slack:
            break
    first, last = min(start, stop), max(start, stop)
    above = _length_above(u[first : last + 1], v[first : last + 1] - level)
    return float(u[start]) + step * above


def _length_above(u: Curve, v: Curve) -> float:
    """Return the length of u on which the line through the points is above zero."""
    a, b = v[:-1], v[1:]
    up, down = np.maximum(np.maximum(a, b), 0.0), np.minimum(np.minimum(a, b), 0.0)
    spread = up - down
    part = np.divide(up, spread, out=np.zeros_like(up), where=spread > 0)
    return float(np.sum(np.diff(u) * part))


def _slack(v: Curve) -> float:
    """Return how far noise may carry a point: 3 sigma, at most a fifth of the height.

    Sigma is estimated from fourth differences, which smooth curves hardly have; the lower
    quartile of them leaves out where the curve bends.
    """
    if len(v) < 9:
        return 0.0
    sigma = float(np.quantile(np.abs(np.diff(v, 4)), 0.25)) / (_QUARTILE * _FOURTH)
    return min(3 * sigma, 0.2 * float(v.max() - v.min()))


def _name(f: Any) -> str:
    return str(getattr(f, "__name__", None) or f)
