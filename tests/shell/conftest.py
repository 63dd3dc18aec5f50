"""The real program: in a real terminal (`open_terminal`), and on pipes (`run_program`)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest

TIMEOUT = 60
"""Seconds to wait for text: much more than a busy machine needs."""

SESSION = """
- class: Session
  name: eh1
  setup-file: ./eh1_setup.py
"""

DEVICES = """
- class: mockup
  axes:
    - {name: roby, unit: mm, velocity: 1000, acceleration: 100000, low_limit: -100, high_limit: 100}
    - {name: robz, unit: mm, velocity: 1000, acceleration: 100000}
    - {name: slow, unit: mm, velocity: 0.5, acceleration: 1}
- {class: simulation_diode, name: diode, unit: nA, model: constant, height: 5}
- {class: simulation_diode, name: diode2, unit: nA, model: constant, height: 7}
- class: MeasurementGroup
  name: MG1
  counters: [diode, diode2]
"""

SETUP = """
answer = 42
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A small session `eh1`."""
    folder = tmp_path / "sessions"
    folder.mkdir()
    (folder / "eh1.yml").write_text(SESSION, encoding="utf-8")
    (folder / "devices.yml").write_text(DEVICES, encoding="utf-8")
    (folder / "eh1_setup.py").write_text(SETUP, encoding="utf-8")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of the user is seen or touched."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SESSION_SHELL", "IPYTHON"))}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "PYTHONSTARTUP"):
        kept.pop(name, None)
    return kept | {
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "TERM": "xterm-256color",
        "PYTHONWARNINGS": "default",
    }


@pytest.fixture
def run_program(
    config: Path, environment: dict[str, str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``session-shell`` with the session `eh1` at hand, on pipes."""

    def run(*arguments: str, stdin: str | None = "", **more: Any) -> Any:
        command = [sys.executable, "-m", "session_shell", *arguments]
        options: dict[str, Any] = {
            "cwd": config.parent,
            "env": environment,
            "capture_output": True,
            "text": True,
            "timeout": TIMEOUT,
        } | more
        return subprocess.run(command, input=stdin, check=False, **options)

    return run


class Terminal:
    """A program in a terminal: type to it, and wait for what the screen shows."""

    def __init__(
        self, command: list[str], cwd: Path, env: dict[str, str], columns: int, rows: int
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=1500)
        self._stream = pyte.Stream(self.screen)
        self.raw = ""
        self.process = pexpect.spawn(
            command[0],
            command[1:],
            cwd=str(cwd),
            env=env,  # type: ignore[arg-type]
            dimensions=(rows, columns),
            encoding="utf-8",
            timeout=TIMEOUT,
        )

    @property
    def text(self) -> str:
        """All lines, those that scrolled away included."""
        top = ["".join(line[x].data for x in range(self.screen.columns)) for line in self.history]
        return "\n".join(line.rstrip() for line in [*top, *self.screen.display])

    @property
    def history(self) -> list[Any]:
        return list(self.screen.history.top)

    def type(self, text: str) -> None:
        """Type `text`; ``\\r`` is the Enter key, ``\\x03`` Ctrl-C."""
        self.process.send(text)

    def command(self, text: str, *, number: int) -> str:
        """Run a command at the prompt of that number; return what it showed."""
        self.wait(f"EH1 [{number}]:")
        self.type(text + "\r")
        self.wait(f"EH1 [{number + 1}]:")
        return self.text.rpartition(f"EH1 [{number}]: ")[2].rpartition(f"EH1 [{number + 1}]:")[0]

    def wait(self, what: str) -> None:
        """Wait until the terminal shows `what`."""
        self.wait_until(lambda: what in self.text, what)

    def wait_raw(self, pattern: str) -> None:
        """Wait until the program has written something, although it may be erased again."""
        self.wait_until(lambda: re.search(pattern, self.raw) is not None, pattern)

    def wait_until(self, condition: Callable[[], bool], what: str = "a condition") -> None:
        end = time.monotonic() + TIMEOUT
        while not condition():
            if not self._read() or time.monotonic() > end:
                if condition():
                    return
                pytest.fail(f"{what!r} was not seen; the terminal shows:\n{self.text}")

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self.process.setwinsize(rows, columns)

    def leave(self, key: str = "\x04") -> int:
        """Press Ctrl-D; return the exit code."""
        self.type(key)
        return self.exit_code()

    def exit_code(self) -> int:
        """Wait for the end of the program; return its exit code, -N for a signal N."""
        while self._read():
            pass
        self.process.wait()
        if self.process.signalstatus is not None:
            return -self.process.signalstatus
        assert self.process.exitstatus is not None
        return self.process.exitstatus

    def _read(self) -> bool:
        """Take what the program has written; False when it is over."""
        try:
            data = self.process.read_nonblocking(65536, timeout=TIMEOUT)
        except (pexpect.EOF, pexpect.TIMEOUT):
            return False
        self.raw += data
        self._stream.feed(data)
        if "\x1b[6n" in data:  # where is the cursor? a terminal answers
            cursor = self.screen.cursor
            self.process.send(f"\x1b[{cursor.y + 1};{cursor.x + 1}R")
        return True


@pytest.fixture
def open_terminal(config: Path, environment: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    """Start ``session-shell`` in a terminal; all are closed at the end of the test."""
    opened: list[Terminal] = []

    def start(
        *arguments: str, columns: int = 100, rows: int = 40, env: dict[str, str] | None = None
    ) -> Terminal:
        command = [sys.executable, "-m", "session_shell", *(arguments or ("open", "eh1"))]
        opened.append(Terminal(command, config.parent, environment | (env or {}), columns, rows))
        return opened[-1]

    yield start
    for terminal in opened:
        # Not `close` alone: it gives a program on a busy machine a tenth of a second to end.
        if terminal.process.isalive():
            terminal.process.kill(signal.SIGKILL)
            terminal.process.wait()
        terminal.process.close()


@pytest.fixture
def terminal(open_terminal: Callable[..., Terminal]) -> Terminal:
    """The prompt of the session `eh1`."""
    terminal = open_terminal()
    terminal.wait("EH1 [1]:")
    return terminal
