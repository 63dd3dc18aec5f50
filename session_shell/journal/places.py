"""Where journals are and what they are called."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path


def journal_folder(data: Path | str) -> Path:
    """Return where the journals of a data directory are."""
    return Path(data) / ".session-shell" / "journals"


def new_id(session: str, now: datetime, chance: str) -> str:
    """Make the id of a session that is opened: ``demo-20261122-183721-4f2a``."""
    return f"{session}-{now:%Y%m%d-%H%M%S}-{chance}"
