"""A terminal in memory: what is written to it is shown by pyte."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from session_shell.testing import Screen


class FakeTerminal(Screen):
    """A screen that counts what is written to it, and that can break."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        super().__init__(columns, rows)
        self.writes = 0
        self.broken: Exception | None = None

    def write(self, text: str) -> int:
        if self.broken is not None:
            raise self.broken
        self.writes += bool(text)  # rich writes nothing now and then
        return super().write(text)


@pytest.fixture
def make_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeTerminal]:
    def make(columns: int = 80, rows: int = 24) -> FakeTerminal:
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        return FakeTerminal(columns, rows)

    return make


@pytest.fixture
def terminal(make_terminal: Callable[..., FakeTerminal]) -> FakeTerminal:
    return make_terminal()
