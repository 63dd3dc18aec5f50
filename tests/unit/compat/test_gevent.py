from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from session_shell.clock import RealClock
from session_shell.session import Session


def test_gevent_sleep_is_the_sleep_of_the_session(
    make_session: Callable[..., Session], config: Path
) -> None:
    (config / "bench_setup.py").write_text(
        "import gevent\nfrom gevent import sleep\ngevent.sleep(100)\nsleep(20)\ngevent.sleep()\n"
        "def wait(): gevent.sleep(3)\n"
    )
    session = make_session()
    assert session.problems == []
    session.run("wait()")
    assert session.clock.time() == 1_700_000_123


def test_nothing_else_of_gevent_is_there(session: Session) -> None:
    with pytest.raises(AttributeError, match="no greenlets"):
        session.run("import gevent; gevent.spawn(print)")
    with pytest.raises(ImportError):
        session.run("from gevent import spawn")
    with pytest.raises(ModuleNotFoundError):
        session.run("import gevent.event")
    session.close()
    assert "gevent" not in sys.modules


def test_under_the_real_clock_it_waits(make_session: Callable[..., Session]) -> None:
    session = make_session(clock=RealClock())
    assert session.run(
        "import gevent, time; t = time.monotonic(); gevent.sleep(0.01); time.monotonic() - t"
    ) >= 0.01  # fmt: skip


def test_a_real_gevent_is_left_alone(
    make_session: Callable[..., Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "gevent.py").write_text("real = True\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    try:
        session = make_session()
        assert session.run("import gevent; gevent.real") is True
        session.close()
        assert "gevent" in sys.modules
    finally:
        sys.modules.pop("gevent", None)
