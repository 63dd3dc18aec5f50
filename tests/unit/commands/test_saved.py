from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import session_shell
from session_shell.errors import CommandError, ScanError
from session_shell.nexus.reading.saved import SavedScan
from session_shell.session import Session

Capture = pytest.CaptureFixture[str]


def test_scans_of_this_session_by_number(session: Session) -> None:
    first = session.run("loopscan(3, 0.1, diode)")
    second = session.run("loopscan(4, 0.1, diode)")
    count = session.run("ct(diode)")
    assert session.run("scan(1)") is first
    assert session.run("scan(2.0)") is second
    assert session.run("scan()") is session.run("scan(-1)") is count
    assert session.run("scan(-3)") is first
    assert session.run("scan 2") is second


def test_scans_of_an_earlier_session(make_session: Callable[..., Session]) -> None:
    with make_session() as session:
        live = session.run("ascan(roby, 0, 1, 4, 0.1, diode)")
    with make_session() as session:
        scan = session.run("scan(1)")
        assert isinstance(scan, SavedScan)
        assert (scan.number, scan.title, scan.file) == (1, live.title, live.file)
        assert scan.data[session.namespace["roby"]].tolist() == live.data["roby"].tolist()
        assert session.run("scan(-1)").number == 1
        assert session.run("scan()").title == live.title
        session.run("loopscan(3, 0.1, diode)")
        assert session.run("scan(1)").title == live.title
        assert session.run("scan(2)") is session.scans[-1]


def test_a_folder_that_was_changed_has_its_own_numbers(session: Session) -> None:
    session.run("loopscan(3, 0.1, diode)")
    session.run("SCAN_SAVING.template = '{session}/other'")
    with pytest.raises(CommandError, match=r"no scan 1 in .*other; there is none yet"):
        session.run("scan(1)")


@pytest.mark.parametrize("number", ["0", "2.5", "'x'", "None", "True", "float('nan')"])
def test_what_is_no_number_is_told(session: Session, number: str) -> None:
    with pytest.raises(CommandError, match="scan: number must be a whole number"):
        session.run(f"scan({number})")


def test_scans_that_are_not_there_are_told(session: Session) -> None:
    for number in (1, -1, -5):
        with pytest.raises(CommandError, match=rf"no scan {number} in .*; there is none yet"):
            session.run(f"scan({number})")
    session.run("sct(diode)")
    with pytest.raises(CommandError, match="has no scan 7"):
        session.run("scan(7)")
    with pytest.raises(CommandError, match=r"no scan -5 in .*; the last one there is 1"):
        session.run("scan(-5)")


def test_any_file_can_be_opened(session: Session, capsys: Capture, tmp_path: Path) -> None:
    live = session.run("loopscan(3, 0.1, diode)")
    session.run("loopscan(4, 0.1, diode)")
    assert session.run(f"open_scan({str(live.file)!r})").title == live.title
    assert session.run("open_scan(SCAN_SAVING.filename, 2).npoints") == 4
    assert session.run("open_scan(SCAN_SAVING.get_path(), 1).npoints") == 3
    with pytest.raises(ScanError, match="there is no such file"):
        session.run(f"open_scan({str(tmp_path / 'x.h5')!r})")
    capsys.readouterr()
    session.run("info(open_scan(SCAN_SAVING.filename, 2))")
    out = capsys.readouterr().out
    assert out.startswith("<Scan 2: loopscan 4 0.1, SUCCESS, 4 of 4 points")
    assert "columns   elapsed_time, epoch, diode" in out


def test_the_facade_hands_it_on(session: Session) -> None:
    live = session.run("loopscan(3, 0.1, diode)")
    assert session_shell.open_scan(live.file).number == 1
    assert "open_scan" in session_shell.__all__
