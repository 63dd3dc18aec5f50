"""Merge metadata, and ask its sources without letting one of them hold up a scan."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from session_shell.user_time import TimeUpError, limit

_DEPTH = 100
"""Levels that are copied; files keep fewer, and the text of what is deeper."""
_PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None)})


class UnreadableDict:
    """Stands for a dict that cannot be read: files keep its text, with a warning."""

    def __init__(self, value: object, error: Exception) -> None:
        self._text = f"<{type(value).__name__}: {type(error).__name__}: {error}>"

    def __repr__(self) -> str:
        return self._text


def copy_tree(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Copy nested dicts and lists; other values are shared. A circle is left as it is."""
    return {key: _copy(item, (id(tree),)) for key, item in tree.items()}


def _copy(value: Any, above: tuple[int, ...]) -> Any:
    if type(value) is list:
        if len(above) >= _DEPTH or id(value) in above:
            return value
        if _PLAIN.issuperset(map(type, value)):
            return value.copy()
        inside = (*above, id(value))
        return [_copy(item, inside) for item in value]
    if isinstance(value, Mapping):
        if len(above) >= _DEPTH or id(value) in above:
            return value
        inside = (*above, id(value))
        try:
            return {key: _copy(item, inside) for key, item in value.items()}
        except Exception as error:  # noqa: BLE001  a class of the user may raise anything
            return UnreadableDict(value, error)
    return value


def merge(into: dict[str, Any], tree: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Merge `tree` into `into`, dicts key by key at every depth; `tree` wins. Return `into`."""
    for key, value in tree.items():
        present = into.get(key)
        if (
            isinstance(present, dict)
            and isinstance(value, Mapping)
            and present is not value
            and depth < _DEPTH
        ):
            merge(present, value, depth + 1)
        else:
            into[key] = value
    return into


class GivenUpError(Exception):
    """A call did not return in time, or the user did not want to wait for it."""


@dataclass(slots=True)
class _Call:
    function: Callable[[], Any]
    context: Context
    """That of the caller: ``time.sleep`` means the same clock in the thread."""
    done: threading.Event
    value: Any = None
    error: BaseException | None = None


class Caller:
    """Run functions of users in a thread that can be abandoned when one hangs.

    The thread is kept for the next call; the caller waits, so nothing runs at the same time.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[_Call | None] | None = None

    def call(
        self,
        function: Callable[[], Any],
        timeout: float,
        give_up: Callable[[], bool] | None = None,
    ) -> Any:
        """Return ``function()``, or raise what it raised.

        Args:
            function: What to call.
            timeout: Seconds after which `GivenUpError` is raised: real time, and time of the
                session's clock that the function slept.
            give_up: Asked ten times a second; True gives up at once.
        """
        if self._queue is None:
            self._queue = SimpleQueue()
            threading.Thread(
                target=_work, args=(self._queue,), name="metadata", daemon=True
            ).start()
        call = _Call(function, copy_context(), threading.Event())
        watch = call.context.run(limit, timeout)
        self._queue.put(call)
        try:
            _wait(call.done, timeout, give_up)
        except BaseException:
            # The thread may hang for ever; it ends by itself if it ever returns.
            self.close()
            if watch is not None:
                watch.let_go = True
            raise
        if isinstance(call.error, TimeUpError):
            raise _too_late(timeout)
        if call.error is not None:
            raise call.error
        return call.value

    def close(self) -> None:
        """Let the thread go."""
        if self._queue is not None:
            self._queue.put(None)
            self._queue = None


def _wait(done: threading.Event, timeout: float, give_up: Callable[[], bool] | None) -> None:
    deadline = time.monotonic() + timeout
    while not done.wait(min(0.1, max(deadline - time.monotonic(), 0.0))):
        if time.monotonic() >= deadline:
            raise _too_late(timeout)
        if give_up is not None and give_up():
            raise GivenUpError("was given up by Ctrl-C")


def _too_late(timeout: float) -> GivenUpError:
    return GivenUpError(f"did not return within {timeout:g} s")


def _work(queue: SimpleQueue[_Call | None]) -> None:
    while (call := queue.get()) is not None:
        try:
            call.value = call.context.run(call.function)
        except BaseException as error:  # noqa: BLE001  raised again by the caller
            call.error = error
        call.done.set()
