"""Arguments that nobody means: each is refused in one line, and the session goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from session_shell.errors import SessionShellError
from session_shell.session import Session

Make = Callable[..., Session]

ODD = """
ct(10**400)
ct(1j)
ct(float("nan"))
ct(None)
loopscan(10**400, 0.1, diode)
loopscan(2, 0.1, diode, sleep_time=10**400)
loopscan(2, 0.1, diode, run=array([1, 2]))
loopscan(2, 0.1, diode, save=array([1, 2]))
timescan(0.1, diode, npoints=10**400)
ascan(roby, 0, 1, 10**400, 0.1, diode)
ascan(roby, 0, 10**400, 2, 0.1, diode)
ascan(roby, 0, 1, 10**9, 0.1, diode)
amesh(roby, 0, 1, 10**6, robz, 0, 1, 10**6, 0.1, diode)
umv(roby, 10**400)
mvr(roby, 10**400)
mv(roby, 1j)
with rockit(roby, float("nan")): pass
with rockit(roby, 1j): pass
with rockit(roby, 10**400): pass
with rockit(float("nan"), 1): pass
simulate(1j)
simulate(None)
simulate(diode)
simulate("")
plotselect(array([1, 2]))
plotselect(1j)
scan(10**400)
elog_add(10**400)
replay_scan(10**400)
metadata_profiling(5)
user_script_homedir(5)
SCAN_SAVING.base_path = 5
add_preset(diode)
add_preset(roby)
add_preset(None)
add_preset(len)
SCANS[-1].add_preset(diode)
add_watchdog(diode)
add_watchdog(lambda: "no argument")
add_watchdog(lambda scan: "", "never")
""".strip().splitlines()


@pytest.mark.parametrize("code", ODD)
def test_it_is_refused_in_one_line(make_session: Make, code: str) -> None:
    with make_session() as session:
        session.run("from numpy import array")
        session.run("sct(0.1, diode)")
        with pytest.raises(SessionShellError) as error:
            session.run(code)
        assert "\n" not in str(error.value)
        assert session.run("sct(0.1, diode)").number == 2


def test_presets_of_any_object(make_session: Make) -> None:
    class Hooks:
        def __init__(self) -> None:
            self.seen: list[Any] = []

        def prepare(self, scan: Any, more: int = 3) -> None:
            self.seen.append("prepare")

        def after_point(self, *arguments: Any) -> None:
            self.seen.append(arguments[1])

    hooks = Hooks()
    with make_session() as session:
        session.namespace["hooks"] = hooks
        session.run("add_preset(hooks)\nloopscan(2, 0.1, diode)")
    assert hooks.seen == ["prepare", 0, 1]
