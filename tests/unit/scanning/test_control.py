"""Pause, resume, stop, abort, presets and watchdogs, in virtual time."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from session_shell.clock import RealClock
from session_shell.errors import CommandError, ScanError, ScanPaused
from session_shell.scanning.documents import EndReason
from session_shell.scanning.presets import ScanPreset
from session_shell.scanning.scan import Scan, ScanState
from session_shell.session import Session

from .devices import Counter, Recorder, ctrl_c, fail


@pytest.fixture
def at_prompt(session: Session) -> Session:
    """A session at whose prompt somebody sits."""
    session.host.keys = True
    return session


@pytest.fixture
def recorder(session: Session) -> Iterator[Recorder]:
    recorder = Recorder()
    session.host.extra_sinks.append(recorder)
    return recorder


def key(signum: int) -> Any:
    return lambda: os.kill(os.getpid(), signum)


def pause_after(session: Session, point: int, code: str) -> Scan:
    counter = Counter(at={point: key(signal.SIGTSTP)})
    session.namespace["counter"] = counter
    with pytest.raises(ScanPaused, match="is paused after"):
        session.run(code)
    return session.scans[-1]


# Stop


def test_ctrl_backslash_stops_after_the_point(at_prompt: Session) -> None:
    at_prompt.namespace["counter"] = Counter(at={3: key(signal.SIGQUIT)})
    scan = at_prompt.run("ascan(roby, 0, 9, 9, 0.1, counter, save=False)")
    assert scan.end_reason is EndReason.STOPPED
    assert scan.data.npoints == 4


def test_a_stop_at_the_last_point_is_a_success(session: Session) -> None:
    scan = session.run("loopscan(3, 0.1, diode, save=False, run=False)")
    session.namespace["counter"] = Counter(at={2: scan.stop})
    scan = session.run("loopscan(3, 0.1, counter, save=False, run=False)")
    session.namespace["counter"].at = {2: scan.stop}
    scan.run()
    assert scan.end_reason is EndReason.SUCCESS


# Pause at the prompt


def test_ctrl_z_gives_the_prompt_back_and_resume_goes_on(at_prompt: Session) -> None:
    scan = pause_after(at_prompt, 2, "ascan(roby, 0, 9, 9, 0.1, counter, save=False)")
    assert scan.state is ScanState.PAUSED
    assert scan.data.npoints == 3
    assert not at_prompt.namespace["roby"].is_moving
    at_prompt.run("mv(roby, 40); ct(0.5, diode)")
    assert at_prompt.run("resume()") is scan
    assert scan.end_reason is EndReason.SUCCESS
    assert scan.data["roby"].tolist() == list(range(10))
    assert at_prompt.host.paused is None


def test_detectors_are_prepared_again(at_prompt: Session) -> None:
    pause_after(at_prompt, 2, "loopscan(10, 0.1, counter, save=False)")
    at_prompt.run("ct(5, counter)")
    at_prompt.run("resume()")
    calls = [call for call in at_prompt.namespace["counter"].calls if "prepare" in call]
    assert calls == ["prepare 0.1 10", "prepare 5 1", "prepare 0.1 7"]


def test_a_paused_scan_can_be_paused_again_or_aborted(at_prompt: Session) -> None:
    scan = pause_after(at_prompt, 2, "loopscan(10, 0.1, counter, save=False)")
    at_prompt.namespace["counter"].at[5] = key(signal.SIGTSTP)
    with pytest.raises(ScanPaused):
        at_prompt.run("resume()")
    assert scan.data.npoints == 6
    assert at_prompt.run("abort()").end_reason is EndReason.USER_ABORT
    assert scan.data.npoints == 6


def test_ctrl_c_after_a_resume_aborts(at_prompt: Session) -> None:
    scan = pause_after(at_prompt, 2, "loopscan(10, 0.1, counter, save=False)")
    at_prompt.namespace["counter"].at[4] = ctrl_c
    with pytest.raises(KeyboardInterrupt):
        at_prompt.run("resume()")
    assert scan.end_reason is EndReason.USER_ABORT
    assert scan.data.npoints == 4


def test_a_relative_scan_goes_back_to_its_first_origin(at_prompt: Session) -> None:
    at_prompt.run("mv(roby, 3)")
    pause_after(at_prompt, 2, "dscan(roby, -1, 1, 4, 0.1, counter, save=False)")
    at_prompt.run("mv(roby, 40)")
    at_prompt.run("resume()")
    assert at_prompt.namespace["roby"].position == 3


def test_closing_the_session_ends_a_paused_scan(at_prompt: Session, recorder: Recorder) -> None:
    scan = pause_after(at_prompt, 2, "loopscan(10, 0.1, counter)")
    at_prompt.close()
    assert scan.end_reason is EndReason.USER_ABORT
    assert recorder.documents[-1].npoints == 3


def test_pauses_are_in_the_end_document(at_prompt: Session, recorder: Recorder) -> None:
    pause_after(at_prompt, 2, "loopscan(10, 0.1, counter, save=False)")
    at_prompt.clock.sleep(30)
    at_prompt.run("resume()")
    (pause,) = recorder.documents[-1].pauses
    assert (pause.reason, pause.seconds) == ("Ctrl-Z", 30)


@pytest.mark.parametrize("command", ["resume", "abort"])
def test_without_a_paused_scan_it_says_so(session: Session, command: str) -> None:
    with pytest.raises(CommandError, match=f"{command}: no scan is paused"):
        session.run(f"{command}()")
    scan = session.run("ct(0.1, diode)")
    with pytest.raises(ScanError, match="is DONE"):
        getattr(scan, command)()


def test_without_a_prompt_the_keys_do_nothing_of_ours(session: Session) -> None:
    before = signal.getsignal(signal.SIGTSTP)
    session.run("loopscan(2, 0.1, diode, save=False)")
    assert signal.getsignal(signal.SIGTSTP) is before


# From another thread


def test_another_thread_pauses_and_resumes(session: Session) -> None:
    scan = session.run("loopscan(10, 0.1, diode, save=False, run=False)")
    seen: list[ScanState] = []

    class Watcher:
        must_not_fail = True

        def scan_started(self, doc: Any) -> None: ...
        def scan_ended(self, doc: Any) -> None: ...

        def rows(self, doc: Any) -> None:
            if doc.first == 4:
                scan.pause("look")

        def scan_paused(self, pause: Any) -> None:
            def resume() -> None:
                seen.append(scan.state)
                scan.resume()

            threading.Thread(target=resume).start()

        def scan_resumed(self, pause: Any) -> None:
            seen.append(pause.reason)

    session.host.extra_sinks.append(Watcher())
    scan.run()
    assert seen == [ScanState.PAUSED, "look"]
    assert scan.end_reason is EndReason.SUCCESS
    assert scan.data.npoints == 10


@pytest.mark.parametrize("where", ["counting", "moving"])
def test_another_thread_aborts_at_once(make_session: Any, where: str) -> None:
    with make_session(clock=RealClock()) as session:
        session.namespace["roby"].velocity = 0.01 if where == "moving" else 10
        seconds = 600 if where == "counting" else 0
        scan = session.run(f"ascan(roby, 1, 2, 2, {seconds}, diode, save=False, run=False)")
        counting = threading.Event()

        class Started(ScanPreset):
            def start(self, scan: Scan) -> None:
                counting.set()

        scan.add_preset(Started())

        def abort() -> None:
            counting.wait()
            scan.abort()

        thread = threading.Thread(target=abort)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            scan.run()
        thread.join()
        assert scan.end_reason is EndReason.USER_ABORT
        assert not session.namespace["roby"].is_moving


# Presets


class Noting(ScanPreset):
    def __init__(self, bad: str = "") -> None:
        self.calls: list[str] = []
        self.bad = bad

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if call == self.bad:
            raise ValueError("no power")

    def prepare(self, scan: Any) -> None:
        self._note("prepare")

    def start(self, scan: Any) -> None:
        self._note("start")

    def stop(self, scan: Any) -> None:
        self._note("stop")

    def before_point(self, scan: Any, index: int) -> None:
        self._note(f"before {index}")

    def after_point(self, scan: Any, index: int) -> None:
        self._note(f"after {index}")


def test_presets_are_called_in_their_order(session: Session) -> None:
    every, one = Noting(), Noting()
    session.namespace.update(every=every)
    session.run("add_preset(every)")
    scan = session.run("loopscan(2, 0.1, diode, save=False, run=False)")
    scan.add_preset(one)
    scan.run()
    calls = ["prepare", "start", "before 0", "after 0", "before 1", "after 1", "stop"]
    assert every.calls == one.calls == calls
    with pytest.raises(ScanError, match="comes too late"):
        scan.add_preset(one)
    session.run("remove_preset(every); ct(0.1, diode)")
    assert every.calls == calls


@pytest.mark.parametrize("hook", ["prepare", "start", "before 1", "after 1", "stop"])
def test_a_failing_hook_ends_the_scan_and_is_named(session: Session, hook: str) -> None:
    preset = Noting(bad=hook)
    scan = session.run("ascan(roby, 0, 3, 3, 0.1, diode, save=False, run=False)")
    scan.add_preset(preset)
    name = hook.replace(" 1", "_point")
    with pytest.raises(ScanError, match=rf"preset Noting\.{name} failed: ValueError: no power"):
        scan.run()
    assert scan.end_reason is EndReason.FAILURE
    assert preset.calls[-1] == "stop"


def test_any_object_with_a_hook_is_a_preset(session: Session) -> None:
    class Stopper:
        stopped = 0

        def stop(self, scan: Any) -> None:
            self.stopped += 1

    session.namespace["stopper"] = Stopper()
    session.run("add_preset(stopper); ct(0.1, diode)")
    assert session.namespace["stopper"].stopped == 1


@pytest.mark.parametrize("preset", ["3", "int", "'x'"])
def test_what_is_no_preset_is_refused(session: Session, preset: str) -> None:
    with pytest.raises(CommandError, match="add_preset: expected an object with prepare"):
        session.run(f"add_preset({preset})")
    with pytest.raises(CommandError, match="is no preset of this session"):
        session.run(f"remove_preset({preset})")


# Watchdogs


def test_a_watchdog_pauses_until_the_beam_is_back(session: Session, recorder: Recorder) -> None:
    answers = iter([None, "no beam", "no beam", "no beam", None, *[None] * 100])
    session.namespace["check"] = lambda scan: next(answers)
    session.run("add_watchdog(check, interval=0.3)")
    scan = session.run("ascan(roby, 0, 9, 9, 0.1, diode, save=False)")
    assert scan.end_reason is EndReason.SUCCESS
    (pause,) = recorder.documents[-1].pauses
    assert pause.reason == "no beam"
    assert pause.seconds == pytest.approx(0.6)
    session.run("remove_preset(check)")
    assert session.host.watchdogs == []


@pytest.mark.parametrize(
    ("action", "reason"), [("stop", EndReason.STOPPED), ("abort", EndReason.USER_ABORT)]
)
def test_a_watchdog_ends_the_scan(session: Session, action: Any, reason: EndReason) -> None:
    scan = session.run("loopscan(10, 0.1, diode, save=False, run=False)")
    scan.add_watchdog(lambda scan: scan.data.npoints > 4, action, interval=0.01)
    if reason is EndReason.USER_ABORT:
        with pytest.raises(KeyboardInterrupt):
            scan.run()
    else:
        scan.run()
    assert scan.end_reason is reason
    assert scan.data.npoints == 5


def test_a_failing_watchdog_is_named(session: Session) -> None:
    session.namespace["check"] = lambda scan: fail(OSError("no answer"))()
    session.run("add_watchdog(check)")
    with pytest.raises(ScanError, match="watchdog <lambda> failed: OSError: no answer"):
        session.run("loopscan(3, 0.1, diode, save=False)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("3", "needs a function"),
        ("len, 'explode'", "is 'pause', 'stop' or 'abort', not 'explode'"),
        ("len, 'stop', 0", "interval is in seconds > 0, not 0"),
    ],
)
def test_what_is_no_watchdog_is_refused(session: Session, arguments: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        session.run(f"add_watchdog({arguments})")


# Points that are decided as the scan goes


def test_a_generator_decides_from_the_rows(session: Session) -> None:
    rows: list[dict[str, Any]] = []

    def climb(x: float = 1.0) -> Any:
        while x < 5:
            rows.append((yield x))
            x = rows[-1]["roby"] * 2

    session.namespace["climb"] = climb
    scan = session.run("userscan(roby, climb, 0.1, diode, save=False)")
    assert scan.data["roby"].tolist() == [1, 2, 4]
    assert [row["diode"] for row in rows] == [7, 7, 7]
    assert scan.title == "userscan roby climb 0.1"


def test_a_list_of_places_of_two_axes(session: Session) -> None:
    scan = session.run("userscan([roby, robz], [(0, 1), (2, 3)], 0, diode, save=False)")
    assert scan.data["robz"].tolist() == [1, 3]
    scan = session.run("userscan(roby, range(100), 0, diode, npoints=3, save=False)")
    assert scan.data.npoints == 3


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ("[1, 'x']", r"must be 1 finite number\(s\), for roby, got 'x'"),
        ("[(1, 2)]", r"got \(1, 2\)"),
        ("[1, 99]", "roby: 99 mm is outside"),
        ("3", "points must be a generator or a list, got 3"),
    ],
)
def test_a_wrong_point_ends_the_scan(session: Session, points: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        session.run(f"userscan(roby, {points}, 0, diode, save=False)")
    assert session.scans[-1].end_reason is EndReason.FAILURE


def test_a_shutter_is_a_preset(config: Path, make_session: Callable[..., Session]) -> None:
    (config / "shutter.yml").write_text("- {name: sh, class: simulation_shutter}\n")
    session = make_session()
    states: list[str] = []
    shutter = session.namespace["sh"]
    session.namespace["counter"] = Counter(at={1: lambda: states.append(str(shutter.state))})
    session.run("add_preset(sh); loopscan(3, 0.1, counter, save=False)")
    assert states == ["OPEN"]
    assert shutter.is_closed
    session.run("remove_preset(sh)")
    assert session.host.presets == []
    scan = session.run("loopscan(3, 0.1, diode, save=False, run=False)")
    scan.add_preset(shutter)
    session.namespace["counter"].at = {}
    scan.run()
    assert shutter.is_closed
