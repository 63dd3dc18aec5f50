"""Scans from their files, looked at as they ran."""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from session_shell.clock import RealClock
from session_shell.errors import CommandError, ScanError
from session_shell.scanning.documents import Rows, ScanEnded, ScanStarted
from session_shell.session import Session

MakeSession = Callable[..., Session]


def shown(session: Session, command: str) -> str:
    """Return what a command shows on the session's stream."""
    stream = session.host.stream
    assert stream is not None
    before = len(stream.getvalue())  # type: ignore[attr-defined]
    session.run(command)
    return str(stream.getvalue()[before:])  # type: ignore[attr-defined]


@pytest.fixture
def shell(make_session: MakeSession) -> Session:
    session = make_session(stream=io.StringIO())
    session.host.stream = io.StringIO()
    return session


@pytest.mark.parametrize("speed", [1, 7.5, None, "auto"])
@pytest.mark.parametrize(
    "command",
    [
        "ascan(roby, 0, 1, 4, 0.1, diode3)",
        "amesh(roby, 0, 1, 3, robz, 0, 1, 2, 0.1)",
        "sct(0.1)",
        "fscan(roby, 0, 1, 5, 0.1, diode)",
    ],
)
def test_it_looks_as_it_looked(shell: Session, command: str, speed: Any) -> None:
    live = shown(shell, command)
    assert shown(shell, f"replay_scan(speed={speed!r})") == live
    assert shown(shell, f"replay_scan(1, speed={speed!r})") == live
    assert shown(shell, f"replay_scan(SCANS[-1].file, speed={speed!r})") == live
    assert shown(shell, f"replay_scan(SCANS[-1], speed={speed!r})") == live


def test_the_live_plot_too(shell: Session) -> None:
    shell.run("live_plot(True)")
    live = shown(shell, "ascan(roby, 0, 1, 4, 0.1, diode3)")
    assert "diode3" in live.rpartition("Took")[2]
    assert shown(shell, "replay_scan(1)") == live


def test_how_it_failed_too(shell: Session) -> None:
    points = "def points():\n    yield 1\n    yield 2\n    1 / 0\n"
    shell.run(points)
    before = len(shell.host.stream.getvalue())  # type: ignore[union-attr]
    with pytest.raises(ScanError, match="ZeroDivisionError"):
        shell.run("userscan(roby, points, 0.1, diode)")
    live = shell.host.stream.getvalue()[before:]  # type: ignore[union-attr]
    assert "FAILED after 2 points" in live
    assert shown(shell, "replay_scan(1)") == live


def test_pauses_too(shell: Session) -> None:
    watchdog = "import itertools\ncalls = itertools.count()\n"
    shell.run(watchdog + "s = loopscan(4, 0.1, diode, run=False)")
    shell.run(
        "s.add_watchdog(lambda scan: 'beam lost' if next(calls) in (2, 3) else '', interval=0.01)"
    )
    live = shown(shell, "s.run()")
    assert "PAUSED after" in live
    assert shown(shell, "replay_scan(1)") == live


def test_nothing_moves_and_nothing_is_written(shell: Session) -> None:
    shell.run("ascan(roby, 0, 1, 4, 0.1, diode)")
    before = sorted(path.name for path in shell.saving.folder.iterdir())
    shell.run("mv(roby, 7); replay_scan()")
    assert shell.devices["roby"].position == 7
    assert sorted(path.name for path in shell.saving.folder.iterdir()) == before
    assert len(shell.scans) == 1


def test_other_sinks_get_the_documents(shell: Session) -> None:
    seen: list[Any] = []

    class Sink:
        must_not_fail = False

        def scan_started(self, doc: Any) -> None:
            seen.append(doc.number)

        def rows(self, doc: Any) -> None:
            seen.append(doc.count)

        def scan_ended(self, doc: Any) -> None:
            seen.append(doc.reason)

    shell.run("loopscan(3, 0.1, diode)")
    shell.host.extra_sinks.append(Sink())  # type: ignore[arg-type]
    shell.run("replay_scan(speed=None)")
    assert seen == [1, 3, "SUCCESS"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("replay_scan(7)", "there is no scan 7"),
        ("replay_scan('nowhere.h5')", "no such file"),
        ("replay_scan(diode)", "expected a scan"),
        ("replay_scan(loopscan(1, 0.1, diode, save=False))", "has no file"),
        ("loopscan(1, 0.1, diode); replay_scan(speed=0)", "replay_scan: speed must be"),
        ("loopscan(1, 0.1, diode); replay_scan(speed='fast')", "replay_scan: speed must be"),
    ],
)
def test_what_cannot_be_replayed_is_told(shell: Session, command: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        shell.run(command)


class _CtrlC:
    """A sink that is interrupted by its user before the first point."""

    must_not_fail = False

    def scan_started(self, doc: ScanStarted) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    def rows(self, doc: Rows) -> None:
        pass

    def scan_ended(self, doc: ScanEnded) -> None:
        pass


def test_ctrl_c_ends_it(make_session: MakeSession) -> None:
    session = make_session(clock=RealClock())
    session.host.stream = io.StringIO()
    session.run("loopscan(2, 0.5, diode)")
    session.host.extra_sinks.append(_CtrlC())
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match="the replay of loopscan 2"):
        session.run("replay_scan(speed=0.01)")
    assert time.monotonic() - began < 20
    session.host.extra_sinks.clear()
    assert session.run("loopscan(1, 0.1, diode)").number == 2


def test_at_least_one_way_to_name_a_scan(shell: Session) -> None:
    with pytest.raises(CommandError):
        shell.run("replay_scan(None)")
