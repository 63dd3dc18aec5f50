"""Short versions of the scripts in ``tests/stress``."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..stress.disk_full import fill_disks, small_disk
from ..stress.kill_scan import DOCUMENTS, SESSIONS, kill_scans
from ..stress.long_scan import take
from ..stress.two_writers import write_together


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork beside threads
@pytest.mark.parametrize("in_place", [False, True], ids=["by copy", "in place"])
@pytest.mark.parametrize("families", [DOCUMENTS, tuple(SESSIONS)], ids=["documents", "sessions"])
def test_kill_at_any_instant(families: tuple[str, ...], in_place: bool) -> None:
    for family, result in kill_scans(3, families, in_place=in_place, seed=7).items():
        assert result.unreadable == [], family
        assert result.without_metadata == [], family
        assert result.points_lost == 0, family
        assert result.unrepaired == [], family
        assert result.changed == [], family


def test_two_sessions_in_one_folder(tmp_path: Path) -> None:
    result = write_together(tmp_path, 12)
    assert result.scans == 24
    assert result.bad == 0, result


def test_a_disk_that_fills_up_under_a_session() -> None:
    try:
        with small_disk(1):
            pass
    except OSError as error:
        pytest.skip(f"cannot mount a small disk: {error}")
    result = fill_disks(3)
    assert result.files > 2
    assert result.bad == 0, result


@pytest.mark.parametrize("side", [0, 64], ids=["scalars", "images"])
def test_the_memory_of_a_long_scan_is_bounded(side: int) -> None:
    points = 1000 if side else 100_000
    result = take(points, side)
    assert (result.points, result.wrong) == (points, 0)
    # A tenth of a gigabyte is the program itself; all points are 2.4 MB, all images 8 MB.
    assert result.peak < 400 * 2**20
