"""Calculated axes scan like real ones, alone and together, and the real axes' limits hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from session_shell import open_session
from session_shell.clock import VirtualClock
from session_shell.errors import CommandError, LimitError
from session_shell.session import Session

TREE = """
- class: mockup
  axes:
    - {name: up, unit: mm, steps_per_unit: 2000, velocity: 5, low_limit: -5, high_limit: 10}
    - {name: down, unit: mm, steps_per_unit: 2000, velocity: 5, low_limit: -5, high_limit: 10}
    - {name: mono, unit: deg, steps_per_unit: 1000000, low_limit: 2, high_limit: 70, position: 14,
       encoder: $enc}
    - {name: phi, class: ModuloAxis, modulo: 360, unit: deg}
  encoders:
    - {name: enc, steps_per_unit: 100}
- class: slits
  name: s1
  axes:
    - {name: $up, tags: real up}
    - {name: $down, tags: real down}
    - {name: gap, tags: vgap}
    - {name: centre, tags: voffset}
- class: EnergyWavelength
  name: bragg
  dspace: 3.1356
  axes:
    - {name: $mono, tags: real monoang}
    - {name: energy, tags: energy}
    - {name: wavelength, tags: wavelength}
- {class: AxisGroup, name: blades, axes: [$up, $down]}
- {name: diode, class: simulation_diode, model: linear, axis: $up}
- {name: s, class: Session}
"""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "a.yml").write_text(TREE)
    with open_session(
        "s", config=tmp_path, data=tmp_path / "data", clock=VirtualClock(1.7e9), seed=1
    ) as session:
        assert session.problems == []
        yield session


def columns(session: Session, code: str) -> dict[str, list[float]]:
    scan = session.run(code.removesuffix(")") + ", save=False)")
    return {name: column.tolist() for name, column in scan.data.items()}


def test_a_gap_is_scanned(session: Session) -> None:
    found = columns(session, "ascan(gap, 0, 4, 4, 0.1, diode, up, down)")
    assert found["gap"] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert found["up"] == found["down"] == found["diode"] == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_gap_and_offset_together(session: Session) -> None:
    found = columns(session, "a2scan(gap, 0, 4, centre, -1, 1, 2, 0.1, up, down)")
    assert found["gap"] == [0.0, 2.0, 4.0]
    assert found["centre"] == [-1.0, 0.0, 1.0]
    assert found["up"] == [-1.0, 1.0, 3.0]
    assert found["down"] == [1.0, 1.0, 1.0]


def test_a_mesh_of_gap_and_offset(session: Session) -> None:
    found = columns(session, "amesh(gap, 1, 2, 1, centre, -1, 1, 2, 0.1, up)")
    assert found["gap"] == [1, 2, 1, 2, 1, 2]
    assert found["centre"] == [-1, -1, 0, 0, 1, 1]


def test_relative_scans_go_back_together(session: Session) -> None:
    session.run("mv(gap, 2, centre, 0.5)")
    columns(session, "d2scan(gap, -1, 1, centre, -1, 1, 4, 0.1, diode)")
    assert session.run("gap.position, centre.position") == (2.0, 0.5)


def test_limits_are_those_of_the_real_axes_on_the_whole_way(session: Session) -> None:
    # Each alone would be fine: gap up to 16 mm with centre 0, centre up to 5 mm with gap 0.
    session.run("gap.check_targets([16]); centre.check_targets([5])")
    with pytest.raises(LimitError, match=r"^gap, centre cannot get there: up: 11.375 mm is"):
        columns(session, "a2scan(gap, 0, 16, centre, 0, 5, 8, 0.1, diode)")
    assert session.run("up.position, down.position") == (0.0, 0.0)


def test_together_more_can_be_reached_than_one_by_one(session: Session) -> None:
    session.run("mv(centre, -4)")
    with pytest.raises(LimitError):
        session.run("gap.check_targets([16])")
    found = columns(session, "a2scan(gap, 0, 16, centre, -4, 0, 4, 0.1, up)")
    assert found["up"] == [-4.0, -1.0, 2.0, 5.0, 8.0]


def test_a_blade_and_its_gap(session: Session) -> None:
    with pytest.raises(CommandError, match="up is already moved by a calculated axis"):
        columns(session, "a2scan(gap, 0, 1, up, 0, 1, 2, 0.1, diode)")


def test_an_energy_is_scanned(session: Session) -> None:
    found = columns(session, "ascan(energy, 7, 8, 4, 0.1, wavelength, enc)")
    assert found["energy"] == pytest.approx([7, 7.25, 7.5, 7.75, 8], abs=1e-5)
    products = [e * w for e, w in zip(found["energy"], found["wavelength"], strict=True)]
    assert products == pytest.approx([12.39842] * 5, abs=1e-4)
    with pytest.raises(LimitError, match="energy: 1 keV cannot be reached"):
        columns(session, "ascan(energy, 8, 1, 7, 0.1, diode)")
    with pytest.raises(CommandError, match=r"turn the same crystal|already moved"):
        columns(session, "a2scan(energy, 7, 8, wavelength, 1, 2, 2, 0.1, diode)")


def test_an_axis_that_turns_is_scanned(session: Session) -> None:
    found = columns(session, "ascan(phi, 350, 370, 4, 0.1, diode)")
    assert found["phi"] == [350.0, 355.0, 0.0, 5.0, 10.0]


def test_a_group_and_an_encoder_from_yaml(session: Session) -> None:
    session.run("blades.move(up, 1, down, 2)")
    assert session.run("gap.position") == 3.0
    session.run("mv(mono, 14.123456)")
    assert session.run("mono.measured_position") == 14.12
    assert session.run("Group('up', down).position") == {"up": 1.0, "down": 2.0}
    with pytest.raises(CommandError, match="Group: argument 2 must be an axis"):
        session.run("Group(up, diode)")
    with pytest.raises(CommandError, match="Group: give at least one axis"):
        session.run("Group()")
