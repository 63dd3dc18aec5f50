"""From the YAML keys of a simulated counter to its signal and noise, with every key checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import Any, get_args

from session_shell.clock import Clock
from session_shell.devices.checks import not_negative, number, positive
from session_shell.devices.counters.models import (
    FWHM_PER_SIGMA,
    SHAPES,
    AlongScan,
    Feature,
    Level,
    ModelName,
    Shape,
    decay,
    linear,
    product,
)
from session_shell.devices.counters.sampling import Noise
from session_shell.devices.motion.flying import Past
from session_shell.devices.protocols import Movable, is_axis
from session_shell.errors import ConfigError, DeviceError

_MODELS: tuple[ModelName, ...] = get_args(ModelName)
_DISTRIBUTIONS: Mapping[str, ModelName] = {
    name.upper(): name for name in _MODELS if name in (*SHAPES, "linear")
}
_NEED_AXES = (*SHAPES, "linear")
# Shapes over the points of a scan run from -0.5 to 0.5: this one peaks well inside.
_SIGMA_ALONG_SCAN = 0.15
_DEFAULT_HEIGHT = 100.0


@dataclass(frozen=True, slots=True)
class Asked:
    """The keys that choose a model."""

    model: ModelName | None = None
    distribution: str | None = None
    constant: float | None = None


@dataclass(frozen=True, slots=True)
class Along:
    """The keys that say what is seen along axes."""

    axes: Sequence[Any] = ()
    center: float | Sequence[float] = 0.0
    fwhm: float | Sequence[float] | None = None
    sigma: float | Sequence[float] | None = None
    slope: float = 1.0


@dataclass(frozen=True, slots=True)
class Times:
    """The keys of a level that decays, in seconds."""

    time_constant: float = 3600.0
    refill: float = inf


@dataclass(frozen=True, slots=True)
class Factors:
    """The keys that change a distribution."""

    mu_offset: float = 0.0
    sigma_factor: float = 1.0
    height_factor: float = 1.0
    noise_factor: float = 0.0


@dataclass(frozen=True, slots=True)
class Signal:
    """The YAML keys of a simulated counter that say what it sees."""

    name: str
    unit: str
    asked: Asked
    height: float | None
    background: float
    along: Along
    times: Times
    factors: Factors
    noise: float
    poisson: bool


@dataclass(frozen=True, slots=True)
class CounterModel:
    """What a counter sees: its level as a function, and the same in words for files."""

    name: str
    level: Level
    constant: float | None = None
    """The level, when it never changes."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    make: Callable[[Sequence[Feature]], Level] | None = None
    """Makes the level from what it sees along axes; None: it sees none."""
    features: tuple[Feature, ...] = ()

    def seen_in(self, past: Past) -> Level:
        """Return the level as it was at ``past.time``, as far as axes determine it."""
        if self.make is None:
            return self.level
        return self.make([replace(f, axis=past.axis(f.axis)) for f in self.features])


def counter_model(signal: Signal, clock: Clock) -> tuple[CounterModel, Noise]:
    """Return the model and the noise of a counter.

    Raises:
        ConfigError: When a key cannot be used, with the key.
    """
    _check_numbers(signal)
    name = _model_name(signal)
    height = _DEFAULT_HEIGHT if signal.height is None else signal.height
    if signal.asked.distribution is not None and signal.height is None:
        height = 1.0
    height *= signal.factors.height_factor
    noise = Noise(
        sigma=signal.noise + signal.factors.noise_factor * abs(height),
        spread=height if name == "random" else 0.0,
        poisson=signal.poisson,
    )
    if name in _NEED_AXES and signal.along.axes:
        return _along_axes(signal, name, height), noise
    if name in _NEED_AXES:
        return _along_scan(signal, name, height), noise
    return _without_axes(signal, name, height, clock), noise


def _check_numbers(signal: Signal) -> None:
    factors, asked = signal.factors, signal.asked
    checks: list[tuple[str, float | None, Callable[[Any, str], float]]] = [
        ("noise", signal.noise, not_negative),
        ("noise_factor", factors.noise_factor, not_negative),
        ("sigma_factor", factors.sigma_factor, positive),
        ("height_factor", factors.height_factor, number),
        ("mu_offset", factors.mu_offset, number),
        ("background", signal.background, number),
        ("slope", signal.along.slope, number),
        ("height", signal.height, number),
        ("constant", asked.constant, number),
        ("time_constant", signal.times.time_constant, positive),
        ("refill", None if signal.times.refill == inf else signal.times.refill, positive),
    ]
    for key, value, check in checks:
        if value is not None:
            try:
                check(value, key)
            except DeviceError as error:
                raise ConfigError(f"{signal.name}: {error}", key=key) from None


def _model_name(signal: Signal) -> ModelName:
    name, reason = _asked_for(signal)
    if signal.asked.constant is not None and name != "constant":
        raise ConfigError(
            f"{signal.name}: `constant` does not go with {reason}; remove one of them",
            key="constant",
        )
    if signal.along.axes and name not in _NEED_AXES:
        raise ConfigError(
            f"{signal.name}: {reason} depends on no axis; remove `axis`, or choose one of "
            f"{', '.join(_NEED_AXES)}",
            key="model" if signal.asked.model else "constant",
        )
    if not signal.along.axes and name in _NEED_AXES and signal.asked.distribution is None:
        raise ConfigError(f"{signal.name}: {reason} needs an `axis`, like $roby", key="model")
    return name


