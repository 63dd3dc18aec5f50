"""Standard output of commands that must not fail because of it.

A full disk, a reader that has gone or a closed descriptor costs the output, not the measurement:
a line says so once, the commands go on, and the exit code tells.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any


def tolerate_encodings() -> None:
    """Let what the encoding of a terminal or file does not have be printed as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def steady_output() -> Iterator[SteadyOutput]:
    """Give commands a standard output that can be lost; a terminal is left as it is."""
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        if sys.stderr is None:
            sys.stderr = nowhere
        output = SteadyOutput(nowhere if sys.stdout is None else sys.stdout)
        if sys.stdout is None:
            output.lose("it is closed")
        if not output.isatty():
            sys.stdout = output
        try:
            yield output
            output.flush()
        finally:
            sys.stdout, sys.stderr = before


class SteadyOutput:
    """A text stream that goes to nowhere from its first failure on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.lost = False

    def write(self, text: str) -> int:
        """Write; what cannot be written is let go of."""
        try:
            self._stream.write(text)
        except (OSError, ValueError) as error:
            self.lose(getattr(error, "strerror", None) or str(error))
        return len(text)

    def flush(self) -> None:
        """Flush likewise."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self.lose(getattr(error, "strerror", None) or str(error))

    def lose(self, why: str) -> None:
        """Say once that the output is lost, and let all that follows go nowhere."""
        if self.lost:
            return
        self.lost = True
        with suppress(OSError, ValueError):
            # The descriptor itself: Python flushes the stream behind it when it ends.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        with suppress(OSError, ValueError):
            line = f"warning: standard output cannot be written ({why}): commands go on without it"
            print(line, file=sys.stderr)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
