"""A Ctrl-C that code of the user catches and drops still ends the scan."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from session_shell.session import Session

Make = Callable[..., Session]

COUNTER = """
import os, signal
class Deaf:
    points = 0
    def read(self):
        Deaf.points += 1
        if Deaf.points == 3:
            try:
                os.kill(os.getpid(), signal.{signal})
                sleep(0)
            except BaseException:
                pass
        return 1.0
deaf = Deaf()
soft_counter("ear", obj=deaf, value="read", mode="SINGLE")
"""
HOOK = """
import os, signal
class Hook:
    def {hook}(self, scan, *index):
        try:
            os.kill(os.getpid(), signal.{signal})
            sleep(0)
        except BaseException:
            pass
add_preset(Hook())
"""
ERRORS = {"SIGINT": KeyboardInterrupt, "SIGTERM": SystemExit}


@pytest.mark.parametrize("name", list(ERRORS))
def test_in_a_counter(make_session: Make, name: str) -> None:
    with make_session() as session:
        session.run(COUNTER.format(signal=name))
        with pytest.raises(ERRORS[name]):
            session.run("loopscan(50, 0.1, ear)")
        scan = session.scans[-1]
        assert scan.data.npoints <= 3
        assert str(scan.end_reason) != "SUCCESS"
        assert str(session.run("loopscan(2, 0.1, diode)").end_reason) == "SUCCESS"


@pytest.mark.parametrize("hook", ["prepare", "start", "before_point", "after_point"])
def test_in_a_hook(make_session: Make, hook: str) -> None:
    with make_session() as session:
        session.run(HOOK.format(signal="SIGINT", hook=hook))
        with pytest.raises(KeyboardInterrupt):
            session.run("loopscan(50, 0.1, diode)")
        scan = session.scans[-1]
        assert scan.data.npoints <= 1
        assert str(scan.end_reason) == "USER_ABORT"
