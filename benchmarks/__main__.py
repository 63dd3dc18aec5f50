"""Run all benchmarks: ``python -m benchmarks``, a few seconds."""

from __future__ import annotations

import platform
import tempfile
from pathlib import Path

from benchmarks import journal, scans, startup
from benchmarks.timing import table
from session_shell import __version__

with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    results = [*scans.measure(folder), *journal.measure(folder), *startup.measure(folder)]
print(f"session-shell {__version__}, Python {platform.python_version()}, best of 5 rounds")
print("trust the ratios more than the times: the machine is in both\n")
print(table(results))
