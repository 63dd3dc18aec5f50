from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from session_shell.errors import CommandError, LimitError, ScanError
from session_shell.session import Session

Capture = pytest.CaptureFixture[str]

PEAKS = """
- {name: hill, class: simulation_diode, model: gaussian, axis: $roby, center: 5, fwhm: 2,
   height: 1000, background: 20, unit: nA}
- {name: hole, class: simulation_diode, model: gaussian, axis: $roby, center: 3, fwhm: 2,
   height: -500, background: 600}
- {name: edge, class: simulation_diode, model: sigmoid, axis: $robz, center: 1, fwhm: 0.5,
   height: 80}
- {name: spot, class: simulation_diode, model: gaussian, axes: [$roby, $robz], center: [1, 2],
   fwhm: [1, 1], height: 10}
"""


@pytest.fixture
def config(config: Path) -> Path:
    """The small configuration with counters that see peaks."""
    (config / "peaks.yml").write_text(PEAKS)
    return config


@pytest.fixture
def scanned(session: Session) -> Session:
    """A session in which a peak at 5 mm was scanned, and chosen to be looked at."""
    session.run("plotselect(hill)")
    session.run("ascan(roby, 0, 10, 50, 0.1, hill, hole, diode)")
    return session


def position(session: Session, name: str = "roby") -> float:
    value: float = session.namespace[name].position
    return value


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("cen()", 5),
        ("cen(hill)", 5),
        ("cen('hill', roby)", 5),
        ("cen(hole)", 3),
        ("cen(axis='axis:roby')", 5),
        ("com()", 5),
        ("com(hole)", 3),
        ("peak()", 5),
        ("trough(hole)", 3),
        ("fwhm()", 2),
        ("fwhm(hole)", 2),
        ("find_position(lambda x, y: x[y.argmax()])", 5),
        ("find_position(lambda x, y: x[0], counter=hole)", 0),
        ("SCANS[-1].cen(hole)", 3),
        ("SCANS[-1].find_position(lambda x, y: 7, 'hill')", 7),
    ],
)
def test_peaks_of_the_last_scan(scanned: Session, typed: str, expected: float) -> None:
    found = scanned.run(typed)
    assert type(found) is float
    assert found == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("goto_cen()", 5),
        ("goto_cen(hole)", 3),
        ("goto_com()", 5),
        ("goto_peak()", 5),
        ("goto_min(hole)", 3),
        ("goto_custom(lambda x, y: x[y > 900].mean())", 5),
        ("goto_cen(hill, roby)", 5),
        ("goto_cen(hill, 'roby')", 5),
    ],
)
def test_going_to_peaks(scanned: Session, capsys: Capture, typed: str, expected: float) -> None:
    assert scanned.run(typed) is None
    assert position(scanned) == pytest.approx(expected, abs=0.05)
    out = capsys.readouterr().out
    said = out[out.index(" of h") :].splitlines()
    assert said[0] in (
        " of hill along roby in scan 1 (ascan roby 0 10 50 0.1)",
        " of hole along roby in scan 1 (ascan roby 0 10 50 0.1)",
    )
    assert said[1].startswith(f"roby: 10 -> {expected}"[:11])
    assert said[1].endswith("mm")


def test_with_several_counters_one_must_be_chosen(session: Session) -> None:
    session.run("ascan(roby, 0, 10, 50, 0.1, hill, hole, diode)")
    for typed in ("cen()", "goto_cen()", "goto_com()", "fit()", "SCANS[-1].peak()"):
        with pytest.raises(CommandError, match=r"has several counters \(hill, hole, diode\)"):
            session.run(typed)
        assert position(session) == 10
    session.run("plotselect(hole)")
    assert session.run("cen()") == pytest.approx(3, abs=0.05)
    assert session.run("cen(hill)") == pytest.approx(5, abs=0.05)


def test_a_count_between_is_not_looked_at(session: Session, capsys: Capture) -> None:
    session.run("ascan(roby, 0, 10, 50, 0.1, hill)")
    session.run("ct(0.1, diode)\nsct(0.1, diode)\nloopscan(2, 0.1, diode)")
    assert session.run("cen()") == pytest.approx(5, abs=0.05)
    assert "cen of hill along roby in scan 1" in capsys.readouterr().out


