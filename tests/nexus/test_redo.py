"""The redo file of an edit in place, and what else finishes or drops it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import h5py
import pytest

from session_shell.nexus import open_scan
from session_shell.nexus.disk import overlay, redo
from session_shell.nexus.disk.redo import is_cut_off, redo_path, roll_forward
from session_shell.nexus.writing import ending
from session_shell.nexus.writing.ending import edit_file

from .documents import loopscan, save


@pytest.fixture
def cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a scan file whose edit in place was killed before the first byte was written over."""
    path = save(tmp_path, loopscan(), 3)
    monkeypatch.setattr(ending, "_COPY_LIMIT", 0)

    class KilledError(BaseException):
        pass

    def kill(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(overlay, "write_over", kill)
        with pytest.raises(KilledError):
            edit_file(path, _comment)
    return path


def _comment(file: object) -> None:
    h5 = h5py.File(file)  # type: ignore[arg-type]
    h5["1.1/comment"] = "an edit " * 1000
    h5["1.1/title"][()] = "another title"


def title(path: Path) -> str:
    with h5py.File(path) as h5:
        return str(h5["1.1/title"].asstr()[()])


def test_the_next_who_comes_finishes_it(cut_off: Path) -> None:
    assert title(cut_off) == "loopscan 10 0.1"
    assert is_cut_off(cut_off)
    assert roll_forward(cut_off)
    assert title(cut_off) == "another title"
    assert not redo_path(cut_off).exists()
    assert not is_cut_off(cut_off)
    assert not roll_forward(cut_off)


def test_a_reader_finishes_it(cut_off: Path) -> None:
    assert open_scan(cut_off).title == "another title"
    assert not redo_path(cut_off).exists()


def test_the_next_edit_finishes_it(cut_off: Path) -> None:
    edit_file(cut_off, lambda file: h5py.File(file)["1.1"].attrs.modify("x", 1))
    assert title(cut_off) == "another title"
    with h5py.File(cut_off) as h5:
        assert h5["1.1"].attrs["x"] == 1


def test_a_reader_without_permission_reads_what_is_there(
    cut_off: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refuse(path: object, flags: int, *more: int) -> int:
        if path == cut_off and flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    assert list(open_scan(cut_off).data["diode"]) == [200.0, 201.0, 202.0]
    assert redo_path(cut_off).exists()


@pytest.mark.parametrize("keep", [0, 10, 60, -1])
def test_a_redo_file_that_is_not_complete_is_dropped(cut_off: Path, keep: int) -> None:
    whole = redo_path(cut_off).read_bytes()
    redo_path(cut_off).write_bytes(whole[:keep])
    assert not is_cut_off(cut_off)
    assert not roll_forward(cut_off)
    assert title(cut_off) == "loopscan 10 0.1"
    assert not redo_path(cut_off).exists()


def test_a_redo_file_of_another_file_is_dropped(cut_off: Path, tmp_path: Path) -> None:
    other = save(tmp_path / "other", loopscan(), 3)
    content = other.read_bytes()
    os.replace(other, cut_off)  # noqa: PTH105
    assert not roll_forward(cut_off)
    assert cut_off.read_bytes() == content
    assert not redo_path(cut_off).exists()


def test_a_full_disk_does_not_keep_an_edit_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path, loopscan(), 3)
    monkeypatch.setattr(ending, "_COPY_LIMIT", 0)
    real = os.open

    def full(name: object, flags: int, *more: int) -> int:
        if str(name).endswith(".redo") and flags & os.O_CREAT:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(name, flags, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", full)
    edit_file(path, _comment)
    assert title(path) == "another title"
    assert not redo_path(path).exists()


def test_a_folder_that_takes_no_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, loopscan(), 3)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(ending, "write_whole", refuse)
    edit_file(path, _comment)
    assert title(path) == "another title"


def test_a_second_process_waits_for_the_first(
    cut_off: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    monkeypatch.setattr(redo, "_WAIT", 0.0)
    with redo_path(cut_off).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not roll_forward(cut_off)
        assert title(cut_off) == "loopscan 10 0.1"
    assert roll_forward(cut_off)
