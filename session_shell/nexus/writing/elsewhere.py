"""Save a scan whose file was removed, moved or replaced while it ran."""

from __future__ import annotations

import os
from pathlib import Path

from session_shell.nexus.disk.files import part_path, sync_folder, write_whole

_TRIES = 1000


def save_beside(path: Path, content: bytes) -> Path:
    """Write a file under its name, or under another when that is taken; return which.

    No file is replaced: ``scan_0003.h5``, else ``scan_0003_saved.h5``, ``scan_0003_saved2.h5``.

    Raises:
        OSError: When it cannot be written.
    """
    part = part_path(path)
    write_whole(part, content, sync=True)
    names = [path.name, f"{path.stem}_saved{path.suffix}"]
    names += [f"{path.stem}_saved{number}{path.suffix}" for number in range(2, _TRIES)]
    try:
        for name in names:
            target = path.with_name(name)
            try:
                os.link(part, target, follow_symlinks=False)  # fails where something has the name
            except FileExistsError:
                continue
            sync_folder(path.parent)
            return target
    finally:
        part.unlink(missing_ok=True)
    raise FileExistsError(f"{names[-1]} and all names before are taken")
