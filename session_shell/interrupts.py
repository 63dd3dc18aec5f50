"""Ctrl-C that stops a scan or a move once, and never cuts into the clean-up.

While a guard is active, SIGINT raises `KeyboardInterrupt` once, and only where that is safe. A
scan runs shielded (files, clean-up, END metadata) and opens the shield around what may take long:
motion, counting, metadata callables. After the first Ctrl-C every further one is only counted.
SIGTERM and SIGHUP are treated the same and raise `SystemExit`, so that a scan of a session that
is being ended still gets its end.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


LIMIT = 30.0
"""Seconds on the wall that a call of the clean-up may take."""
GRACE = 0.5
"""Seconds after which a Ctrl-C is meant for such a call."""
_KNOWN = frozenset(member.name for member in signal.Signals)


_OF_ONE_LINE = (
    *("_depth", "shields", "pending", "_fired", "raised", "count"),
    *("_previous", "_asked", "_give_up_after"),
)


class GivenUp(BaseException):
    """A call of the clean-up that lasted too long, or that a person has given up."""


class InterruptGuard:
    """Decide when a Ctrl-C may be raised; one per session, re-entrant.

    Outside the main thread it does nothing: Python delivers signals to the main thread only.
    """

    def __init__(self) -> None:
        self._depth = 0
        self.shields = 0
        self.pending: BaseException | None = None
        self._fired = False
        self.raised: BaseException | None = None
        """What was raised since the outermost `active` began; user code may have swallowed it."""
        self._previous: dict[int, Any] = {}
        self._give_up_after = math.inf
        self.count = 0
        """Signals received since the outermost `active` began."""
        self.now: Callable[[], float] = time.time
        self.moment = 0.0
        """When the last one was raised, by `now`."""
        self._asked: dict[int, Any] = {}
        """What the signals of `requests` did before."""

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
            self.pending, self._fired, self.count = None, False, 0
            self.raised = None
            # What was ignored from the start, as SIGHUP under nohup, stays so.
            mine = [s for s in _SIGNALS if signal.getsignal(s) is not signal.SIG_IGN]
            self._previous = {s: signal.signal(s, self._on_signal) for s in mine}
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._restore()
        if self._depth == 0 and self.pending is not None:
            raise self._take()

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Hold signals back until the end of the block."""
        self.shields += 1
        try:
            yield
        finally:
            self.shields -= 1
        self.check()

    def opened(self) -> AbstractContextManager[None]:
        """Let a signal through inside the block although a shield is around it.

        What is returned may be entered again and again, as a scan does for each point.
        """
        return _Opened(self)

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
        outer, self._asked = self._asked, {**previous, **self._asked}
        try:
            yield
        finally:
            self._asked = outer
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Let signals do in the block what they did before the outermost `active` began.

        A prompt on top of a line that waits has its own commands, each with its own signals.
        """
        outside = {**self._asked, **self._previous}
        mine = {n: signal.signal(n, handler) for n, handler in outside.items()}
        kept = {name: getattr(self, name) for name in _OF_ONE_LINE}
        fresh = InterruptGuard()
        for name in _OF_ONE_LINE:
            setattr(self, name, getattr(fresh, name))
        try:
            yield
        finally:
            for name, value in kept.items():
                setattr(self, name, value)
            for number, handler in mine.items():
                signal.signal(number, handler)

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Give up what hangs in the block: after `LIMIT`, or when a signal comes after `GRACE`.

        A shield does not hold this back: it is for the calls of the clean-up, of which one that
        does not return would keep all others from being made. An impatient Ctrl-C just after
        the one that ended the scan is not meant for it.

        Raises:
            GivenUp: In the block.
        """
        if threading.current_thread() is not threading.main_thread() or not self._depth:
            yield
            return
        begun, outer = time.monotonic(), self._give_up_after
        self._give_up_after = begun + GRACE
        alarm = _Alarm(LIMIT, self._on_alarm)
        try:
            with alarm:
                yield
        finally:
            self._give_up_after = outer

    def check(self) -> None:
        """Raise what was held back, if anything was and no shield is up."""
        if self.pending is not None and self.shields == 0 and not self._fired:
            raise self._take()

    def interrupt(self, signum: int = signal.SIGINT) -> None:
        """Do at this moment what a signal would do: a replay repeats a Ctrl-C that was recorded.

        Raises:
            KeyboardInterrupt: When nothing holds it back; `SystemExit` for other signals.
        """
        if self._depth:
            self._on_signal(signum, None)
        else:
            raise KeyboardInterrupt if signum == signal.SIGINT else SystemExit(128 + signum)

    def _take(self) -> BaseException:
        pending, self.pending = self.pending, None
        self._fired = True
        self.moment = self.now()
        assert pending is not None
        self.raised = pending
        return pending

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        self.count += 1
        if signum != signal.SIGINT:
            # Stronger than a Ctrl-C: it ends the session even when a scan is being aborted.
            self.pending = SystemExit(128 + signum)
        elif self.pending is None and not self._fired:
            self.pending = KeyboardInterrupt()
        if time.monotonic() >= self._give_up_after:
            raise GivenUp("was given up by Ctrl-C" if signum == signal.SIGINT else "was given up")
        self.check()

    def _on_alarm(self, _signum: int, _frame: FrameType | None) -> None:
        if self._give_up_after < math.inf:
            raise GivenUp("did not return")

    def _restore(self) -> None:
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)
        self._previous = {}


def is_of_signal(error: BaseException | None) -> bool:
    """Return True for the `SystemExit` of a signal, not for one of a user's script."""
    codes = (128 + signal.SIGTERM, 128 + signal.SIGHUP)
    return isinstance(error, SystemExit) and error.code in codes


class _Alarm:
    """Call a handler after some seconds on the wall, and again every second, until the end.

    An alarm that somebody else has set comes as it would have, unless it is the earlier one: then
    it is left alone.
    """

    __slots__ = ("_begun", "_handler", "_other", "_seconds")

    def __init__(self, seconds: float, handler: Callable[[int, FrameType | None], None]) -> None:
        self._seconds, self._handler = seconds, handler
        self._begun = 0.0
        self._other: tuple[Any, float, float] | None = None

    def __enter__(self) -> None:
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        if 0 < left < self._seconds:
            return
        self._begun = time.monotonic()
        self._other = signal.signal(signal.SIGALRM, self._handler), left, interval
        signal.setitimer(signal.ITIMER_REAL, self._seconds, 1.0)

    def __exit__(self, *_exc: object) -> None:
        if self._other is None:
            return
        handler, left, interval = self._other
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            rest = max(left - (time.monotonic() - self._begun), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, rest, interval)


class _Opened:
    """Lower the shields of a guard, and put them up again; not nested in itself."""

    __slots__ = ("_guard", "_shields")

    def __init__(self, guard: InterruptGuard) -> None:
        self._guard = guard
        self._shields = 0

    def __enter__(self) -> None:
        guard = self._guard
        self._shields, guard.shields = guard.shields, 0
        if guard.pending is not None:
            try:
                guard.check()
            except BaseException:
                guard.shields = self._shields
                raise

    def __exit__(self, *_exc: object) -> None:
        self._guard.shields = self._shields


def _caller_of(action: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
    def handle(_signum: int, _frame: FrameType | None) -> None:
        action()

    return handle
