"""Open a session: the one place where configuration, commands and import names come together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TextIO

from session_shell.clock import Clock, RealClock, VirtualClock
from session_shell.commands import VERBS, show
from session_shell.compat import foreign_names
from session_shell.errors import CommandError
from session_shell.scanning.presets import ScanPreset
from session_shell.session import Session
from session_shell.session.relocation import Relocation


def open_session(
    name: str,
    *,
    config: Path | str | None = None,
    data: Path | str | None = None,
    clock: Clock | Literal["real", "virtual"] | None = None,
    seed: int | None = None,
    stream: TextIO | None = None,
    read_only: bool = False,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    relocation: Relocation | None = None,
    typing_helper: bool = True,
    resume: bool = False,
) -> Session:
    """Open a session by name; use it in a ``with`` statement, or ``close()`` it.

    Args:
        name: Session in the configuration.
        config: Directory of the YAML tree; default ``$SESSION_SHELL_CONFIG``, else ``sessions``.
        data: Directory of files and settings; default ``$SESSION_SHELL_DATA``, else ``data``.
        clock: ``"real"`` (default), ``"virtual"``, or a clock of your own: in virtual time scans
            take only the work that they cost.
        seed: Seed of all simulated noise; default a new one each time.
        stream: Where scans and moves are shown, for example ``sys.stdout``; default nowhere.
        read_only: For looking while the session is open elsewhere: axes are simulated copies,
            nothing is kept, scans need ``save=False``.
        settings: Positions, limits and the like to begin with, as ``{"roby": {"position": 1.0}}``,
            in the place of those that the last run left.
        relocation: Other places for scripts and data than code names, as a replay needs them.
        typing_helper: Accept ``ascan roby 0 10 10 0.1`` beside Python in ``session.run``.
        resume: Define again what was defined in the last run; ``session.resumed`` tells what.

    Raises:
        CommandError: When `clock` is no clock.
        ConfigError: When the directory or the session is not there.
        SessionLockedError: When the session is open already with these data.

    Example:
        ``with open_session("demo") as session: scan = session.run("loopscan(10, 0.1, diode3)")``
    """
    session = Session(
        name,
        config=Path(config) if config is not None else default_config(),
        data=Path(data) if data is not None else default_data(),
        clock=_clock(clock),
        seed=seed,
        stream=stream,
        verbs={**VERBS, "ScanPreset": ScanPreset},
        show=show,
        imports=foreign_names,
        read_only=read_only,
        settings=settings,
        relocation=relocation,
        typing_helper=typing_helper,
    )
    if resume:
        session.resume()
    return session


def _clock(wanted: Clock | str | None) -> Clock | None:
    if not isinstance(wanted, str):
        return wanted
    if wanted not in ("real", "virtual"):
        raise CommandError(f'open_session: clock must be "real" or "virtual", got {wanted!r}')
    return VirtualClock() if wanted == "virtual" else RealClock()


def default_config() -> Path:
    """Return where the YAML tree is when nobody says."""
    return Path(os.environ.get("SESSION_SHELL_CONFIG") or "sessions")


def default_data() -> Path:
    """Return where files go when nobody says."""
    return Path(os.environ.get("SESSION_SHELL_DATA") or "data")
