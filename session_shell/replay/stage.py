"""Prepare the folder of a replay: configuration and scripts as they were, and a place for data.

::

    FOLDER/config/     the configuration of the journal
    FOLDER/scripts/    scripts that were elsewhere, below their old paths
    FOLDER/recorded/   an archive, unpacked
    FOLDER/data/       data, settings and journal of the replay
    FOLDER/work/       the working directory of the replay
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from session_shell.errors import JournalError
from session_shell.journal import JournalLog
from session_shell.journal.records import File, Opened, Scan
from session_shell.replay.names import below, checked_names


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a replay happens.

    Attributes:
        folder: The folder of the replay.
        config: Directory of the YAML tree.
        opened: How the recorded session began.
        present: The configuration is the present one, not the recorded one.
    """

    folder: Path
    config: Path
    opened: Opened
    present: bool

    @property
    def data(self) -> Path:
        """Data directory of the replay."""
        return self.folder / "data"

    @property
    def work(self) -> Path:
        """Working directory of the replay."""
        return self.folder / "work"

    @property
    def scripts(self) -> Path:
        """Where scripts are that lay outside of the configuration."""
        return self.folder / "scripts"

    def place(self, recorded: str | Path) -> Path:
        """Return where a path of the recorded session is in the replay."""
        path = PurePosixPath(recorded)
        for root, here in ((self.opened.config, self.config), (self.opened.data, self.data)):
            if root and path.is_relative_to(root):
                inside = str(path.relative_to(root))
                return here if inside == "." else below(here, inside, str(self.folder))
        if path.is_relative_to(self.folder):
            return Path(path)
        return below(self.scripts, str(path).lstrip("/") or "root", str(self.folder))

    def found(self, path: Path) -> Path:
        """Return what stands for a path that code of the replay wants to read."""
        try:
            place = self.place(path)
        except JournalError:
            return path
        return place if place.exists() else path

    def data_folder(self, path: Path) -> Path:
        """Return the folder for scans that were to go to `path`: always below the replay's own."""
        path = Path(os.path.normpath(path))  # a recorded ``..`` must not lead out
        if path.is_relative_to(self.folder):
            return path
        if self.opened.data and path.is_relative_to(self.opened.data):
            return self.data / path.relative_to(self.opened.data)
        return below(self.data / "elsewhere", str(path).lstrip("/") or "root", str(self.folder))

    def write_script(self, file: File) -> None:
        """Write a recorded script, as it was when it ran.

        Raises:
            JournalError: When its name is refused, or it cannot be written.
        """
        if not (self.present and self.is_config(file.path)):
            _write(self.place(file.path), file.text)

    def is_config(self, path: str) -> bool:
        """Tell whether a path of the recorded session was below its configuration."""
        root = self.opened.config
        return bool(root) and PurePosixPath(path).is_relative_to(root)

    def settings(self, log: JournalLog) -> dict[str, dict[str, Any]]:
        """Return the recorded settings, with paths of the replay in them."""
        given = {owner: dict(values) for owner, values in self.opened.settings.items()}
        saving = given.get("SCAN_SAVING", {})
        if isinstance(saving.get("base_path"), str):
            saving["base_path"] = str(self.data_folder(Path(saving["base_path"])))
        mine = given.get("session", {})
        if isinstance(mine.get("user_scripts"), str):
            mine["user_scripts"] = str(self.place(mine["user_scripts"]))
        numbers = mine.get("last_numbers")
        known = numbers if isinstance(numbers, Mapping) else {}
        first = self.first_numbers(log.setup.scans)
        mine["last_numbers"] = {
            str(self.data_folder(Path(str(folder)))): number for folder, number in known.items()
        } | {folder: number - 1 for folder, number in first.items()}
        given["session"] = mine
        return given

    def first_numbers(self, scans: Sequence[Scan]) -> dict[str, int]:
        """Return the first number that recorded scans had in each folder of the replay."""
        first: dict[str, int] = {}
        for scan in scans:
            if scan.file and scan.scan > 0:
                folder = Path(scan.file).parent
                here = self.data_folder(folder) if folder.is_absolute() else self.data / folder
                first[str(here)] = min(first.get(str(here), scan.scan), scan.scan)
        return first


def prepare(log: JournalLog, folder: Path, config: Path | None = None) -> Stage:
    """Make the folder of a replay, in which nothing of an earlier one may be.

    Args:
        log: The recorded session.
        folder: The folder; it may exist with what was unpacked for this replay.
        config: A present configuration, in the place of the recorded one.

    Raises:
        JournalError: When the journal has hostile names, or the folder cannot be written.
    """
    opened, place = log.opened, str(log.path)
    checked_names(list(opened.files), place)
    stage = Stage(folder, config.absolute() if config else folder / "config", opened, bool(config))
    if config is None and not opened.files:
        raise JournalError(f"{place}: has no configuration in it; give one with --config")
    try:
        for made in (stage.data, stage.work):
            made.mkdir(parents=True)
        if config is None:
            stage.config.mkdir()
    except OSError as error:
        raise JournalError(f"{folder}: cannot be made: {error.strerror or error}") from error
    for path, text in opened.outside.items():
        _write(stage.place(path), text)
    # Folders of scripts must be there before the first script is run.
    first = {file.path: file for entry in reversed(log.commands) for file in reversed(entry.files)}
    for file in first.values():
        if not stage.is_config(file.path):
            stage.write_script(file)
    if config is None:
        for name, text in opened.files.items():
            _write(below(stage.config, name, place), _relocated(stage, name, text))
    return stage


def new_folder(data: Path, identity: str) -> Path:
    """Return the folder of the next replay of a session: ``<data>/replays/<id>-<n>``."""
    below(data, identity, "the journal")
    number = 1
    while (folder := data / "replays" / f"{identity}-{number}").exists():
        number += 1
    return folder.absolute()


def _relocated(stage: Stage, name: str, text: str) -> str:
    """Let a YAML file name the copies of scripts that lay outside of the configuration."""
    if not name.endswith((".yml", ".yaml")):
        return text
    here = PurePosixPath(stage.opened.config) / name
    for path in stage.opened.outside:
        for written in (path, *_relative(PurePosixPath(path), here.parent)):
            text = text.replace(written, str(stage.place(path)))
    return text


def _relative(path: PurePosixPath, folder: PurePosixPath) -> list[str]:
    for ups, parent in enumerate((folder, *folder.parents)):
        if path.is_relative_to(parent):
            return ["../" * ups + str(path.relative_to(parent))] if ups else []
    return []


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise JournalError(f"{path}: cannot be written: {error.strerror or error}") from error
