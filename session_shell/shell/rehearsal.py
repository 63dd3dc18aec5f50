"""Run the setup scripts of a session without saving anything."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from session_shell.config import Problem
from session_shell.errors import ConfigError
from session_shell.shell import signals


def rehearse(name: str, config: Path) -> list[Problem]:
    """Open a session in virtual time, in a folder that is deleted; return what went wrong.

    What its setup scripts print goes to standard error; files elsewhere are not changed.
    """
    from session_shell.opening import open_session
    from session_shell.replay.writes import only_below
    from session_shell.session.relocation import Relocation
    from session_shell.shell.opening import importing_from_here

    with TemporaryDirectory(prefix="session-shell-") as folder:
        data = Path(folder, "data")
        fence = only_below(Path(folder), why="check --run changes no file")
        try:
            with (
                importing_from_here(),
                redirect_stdout(sys.stderr),
                signals.orderly(),
                fence,
                open_session(
                    name,
                    config=config,
                    data=data,
                    clock="virtual",
                    seed=0,
                    relocation=Relocation(data=lambda _path: data),
                ) as session,
            ):
                return list(session.problems)
        except ConfigError:  # sessions that include each other: reported already
            return []
