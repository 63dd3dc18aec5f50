"""A simulated camera: the spot of a beam that moves with axes, on a noisy background.

Its keys in YAML: `image_size` [width, height] in pixels, `pixel_size` in um (one number, or
[x, y]), `exposure` in seconds (none: the count time), `readout_time` in seconds, `dtype`. The
spot has `intensity` (counts per second at its peak), `spot_size` (FWHM in um, one number or
[x, y]) and stands at `center` [x, y] in pixels (none: the middle) when `axis_x` and `axis_y` are
at zero; they move it by `scale` [x, y] pixels per unit of the axis (none: by the pixel size).
`background` is in counts per second, `dark` in counts, `noise` the standard deviation of a pixel
in counts. `rois: {spot: [x, y, width, height]}` are regions in pixels, each with the counters of
`roi_counters`. With a `shutter` that is closed it sees the dark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.checks import not_negative, number, positive
from session_shell.devices.context import DeviceContext
from session_shell.devices.counters.derived import ChannelNames
from session_shell.devices.detectors.rois import Region, Rois
from session_shell.devices.motion.flying import Past, Path
from session_shell.devices.motion.waiting import Until
from session_shell.devices.protocols import Channel, Movable, Value
from session_shell.devices.text import quantity, summary
from session_shell.errors import DeviceError

if TYPE_CHECKING:
    from session_shell.devices.environment.shutter import Shutter

ROI_COUNTERS = ("sum", "avg", "std", "min", "max")
_SHIFTS = 65521
"""Noise is cut out of a longer strip, at one of this many places (a prime, so lines do not fit)."""
_REACH = 4.5
"""Standard deviations around its centre within which the spot is drawn."""


class Optics(NamedTuple):
    """What a camera sees, lengths in pixels, x before y."""

    size: tuple[int, int]
    pixel_size: tuple[float, float]
    """In um."""
    center: tuple[float, float]
    sigma: tuple[float, float]
    axes: tuple[Movable | None, Movable | None]
    scale: tuple[float, float]
    """Pixels per unit of the axes."""
    intensity: float
    background: float
    dark: float
    noise: float

    def spot(self) -> tuple[float, float]:
        """Return where the spot is now, x and y."""
        x, y = (
            center + (axis.position * scale if axis is not None else 0.0)
            for center, axis, scale in zip(self.center, self.axes, self.scale, strict=True)
        )
        return x, y


class SimulatedCamera:
    """A camera with regions of interest.

    Channels: `NAME` the image, shape (height, width), and `NAME_<region>_<counter>` for each
    region. An exposure that is longer than the count time is waited for.

    >>> cam.rois.set("spot", 400, 400, 200, 200)  # doctest: +SKIP
    >>> ascan(sy, -1, 1, 20, 0.1, cam.counters.spot_sum)  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str,
        *,
        context: DeviceContext,
        optics: Optics,
        dtype: str,
        exposure: float | None,
        readout_time: float,
        rois: Mapping[str, Sequence[float]],
        roi_counters: Sequence[str] = ROI_COUNTERS,
        shutter: Shutter | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.config: Mapping[str, Any] = config or {}
        self.unit = "counts"
        self.optics = optics
        self.dtype = np.dtype(dtype)
        self.shutter = shutter
        self.roi_counters = tuple(roi_counters)
        self.exposure = exposure
        self._readout_time = not_negative(readout_time, "readout_time", name)
        self._context = context
        self._exposure_now = 0.0
        self._count_time = 0.0
        self._scans = 0
        self._random: np.random.Generator | None = None
        self._strips: dict[float, NDArray[Any]] = {}
        self._shot: NDArray[np.float32] | None = None
        self.rois = Rois(name, self._checked_region, rois, _describe_region)

    @property
    def exposure(self) -> float | None:
        """Seconds of exposure; None is the count time. A new one holds from the next scan."""
        return self._exposure

    @exposure.setter
    def exposure(self, value: float | None) -> None:
        self._exposure = None if value is None else positive(value, "exposure", self.name)

    @property
    def image_size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.optics.size

    @property
    def channels(self) -> Sequence[Channel]:
        """The image, and the counters of each region."""
        width, height = self.optics.size
        image = Channel(
            self.name, "counter", "counts", str(self.dtype), (height, width), device=self.name
        )
        return [image] + [
            Channel(f"{self.name}_{roi}_{counter}", "counter", "counts", device=self.name)
            for roi in self.rois
            for counter in self.roi_counters
        ]

    @property
    def counters(self) -> ChannelNames:
        """Its channels, each a counter of its own: ``cam.counters.spot_sum``."""
        return ChannelNames(self)

    def prepare(self, count_time: float, npoints: int) -> None:  # noqa: ARG002
        """Get ready for gates of `count_time` seconds."""
        self._count_time = not_negative(count_time, "count time", self.name)
        self._exposure_now = self._count_time if self._exposure is None else self._exposure
        self._scans += 1
        self._random = self._context.random(f"{self.name} scan {self._scans}")
        self.rois.locked = True

    def gate_time(self, count_time: float) -> float:
        """Return the seconds that a point of `count_time` takes, with the readout."""
        exposure = count_time if self._exposure is None else self._exposure
        return max(exposure, count_time) + self._readout_time

    def trigger(self) -> Until | None:
        """Start an exposure; the status is done when the image is read out."""
        finish = self.gate_time(self._count_time)
        if finish <= self._count_time:
            return None
        clock = self._context.clock
        return Until(clock, clock.time() + finish, self.name)

    def read(self) -> Sequence[Value]:
        """Return the image and the counters of the regions."""
        if self._random is None:
            self.prepare(0.0, 1)
        return self._row(self.optics)

    def count_gates(
        self, middles: Sequence[float], paths: Mapping[Movable, Path]
    ) -> Sequence[Sequence[Value]]:
        """Return the rows of gates of a fly scan that are over, by the times of their middles.

        Raises `DeviceError` when an image takes longer than a gate.
        """
        needed = self._exposure_now + self._readout_time
        if needed > self._count_time * (1 + 1e-9):
            raise DeviceError(
                f"an image takes {needed:g} s (exposure and readout), a gate of this scan "
                f"{self._count_time:g} s",
                device=self.name,
            )
        past = Past()
        past.paths = paths
        x, y = (None if axis is None else past.axis(axis) for axis in self.optics.axes)
        optics = self.optics._replace(axes=(x, y))
        rows = []
        for past.time in middles:
            rows.append(self._row(optics))
        return rows

    def _row(self, optics: Optics) -> Sequence[Value]:
        assert self._random is not None
        image = self._image(self._random, optics)
        values: list[Value] = [image]
        for x, y, width, height in self.rois.values():
            part = image[int(y) : int(y + height), int(x) : int(x + width)]
            values += _statistics(part, self.roi_counters)
        return values

    def stop(self) -> None:
        """Let regions be changed again."""
        self.rois.locked = False

    def saved_state(self) -> dict[str, float | str | bool | None]:
        """Return the regions and the exposure."""
        return {"rois": self.rois.text, "exposure": self._exposure}

    def configured_state(self) -> dict[str, float | str | bool | None]:
        """Return the same as the configuration has it."""
        return {"rois": self.rois.configured_text, "exposure": self.config.get("exposure")}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Put saved regions and the exposure back."""
        if "exposure" in state:
            self.exposure = state["exposure"]
        if "rois" in state:
            self.rois.restore(state["rois"])

    def channel_metadata(self) -> dict[str, Any]:
        """Return pixels, times and regions for the NXdetector group."""
        x_size, y_size = self.optics.pixel_size
        found: dict[str, Any] = {
            "type": "camera, simulated",
            "x_pixel_size": x_size,
            "x_pixel_size@units": "um",
            "y_pixel_size": y_size,
            "y_pixel_size@units": "um",
            "count_time": self._exposure_now,
            "count_time@units": "s",
            "detector_readout_time": self._readout_time,
            "detector_readout_time@units": "s",
        }
        if self.dtype.kind in "iu":
            found["bit_depth_readout"] = self.dtype.itemsize * 8
            found["saturation_value"] = int(np.iinfo(self.dtype).max)
        if self.rois:
            keys = ("x", "y", "width", "height")
            found["rois"] = {
                name: {k: int(v) for k, v in zip(keys, region, strict=True)}
                for name, region in self.rois.items()
            }
        return found

    def __info__(self) -> str:
        """Write size, exposure and regions as `info(cam)` shows them."""
        width, height = self.optics.size
        x, y = self.optics.spot()
        exposure = "the count time" if self._exposure is None else quantity(self._exposure, "s")
        rows = [
            ("image", f"{width} x {height} pixels, {self.dtype}"),
            ("pixels", " x ".join(f"{size:g}" for size in self.optics.pixel_size) + " um"),
            ("exposure", exposure),
            ("spot now at", f"{x:.1f}, {y:.1f}"),
        ]
        rows += [(f"region {n}", _describe_region(r)) for n, r in self.rois.items()]
        if self.shutter is not None:
            rows.append(("shutter", f"{self.shutter.name} {self.shutter.state}"))
        return summary(f"{self.name}: simulated camera", rows)

    def __repr__(self) -> str:
        width, height = self.optics.size
        regions = ", ".join(self.rois) or "no regions"
        return f"<detector {self.name}: {width} x {height} pixels, {regions}>"

    # -- inside ------------------------------------------------------------------------------

    def _image(self, random: np.random.Generator, optics: Optics) -> NDArray[Any]:
        width, height = self.optics.size
        is_lit = self.shutter is None or self.shutter.is_open
        strip = self._strip(self.optics.background * self._exposure_now if is_lit else 0.0)
        first = int(random.integers(_SHIFTS))
        image = strip[first : first + width * height].reshape(height, width).copy()
        if is_lit:
            self._draw_spot(image, random, optics)
        return image

    def _strip(self, background: float) -> NDArray[Any]:
        """Return a strip of noise around a level, a little longer than an image.

        An image of noise of its own would take 60 ms; cutting one out of the strip takes 2 ms.
        """
        level = background + self.optics.dark
        if level not in self._strips:
            width, height = self.optics.size
            random = self._context.random(f"{self.name} background")
            noise = random.standard_normal(width * height + _SHIFTS, dtype=np.float32)
            noise *= math.hypot(self.optics.noise, math.sqrt(background))
            noise += level
            # Only two are kept, lit and dark: each is as large as an image.
            kept = list(self._strips.items())[-1:]
            self._strips = dict([*kept, (level, self._stored(noise))])
        return self._strips[level]

    def _draw_spot(self, image: NDArray[Any], random: np.random.Generator, optics: Optics) -> None:
        x, y = optics.spot()
        peak = self.optics.intensity * self._exposure_now
        columns, along_x = self._profile(0, x)
        rows, along_y = self._profile(1, y)
        if peak <= 0 or not len(along_x) or not len(along_y):
            return
        spot = np.outer(along_y * np.float32(peak), along_x)
        spot += np.sqrt(spot) * self._shot_noise(spot.size, random).reshape(spot.shape)
        spot += image[rows, columns]
        image[rows, columns] = self._stored(spot)

    def _profile(self, dimension: int, center: float) -> tuple[slice, NDArray[np.float32]]:
        """Return the pixels that the spot reaches along x (0) or y (1), and its shape there."""
        length = self.optics.size[dimension]
        sigma = self.optics.sigma[dimension]
        if not -_REACH * sigma < center < length + _REACH * sigma:
            return slice(0, 0), np.empty(0, np.float32)
        first = max(math.floor(center - _REACH * sigma), 0)
        last = min(math.ceil(center + _REACH * sigma) + 1, length)
        x = (np.arange(first, last, dtype=np.float32) - np.float32(center)) / np.float32(sigma)
        return slice(first, last), np.exp(-x * x / 2)

    def _shot_noise(self, count: int, random: np.random.Generator) -> NDArray[np.float32]:
        if self._shot is None or len(self._shot) < count + _SHIFTS:
            source = self._context.random(f"{self.name} shot noise")
            self._shot = source.standard_normal(count + _SHIFTS, dtype=np.float32)
        first = int(random.integers(_SHIFTS))
        return self._shot[first : first + count]

    def _stored(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """Return values as the camera gives them: whole numbers that end at saturation."""
        if self.dtype.kind == "f":
            return values.astype(self.dtype)
        limits = np.iinfo(self.dtype)
        highest = np.float32(limits.max)
        if float(highest) > limits.max:  # float32 has 24 bits: the next number below fits
            highest = np.nextafter(highest, np.float32(0))
        np.rint(values, out=values)
        return np.clip(values, limits.min, highest, out=values).astype(self.dtype)

    def _checked_region(self, x: float, y: float, width: float, height: float) -> Region:
        region = tuple(number(v, "a corner or length", self.name) for v in (x, y, width, height))
        across, down = self.optics.size
        whole = all(v == int(v) and v >= 0 for v in region)
        if not whole or not (1 <= width <= across - x and 1 <= height <= down - y):
            raise DeviceError(
                f"[{x:g}, {y:g}, {width:g}, {height:g}] must be x, y, width, height in whole "
                f"pixels within {across} x {down}",
                device=self.name,
            )
        return region


def _statistics(part: NDArray[Any], counters: Sequence[str]) -> list[float]:
    found: dict[str, Callable[[], Any]] = {
        "sum": lambda: part.sum(dtype=np.float64),
        "avg": lambda: part.mean(dtype=np.float64),
        "std": lambda: part.std(dtype=np.float64),
        "min": part.min,
        "max": part.max,
    }
    return [float(found[counter]()) for counter in counters]


def _describe_region(region: Region) -> str:
    x, y, width, height = map(int, region)
    return f"{width} x {height} pixels at {x}, {y}"
