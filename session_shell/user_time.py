"""The functions of the ``time`` module, as code of users meets them while a session runs it.

Under a clock that is not the machine's, ``time.sleep(5)`` in a script must let five seconds of
that clock pass, and ``time.time()`` must tell it: a script that waits ``while time.time() < end``
would never end otherwise. Libraries must notice nothing: one that waits for a program or for the
network has to wait for real. So the functions are replaced only while a session runs something,
they act only in the context in which it runs (threads that a script starts are outside), and
they ask who calls: what is installed, and Python itself, gets the time of the machine.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import PurePath
from threading import Lock
from types import BuiltinFunctionType
from typing import Any, Protocol

PATIENCE = 1000
"""Looks at a clock that stands still, after which each further one lets time pass."""
LOOK = 1e-4
"""Seconds that such a look takes: a loop that waits without sleeping comes to an end."""

_RECORD = "__session_shell__"
_LIBRARIES = frozenset(("site-packages", "dist-packages"))


class _Clock(Protocol):
    def time(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class TimeUpError(Exception):
    """Code that was given a limit has slept for longer."""


class Watch:
    """The clock of one session, as code of its user sees it; up to `end`, if there is one."""

    __slots__ = ("_last", "_looks", "clock", "end", "let_go")

    def __init__(self, clock: _Clock, end: float = math.inf) -> None:
        self.clock = clock
        self.end = end
        self.let_go = False
        """True once nobody waits any more for the code that has it: the clock is not its own."""
        self._last = 0.0
        self._looks = 0

    def now(self) -> float:
        """Return seconds since the epoch; looking again and again takes time, as it does."""
        now = self.clock.time()
        if now != self._last:
            self._last, self._looks = now, 0
        self._looks += 1
        if self._looks > PATIENCE:
            self.sleep(LOOK)
            now = self._last = self.clock.time()
        return now

    def sleep(self, seconds: float) -> None:
        """Let time pass; refuse what ``time.sleep`` refuses."""
        if not seconds >= 0:
            raise ValueError("sleep length must be non-negative")
        left = self.end - self.clock.time()
        self.clock.sleep(min(seconds, left))
        if seconds > left:
            raise TimeUpError


_watch: ContextVar[Watch | None] = ContextVar("session_shell_watch", default=None)
_replacing = Lock()


@contextmanager
def following(clock: _Clock | None) -> Iterator[None]:
    """Let the ``time`` module tell `clock` to code of users, in this context, inside the block.

    Args:
        clock: A clock that is not the machine's; None for the machine's.

    Example:
        ``with following(VirtualClock()): exec(source)``
    """
    before = _watch.get()
    if clock is None:
        _watch.set(None)
        try:
            yield
        finally:
            _watch.set(before)
        return
    _watch.set(Watch(clock))
    _count(1)
    try:
        yield
    finally:
        _count(-1)
        _watch.set(before)


@contextmanager
def adopting() -> Iterator[None]:
    """Let modules of users that have ``from time import sleep`` behind them follow too.

    What they imported while nothing was replaced is the machine's; inside the block it is ours,
    which is the machine's again for everybody who does not follow a clock.
    """
    ours = {_REAL[name]: function for name, function in _OURS.items()}
    changed: list[tuple[dict[str, Any], str, Any]] = []
    for module in list(sys.modules.values()):
        names: dict[str, Any] = getattr(module, "__dict__", {})
        file = names.get("__file__")
        if file is None or not _of_a_user(names.get("__name__"), file):
            continue
        for name, value in list(names.items()):
            if type(value) is BuiltinFunctionType and value in ours:
                names[name] = ours[value]
                changed.append((names, name, value))
    try:
        yield
    finally:
        for names, name, value in changed:
            if names.get(name) is ours[value]:
                names[name] = value


def limit(seconds: float) -> Watch | None:
    """Give the code of this context so many seconds of its clock; None when it is the machine's.

    What sleeps for longer gets a `TimeUpError`, as late as the limit says.
    """
    watch = _watch.get()
    if watch is None:
        return None
    limited = Watch(watch.clock, min(watch.clock.time() + seconds, watch.end))
    _watch.set(limited)
    return limited


def own_watch() -> Watch | None:
    """Return the clock that code of users has in this context, None for the machine's."""
    watch = _watch.get()
    return None if watch is None or watch.let_go else watch


