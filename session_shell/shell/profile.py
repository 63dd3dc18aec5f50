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
    """Return the history database of the session `name`; one warning when it cannot be kept."""
    path = state_folder() / "history" / f"{name}.sqlite"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
        finally:
            connection.close()
    except (OSError, sqlite3.OperationalError) as error:
        # Busy is no reason: another prompt of the session writes this very moment.
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return str(path)
        _log.warning("the history is not kept: %s: %s", path, error)
        return ":memory:"
    except sqlite3.DatabaseError:
        return str(path)  # IPython puts a damaged file aside and says so
    return str(path)


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
