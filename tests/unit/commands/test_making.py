from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from session_shell.errors import CommandError, DeviceError, LimitError, SessionShellError
from session_shell.session import Session

OVEN = """
class Oven:
    setpoint = 20.0
    def get(self): return self.setpoint
    def set_to(self, value): self.setpoint = value
oven = Oven()
"""


def values(session: Session, code: str) -> dict[str, Any]:
    scan = session.run(code)
    return {name: column.tolist() for name, column in scan.data.items()}


def test_a_calculated_counter(session: Session) -> None:
    ratio = session.run('calc_counter("ratio", lambda a, b: b / a, diode, "diode3", unit="1/V")')
    assert session.namespace["ratio"] is session.devices["ratio"] is ratio
    found = values(session, "loopscan(3, 0.1, diode3, ratio, save=False)")
    assert list(found)[2:] == ["diode3", "ratio", "diode"]
    assert found["ratio"] == [v / 7 for v in found["diode3"]]
    assert session.run("loopscan(2, 0.1, 'ratio', save=False)").data[ratio].shape == (2,)


def test_per_second_and_the_clock(session: Session) -> None:
    session.run('per_second("rate", diode); clock_counter("t", "elapsed")')
    found = values(session, "loopscan(3, 0.5, rate, t, save=False)")
    assert found["rate"] == [14.0] * 3
    assert found["t"] == pytest.approx([0, 0.5, 1.0])


def test_axes_as_counters(session: Session) -> None:
    session.run("mv(roby, 3)")
    assert values(session, "loopscan(2, 0.1, roby, save=False)")["roby"] == [3.0, 3.0]
    found = values(session, "ascan(roby, 0, 1, 1, 0.1, robz, 'diode', save=False)")
    assert (found["roby"], found["robz"]) == ([0.0, 1.0], [0.0, 0.0])
    with pytest.raises(SessionShellError, match="two columns would be called 'roby'"):
        session.run("ascan(roby, 0, 1, 1, 0.1, roby, save=False)")


def test_a_soft_axis_is_scanned(session: Session) -> None:
    session.run(OVEN)
    session.run('soft_axis("temp", oven, position="setpoint", move="set_to", high_limit=90)')
    session.run('soft_counter("t", oven.get, unit="degC", mode="LAST")')
    found = values(session, "ascan(temp, 30, 50, 2, 0.1, t, save=False)")
    assert found["temp"] == found["t"] == [30.0, 40.0, 50.0]
    assert session.run("dscan(temp, -1, 1, 2, 0.1, t, save=False)") is not None
    assert session.namespace["oven"].setpoint == 50.0
    with pytest.raises(LimitError, match="temp: 110 is outside"):
        session.run("ascan(temp, 0, 110, 2, 0.1, t)")
    assert session.namespace["oven"].setpoint == 50.0
    session.run("mv(temp, 33)")
    assert session.namespace["oven"].setpoint == 33.0


def test_the_names_that_users_know(session: Session) -> None:
    session.run(OVEN)
    axis = session.run('SoftAxis("temp", oven, "setpoint", "set_to", unit="degC", low_limit=0)')
    assert (axis.name, axis.unit, axis.low_limit) == ("temp", "degC", 0.0)
    named = session.run('SoftCounter(oven, "setpoint", name="t", mode="SAMPLES", unit="degC")')
    assert named.name == "t"
    assert session.run('SoftCounter(oven, "get")').name == "Oven_get"
    assert session.run("SoftCounter(value=oven.get)").name == "get"
    scan = session.run("loopscan(2, 0.05, t)")
    assert scan.data["t_samples"].shape == (2, 5)
    assert np.isfinite(scan.data["t_samples"]).all()


def test_making_one_again_replaces_it(session: Session) -> None:
    first = session.run('calc_counter("c", lambda a: a, diode)')
    second = session.run('calc_counter("c", lambda a: 2 * a, diode)')
    assert session.devices["c"] is second is not first


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ('calc_counter("diode", lambda a: a, diode3)', "diode is an object of the configuration"),
        ('calc_counter("ascan", lambda a: a, diode3)', "calc_counter: ascan is a command"),
        ('calc_counter("a b", lambda a: a, diode)', "calc_counter: 'a b' cannot be a name"),
        ('calc_counter("for", lambda a: a, diode)', "'for' cannot be a name"),
        ("calc_counter(5, lambda a: a, diode)", "calc_counter: the name must be some text, got 5"),
        ('calc_counter("c", lambda a: a, "nope")', "'nope' is neither a counter nor an axis"),
        ('calc_counter("c", lambda a: a, MG1)', "is neither a counter nor an axis"),
        ('clock_counter("t", "local")', "kind must be 'epoch' or 'elapsed', got 'local'"),
        ('SoftAxis("t", roby, unti="mm")', "SoftAxis: there is no keyword 'unti', did you mean"),
        ('SoftCounter(roby, "position", speed=1)', "there is no keyword 'speed'"),
        ("loopscan(1, 0.1, MG3)", "name 'MG3' is not defined"),
        ("loopscan(1, 0.1, 5)", "5 is no counter"),
    ],
)
def test_what_is_refused(session: Session, typed: str, message: str) -> None:
    before = set(session.devices)
    with pytest.raises((CommandError, NameError), match=message):
        session.run(typed)
    assert set(session.devices) == before


def test_a_function_that_does_not_fit(session: Session) -> None:
    with pytest.raises(DeviceError, match="cannot take the values of 2 counters"):
        session.run('calc_counter("c", lambda a: a, diode, diode3)')
    with pytest.raises(DeviceError, match="give at least one counter"):
        session.run('calc_counter("c", lambda: 1)')


def test_lineup_on_a_calculated_counter(session: Session) -> None:
    session.run('calc_counter("slope", lambda a, x: a * x, diode, roby)')
    session.run("lineup(roby, -1, 1, 4, 0.1, slope, save=False)")
    assert session.namespace["roby"].position == 1.0


def test_what_was_made_is_listed(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session.run(
        'calc_counter("slope", lambda a: a, diode); soft_axis("v", roby, "velocity", "velocity")'
    )
    session.run("lsobj(); lscnt(); lsmot()")
    assert capsys.readouterr().out.count("CalculatedCounter") == 2
