"""Whatever happens, and at whatever phase of a scan: axes stand, files open, the prompt works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import pytest

from session_shell.errors import DeviceError, ScanPaused
from session_shell.scanning.documents import EndReason
from session_shell.scanning.scan import Scan
from session_shell.scanning.scan_meta import META_TIMING
from session_shell.session import Session

from .devices import Counter, ctrl_c

PHASES = ["START metadata", "preparing", "moving", "counting", "writing", "END metadata"]


class Lamp(Counter):
    """Something happens at its third point, in the phase that was chosen."""

    def __init__(self, phase: str) -> None:
        super().__init__("lamp")
        self.phase = phase
        self.happen: Callable[[], None] = lambda: None

    def prepare(self, count_time: float, npoints: int) -> None:
        super().prepare(count_time, npoints)
        self._at("preparing")

    def trigger(self) -> None:
        if self.points == 2:
            self._at("counting")

    def _at(self, phase: str) -> None:
        if phase == self.phase:
            self.happen()


class Moving:
    """The axis roby, to which it happens on its way to the third point."""

    def __init__(self, axis: Any, lamp: Lamp) -> None:
        self.name, self.unit, self.check_targets = axis.name, axis.unit, axis.check_targets
        self.stop, self.wait_move = axis.stop, axis.wait_move
        self.axis, self.lamp = axis, lamp

    @property
    def position(self) -> float:
        return float(self.axis.position)

    def start_move(self, target: float) -> Any:
        motion = self.axis.start_move(target)
        if target == 2 and self.lamp.points == 2:
            self.lamp._at("moving")
        return motion


class Watching:
    """A sink in which it happens."""

    must_not_fail = True

    def __init__(self, lamp: Lamp) -> None:
        self.lamp = lamp

    def scan_started(self, doc: Any) -> None: ...
    def scan_ended(self, doc: Any) -> None: ...

    def rows(self, doc: Any) -> None:
        if doc.first == 2:
            self.lamp._at("writing")


def make(session: Session, phase: str, happen: Callable[[Scan], None]) -> Scan:
    lamp = Lamp(phase)
    session.namespace.update(lamp=lamp, moving=Moving(session.namespace["roby"], lamp))
    scan = session.run("dscan(moving, 0, 5, 5, 0.1, lamp, diode, run=False)")
    assert isinstance(scan, Scan)
    lamp.happen = lambda: happen(scan)
    session.host.extra_sinks.append(Watching(lamp))
    for name, timing in (("START metadata", META_TIMING.START), ("END metadata", META_TIMING.END)):
        category = session.scan_meta.sample if "START" in name else session.scan_meta.technique
        category.timing = timing
        category.set("it", lambda scan, name=name: lamp._at(name))
    return scan


def check_all_is_well(session: Session, scan: Scan) -> None:
    roby = session.namespace["roby"]
    assert not roby.is_moving
    assert roby.position == 0
    assert len({len(scan.data[name]) for name in scan.data}) == 1
    assert scan.file is not None
    with h5py.File(scan.file) as file:
        entry = file[f"{scan.number}.1"]
        assert entry["end_reason"].asstr()[()] == scan.end_reason
        assert entry["scan/npoints"][()] == 6
        assert entry["scan/npoints_acquired"][()] == scan.data.npoints
        lengths = {len(column) for column in entry["measurement"].values()}
        assert lengths == {max(scan.data.npoints, 1)}
    session.host.extra_sinks.clear()
    session.host.scan_meta.clear()
    assert session.run("loopscan(2, 0.1, diode)").end_reason is EndReason.SUCCESS


@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c(session: Session, phase: str) -> None:
    scan = make(session, phase, lambda scan: ctrl_c())
    with pytest.raises(KeyboardInterrupt):
        scan.run()
    # Once all points are there a Ctrl-C stops what comes next, not the scan.
    over = phase == "END metadata"
    assert scan.end_reason is (EndReason.SUCCESS if over else EndReason.USER_ABORT)
    check_all_is_well(session, scan)


@pytest.mark.parametrize("phase", PHASES)
def test_abort(session: Session, phase: str) -> None:
    scan = make(session, phase, lambda scan: scan.abort())
    if phase == "END metadata":
        scan.run()
    else:
        with pytest.raises(KeyboardInterrupt):
            scan.run()
        assert scan.end_reason is EndReason.USER_ABORT
    check_all_is_well(session, scan)


@pytest.mark.parametrize("phase", PHASES)
def test_failure(session: Session, phase: str) -> None:
    def fail(scan: Scan) -> None:
        raise DeviceError("no light", device="lamp")

    scan = make(session, phase, fail)
    if "metadata" in phase:
        scan.run()  # recorded, and the scan goes on
        assert scan.end_reason is EndReason.SUCCESS
    else:
        with pytest.raises(Exception, match="no light"):
            scan.run()
        assert scan.end_reason is EndReason.FAILURE
    check_all_is_well(session, scan)


@pytest.mark.parametrize("phase", PHASES)
def test_stop(session: Session, phase: str) -> None:
    scan = make(session, phase, lambda scan: scan.stop())
    scan.run()
    points = {"moving": 3, "counting": 3, "writing": 3, "END metadata": 6}.get(phase, 0)
    assert scan.data.npoints == points
    expected = EndReason.SUCCESS if points == 6 else EndReason.STOPPED
    assert scan.end_reason is expected
    check_all_is_well(session, scan)


@pytest.mark.parametrize("phase", PHASES[:-1])
def test_pause_and_resume(session: Session, phase: str) -> None:
    def pause(scan: Scan) -> None:
        scan.control.request_pause("look", to_prompt=True)

    scan = make(session, phase, pause)
    with pytest.raises(ScanPaused, match="is paused"):
        scan.run()
    session.namespace["lamp"].phase = ""
    session.run("mv(roby, 30); ct(0.5, diode)")
    session.run("resume()")
    assert scan.end_reason is EndReason.SUCCESS
    assert scan.data["roby"].tolist() == [0, 1, 2, 3, 4, 5]
    check_all_is_well(session, scan)


def test_before_it_runs(session: Session) -> None:
    scan = make(session, "", lambda scan: None)
    scan.stop()
    scan.run()
    assert scan.end_reason is EndReason.STOPPED
    assert scan.data.npoints == 0
    check_all_is_well(session, scan)