def _count(change: int) -> None:
    """Put our functions into the ``time`` module for the first user, take them out after the last.

    The count, and what was there before, are kept with the module that they are about.
    """
    with _replacing:
        record: _Record = getattr(time, _RECORD, None) or _Record()
        record.users += change
        if record.users == change:
            setattr(time, _RECORD, record)
            for name, function in _OURS.items():
                # A test may have put something of its own there.
                record.before[name] = getattr(time, name)
                setattr(time, name, function)
        elif record.users == 0:
            delattr(time, _RECORD)
            for name, function in _OURS.items():
                # What somebody has put there meanwhile is theirs to undo.
                if getattr(time, name) is function:
                    setattr(time, name, record.before[name])


class _Record:
    """How many contexts follow a clock, and what the ``time`` module had before."""

    def __init__(self) -> None:
        self.users = 0
        self.before: dict[str, Callable[..., Any]] = {}


def _machine(name: str) -> Callable[..., Any]:
    """Return what tells the time of the machine."""
    record: _Record | None = getattr(time, _RECORD, None)
    before = _REAL[name] if record is None else record.before.get(name, _REAL[name])
    return _REAL[name] if before is _OURS[name] else before


def _watch_for(names: Mapping[str, Any]) -> Watch | None:
    """Return the clock for the module with these global names, None for the machine's."""
    watch = _watch.get()
    if (
        watch is None
        or watch.let_go
        or not _of_a_user(names.get("__name__"), names.get("__file__"))
    ):
        return None
    return watch


@lru_cache(maxsize=1024)
def _of_a_user(name: object, file: object) -> bool:
    package = str(name).partition(".")[0]
    if package == "session_shell" or package in sys.stdlib_module_names:
        return False
    return file is None or _LIBRARIES.isdisjoint(PurePath(str(file)).parts)


def _telling(name: str, tell: Callable[[float], Any]) -> Callable[[], Any]:
    """Return a function without arguments that tells the time."""

    def function() -> Any:
        watch = _watch_for(sys._getframe(1).f_globals)
        return _machine(name)() if watch is None else tell(watch.now())

    return function


def _converting(name: str) -> Callable[..., Any]:
    """Return a function that takes seconds, and without them those of now."""

    def function(seconds: float | None = None, /) -> Any:
        if seconds is None and (watch := _watch_for(sys._getframe(1).f_globals)) is not None:
            seconds = watch.now()
        return _machine(name)(seconds)

    return function


def _writing(name: str, wanted: int) -> Callable[..., Any]:
    """Return a function that takes a broken-down time after `wanted` arguments, or that of now."""

    def function(*arguments: Any) -> Any:
        if len(arguments) == wanted:
            watch = _watch_for(sys._getframe(1).f_globals)
            if watch is not None:
                arguments = (*arguments, _machine("localtime")(watch.now()))
        return _machine(name)(*arguments)

    return function


def _sleep(seconds: float, /) -> None:
    watch = _watch_for(sys._getframe(1).f_globals)
    if watch is None:
        _machine("sleep")(seconds)
    else:
        watch.sleep(seconds)


def _nanoseconds(now: float) -> int:
    return round(now * 1e9)


def _ours() -> dict[str, Callable[..., Any]]:
    made: dict[str, Callable[..., Any]] = {
        "sleep": _sleep,
        "strftime": _writing("strftime", 1),
        "asctime": _writing("asctime", 0),
    }
    for name in ("time", "monotonic", "perf_counter"):
        made[name] = _telling(name, float)
        made[f"{name}_ns"] = _telling(f"{name}_ns", _nanoseconds)
    for name in ("localtime", "gmtime", "ctime"):
        made[name] = _converting(name)
    for name, function in made.items():
        function.__name__ = function.__qualname__ = name
        function.__module__ = "time"
        function.__doc__ = _REAL[name].__doc__
    return made


_NAMES = (
    *("sleep", "strftime", "asctime", "localtime", "gmtime", "ctime"),
    *("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"),
)
_REAL: Mapping[str, Callable[..., Any]] = {name: getattr(time, name) for name in _NAMES}
_OURS: Mapping[str, Callable[..., Any]] = _ours()
