"""Peaks against scipy and lmfit: 201 points from -5 to 5, noise of 2 % of the height.

Tolerances, in full widths at half maximum of the curve:

==========  ======  =====  =====
curve       cen     fwhm   com
==========  ======  =====  =====
Gaussian    0.05    0.12   0.15
Lorentzian  0.05    0.12   0.15
step        0.08    0.2    -
two peaks   0.05    0.15   -
==========  ======  =====  =====

Without noise: 0.001 for cen and 0.005 for fwhm, except where the curve itself does not reach its
background within the scan (Lorentzian: 0.04).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import peak_widths
from scipy.special import erf

from session_shell.errors import CommandError
from session_shell.scanning import peaks
from session_shell.scanning.fitting import fit_curve

X = np.linspace(-5, 5, 201)
SIGMA = 2 * np.sqrt(2 * np.log(2))
FINDERS = [peaks.cen, peaks.com, peaks.fwhm, peaks.peak, peaks.trough]


def gaussian(center: float, width: float) -> Any:
    return np.exp(-4 * np.log(2) * (X - center) ** 2 / width**2)


def lorentzian(center: float, width: float) -> Any:
    return 1 / (1 + 4 * (X - center) ** 2 / width**2)


def step(center: float, width: float) -> Any:
    """Give what a knife edge leaves of a Gaussian beam of that width."""
    return 0.5 * (1 + erf((X - center) / (width / SIGMA) / np.sqrt(2)))


def two_peaks(center: float, width: float) -> Any:
    return gaussian(center, width) + 0.6 * gaussian(center - 3, width)


def noisy(curve: Any, seed: int, noise: float = 0.02) -> Any:
    return 1000 * curve + 50 + np.random.default_rng(seed).normal(0, 1000 * noise, X.size)


CURVES: list[tuple[Callable[..., Any], float, float]] = [
    (gaussian, 0.05, 0.12),
    (lorentzian, 0.05, 0.12),
    (step, 0.08, 0.2),
    (two_peaks, 0.05, 0.15),
]


@pytest.mark.parametrize(("curve", "for_cen", "for_width"), CURVES)
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("turned", [1, -1])
def test_noisy_curves(
    curve: Callable[..., Any], for_cen: float, for_width: float, seed: int, turned: int
) -> None:
    rng = np.random.default_rng(100 + seed)
    center, width = rng.uniform(-0.5, 1), rng.uniform(1, 2)
    y = turned * noisy(curve(center, width), seed)
    assert peaks.cen(X, y) == pytest.approx(center, abs=for_cen * width)
    assert peaks.fwhm(X, y) == pytest.approx(width, abs=for_width * width)


@pytest.mark.parametrize("curve", [gaussian, lorentzian])
@pytest.mark.parametrize("seed", range(20))
def test_centre_of_mass(curve: Callable[..., Any], seed: int) -> None:
    y = noisy(curve(0.5, 1.5), seed)
    assert peaks.com(X, y) == pytest.approx(0.5, abs=0.15 * 1.5)
    assert peaks.com(X, -y) == pytest.approx(0.5, abs=0.15 * 1.5)


@pytest.mark.parametrize(
    ("curve", "within"), [(gaussian, 0.005), (step, 0.005), (lorentzian, 0.04)]
)
def test_curves_without_noise(curve: Callable[..., Any], within: float) -> None:
    y = curve(0.51, 1.7)
    assert peaks.cen(X, y) == pytest.approx(0.51, abs=0.001)
    assert peaks.fwhm(X, y) == pytest.approx(1.7, abs=within * 1.7)


@pytest.mark.parametrize("curve", [gaussian, lorentzian, two_peaks])
def test_widths_agree_with_scipy(curve: Callable[..., Any]) -> None:
    # scipy measures from the higher of the two feet: of these curves they are alike.
    y = curve(0.3, 1.4)
    y = y - np.minimum(y[0], y[-1])
    (width,), _, (left,), (right,) = peak_widths(y, [int(np.argmax(y))], rel_height=0.5)
    pitch = X[1] - X[0]
    found = peaks.half_width(X, y)
    assert found.width == pytest.approx(width * pitch, abs=0.02)
    assert (found.left, found.right) == pytest.approx(
        (X[0] + left * pitch, X[0] + right * pitch), abs=0.02
    )


@pytest.mark.parametrize(
    ("model", "curve"),
    [("gaussian", gaussian), ("lorentzian", lorentzian), ("voigt", gaussian), ("erf", step)],
)
@pytest.mark.parametrize("turned", [1, -1])
def test_fits_agree_with_what_was_put_in_and_with_cen(
    model: str, curve: Callable[..., Any], turned: int
) -> None:
    y = turned * noisy(curve(0.4, 1.5), 3)
    fit = fit_curve(model, X, y)
    assert fit.success
    assert fit.center == pytest.approx(0.4, abs=5 * fit.errors["center"])
    assert fit.fwhm == pytest.approx(1.5, abs=max(5 * fit.errors["fwhm"], 0.08))
    assert fit.height == pytest.approx(turned * 1000, rel=0.05)
    # A falling edge begins high: its background is where it starts.
    assert fit.background == pytest.approx(turned * 50, abs=20)
    assert peaks.cen(X, y) == pytest.approx(fit.center, abs=0.08 * 1.5)
    assert fit.best(X) == pytest.approx(y, abs=150)
    assert f"Fit: {model}" in fit.__info__()
    assert "+/-" in fit.labelled("diode", "roby", "nA", "mm").__info__()


def test_fits_say_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="must be one of gaussian, lorentzian, voigt, erf"):
        fit_curve("parabola", X, X)
    with pytest.raises(CommandError, match="needs more than 4 points, there are 3"):
        fit_curve("gaussian", [1, 2, 3], [1, 2, 1])
    monkeypatch.setitem(__import__("sys").modules, "lmfit", None)
    with pytest.raises(CommandError, match=r"pip install session-shell\[fit\]"):
        fit_curve("gaussian", X, gaussian(0, 1))


def test_constant_data_can_be_fitted_without_a_crash() -> None:
    assert fit_curve("gaussian", X[:30], np.full(30, 7.0)).model == "gaussian"


# Order, holes, units


@pytest.mark.parametrize("finder", FINDERS)
def test_the_order_of_points_does_not_matter(finder: Callable[..., float]) -> None:
    y = noisy(gaussian(1, 1.5), 5)
    mixed = np.random.default_rng(0).permutation(X.size)
    assert finder(X[::-1], y[::-1]) == finder(X, y)
    assert finder(X[mixed], y[mixed]) == pytest.approx(finder(X, y))


@pytest.mark.parametrize("finder", FINDERS)
def test_what_is_no_number_is_left_out(finder: Callable[..., float]) -> None:
    y = noisy(gaussian(1, 1.5), 5)
    x = np.r_[X, np.nan, 3.0, 4.0, np.inf]
    assert finder(x, np.r_[y, 1e9, np.nan, np.inf, 5.0]) == finder(X, y)


@pytest.mark.parametrize("finder", [peaks.cen, peaks.fwhm, peaks.com])
@given(
    scale=st.floats(1e-3, 1e6),
    offset=st.floats(-1e3, 1e3),
    shift=st.floats(-1e3, 1e3),
    stretch=st.floats(1e-3, 1e3),
)
def test_units_do_not_matter(
    finder: Callable[..., float], scale: float, offset: float, shift: float, stretch: float
) -> None:
    y = gaussian(0.5, 1.5) + 0.1 * gaussian(-1, 1)
    expected = finder(X, y) * stretch + (shift if finder is not peaks.fwhm else 0)
    found = finder(X * stretch + shift, y * scale + offset * scale)
    assert found == pytest.approx(expected, abs=1e-6 * stretch + 1e-9 * abs(shift))


def test_points_of_one_position_are_averaged() -> None:
    x, y = [0, 1, 1, 2, 3, 4], [0, 1, 3, 4, 2, 0]
    assert peaks.cen(x, y) == peaks.cen([0, 1, 2, 3, 4], [0, 2, 4, 2, 0]) == 2


def test_uneven_steps_do_not_pull_the_centre_of_mass() -> None:
    x = np.sort(np.r_[X, X[(X > -1) & (X < 0)] + 0.01, X[(X > -1) & (X < 0)] + 0.02])
    assert peaks.com(x, np.exp(-(x**2))) == pytest.approx(0, abs=0.002)


# Few points, no peak, ends


@pytest.mark.parametrize(
    ("x", "y", "position"),
    [
        ([0, 1, 2], [0, 1, 0], 1),
        ([0, 1, 2], [1, 0, 1], 1),  # a dip
        ([0, 1, 2, 3, 4], [0, 0, 4, 0, 0], 2),
        ([0, 1, 2, 3, 4], [0, 2, 4, 2, 0], 2),
        ([0, 1, 2, 3], [0, 0, 1, 1], 1.5),  # a step
        ([0, 1, 2, 3], [1, 1, 0, 0], 1.5),
        ([0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 0, 0], 2.5),
    ],
)
def test_few_points(x: list[float], y: list[float], position: float) -> None:
    assert peaks.cen(x, y) == position
    assert peaks.cen(x[::-1], y[::-1]) == position


def test_width_of_triangles() -> None:
    assert peaks.fwhm([0, 1, 2], [0, 1, 0]) == 1
    assert peaks.fwhm([0, 1, 2, 3, 4], [0, 2, 4, 2, 0]) == 2
    assert peaks.fwhm([0, 1, 2, 3, 4], [4, 2, 0, 2, 4]) == 2


@pytest.mark.parametrize("finder", [peaks.cen, peaks.fwhm])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([], [], "there are no points"),
        ([1, 2], [np.nan, np.nan], "no point has a finite value"),
        ([1], [5], "at least 3 points, there are 1"),
        ([1, 2], [5, 6], "at least 3 points, there are 2"),
        ([1, 1, 1], [5, 6, 7], "at least 3 points, there are 1"),
        ([1, 2, 3, 4], [7, 7, 7, 7], "there is no peak: all values are 7"),
        ([1, 2, 3], [1, 2], "lists of one length"),
        (X, gaussian(5, 2), "cut off by an end of the curve: scan further"),
        (X, gaussian(-5, 2), "cut off by an end"),
        (X, gaussian(4.6, 2), "cut off by an end"),
        (X, lorentzian(5, 2), "cut off by an end"),
        (X, -gaussian(5, 2), "cut off by an end"),
    ],
)
def test_what_has_no_width_is_told(
    finder: Callable[..., float], x: Any, y: Any, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        finder(x, y)


def test_extremes_need_one_point_only() -> None:
    assert peaks.peak([3], [5]) == peaks.trough([3], [5]) == peaks.com([3], [5]) == 3
    assert peaks.peak([3, 1, 2], [5, 9, 9]) == 1
    assert peaks.trough([3, 1, 2], [5, 9, -9]) == 2
    for finder in (peaks.peak, peaks.trough, peaks.com):
        with pytest.raises(CommandError, match="there are no points"):
            finder([], [])
    with pytest.raises(CommandError, match="there is no centre of mass"):
        peaks.com([1, 2, 3], [4, 4, 4])


def test_a_peak_near_the_end_is_found_while_both_sides_are_there() -> None:
    assert peaks.cen(X, gaussian(4, 1)) == pytest.approx(4, abs=0.001)
    assert peaks.cen(X, gaussian(-4.4, 1)) == pytest.approx(-4.4, abs=0.02)


def test_the_higher_of_two_peaks_counts() -> None:
    assert peaks.cen(X, two_peaks(1.5, 1)) == pytest.approx(1.5, abs=0.001)
    # Not parted at half height: they count as one.
    merged = gaussian(0, 1.2) + 0.9 * gaussian(1, 1.2)
    assert 0.3 < peaks.cen(X, merged) < 0.6


# A function of one's own


def test_a_position_by_a_function_of_ones_own() -> None:
    seen: list[Any] = []

    def last(x: Any, y: Any) -> Any:
        seen.append((x, y))
        return x[-1]

    assert peaks.find_position(last, [3, 1, 2], [1, 2, np.nan]) == 3
    assert seen[0][0].tolist() == [1, 3]
    assert seen[0][1].tolist() == [2, 1]
    assert peaks.find_position(lambda x, y: np.array([2.5]), [1], [1]) == 2.5


@pytest.mark.parametrize("returned", [None, "x", np.nan, np.inf, True, [1, 2], np.array([1, 2])])
def test_a_function_that_gives_no_position_is_told(returned: Any) -> None:
    with pytest.raises(CommandError, match=r"<lambda> must return a position, it returned"):
        peaks.find_position(lambda x, y: returned, [1], [1])


def test_an_error_in_a_function_of_ones_own_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        peaks.find_position(lambda x, y: 1 / 0, [1], [1])


# Random curves: numpy and scipy say what is right


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=60), st.booleans(), st.booleans())
def test_the_centre_of_mass_of_counts_is_that_of_numpy(
    counts: list[int], reverse: bool, gaps: bool
) -> None:
    x, y = np.arange(len(counts)) * 0.5 - 3, np.asarray(counts, dtype=float)
    if np.ptp(y) == 0 or peaks._kind(y) == "dip":
        return
    expected = np.average(x, weights=y - y.min())
    if gaps:  # points that were not measured are no points
        x, y = np.append(x, 99.0), np.append(y, np.nan)
    if reverse:
        x, y = x[::-1], y[::-1]
    assert peaks.com(x, y) == pytest.approx(expected, abs=1e-9)


def test_the_centre_of_mass_of_the_issue() -> None:
    counts = [1, 0, 0, 0, 0, 0, 0, 0, 8, 3, 1]
    assert peaks.com(np.arange(11.0), counts) == pytest.approx(101 / 13)  # 7.77


@given(st.lists(st.floats(-1e9, 1e9) | st.just(float("nan")), min_size=1, max_size=40), st.data())
def test_no_statistic_lies_outside_of_the_scan(values: list[float], data: st.DataObject) -> None:
    places = st.lists(st.floats(-1e3, 1e3), min_size=len(values), max_size=len(values), unique=True)
    x = np.asarray(data.draw(places))
    low, high = x.min(), x.max()
    slack = 1e-9 * max(abs(low), abs(high))
    for finder in FINDERS:
        try:
            found = finder(x, values)
        except CommandError:
            continue  # it says that there is none
        if finder is peaks.fwhm:
            assert found >= 0
        else:
            assert low - slack <= found <= high + slack


@given(
    center=st.floats(-1.5, 1.5),
    width=st.floats(0.6, 2.5),
    height=st.floats(1, 1e6),
    sign=st.sampled_from([1, -1]),
    reverse=st.booleans(),
    ends=st.sampled_from([(0, 0), (1, 0), (0, 1)]),
)
def test_gaussians_are_measured_as_scipy_does(
    center: float,
    width: float,
    height: float,
    sign: int,
    reverse: bool,
    ends: tuple[int, int],
) -> None:
    curve = gaussian(center, width)
    (expected,), *_ = peak_widths(curve, [int(curve.argmax())], rel_height=0.5)
    y = sign * height * curve + 5
    # One end point that happens to be high (of a dip: low) decides nothing.
    y[0] += sign * ends[0] * height * 0.9
    y[-1] += sign * ends[1] * height * 0.9
    x = X
    if reverse:
        x, y = x[::-1], y[::-1]
    assert peaks.cen(x, y) == pytest.approx(center, abs=0.02 * width)
    assert peaks.fwhm(x, y) == pytest.approx(expected * (X[1] - X[0]), rel=0.03)


def peak_at(x: Any, height: float, center: float, fwhm: float, background: float) -> Any:
    return background + height * np.exp(-4 * np.log(2) * ((x - center) / fwhm) ** 2)


@pytest.mark.parametrize("count", [11, 21, 41, 81])
@pytest.mark.parametrize("stray", [0.6, 0.9])
@pytest.mark.parametrize("end", [0, -1])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_end_point_does_not_decide(count: int, stray: float, end: int, sign: int) -> None:
    x = np.linspace(0, 10, count)
    y = peak_at(x, 100, 5, 2.5, 3)
    y[end] = 3 + 100 * stray
    assert peaks.cen(x, sign * y) == pytest.approx(5, abs=0.1)
    assert peaks.fwhm(x, sign * y) == pytest.approx(2.5, abs=0.25)


@pytest.mark.parametrize("center", [0.2, 9.8])
def test_half_a_peak_is_still_refused(center: float) -> None:
    x = np.linspace(0, 10, 41)
    with pytest.raises(CommandError, match="cut off"):
        peaks.cen(x, peak_at(x, 100, center, 2.5, 3))


def test_noise_carries_the_centre_of_mass_less_than_a_width() -> None:
    random, x = np.random.default_rng(1), np.linspace(0, 10, 41)
    off = [abs(peaks.com(x, random.poisson(peak_at(x, 200, 6, 1.5, 10))) - 6) for _ in range(200)]
    assert max(off) < 1.5
