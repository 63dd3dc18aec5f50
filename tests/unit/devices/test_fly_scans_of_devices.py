"""What can be timed by the clock takes part in continuous scans, and the rest is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from session_shell import open_session
from session_shell.clock import VirtualClock
from session_shell.errors import CommandError, DeviceError
from session_shell.session import Session

TREE = """
- class: mockup
  axes:
    - {name: sy, unit: mm, steps_per_unit: 100000, velocity: 5, acceleration: 50, encoder: $enc}
    - {name: sz, unit: mm, position: 3}
  encoders:
    - {name: enc, steps_per_unit: 100}
- {name: diode, class: simulation_diode, model: linear, axis: $sy}
- {name: seven, class: simulation_diode, constant: 7, unit: counts}
- {name: mca, class: simulation_mca, background: 0, rois: {Au: [9.4, 10]},
   elements: [{element: Au, rate: 100000, axis: $sy, center: 0, fwhm: 0.2}]}
- {name: cam, class: simulation_camera, image_size: [64, 32], pixel_size: 100, spot_size: 500,
   axis_x: $sy, background: 0, dark: 0, noise: 0, rois: {all: [0, 0, 64, 32]}}
- class: simulation_temperature
  name: temp
  ramprate: 60
  time_constant: 0
- {name: rate, class: per_second_counter, counter: $seven}
- class: calc_motor_mockup
  name: ""
  axes: [{name: $sy, tags: real real_mot}, {name: twice, tags: calc_mot}]
- {name: s, class: Session}
"""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "a.yml").write_text(TREE.replace('  name: ""\n', ""))
    with open_session(
        "s", config=tmp_path, data=tmp_path / "data", clock=VirtualClock(1.7e9), seed=1
    ) as session:
        assert session.problems == []
        yield session


def columns(session: Session, code: str) -> dict[str, Any]:
    return dict(session.run(code.removesuffix(")") + ", save=False)").data)


def test_a_calculated_counter_uses_the_very_values(session: Session) -> None:
    session.run('calc_counter("off", lambda d, x: d - x, diode, sz)')
    session.run('calc_counter("twofold", lambda o: 2 * o, off)')
    found = columns(session, "fscan(sy, -1, 1, 8, 0.1, twofold, diode, rate)")
    assert list(found)[2:] == ["sy", "twofold", "diode", "rate", "seven", "off"]
    assert found["off"] == pytest.approx(found["diode"] - 3)
    assert found["twofold"] == pytest.approx(2 * found["off"])
    assert found["diode"] == pytest.approx(found["sy"])
    assert found["rate"] == pytest.approx([70.0] * 8)


def test_detectors_see_the_axis_where_it_was(session: Session) -> None:
    found = columns(session, "fscan(sy, -1, 1, 21, 0.1, mca, cam.counters.all_sum, enc)")
    # The peak at zero is in the middle of the scan, not where the axis was when it was read.
    assert found["mca_Au"].argmax() == 10
    assert found["mca"].shape == (21, 2048)
    assert found["mca"][:, 950:1000].sum(axis=1).argmax() == 10
    assert "cam" not in found
    assert found["enc"] == pytest.approx(found["sy"], abs=0.0051)
    images = columns(session, "fscan(sy, -1, 1, 5, 0.1, cam)")["cam"]
    middles = [int(image.sum(axis=0).argmax()) for image in images.astype(float)]
    assert middles == pytest.approx([31.5 + 10 * x for x in (-0.8, -0.4, 0, 0.4, 0.8)], abs=2)


def test_times_positions_and_temperatures(session: Session) -> None:
    session.run('clock_counter("t", "elapsed"); clock_counter("day")')
    session.run("temp.setpoint = 60")
    found = columns(session, "fscan(sy, -1, 1, 5, 0.2, t, day, sz, temp)")
    assert found["t"] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8], abs=1e-6)
    assert found["day"] == pytest.approx(found["epoch"])
    assert found["sz"].tolist() == [3.0] * 5
    assert np.diff(found["temp"]) == pytest.approx([0.2] * 4, abs=1e-6)


def test_one_channel_of_several(session: Session) -> None:
    found = columns(session, "fscan(sy, -1, 1, 3, 0.2, mca.counters.live_time)")
    assert list(found)[3:] == ["mca_live_time"]


def test_what_cannot_be_timed(session: Session) -> None:
    session.run('soft_counter("x", lambda: 1); calc_counter("y", lambda a: a, x)')
    for name in ("x", "y"):
        with pytest.raises(CommandError, match=f"fscan: {name} cannot be timed by the clock"):
            session.run(f"fscan(sy, 0, 1, 3, 0.1, {name})")
    with pytest.raises(DeviceError, match="twice: cannot be followed while its real axis passes"):
        columns(session, "fscan(sy, 0, 1, 3, 0.1, twice)")
    session.run("cam.exposure = 0.5")
    with pytest.raises(DeviceError, match=r"cam: an image takes 0.5 s \(exposure and readout\)"):
        columns(session, "fscan(sy, 0, 1, 3, 0.1, cam)")