def test_the_last_scan_of_an_earlier_run(
    scanned: Session, make_session: Callable[..., Session]
) -> None:
    scanned.run("sct(0.1, diode)")
    scanned.close()
    with make_session() as session:
        assert session.run("cen(hill)") == pytest.approx(5, abs=0.05)
        session.run("goto_cen(hill)")
        assert position(session) == pytest.approx(5, abs=0.05)
        session.run("elog_plot()")


def test_an_edge(session: Session) -> None:
    session.run("ascan(robz, -1, 3, 80, 0.1, edge)")
    assert session.run("cen()") == pytest.approx(1, abs=0.01)
    assert session.run("fwhm()") == pytest.approx(0.5, abs=0.02)
    session.run("goto_cen()")
    assert position(session, "robz") == pytest.approx(1, abs=0.01)


def test_axes_that_moved_together_give_a_dict(session: Session) -> None:
    session.run("a2scan(roby, 0, 10, robz, 10, 30, 50, 0.1, hill)")
    cen = session.run("cen()")
    assert cen == {"roby": pytest.approx(5, abs=0.01), "robz": pytest.approx(20, abs=0.02)}
    assert session.run("peak()") == {"roby": 5, "robz": 20}
    assert session.run("fwhm()") == {
        "roby": pytest.approx(2, abs=0.02),
        "robz": pytest.approx(4, abs=0.04),
    }
    assert session.run("cen(axis=robz)") == pytest.approx(20, abs=0.02)
    session.run("goto_cen()")
    assert position(session) == pytest.approx(5, abs=0.01)
    assert position(session, "robz") == pytest.approx(20, abs=0.02)
    session.run("goto_min(axis=robz)")
    assert position(session) == pytest.approx(5, abs=0.01)


def test_an_axis_that_stands_still_beside_one_that_moves(session: Session) -> None:
    session.run("a2scan(robz, 4, 4, roby, 0, 10, 50, 0.1, hill)")
    assert session.run("cen()") == {"robz": 4, "roby": pytest.approx(5, abs=0.01)}


def test_axes_that_go_to_and_fro_must_be_named(session: Session) -> None:
    session.run("lookupscan([(roby, [1, 3, 2, 5, 4]), (robz, [0, 2, 1, 0, 1])], 0.1, hole)")
    with pytest.raises(CommandError, match="goes one way only: say which one with axis="):
        session.run("cen()")
    assert session.run("cen(axis=roby)") == pytest.approx(3, abs=0.3)


def test_a_mesh_has_extremes(session: Session) -> None:
    session.run("amesh(roby, 0, 2, 10, robz, 1, 3, 5, 0.1, spot, backnforth=True)")
    assert session.run("peak()") == {"robz": pytest.approx(1.8), "roby": 1}
    assert set(session.run("trough()")) == {"roby", "robz"}
    assert session.run("SCANS[-1].grid(spot)").shape == (6, 11)
    assert session.run("SCANS[-1].grid()").argmax() == 2 * 11 + 5
    session.run("goto_peak()")
    assert position(session) == 1
    with pytest.raises(CommandError, match=r"cen: amesh .* is a mesh: peak\(\)"):
        session.run("cen()")
    with pytest.raises(CommandError, match=r"fit: amesh .* is a mesh"):
        session.run("fit()")
    assert session.run("peak(axis=roby)") == 1
    with pytest.raises(CommandError, match="grid: ct 1 is no mesh"):
        session.run("ct(diode).grid()")


def test_the_counter_chosen_by_plotselect_is_looked_at(scanned: Session, capsys: Capture) -> None:
    assert scanned.run("cen()") == pytest.approx(5, abs=0.01)
    scanned.run("plotselect(edge, hole)")
    assert scanned.run("cen()") == pytest.approx(3, abs=0.01)
    # A scan remembers what was chosen when it was made.
    assert scanned.run("SCANS[-1].cen()") == pytest.approx(5, abs=0.01)
    scan = scanned.run("ascan(roby, 0, 10, 50, 0.1, hill, hole)")
    assert scan.plan.plot == scan.layout.plot == ("hole",)
    assert scan.cen() == pytest.approx(3, abs=0.01)
    scanned.run("plotselect(None)")
    assert scanned.run("cen()") == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("verb", ["cen", "com", "peak", "trough", "fwhm", "goto_cen", "goto_min"])
