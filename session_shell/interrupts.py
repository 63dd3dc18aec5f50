"""Ctrl-C that stops a scan or a move once, and never cuts into the clean-up.

While a guard is active, SIGINT raises `KeyboardInterrupt` once, and only where that is safe. A
scan runs shielded (files, clean-up, END metadata) and opens the shield around what may take long:
motion, counting, metadata callables. After the first Ctrl-C every further one is only counted.
SIGTERM and SIGHUP are treated the same and raise `SystemExit`, so that a scan of a session that
is being ended still gets its end.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


_KNOWN = frozenset(member.name for member in signal.Signals)


class InterruptGuard:
    """Decide when a Ctrl-C may be raised; one per session, re-entrant.

    Outside the main thread it does nothing: Python delivers signals to the main thread only.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._shields = 0
        self._pending: BaseException | None = None
        self._fired = False
        self._previous: dict[int, Any] = {}
        self.count = 0
        """Signals received since the outermost `active` began."""

    @contextmanager
    def active(self) -> Iterator[None]:
        """Own the signals until the end of the block; nested blocks share the outer one.

        One that was still held back at the end of the outermost block is raised there, so that
        a loop of scans stops too.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        if self._depth == 0:
            self._pending, self._fired, self.count = None, False, 0
            self._previous = {s: signal.signal(s, self._on_signal) for s in _SIGNALS}
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._restore()
        if self._depth == 0 and self._pending is not None:
            raise self._take()

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Hold signals back until the end of the block."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        self.check()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Let a signal through inside the block although a shield is around it."""
        shields, self._shields = self._shields, 0
        try:
            self.check()
            yield
        finally:
            self._shields = shields

    @contextmanager
    def requests(self, actions: Mapping[str, Callable[[], None]]) -> Iterator[None]:
        """Call an action for each signal (``SIGTSTP``: Ctrl-Z) that comes inside the block.

        Actions only take note of a wish, so they may come at any moment.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = {getattr(signal, name): act for name, act in actions.items() if name in _KNOWN}
        previous = {n: signal.signal(n, _caller_of(act)) for n, act in numbers.items()}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Raise what was held back, if anything was and no shield is up."""
        if self._pending is not None and self._shields == 0 and not self._fired:
            raise self._take()

    def _take(self) -> BaseException:
        pending, self._pending = self._pending, None
        self._fired = True
        assert pending is not None
        return pending

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        self.count += 1
        if signum != signal.SIGINT:
            # Stronger than a Ctrl-C: it ends the session even when a scan is being aborted.
            self._pending = SystemExit(128 + signum)
        elif self._pending is None and not self._fired:
            self._pending = KeyboardInterrupt()
        self.check()

    def _restore(self) -> None:
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)
        self._previous = {}


def _caller_of(action: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
    def handle(_signum: int, _frame: FrameType | None) -> None:
        action()

    return handle
