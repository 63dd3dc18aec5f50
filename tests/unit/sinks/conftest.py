"""A terminal in memory: what is written to it is shown by pyte."""

from __future__ import annotations

import io
from collections.abc import Callable

import pyte
import pytest


class FakeTerminal(io.StringIO):
    """A stream that says it is a terminal, and the screen that one would see."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        super().__init__()
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._pyte = pyte.Stream(self.screen)
        self.writes = 0
        self.broken: Exception | None = None

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.broken is not None:
            raise self.broken
        self.writes += bool(text)  # rich writes nothing now and then
        self._pyte.feed(text.replace("\n", "\r\n"))
        return super().write(text)

    def lines(self) -> list[str]:
        """Return all lines, those that scrolled away included."""
        top = [
            "".join(line[column].data for column in range(self.screen.columns)).rstrip()
            for line in self.screen.history.top
        ]
        return [*top, *(line.rstrip() for line in self.screen.display)]


@pytest.fixture
def make_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeTerminal]:
    def make(columns: int = 80, rows: int = 24) -> FakeTerminal:
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(rows))
        monkeypatch.delenv("NO_COLOR", raising=False)
        return FakeTerminal(columns, rows)

    return make


@pytest.fixture
def terminal(make_terminal: Callable[..., FakeTerminal]) -> FakeTerminal:
    return make_terminal()
