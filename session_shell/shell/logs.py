"""Show what the package logs: one line each, above whatever is drawn on the terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from session_shell.sinks.live import Style, is_terminal, styled


class LineHandler(logging.Handler):
    """Write ``warning: ...`` to the standard error of the moment.

    The stream is looked up for every line: a live display puts itself in its place.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as one line."""
        try:
            text = " ".join(record.getMessage().split())
            line = f"{record.levelname.lower()}: {text}"
            style: Style = "red" if record.levelno >= logging.ERROR else "yellow"
            sys.stderr.write((styled(line, style) if is_terminal(sys.stderr) else line) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - what logging does with it is the user's choice
            self.handleError(record)


@contextmanager
def shown() -> Iterator[None]:
    """Show warnings of the package while the block runs."""
    logger = logging.getLogger("session_shell")
    handler = LineHandler(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
