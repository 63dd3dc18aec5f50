"""What hangs or misbehaves when it is stopped is given up; everything else is done all the same."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import pytest

from session_shell import interrupts
from session_shell.errors import ScanError, SessionShellError
from session_shell.scanning.documents import EndReason
from session_shell.scanning.presets import ScanPreset
from session_shell.session import Session

from .devices import Counter, ctrl_c, fail


class Hook(ScanPreset):
    """A preset whose `stop` does something."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act, self.calls = act, 0

    def stop(self, scan: Any) -> None:
        self.calls += 1
        self.act()


class Stopping(Counter):
    """A counter whose `stop` does something."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self.act = act

    def stop(self) -> None:
        super().stop()
        self.act()


def hang() -> None:
    threading.Event().wait()


def busy() -> None:
    while True:
        pass


def swallow() -> None:
    """Hang on once, against a bare `except`."""
    try:
        hang()
    except BaseException:
        hang()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test can wait for."""
    monkeypatch.setattr(interrupts, "LIMIT", 0.05)


@pytest.fixture
def presses() -> Iterator[Callable[[int], None]]:
    """Press Ctrl-C again and again from another thread, as a person does."""
    done = threading.Event()
    threads = []

    def start(signum: int = signal.SIGINT) -> None:
        def press() -> None:
            while not done.wait(0.05):
                os.kill(os.getpid(), signum)

        threads.append(threading.Thread(target=press))
        threads[0].start()

    yield start
    done.set()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("act", [hang, busy, swallow, lambda: time.sleep(1e6)])
@pytest.mark.parametrize("make", ["hook", "counter"])
def test_a_stop_that_hangs_is_given_up(
    make_session: Any, make: str, act: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    from session_shell.clock import RealClock

    session, alarm = make_session(clock=RealClock()), signal.getsignal(signal.SIGALRM)
    other = Hook(lambda: None)
    hanging = Hook(act)
    counter = session.namespace["counter"] = Stopping(act if make == "counter" else lambda: None)
    session.run("mv(roby, 3)")
    scan = session.run("dscan(roby, -0.01, 0.01, 2, 0.001, counter, run=False)")
    scan.add_preset(other)
    if make == "hook":
        scan.add_preset(hanging)
    with pytest.raises(SessionShellError, match="did not return after"):
        scan.run()
    assert scan.end_reason is EndReason.FAILURE
    assert other.calls == 1
    assert counter.calls[-1] == "stop"
    assert session.namespace["roby"].position == 3
    with h5py.File(scan.file) as file:
        assert "end_time" in file["1.1"]
    assert signal.getsignal(signal.SIGALRM) == alarm
    counter.act = lambda: None
    assert session.run("ct(0.001, counter)").end_reason is EndReason.SUCCESS


def test_a_ctrl_c_gives_up_a_stop_that_hangs(session: Session, presses: Any) -> None:
    other, hanging = Hook(lambda: None), Hook(lambda: (presses(), hang())[0])  # type: ignore[func-returns-value]
    session.run("mv(roby, 3)")
    scan = session.run("dscan(roby, -1, 1, 2, 0.1, diode, run=False)")
    scan.add_preset(other)
    scan.add_preset(hanging)
    with pytest.raises((SessionShellError, KeyboardInterrupt)):
        scan.run()
    assert "given up by Ctrl-C" in str(scan.error)
    assert other.calls == 1
    assert session.namespace["roby"].position == 3


def test_a_ctrl_c_just_behind_the_one_that_aborts_cuts_into_no_hook(session: Session) -> None:
    done = []
    session.namespace["counter"] = Counter(at={1: ctrl_c})

    def close_slowly() -> None:
        for _ in range(5):
            ctrl_c()
        done.append("closed")

    scan = session.run("loopscan(5, 0.1, counter, run=False)")
    scan.add_preset(Hook(close_slowly))
    with pytest.raises(KeyboardInterrupt):
        scan.run()
    assert done == ["closed"]
    assert scan.end_reason is EndReason.USER_ABORT


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), SystemExit()])
@pytest.mark.parametrize("make", ["hook", "counter", "axis"])
def test_a_stop_that_raises_what_ends_programs(
    session: Session, make: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = fail(error)  # type: ignore[arg-type]
    other = Hook(lambda: None)
    session.namespace["counter"] = Stopping(act if make == "counter" else lambda: None)
    session.run("mv(roby, 3)")
    scan = session.run("dscan(roby, -1, 1, 2, 0.1, counter, run=False)")
    scan.add_preset(other)
    if make == "hook":
        scan.add_preset(Hook(act))
    if make == "axis":
        session.namespace["counter"].at = {1: fail(ValueError("broken"))}
        axis = type(session.namespace["roby"])
        monkeypatch.setattr(axis, "stop", lambda self: act())
    with pytest.raises(ScanError if make == "axis" else SessionShellError, match=r"broken|raised"):
        scan.run()
    assert scan.end_reason is EndReason.FAILURE
    assert other.calls == 1
    assert session.namespace["roby"].position == 3
    with h5py.File(scan.file) as file:
        assert "end_time" in file["1.1"]


@pytest.mark.parametrize(
    ("signum", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")]
)
def test_a_signal_that_ends_the_session_is_an_end_of_its_own(
    session: Session, signum: int, name: str
) -> None:
    session.namespace["counter"] = Counter(at={2: lambda: os.kill(os.getpid(), signum)})
    with pytest.raises(SystemExit) as ended:
        session.run("loopscan(5, 0.1, counter)")
    assert ended.value.code == 128 + signum
    scan = session.scans[-1]
    assert scan.end_reason is EndReason.SESSION_ENDED
    with h5py.File(scan.file) as file:
        assert file["1.1/end_reason"].asstr()[()] == "SESSION_ENDED"
        assert file["1.1/scan/error"].asstr()[()] == f"ended by {name}"


def test_an_exit_of_a_script_in_a_scan_is_a_failure(session: Session) -> None:
    session.namespace["counter"] = Counter(at={2: fail(SystemExit(1))})  # type: ignore[arg-type]
    with pytest.raises(SystemExit):
        session.run("loopscan(5, 0.1, counter)")
    assert session.scans[-1].end_reason is EndReason.FAILURE


def test_signals_wait_until_the_session_is_closed(session: Session) -> None:
    for axis in ("roby", "robz"):
        session.run(f"move({axis}, 40, wait=False)")
    stop, presses = session.lock.release, []

    def release() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        ctrl_c()
        presses.append(session.journal._file)
        stop()

    session.lock.release = release  # type: ignore[method-assign]
    with pytest.raises(SystemExit):
        session.close()
    assert presses == [None], "the journal had its end"
    assert not session.lock.held
    assert session.closed
