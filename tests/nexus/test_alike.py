from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from session_shell.nexus import same_content
from session_shell.session import Session


@pytest.fixture
def files(session: Session, tmp_path: Path) -> tuple[Path, Path]:
    session.run("s = ascan(roby, 0, 1, 5, 0.01, diode, scan_info={'sample': {'name': 'gold'}})")
    file = session.scans[-1].file
    assert file is not None
    other = tmp_path / "other.h5"
    shutil.copy(file, other)
    return file, other


def test_a_copy_has_the_same_content(files: tuple[Path, Path]) -> None:
    assert same_content(*files, ())


def _value(entry: Any) -> None:
    entry["measurement/diode"][3] = np.nextafter(7.0, 8.0)


def _minus_zero(entry: Any) -> None:
    entry["measurement/roby"][0] = -0.0


def _text(entry: Any) -> None:
    del entry["title"]
    entry["title"] = "ascan roby 0 1 6 0.01"


def _attribute(entry: Any) -> None:
    entry["measurement/roby"].attrs["units"] = "um"


def _new_name(entry: Any) -> None:
    entry["more"] = 1


def _new_attribute(entry: Any) -> None:
    entry.attrs["more"] = 1


def _kind(entry: Any) -> None:
    del entry["sample/name"]
    entry.create_group("sample/name")


def _shape(entry: Any) -> None:
    entry["measurement/diode"].resize((5,))


def _link(entry: Any) -> None:
    entry["more"] = h5py.SoftLink("/1.1/title")


@pytest.mark.parametrize(
    "change",
    [_value, _minus_zero, _text, _attribute, _new_name, _new_attribute, _kind, _shape, _link],
)
def test_every_difference_is_seen(files: tuple[Path, Path], change: Callable[[Any], None]) -> None:
    with h5py.File(files[1], "r+") as file:
        change(file["1.1"])
    assert not same_content(*files, ())
    assert not same_content(files[1], files[0], ())


def test_what_is_ignored_may_differ(files: tuple[Path, Path]) -> None:
    with h5py.File(files[1], "r+") as file:
        _text(file["1.1"])
        file.attrs["file_name"] = "elsewhere"
    assert same_content(*files, {"title"})


def test_links_that_lead_elsewhere_are_seen(files: tuple[Path, Path]) -> None:
    for file, target in zip(files, ("title", "start_time"), strict=True):
        with h5py.File(file, "r+") as opened:
            opened["1.1/more"] = h5py.SoftLink(f"/1.1/{target}")
    assert not same_content(*files, ())


def test_what_cannot_be_read_is_not_alike(files: tuple[Path, Path], tmp_path: Path) -> None:
    assert not same_content(files[0], tmp_path / "nowhere.h5", ())
    files[1].write_bytes(b"no HDF5")
    assert not same_content(*files, ())
