"""A monochromator: energy and wavelength calculated from the angle of its crystal.

Bragg's law: ``wavelength = 2 d sin(angle)``, and ``energy = h c / wavelength``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from session_shell.devices.axes.calculated import CalculatedAxis, Values, Where, here
from session_shell.devices.axes.controller import CalcController, add_axes, read_axes
from session_shell.devices.checks import positive
from session_shell.devices.context import DeviceContext
from session_shell.devices.protocols import Movable
from session_shell.devices.text import quantity
from session_shell.errors import CommandError, ConfigError, DeviceError, LimitError

HC = 12.398419843320026
"""Planck's constant times the velocity of light, keV times angstrom (exact by the SI)."""
SI_111 = 3.1356
"""Spacing of the (111) planes of silicon at room temperature, angstrom."""

_RADIANS = {"deg": math.pi / 180, "rad": 1.0, "mrad": 1e-3}
_KEV = {"keV": 1.0, "eV": 1e-3}
_ANGSTROM = {"angstrom": 1.0, "nm": 10.0}


class EnergyWavelength(CalcController):
    """Energy and wavelength that a crystal passes at its angle.

    Attributes:
        dspace: Spacing of the planes of the crystal, in angstrom.
    """

    kind = "energy and wavelength"
    real_tags = ("monoang",)
    calculated_tags = ("energy", "wavelength")

    def __init__(
        self,
        name: str,
        real: Mapping[str, Movable],
        *,
        dspace: float,
        context: DeviceContext,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name, real, context=context, config=config)
        if "monoang" not in real:
            raise ConfigError(
                f"{name or self.kind}: there must be a real axis with `tags: real monoang`",
                key="axes",
            )
        angle = real["monoang"]
        if angle.unit not in _RADIANS:
            raise ConfigError(
                f"{angle.name} must turn in {', '.join(_RADIANS)}, "
                f"not in {angle.unit or 'no unit'}",
                key="axes",
            )
        self.dspace = positive(dspace, "dspace", name)
        self._angle = angle
        self._radians = _RADIANS[angle.unit]

    def add(self, tag: str, config: Mapping[str, Any]) -> CalculatedAxis:
        """Make the axis ``energy`` (keV or eV) or ``wavelength`` (angstrom or nm)."""
        known = _KEV if tag == "energy" else _ANGSTROM
        unit = config.get("unit", self.unit_of(tag))
        if unit not in known:
            raise DeviceError(f"unit must be {' or '.join(known)}, not {unit!r}", device=tag)
        return super().add(tag, config)

    def unit_of(self, tag: str) -> str:
        """Return keV or angstrom."""
        return "keV" if tag == "energy" else "angstrom"

    def real_axes(self, tag: str) -> tuple[Movable]:  # noqa: ARG002  both move the crystal
        """Return the axis that turns the crystal."""
        return (self._angle,)

    def calculated(self, tag: str, where: Where = here) -> float:
        """Return the present energy or wavelength; NaN where the crystal passes none."""
        wavelength = 2 * self.dspace * math.sin(where(self._angle) * self._radians)
        if wavelength <= 0:
            return math.nan
        if tag == "energy":
            return HC / wavelength / _KEV[self.axes[tag].unit]
        return wavelength / _ANGSTROM[self.axes[tag].unit]

    def real_values(self, wanted: Mapping[str, Values]) -> list[tuple[Movable, Values]]:
        """Return the angles for energies or wavelengths.

        Raises `LimitError` for those that the crystal cannot pass at any angle.
        """
        if len(wanted) > 1:
            names = " and ".join(axis.name for axis in self.axes.values())
            raise CommandError(f"{names} turn the same crystal: give one of them")
        ((tag, values),) = wanted.items()
        axis, points = self.axes[tag], np.asarray(values, dtype=float)
        sines = self._sines(tag, points)
        bad = ~((sines > 0) & (sines <= 1))
        if bad.any():
            self._refuse(axis, tag, float(np.atleast_1d(points)[np.atleast_1d(bad)][0]))
        return [(self._angle, np.arcsin(sines) / self._radians)]

    def _sines(self, tag: str, values: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            if tag == "energy":
                return HC / (values * _KEV[self.axes[tag].unit]) / (2 * self.dspace)
            return values * _ANGSTROM[self.axes[tag].unit] / (2 * self.dspace)

    def _refuse(self, axis: CalculatedAxis, tag: str, value: float) -> None:
        longest = 2 * self.dspace
        limit, where = longest / _ANGSTROM.get(axis.unit, 1.0), "above 0 and up to"
        if tag == "energy":
            limit, where = HC / longest / _KEV[axis.unit], "from"
        raise LimitError(
            f"{quantity(value, axis.unit)} cannot be reached with d = {self.dspace:g} angstrom, "
            f"only {where} {limit:.5g} {axis.unit}",
            device=axis.name,
        )


class CalcMotorMockup(CalcController):
    """One axis that is another one times a factor, plus an offset: to try calculated axes with."""

    kind = "calculated axis"
    real_tags = ("real_mot",)
    calculated_tags = ("calc_mot",)

    def __init__(
        self,
        name: str,
        real: Mapping[str, Movable],
        *,
        factor: float,
        offset: float,
        context: DeviceContext,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name, real, context=context, config=config)
        if "real_mot" not in real:
            raise ConfigError(
                f"{name or self.kind}: there must be a real axis with `tags: real real_mot`",
                key="axes",
            )
        self._factor = factor
        self._offset = offset

    def real_axes(self, tag: str) -> tuple[Movable]:  # noqa: ARG002  there is one
        """Return the real axis."""
        return (self.real["real_mot"],)

    def calculated(self, tag: str, where: Where = here) -> float:  # noqa: ARG002  there is one
        """Return ``factor * real + offset``."""
        return self._factor * where(self.real["real_mot"]) + self._offset

    def real_values(self, wanted: Mapping[str, Values]) -> list[tuple[Movable, Values]]:
        """Return ``(calculated - offset) / factor``."""
        return [(self.real["real_mot"], (wanted["calc_mot"] - self._offset) / self._factor)]


def energy_wavelength(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    axes: Sequence[Any] = (),
    dspace: float = SI_111,
) -> dict[str, Any]:
    """Build energy and wavelength of a monochromator from its YAML keys.

    `axes` lists ``{name: $mono, tags: real monoang}`` and what to calculate, ``{name: energy,
    tags: energy}`` and ``{name: wavelength, tags: wavelength}`` (unit, low_limit and high_limit as
    for other axes). `dspace` is in angstrom; without it the crystal is silicon (111).
    """
    real, wanted = read_axes(name, EnergyWavelength, axes)
    try:
        controller = EnergyWavelength(name, real, dspace=dspace, context=context, config=config)
    except DeviceError as error:
        raise ConfigError(str(error), key="dspace") from None
    return add_axes(controller, wanted)


def calc_motor_mockup(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    axes: Sequence[Any] = (),
    factor: float = 2.0,
    offset: float = 0.0,
) -> dict[str, Any]:
    """Build a calculated axis, ``factor * real + offset``, from its YAML keys.

    `axes` lists ``{name: $roby, tags: real real_mot}`` and ``{name: calc1, tags: calc_mot}``.
    """
    if factor == 0 or not math.isfinite(factor):
        raise ConfigError(f"factor cannot be {factor:g}", key="factor")
    real, wanted = read_axes(name, CalcMotorMockup, axes)
    controller = CalcMotorMockup(
        name, real, factor=factor, offset=offset, context=context, config=config
    )
    return add_axes(controller, wanted)
