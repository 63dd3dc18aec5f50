"""What a session shows: as plain lines, or on the screen of a terminal that is not there."""

from __future__ import annotations

import io
import os
from typing import Any


class Paper(io.StringIO):
    """A stream of plain lines: tables show every point, nothing is drawn over."""

    def __init__(self) -> None:
        super().__init__()
        self._mark = 0

    @property
    def text(self) -> str:
        """All that was shown."""
        return self.getvalue()

    @property
    def last(self) -> str:
        """What was shown since `mark`: that is, by the last command."""
        return self.getvalue()[self._mark :]

    def mark(self) -> None:
        """Let `last` begin here."""
        self._mark = len(self.getvalue())


class Screen(io.StringIO):
    """A stream that says that it is a terminal, and what somebody in front of it would see.

    Needs pyte (``pip install session-shell[testing]``). A table shows here what one can read:
    of a fast scan not every point, and the progress bar while it runs.

    Args:
        columns: Width in characters.
        rows: Height in lines.
    """

    def __init__(self, columns: int = 100, rows: int = 30) -> None:
        super().__init__()
        import pyte  # only who wants a terminal needs it

        self._screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._feed = pyte.Stream(self._screen).feed
        self._mark = 0
        # Programs ask the terminal itself how large it is; this one is asked, never written to.
        self._master, self._slave = os.openpty()
        self.resize(columns, rows)

    @property
    def text(self) -> str:
        """All lines, those that scrolled away included."""
        return "\n".join(self.lines()).rstrip("\n")

    def lines(self) -> list[str]:
        """Return all lines, the empty ones at the bottom included."""
        gone: list[Any] = list(self._screen.history.top)
        top = ["".join(line[x].data for x in range(self._screen.columns)) for line in gone]
        return [line.rstrip() for line in [*top, *self._screen.display]]

    @property
    def last(self) -> str:
        """The lines since `mark`: what the last command showed, as it looks now."""
        return "\n".join(self.lines()[self._mark :]).rstrip("\n")

    @property
    def raw(self) -> str:
        """All that was written, escape sequences included."""
        return self.getvalue()

    def mark(self) -> None:
        """Let `last` begin here."""
        self._mark = len(self._screen.history.top) + int(self._screen.cursor.y)

    def resize(self, columns: int, rows: int) -> None:
        """Make the window larger or smaller."""
        import termios

        self._screen.resize(rows, columns)
        termios.tcsetwinsize(self._slave, (rows, columns))

    def isatty(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return a descriptor that knows the size of the window."""
        return self._slave

    def write(self, text: str) -> int:
        """Show `text` as a terminal does."""
        self._feed(text.replace("\r\n", "\n").replace("\n", "\r\n"))
        return super().write(text)

    def feed(self, text: str) -> None:
        """Show what a program has written to a real terminal, line ends as they are."""
        self._feed(text)
        super().write(text)

    @property
    def cursor(self) -> tuple[int, int]:
        """Line and column of the cursor, from 0."""
        return int(self._screen.cursor.y), int(self._screen.cursor.x)

    def close(self) -> None:
        """Let go of the window; harmless twice."""
        if not self.closed:
            os.close(self._master)
            os.close(self._slave)
        super().close()
