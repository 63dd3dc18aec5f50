"""Watchdogs and pauses in continuous scans, and pauses that hold the code around a scan."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from session_shell.errors import ScanError, ScanPaused
from session_shell.scanning.documents import EndReason
from session_shell.scanning.scan import ScanState
from session_shell.session import Session

from .devices import Counter


@pytest.fixture
def at_prompt(session: Session) -> Session:
    session.host.keys = True
    return session


class AfterPoint:
    """A preset that does something after one point."""

    def __init__(self, point: int, act: Any) -> None:
        self.point, self.act = point, act

    def after_point(self, scan: Any, index: int) -> None:
        if index >= self.point and self.act is not None:
            act, self.act = self.act, None
            act()


def press(signum: int) -> Any:
    return lambda: os.kill(os.getpid(), signum)


FMESH = "fmesh(roby, 0, 4, 40, robz, 0, 2, 2, 0.05, diode, run=False)"
FSCAN = "fscan(roby, 0, 4, 40, 0.05, diode, run=False)"


@pytest.mark.parametrize("command", [FMESH, FSCAN])
@pytest.mark.parametrize(
    ("action", "reason"), [("abort", EndReason.USER_ABORT), ("stop", EndReason.STOPPED)]
)
def test_a_watchdog_ends_a_pass_in_its_middle(
    session: Session, command: str, action: Any, reason: EndReason
) -> None:
    scan = session.run(command)
    scan.add_watchdog(lambda scan: scan.data.npoints >= 10 and "no beam", action, interval=0.05)
    if action == "abort":
        with pytest.raises(KeyboardInterrupt):
            scan.run()
    else:
        scan.run()
    assert scan.end_reason is reason
    assert 10 <= scan.data.npoints < 20
    assert not session.namespace["roby"].is_moving


def test_a_watchdog_that_pauses_waits_for_the_end_of_the_line(session: Session) -> None:
    asked: list[int] = []

    def check(scan: Any) -> str:
        asked.append(scan.data.npoints)
        waiting = 10 <= scan.data.npoints <= 40 and asked.count(40) < 10
        return "no beam" if waiting else ""

    scan = session.run(FMESH)
    scan.add_watchdog(check, interval=0.05)
    scan.run()
    assert scan.end_reason is EndReason.SUCCESS
    assert scan.data.npoints == 120
    assert asked.count(40) >= 10, "it waited between the lines"
    assert max(asked) > 100, "it was asked to the end"


def test_ctrl_z_in_a_mesh_of_passes_pauses_between_lines(at_prompt: Session) -> None:
    scan = at_prompt.run(FMESH)
    scan.add_preset(AfterPoint(10, press(signal.SIGTSTP)))
    with pytest.raises(ScanPaused, match="after 40 of 120 points"):
        scan.run()
    assert not at_prompt.namespace["roby"].is_moving
    at_prompt.run("mv(roby, 20); resume()")
    assert scan.end_reason is EndReason.SUCCESS
    assert scan.data["roby"][40:80].tolist() == pytest.approx(
        [0.05 + 0.1 * n for n in range(40)], abs=1e-5
    )


@pytest.mark.parametrize(("command", "point"), [(FSCAN, 5), (FMESH, 90)])
def test_the_last_pass_says_that_it_cannot_be_paused(
    at_prompt: Session, command: str, point: int, caplog: pytest.LogCaptureFixture
) -> None:
    scan = at_prompt.run(command)
    scan.add_preset(AfterPoint(point, press(signal.SIGTSTP)))
    scan.run()
    assert scan.end_reason is EndReason.SUCCESS
    assert caplog.text.count("a pass cannot be paused") == 1


# Code around a scan


def test_a_pause_passes_through_code_that_catches_exceptions(at_prompt: Session) -> None:
    at_prompt.namespace["counter"] = Counter(at={1: press(signal.SIGTSTP)})
    with pytest.raises(ScanPaused):
        at_prompt.run(
            "for n in range(3):\n"
            "    try:\n"
            "        loopscan(4, 0.1, counter, save=False)\n"
            "    except Exception:\n"
            "        pass\n"
        )
    assert len(at_prompt.scans) == 1, "the next scan was not started"
    assert at_prompt.run("resume()").data.npoints == 4


def test_scans_may_be_paused_above_a_paused_one(at_prompt: Session) -> None:
    for name in ("first", "second"):
        at_prompt.namespace[name] = Counter(name, at={1: press(signal.SIGTSTP)})
        with pytest.raises(ScanPaused):
            at_prompt.run(f"loopscan(4, 0.1, {name}, save=False)")
    first, second = at_prompt.scans
    assert at_prompt.run("resume()") is second
    assert at_prompt.run("resume()") is first
    assert {scan.end_reason for scan in at_prompt.scans} == {EndReason.SUCCESS}


def test_paused_scans_may_be_ended_in_any_order(at_prompt: Session) -> None:
    for name in ("first", "second"):
        at_prompt.namespace[name] = Counter(name, at={1: press(signal.SIGTSTP)})
        with pytest.raises(ScanPaused):
            at_prompt.run(f"loopscan(4, 0.1, {name}, save=False)")
    at_prompt.run("SCANS[0].resume(); SCANS[1].abort()")
    assert [scan.end_reason for scan in at_prompt.scans] == ["SUCCESS", "USER_ABORT"]
    assert at_prompt.host.paused is None


def test_a_scan_is_not_resumed_while_another_runs(at_prompt: Session) -> None:
    at_prompt.namespace["counter"] = Counter(at={1: press(signal.SIGTSTP)})
    with pytest.raises(ScanPaused):
        at_prompt.run("loopscan(4, 0.1, counter, save=False)")
    other = at_prompt.run("loopscan(4, 0.1, diode, save=False, run=False)")
    other.add_preset(AfterPoint(1, lambda: at_prompt.scans[0].resume()))
    with pytest.raises(ScanError, match="resume comes while loopscan"):
        other.run()
    assert at_prompt.scans[0].state is ScanState.PAUSED
    at_prompt.run("resume()")


def test_a_scan_that_cannot_be_put_back_stays_paused(at_prompt: Session) -> None:
    at_prompt.run("mv(roby, 8)")
    at_prompt.namespace["counter"] = Counter(at={1: press(signal.SIGTSTP)})
    with pytest.raises(ScanPaused):
        at_prompt.run("dscan(roby, -1, 1, 4, 0.1, counter, save=False)")
    at_prompt.run("mv(roby, 0); roby.limits = (-1, 1)")
    with pytest.raises(ScanError, match="stays paused, since it cannot be put back: roby: "):
        at_prompt.run("resume()")
    scan = at_prompt.host.paused
    assert scan is not None
    assert scan.state is ScanState.PAUSED
    at_prompt.run("roby.limits = (-50, 50); resume()")
    assert scan.end_reason is EndReason.SUCCESS
    assert at_prompt.namespace["roby"].position == 8
