"""Ctrl-C that stops a scan or a move once, and never cuts into the clean-up.

While a guard is active, SIGINT raises `KeyboardInterrupt` once, and only where that is safe. A
scan runs shielded (files, clean-up, END metadata) and opens the shield around what may take long:
motion, counting, metadata callables. After the first Ctrl-C every further one is only counted.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class InterruptGuard:
    """Decide when a Ctrl-C may be raised; one per session, re-entrant.

    Outside the main thread it does nothing: Python delivers signals to the main thread only.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._shields = 0
        self._pending = False
        self._fired = False
        self._previous: Any = None
        self.count = 0

    @contextmanager
    def active(self) -> Iterator[None]:
        """Own SIGINT until the end of the block; nested blocks share the outer one.

        A Ctrl-C that was still held back at the end of the outermost block is raised there, so
        that a loop of scans stops too.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        if self._depth == 0:
            self._pending = self._fired = False
            self.count = 0
            self._previous = signal.signal(signal.SIGINT, self._on_signal)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                signal.signal(signal.SIGINT, self._previous)
        if self._depth == 0 and self._pending:
            self._pending = False
            raise KeyboardInterrupt

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Hold a Ctrl-C back until the end of the block."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        self.check()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Let a Ctrl-C through inside the block although a shield is around it."""
        shields, self._shields = self._shields, 0
        try:
            self.check()
            yield
        finally:
            self._shields = shields

    def check(self) -> None:
        """Raise the `KeyboardInterrupt` that was held back, if any."""
        if self._pending and self._shields == 0:
            self._pending = False
            self._fired = True
            raise KeyboardInterrupt

    def _on_signal(self, _signum: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self._fired:
            return
        self._pending = True
        self.check()
