"""Fits of a peak or an edge with lmfit, which is an extra (`fit`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from session_shell.errors import CommandError
from session_shell.scanning import peaks

MODELS = ("gaussian", "lorentzian", "voigt", "erf")
"""What can be fitted, each with a constant background; ``voigt`` is the pseudo-Voigt."""

_SIGMA = 2 * math.sqrt(2 * math.log(2))
"""Full width at half maximum of a Gaussian, in its sigma."""
_FREE = {"gaussian": 4, "lorentzian": 4, "voigt": 5, "erf": 4}


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model, in the units of the axis and the counter.

    Attributes:
        model: One of `MODELS`.
        center: Position of the peak, or of the middle of the edge.
        fwhm: Full width at half maximum; of an edge, that of the beam it cuts.
        height: Height above the background; negative for a dip or a falling edge.
        background: The constant background.
        errors: One standard error of each by name, NaN where it could not be estimated.
        success: Whether the fit converged.
        result: The complete result, as lmfit gives it.
    """

    model: str
    center: float
    fwhm: float
    height: float
    background: float
    errors: Mapping[str, float]
    success: bool
    result: Any = field(repr=False)
    counter: str = ""
    axis: str = ""
    counter_unit: str = ""
    axis_unit: str = ""

    def best(self, x: ArrayLike) -> NDArray[Any]:
        """Return the fitted curve at positions `x`."""
        return np.asarray(self.result.eval(x=np.asarray(x, float)))

    def labelled(self, counter: str, axis: str, counter_unit: str, axis_unit: str) -> Fit:
        """Return it with the names of what was fitted."""
        return replace(
            self, counter=counter, axis=axis, counter_unit=counter_unit, axis_unit=axis_unit
        )

    def __info__(self) -> str:
        """Describe it for the prompt."""
        of = f" of {self.counter} along {self.axis}" if self.counter else ""
        lines = [f"Fit: {self.model}{of}{'' if self.success else ' (did not converge)'}"]
        for name in ("center", "fwhm", "height", "background"):
            unit = self.axis_unit if name in ("center", "fwhm") else self.counter_unit
            value, error = getattr(self, name), self.errors[name]
            shown = f"{value:.6g}" if math.isnan(error) else f"{value:.6g} +/- {error:.2g}"
            lines.append(f"  {name:<11} {shown} {unit}".rstrip())
        return "\n".join(lines)


def fit_curve(model: str, x: ArrayLike, y: ArrayLike) -> Fit:
    """Fit `model` and a constant background to the finite points of a curve.

    Args:
        model: One of `MODELS`.
        x: Positions, shape (npoints,), in any order.
        y: Values, shape (npoints,).

    Raises:
        CommandError: For an unknown model, too few points, or when lmfit is not installed.
    """
    if model not in MODELS:
        raise CommandError(f"the model must be one of {', '.join(MODELS)}, got {model!r}")
    u, v = peaks.cleaned(x, y)
    if len(u) <= _FREE[model]:
        raise CommandError(f"{model} needs more than {_FREE[model]} points, there are {len(u)}")
    models = _lmfit()
    start = _start(u, v, edge=model == "erf")
    whole = _model(models, model) + models.ConstantModel(prefix="background_")
    parameters = whole.make_params(**_guess(model, start))
    for name, parameter in parameters.items():
        if name == "sigma":
            parameter.set(min=1e-9 * (u[-1] - u[0]))
    return _fitted(model, whole.fit(v, parameters, x=u))


def _lmfit() -> Any:
    try:
        from lmfit import models
    except ImportError as error:
        raise CommandError("lmfit is not installed: pip install session-shell[fit]") from error
    return models


def _model(models: Any, model: str) -> Any:
    if model == "erf":
        return models.StepModel(form="erf")
    kinds: Mapping[str, Callable[[], Any]] = {
        "gaussian": models.GaussianModel,
        "lorentzian": models.LorentzianModel,
        "voigt": models.PseudoVoigtModel,
    }
    return kinds[model]()


@dataclass(frozen=True, slots=True)
class _Start:
    """A first guess."""

    center: float
    fwhm: float
    height: float
    background: float


def _start(u: NDArray[Any], v: NDArray[Any], *, edge: bool) -> _Start:
    """Guess from the curve itself; where no width can be told, from the range of x."""
    first, last = float(v[0]), float(v[-1])
    try:
        width = peaks.half_width(u, v)
    except CommandError:
        top = float(u[np.argmax(v)])
        middle = float(u[0] + u[-1]) / 2
        place = middle if edge else top
        width = peaks.Width(place - (u[-1] - u[0]) / 8, place + (u[-1] - u[0]) / 8, "peak")
    if edge:
        return _Start(width.centre, width.width, last - first, first)
    if width.kind == "dip":
        return _Start(width.centre, width.width, float(v.min() - v.max()), float(v.max()))
    return _Start(width.centre, width.width, float(v.max() - v.min()), float(v.min()))


def _guess(model: str, start: _Start) -> dict[str, float]:
    center = {"center": start.center, "background_c": start.background}
    if model == "erf":
        # lmfit's step is erf((x - center) / sigma): its sigma is that of the beam times sqrt(2).
        return {**center, "amplitude": start.height, "sigma": start.fwhm / _SIGMA * math.sqrt(2)}
    if model == "gaussian":
        sigma = start.fwhm / _SIGMA
        return {
            **center,
            "sigma": sigma,
            "amplitude": start.height * sigma * math.sqrt(2 * math.pi),
        }
    sigma = start.fwhm / 2
    amplitude = start.height * sigma * math.pi
    return {**center, "sigma": sigma, "amplitude": amplitude}


def _fitted(model: str, result: Any) -> Fit:
    edge = model == "erf"
    parameters = result.params

    def value(name: str, factor: float = 1.0) -> tuple[float, float]:
        one = parameters[name]
        error = math.nan if one.stderr is None else float(one.stderr) * factor
        return float(one.value) * factor, error

    width = value("sigma", _SIGMA / math.sqrt(2)) if edge else value("fwhm")
    found = {
        "center": value("center"),
        "fwhm": width,
        "height": value("amplitude" if edge else "height"),
        "background": value("background_c"),
    }
    errors = {name: error for name, (_, error) in found.items()}
    values = {name: number for name, (number, _) in found.items()}
    return Fit(
        model,
        values["center"],
        values["fwhm"],
        values["height"],
        values["background"],
        errors,
        bool(result.success),
        result,
    )
