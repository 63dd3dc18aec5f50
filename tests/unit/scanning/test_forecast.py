from __future__ import annotations

import math

import pytest

from session_shell.errors import CommandError, LimitError
from session_shell.session import Session


@pytest.mark.parametrize(
    "command",
    [
        "loopscan(7, 0.1, diode, sleep_time=0.5)",
        "ascan(roby, 1, 10, 9, 0.1, diode, stab_time=0.2)",
        "dscan(roby, -1, 1, 10, 0.1, diode)",
        "amesh(roby, 0, 2, 4, robz, 0, 20, 2, 0.1, diode, backnforth=True)",
    ],
)
def test_a_forecast_is_what_the_scan_takes(session: Session, command: str) -> None:
    told = session.run(f"simulate({command!r})")
    assert not session.scans
    assert session.namespace["roby"].position == 0
    assert not session.saving.folder.exists()
    scan = session.run(command)
    assert told.npoints == scan.data.npoints
    assert told.duration == pytest.approx(scan.duration, rel=1e-3)
    assert scan.file.stat().st_size == pytest.approx(told.size, rel=1)


def test_limits_are_checked(session: Session) -> None:
    with pytest.raises(LimitError):
        session.run("simulate('ascan(roby, 0, 99, 9, 0.1)')")
    with pytest.raises(LimitError):
        session.run("simulate('umv(roby, 99); ct(0.1)')")
    session.run("umv(roby, 5)")
    assert session.namespace["roby"].position == 5


def test_typed_words_and_several_scans(session: Session) -> None:
    told = session.run("simulate('umv roby 3; ct 0.1\\nfor n in 1, 2: loopscan(n, 0.1)')")
    assert [f.npoints for f in told] == [1, 1, 2]
    assert session.namespace["roby"].position == 0


def test_dry_runs_tell_and_do_nothing(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    scan = session.run("ascan(roby, 0, 10, 10, 0.1, run='dry')")
    out = capsys.readouterr().out
    assert "ascan roby 0 10 10 0.1: would take" in out
    assert "roby      0 to 10 mm" in out
    assert scan.data.npoints == 0
    assert scan.state == "IDLE"


def test_a_scan_made_before_can_be_simulated(session: Session) -> None:
    scan = session.run("loopscan(3600, 1, diode, run=False)")
    session.namespace["s"] = scan
    assert "1:00:00" in session.run("simulate(s)").__info__()
    assert scan.state == "IDLE"


def test_what_cannot_be_known_is_said(session: Session) -> None:
    class Slow:
        name, unit, position = "slow", "mm", 0.0

        def check_targets(self, targets: object) -> None: ...
        def start_move(self, target: float) -> None: ...
        def stop(self) -> None: ...

    session.namespace["slow"] = Slow()
    told = session.run("ascan(slow, 0, 1, 2, 0.1, diode, run=False).simulate()")
    assert math.isnan(told.duration)
    assert "no velocity is known of slow" in told.__info__()
    with pytest.raises(CommandError, match="runs no scan"):
        session.run("simulate('1 + 1')")
