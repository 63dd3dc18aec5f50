"""From the samples of one count time to the values of one point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt
from typing import TYPE_CHECKING, Any

from session_shell.devices.protocols import Channel, Value
from session_shell.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

# A counter keeps this many samples of a point at most; longer gates are sampled more slowly.
MOST_SAMPLES = 100_000
# Below this, means of other than normal samples are drawn sample by sample.
_FEW = 30


class SamplingMode(StrEnum):
    """What a counter makes of the samples that it takes during the count time."""

    MEAN = "MEAN"
    """Mean of the samples."""
    STATS = "STATS"
    """Mean, number, standard deviation, variance, minimum, maximum, peak to valley."""
    SUM = "SUM"
    """Sum of the samples."""
    INTEGRATE = "INTEGRATE"
    """Mean times count time."""
    SINGLE = "SINGLE"
    """The first sample."""
    LAST = "LAST"
    """The last sample."""
    SAMPLES = "SAMPLES"
    """Mean, and all samples as an array."""


STATS_SUFFIXES = ("", "_N", "_std", "_var", "_min", "_max", "_p2v")


def sampling_mode(value: Any, device: str) -> SamplingMode:
    """Return the mode called `value`, in any case of letters, or raise `DeviceError`."""
    text = str(getattr(value, "name", value)).upper()
    if text in SamplingMode.__members__:
        return SamplingMode[text]
    raise DeviceError(
        f"there is no mode {value!r}; there are {', '.join(SamplingMode)}", device=device
    )


def samples_per_point(count_time: float, rate: float) -> int:
    """Return how many samples of `rate` per second a count time holds, one at least."""
    return min(max(round(count_time * rate), 1), MOST_SAMPLES)


def channels_of(name: str, mode: SamplingMode, unit: str, count: int = 1) -> tuple[Channel, ...]:
    """Return the channels that a counter has in a mode; `count` is the samples per point."""
    if mode is SamplingMode.INTEGRATE:
        unit = _times_seconds(unit)
    value = Channel(name, "counter", unit=unit, device=name, mode=str(mode))
    if mode is SamplingMode.SAMPLES:
        return value, replace(value, name=f"{name}_samples", shape=(count,))
    if mode is not SamplingMode.STATS:
        return (value,)
    units = {"_N": "", "_var": _squared(unit)}
    return tuple(
        Channel(name + suffix, "counter", unit=units.get(suffix, unit), device=name, mode=str(mode))
        for suffix in STATS_SUFFIXES
    )


@dataclass(frozen=True, slots=True)
class Noise:
    """How samples scatter around the level of the signal.

    Attributes:
        sigma: Standard deviation of a sample, in the unit of the counter.
        spread: Samples are uniform from the level to the level plus this.
        poisson: The level is a rate of events per second, which arrive at random.
    """

    sigma: float = 0.0
    spread: float = 0.0
    poisson: bool = False

    def __bool__(self) -> bool:
        return self.poisson or self.sigma != 0 or self.spread != 0

    def mean(self, level: float, count: int, seconds: float, rng: np.random.Generator) -> float:
        """Draw the mean of `count` samples that cover `seconds`.

        It costs the same for any `count`: what is drawn is the distribution of the mean.
        """
        value = level
        if self.poisson:
            value = rng.poisson(max(level, 0.0) * seconds) / seconds
        if self.spread:
            value += self.spread * _uniform_mean(count, rng)
        if self.sigma:
            value += self.sigma / sqrt(count) * rng.standard_normal()
        return float(value)

    def samples(
        self, level: float, count: int, seconds: float, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw `count` samples that cover `seconds`."""
        import numpy as np

        values = np.full(count, level)
        if self.poisson:
            each = seconds / count
            values = rng.poisson(max(level, 0.0) * each, count) / each
        if self.spread:
            values = values + self.spread * rng.random(count)
        if self.sigma:
            values = values + self.sigma * rng.standard_normal(count)
        return values


def statistics(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Return what the STATS mode gives, in the order of `STATS_SUFFIXES`."""
    low, high, variance = float(values.min()), float(values.max()), float(values.var())
    return (float(values.mean()), len(values), sqrt(variance), variance, low, high, high - low)


Reducer = Callable[[float], "Sequence[Value]"]
"""From the level of the signal to the values of the point."""


def reduce_samples(
    mode: SamplingMode, samples: Sequence[float], count_time: float, count: int
) -> Sequence[Value]:
    """Return the values of a point from its samples, of which there is at least one.

    In mode SAMPLES the array has `count` places: NaN where samples are missing, and what is more
    counts for the mean only.
    """
    import numpy as np

    if mode is SamplingMode.SINGLE:
        return (samples[0],)
    if mode is SamplingMode.LAST:
        return (samples[-1],)
    values = np.asarray(samples, dtype=float)
    if mode is SamplingMode.STATS:
        return statistics(values)
    if mode is SamplingMode.SUM:
        return (float(values.sum()),)
    mean = float(values.mean())
    if mode is SamplingMode.SAMPLES:
        placed = np.full(count, np.nan)
        placed[: len(values)] = values[:count]
        return mean, placed
    return (mean * (count_time if mode is SamplingMode.INTEGRATE else 1.0),)


def reducer(
    mode: SamplingMode,
    noise: Noise,
    count: int,
    count_time: float,
    period: float,
    rng: np.random.Generator | None,
) -> Reducer:
    """Return what makes the values of a point, with all that holds for a whole scan settled.

    Args:
        mode: What is made of the samples.
        noise: How they scatter.
        count: Samples per point.
        count_time: Seconds per point, zero allowed.
        period: Seconds that one sample covers.
        rng: Where chance comes from; None only without noise.
    """
    factor = {SamplingMode.SUM: float(count), SamplingMode.INTEGRATE: count_time}.get(mode, 1.0)
    if mode is SamplingMode.SAMPLES:
        return _all_samples(noise, count, count_time or period, rng)
    if rng is None or not noise:
        if mode is SamplingMode.STATS:
            return lambda level: (level, count, 0.0, 0.0, level, level, 0.0)
        return lambda level: (level * factor,)
    seconds = count_time or period
    if mode is SamplingMode.STATS:
        return lambda level: statistics(noise.samples(level, count, seconds, rng))
    if mode in (SamplingMode.SINGLE, SamplingMode.LAST):
        return lambda level: (noise.mean(level, 1, period, rng),)
    return lambda level: (noise.mean(level, count, seconds, rng) * factor,)


def _all_samples(
    noise: Noise, count: int, seconds: float, rng: np.random.Generator | None
) -> Reducer:
    import numpy as np

    def reduce(level: float) -> Sequence[Value]:
        values = np.full(count, level) if rng is None else noise.samples(level, count, seconds, rng)
        return float(values.mean()), values

    return reduce


def _uniform_mean(count: int, rng: np.random.Generator) -> float:
    """Draw the mean of `count` numbers that are uniform in [0, 1]."""
    if count <= _FEW:
        return float(rng.random(count).mean())
    mean = 0.5 + rng.standard_normal() / sqrt(12 * count)
    return float(min(max(mean, 0.0), 1.0))


def _times_seconds(unit: str) -> str:
    if unit.endswith("/s"):
        return unit.removesuffix("/s")
    return f"{unit}*s" if unit else "s"


def _squared(unit: str) -> str:
    if not unit:
        return ""
    return f"{unit}^2" if unit.isalpha() else f"({unit})^2"
