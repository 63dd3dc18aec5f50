"""From the YAML keys of a simulated camera to the camera, with every key checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from session_shell.devices.checks import not_negative, number, positive
from session_shell.devices.context import DeviceContext
from session_shell.devices.counters.models import FWHM_PER_SIGMA
from session_shell.devices.detectors.camera import ROI_COUNTERS, Optics, SimulatedCamera
from session_shell.devices.environment.shutter import shutter_of
from session_shell.devices.protocols import Movable
from session_shell.errors import ConfigError, DeviceError, SessionShellError

_MOST_PIXELS = 2**27
"""A quarter of a gigabyte of 16-bit pixels."""
_UM_PER_UNIT = {"mm": 1e3, "um": 1.0, "nm": 1e-3, "m": 1e6, "cm": 1e4}

One = float | Sequence[float]
Dtype = Literal["uint8", "uint16", "uint32", "int32", "float32"]


def simulated_camera(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    image_size: Sequence[int] = (1024, 1024),
    pixel_size: One = 10.0,
    dtype: Dtype = "uint16",
    exposure: float | None = None,
    readout_time: float = 0.0,
    intensity: float = 10_000.0,
    spot_size: One = 500.0,
    center: Sequence[float] | None = None,
    axis_x: Movable | None = None,
    axis_y: Movable | None = None,
    scale: Sequence[float] | None = None,
    background: float = 100.0,
    dark: float = 100.0,
    noise: float = 3.0,
    rois: Mapping[str, Any] | None = None,
    roi_counters: Sequence[str] = ROI_COUNTERS,
    shutter: Any = None,
) -> SimulatedCamera:
    """Build a camera from its YAML keys, which the module `camera` explains."""
    check = _Check(name)
    size = check.size(image_size)
    pixels = check.pair(positive, pixel_size, "pixel_size")
    widths = check.pair(positive, spot_size, "spot_size")
    middle = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    optics = Optics(
        size=size,
        pixel_size=pixels,
        center=middle if center is None else check.pair(number, center, "center"),
        sigma=(widths[0] / pixels[0] / FWHM_PER_SIGMA, widths[1] / pixels[1] / FWHM_PER_SIGMA),
        axes=(axis_x, axis_y),
        scale=check.scale(scale, (axis_x, axis_y), pixels),
        intensity=check.one(not_negative, intensity, "intensity"),
        background=check.one(not_negative, background, "background"),
        dark=check.one(number, dark, "dark"),
        noise=check.one(not_negative, noise, "noise"),
    )
    check.counters(roi_counters)
    check.times(exposure, readout_time)
    seen_through = shutter_of(shutter, name)
    try:
        return SimulatedCamera(
            name,
            context=context,
            optics=optics,
            dtype=dtype,
            exposure=exposure,
            readout_time=readout_time,
            rois=rois or {},
            roi_counters=roi_counters,
            shutter=seen_through,
            config=config,
        )
    except SessionShellError as error:
        raise ConfigError(str(error), key="rois") from None


class _Check:
    """Checks of the keys of one camera; what is wrong is raised with its key."""

    def __init__(self, name: str) -> None:
        self.name = name

    def one(self, check: Callable[[Any, str, str], float], value: Any, key: str) -> float:
        try:
            return check(value, key, self.name)
        except DeviceError as error:
            raise ConfigError(str(error), key=key) from None

    def times(self, exposure: float | None, readout_time: float) -> None:
        if exposure is not None:
            self.one(positive, exposure, "exposure")
        self.one(not_negative, readout_time, "readout_time")

    def pair(
        self, check: Callable[[Any, str, str], float], value: Any, key: str
    ) -> tuple[float, float]:
        values = list(value) if isinstance(value, Sequence) else [value, value]
        if len(values) != 2:
            raise ConfigError(f"{self.name}: {key} must be [x, y], not {value!r}", key=key)
        return self.one(check, values[0], key), self.one(check, values[1], key)

    def size(self, value: Sequence[int]) -> tuple[int, int]:
        if len(value) != 2 or min(value) < 1 or value[0] * value[1] > _MOST_PIXELS:
            raise ConfigError(
                f"{self.name}: image_size must be [width, height] in pixels, {_MOST_PIXELS} "
                f"together at most, not {list(value)}",
                key="image_size",
            )
        return int(value[0]), int(value[1])

    def scale(
        self,
        value: Sequence[float] | None,
        axes: tuple[Movable | None, Movable | None],
        pixels: tuple[float, float],
    ) -> tuple[float, float]:
        """Return how far the spot moves, in pixels per unit of the axes."""
        if value is not None:
            return self.pair(number, value, "scale")
        found = []
        for axis, pixel, key in zip(axes, pixels, ("axis_x", "axis_y"), strict=True):
            if axis is not None and axis.unit not in _UM_PER_UNIT:
                raise ConfigError(
                    f"{self.name}: {axis.name} moves in {axis.unit or 'no unit'}: give `scale` "
                    "[x, y] in pixels per unit",
                    key=key,
                )
            found.append(_UM_PER_UNIT[axis.unit] / pixel if axis is not None else 0.0)
        return found[0], found[1]

    def counters(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in ROI_COUNTERS:
                raise ConfigError(
                    f"{self.name}: roi_counters are some of {', '.join(ROI_COUNTERS)}, "
                    f"not {name!r}",
                    key="roi_counters",
                )
