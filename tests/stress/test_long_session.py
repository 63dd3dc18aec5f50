"""A short night of the one in `benchmarks.long_session`: every family, twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.long_session import COMMANDS, run_night


def test_a_night_of_every_family(tmp_path: Path) -> None:
    scans = 2 * (len(COMMANDS) + 2)  # a sequence brings its two members
    night = run_night(tmp_path, scans, hours=2)
    assert night.scans == scans
    assert {len(costs) for costs in night.families.values()} == {2, 4}
    assert set(night.reasons) == {"SUCCESS"}
    assert 0.9 * 7200 < night.virtual < 1.1 * 7200
    with h5py.File(tmp_path / "data" / "demo" / "demo.h5") as master:
        reasons = {master[name]["end_reason"].asstr()[()] for name in master}
        assert reasons == {"SUCCESS"}
        assert sum(len(master[name]["measurement/epoch"]) for name in master) >= night.points


# What tells one run of a session from another.
OWN = {"entry_identifier_uuid", "file_name", "journal", "sequences"}


def test_two_nights_are_equal_bit_by_bit(tmp_path: Path) -> None:
    scans = len(COMMANDS) + 2
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert run_night(tmp_path / name, scans, hours=1).scans == scans
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.h5"))
    assert len(files) == scans + 1
    for file in files:
        first, second = _content(tmp_path / "a" / file), _content(tmp_path / "b" / file)
        assert first.keys() == second.keys()
        other = [name for name in first if first[name] != second[name]]
        assert {name.replace("@", "/").rpartition("/")[2] for name in other} <= OWN, file


def _content(path: Path) -> dict[str, Any]:
    """Return everything in a file as bytes or texts, by path; links are followed once."""
    found: dict[str, Any] = {}

    def look(name: str, item: Any) -> None:
        for key, value in item.attrs.items():
            found[f"{name}@{key}"] = _bits(value)
        if isinstance(item, h5py.Dataset):
            found[name] = _bits(item[()])

    with h5py.File(path) as file:
        look("", file)
        file.visititems(look)
    return found


def _bits(value: Any) -> Any:
    array = np.asarray(value)
    return array.tolist() if array.dtype.kind == "O" else (array.dtype.str, array.tobytes())
