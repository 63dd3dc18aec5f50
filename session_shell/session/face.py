"""What the parts of a session see of it: they are handed the session, and do not import it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO

from session_shell.clock import Clock
from session_shell.config import Problem
from session_shell.devices.group import MeasurementGroup
from session_shell.journal.journal import Journal
from session_shell.session.host import SessionHost
from session_shell.session.loading import Loaded
from session_shell.session.namespace import Namespace
from session_shell.session.saving import ScanSaving
from session_shell.session.settings import Settings


class SessionFace(Protocol):
    """The attributes of `session_shell.session.Session`, where each is told."""

    name: str
    config_path: Path
    data_path: Path
    clock: Clock
    seed: int
    stream: TextIO | None
    typing_helper: bool
    read_only: bool
    devices: dict[str, Any]
    loaded: Loaded
    problems: list[Problem]
    saving: ScanSaving
    settings: Settings
    host: SessionHost
    journal: Journal
    namespace: Namespace
    active_mg: MeasurementGroup | None
    user_scripts: Path | None
    plot_selection: tuple[str, ...]
    last_error: BaseException | None

    @property
    def measurement_groups(self) -> list[MeasurementGroup]:
        """All measurement groups."""
        ...

    @property
    def setup_files(self) -> list[Path]:
        """Setup scripts in the order in which they ran."""
        ...

    def run(self, code: str, *, echo: bool = False, source: str = "api") -> Any:
        """Run commands as if typed at the prompt."""
        ...


State = dict[str, Mapping[str, Any]]
"""Values by owner (a device, or a part of the session) and key."""
