"""Where IPython keeps what is ours, and what it takes over from the user's own IPython.

The session must work the same for everybody: no start-up files, extensions or lines of the
user's profile are run. Only taste is taken over: colours, editing mode, editor.
"""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from pathlib import Path

from traitlets.config import Config

_log = logging.getLogger(__name__)

_TASTE = {
    "InteractiveShell": ("colors",),
    "TerminalInteractiveShell": (
        "colors",
        "editing_mode",
        "editor",
        "emacs_bindings_in_vi_insert_mode",
        "mouse_support",
        "timeoutlen",
        "true_color",
    ),
}


def state_folder() -> Path:
    """Return the folder of what the program remembers for this user."""
    from platformdirs import user_state_path

    return user_state_path("session-shell", appauthor=False)


def history_file(name: str) -> str:
    """Return the history database of the session `name`; one warning when it cannot be kept.

    A damaged one is put aside under another name, and a new one begins.
    """
    path = state_folder() / "history" / f"{name}.sqlite"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _try_history(path)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _DAMAGED:
                raise
            _put_aside(path, error)
        except sqlite3.DatabaseError as error:
            _put_aside(path, error)
    except (OSError, sqlite3.Error) as error:
        _log.warning("the history is not kept: %s: %s", path, error)
        return ":memory:"
    return str(path)


_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""The last: its tables are others than those of a history."""


def _try_history(path: Path) -> None:
    """Do what IPython does with a history; raises `sqlite3.Error` when that cannot be done."""
    # Another prompt of the session may write this very moment: 5 s are waited for it.
    connection = sqlite3.connect(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
        tables = dict(connection.execute("SELECT name, sql FROM sqlite_master"))
        if "sessions" in tables:
            connection.execute("SELECT session, start, end, num_cmds, remark FROM sessions LIMIT 1")
        if "history" in tables:
            connection.execute("SELECT session, line, source, source_raw FROM history LIMIT 1")
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        connection.rollback()
    finally:
        connection.close()
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _put_aside(path: Path, error: sqlite3.Error) -> None:
    for number in range(1, 1000):
        aside = path.with_name(f"{path.stem}-damaged-{number}{path.suffix}")
        if not aside.exists():
            break
    path.rename(aside)
    for left in ("-journal", "-wal", "-shm"):  # they belong to what was put aside
        path.with_name(path.name + left).unlink(missing_ok=True)
    _log.warning("the history was damaged (%s) and is now %s; a new one begins", error, aside)


def ipython_folder() -> Path:
    """Return a folder that IPython may write to, a temporary one when there is no other."""
    folder = state_folder() / "ipython"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="session-shell-"))


def taste() -> Config:
    """Return the user's colours and editing habits from the default profile of IPython."""
    from IPython.paths import get_ipython_dir
    from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

    chosen = Config()
    folder = Path(get_ipython_dir()) / "profile_default"
    if not (folder / "ipython_config.py").is_file():
        return chosen
    try:
        theirs = PyFileConfigLoader("ipython_config.py", path=str(folder)).load_config()
    except ConfigFileNotFound:
        return chosen
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a file of the user
        _log.warning("%s is not used: %s", folder / "ipython_config.py", error)
        return chosen
    for section, names in _TASTE.items():
        for name in names:
            if section in theirs and name in theirs[section]:
                chosen[section][name] = theirs[section][name]
    return chosen
