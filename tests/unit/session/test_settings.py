from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from session_shell.session import Settings


def test_values_survive(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "s.sqlite"
    Settings(path).put({"roby": {"dial": 1.25, "note": "x", "none": None, "deep": {"a": [1]}}})
    expected = {"dial": 1.25, "note": "x", "none": None, "deep": {"a": [1]}}
    assert Settings(path).get("roby") == expected
    assert Settings(path).get("robz") == {}


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    settings = Settings(path)
    settings.put({"roby": {"dial": 1.0}})
    before = path.stat().st_mtime_ns
    path.chmod(0o444)
    settings.put({"roby": {"dial": 1.0}})
    assert path.stat().st_mtime_ns == before


def test_an_edit_of_the_configuration_beats_a_saved_value(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s.sqlite"
    Settings(path).put({"roby": {"velocity": 3, "dial": 7}}, {"roby": {"velocity": 1}})
    assert Settings(path).get("roby", {"velocity": 1}) == {"velocity": 3, "dial": 7}
    assert Settings(path).get("roby", {"velocity": 2}) == {"dial": 7}
    assert "roby.velocity: the configuration was edited" in caplog.text


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_file_is_set_aside(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(content)
    settings = Settings(path)
    settings.put({"roby": {"dial": 1}})
    assert Settings(path).get("roby") == {"dial": 1}
    if content:
        assert "cannot be read, the session starts without" in caplog.text
        assert path.with_suffix(".damaged").read_bytes()[:7] == content[:7]


def test_values_that_are_no_json_are_set_aside_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    Settings(path).put({"roby": {"dial": 1}})
    database = sqlite3.connect(path)
    with database:
        database.execute("UPDATE settings SET value = 'no json'")
    database.close()
    assert Settings(path).get("roby") == {}


def test_a_folder_that_cannot_be_written_costs_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    settings = Settings(blocker / "s.sqlite")
    settings.put({"roby": {"dial": 1}})
    settings.put({"roby": {"dial": 2}})
    assert caplog.text.count("cannot be saved") == 1


def test_two_sessions_may_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    one, two = Settings(path), Settings(path)
    one.put({"roby": {"dial": 1}})
    two.put({"robz": {"dial": 2}})
    assert Settings(path).get("roby") == {"dial": 1}
    assert Settings(path).get("robz") == {"dial": 2}
