from __future__ import annotations

import h5py
import pytest

from session_shell.errors import CommandError, ScanError
from session_shell.scanning.documents import EndReason
from session_shell.session import Session

TWO = """
with sequence("two heights", {"sample": {"name": "Si"}}) as seq:
    for height in (0, 1):
        umv(robz, height)
        seq.add(ascan(roby, 0, 1, 2, 0.1, diode, run=False))
"""


def test_a_sequence_links_its_scans(session: Session) -> None:
    session.run(TWO)
    scan = session.namespace["seq"].scan
    assert scan.number == 1
    assert [member.number for member in session.namespace["seq"].members] == [2, 3]
    assert scan.data["scan_number"].tolist() == [2, 3]
    assert scan.end_reason is EndReason.SUCCESS
    assert session.scans[-1] is scan
    with h5py.File(scan.file) as file:
        member = file["1.1/members/scan_3"]
        assert member["title"].asstr()[()] == "ascan roby 0 1 2 0.1"
        assert member["entry"].asstr()[()] == "3.1"
        assert member["measurement/roby"][:].tolist() == [0, 0.5, 1]
        assert member["plot"].attrs["signal"] == "diode"
        assert member["plot"].file.filename == str(scan.file.with_name("scan_0003.h5"))
        assert file["1.1/measurement/scan_number"][:].tolist() == [2, 3]
        assert file["1.1/sample/name"].asstr()[()] == "Si"


def test_an_error_ends_the_sequence_with_the_members_so_far(session: Session) -> None:
    with pytest.raises(ZeroDivisionError):
        session.run(TWO + "    1 / 0\n")
    scan = session.namespace["seq"].scan
    assert scan.end_reason is EndReason.FAILURE
    assert scan.data["scan_number"].tolist() == [2, 3]
    with h5py.File(scan.file) as file:
        assert list(file["1.1/members"]) == ["scan_2", "scan_3"]


def test_scans_can_be_grouped_afterwards(session: Session) -> None:
    session.run("a = loopscan(2, 0.1, diode); b = ct(0.1, diode)")
    scan = session.run("group(a, b, title='both')")
    assert (scan.title, scan.type, scan.number) == ("both", "group", 2)
    assert scan.data["scan_number"].tolist() == [1, 0]
    with h5py.File(scan.file) as file:
        assert list(file["2.1/members"]) == ["scan_1"]


@pytest.mark.parametrize("code", ["group()", "group(3)", "group(ct(0.1, diode, run=False))"])
def test_only_scans_that_are_over_are_grouped(session: Session, code: str) -> None:
    with pytest.raises(CommandError, match="group: expected"):
        session.run(code)


def test_a_scan_is_added_once_and_inside_the_block(session: Session) -> None:
    session.run("a = ct(0.1, diode)")
    with pytest.raises(ScanError, match="is in this sequence already"):
        session.run("with sequence('s') as seq:\n    seq.add(a)\n    seq.add(a)")
    with pytest.raises(ScanError, match="inside its 'with' block"):
        session.run("seq.add(a)")
