"""The proof: a session of forty commands replays bit by bit, and no alteration stays unseen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import pytest

from session_shell.journal import read_journal
from tests.unit.replay.conftest import Recorded, run, run_here
from tests.unit.replay.night import ABORTED, COMMANDS, SESSIONS, STOPPED, STOPPED_MOVE, record


def test_a_session_of_forty_commands_replays_bit_by_bit(tmp_path: Path) -> None:
    journal = record(tmp_path / "data")
    result = run("replay", "last", "--data", str(tmp_path / "data"), "--json")
    assert result.code == 0, result.stderr
    report = result.report
    assert report["agrees"]
    assert report["exact"]
    assert len(report["commands"]) == len(COMMANDS) + 1  # and the setup scripts
    assert sum(command["scans"] for command in report["commands"]) == 33
    assert [c["differences"] for c in report["commands"] if c["differences"]] == []
    assert report["first"] is None
    check_keys(journal)
    (again,) = Path(report["folder"]).glob("data/.session-shell/journals/*.jsonl")
    check_keys(again)
    check_files(tmp_path / "data" / "demo", Path(report["folder"]) / "data" / "demo")


def check_keys(journal: Path) -> None:
    """Somebody has pressed keys in three of the commands."""
    done = {entry.command.number: entry for entry in read_journal(journal).commands}
    assert [(s.end_reason, s.points) for s in done[ABORTED].scans] == [("USER_ABORT", 7)]
    assert [(s.end_reason, s.points) for s in done[STOPPED].scans] == [("STOPPED", 2)]
    moved = done[STOPPED_MOVE].done
    assert moved is not None
    assert moved.outcome == "interrupted"


def check_files(before: Path, now: Path) -> None:
    """Every column has the same bytes, times included."""
    for number in range(1, 32):
        name = f"scan_{number:04d}.h5"
        with h5py.File(before / name) as one, h5py.File(now / name) as other:
            for channel, column in one[f"{number}.1/measurement"].items():
                again = other[f"{number}.1/measurement"][channel]
                assert column[()].tobytes() == again[()].tobytes(), (number, channel)


def test_the_text_for_people_is_short_when_all_agree(hour: Recorded) -> None:
    result = run_here("replay", "last", "--data", str(hour.data), "--quiet")
    assert result.code == 0
    summary, folder = result.stdout.splitlines()
    assert summary.endswith("6 commands, 2 scans, 14 points: all agree bit by bit.")
    assert folder.startswith("The replay is in ")


# Alterations


def test_one_altered_value_in_a_file_is_named(hour: Recorded) -> None:
    with h5py.File(hour.file(1), "r+") as file:
        column = file["1.1/measurement/diode1"]
        column[4] = column[4] * (1 + 1e-15) + 1e-12
    result = hour.replay()
    assert result.code == 1
    (changed,) = result.of_kind("record")
    assert (changed["command"], changed["scan"], changed["channel"]) == (4, 1, "diode1")
    assert "was changed afterwards" in changed["text"]
    (data,) = result.of_kind("data")
    assert (data["channel"], data["point"]) == ("diode1", 4)
    assert 0 < data["deviation"] < 1e-9
    assert result.report["first"]["place"] == "command 4, scan 1, channel diode1"


def test_one_altered_pixel_is_named(hour: Recorded) -> None:
    with h5py.File(hour.file(2), "r+") as file:
        column = file["2.1/measurement/cam"]
        image = column[2]
        image[10, 20] += 1
        column[2] = image
    (data,) = hour.replay().of_kind("data")
    assert (data["channel"], data["point"], data["deviation"]) == ("cam", 2, 1.0)


def test_an_altered_metadata_value_in_a_file_is_named(hour: Recorded) -> None:
    with h5py.File(hour.file(1), "r+") as file:
        thickness = file["1.1/sample/thickness"]
        assert thickness[()] == 2.5
        thickness[()] = 2.6
    result = hour.replay()
    assert result.code == 1
    (found,) = result.of_kind("metadata")
    assert found["scan"] == 1
    assert "sample" in found["key"]
    assert found["key"].endswith("thickness")
    assert (found["recorded"], found["replayed"]) == ("2.6", "2.5")


def test_an_altered_fingerprint_in_the_journal_is_named_also_without_files(
    hour: Recorded, tmp_path: Path
) -> None:
    def change(entry: dict[str, Any]) -> None:
        if entry["record"] == "scan" and entry["scan"] == 1:
            entry["channels"]["diode3"] = "0" * 64

    alone = tmp_path / "alone.jsonl"
    alone.write_bytes(hour.journal.read_bytes())
    Recorded(tmp_path, alone).edit(change)
    result = run("replay", str(alone), "--data", str(tmp_path / "data"), "--json")
    assert result.code == 1
    (data,) = result.of_kind("data")
    assert (data["command"], data["scan"], data["channel"]) == (4, 1, "diode3")


@pytest.mark.parametrize("seal", [True, False])
def test_an_altered_command_is_named(hour: Recorded, seal: bool) -> None:
    def change(entry: dict[str, Any]) -> None:
        if entry["record"] == "command" and entry["number"] == 4:
            entry["typed"] = entry["typed"].replace("10 10", "10 11")
            entry["executed"] = entry["executed"].replace("10, 10", "10, 11")

    hour.edit(change, seal=seal)
    result = hour.replay()
    assert result.code == 1
    assert result.report["first"]["command"] == 4
    assert bool(result.of_kind("record")) is not seal
    assert [d["text"] for d in result.of_kind("points")] == ["points: 12, recorded is 11"]


@pytest.mark.parametrize("seal", [True, False])
def test_an_altered_setting_is_named(hour: Recorded, seal: bool) -> None:
    def change(entry: dict[str, Any]) -> None:
        if entry["record"] == "open":
            key = next(k for k in entry["settings"]["sy"] if k in ("position", "dial"))
            entry["settings"]["sy"][key] += 0.125

    hour.edit(change, seal=seal)
    result = hour.replay()
    assert result.code == 1
    if seal:
        # The first that tells of it: `wa()` prints positions.
        assert result.report["first"]["command"] == 1
        assert any("sy" in d["key"] for d in result.of_kind("metadata"))
    else:
        assert result.report["first"]["place"] == "setup scripts"
        assert "line 1 of the journal ('open') was changed" in result.report["first"]["text"]


def test_an_altered_setting_without_any_effect_is_named(hour: Recorded) -> None:
    def change(entry: dict[str, Any]) -> None:
        if entry["record"] == "open":
            entry["settings"]["robz"]["velocity"] = 12345.0

    hour.edit(change, seal=False)
    assert hour.replay().code == 1


@pytest.mark.parametrize("seal", [True, False])
def test_an_altered_setup_script_is_named(hour: Recorded, seal: bool) -> None:
    def change(entry: dict[str, Any]) -> None:
        if entry["record"] == "open":
            files = entry["files"]
            files["demo_setup.py"] = files["demo_setup.py"].replace("gold foil", "silver foil")

    hour.edit(change, seal=seal)
    result = hour.replay()
    assert result.code == 1
    keys = {d["key"] for d in result.of_kind("metadata")}
    assert any("sample" in key and key.endswith("name") for key in keys)
    assert any(key.endswith("setup_script") for key in keys)
    if not seal:
        assert "line 1 of the journal" in result.report["first"]["text"]


def test_an_altered_error_is_named(hour: Recorded) -> None:
    def change(entry: dict[str, Any]) -> None:
        if entry["record"] == "done" and entry["number"] == 5:
            entry["error"] = "LimitError: roby: 1000000 mm is outside [-50, 50] mm"

    hour.edit(change)
    result = hour.replay()
    assert result.code == 1
    (found,) = result.of_kind("error")
    assert found["command"] == 5


def test_altered_output_is_named(hour: Recorded) -> None:
    def change(entry: dict[str, Any]) -> None:
        if entry["record"] == "done" and entry["number"] == 2:
            entry["output"] = entry["output"].replace("0.5", "0.6")

    hour.edit(change)
    result = hour.replay()
    assert result.code == 1
    (found,) = result.of_kind("output")
    assert (found["command"], found["recorded"]) == (2, "'step is 0.6'")


def test_a_tolerance_forgives_small_deviations_of_data(hour: Recorded) -> None:
    with h5py.File(hour.file(1), "r+") as file:
        column = file["1.1/measurement/diode1"]
        column[4] = column[4] * (1 + 1e-12)
    result = hour.replay("--tolerance", "1e-9")
    assert result.of_kind("data") == []
    assert result.code == 1, "the file was changed all the same"
    assert len(result.of_kind("record")) == 1


def test_the_present_configuration_is_put_to_the_test(hour: Recorded, tmp_path: Path) -> None:
    config = tmp_path / "present"
    shutil.copytree(SESSIONS, config)
    setup = config / "demo_setup.py"
    setup.write_text("# a remark\n" + setup.read_text())
    assert hour.replay("--config", str(config)).code == 0, "a remark changes nothing"
    setup.write_text(setup.read_text().replace("umv(sy, 0.4", "umv(sy, 0.5") + "\nsy.offset = 1\n")
    result = hour.replay("--config", str(config))
    assert result.code == 1
    assert result.report["first"]["place"] == "setup scripts, key sy.offset"
