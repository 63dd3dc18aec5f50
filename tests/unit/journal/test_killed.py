"""A few of the kills of ``tests/stress/kill_session.py``, which runs thousands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_journal_of_a_killed_session_opens_and_what_was_over_replays() -> None:
    command = [sys.executable, "-m", "tests.stress.kill_session", "15", "7"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "15 instants (seed 7)" in done.stdout
    assert "0 unreadable, incomplete or different" in done.stdout
    assert " 0 replayed" not in done.stdout
