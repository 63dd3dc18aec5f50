"""A stream that can be closed to the audience while the play goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TextIO


class Curtain:
    """Hands what is written to the stream behind it, while it is open.

    Args:
        stream: Where it goes.
        is_open: False: it is lost.
    """

    def __init__(self, stream: TextIO, *, is_open: bool = True) -> None:
        self.stream = stream
        self.is_open = is_open

    def write(self, text: str) -> int:
        """Write, if anybody is to see it."""
        return self.stream.write(text) if self.is_open else len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several pieces of text."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the stream."""
        self.stream.flush()

    def isatty(self) -> bool:
        """Tell whether somebody sees it on a terminal: nothing is drawn behind the curtain."""
        return self.is_open and self.stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream."""
        return self.stream.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
