"""Scans of round axes, beside positions calculated by hand: continuous ones and peaks."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from session_shell.clock import VirtualClock
from session_shell.errors import LimitError, SessionShellError
from session_shell.session import Session

CONFIG = """
- {name: rot, class: ModuloAxis, modulo: 360, unit: deg, steps_per_unit: 1000, velocity: 50,
   acceleration: 500}
- {name: bound, class: ModuloAxis, modulo: 360, unit: deg, steps_per_unit: 1000, velocity: 50,
   acceleration: 500, low_limit: -200, high_limit: 200}
- {name: back, class: ModuloAxis, modulo: 360, unit: deg, steps_per_unit: 1000, velocity: 50,
   acceleration: 500, backlash: 1, sign: -1}
- {class: mockup, axes: [{name: slow, velocity: 10, acceleration: 100}]}
- {name: diode, class: simulation_diode, model: gaussian, axis: $rot, fwhm: 8, center: 0,
   height: 1000}
- {name: edge, class: simulation_diode, model: gaussian, axis: $rot, fwhm: 8, center: 5,
   height: 1000}
- {name: flat, class: simulation_diode, model: constant, constant: 1}
- {name: round, class: Session}
"""


@pytest.fixture
def shown() -> io.StringIO:
    """What the session shows."""
    return io.StringIO()


@pytest.fixture
def session(tmp_path: Path, shown: io.StringIO) -> Iterator[Session]:
    from session_shell import open_session

    config = tmp_path / "config"
    config.mkdir()
    (config / "round.yml").write_text(CONFIG)
    with open_session(
        "round",
        config=config,
        data=tmp_path / "data",
        clock=VirtualClock(),
        seed=1,
        stream=shown,
    ) as opened:
        yield opened


def middles(start: float, stop: float, count: int) -> Any:
    width = (stop - start) / count
    return np.array([(start + (n + 0.5) * width) % 360 for n in range(count)])


def apart(one: Any, other: Any) -> Any:
    return np.abs((np.asarray(one) - np.asarray(other) + 180) % 360 - 180)


@pytest.mark.parametrize("turns", [0, 360, -720, 100, -3600])
@pytest.mark.parametrize("axis", ["rot", "back"])
@pytest.mark.parametrize(
    ("start", "stop"),
    [(-180, 180), (350, 370), (0, 360), (10, -10), (-10, 10), (720, 700), (100, 499), (359.5, 0.5)],
)
def test_a_pass_takes_the_points_that_were_asked_for(
    session: Session, axis: str, turns: float, start: float, stop: float
) -> None:
    if turns:
        step = 100 if turns > 0 else -100
        for _ in range(round(abs(turns) / 100)):
            session.run(f"mvr({axis}, {step})")
    here = session.namespace[axis]
    for _ in range(2):
        begin = session.clock.time()
        before = here.dial
        scan = session.run(f"fscan({axis}, {start}, {stop}, 8, 1, flat)")
        assert str(scan.end_reason) == "SUCCESS"
        column = scan.data[axis]
        assert ((column >= 0) & (column < 360)).all()
        assert apart(column, middles(start, stop, 8)).max() < 0.002
        # The way to the start is half a turn and the run-up at most, the pass is the range.
        speed = abs(stop - start) / 8
        way = abs(here.dial - before)
        assert way <= 180 + abs(stop - start) + 2 * speed**2 / 1000 + 1
        assert session.clock.time() - begin < 8 + 180 / 50 + 2


def test_meshes_of_round_axes(session: Session) -> None:
    for zigzag in (False, True):
        scan = session.run(
            f"fmesh(rot, 350, 370, 5, slow, 0, 1, 3, 0.1, flat, backnforth={zigzag})"
        )
        lines = [middles(350, 370, 5), middles(370, 350, 5) if zigzag else middles(350, 370, 5)]
        assert apart(scan.data["rot"], np.concatenate(lines * 2)).max() < 0.002


def test_a_pass_that_fits_in_no_turn_is_refused(session: Session) -> None:
    session.run("umv(bound, 30)")
    for range_ in ("-199.9, 199.9", "0, 500", "-230, 180"):
        with pytest.raises(LimitError, match="in any turn"):
            session.run(f"fscan(bound, {range_}, 8, 2, flat)")
    assert session.namespace["bound"].position == 30
    scan = session.run("fscan(bound, 350, 370, 5, 0.5, flat)")
    assert apart(scan.data["bound"], middles(350, 370, 5)).max() < 0.002


def test_a_swing_keeps_to_the_limits(session: Session) -> None:
    session.run("umv(bound, 190)")
    with pytest.raises(LimitError):
        session.run("with rockit(bound, 80): pass")


def test_an_axis_that_is_stopped_in_a_pass_is_no_success(session: Session) -> None:
    session.run("class Stop:\n    def after_point(self, scan, index):\n        rot.stop()")
    with pytest.raises(SessionShellError, match=r"did not cross the gate|before the end of the"):
        session.run(
            "s = fscan(rot, 0, 20, 40, 0.1, flat, run=False); s.add_preset(Stop()); s.run()"
        )
    scan = session.scans[-1]
    assert str(scan.end_reason) == "FAILURE"
    assert 0 < scan.data.npoints < 40


def test_peaks_across_the_wrap(session: Session) -> None:
    session.run("from math import cos, radians, exp")
    # The simulated counters know no turns: this one sees the same peak in each of them.
    session.run(
        "soft_counter('seen', value=lambda: 900 * exp(300 * (cos(radians(rot.position - 5)) - 1)))"
    )
    session.run("umv(rot, 0)")
    scan = session.run("dscan(rot, -20, 20, 80, 0.1, seen)")
    assert scan.cen() == pytest.approx(5, abs=0.3)
    assert scan.com() == pytest.approx(5, abs=0.3)
    assert scan.peak() == pytest.approx(5, abs=0.6)
    assert scan.fwhm() == pytest.approx(7.79, abs=0.1)
    session.run("goto_com()")
    assert session.namespace["rot"].position == pytest.approx(5, abs=0.3)
    assert abs(session.namespace["rot"].dial) < 90
    session.run("umv(rot, 350)\nascan(rot, 340, 380, 80, 0.1, seen)")
    assert session.run("cen()") == pytest.approx(5, abs=0.3)
    assert session.run("fit().center") % 360 == pytest.approx(5, abs=0.3)
    number = session.scans[-1].number
    saved = session.run(f"open_scan(SCAN_SAVING.filename, {number})")
    assert saved.cen() == pytest.approx(5, abs=0.3)
    assert saved.fwhm() == pytest.approx(7.79, abs=0.1)


def test_counting_time_of_a_stopped_pass(session: Session, shown: io.StringIO) -> None:
    session.run("class Stop:\n    def after_point(self, scan, index):\n        scan.stop()")
    session.run(
        "s = fmesh(rot, 0, 20, 10, slow, 0, 1, 1, 0.1, flat, run=False); s.add_preset(Stop());"
        " s.run()"
    )
    scan = session.scans[-1]
    assert str(scan.end_reason) == "STOPPED"
    assert f"counting {scan.data.npoints * 0.1:.3f} s" in shown.getvalue()


@pytest.mark.parametrize("moving", [False, True])
def test_the_idioms_of_states(session: Session, moving: bool) -> None:
    session.run("move(slow, 5, wait=False)" if moving else "umv(slow, 5)")
    for code in ("slow.state.MOVING", "'MOVING' in slow.state", "slow.state == 'MOVING'"):
        assert session.run(code) is moving, code
    assert session.run("slow.state.READY") is not moving
    assert session.run("slow.state.LIMPOS") is False
    assert session.run("slow.state == slow.state")
    session.run("while slow.state.MOVING: sleep(0.1)")
    assert session.run("slow.position") == 5
