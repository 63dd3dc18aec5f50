"""How long it takes from typing the command to the end of a session that does nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.timing import Result, best

SESSIONS = Path(__file__).resolve().parents[1] / "sessions"


def measure(folder: Path) -> list[Result]:
    """Return times of whole processes."""
    python = best(lambda: _run("-c", "pass"))
    arrays = best(lambda: _run("-c", "import numpy"))
    program = ["-m", "session_shell", "open", "demo", "--config", str(SESSIONS)]
    demo = best(lambda: _run(*program, "--data", str(folder / "demo"), "-c", "pass"))
    beside = "python -c 'import numpy'"
    return [
        Result("python -c pass", python, "start"),
        Result("python -c 'import numpy'", arrays, "start"),
        Result("session-shell open demo -c pass", demo, "start", arrays, beside),
    ]


def _run(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, *arguments], check=True, stdin=subprocess.DEVNULL, capture_output=True
    )
