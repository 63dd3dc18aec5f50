"""Scan files that others remove, move, replace or overwrite, and disks that fail at the end."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from session_shell.errors import SinkError
from session_shell.nexus import open_scan, repair_file
from session_shell.nexus.disk.superblock import missing_bytes
from session_shell.nexus.writing import columns
from session_shell.nexus.writing.writer import ScanFile

from .documents import FAMILIES, ended, loopscan, name_of, point

FAST, SLOW = "in memory until its end", "point by point"


@pytest.fixture(params=[FAST, SLOW])
def begin(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., ScanFile]:
    """Begin a scan and take five points, fast ones or slow ones."""
    monkeypatch.setattr(columns, "_SLOW", 1e9 if request.param == FAST else 0.0)
    monkeypatch.setattr(columns, "_BLOCK", 1e9)

    def start() -> ScanFile:
        doc = loopscan()
        file = ScanFile.reserve(tmp_path, name_of, 1)
        file.scan_started(doc)
        for number in range(5):
            file.rows(point(doc, number))
        return file

    return start


def finish(file: ScanFile) -> None:
    file.scan_ended(ended(loopscan(), 5))


def check(path: Path) -> None:
    scan = open_scan(path)
    assert scan.end_reason == "SUCCESS"
    assert scan.data["diode"].tolist() == [200.0, 201, 202, 203, 204]


def nothing_hidden(folder: Path) -> None:
    assert [p.name for p in folder.iterdir() if p.name[0] == "."] == [".last_scan_number"]


REPLACED = {
    "mv over it": lambda path: Path(shutil.copy(path, path.with_name("x"))).replace(path),
    "another file": lambda path: (path.unlink(), path.write_bytes(b"hello")),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a link": lambda path: (path.rename(path.with_name("y")), path.symlink_to("y")),
}


@pytest.mark.parametrize("how", REPLACED)
def test_a_file_that_was_replaced_is_left_alone(begin: Any, tmp_path: Path, how: str) -> None:
    file = begin()
    REPLACED[how](file.path)
    before = file.path.read_bytes() if how in ("mv over it", "another file") else b""
    with pytest.raises(SinkError, match=r"5 of 5 points are in scan_0001_saved\.h5") as told:
        finish(file)
    assert "another file has taken its place" in str(told.value)
    assert not before or file.path.read_bytes() == before
    check(tmp_path / "scan_0001_saved.h5")
    nothing_hidden(tmp_path)


@pytest.mark.parametrize("how", [os.unlink, lambda path: path.rename(path.with_name("x.h5"))])
def test_a_file_that_was_removed_or_moved_is_saved_again(
    begin: Any, tmp_path: Path, how: Any, caplog: pytest.LogCaptureFixture
) -> None:
    file = begin()
    how(file.path)
    with caplog.at_level(logging.WARNING, "session_shell.nexus"):
        file.rows(point(loopscan(), 5))
    finish(file)
    assert open_scan(file.path).data.npoints == 6
    nothing_hidden(tmp_path)


def test_a_file_that_is_removed_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    doc = loopscan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    file.rows(point(doc, 0))
    assert caplog.text == ""
    file.path.unlink()
    file.rows(point(doc, 1))
    file.rows(point(doc, 2))
    assert caplog.text.count("was removed, moved or replaced") == 1
    file.scan_ended(ended(doc, 3))


@pytest.mark.parametrize("what", ["another scan", "fewer rows"])
def test_a_file_that_was_overwritten_gets_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    (tmp_path / "other").mkdir()
    doc = loopscan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    early = file.path.read_bytes()
    for number in range(5):
        file.rows(point(doc, number))
    if what == "another scan":
        other = ScanFile.reserve(tmp_path / "other", name_of, 1)
        other.scan_started(loopscan(uid="another"))
        early = other.path.read_bytes()
        other.scan_ended(ended(doc, 0))
    file.path.write_bytes(early)
    with pytest.raises(SinkError, match="another program has overwritten the file"):
        file.scan_ended(ended(doc, 5))
    assert file.path.read_bytes() == early


# A disk that fails at the end


@pytest.mark.parametrize("call", ["fsync", "pwrite", "replace"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.ESTALE])
def test_a_fault_at_the_end_costs_no_point(
    begin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    file = begin()
    real, left = getattr(os, call), [1]

    def fail(*arguments: Any, **more: Any) -> Any:
        if left and left.pop():
            raise OSError(number, os.strerror(number))
        return real(*arguments, **more)

    monkeypatch.setattr(os, call, fail)
    finish(file)
    check(file.path)
    nothing_hidden(tmp_path)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_fault_that_lasts_says_how_many_points_are_on_the_disk(
    begin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    file = begin()

    def fail(*_arguments: Any, **_more: Any) -> Any:
        raise OSError(errno.EIO, "broken")

    with monkeypatch.context() as broken:
        broken.setattr(os, call, fail)
        with pytest.raises(SinkError, match="5 of 5 points are in the file, its end is not"):
            finish(file)
    with h5py.File(file.path) as h5:
        assert len(h5["1.1/measurement/diode"]) == 5
    nothing_hidden(tmp_path)
    assert repair_file(file.path).points == 5


# A file that is shorter than it says


@pytest.mark.parametrize("family", FAMILIES)
def test_a_file_that_is_too_short_is_made_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    doc = FAMILIES[family]()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    for number in range(4):
        file.rows(point(doc, number))
    content = file.path.read_bytes()
    file.scan_ended(ended(doc, 4))
    whole = open_scan(file.path).data["diode"].tolist()
    # As the disk would leave it: an announced chunk that never came.
    while content.endswith(b"\0" * 512):
        content = content[:-512]
    file.path.write_bytes(content)
    short = missing_bytes(file.path)
    repair = repair_file(file.path)
    assert repair.state == "repaired"
    if short:
        assert f"made {short} bytes longer" in repair.done[0]
    assert open_scan(file.path).data["diode"].tolist() == whole


def test_rows_of_a_file_that_was_cut_off_do_not_come_back_as_zeros(tmp_path: Path) -> None:
    path = tmp_path / "scan_0001.h5"
    doc = FAMILIES["spectrum"]()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    for number in range(5):
        file.rows(point(doc, number))
    file._write_waiting()
    content = path.read_bytes()
    with h5py.File(path, "r") as h5:
        mca = h5["1.1/measurement/mca"]
        last = max(mca.id.get_chunk_info(n).byte_offset for n in range(mca.id.get_num_chunks()))
    file.scan_ended(ended(doc, 5))
    path.write_bytes(content[: last + 1])
    repair = repair_file(path)
    if repair.state == "repaired":
        spectra = np.asarray(open_scan(path).data["mca"])
        assert len(spectra) < 5
        assert all(spectrum.any() for spectrum in spectra[1:])
    else:
        assert path.stat().st_size == last + 1, "it is as it was"


# Links that somebody has planted


@pytest.mark.parametrize("kind", ["symlink_to", "hardlink_to"])
def test_a_planted_link_is_not_followed(begin: Any, tmp_path: Path, kind: str) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    file = begin()
    getattr(tmp_path / ".scan_0001.h5.part", kind)(victim)
    finish(file)
    assert victim.read_text() == "precious"
    check(file.path)
