"""What is added to a scan that is over."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from session_shell.errors import CommandError, ScanError
from session_shell.nexus import ScanFile, open_scan, stored_documents
from session_shell.nexus.disk.running import side_path
from session_shell.nexus.reading.afterwards import add_comment, add_to_sequence
from session_shell.nexus.writing import ending
from session_shell.scanning.documents import Comment
from session_shell.session import Session

from .documents import FAMILIES, ended, name_of, point, save
from .gate import problems


def digest(path: Path) -> str:
    with h5py.File(path) as file:
        columns = file["1.1/measurement"]
        return hashlib.sha256(b"".join(columns[n][()].tobytes() for n in columns)).hexdigest()


def test_comments_before_during_and_after(session: Session) -> None:
    session.run("s = loopscan(3, 0.1, diode, run=False); s.add_comment('before')")
    session.run("class P:\n    def after_point(self, scan, i): scan.add_comment(f'during {i}')")
    session.run("s.add_preset(P()); s.run()")
    live = session.scans[-1]
    assert live.file is not None
    before = digest(live.file)
    session.run("sleep(5); s.add_comment('after µ')")
    session.run("sleep(5); scan(1).add_comment('live again')")
    session.run("sleep(5); open_scan(s.file).add_comment('from the file')")
    saved = open_scan(live.file)
    texts = ["before", *(f"during {i}" for i in range(3)), "after µ", "live again"]
    assert [c.text for c in live.comments] == texts
    assert saved.comments[:6] == live.comments
    assert saved.comments[6].text == "from the file"
    assert saved.comments[6].time == session.host.clock.time()
    assert digest(live.file) == before
    assert problems(live.file) == []
    assert not list(live.file.parent.glob(".scan*"))
    with h5py.File(live.file) as file:
        assert file["1.1/comments/note_05/data"].asstr()[()] == "after µ"
        assert file["1.1/comments/note_07"].attrs["NX_class"] == "NXnote"
    assert open_scan(session.saving.master, 1).comments == saved.comments


def test_a_scan_that_is_not_saved_keeps_its_comments(session: Session) -> None:
    session.run("s = loopscan(1, 0.1, diode, save=False); s.add_comment('after')")
    assert [c.text for c in session.scans[-1].comments] == ["after"]


@pytest.mark.parametrize("text", ["", "  \n"])
def test_no_text_is_told(session: Session, text: str) -> None:
    session.run("s = loopscan(1, 0.1, diode)")
    for scan in (session.scans[-1], open_scan(session.scans[-1].file)):  # type: ignore[arg-type]
        with pytest.raises(CommandError, match="expected some text"):
            scan.add_comment(text)  # type: ignore[union-attr]


def test_more_than_a_hundred_comments_stay_in_order(tmp_path: Path) -> None:
    many = tuple(Comment(float(i), f"c{i}") for i in range(105))
    path = save(tmp_path, FAMILIES["loopscan"](comments=many), comments=many)
    open_scan(path).add_comment("last")
    assert [c.text for c in open_scan(path).comments] == [*(f"c{i}" for i in range(105)), "last"]
    *_, end = stored_documents(path)
    assert len(end.comments) == 106  # type: ignore[union-attr]


def test_a_large_file_is_changed_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, FAMILIES["spectrum"]())
    before, inode = digest(path), path.stat().st_ino
    monkeypatch.setattr(ending, "_COPY_LIMIT", 0)
    add_comment(path, "1.1", Comment(1.5, "in place"))
    assert path.stat().st_ino == inode
    assert (open_scan(path).comments, digest(path)) == ([Comment(1.5, "in place")], before)


def test_a_scan_that_still_runs_elsewhere(tmp_path: Path) -> None:
    doc = FAMILIES["loopscan"]()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    file.rows(point(doc, 0))
    with pytest.raises(ScanError, match="still runs in another session"):
        open_scan(file.path).add_comment("too early")
    file.scan_ended(ended(doc, 1))
    open_scan(file.path).add_comment("now")
    assert [c.text for c in open_scan(file.path).comments] == ["now"]


def test_a_crashed_scan_keeps_the_sign_of_it(tmp_path: Path) -> None:
    doc = FAMILIES["loopscan"]()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    path = tmp_path / "other.h5"
    path.write_bytes(file.path.read_bytes())
    side_path(path).write_bytes(b"")
    with pytest.raises(ScanError, match=r"session-shell repair other\.h5"):
        open_scan(path).add_comment("x")
    assert side_path(path).exists()


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "foreign.h5"
    with h5py.File(path, "w") as file:
        file["1.1/measurement/diode"] = np.arange(3.0)
        file["1.1/end_time"] = "2026-01-01T00:00:00+00:00"
    content = path.read_bytes()
    with pytest.raises(ScanError, match="was not written by session-shell"):
        open_scan(path).add_comment("x")
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_refuses(tmp_path: Path) -> None:
    path = save(tmp_path, FAMILIES["loopscan"]())
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ScanError, match="no permission"):
            open_scan(path).add_comment("x")
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, FAMILIES["loopscan"]())
    content = path.read_bytes()

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("session_shell.nexus.reading.afterwards.edit_file", refuse)
    with pytest.raises(ScanError, match="the disk is full"):
        open_scan(path).add_comment("x")
    assert path.read_bytes() == content


def test_two_that_comment_at_once_lose_nothing(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    path = save(tmp_path, FAMILIES["loopscan"]())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: add_comment(path, "1.1", Comment(float(i), f"c{i}")), range(12)))
    assert sorted(c.time for c in open_scan(path).comments) == [float(i) for i in range(12)]


def test_members_know_their_sequence_and_it_its_members(session: Session) -> None:
    session.run(
        "with sequence('both') as seq:\n"
        "    seq.add(loopscan(1, 0.1, diode, run=False))\n"
        "    seq.add(loopscan(2, 0.1, diode))\n"
        "g = group(*seq.members, title='again')\n"
    )
    by_title = {scan.title: open_scan(scan.file) for scan in session.scans}  # type: ignore[arg-type]
    uids = {title: next(iter(stored_documents(s.file))).uid for title, s in by_title.items()}  # type: ignore[union-attr]
    inside, before = by_title["loopscan 1 0.1"], by_title["loopscan 2 0.1"]
    assert inside.sequences == [uids["both"], uids["again"]]
    assert before.sequences == [uids["both"], uids["again"]]
    assert by_title["both"].data["scan_number"].tolist() == [inside.number, before.number]
    started = next(iter(stored_documents(inside.file)))
    assert started.sequence == uids["both"]  # type: ignore[union-attr]
    for scan in by_title.values():
        assert problems(scan.file) == []
    add_to_sequence(inside.file, "1.1" if inside.number == 1 else "2.1", uids["both"], 0.0)
    assert inside.sequences == [uids["both"], uids["again"]]
