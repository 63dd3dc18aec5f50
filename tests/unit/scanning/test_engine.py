"""Whole scans in virtual time: what a user gets, and what happens when something is in the way."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from session_shell.errors import DeviceError, LimitError, ScanError, SinkError
from session_shell.scanning.documents import EndReason, Rows, ScanEnded, ScanStarted
from session_shell.scanning.scan import Scan, ScanState
from session_shell.scanning.scan_meta import META_TIMING
from session_shell.session import Session

from .devices import Counter, Recorder, ctrl_c, fail


@pytest.fixture
def recorder(session: Session) -> Iterator[Recorder]:
    recorder = Recorder()
    session.host.extra_sinks.append(recorder)
    return recorder


def run(session: Session, code: str, **names: Any) -> Scan:
    session.namespace.update(names)
    scan = session.run(code)
    assert isinstance(scan, Scan)
    return scan


def last(session: Session) -> Scan:
    return session.scans[-1]


def test_a_loopscan_gives_one_row_per_point(session: Session, recorder: Recorder) -> None:
    scan = run(session, "loopscan(10, 0.1, diode3, save=False)")
    started, *rows, ended = recorder.documents
    assert isinstance(started, ScanStarted)
    assert isinstance(ended, ScanEnded)
    assert all(isinstance(row, Rows) for row in rows)
    assert [c.name for c in started.channels] == ["elapsed_time", "epoch", "diode3"]
    assert scan.data["diode3"].shape == (10,)
    assert scan.data["elapsed_time"] == pytest.approx(np.arange(10) * 0.1)
    assert scan.end_reason is EndReason.SUCCESS
    assert scan.state is ScanState.DONE
    assert ended.counting == pytest.approx(1.0)


def test_an_ascan_stands_where_it_counts(session: Session) -> None:
    scan = run(session, "ascan(roby, 0, 10, 10, 0.1, diode, save=False)")
    assert scan.data["roby"] == pytest.approx(np.arange(11.0))
    assert scan.data["axis:roby"] is not scan.data["roby"]
    assert scan.data[session.namespace["roby"]] == pytest.approx(np.arange(11.0))
    assert scan.title == "ascan roby 0 10 10 0.1"
    assert session.namespace["roby"].position == 10


def test_times_are_those_of_the_clock(session: Session, recorder: Recorder) -> None:
    run(
        session,
        "ascan(roby, 0, 2, 2, 0.1, diode, save=False, sleep_time=1, stab_time=0.5)",
    )
    ended = recorder.documents[-1]
    # 1 mm at 10 mm/s and 100 mm/s^2 is 0.1 s of ramps and nothing else: 2 sqrt(d / a) = 0.2 s
    assert ended.moving == pytest.approx(2 * 0.2)
    assert last(session).duration == pytest.approx(3 * 0.1 + 2 * 1.0 + 3 * 0.5 + 2 * 0.2)


def test_nothing_moves_when_a_point_is_outside_the_limits(session: Session) -> None:
    session.run("mv(roby, 3)")
    with pytest.raises(LimitError, match=r"roby: 60 mm is outside \[-50, 50\] mm"):
        session.run("ascan(roby, 0, 60, 6, 0.1, diode)")
    assert session.namespace["roby"].position == 3
    assert list(session.scans) == []
    assert not session.saving.folder.exists()


@pytest.mark.parametrize("ending", ["success", "failure", "abort"])
def test_a_relative_scan_goes_back(session: Session, ending: str) -> None:
    session.run("mv(roby, 3)")
    action = {"success": lambda: None, "failure": fail(OSError("no light")), "abort": ctrl_c}
    counter = Counter(at={2: action[ending]})
    try:
        run(session, "dscan(roby, -1, 1, 4, 0.1, counter, save=False)", counter=counter)
    except (ScanError, KeyboardInterrupt):
        assert ending != "success"
    assert session.namespace["roby"].position == 3
    assert last(session).data["roby"][0] == 2


def test_a_failing_device_ends_the_scan_as_failure(session: Session, recorder: Recorder) -> None:
    counter = Counter(at={3: fail(DeviceError("no light", device="counter"))})
    with pytest.raises(DeviceError, match="counter: no light"):
        run(session, "ascan(roby, 0, 9, 9, 0.1, counter, save=False)", counter=counter)
    ended = recorder.documents[-1]
    assert (ended.reason, ended.npoints, ended.error) == ("FAILURE", 3, "counter: no light")
    assert counter.calls == ["prepare 0.1 10", "stop"]
    scan = last(session)
    assert {len(scan.data[name]) for name in scan.data} == {3}
    assert not session.namespace["roby"].is_moving


def test_an_unexpected_error_is_wrapped_with_the_point(session: Session) -> None:
    counter = Counter(at={3: fail(ZeroDivisionError("oops"))})
    with pytest.raises(ScanError, match=r"failed after 3 of 10 points: ZeroDivisionError: oops"):
        run(session, "loopscan(10, 0.1, counter, save=False)", counter=counter)


def test_a_failure_while_preparing_has_a_start_and_an_end(
    session: Session, recorder: Recorder
) -> None:
    counter = Counter()
    counter.fail_prepare = OSError("not ready")
    with pytest.raises(ScanError, match="not ready"):
        run(session, "loopscan(10, 0.1, counter, save=False)", counter=counter)
    started, ended = recorder.documents
    assert isinstance(started, ScanStarted)
    assert ended.reason is EndReason.FAILURE
    assert ended.npoints == 0


def test_a_device_that_does_not_stop_is_told_and_recorded(
    session: Session, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    counter = Counter()
    counter.fail_stop = OSError("stuck")
    with pytest.raises(DeviceError, match="counter: did not stop: stuck"):
        run(session, "loopscan(1, 0.1, counter, save=False)", counter=counter)
    assert recorder.documents[-1].reason is EndReason.FAILURE
    assert "stuck" in caplog.text


def test_ctrl_c_keeps_what_was_measured(session: Session, recorder: Recorder) -> None:
    counter = Counter(at={4: ctrl_c})
    with pytest.raises(KeyboardInterrupt, match=r"was aborted after 4 of 10 points"):
        run(session, "ascan(roby, 0, 9, 9, 0.1, counter, save=False)", counter=counter)
    ended = recorder.documents[-1]
    assert (ended.reason, ended.npoints) == (EndReason.USER_ABORT, 4)
    assert not session.namespace["roby"].is_moving
    assert last(session).end_reason is EndReason.USER_ABORT


def test_a_second_ctrl_c_does_not_cut_into_the_clean_up(
    session: Session, recorder: Recorder
) -> None:
    counter = Counter(at={1: ctrl_c})
    counter.stop = ctrl_c  # type: ignore[method-assign]
    seen = []

    def end_metadata(scan: Scan) -> dict[str, Any]:
        ctrl_c()
        seen.append(scan.state)
        return {"late": 1}

    session.scan_meta.instrument.set("late", end_metadata)
    with pytest.raises(KeyboardInterrupt):
        run(session, "loopscan(5, 0.1, counter, save=False)", counter=counter)
    assert seen == [ScanState.STOPPING]
    assert recorder.documents[-1].reason is EndReason.USER_ABORT


def test_ctrl_c_during_the_end_of_a_scan_stops_a_loop_of_scans(session: Session) -> None:
    counter = Counter()
    counter.stop = ctrl_c  # type: ignore[method-assign]
    session.namespace["counter"] = counter
    with pytest.raises(KeyboardInterrupt):
        session.run("for _ in range(5):\n    loopscan(2, 0.1, counter, save=False)")
    assert len(session.scans) == 1
    assert last(session).end_reason is EndReason.SUCCESS


def test_ctrl_c_before_the_first_point(session: Session, recorder: Recorder) -> None:
    session.scan_meta.technique.set("x", lambda scan: ctrl_c())
    with pytest.raises(KeyboardInterrupt):
        run(session, "loopscan(5, 0.1, diode, save=False)")
    assert [type(d) for d in recorder.documents] == [ScanStarted, ScanEnded]
    assert recorder.documents[-1].reason is EndReason.USER_ABORT


def test_a_timescan_is_endless(session: Session) -> None:
    counter = Counter(at={50: ctrl_c})
    with pytest.raises(KeyboardInterrupt):
        run(session, "timescan(0.1, counter, save=False)", counter=counter)
    assert last(session).data.npoints == 50
    assert last(session).npoints == 0


def test_a_scan_can_be_stopped_from_its_own_data(session: Session, recorder: Recorder) -> None:
    counter = Counter()
    session.namespace["counter"] = counter
    scan = run(session, "timescan(0.1, counter, save=False, run=False)")
    counter.at[6] = scan.stop
    scan.run()
    assert scan.end_reason is EndReason.STOPPED
    assert recorder.documents[-1].npoints == 7


def test_a_sink_that_must_not_fail_ends_the_scan(session: Session, recorder: Recorder) -> None:
    session.host.extra_sinks.insert(0, Recorder(fail="rows", must_not_fail=True))
    with pytest.raises(SinkError, match="cannot be saved: OSError"):
        run(session, "loopscan(5, 0.1, diode, save=False)")
    assert recorder.documents[-1].reason is EndReason.FAILURE
    # It may hold points, which need their end.
    assert session.host.extra_sinks[0].documents[-1].reason is EndReason.FAILURE


@pytest.mark.parametrize("when", ["started", "rows", "ended"])
def test_a_sink_that_only_shows_is_dropped_with_one_warning(
    session: Session, when: str, caplog: pytest.LogCaptureFixture
) -> None:
    session.host.extra_sinks.append(Recorder(fail=when))
    scan = run(session, "loopscan(5, 0.1, diode, save=False)")
    assert scan.end_reason is EndReason.SUCCESS
    assert caplog.text.count("is switched off for this scan") == 1


def test_a_file_that_fails_at_the_end_is_told(session: Session) -> None:
    session.host.extra_sinks.append(Recorder(fail="ended", must_not_fail=True))
    with pytest.raises(SinkError):
        run(session, "loopscan(5, 0.1, diode, save=False)")
    assert last(session).end_reason is EndReason.FAILURE


def test_a_scan_runs_once(session: Session) -> None:
    scan = run(session, "loopscan(1, 0.1, diode, save=False, run=False)")
    scan.add_comment("dark")
    scan.run()
    with pytest.raises(ScanError, match="can be run once"):
        scan.run()
    scan.add_comment("the lamp was on")
    assert [comment.text for comment in scan.comments] == ["dark", "the lamp was on"]


def test_one_scan_at_a_time(session: Session) -> None:
    inner = "loopscan(1, 0.1, diode, save=False)"
    session.scan_meta.technique.set("inner", lambda scan: session.namespace["again"]())
    session.namespace["again"] = lambda: session.run(inner)
    scan = run(session, inner)
    assert scan.end_reason is EndReason.SUCCESS
    assert "runs one scan at a time" in str(session.last_error)


def test_two_columns_of_one_name_are_refused(session: Session) -> None:
    session.namespace.update(one=Counter("x"), two=Counter("x"))
    with pytest.raises(ScanError, match="two columns would be called 'x'"):
        session.run("loopscan(1, 0.1, one, two)")


def test_a_counter_named_twice_counts_once(session: Session) -> None:
    scan = run(session, "loopscan(2, 0.1, diode, diode, MG2, save=False)")
    assert list(scan.data) == ["elapsed_time", "epoch", "diode"]


# Metadata


def test_the_most_specific_metadata_wins(session: Session) -> None:
    session.scan_meta.instrument.timing = META_TIMING.START | META_TIMING.END
    session.scan_meta.instrument.set("early", {"roby": {"velocity": "user", "note": "user"}})
    scan = run(
        session,
        "ascan(roby, 0, 1, 1, 0.1, diode, save=False,"
        " scan_info={'instrument': {'roby': {'note': 'scan'}}})",
    )
    assert scan.info["instrument"]["roby"]["velocity"] == "user"
    assert scan.info["instrument"]["roby"]["note"] == "scan"
    assert scan.info["instrument"]["roby"]["steps_per_unit"] == 10000


def test_metadata_is_taken_at_its_time(session: Session, recorder: Recorder) -> None:
    states: list[str] = []
    for name, timing in (
        ("sample", META_TIMING.START),
        ("technique", META_TIMING.PREPARED),
        ("instrument", META_TIMING.END),
    ):
        category = getattr(session.scan_meta, name)
        category.timing = timing
        category.set("t", lambda scan, name=name: {name: states.append(name) or 1})
    run(session, "loopscan(2, 0.1, diode, save=False)")
    assert states == ["sample", "technique", "instrument"]
    started, ended = recorder.documents[0], recorder.documents[-1]
    assert "technique" in started.metadata["technique"]
    assert "instrument" not in started.metadata["instrument"]
    assert ended.metadata["instrument"]["instrument"] == 1
    assert ended.metadata["sample"]["sample"] == 1


def test_edits_during_a_scan_are_for_the_next_one(session: Session) -> None:
    meta = session.scan_meta
    meta.technique.set("edit", lambda scan: meta.instrument.set("late", {"late": 1}))
    first = run(session, "loopscan(1, 0.1, diode, save=False)")
    second = run(session, "loopscan(1, 0.1, diode, save=False)")
    assert "late" not in first.info["instrument"]
    assert second.info["instrument"]["late"] == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (lambda scan: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda scan: [1], "TypeError: expected a dict or None, got list"),
        (dict, "TypeError"),
    ],
)
def test_a_failing_source_is_recorded_and_the_scan_goes_on(
    session: Session, recorder: Recorder, source: Any, message: str
) -> None:
    session.scan_meta.sample.set("bad", source)
    session.scan_meta.sample.set("good", {"name": "Fe2O3"})
    scan = run(session, "loopscan(2, 0.1, diode, save=False)")
    (failure,) = recorder.documents[-1].failures
    assert (failure.source, failure.category, failure.timing) == ("bad", "sample", "START")
    assert message in failure.message
    assert scan.info["sample"] == {"name": "Fe2O3"}


def test_a_source_that_hangs_is_given_up(session: Session, recorder: Recorder) -> None:
    never = threading.Event()
    session.scan_meta.sample.timeout = 0.01
    session.scan_meta.sample.set("slow", lambda scan: never.wait())
    scan = run(session, "loopscan(2, 0.1, diode, save=False)")
    never.set()
    assert scan.end_reason is EndReason.SUCCESS
    assert "did not return within 0.01 s" in recorder.documents[-1].failures[0].message


def test_ctrl_c_gives_up_a_hanging_end_source(session: Session, recorder: Recorder) -> None:
    never = threading.Event()

    def hang(scan: Scan) -> dict[str, Any]:
        ctrl_c()
        never.wait()
        return {}

    session.scan_meta.instrument.set("hang", hang)
    with pytest.raises(KeyboardInterrupt):
        run(session, "loopscan(2, 0.1, diode, save=False)")
    never.set()
    assert recorder.documents[-1].reason is EndReason.SUCCESS
    assert "given up by Ctrl-C" in recorder.documents[-1].failures[0].message


def test_positions_of_all_axes_are_recorded(session: Session, recorder: Recorder) -> None:
    session.namespace["roby"].offset = 2
    run(session, "ascan(roby, 2, 3, 1, 0.1, diode, save=False)")
    started, ended = recorder.documents[0], recorder.documents[-1]
    assert started.positions["roby"].user == 2
    assert started.positions["roby"].dial == 0
    assert ended.positions["roby"].user == 3
    assert set(started.positions) == {"roby", "robz"}


def test_an_axis_that_cannot_be_read_is_nan_with_the_error() -> None:
    from session_shell.scanning.collect import read_positions

    class Broken:
        name, unit = "bad", "mm"

        @property
        def position(self) -> float:
            raise OSError("no answer")

    place = read_positions([Broken()])["bad"]  # type: ignore[list-item]
    assert math.isnan(place.user)
    assert place.error == "OSError: no answer"
    assert place.unit == "mm"


def test_profiling_knows_every_source(session: Session) -> None:
    session.scan_meta.sample.set("s", lambda scan: {"x": 1})
    scan = run(session, "loopscan(1, 0.1, diode, save=False)")
    assert ("s", "sample", "START") in {(p.source, p.category, p.timing) for p in scan.profile}
