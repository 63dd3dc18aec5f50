from __future__ import annotations

from collections.abc import Callable

import pytest

from session_shell.session import Session, Settings, keeping


def test_positions_are_saved_while_a_scan_runs(
    make_session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(keeping.time, "monotonic", lambda: now)
    session = make_session()
    saved: list[float] = []

    class Look:
        """Another process that looks at each point what is on disk."""

        must_not_fail = True

        def scan_started(self, doc: object) -> None: ...
        def scan_ended(self, doc: object) -> None: ...

        def rows(self, doc: object) -> None:
            nonlocal now
            now += 0.4
            settings = Settings(session.settings.path)
            saved.append(
                settings.get("roby", {**session.devices["roby"].configured_state()})["dial"]
            )
            settings.close()

    session.run("mv(roby, 1)")
    session.host.extra_sinks.append(Look())
    session.run("ascan(roby, 0, 9, 9, 0.1, diode, save=False)")
    # Each point is looked at before it is kept, and it is kept when a second has passed.
    assert saved == [1, 1, 1, 2, 2, 2, 5, 5, 5, 8]
