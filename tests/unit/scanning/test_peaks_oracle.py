"""Peak statistics beside their definitions in numpy, on random curves."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_shell.errors import CommandError
from session_shell.scanning import peaks

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40)


def gaussian(x: Any, height: float, center: float, fwhm: float, background: float) -> Any:
    return background + height * np.exp(-4 * np.log(2) * ((x - center) / fwhm) ** 2)


def test_the_centre_of_mass_is_that_of_bliss() -> None:
    x, y = np.arange(11), np.array([1, 0, 0, 0, 0, 0, 0, 0, 8, 3, 1])
    assert peaks.com(x, y) == pytest.approx(np.sum(x * (y - y.min())) / np.sum(y - y.min()))
    assert peaks.com(x, y) == pytest.approx(7.769, abs=0.001)


@given(VALUES, st.booleans())
def test_no_statistic_lies_outside_of_the_scan(values: list[float], backwards: bool) -> None:
    x = np.linspace(-3, 7, len(values))
    x = x[::-1] if backwards else x
    for find in (peaks.com, peaks.cen, peaks.peak, peaks.trough):
        try:
            found = find(x, values)
        except CommandError:
            continue
        assert -3 <= found <= 7, find
    with suppress(CommandError):
        assert peaks.fwhm(x, values) >= 0


@given(
    st.floats(3, 7), st.floats(0.8, 2.5), st.floats(10, 1e5), st.integers(-100, 100),
    st.booleans(), st.integers(31, 101),
)  # fmt: skip
def test_gaussians_of_any_height(
    center: float, width: float, height: float, background: float, dip: bool, count: int
) -> None:
    x = np.linspace(0, 10, count)
    y = gaussian(x, -height if dip else height, center, width, background)
    assert peaks.cen(x, y) == pytest.approx(center, abs=0.1 * (x[1] - x[0]))
    assert peaks.fwhm(x, y) == pytest.approx(width, rel=0.02, abs=0.25 * (x[1] - x[0]))
    weights = y.max() - y if dip else y - y.min()
    assert peaks.com(x, y) == pytest.approx(np.average(x, weights=weights), abs=0.05)


@pytest.mark.parametrize("count", [11, 21, 41, 81])
@pytest.mark.parametrize("stray", [0.6, 0.9])
@pytest.mark.parametrize("end", [0, -1])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_end_point_does_not_decide(count: int, stray: float, end: int, sign: int) -> None:
    x = np.linspace(0, 10, count)
    y = gaussian(x, 100, 5, 2.5, 3)
    y[end] = 3 + 100 * stray
    assert peaks.cen(x, sign * y) == pytest.approx(5, abs=0.1)
    assert peaks.fwhm(x, sign * y) == pytest.approx(2.5, abs=0.25)


@pytest.mark.parametrize("center", [0.2, 9.8])
def test_half_a_peak_is_still_refused(center: float) -> None:
    x = np.linspace(0, 10, 41)
    with pytest.raises(CommandError, match="cut off"):
        peaks.cen(x, gaussian(x, 100, center, 2.5, 3))


def test_noise_carries_the_centre_of_mass_less_than_a_width() -> None:
    random, x = np.random.default_rng(1), np.linspace(0, 10, 41)
    off = [abs(peaks.com(x, random.poisson(gaussian(x, 200, 6, 1.5, 10))) - 6) for _ in range(200)]
    assert max(off) < 1.5
