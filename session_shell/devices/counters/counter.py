"""Simulated counters: diodes and monitors that see axes, time, and noise.

Their keys in YAML: `model` is constant, random, gaussian, flat, linear, sigmoid or decay. Without
it the other keys tell: `distribution`, then `constant`, then `axis` or `axes` (gaussian), else it
is random. Levels (`constant`, `height`, `background`, `noise`) are in `unit`; `center`, `fwhm` and
`sigma` in the units of the axes, one number for all axes or a list; `slope` in `unit` per unit of
the axes; `time_constant` and `refill` in seconds, `sampling_rate` in samples per second. `noise`
is the standard deviation of one sample; `poisson` makes the level a rate of events per second.

`distribution` (FLAT, LINEAR, GAUSSIAN, SIGMOID), changed by `mu_offset`, `sigma_factor`,
`height_factor` and `noise_factor`, draws a shape over the points of each scan, or along an axis if
there is one. `integration` chooses the mode INTEGRATE; `independent` changes nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from session_shell.devices.checks import not_negative, positive
from session_shell.devices.context import DeviceContext
from session_shell.devices.counters.counter_config import (
    Along,
    Asked,
    CounterModel,
    Factors,
    Signal,
    Times,
    counter_model,
)
from session_shell.devices.counters.models import AlongScan, ModelName
from session_shell.devices.counters.sampling import (
    Noise,
    Reducer,
    SamplingMode,
    channels_of,
    reducer,
    samples_per_point,
    sampling_mode,
)
from session_shell.devices.motion.flying import Past, Path
from session_shell.devices.protocols import Channel, Movable, Value
from session_shell.devices.text import quantity, summary
from session_shell.errors import DeviceError

if TYPE_CHECKING:
    import numpy as np


class SimulatedCounter:
    """A counter that takes samples of a simulated signal during the count time.

    The engine keeps the gate; values follow from where the axes are, from the clock, and from the
    seed of the session. Every scan has noise of its own, and the n-th scan of a session has the
    same noise whenever the session is run again.

    >>> diode.mode = "STATS"  # doctest: +SKIP
    >>> diode.raw_read  # doctest: +SKIP
    99.2
    """

    __slots__ = (
        "__weakref__",
        "_along",
        "_channels",
        "_constant",
        "_context",
        "_level",
        "_mode",
        "_model",
        "_noise",
        "_peeks",
        "_rate",
        "_reduce",
        "_scans",
        "_turn",
        "_values",
        "config",
        "name",
        "unit",
    )

    def __init__(
        self,
        name: str,
        *,
        context: DeviceContext,
        model: CounterModel,
        noise: Noise,
        mode: SamplingMode,
        unit: str,
        sampling_rate: float,
        config: Mapping[str, Any],
    ) -> None:
        self.name = name
        self.unit = unit
        self.config = config
        self._context = context
        self._model = model
        self._level = model.level
        self._along = model.level if isinstance(model.level, AlongScan) else None
        self._constant = model.constant
        self._noise = noise
        self._rate = sampling_rate
        self._scans = 0
        self._peeks: np.random.Generator | None = None
        self._turn = 0
        self._values: Sequence[Value] | None = None
        self._reduce: Reducer | None = None
        self.mode = mode

    @property
    def channels(self) -> Sequence[Channel]:
        """One channel, in mode STATS seven, in mode SAMPLES two: the mean and an array."""
        return self._channels

    @property
    def mode(self) -> SamplingMode:
        """What is made of the samples of a point; a new one holds from the next scan."""
        return self._mode

    @mode.setter
    def mode(self, value: SamplingMode | str) -> None:
        self._mode = sampling_mode(value, self.name)
        self._channels = channels_of(self.name, self._mode, self.unit)

    @property
    def sampling_rate(self) -> float:
        """Samples per second of count time."""
        return self._rate

    @property
    def raw_read(self) -> float:
        """One sample of the signal now, outside of any scan; it does not change later noise."""
        level = self._level()
        if not self._noise:
            return level
        if self._peeks is None or self._turn != self._context.turn():
            self._turn = self._context.turn()
            self._peeks = self._context.random_between_scans(self.name)
        return self._noise.mean(level, 1, 1 / self._rate, self._peeks)

    @property
    def value(self) -> float:
        """The same as `raw_read`."""
        return self.raw_read

    def prepare(self, count_time: float, npoints: int) -> None:
        """Get ready for `npoints` gates (0: unknown) of `count_time` seconds."""
        seconds = not_negative(count_time, "count time", self.name)
        self._scans += 1
        # One stream for each scan: what an aborted scan left out does not change the next one.
        rng = self._context.random(f"{self.name} scan {self._scans}") if self._noise else None
        count = samples_per_point(seconds, self._rate)
        self._channels = channels_of(self.name, self._mode, self.unit, count)
        self._reduce = reducer(self._mode, self._noise, count, seconds, 1 / self._rate, rng)
        fixed = self._constant is not None and not self._noise
        self._values = self._reduce(self._constant or 0.0) if fixed else None
        if self._along:
            self._along.begin(npoints)

    def trigger(self) -> None:
        """Start a point; the count time is the engine's."""
        if self._along:
            self._along.next()

    def read(self) -> Sequence[Value]:
        """Return the values of the point, one for each channel."""
        if self._values is not None:
            return self._values
        if self._reduce is None:
            self.prepare(0.0, 1)
            return self.read()
        return self._reduce(self._level())

    def count_gates(
        self, middles: Sequence[float], paths: Mapping[Movable, Path]
    ) -> Sequence[Sequence[Value]]:
        """Return the rows of gates of a fly scan that are over, by the times of their middles."""
        if self._values is not None:
            return [self._values] * len(middles)
        past = Past()
        past.paths = paths
        level, reduce = self._model.seen_in(past), self._reduce
        if reduce is None:
            raise DeviceError("is not prepared for a scan", device=self.name)
        rows = []
        for past.time in middles:
            self.trigger()
            rows.append(reduce(level()))
        return rows

    def stop(self) -> None:
        """Do nothing: it stops counting with the gate."""

    def channel_metadata(self) -> dict[str, Any]:
        """Return mode and model for the NXdetector group."""
        noise: dict[str, Any] = {}
        if self._noise.sigma:
            noise = {"noise": self._noise.sigma, "noise@units": self.unit}
        if self._noise.poisson:
            noise["poisson"] = True
        return {
            "mode": str(self._mode),
            "sampling_rate": self._rate,
            "sampling_rate@units": "Hz",
            "model": self._model.name,
            **self._model.parameters,
            **noise,
        }

    def __info__(self) -> str:
        """Write its signal and settings as `info(counter)` shows them."""
        parameters = self._model.parameters
        rows = [
            ("value now", quantity(self.raw_read, self.unit)),
            ("mode", f"{self._mode}, {quantity(self._rate, 'samples/s')}"),
            ("channels", ", ".join(channel.name for channel in self._channels)),
            ("model", self._model.name),
        ]
        for key, value in parameters.items():
            if not key.endswith("@units"):
                unit = parameters.get(f"{key}@units", "")
                number = isinstance(value, float)
                rows.append((key, quantity(value, unit) if number else str(value)))
        rows.append(("noise", self._describe_noise()))
        return summary(f"{self.name}: simulated counter", rows)

    def __repr__(self) -> str:
        return f"<counter {self.name}: {self._model.name}, {self._mode}>"

    def _describe_noise(self) -> str:
        parts = []
        if self._noise.sigma:
            parts.append(f"{quantity(self._noise.sigma, self.unit)} per sample")
        if self._noise.spread:
            parts.append("uniform")
        if self._noise.poisson:
            parts.append("Poisson")
        return ", ".join(parts) or "none"


