"""What survives a restart: one small SQLite file per session under the data directory."""

from __future__ import annotations

import copy
import json
import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from session_shell.paths import is_there

_log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (
    owner TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, configured TEXT,
    PRIMARY KEY (owner, key)
) WITHOUT ROWID
"""


class Settings:
    """Values by owner (a device, or a part of the session) and key, kept as JSON.

    With each value goes what the configuration said when it was saved: a value is given back
    only while the configuration still says so, so an edit of the YAML always counts.
    A file that cannot be used costs a warning, never the session.

    Args:
        path: The SQLite file; its folder is made when something is first saved.
        read_only: Nothing is ever written; what is saved is forgotten at the end.
        given: Values to begin with in the place of those of the file, whatever is configured.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        given: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._given = given
        self._saved: dict[tuple[str, str], tuple[str, str | None]] = {}
        self._last: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
        self._broken = False
        self._database: sqlite3.Connection | None = None
        if is_there(path) and given is None:
            self._load()

    def get(self, owner: str, configured: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what was saved for `owner`, without what the configuration has overruled."""
        if self._given is not None:
            return dict(self._given.get(owner, {}))
        now = {key: _dump(value) for key, value in (configured or {}).items()}
        values: dict[str, Any] = {}
        for (name, key), (value, before) in self._saved.items():
            if name != owner:
                continue
            if before != now.get(key):
                _log.warning(
                    "%s.%s: the configuration was edited; its value is used instead of %s, "
                    "which was set in an earlier session",
                    owner,
                    key,
                    value,
                )
                continue
            values[key] = json.loads(value)
        return values

    def put(
        self,
        values: Mapping[str, Mapping[str, Any]],
        configured: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> dict[str, Mapping[str, Any]]:
        """Save ``{owner: {key: value}}`` in one transaction; only what changed is written.

        Returns the values of owners that are not as they were at the last call.
        """
        said = configured or {}
        # A session has hundreds of values, and a command changes a few: the rest costs a look.
        news = {
            owner: (items, said.get(owner, {}))
            for owner, items in values.items()
            if self._last.get(owner) != (items, said.get(owner, {}))
        }
        changed: dict[tuple[str, str], tuple[str, str | None]] = {}
        for owner, (items, configuration) in news.items():
            for key, value in items.items():
                before = _dump(configuration[key]) if key in configuration else None
                entry = (_dump(value), before)
                if self._saved.get((owner, key)) != entry:
                    changed[owner, key] = entry
        if self.read_only or not changed or self._write(changed):
            self._last |= copy.deepcopy(news)
        return {owner: items for owner, (items, _) in news.items()}

    def close(self) -> None:
        """Close the file; a later `put` opens it again."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _write(self, changed: Mapping[tuple[str, str], tuple[str, str | None]]) -> bool:
        try:
            if self._database is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # A scan that runs in a thread of the user saves its positions too.
                self._database = _connect(self.path)
            with self._database:
                self._database.executemany(
                    "INSERT OR REPLACE INTO settings VALUES (?, ?, ?, ?)",
                    [(*key, *entry) for key, entry in changed.items()],
                )
        except (OSError, sqlite3.Error) as error:
            self.close()
            if not self._broken:
                _log.warning("positions and settings cannot be saved in %s: %s", self.path, error)
            self._broken = True
            return False
        self._broken = False
        self._saved |= changed
        return True

    def _load(self) -> None:
        try:
            self._database = (_look if self.read_only else _connect)(self.path)
            rows = self._database.execute("SELECT owner, key, value, configured FROM settings")
            for owner, key, value, configured in rows:
                json.loads(value)
                self._saved[owner, key] = (value, configured)
        except (OSError, sqlite3.DatabaseError, ValueError) as error:
            self._saved.clear()
            self.close()
            _log.warning("%s cannot be read, the session starts without: %s", self.path, error)
            if not self.read_only:
                self._set_aside()
        if self.read_only:
            self.close()

    def _set_aside(self) -> None:
        aside = self.path.with_suffix(".damaged")
        try:
            self.path.replace(aside)
        except OSError as error:
            _log.warning("%s cannot be set aside: %s", self.path, error)
        else:
            _log.warning("the damaged file is kept as %s", aside)


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        # A power cut may cost the last command's positions, never the file; a kill costs nothing.
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _look(path: Path) -> sqlite3.Connection:
    """Open a file that another session may write, without writing to it or beside it."""
    # While a session has it open, or was killed, the last values are in the file's log.
    how = "mode=ro" if is_there(path.with_name(f"{path.name}-wal")) else "immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=5.0)


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
