"""Scans keep places when positions, offset, sign or dial are redefined under them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from session_shell.clock import VirtualClock
from session_shell.errors import ScanPaused, SessionShellError
from session_shell.scanning.documents import EndReason
from session_shell.scanning.presets import ScanPreset
from session_shell.session import Session

from .devices import Counter

CONFIG = """
- class: mockup
  axes:
    - {name: roby, velocity: 10, acceleration: 100}
    - {name: up, velocity: 10, acceleration: 100}
    - {name: down, velocity: 10, acceleration: 100}
- {name: rot, class: ModuloAxis, modulo: 360, unit: deg, steps_per_unit: 1000, velocity: 50,
   acceleration: 500}
- class: slits
  axes:
    - {name: $up, tags: real up}
    - {name: $down, tags: real down}
    - {name: gap, tags: vgap}
- {name: diode, class: simulation_diode, model: constant, constant: 1}
- {name: frames, class: Session}
"""

REDEFINE = [
    "{0}.position = 0",
    "{0}.offset = 3",
    "{0}.sign = -1",
    "{0}.dial = 1",
    "{0}.dial = 1; {0}.sign = -1; {0}.position = 11",
]


@pytest.fixture
def session(tmp_path: Path) -> Any:
    from session_shell import open_session

    config = tmp_path / "config"
    config.mkdir()
    (config / "frames.yml").write_text(CONFIG)
    with open_session(
        "frames", config=config, data=tmp_path / "data", clock=VirtualClock(), seed=1
    ) as opened:
        opened.host.keys = True
        yield opened


class Places(Counter):
    """A counter that notes where an axis is, by its motor: nothing renames that."""

    def __init__(self, axis: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self.axis = axis
        self.seen: list[float] = []

    def read(self) -> Any:
        self.seen.append(place(self.axis))
        return super().read()


def place(axis: Any) -> float:
    return float(axis.dial - axis.frame.shift)


def pause() -> None:
    os.kill(os.getpid(), signal.SIGTSTP)


@pytest.mark.parametrize("redefine", REDEFINE)
@pytest.mark.parametrize("name", ["roby", "rot"])
def test_a_paused_scan_goes_on_and_back_where_it_was(
    session: Session, name: str, redefine: str, caplog: pytest.LogCaptureFixture
) -> None:
    axis = session.namespace[name]
    session.run(f"mv({name}, 8)")
    counter = session.namespace["counter"] = Places(axis, at={3: pause})
    with pytest.raises(ScanPaused):
        session.run(f"dscan({name}, -2, 2, 8, 0.1, counter)")
    session.run(redefine.format(name))
    session.run(f"mvr({name}, 5)")
    scan = session.run("resume()")
    assert scan.end_reason is EndReason.SUCCESS
    assert counter.seen == pytest.approx(list(np.linspace(6, 10, 9)))
    assert scan.data[name].tolist() == pytest.approx(list(np.linspace(6, 10, 9)))
    assert place(axis) == pytest.approx(8)
    assert f"{name}: its positions were redefined during the scan" in caplog.text


class Redefine(ScanPreset):
    """Run code of a person in a hook."""

    def __init__(self, session: Session, hook: str, code: str) -> None:
        self.session, self.code = session, code
        setattr(self, hook, self.run)

    def run(self, *_arguments: Any) -> None:
        self.session.run(self.code)


@pytest.mark.parametrize("hook", ["prepare", "start", "before_point", "after_point", "stop"])
@pytest.mark.parametrize("redefine", REDEFINE)
def test_hooks_that_redefine_positions_move_no_point(
    session: Session, hook: str, redefine: str
) -> None:
    axis = session.namespace["roby"]
    session.run("mv(roby, 8)")
    counter = session.namespace["counter"] = Places(axis)
    scan = session.run("dscan(roby, -2, 2, 8, 0.1, counter, run=False)")
    scan.add_preset(Redefine(session, hook, redefine.format("roby")))
    scan.run()
    assert counter.seen == pytest.approx(list(np.linspace(6, 10, 9)))
    assert scan.data["roby"].tolist() == pytest.approx(list(np.linspace(6, 10, 9)))
    assert place(axis) == pytest.approx(8)


@pytest.mark.parametrize("redefine", REDEFINE)
@pytest.mark.parametrize("name", ["roby", "rot"])
def test_continuous_scans_keep_their_lines(session: Session, name: str, redefine: str) -> None:
    axis = session.namespace[name]
    session.run(f"mv({name}, 8)")
    scan = session.run(f"fmesh({name}, 4, 8, 4, up, 0, 2, 2, 0.5, diode, run=False)")
    scan.add_preset(Redefine(session, "start", redefine.format(name)))
    scan.run()
    assert scan.data[name].tolist() == pytest.approx([4.5, 5.5, 6.5, 7.5] * 3)
    run_up = 2**2 / (2 * axis.acceleration)
    assert place(axis) == pytest.approx(8 + run_up)


def test_a_calculated_axis_goes_back_and_refuses_points_that_mean_something_else(
    session: Session,
) -> None:
    up, down = session.namespace["up"], session.namespace["down"]
    session.run("mv(gap, 4)")
    session.namespace["counter"] = Places(up, at={3: pause})
    with pytest.raises(ScanPaused):
        session.run("dscan(gap, -2, 2, 8, 0.1, counter)")
    session.run("up.position = 0; mvr(gap, 1)")
    with pytest.raises(SessionShellError, match="gap: it is calculated from up, whose positions"):
        session.run("resume()")
    assert session.scans[-1].end_reason is EndReason.FAILURE
    assert (place(up), place(down)) == (2, 2)


def test_what_is_redefined_between_scans_is_none_of_their_business(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    session.run("mv(roby, 8); roby.position = 1")
    scan = session.run("dscan(roby, -1, 1, 2, 0.1, diode)")
    assert scan.data["roby"].tolist() == [0, 1, 2]
    assert caplog.text == ""