def test_what_is_missing_is_told(session: Session, verb: str) -> None:
    name = verb.replace("goto_min", "trough").removeprefix("goto_")
    message = f"{name}: there is no scan with an axis yet"
    with pytest.raises(CommandError, match=message):
        session.run(f"{verb}()")
    session.run("loopscan(3, 0.1, diode)")
    with pytest.raises(CommandError, match=message):
        session.run(f"{verb}()")
    with pytest.raises(CommandError, match=rf"{name}: loopscan 3 0.1 has no axis; say which scan"):
        session.run(f"SCANS[-1].{name}()")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("cen(diode)", "cen of diode in ascan roby 0 10 50 0.1: there is no peak: all values"),
        ("cen(edge)", "has no column 'edge'; it has elapsed_time, epoch, roby, hill"),
        ("cen(hill, robz)", "has no column 'robz'"),
        ("goto_cen(hill, robz)", "has no column 'robz'"),
        ("goto_cen(hill, 'elapsed_time')", "what is moved must be an axis, got 'elapsed_time'"),
        ("find_position(3)", "find_position: expected a function of positions and values, got 3"),
        ("goto_custom('x')", "goto_custom: expected a function"),
        ("find_position(lambda x, y: None)", "must return a position, it returned None"),
        ("fit('parabola')", "the model must be one of gaussian"),
        ("fit(3)", "model must be some text, got 3"),
    ],
)
def test_what_cannot_be_is_told(scanned: Session, typed: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        scanned.run(typed)


def test_nothing_moves_beyond_a_limit(scanned: Session) -> None:
    with pytest.raises(LimitError, match="roby: 99 mm is outside"):
        scanned.run("goto_custom(lambda x, y: 99)")
    assert position(scanned) == 10


def test_after_a_sequence_its_last_member_counts(session: Session) -> None:
    session.run("with sequence('x') as s: s.add(ascan(roby, 0, 10, 50, 0.1, hill, run=False))")
    assert session.scans[-1].type == "sequence"
    assert session.run("cen()") == pytest.approx(5, abs=0.01)


def test_time_can_be_the_axis(session: Session) -> None:
    session.run("loopscan(5, 0.1, diode3)")
    assert 0 <= session.run("peak(axis='elapsed_time')") < 1


def test_a_scan_that_failed_at_once_has_no_points(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no answer")

    monkeypatch.setattr(type(session.namespace["diode"]), "prepare", fail)
    with pytest.raises(ScanError):
        session.run("ascan(roby, 0, 10, 5, 0.1, diode)")
    with pytest.raises(CommandError, match="there are no points"):
        session.run("cen()")


def test_fits(scanned: Session) -> None:
    fit = scanned.run("fit()")
    assert (fit.counter, fit.axis, fit.axis_unit) == ("hill", "roby", "mm")
    assert fit.center == pytest.approx(5, abs=0.01)
    assert "center      5" in fit.__info__()
    assert scanned.run("fit('gaussian', hole).height") == pytest.approx(-500, abs=5)
    session = scanned
    session.run("loopscan(5, 0.1, diode)")
    with pytest.raises(CommandError, match=r"fit: loopscan 5 0.1 has no axis"):
        session.run("SCANS[-1].fit()")


def test_lineup_goes_to_the_maximum(session: Session) -> None:
    session.run("umv(roby, 4.5); lineup(roby, -1, 1, 20, 0.1, hill)")
    assert position(session) == pytest.approx(5, abs=0.001)


def test_peaks_of_a_scan_of_an_earlier_session(
    scanned: Session, make_session: Callable[..., Session]
) -> None:
    from session_shell.nexus import open_scan

    saved = open_scan(scanned.scans[-1].file)
    for name in ("cen", "com", "peak", "trough", "fwhm"):
        assert getattr(saved, name)("hill") == getattr(scanned.scans[-1], name)("hill")
    assert saved.fit().center == pytest.approx(5, abs=0.01)


def test_tables(scanned: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    scan: Any = scanned.scans[-1]
    frame = scan.to_pandas()
    assert list(frame) == list(scan.data)
    assert frame.attrs["units"]["hill"] == "nA"
    assert frame["roby"].tolist() == scan.data["roby"].tolist()
    data = scan.to_xarray()
    assert data["hill"].attrs == {"units": "nA"}
    assert "roby" in data.coords
    for module in ("pandas", "xarray"):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(CommandError, match=r"to_\w+: \w+ is not installed: pip install .*data"):
            getattr(scan, f"to_{module}")()
