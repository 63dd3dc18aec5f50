"""From the YAML keys of a simulated spectrum detector to the detector, with every key checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from session_shell.devices.checks import not_negative, number, positive
from session_shell.devices.context import DeviceContext
from session_shell.devices.counters.counter_config import (
    Along,
    Asked,
    Factors,
    Signal,
    Times,
    counter_model,
)
from session_shell.devices.detectors.spectrum import Calibration, Element, SimulatedSpectrum
from session_shell.devices.detectors.xray_lines import elements as known_elements
from session_shell.devices.detectors.xray_lines import lines_of
from session_shell.devices.environment.shutter import shutter_of
from session_shell.errors import ConfigError, DeviceError, SessionShellError

_ELEMENT_KEYS = ("element", "lines", "rate", "axis", "axes", "center", "fwhm", "sigma")
_MOST_CHANNELS = 2**20


def simulated_spectrum(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    channels: int = 2048,
    energy_per_channel: float = 0.01,
    energy_offset: float = 0.0,
    resolution: float = 0.14,
    dead_time: float = 1e-6,
    background: float = 500.0,
    beam_energy: float | None = None,
    elastic_rate: float = 1000.0,
    elements: Sequence[Any] = (),
    rois: Mapping[str, Any] | None = None,
    shutter: Any = None,
) -> SimulatedSpectrum:
    """Build a spectrum detector from its YAML keys, which the module `spectrum` explains."""
    if not 2 <= channels <= _MOST_CHANNELS:
        raise ConfigError(
            f"{name}: channels must be from 2 to {_MOST_CHANNELS}, not {channels}", key="channels"
        )
    calibration = Calibration(
        channels,
        _checked(number, energy_offset, "energy_offset", name),
        _checked(positive, energy_per_channel, "energy_per_channel", name),
        _checked(positive, resolution, "resolution", name),
    )
    found = [_element(item, index, name, context) for index, item in enumerate(elements)]
    if beam_energy is not None:
        energy = _checked(positive, beam_energy, "beam_energy", name)
        rate = _checked(not_negative, elastic_rate, "elastic_rate", name)
        found.append(Element("elastic", lambda: rate, ((energy, 1.0),)))
    try:
        return SimulatedSpectrum(
            name,
            context=context,
            calibration=calibration,
            elements=found,
            background=_checked(not_negative, background, "background", name),
            dead_time=_checked(not_negative, dead_time, "dead_time", name),
            rois=rois or {},
            shutter=shutter_of(shutter, name),
            config=config,
        )
    except ConfigError:
        raise
    except SessionShellError as error:
        raise ConfigError(str(error), key="rois") from None


def _element(item: Any, index: int, name: str, context: DeviceContext) -> Element:
    key = f"elements.{index}"
    if not isinstance(item, Mapping) or not isinstance(item.get("element"), str):
        raise ConfigError(f"{name}: say which element: `{{element: Fe}}`", key=key)
    symbol = item["element"]
    if unknown := [str(k) for k in item if k not in _ELEMENT_KEYS]:
        raise ConfigError(
            f"{name}: {symbol} has no key {unknown[0]!r}; there are {', '.join(_ELEMENT_KEYS)}",
            key=f"{key}.{unknown[0]}",
        )
    axes = item.get("axes", [item["axis"]] if "axis" in item else [])
    signal = Signal(
        name=f"{name}: {symbol}",
        unit="counts/s",
        asked=Asked(constant=None if axes else item.get("rate", 1000.0)),
        height=item.get("rate", 1000.0) if axes else None,
        background=0.0,
        along=Along(
            axes if isinstance(axes, Sequence) else [axes],
            item.get("center", 0.0),
            item.get("fwhm"),
            item.get("sigma"),
        ),
        times=Times(),
        factors=Factors(),
        noise=0.0,
        poisson=False,
    )
    try:
        model, _ = counter_model(signal, context.clock)
    except ConfigError as error:
        raise ConfigError(error.message, key=f"{key}.{error.key}") from None
    return Element(symbol, model.level, _lines(item, symbol, f"{key}.lines", name), model.seen_in)


def _lines(item: Mapping[str, Any], symbol: str, key: str, name: str) -> tuple[Any, ...]:
    given = item.get("lines")
    if given is None:
        if known := lines_of(symbol):
            return known
        raise ConfigError(
            f"{name}: the lines of {symbol!r} are not known ({', '.join(known_elements())} are); "
            "give `lines: [energy in keV, ...]`",
            key=key,
        )
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise ConfigError(f"{name}: lines of {symbol} must be energies in keV", key=key)
    try:
        energies = [positive(energy, "energy", symbol) for energy in given]
    except DeviceError as error:
        raise ConfigError(f"{name}: {error}", key=key) from None
    return tuple((energy, 1 / len(energies)) for energy in energies)


def _checked(check: Callable[[Any, str, str], float], value: Any, key: str, name: str) -> float:
    try:
        return check(value, key, name)
    except DeviceError as error:
        raise ConfigError(str(error), key=key) from None
