"""The real program in a terminal: type to it, and look at what the screen shows."""

from __future__ import annotations

import codecs
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from session_shell.errors import SessionShellError
from session_shell.testing.screens import Screen

PATIENCE = 60.0
"""Seconds of real time to wait for text: much more than a busy machine needs."""

_PROMPT = re.compile(r"^[A-Z0-9_]+ \[(\d+)\]:(.*)$", re.MULTILINE)
_MORE_TYPED = re.compile(r"\A(?: *⋮.*\n)+")
"""What goes on from the line of the prompt: a long command, or one of several lines."""

# A program that is started gets the terminal as its own, so that Ctrl-C reaches it.
_START = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A program in a terminal; a context manager that ends it.

    Args:
        command: Program and arguments.
        cwd: Where it runs.
        env: Its environment; default that of this process.
        columns: Width of the window in characters.
        rows: Height of the window in lines.

    Example:
        ``with Terminal(["session-shell", "open", "demo"]) as t: t.run("wa()")``
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        columns: int = 100,
        rows: int = 30,
    ) -> None:
        self.screen = Screen(columns, rows)
        self._master, slave = os.openpty()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        try:
            _set_size(slave, columns, rows)
            self._process = subprocess.Popen(  # noqa: S603  what the test asks for
                [sys.executable, "-c", _START, *command],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=cwd,
                env=None if env is None else dict(env),
                start_new_session=True,
            )
        finally:
            os.close(slave)

    @property
    def text(self) -> str:
        """All lines, those that scrolled away included."""
        return self.screen.text

    def press(self, keys: str) -> None:
        r"""Press keys: ``"\r"`` is Enter, ``"\x03"`` Ctrl-C, ``"\x04"`` Ctrl-D, ``"\t"`` Tab."""
        left = keys.encode()
        while left:
            left = left[os.write(self._master, left) :]

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        self.press(line + "\r")

    def run(self, command: str, timeout: float = PATIENCE) -> str:
        """Type a command at the prompt, wait until the next one, return what came between."""
        number = self._wait_for_prompt(0, timeout)
        self.type(command)
        self._wait_for_prompt(number, timeout)
        prompts = list(_PROMPT.finditer(self.text))
        # A window that scrolls may leave a prompt twice among the lines above it.
        typed = [match for match in prompts if int(match[1]) == number][-1]
        end = next(match for match in prompts if int(match[1]) > number)
        return _MORE_TYPED.sub("", self.text[typed.end() + 1 : end.start()]).strip("\n")

    def wait_for(self, pattern: str, timeout: float = PATIENCE) -> str:
        """Wait until the screen shows something; return the text.

        Args:
            pattern: Regular expression; ``re.escape`` makes one of plain text.
            timeout: Seconds of real time.

        Raises:
            SessionShellError: When it does not come; the message has what the screen shows.
        """
        end = time.monotonic() + timeout
        while re.search(pattern, self.text, re.MULTILINE) is None:
            if not self._read(end - time.monotonic()):
                raise SessionShellError(
                    f"{pattern!r} was not seen within {timeout:g} s; the terminal shows:\n"
                    f"{self.text}"
                )
        return self.text

    def resize(self, columns: int, rows: int) -> None:
        """Make the window larger or smaller."""
        self.screen.resize(columns, rows)
        _set_size(self._master, columns, rows)

    def leave(self, timeout: float = PATIENCE) -> int:
        """Press Ctrl-D and wait for the end; return the exit code, -N for a signal N."""
        self.press("\x04")
        end = time.monotonic() + timeout
        while self._read(end - time.monotonic()):
            pass
        return self._process.wait(max(end - time.monotonic(), 0.1))

    def close(self) -> None:
        """End the program, if it still runs, and let go of the terminal; harmless twice."""
        if self.screen.closed:
            return
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)
        self.screen.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _wait_for_prompt(self, after: int, timeout: float) -> int:
        """Wait for a prompt with a number above `after` that nothing was typed at."""
        end = time.monotonic() + timeout
        while True:
            prompts = _PROMPT.findall(self.text)
            if prompts and int(prompts[-1][0]) > after and not prompts[-1][1].strip():
                return int(prompts[-1][0])
            if not self._read(end - time.monotonic()):
                raise SessionShellError(
                    f"no prompt came within {timeout:g} s; the terminal shows:\n{self.text}"
                )

    def _read(self, timeout: float) -> bool:
        """Take what the program has written; False when it is over or the time is up."""
        if timeout <= 0 or not select.select([self._master], [], [], timeout)[0]:
            return False
        data = b""
        with suppress(OSError):  # how Linux says that the other side is closed
            data = os.read(self._master, 65536)
        if not data:
            return False
        text = self._decode(data)
        self.screen.feed(text)
        if "\x1b[6n" in text:  # where is the cursor? a terminal answers
            row, column = self.screen.cursor
            self.press(f"\x1b[{row + 1};{column + 1}R")
        return True


def _set_size(descriptor: int, columns: int, rows: int) -> None:
    import termios  # not everywhere: pytest loads this module on all systems

    termios.tcsetwinsize(descriptor, (rows, columns))
