from __future__ import annotations

from collections.abc import Callable

import h5py
import pytest

from session_shell.errors import CommandError
from session_shell.session import Session

Capture = pytest.CaptureFixture[str]

# plotselect


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("plotselect()", []),
        ("plotselect(diode)", ["diode"]),
        ("plotselect('diode3', diode)", ["diode3", "diode"]),
        ("plotselect('diode*')", ["diode", "diode3"]),
        ("plotselect('diode3', 'd*')", ["diode3", "diode"]),
        ("plotselect(MG1)", ["diode", "diode3"]),
        ("plotselect('MG2')", ["diode"]),
        ("plotselect([diode, ('diode3',)])", ["diode", "diode3"]),
        ("plotselect(diode); plotselect(None)", []),
        ("plotselect diode3", ["diode3"]),
    ],
)
def test_counters_are_chosen(
    session: Session, capsys: Capture, typed: str, chosen: list[str]
) -> None:
    assert session.run(typed) == chosen
    told = ", ".join(chosen) or "the first counter of each scan"
    assert capsys.readouterr().out.splitlines()[-1] == f"plotted: {told}"
    assert list(session.plot_selection) == chosen
    assert session.run("plotselect()") == chosen


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("plotselect('doide')", "there is no counter 'doide', did you mean 'diode'"),
        ("plotselect('zzz*')", r"there is no counter 'zzz\*'; lscnt\(\) lists them"),
        ("plotselect(3)", "plotselect: 3 is no counter"),
        ("plotselect(roby)", "is no counter"),
        ("plotselect(diode, None)", "None is no counter"),
    ],
)
def test_what_is_no_counter_is_told(session: Session, typed: str, message: str) -> None:
    session.run("plotselect(diode)")
    with pytest.raises(CommandError, match=message):
        session.run(typed)
    assert session.plot_selection == ("diode",)


def test_the_choice_survives_a_restart(make_session: Callable[..., Session]) -> None:
    with make_session() as session:
        session.run("plotselect(diode3)")
        session.close()
    with make_session() as session:
        assert session.run("plotselect()") == ["diode3"]


def test_files_show_what_was_chosen(session: Session) -> None:
    session.run("plotselect(diode3, diode)")
    scan = session.run("ascan(roby, 0, 1, 4, 0.1, diode, diode3)")
    with h5py.File(scan.file) as file:
        plot = file["1.1/plot"]
        assert plot.attrs["signal"] == "diode3"
        assert list(plot.attrs["auxiliary_signals"]) == ["diode"]
    other = session.run("ascan(roby, 0, 1, 4, 0.1, diode)")
    with h5py.File(other.file) as file:
        assert file["2.1/plot"].attrs["signal"] == "diode"
    session.run("plotselect(None)")
    assert session.run("ct(diode, diode3)").plan.plot == ()
