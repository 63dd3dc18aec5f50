"""Listen to what a command prints, without standing in its way."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from session_shell.journal.screen import Screen


class Listener:
    """Hands what is written to its streams to a screen, while there is one."""

    def __init__(self) -> None:
        self.screen: Screen | None = None
        self._streams: list[tuple[str, RecordedStream, Any]] = []
        self._own: RecordedStream | None = None

    def stream(self, stream: Any) -> Any:
        """Return what stands for the stream of the session from now on."""
        self._own = RecordedStream(stream, self)
        return self._own

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Hear in the block what others begin and end, not what was begun before."""
        kept = self.screen, self._streams
        self.screen, self._streams = None, []
        try:
            yield
        finally:
            self.screen, self._streams = kept

    def begin(self) -> None:
        """Listen to the standard streams of the moment."""
        self.screen = Screen()
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None or (isinstance(stream, RecordedStream) and stream.listener is self):
                continue
            # A live display knows its stream by identity.
            own = self._own
            mine = own if own is not None and own.stream is stream else RecordedStream(stream, self)
            self._streams.append((name, mine, stream))
            setattr(sys, name, mine)

    def end(self) -> tuple[str, int]:
        """Give the streams back; return what was printed and how much of it was left out."""
        for name, mine, stream in self._streams:
            if getattr(sys, name) is mine:
                setattr(sys, name, stream)
        self._streams = []
        screen, self.screen = self.screen, None
        return ("", 0) if screen is None else screen.text()


class RecordedStream:
    """A stream that lets its listener hear; all else goes to the stream behind it."""

    def __init__(self, stream: Any, listener: Listener) -> None:
        self.stream = stream
        self.listener = listener

    def write(self, text: str) -> int:
        """Write, and let the listener hear what was written."""
        written: int = self.stream.write(text)
        screen = self.listener.screen
        if screen is not None:
            screen.write(text)
        return written

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several pieces of text."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("stream", "listener"):
            object.__setattr__(self, name, value)
        else:
            setattr(self.stream, name, value)

    def __iter__(self) -> Any:
        return iter(self.stream)

    def __enter__(self) -> Any:
        self.stream.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        return self.stream.__exit__(*error)

    def __repr__(self) -> str:
        return f"<recorded {self.stream!r}>"
