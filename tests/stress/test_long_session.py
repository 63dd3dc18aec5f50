"""A short night of the one in `benchmarks.long_session`: every family, twice."""

from __future__ import annotations

from pathlib import Path

import h5py

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
