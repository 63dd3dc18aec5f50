from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.axes.monochromator import calc_motor_mockup, energy_wavelength
from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.together import move_together
from session_shell.devices.protocols import missing_members
from session_shell.errors import CommandError, ConfigError, LimitError

Make = Callable[..., SimulatedAxis]


@pytest.fixture
def mono(axis: Make) -> SimulatedAxis:
    return axis("mono", unit="deg", steps_per_unit=1e6, low_limit=2, high_limit=70, position=14.31)


def made(mono: SimulatedAxis, context: DeviceContext, **keys: Any) -> dict[str, Any]:
    items = [
        {"name": mono, "tags": "real monoang"},
        {"name": "energy", "tags": "energy", **keys.pop("energy", {})},
        {"name": "wavelength", "tags": "wavelength", **keys.pop("wavelength", {})},
    ]
    return energy_wavelength("bragg", context=context, axes=items, **keys)


def test_the_law_of_bragg(mono: SimulatedAxis, context: DeviceContext) -> None:
    axes = made(mono, context)
    energy, wavelength = axes["energy"], axes["wavelength"]
    assert list(axes) == ["energy", "wavelength", "bragg"]
    assert missing_members(energy, "axis") == []
    assert (energy.unit, wavelength.unit) == ("keV", "angstrom")
    # 2 * 3.1356 * sin(14.31 deg) = 1.5500; 12.3984 / 1.5500 = 7.9989
    assert wavelength.position == pytest.approx(1.5500, abs=2e-4)
    assert energy.position == pytest.approx(7.9989, abs=1e-3)
    energy.move(8.0478)
    assert energy.position == pytest.approx(8.0478, abs=1e-5)
    assert wavelength.position == pytest.approx(1.54060, abs=1e-4)
    wavelength.move(1.0)
    assert energy.position == pytest.approx(12.39842, abs=1e-5)
    assert mono.position == pytest.approx(math.degrees(math.asin(1 / 2 / 3.1356)), abs=1e-5)


def test_other_units_and_crystals(axis: Make, context: DeviceContext) -> None:
    angle = axis("mono", unit="mrad", steps_per_unit=1e6, position=100.0)
    axes = made(
        angle, context, dspace=1.92, energy={"unit": "eV"}, wavelength={"unit": "nm"}
    )  # fmt: skip
    wavelength = 2 * 1.92 * math.sin(0.1)
    assert axes["wavelength"].position == pytest.approx(wavelength / 10)
    assert axes["energy"].position == pytest.approx(12398.42 / wavelength, rel=1e-6)
    axes["energy"].move(20_000)
    assert axes["energy"].position == pytest.approx(20_000, rel=1e-6)


def test_what_cannot_be_reached(mono: SimulatedAxis, context: DeviceContext) -> None:
    axes = made(mono, context)
    before = mono.position
    text = r"energy: 1 keV cannot be reached with d = 3.1356 angstrom, only from 1.977 keV"
    for verb in (axes["energy"].move, axes["energy"].start_move):
        with pytest.raises(LimitError, match=text):
            verb(1.0)
    with pytest.raises(LimitError, match=text):
        axes["energy"].check_targets(np.array([8.0, 1.0]))
    for bad in (0.0, -3.0):
        with pytest.raises(LimitError, match="cannot be reached"):
            axes["energy"].move(bad)
    with pytest.raises(LimitError, match=r"7 angstrom .* only above 0 and up to 6.2712 angstrom"):
        axes["wavelength"].move(7.0)
    with pytest.raises(LimitError, match=r"energy cannot get there: mono: .* outside \[2, 70\]"):
        axes["energy"].move(100.0)
    assert mono.position == before


def test_at_angle_zero_there_is_no_energy(axis: Make, context: DeviceContext) -> None:
    axes = made(axis("mono", unit="deg"), context)
    assert math.isnan(axes["energy"].position)
    assert "energy" in axes["bragg"].__info__()
    axes["energy"].move(10)
    assert axes["energy"].position == pytest.approx(10, abs=0.01)


def test_one_of_them_at_a_time(mono: SimulatedAxis, context: DeviceContext) -> None:
    axes = made(mono, context)
    with pytest.raises(CommandError, match="energy and wavelength turn the same crystal"):
        move_together({axes["energy"]: 8, axes["wavelength"]: 1}, clock=context.clock)


@pytest.mark.parametrize(
    ("change", "key", "text"),
    [
        ({"dspace": 0}, "dspace", "dspace must be above zero"),
        ({"energy": {"unit": "J"}}, "axes.1", "unit must be keV or eV, not 'J'"),
        ({"wavelength": {"unit": "m"}}, "axes.2", "unit must be angstrom or nm"),
        ({"energy": {"tags": "enrgy"}}, "axes.1.tags", "tags must be one of real monoang, energy"),
    ],
)
def test_bad_configuration(
    mono: SimulatedAxis, context: DeviceContext, change: dict[str, Any], key: str, text: str
) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        made(mono, context, **change)
    assert caught.value.key == key


def test_the_angle_is_needed(axis: Make, context: DeviceContext) -> None:
    with pytest.raises(ConfigError, match="there must be a real axis with `tags: real monoang`"):
        energy_wavelength("m", context=context, axes=[{"name": "e", "tags": "energy"}])
    with pytest.raises(ConfigError, match="mono must turn in deg, rad, mrad, not in mm"):
        made(axis("mono"), context)


def test_the_mockup(axis: Make, context: DeviceContext) -> None:
    roby = axis(low_limit=-5, high_limit=5)
    items = [{"name": roby, "tags": "real real_mot"}, {"name": "c", "tags": "calc_mot"}]
    axes = calc_motor_mockup("ctrl", context=context, axes=items, factor=4, offset=1)
    calc = axes["c"]
    assert (calc.position, calc.unit) == (1.0, "mm")
    calc.move(9)
    assert (calc.position, roby.position) == (9.0, 2.0)
    with pytest.raises(LimitError, match="c cannot get there: roby: 6 mm"):
        calc.move(25)
    assert repr(axes["ctrl"]) == "<calculated axis ctrl: calc_mot 9 mm>"
    with pytest.raises(ConfigError, match="factor cannot be 0"):
        calc_motor_mockup("ctrl", context=context, axes=items, factor=0)
    with pytest.raises(ConfigError, match="real axis with `tags: real real_mot`"):
        calc_motor_mockup("ctrl", context=context, axes=items[1:])
