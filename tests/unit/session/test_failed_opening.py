"""A session that cannot be opened leaves nothing behind: no lock, no journal without an end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from session_shell.journal import journal_paths, read_journal
from session_shell.session import Session
from session_shell.session import session as module

Make = Callable[..., Session]


@pytest.mark.parametrize("step", ["_make_host", "_begin_journal", "_make_namespace", "_run_setup"])
def test_it_can_be_opened_again(
    make_session: Make, monkeypatch: pytest.MonkeyPatch, step: str, tmp_path: Path
) -> None:
    def fail(*_arguments: Any) -> None:
        raise OSError("no handle is left")

    with monkeypatch.context() as broken:
        broken.setattr(Session, step, fail)
        with pytest.raises(OSError, match="no handle is left"):
            make_session()
    assert make_session().run("1 + 1") == 2


def test_settings_that_cannot_be_opened(make_session: Make, monkeypatch: Any) -> None:
    def fail(*_arguments: Any, **_more: Any) -> None:
        raise OSError("stale")

    with monkeypatch.context() as broken:
        broken.setattr(module, "Settings", fail)
        with pytest.raises(OSError, match="stale"):
            make_session()
    assert make_session().run("1 + 1") == 2


def test_a_signal_in_a_setup_script_closes_the_session(
    make_session: Make, config: Path, tmp_path: Path
) -> None:
    (config / "bench_setup.py").write_text(
        "import os, signal\nmove(roby, 40, wait=False)\nraise SystemExit(128 + 15)\n"
    )
    with pytest.raises(SystemExit):
        make_session()
    (path,) = journal_paths(tmp_path / "data")
    closed = read_journal(path).closed
    assert closed is not None
    assert closed.reason == "SIGTERM"
    (config / "bench_setup.py").write_text("")
    session = make_session()
    assert 0 <= session.namespace["roby"].position < 40
