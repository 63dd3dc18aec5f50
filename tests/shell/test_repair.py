"""``session-shell repair`` and ``index``, and what the start of a session says after a crash."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import pytest

from session_shell.nexus import ScanFile
from session_shell.nexus.disk.running import side_path
from session_shell.nexus.writing import columns
from session_shell.shell.cli import run
from session_shell.shell.repairing import crash_notice

from ..nexus.documents import loopscan, name_of, point, save


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a finished and a crashed scan, seen from its parent."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SESSION_SHELL_DATA", raising=False)
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    folder = tmp_path / "data" / "eh1"
    save(folder, loopscan(), 2)
    doc = loopscan(number=2)
    file = ScanFile.reserve(folder, name_of, 2)
    file.scan_started(doc)
    for row in range(3):
        file.rows(point(doc, row))
    file._close()
    os.close(file._ballast._fd)
    side = side_path(file.path)
    side.write_text(side.read_text().split("\n")[0].replace(str(os.getpid()), str(2**22 + 7)))
    return folder


def test_opening_tells_how(dataset: Path) -> None:
    notice = "scan_0002.h5 crashed: session-shell repair data/eh1"
    assert crash_notice(dataset) == notice
    for number in (3, 4):
        shutil.copy(dataset / name_of(2), dataset / name_of(number))
        side_path(dataset / name_of(number)).touch()
    assert crash_notice(dataset) == "scan_0002.h5 and 2 more crashed: session-shell repair data/eh1"


def test_opening_tells_nothing_else(dataset: Path, tmp_path: Path) -> None:
    side_path(dataset / name_of(2)).unlink()
    assert crash_notice(dataset) == ""
    assert crash_notice(tmp_path / "nowhere") == ""
    doc = loopscan(number=9)
    running = ScanFile.reserve(dataset, name_of, 9)
    running.scan_started(doc)
    assert crash_notice(dataset) == ""


def test_the_banner_and_the_batch(
    dataset: Path, capsys: pytest.CaptureFixture[str], config: Path
) -> None:
    places = ["--config", str(config), "--data", "data"]
    assert run(["open", "eh1", *places, "-c", "print(1)"]) == 0
    told = capsys.readouterr()
    assert "warning: scan_0002.h5 crashed: session-shell repair data/eh1" in told.err
    from session_shell.shell import banner

    session: Any = SimpleNamespace(saving=SimpleNamespace(folder=dataset))
    assert "CRASHED  scan_0002.h5 crashed: session-shell repair data/eh1" in str(
        banner._crashed(session)
    )


def test_repair(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["repair", "data", "--dry-run"]) == 0
    told = capsys.readouterr()
    assert told.out == "data/eh1/scan_0002.h5: would be finished as CRASHED, 3 points\n"
    assert told.err == "2 scan files: 1 finished, 1 to be repaired\n"
    assert run(["repair"]) == 0
    told = capsys.readouterr()
    assert told.out == "data/eh1/scan_0002.h5: repaired: end_reason CRASHED, 3 points\n"
    assert told.err == "2 scan files: 1 finished, 1 repaired\n"
    with h5py.File(dataset / "eh1.h5") as master:
        assert master["2.1/end_reason"].asstr()[()] == "CRASHED"
    assert run(["repair"]) == 0
    assert capsys.readouterr().out == ""
    assert run(["repair", "data/eh1/eh1.h5"]) == 0
    assert capsys.readouterr().err == "2 scan files: 2 finished\n"
    assert run(["repair", "data/eh1/scan_0002.h5"]) == 0
    assert capsys.readouterr().out == "data/eh1/scan_0002.h5: is finished\n"


def test_what_cannot_be_repaired(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.truncate(dataset / name_of(1), 1000)
    assert run(["repair"]) == 1
    told = capsys.readouterr()
    assert "data/eh1/scan_0001.h5: NOT REPAIRED, cannot be opened: its last" in told.out
    assert "1 repaired, 1 not repaired" in told.err
    assert run(["repair", "nowhere"]) == 1
    assert "nowhere: there is no such file" in capsys.readouterr().err
    assert run(["repair", "--wrong"]) == 2


def test_index(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["index"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "data/eh1/eh1.h5: 2 scans, 2 linked anew",
        "  linked   1.1  scan_0001.h5",
        "  linked   2.1  scan_0002.h5",
    ]
    (dataset / name_of(2)).unlink()
    (dataset / name_of(1)).rename(dataset / "first.h5")
    (dataset / "text.h5").touch()
    assert run(["index", "data/eh1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "data/eh1/eh1.h5: 1 scan, 1 linked anew, 1 gone",
        "  linked   1.1  first.h5",
        "  gone     2.1",
        "  left out text.h5: cannot be opened",
    ]
    assert run(["index", "data/eh1", "--master", "night"]) == 0
    assert capsys.readouterr().out.startswith("data/eh1/night.h5: 1 scan")
    assert run(["index", "nowhere"]) == 1
    assert "nowhere: there is no such folder" in capsys.readouterr().err
    (dataset / "empty").mkdir()
    assert run(["index", "data/eh1/empty"]) == 0
    assert "has no scans" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["repair", "index"])
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"session-shell {command} data/demo" in text
    assert "Exit codes" in text