def _asked_for(signal: Signal) -> tuple[ModelName, str]:
    """Return the model, and the words of the configuration that ask for it."""
    if signal.asked.model is not None and signal.asked.distribution is not None:
        raise ConfigError(
            f"{signal.name}: give `model` or `distribution`, not both", key="distribution"
        )
    if signal.asked.model is not None:
        return signal.asked.model, f"`model: {signal.asked.model}`"
    if signal.asked.distribution is not None:
        known = _DISTRIBUTIONS.get(signal.asked.distribution.upper())
        if known is None:
            raise ConfigError(
                f"{signal.name}: there is no distribution {signal.asked.distribution!r}; there are "
                f"{', '.join(_DISTRIBUTIONS)}",
                key="distribution",
            )
        return known, f"`distribution: {signal.asked.distribution}`"
    if signal.asked.constant is not None:
        return "constant", "`constant`"
    if signal.along.axes:
        return "gaussian", "`axis`"
    return "random", "the default model random"


def _without_axes(signal: Signal, name: ModelName, height: float, clock: Clock) -> CounterModel:
    unit, background = signal.unit, signal.background
    if name == "decay":
        level = decay(clock, height, background, signal.times.time_constant, signal.times.refill)
        times = {"time_constant": signal.times.time_constant, "time_constant@units": "s"}
        if signal.times.refill != inf:
            times |= {"refill": signal.times.refill, "refill@units": "s"}
        return CounterModel(name, level, None, {**_levels(unit, height, background), **times})
    if name == "random":
        # Samples scatter from the background to height above it; the noise does that.
        parameters = _levels(unit, height, background)
        return CounterModel(name, lambda: background, background, parameters)
    value = height if signal.asked.constant is None else signal.asked.constant
    value += background
    return CounterModel(name, lambda: value, value, {"constant": value, "constant@units": unit})


def _along_axes(signal: Signal, name: ModelName, height: float) -> CounterModel:
    features = _features(signal)
    unit, background = signal.unit, signal.background
    parameters: dict[str, Any] = {"axes": ", ".join(f.axis.name for f in features)}
    if name == "linear":
        make = partial(linear, slope=signal.along.slope, background=background)
        parameters |= {
            "slope": signal.along.slope,
            "background": background,
            "background@units": unit,
        }
    else:
        make = partial(_product, name, height=height, background=background)
        parameters |= _levels(unit, height, background)
    for feature in features:
        axis, of = feature.axis, f"_{feature.axis.name}" if len(features) > 1 else ""
        parameters |= {f"center{of}": feature.center, f"center{of}@units": axis.unit}
        if name != "linear":
            width = feature.sigma * FWHM_PER_SIGMA
            parameters |= {f"fwhm{of}": width, f"fwhm{of}@units": axis.unit}
    return CounterModel(name, make(features), None, parameters, make, tuple(features))


def _product(shape: str, features: Sequence[Feature], *, height: float, background: float) -> Level:
    return product(shape, features, height, background)


def _along_scan(signal: Signal, name: ModelName, height: float) -> CounterModel:
    shapes: dict[str, Shape] = {"linear": lambda x: x + 0.5, "flat": lambda _x: 1.0}
    along = shapes.get(name) or SHAPES[name](_SIGMA_ALONG_SCAN * signal.factors.sigma_factor)
    level = AlongScan(along, signal.factors.mu_offset, height, signal.background)
    return CounterModel(name, level, None, _levels(signal.unit, height, signal.background))


def _levels(unit: str, height: float, background: float) -> dict[str, Any]:
    found: dict[str, Any] = {"height": height, "height@units": unit}
    if background:
        found |= {"background": background, "background@units": unit}
    return found


def _features(signal: Signal) -> list[Feature]:
    axes: list[Movable] = []
    for axis in signal.along.axes:
        if not is_axis(axis):
            raise ConfigError(
                f"{signal.name}: {axis!r} is no axis; refer to one as $roby", key="axes"
            )
        axes.append(axis)
    if signal.along.fwhm is not None and signal.along.sigma is not None:
        raise ConfigError(f"{signal.name}: give `fwhm` or `sigma`, not both", key="sigma")
    if signal.along.sigma is not None:
        sigmas = _one_each(signal, "sigma", signal.along.sigma)
    else:
        widths = _one_each(signal, "fwhm", 1.0 if signal.along.fwhm is None else signal.along.fwhm)
        sigmas = [width / FWHM_PER_SIGMA for width in widths]
    centers = _one_each(signal, "center", signal.along.center)
    return [
        Feature(axis, center + signal.factors.mu_offset, sigma * signal.factors.sigma_factor)
        for axis, center, sigma in zip(axes, centers, sigmas, strict=True)
    ]


def _one_each(signal: Signal, key: str, value: float | Sequence[float]) -> list[float]:
    """Return `value` for each axis."""
    count = len(signal.along.axes)
    values = list(value) if isinstance(value, Sequence) else [value] * count
    if len(values) != count:
        raise ConfigError(
            f"{signal.name}: {key} has {len(values)} numbers for {count} axes", key=key
        )
    check = number if key == "center" else positive
    try:
        return [check(each, key) for each in values]
    except DeviceError as error:
        raise ConfigError(f"{signal.name}: {error}", key=key) from None
