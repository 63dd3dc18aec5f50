"""A simulated energy-dispersive detector: spectra of the elements in a sample.

Its keys in YAML: `channels`, `energy_per_channel` and `energy_offset` (keV) say how channels are
calibrated, `resolution` is the width (FWHM) of a line at 5.9 keV in keV, `dead_time` the seconds
that each event makes it blind. `elements` is a list; each has its `element` (a symbol, whose lines
are known, or any text with `lines: [energy in keV, ...]`), a `rate` in counts per second, and, for
an element that is not everywhere, `axis` or `axes` with `center` and `fwhm` as a diode has them.
`background` is the counts per second under the peaks, `beam_energy` and `elastic_rate` make a peak
of scattered beam. `rois: {Fe: [6.2, 6.6]}` are regions in keV. With a `shutter` that is closed it
sees nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.checks import not_negative, number
from session_shell.devices.context import DeviceContext
from session_shell.devices.counters.derived import ChannelNames
from session_shell.devices.counters.models import FWHM_PER_SIGMA, Level
from session_shell.devices.detectors.rois import Region, Rois
from session_shell.devices.motion.flying import Past, Path
from session_shell.devices.protocols import Channel, Movable, Value
from session_shell.devices.text import quantity, summary
from session_shell.errors import DeviceError

if TYPE_CHECKING:
    from session_shell.devices.environment.shutter import Shutter

_FANO_PAIR = 0.115 * 3.85e-3
"""Fano factor of silicon times the energy of an electron-hole pair, keV."""
_REFERENCE = 5.9
"""Energy at which resolutions are given (Mn Kα), keV."""


class Element(NamedTuple):
    """What one element gives: its rate now in counts per second, and its lines."""

    name: str
    rate: Level
    lines: tuple[tuple[float, float], ...]
    seen_in: Callable[[Past], Level] | None = None
    """Makes the rate as it was in the past; None: it is always the same."""


class Calibration(NamedTuple):
    """From channels to energies, in keV."""

    channels: int
    offset: float
    slope: float
    resolution: float
    """FWHM of a line at 5.9 keV."""

    def energies(self) -> NDArray[np.float64]:
        """Return the energy at the middle of each channel."""
        return self.offset + self.slope * np.arange(self.channels, dtype=np.float64)

    def place(self, energy: float) -> int:
        """Return the channel of an energy; it may lie outside."""
        return round((energy - self.offset) / self.slope)

    def sigma(self, energy: float) -> float:
        """Return the standard deviation of a line: electronic noise and charge statistics."""
        fixed = (self.resolution / FWHM_PER_SIGMA) ** 2 - _FANO_PAIR * _REFERENCE
        return sqrt(max(fixed, 1e-8) + _FANO_PAIR * max(energy, 0.0))

    def peak(self, energy: float) -> NDArray[np.float64]:
        """Return the part of the events of a line that falls into each channel."""
        sigma = self.sigma(energy)
        x = (self.energies() - energy) / sigma
        return np.exp(-x * x / 2) * (self.slope / (sigma * sqrt(2 * np.pi)))


class SimulatedSpectrum:
    """A detector of spectra with dead time and regions of interest.

    Channels: `NAME` the spectrum, `NAME_<region>` the counts in each region, `NAME_live_time` in
    seconds, and `NAME_dead_time`, the part of the time in which it was blind.

    >>> mca.rois.set("Cu", 7.9, 8.2)  # doctest: +SKIP
    >>> ascan(sy, -1, 1, 20, 0.1, mca)  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str,
        *,
        context: DeviceContext,
        calibration: Calibration,
        elements: Sequence[Element],
        background: float,
        dead_time: float,
        rois: Mapping[str, Sequence[float]],
        shutter: Shutter | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.config: Mapping[str, Any] = config or {}
        self.unit = "counts"
        self.calibration = calibration
        self.elements = tuple(elements)
        self.shutter = shutter
        self._context = context
        self._background = background
        self._dead_time = dead_time
        self._count_time = 0.0
        self._scans = 0
        self._random: np.random.Generator | None = None
        self._shapes: NDArray[np.float64] | None = None
        self._rates: tuple[float, ...] = ()
        self._expected: NDArray[np.float64] = np.zeros(calibration.channels)
        self.rois = Rois(name, self._checked_region, rois, self._describe_region)

    @property
    def channels(self) -> Sequence[Channel]:
        """The spectrum, the counts of each region, live time and dead time.

        The first one that is a number is what tables, plots and `cen` look at: a region.
        """
        name = self.name
        shape = (self.calibration.channels,)
        regions = [f"{name}_{roi}" for roi in self.rois]
        return [
            Channel(name, "counter", "counts", "uint32", shape, device=name),
            *(Channel(roi, "counter", "counts", "uint32", device=name) for roi in regions),
            Channel(f"{name}_live_time", "counter", "s", device=name),
            Channel(f"{name}_dead_time", "counter", device=name),
        ]

    @property
    def counters(self) -> ChannelNames:
        """Its channels, each a counter of its own: ``mca.counters.Fe``."""
        return ChannelNames(self)

    @property
    def energies(self) -> NDArray[np.float64]:
        """Energy of each channel in keV, shape (channels,)."""
        return self.calibration.energies()

    def prepare(self, count_time: float, npoints: int) -> None:  # noqa: ARG002
        """Get ready for gates of `count_time` seconds."""
        self._count_time = not_negative(count_time, "count time", self.name)
        self._scans += 1
        self._random = self._context.random(f"{self.name} scan {self._scans}")
        if self._shapes is None:
            self._shapes = self._element_shapes()
        self._rates = ()
        self.rois.locked = True

    def trigger(self) -> None:
        """Start a point; the count time is the engine's."""

    def read(self) -> Sequence[Value]:
        """Return spectrum, the counts of the regions, live time and dead time."""
        if self._random is None:
            self.prepare(0.0, 1)
        return self._row([element.rate for element in self.elements])

    def count_gates(
        self, middles: Sequence[float], paths: Mapping[Movable, Path]
    ) -> Sequence[Sequence[Value]]:
        """Return the rows of gates of a fly scan that are over, by the times of their middles."""
        past = Past()
        past.paths = paths
        rates = [e.rate if e.seen_in is None else e.seen_in(past) for e in self.elements]
        rows = []
        for past.time in middles:
            rows.append(self._row(rates))
        return rows

    def _row(self, levels: Sequence[Level]) -> Sequence[Value]:
        assert self._random is not None
        expected = self._expected_rates(levels)
        # Every event makes it blind for a while, events in that time do not make it longer.
        live = self._count_time / (1 + float(expected.sum()) * self._dead_time)
        spectrum = self._random.poisson(expected * live).astype(np.uint32)
        dead = 1 - live / self._count_time if self._count_time else 0.0
        regions = [
            int(spectrum[self._channel_range(low, high)].sum()) for low, high in self.rois.values()
        ]
        return [spectrum, *regions, live, dead]

    def stop(self) -> None:
        """Let regions be changed again."""
        self.rois.locked = False

    def saved_state(self) -> dict[str, float | str | bool | None]:
        """Return the regions."""
        return {"rois": self.rois.text}

    def configured_state(self) -> dict[str, float | str | bool | None]:
        """Return the regions of the configuration."""
        return {"rois": self.rois.configured_text}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Put saved regions back."""
        if "rois" in state:
            self.rois.restore(state["rois"])

    def channel_metadata(self) -> dict[str, Any]:
        """Return calibration, elements and regions for the NXdetector group."""
        found: dict[str, Any] = {
            "type": "energy-dispersive, simulated",
            "count_time": self._count_time,
            "count_time@units": "s",
            "energy": self.energies,
            "energy@units": "keV",
            "resolution": self.calibration.resolution,
            "resolution@units": "keV",
            "dead_time_per_event": self._dead_time,
            "dead_time_per_event@units": "s",
            "elements": ", ".join(element.name for element in self.elements),
        }
        if self.rois:
            found["rois"] = {
                name: {"start": low, "start@units": "keV", "stop": high, "stop@units": "keV"}
                for name, (low, high) in self.rois.items()
            }
        return found

    def __info__(self) -> str:
        """Write calibration, elements and regions as `info(mca)` shows them."""
        energies = self.energies
        rows = [
            ("channels", f"{len(energies)}, {energies[0]:g} to {energies[-1]:g} keV"),
            ("resolution", f"{quantity(self.calibration.resolution, 'keV')} at {_REFERENCE} keV"),
            ("dead time", f"{quantity(self._dead_time * 1e6, 'us')} per event"),
        ]
        rows += [(e.name, quantity(e.rate(), "counts/s now")) for e in self.elements]
        rows += [(f"region {n}", self._describe_region(r)) for n, r in self.rois.items()]
        if self.shutter is not None:
            rows.append(("shutter", f"{self.shutter.name} {self.shutter.state}"))
        return summary(f"{self.name}: simulated spectrum detector", rows)

    def __repr__(self) -> str:
        regions = ", ".join(self.rois) or "no regions"
        return f"<detector {self.name}: {self.calibration.channels} channels, {regions}>"

    # -- inside ------------------------------------------------------------------------------

    def _element_shapes(self) -> NDArray[np.float64]:
        """Return the parts of the events of each element by channel, the background first."""
        energies = np.maximum(self.energies, 0.0)
        # A continuum that falls with the energy, and nothing below the noise threshold.
        continuum = np.exp(-energies / 8.0) * (energies > 0.5)
        shapes = [continuum / max(continuum.sum(), 1e-300)]
        nothing = np.zeros(self.calibration.channels)
        shapes += [
            sum((part * self.calibration.peak(energy) for energy, part in e.lines), nothing)
            for e in self.elements
        ]
        return np.array(shapes)

    def _expected_rates(self, levels: Sequence[Level]) -> NDArray[np.float64]:
        """Return the counts per second of each channel for the levels of the elements."""
        if self.shutter is not None and not self.shutter.is_open:
            return np.zeros(self.calibration.channels)
        rates = (self._background, *(max(level(), 0.0) for level in levels))
        if rates != self._rates:
            assert self._shapes is not None
            self._expected = np.asarray(rates) @ self._shapes
            self._rates = rates
        return self._expected

    def _channel_range(self, low: float, high: float) -> slice:
        first = max(self.calibration.place(low), 0)
        return slice(first, max(self.calibration.place(high), first))

    def _checked_region(self, start: float, stop: float) -> Region:
        low, high = number(start, "start", self.name), number(stop, "stop", self.name)
        energies = self.energies
        if not energies[0] <= low < high <= energies[-1] + self.calibration.slope:
            raise DeviceError(
                f"{low:g} to {high:g} keV must be a range within {energies[0]:g} to "
                f"{energies[-1]:g} keV",
                device=self.name,
            )
        return low, high

    @staticmethod
    def _describe_region(region: Region) -> str:
        return f"{region[0]:g} to {region[1]:g} keV"
