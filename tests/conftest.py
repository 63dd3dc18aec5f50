from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from session_shell import open_session
from session_shell.clock import VirtualClock
from session_shell.session import Session

# Tests assert no times, and a run that failed can be repeated.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")

# Under nohup programs that the tests start would not notice that their terminal is closed. They
# inherit that a signal is ignored, but not that it has a handler.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)

BENCH = """
- class: mockup
  axes:
    - {name: roby, steps_per_unit: 10000, velocity: 10, acceleration: 100, unit: mm,
       low_limit: -50, high_limit: 50}
    - {name: robz, steps_per_unit: 10000, velocity: 5, acceleration: 50, unit: mm}
- {name: diode, class: simulation_diode, model: constant, constant: 7, unit: V}
- {name: diode3, class: simulation_diode, model: random}
- {name: MG1, class: MeasurementGroup, counters: [diode, diode3]}
- {name: MG2, class: MeasurementGroup, counters: [diode]}
- {name: bench, class: Session, setup-file: ./bench_setup.py}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A small configuration with two axes, two counters and an empty setup script."""
    folder = tmp_path / "config"
    (folder / "scripts").mkdir(parents=True)
    (folder / "bench.yml").write_text(BENCH)
    (folder / "bench_setup.py").write_text("")
    return folder


@pytest.fixture
def make_session(config: Path, tmp_path: Path) -> Iterator[Callable[..., Session]]:
    """Open sessions on that configuration, in virtual time; they are closed at the end."""
    opened: list[Session] = []

    def make(**changes: Any) -> Session:
        settings: dict[str, Any] = {
            "config": config,
            "data": tmp_path / "data",
            "clock": VirtualClock(start=1_700_000_000.0),
            "seed": 1,
        }
        session = open_session("bench", **{**settings, **changes})
        opened.append(session)
        return session

    yield make
    for session in opened:
        session.close()


@pytest.fixture
def session(make_session: Callable[..., Session]) -> Iterator[Session]:
    """An open session, the current one."""
    with make_session() as session:
        yield session
