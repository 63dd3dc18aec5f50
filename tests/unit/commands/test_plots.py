from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

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


# plot


@pytest.fixture
def scanned(session: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session with a scan, on a machine without a display."""
    monkeypatch.setattr("session_shell.sinks.figure.has_display", lambda: False)
    session.run("ascan(roby, 0, 1, 4, 0.1, diode, diode3)")
    return session


@pytest.mark.parametrize(
    ("typed", "curves"),
    [
        ("plot()", ["diode [V]"]),
        ("plot(diode)", ["diode [V]"]),
        ("plot('diode3')", ["diode3"]),
        ("plot(diode, diode3)", ["diode [V]", "diode3"]),
        ("plotselect(diode3); plot()", ["diode3"]),
        ("plot(1, to='terminal')", ["diode [V]"]),
        ("plot(SCANS[-1], diode3, to='terminal')", ["diode3"]),
    ],
)
def test_plots_in_the_terminal(
    scanned: Session, capsys: Capture, typed: str, curves: list[str]
) -> None:
    scanned.run(typed)
    out = capsys.readouterr().out
    assert "ascan roby 0 1 4 0.1" in out
    assert "roby [mm]" in out
    for curve in curves:
        assert curve in out
    assert "\x1b" not in out


def test_a_scan_is_plotted_beside_its_file(scanned: Session, capsys: Capture) -> None:
    file = scanned.scans[-1].file
    assert file is not None
    path = file.with_suffix(".png")
    assert scanned.run("plot(SCANS[-1])") == path
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert f"plotted in {path}" in capsys.readouterr().out
    path.unlink()
    assert scanned.run("plot(1)") == path
    assert path.exists()
    scanned.run("ct(diode)")
    assert scanned.run(f"plot(open_scan({str(file)!r}))") == path
    assert scanned.run("plot(scan(1), axis='elapsed_time', to='file')") == path


def test_a_mesh_is_plotted_as_an_image(scanned: Session, capsys: Capture) -> None:
    scanned.run("amesh(roby, 0, 1, 4, robz, 0, 1, 3, 0.1, diode)")
    scanned.run("plot()")
    assert "robz [mm] up" in capsys.readouterr().out
    assert scanned.run("plot(SCANS[-1])").exists()


def test_pictures_have_any_name(scanned: Session, tmp_path: Path) -> None:
    for name, written in (("a.png", "a.png"), ("b.pdf", "b.pdf"), ("c", "c.png")):
        assert scanned.run(f"plot(to={str(tmp_path / name)!r})") == tmp_path / written
        assert (tmp_path / written).exists()


def test_a_window_that_does_not_open_becomes_a_picture(
    scanned: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("session_shell.sinks.figure.has_display", lambda: True)
    monkeypatch.setattr("session_shell.sinks.figure.show", lambda d: bool(shown.append(d)) or True)
    assert scanned.run("plot(SCANS[-1])") is None
    assert len(shown) == 1
    monkeypatch.setattr("session_shell.sinks.figure.show", lambda d: False)
    assert scanned.run("plot(SCANS[-1])").suffix == ".png"


def test_without_matplotlib_a_scan_is_plotted_in_the_terminal(
    scanned: Session, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("session_shell.sinks.figure.can_draw", lambda: False)
    scanned.run("plot(SCANS[-1])")
    out = capsys.readouterr().out
    assert "pip install session-shell[plot]" in out
    assert "roby [mm]" in out
    with pytest.raises(CommandError, match="matplotlib is not installed"):
        scanned.run("plot(to='x.png')")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("plot(roby3)", "name 'roby3' is not defined"),
        ("plot('nothing')", "has no column 'nothing'"),
        ("plot(99)", "has no scan 99"),
        ("plot(to=3)", 'to must be "terminal", "window", "file"'),
        ("plot(ct(diode), to='file')", "is not saved, so there is no file"),
        ("plot(diode, axis='nothing')", "has no column 'nothing'"),
        ("live_plot('x')", "on must be True or False"),
    ],
)
def test_what_cannot_be_plotted_is_told(scanned: Session, typed: str, message: str) -> None:
    with pytest.raises((CommandError, NameError), match=message):
        scanned.run(typed)


def test_without_a_scan_there_is_nothing_to_plot(session: Session) -> None:
    with pytest.raises(CommandError, match="plot: there is no scan yet"):
        session.run("plot()")


def test_live_plots_survive_a_restart(
    make_session: Callable[..., Session], capsys: Capture
) -> None:
    with make_session() as session:
        session.run("live_plot()")
        assert "are not plotted" in capsys.readouterr().out
        session.run("live_plot(True)")
        assert "are plotted" in capsys.readouterr().out
        session.close()
    with make_session() as session:
        session.run("live_plot()")
        assert "are plotted" in capsys.readouterr().out
