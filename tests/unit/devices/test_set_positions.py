"""Relative moves start from what was asked for, not from the motor step nearest to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from session_shell.clock import VirtualClock
from session_shell.session import Session

CONFIG = """
- class: mockup
  axes:
    - {name: bl, steps_per_unit: 787.4, velocity: 10, acceleration: 100}
    - {name: coarse, steps_per_unit: 1, velocity: 10, acceleration: 100}
    - {name: real, steps_per_unit: 1000, velocity: 10, acceleration: 100}
    - {name: up, steps_per_unit: 10, velocity: 10, acceleration: 100}
    - {name: down, steps_per_unit: 10, velocity: 10, acceleration: 100}
- {name: rot, class: ModuloAxis, modulo: 360, unit: deg, steps_per_unit: 3, velocity: 50}
- class: calc_motor_mockup
  axes:
    - {name: $real, tags: real real_mot}
    - {name: calc, tags: calc_mot}
- class: slits
  axes:
    - {name: $up, tags: real up}
    - {name: $down, tags: real down}
    - {name: gap, tags: vgap}
    - {name: middle, tags: voffset}
- {name: diode, class: simulation_diode, model: constant, constant: 1}
- {name: steps, class: Session}
"""


@pytest.fixture
def open_steps(tmp_path: Path) -> Iterator[Callable[[], Session]]:
    from session_shell import open_session

    config = tmp_path / "config"
    config.mkdir()
    (config / "steps.yml").write_text(CONFIG)
    opened: list[Session] = []

    def start() -> Session:
        for session in opened:
            session.close()
        opened.append(
            open_session("steps", config=config, data=tmp_path / "data", clock=VirtualClock())
        )
        return opened[-1]

    yield start
    opened[-1].close()


@pytest.fixture
def steps(open_steps: Callable[[], Session]) -> Session:
    return open_steps()


@pytest.mark.parametrize(
    ("command", "count", "name", "end"),
    [
        ("mvr(bl, 0.001)", 1000, "bl", 1.0),
        ("bl.rmove(0.001)", 1000, "bl", 1.0),
        ("umvr(bl, -0.001)", 1000, "bl", -1.0),
        ("mvdr(bl, 0.001)", 1000, "bl", 1.0),
        ("move(bl, 0.001, relative=True)", 1000, "bl", 1.0),
        ("coarse.rmove(0.1)", 10, "coarse", 1.0),
        ("coarse.move(0.1, relative=True)", 26, "coarse", 2.6),
        ("calc.rmove(0.0001)", 1000, "calc", 0.1),
        ("mvr(gap, 0.01)", 100, "gap", 1.0),
        ("mvr(gap, 0.01, middle, 0.01)", 100, "middle", 1.0),
        ("rot.rmove(0.1)", 100, "rot", 10.0),
        ("rot.rmove(-0.1)", 100, "rot", 350.0),
    ],
)
def test_small_relative_moves_add_up(
    steps: Session, command: str, count: int, name: str, end: float
) -> None:
    axis = steps.namespace[name]
    for _ in range(count):
        steps.run(command)
    half_step = 0.5 / abs(getattr(axis, "steps_per_unit", 5))
    assert abs(axis.position - end) <= half_step + 1e-9
    assert axis.set_position == pytest.approx(end, abs=1e-9)


def test_relative_moves_of_a_group_add_up(steps: Session) -> None:
    steps.run("both = Group(bl, coarse)")
    for _ in range(10):
        steps.run("both.rmove(bl, 0.0003, coarse, 0.16)")
    assert steps.namespace["coarse"].position == 2.0
    assert steps.namespace["bl"].set_position == pytest.approx(0.003)


def test_relative_moves_go_on_after_a_restart(open_steps: Callable[[], Session]) -> None:
    for _ in range(10):
        open_steps().run("coarse.rmove(0.1)")
    assert open_steps().namespace["coarse"].position == 1.0


@pytest.mark.parametrize(
    "change",
    [
        "coarse.position = coarse.position",
        "coarse.offset = 0",
        "coarse.sign = 1",
        "coarse.dial = coarse.dial",
        "move(coarse, 30, wait=False); sleep(1); coarse.stop(); wait_move(coarse)",
    ],
)
def test_a_stop_and_a_new_frame_forget_what_was_asked_for(steps: Session, change: str) -> None:
    coarse = steps.namespace["coarse"]
    coarse.move(0.4)
    assert coarse.set_position == 0.4
    steps.run(change)
    assert coarse.set_position == coarse.position


def test_a_stop_of_an_axis_that_stands_changes_nothing(steps: Session) -> None:
    steps.run("mv(coarse, 0.4); stop(); coarse.stop()")
    assert steps.namespace["coarse"].set_position == 0.4


def test_relative_scans_start_from_and_return_to_the_set_position(steps: Session) -> None:
    coarse: Any = steps.namespace["coarse"]
    coarse.move(0.4)
    scan = steps.run("dscan(coarse, 0, 2, 4, 0.1, diode)")
    assert scan.data["coarse"].tolist() == [0, 1, 1, 2, 2]
    assert coarse.set_position == 0.4
    steps.run("rockit_width = 4\nwith rockit(coarse, rockit_width):\n    sleep(3)")
    assert coarse.set_position == 0.4


def test_an_edited_position_wins_over_a_saved_set_position(
    open_steps: Callable[[], Session], tmp_path: Path
) -> None:
    open_steps().run("coarse.move(0.4)")
    file = tmp_path / "config" / "steps.yml"
    file.write_text(file.read_text().replace("name: coarse,", "name: coarse, position: 7,"))
    coarse = open_steps().namespace["coarse"]
    assert (coarse.position, coarse.set_position) == (7.0, 7.0)
