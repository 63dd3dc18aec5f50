from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from session_shell import open_session
from session_shell.errors import CommandError, LimitError
from session_shell.session import Session


@pytest.mark.parametrize(
    ("typed", "title", "points"),
    [
        ("ct()", "ct 1", 1),
        ("ct(diode)", "ct 1", 1),
        ("ct(0.1, diode)", "ct 0.1", 1),
        ("sct(0.5, MG2)", "sct 0.5", 1),
        ("loopscan(3, 0.1)", "loopscan 3 0.1", 3),
        ("loopscan(3.0, 1, diode)", "loopscan 3 1", 3),
        ("loopscan(3, 0, diode)", "loopscan 3 0", 3),
        ("timescan(0.1, diode, npoints=4)", "timescan 0.1", 4),
        ("ascan(roby, 0, 10, 10, 0.1)", "ascan roby 0 10 10 0.1", 11),
        ("ascan('roby', 10, 0.5, 1, 0.1, 'diode')", "ascan roby 10 0.5 1 0.1", 2),
        ("dscan(roby, -1, 1, 4, 0.1)", "dscan roby -1 1 4 0.1", 5),
        ("a2scan(roby, 0, 1, robz, 2, 3, 4, 0.1)", "a2scan roby 0 1 robz 2 3 4 0.1", 5),
        ("d2scan(roby, 0, 1, robz, 2, 3, 4, 0.1)", "d2scan roby 0 1 robz 2 3 4 0.1", 5),
        ("anscan([(roby, 0, 1), (robz, 2, 3)], 4, 0.1)", "anscan roby 0 1 robz 2 3 4 0.1", 5),
        ("dnscan([(roby, 0, 1)], 4, 0.1)", "dnscan roby 0 1 4 0.1", 5),
        ("lookupscan([(roby, [0, 1]), (robz, [5, 5])], 1)", "lookupscan roby robz 2 1", 2),
        ("pointscan(roby, [0, 5, 1], 1)", "pointscan roby 0 1 3 1", 3),
        ("lineup(roby, -1, 1, 2, 0.1, diode)", "lineup roby -1 1 2 0.1", 3),
        ("amesh(roby, 0, 1, 2, robz, 0, 3, 3, 0)", "amesh roby 0 1 2 robz 0 3 3 0", 12),
        ("dmesh(roby, 0, 1, 2, robz, 0, 3, 3, 0)", "dmesh roby 0 1 2 robz 0 3 3 0", 12),
        ("anmesh([(roby, 0, 1, 2), (robz, 0, 3, 3)], 0)", "anmesh roby 0 1 2 robz 0 3 3 0", 12),
        ("dnmesh([(roby, 0, 1, 2)], 0)", "dnmesh roby 0 1 2 0", 3),
        ("loopscan(2, 0.1, [diode, (diode3,)])", "loopscan 2 0.1", 2),
        ("loopscan(2, 0.1, diode, title='my title')", "my title", 2),
    ],
)
def test_scans_by_their_words(session: Session, typed: str, title: str, points: int) -> None:
    separator = "" if typed.endswith("()") else ", "
    scan = session.run(f"{typed.removesuffix(')')}{separator}save=False)")
    assert (scan.title, scan.data.npoints) == (title, points)
    assert scan.name == scan.type == typed.split("(")[0]


def test_none_given_counts_the_active_group(session: Session) -> None:
    session.run("MG1.disable('diode3')")
    assert list(session.run("ct(0.1)").data)[2:] == ["diode"]
    session.run("MG1.enable(); MG2.set_active()")
    assert list(session.run("ct(0.1)").data)[2:] == ["diode"]


