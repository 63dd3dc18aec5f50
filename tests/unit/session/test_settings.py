from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from session_shell.session import Settings

Open = Callable[[Path], Settings]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Open settings that are closed at the end."""
    every: list[Settings] = []

    def make(path: Path) -> Settings:
        every.append(Settings(path))
        return every[-1]

    yield make
    for settings in every:
        settings.close()


def test_values_survive(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "deep" / "s.sqlite"
    opened(path).put({"roby": {"dial": 1.25, "note": "x", "none": None, "deep": {"a": [1]}}})
    expected = {"dial": 1.25, "note": "x", "none": None, "deep": {"a": [1]}}
    assert opened(path).get("roby") == expected
    assert opened(path).get("robz") == {}


def test_nothing_is_written_when_nothing_changed(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "s.sqlite"
    settings = opened(path)
    settings.put({"roby": {"dial": 1.0}})
    before = path.stat().st_mtime_ns
    path.chmod(0o444)
    settings.put({"roby": {"dial": 1.0}})
    assert path.stat().st_mtime_ns == before


def test_an_edit_of_the_configuration_beats_a_saved_value(
    tmp_path: Path, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s.sqlite"
    opened(path).put({"roby": {"velocity": 3, "dial": 7}}, {"roby": {"velocity": 1}})
    assert opened(path).get("roby", {"velocity": 1}) == {"velocity": 3, "dial": 7}
    assert opened(path).get("roby", {"velocity": 2}) == {"dial": 7}
    assert "roby.velocity: the configuration was edited" in caplog.text


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_file_is_set_aside(
    tmp_path: Path, opened: Open, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(content)
    settings = opened(path)
    settings.put({"roby": {"dial": 1}})
    assert opened(path).get("roby") == {"dial": 1}
    if content:
        assert "cannot be read, the session starts without" in caplog.text
        assert path.with_suffix(".damaged").read_bytes()[:7] == content[:7]


def test_values_that_are_no_json_are_set_aside_with_the_file(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "s.sqlite"
    opened(path).put({"roby": {"dial": 1}})
    database = sqlite3.connect(path)
    with database:
        database.execute("UPDATE settings SET value = 'no json'")
    database.close()
    assert opened(path).get("roby") == {}


def test_a_folder_that_cannot_be_written_costs_one_warning(
    tmp_path: Path, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    settings = opened(blocker / "s.sqlite")
    settings.put({"roby": {"dial": 1}})
    settings.put({"roby": {"dial": 2}})
    assert caplog.text.count("cannot be saved") == 1


def test_two_sessions_may_write_one_file(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "s.sqlite"
    one, two = opened(path), opened(path)
    one.put({"roby": {"dial": 1}})
    two.put({"robz": {"dial": 2}})
    assert opened(path).get("roby") == {"dial": 1}
    assert opened(path).get("robz") == {"dial": 2}


def test_only_owners_that_changed_are_told(tmp_path: Path, opened: Open) -> None:
    settings = opened(tmp_path / "s.sqlite")
    rois = [1, 2]
    values = {"roby": {"position": 1.0}, "mca": {"rois": rois}}
    assert settings.put(values) == values
    assert settings.put(values) == {}
    rois.append(3)  # the device goes on with the list that it gave
    assert settings.put(values) == {"mca": {"rois": [1, 2, 3]}}
    assert opened(tmp_path / "s.sqlite").get("mca") == {"rois": [1, 2, 3]}


def test_what_could_not_be_saved_is_tried_again(tmp_path: Path, opened: Open) -> None:
    folder = tmp_path / "data"
    folder.write_text("in the way")
    settings = opened(folder / "s.sqlite")
    values = {"roby": {"position": 1.0}}
    assert settings.put(values) == values
    assert settings.put(values) == values
    folder.unlink()
    settings.put(values)
    assert settings.put(values) == {}
    assert opened(folder / "s.sqlite").get("roby") == {"position": 1.0}
