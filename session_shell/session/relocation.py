"""Other places for the files of a session: a replay must neither read nor write the old ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def _same(path: Path) -> Path:
    return path


@dataclass(frozen=True, slots=True)
class Relocation:
    """What stands for a path that configuration, setup scripts or commands name."""

    script: Callable[[Path], Path] = _same
    """For scripts of the user."""
    data: Callable[[Path], Path] = _same
    """For ``SCAN_SAVING.base_path``."""