def test_the_count_of_one_point_is_not_saved(session: Session) -> None:
    assert session.run("ct(0.1)").file is None
    assert session.run("sct(0.1)").file.exists()


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("ascan(roby, 0, 10, 2.5, 0.1)", "ascan: intervals must be a whole number >= 1, got 2.5"),
        ("ascan(roby, 0, 10, 0, 0.1)", "intervals must be a whole number >= 1, got 0"),
        ("ascan(roby, 0, 10, '5', 0.1)", "intervals must be a whole number >= 1, got '5'"),
        ("ascan(roby, 0, 10, True, 0.1)", "intervals must be a whole number >= 1, got True"),
        ("ascan(roby, 0, float('nan'), 5, 1)", "stop of roby must be finite, got nan"),
        ("ascan(roby, 'x', 10, 5, 0.1)", "start of roby must be a number, got 'x'"),
        ("ascan(roby, 0, 10, 5, -1)", "count_time must be 0 s or more, got -1"),
        ("ascan(roby, 0, 10, 5, float('inf'))", "count_time must be finite"),
        ("ascan(diode, 0, 10, 5, 1)", r"motor must be an axis, got diode \(SimulatedCounter\)"),
        ("ascan('robby', 0, 10, 5, 1)", "motor must be an axis, got 'robby'"),
        ("a2scan(roby, 0, 1, robz, 2, 3)", "a2scan: expected motor1, start1, .* got 6 of them"),
        ("a2scan(roby, 0, 1, roby, 2, 3, 4, 0.1)", "roby is scanned twice"),
        ("anscan(roby, 4, 0.1)", r"anscan: expected a list of \(axis, start, stop\)"),
        ("anscan([(roby, 0)], 4, 0.1)", r"anscan: expected a list of \(axis, start, stop\)"),
        ("lookupscan([(roby, [0, 1]), (robz, [1])], 1)", r"the lists have \[1, 2\] positions"),
        ("pointscan(roby, [], 1)", "positions must be a list of at least one number"),
        ("pointscan(roby, 'ab', 1)", "positions must be a list of numbers"),
        ("pointscan(roby, [0, float('nan')], 1)", "roby: positions must be finite"),
        ("amesh(roby, 0, 1, 0, robz, 0, 1, 1, 1)", "intervals of roby must be a whole number"),
        ("amesh(roby, 0, 1, 1, robz, 0, 1, 1, 1, backnforth=3.5)", "backnforth must be True"),
        ("anmesh([(roby, 0, 1)], 1)", r"a list of \(axis, start, stop, intervals\)"),
        ("loopscan(0, 0.1)", "loopscan: npoints must be a whole number >= 1, got 0"),
        ("loopscan(2, 0.1, 'diod')", "'diod' is no counter, did you mean 'diode'?"),
        ("loopscan(2, 0.1, 3)", "3 is no counter"),
        ("loopscan(2, 0.1, sav=False)", "no keyword 'sav', did you mean 'save'"),
        ("loopscan(2, 0.1, nonsense=1)", "it takes name, title, save"),
        ("loopscan(2, 0.1, save='no')", "save must be True or False, got 'no'"),
        ("loopscan(2, 0.1, title='')", "title must be some text, got ''"),
        ("loopscan(2, 0.1, sleep_time=-1)", "sleep_time must be 0 s or more"),
        ("loopscan(2, 0.1, scan_info=[1])", r"scan_info must be a dict, got \[1\]"),
        ("timescan(0.1, npoints=-1)", "npoints must be a whole number >= 0, got -1"),
        ("ct('x', diode)", "'x' is no counter"),
    ],
)
def test_what_cannot_be_is_told(session: Session, typed: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        session.run(typed)
    assert not session.scans
    assert not session.saving.folder.exists()


def test_a_disabled_group_says_how_to_enable_it(session: Session) -> None:
    session.run("MG1.disable()")
    with pytest.raises(CommandError, match=re.escape("MG1.enable('*')")):
        session.run("ct(0.1)")


def test_the_whole_trajectory_is_checked(session: Session) -> None:
    with pytest.raises(LimitError):
        session.run("dscan(roby, 0, 51, 3, 0.1)")
    assert session.namespace["roby"].position == 0


def test_a_scan_may_be_made_now_and_run_later(session: Session) -> None:
    scan = session.run("loopscan(2, 0.1, diode, run=False, save=False)")
    assert scan.state == "IDLE"
    assert scan.data.npoints == 0
    assert "IDLE" in repr(scan)
    assert scan.run() is scan
    assert session.run("loopscan(2, 0.1, diode, return_scan=False, save=False)") is None


def test_scan_info_is_in_info(session: Session) -> None:
    scan = session.run(
        'loopscan(1, 0.1, diode, save=False, scan_info={"instrument":{"mygroup":'
        '{"myvalue":10, "myvalue@units":"mm"}}})'
    )
    assert scan.info["instrument"]["mygroup"] == {"myvalue": 10, "myvalue@units": "mm"}
    assert scan.scan_info is scan.info


def test_the_table_is_shown_on_the_stream(make_session: Callable[..., Session]) -> None:
    stream = io.StringIO()
    session = make_session(stream=stream)
    session.run("ascan(roby, 0, 3, 3, 0.1, diode)")
    text = stream.getvalue()
    assert "ascan roby 0 3 3 0.1" in text
    assert len(re.findall(r"^ +\d+ +\|", text, re.MULTILINE)) == 4
    assert "\x1b" not in text
    assert "\r" not in text


def test_recent_scans_are_kept(session: Session) -> None:
    for _ in range(25):
        session.run("ct(0, diode)")
    assert len(session.namespace["SCANS"]) == 20
    assert session.namespace["SCANS"][-1] is session.scans[-1]


def test_lineup_goes_to_the_maximum(session: Session, config: Path) -> None:
    (config / "peak.yml").write_text(
        "- {name: peak, class: simulation_diode, model: gaussian, axis: $roby, center: 0.5,"
        " fwhm: 1}\n"
    )
    with open_session("bench", config=config, data=config, clock=session.clock) as other:
        other.run("lineup(roby, -2, 2, 40, 0.1, peak, save=False)")
        assert other.namespace["roby"].position == pytest.approx(0.5)


@pytest.mark.parametrize("backnforth", [False, True])
def test_a_mesh_walks_its_lines(session: Session, backnforth: bool) -> None:
    scan = session.run(
        f"amesh(roby, 0, 2, 2, robz, 5, 6, 1, 0, diode, save=False, backnforth={backnforth})"
    )
    second = [2, 1, 0] if backnforth else [0, 1, 2]
    assert scan.data["roby"].tolist() == [0, 1, 2, *second]
    assert scan.data["robz"].tolist() == [5, 5, 5, 6, 6, 6]
    assert list(scan.data)[2:4] == ["robz", "roby"]
