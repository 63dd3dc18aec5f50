from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from session_shell.journal.seal import sealed
from session_shell.shell.cli import run as program
from tests.unit.replay.night import HOUR, record


@dataclass(frozen=True)
class Recorded:
    """A recorded session on disk, to be altered and replayed with the real program."""

    data: Path
    journal: Path

    def replay(self, *options: str, what: str = "last") -> Result:
        """Replay it with the command line, in this process."""
        return run_here("replay", what, "--data", str(self.data), "--json", *options)

    def edit(self, change: Callable[[dict[str, Any]], None], *, seal: bool = True) -> None:
        """Let `change` edit the records; with a seal nothing but their content tells of it."""
        edit_journal(self.journal, change, seal=seal)

    def file(self, number: int) -> Path:
        """Return a scan file."""
        return self.data / "demo" / f"scan_{number:04d}.h5"


@dataclass(frozen=True)
class Result:
    code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        assert self.stdout, self.stderr
        return json.loads(self.stdout)

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Return the differences of a kind that count."""
        found = [d for c in self.report["commands"] for d in c["differences"]]
        return [d for d in found + self.report["problems"] if d["kind"] == kind and d["counts"]]


def run(*arguments: str, stdin: str = "", cwd: Path | None = None) -> Result:
    """Run the program."""
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-m", "session_shell", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
        cwd=cwd,
        env=environment,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def run_here(*arguments: str) -> Result:
    """Run the program in this process, which saves its start."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = program(arguments)
    return Result(code, out.getvalue(), err.getvalue())


def edit_journal(
    path: Path, change: Callable[[dict[str, Any]], None], *, seal: bool = True
) -> None:
    """Edit the records of a journal in place."""
    lines, before = [], b""
    for line in path.read_bytes().splitlines():
        entry = json.loads(line)
        check = entry.pop("check")
        unchanged = json.dumps(entry)
        change(entry)
        if seal:
            text, before = sealed(json.dumps(entry, separators=(",", ":")).encode(), before)
            lines.append(text)
        elif json.dumps(entry) == unchanged:
            lines.append(line)
        else:
            lines.append(json.dumps({**entry, "check": check}, separators=(",", ":")).encode())
    path.write_bytes(b"\n".join(lines) + b"\n")


@pytest.fixture(scope="session")
def original_hour(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A short session, recorded once."""
    data = tmp_path_factory.mktemp("hour") / "data"
    return Recorded(data, record(data, HOUR, keys={}, moves={}))


@pytest.fixture
def hour(original_hour: Recorded, tmp_path: Path) -> Recorded:
    """A copy of it that a test may alter."""
    data = tmp_path / "hour"
    shutil.copytree(original_hour.data, data)
    return Recorded(data, data / original_hour.journal.relative_to(original_hour.data))
