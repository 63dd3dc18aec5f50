"""Continuous scans in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from session_shell.errors import CommandError, LimitError
from session_shell.scanning.documents import EndReason
from session_shell.session import Session

from .devices import Recorder, ctrl_c


@pytest.fixture
def flying(config: Path, make_session: Callable[..., Session]) -> Session:
    (config / "peak.yml").write_text(
        "- {name: peak, class: simulation_diode, model: gaussian, axis: $roby,"
        " center: 5, fwhm: 2}\n"
        "- {name: tilt, class: simulation_diode, model: linear, axis: $roby, slope: 3}\n"
    )
    return make_session()


def test_positions_are_the_middles_of_the_gates(flying: Session) -> None:
    scan = flying.run("fscan(roby, 0, 10, 100, 0.05, peak, tilt, save=False)")
    middles = (np.arange(100) + 0.5) * 0.1
    assert scan.data["roby"] == pytest.approx(middles, abs=1e-5)
    assert scan.data["elapsed_time"] == pytest.approx(np.arange(100) * 0.05)
    assert scan.data["tilt"] == pytest.approx(3 * scan.data["roby"])
    sigma = 2 / (2 * np.sqrt(2 * np.log(2)))
    peak = np.exp(-((scan.data["roby"] - 5) ** 2) / (2 * sigma**2))
    assert scan.data["peak"] / scan.data["peak"].max() == pytest.approx(peak / peak.max(), abs=1e-6)
    assert scan.end_reason is EndReason.SUCCESS


def test_the_time_is_that_of_one_pass(flying: Session) -> None:
    # 2 mm/s: a run-up of v^2/2a = 0.02 mm takes v/a = 0.02 s, and as much to slow down;
    # the way to the start of the run-up is 0.02 mm, 2 sqrt(d/a) = 0.0283 s.
    scan = flying.run("fscan(roby, 0, 10, 100, 0.05, tilt, save=False)")
    assert scan.duration == pytest.approx(5 + 0.04 + 0.0283, abs=1e-3)
    assert flying.namespace["roby"].position == pytest.approx(10.02)
    assert flying.namespace["roby"].velocity == 10


def test_backwards(flying: Session) -> None:
    scan = flying.run("fscan(roby, 10, 0, 10, 0.2, tilt, save=False)")
    assert scan.data["roby"] == pytest.approx(9.5 - np.arange(10), abs=1e-4)


def test_rows_come_in_blocks(flying: Session) -> None:
    recorder = Recorder()
    flying.host.extra_sinks.append(recorder)
    flying.run("fscan(roby, 0, 1, 1000, 0.001, tilt, save=False)")
    rows = recorder.documents[1:-1]
    assert sum(doc.count for doc in rows) == 1000
    assert len(rows) <= 12
    assert [doc.first for doc in rows] == list(np.cumsum([0, *[d.count for d in rows[:-1]]]))


def test_slow_gates_come_one_by_one(flying: Session) -> None:
    scan = flying.run("fscan(roby, 0, 1, 3, 2.5, tilt, save=False)")
    assert scan.data.npoints == 3


def test_too_fast_is_told_before_anything_moves(flying: Session) -> None:
    with pytest.raises(
        CommandError,
        match=r"need 20 mm/s, the velocity of roby is 10 mm/s; the shortest count time is 0\.01 s",
    ):
        flying.run("fscan(roby, 0, 10, 100, 0.005, tilt)")
    assert flying.namespace["roby"].position == 0
    assert flying.run("fscan(roby, 0, 10, 100, 0.01, tilt, save=False)").data.npoints == 100


def test_the_run_up_is_within_the_limits(flying: Session) -> None:
    with pytest.raises(LimitError, match=r"roby: 50\.02 mm is outside"):
        flying.run("fscan(roby, 40, 50, 100, 0.05, tilt)")
    assert flying.namespace["roby"].position == 0


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("fscan(roby, 0, 10, 0, 0.1)", "npoints must be a whole number >= 1, got 0"),
        ("fscan(roby, 0, 10, 10, 0)", "count_time must be more than 0 s"),
        ("fscan(roby, 1, 1, 10, 0.1)", "start and stop of roby are the same"),
        ("fmesh(roby, 0, 1, 2, robz, 0, 1, 0, 1)", "intervals of robz must be a whole number"),
    ],
)
def test_what_cannot_be_is_told(flying: Session, command: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        flying.run(command)


def test_a_counter_that_cannot_be_timed_is_refused(flying: Session) -> None:
    from .devices import Counter

    flying.namespace["slow"] = Counter("slow")
    with pytest.raises(CommandError, match="slow cannot be timed by the clock"):
        flying.run("fscan(roby, 0, 10, 10, 0.5, slow)")


@pytest.mark.parametrize("backnforth", [False, True])
def test_a_mesh_of_passes(flying: Session, backnforth: bool) -> None:
    scan = flying.run(f"fmesh(roby, 0, 4, 4, robz, 0, 2, 2, 0.5, tilt, backnforth={backnforth})")
    there = [0.5, 1.5, 2.5, 3.5]
    second = there[::-1] if backnforth else there
    assert scan.data["roby"] == pytest.approx([*there, *second, *there], abs=1e-4)
    assert scan.data["robz"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert scan.plan.trajectory.shape == (3, 4)


def test_ctrl_c_in_a_pass_stops_the_axis_and_keeps_the_rows(flying: Session) -> None:
    class Interrupt:
        must_not_fail = False

        def scan_started(self, doc: object) -> None: ...
        def scan_ended(self, doc: object) -> None: ...

        def rows(self, doc: object) -> None:
            ctrl_c()

    flying.host.extra_sinks.append(Interrupt())
    with pytest.raises(KeyboardInterrupt):
        flying.run("fscan(roby, 0, 10, 100, 0.05, tilt, save=False)")
    scan = flying.scans[-1]
    assert scan.end_reason is EndReason.USER_ABORT
    assert 0 < scan.data.npoints < 100
    assert not flying.namespace["roby"].is_moving
    assert flying.namespace["roby"].position < 1


def test_a_stop_in_a_pass_stops_the_axis(flying: Session) -> None:
    scan = flying.run("fscan(roby, 0, 10, 100, 0.05, tilt, save=False, run=False)")

    class Stop:
        must_not_fail = False

        def scan_started(self, doc: object) -> None: ...
        def scan_ended(self, doc: object) -> None: ...

        def rows(self, doc: object) -> None:
            scan.stop()

    flying.host.extra_sinks.append(Stop())
    scan.run()
    assert scan.end_reason is EndReason.STOPPED
    assert scan.data.npoints < 10
    assert not flying.namespace["roby"].is_moving


def test_noise_and_sampling_modes(flying: Session) -> None:
    flying.run("diode3.mode = 'STATS'")
    scan = flying.run("fscan(roby, 0, 1, 20, 0.1, diode3, save=False)")
    assert len(set(scan.data["diode3"])) == 20
    assert (scan.data["diode3_N"] == 10).all()


def test_the_forecast_of_a_pass(flying: Session) -> None:
    told = flying.run("simulate('fscan(roby, 0, 10, 100, 0.05, tilt)')")
    # 2 mm/s: 0.02 mm to come up to speed, which the way to the start takes back before.
    assert told.moving == pytest.approx(2 * 0.02 + 2 * (0.02 / 100) ** 0.5, abs=1e-6)
    assert told.counting == pytest.approx(5)


def test_a_fly_scan_is_saved(flying: Session) -> None:
    import h5py

    scan = flying.run("fscan(roby, 0, 10, 100, 0.05, tilt)")
    with h5py.File(scan.file) as file:
        entry = file[f"{scan.number}.1"]
        assert entry["measurement/tilt"].shape == (100,)
        assert entry["scan_parameters/speed"][()] == pytest.approx(2)
        assert entry["plot"].attrs["axes"].tolist() == ["roby"]
