"""Hand the documents of a scan to its sinks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from session_shell.errors import SessionShellError, SinkError
from session_shell.scanning.documents import Pause, Rows, ScanEnded, ScanStarted, Sink

_Doc = TypeVar("_Doc")
_Failed = tuple[Sink, Exception]

_log = logging.getLogger(__name__)


class Bus:
    """The sinks of one scan.

    A sink that must not fail (the file) raises `SinkError`; of further documents it only gets the
    end, so that what it has is finished. One that only shows is dropped with one warning and gets
    nothing more. All others still get theirs.
    """

    def __init__(self, sinks: Iterable[Sink]) -> None:
        self._sinks = list(sinks)
        self._failed: list[Sink] = []

    def started(self, doc: ScanStarted) -> None:
        """Send the start."""
        self._drop([f for sink in self._sinks if (f := _try(sink, sink.scan_started, doc))])

    def rows(self, doc: Rows) -> None:
        """Send one or more points."""
        failed = None
        for sink in self._sinks:
            try:
                sink.rows(doc)
            except Exception as error:  # noqa: BLE001  a sink of a plugin may raise anything
                failed = [*(failed or ()), (sink, error)]
        if failed is not None:
            self._drop(failed)

    def paused(self, pause: Pause) -> None:
        """Tell those that want to know that the scan waits."""
        self._drop(
            [
                f
                for sink in self._sinks
                if (take := getattr(sink, "scan_paused", None)) and (f := _try(sink, take, pause))
            ]
        )

    def resumed(self, pause: Pause) -> None:
        """Tell those that want to know that the scan goes on."""
        self._drop(
            [
                f
                for sink in self._sinks
                if (take := getattr(sink, "scan_resumed", None)) and (f := _try(sink, take, pause))
            ]
        )

    def ended(self, doc: ScanEnded) -> None:
        """Send the end."""
        self._sinks = [*self._failed, *self._sinks]
        self._drop([f for sink in self._sinks if (f := _try(sink, sink.scan_ended, doc))])

    def _drop(self, failed: Sequence[_Failed]) -> None:
        failures = []
        for sink, error in failed:
            self._sinks.remove(sink)
            if sink.must_not_fail:
                self._failed.append(sink)
            failures.append(self._failure(sink, error))
        for failure in failures:
            if failure is not None:
                raise failure

    @staticmethod
    def _failure(sink: Sink, error: Exception) -> SinkError | None:
        name = type(sink).__name__
        if not sink.must_not_fail:
            _log.warning("%s failed and is switched off for this scan: %s", name, error)
            return None
        if isinstance(error, SinkError):
            return error
        text = str(error) if isinstance(error, SessionShellError) else repr(error)
        failure = SinkError(f"the scan cannot be saved: {text}", sink=name)
        failure.__cause__ = error
        return failure


def _try(sink: Sink, take: Callable[[_Doc], None], doc: _Doc) -> _Failed | None:
    try:
        take(doc)
    except Exception as error:  # noqa: BLE001  a sink of a plugin may raise anything
        return sink, error
    return None