def simulated_counter(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    model: ModelName | None = None,
    distribution: str | None = None,
    axis: Movable | None = None,
    axes: Sequence[Any] = (),
    constant: float | None = None,
    height: float | None = None,
    background: float = 0.0,
    center: float | Sequence[float] = 0.0,
    fwhm: float | Sequence[float] | None = None,
    sigma: float | Sequence[float] | None = None,
    slope: float = 1.0,
    time_constant: float = 3600.0,
    refill: float = math.inf,
    mu_offset: float = 0.0,
    sigma_factor: float = 1.0,
    height_factor: float = 1.0,
    noise_factor: float = 0.0,
    noise: float = 0.0,
    poisson: bool = False,
    mode: str | None = None,
    sampling_rate: float = 100.0,
    unit: str = "",
    independent: bool = False,
    integration: bool = False,
) -> SimulatedCounter:
    """Build a simulated counter from its YAML keys, which the top of this module explains."""
    del independent
    along = Along(axes if axis is None else (axis, *axes), center, fwhm, sigma, slope)
    signal = Signal(
        name=name,
        unit=unit,
        asked=Asked(model, distribution, constant),
        height=height,
        background=background,
        along=along,
        times=Times(time_constant, refill),
        factors=Factors(mu_offset, sigma_factor, height_factor, noise_factor),
        noise=noise,
        poisson=poisson,
    )
    seen, scatter = counter_model(signal, context.clock)
    chosen = mode if mode is not None else "INTEGRATE" if integration else "MEAN"
    return SimulatedCounter(
        name,
        context=context,
        model=seen,
        noise=scatter,
        mode=sampling_mode(chosen, name),
        unit=unit,
        sampling_rate=positive(sampling_rate, "sampling_rate", name),
        config=config or {},
    )
