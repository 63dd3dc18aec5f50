"""From the YAML keys of a simulated axis to the axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.context import DeviceContext
from session_shell.errors import ConfigError, DeviceError


def simulated_axis(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    steps_per_unit: float = 1000.0,
    velocity: float = 1.0,
    acceleration: float = 10.0,
    backlash: float = 0.0,
    low_limit: float = -math.inf,
    high_limit: float = math.inf,
    unit: str = "",
    sign: int = 1,
    offset: float = 0.0,
    position: float | None = None,
    display_digits: int | None = None,
    modulo: float | None = None,
    encoder: Any = None,
) -> SimulatedAxis:
    """Build a simulated axis from its YAML keys.

    Limits and `position`, where it starts, are user positions in `unit`; velocity is in units per
    second, acceleration in units per second squared. With `modulo` (class ``ModuloAxis``: 360) its
    positions repeat after that; `encoder` refers to what measures it. An axis of class
    ``NoSettingsAxis`` forgets its position and settings at the end of the session.
    """
    settings = config or {}
    keys: dict[str, Any] = {
        "context": context,
        "config": settings,
        "steps_per_unit": steps_per_unit,
        "velocity": velocity,
        "acceleration": acceleration,
        "backlash": backlash,
        "limits": (low_limit, high_limit),
        "unit": unit,
        "sign": sign,
        "offset": offset,
        "position": position,
        "display_digits": display_digits,
        "keeps_settings": settings.get("class") != "NoSettingsAxis",
    }
    if modulo is None and settings.get("class") == "ModuloAxis":
        modulo = 360.0
    axis = SimulatedAxis(name, **keys) if modulo is None else _turning(name, modulo, keys)
    if encoder is not None:
        if not hasattr(encoder, "attach"):
            raise ConfigError(f"{name}: {encoder!r:.40} is no encoder; refer to one", key="encoder")
        encoder.attach(axis)
    return axis


def _turning(name: str, modulo: float, keys: Mapping[str, Any]) -> SimulatedAxis:
    from session_shell.devices.axes.modulo import ModuloAxis  # most sessions have none

    try:
        return ModuloAxis(name, modulo=modulo, **keys)
    except DeviceError as error:
        if "modulo" in str(error):
            raise ConfigError(str(error), key="modulo") from None
        raise
