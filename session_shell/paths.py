"""Questions about files that are answered also where a disk is gone."""

from __future__ import annotations

import os
from pathlib import Path


def is_there(path: Path) -> bool:
    """Return True if a file or folder can be seen.

    `Path.exists` raises what the system says (a stale network disk, no permission). Who goes on to
    use the file is told then, in a better place.
    """
    return os.path.exists(path)  # noqa: PTH110
