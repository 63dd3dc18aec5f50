"""Devices that misbehave on purpose, for tests of the engine."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from session_shell.devices.protocols import Channel, Status


class Counter:
    """Counts its points; `at` maps a point to something that happens in its read."""

    def __init__(
        self, name: str = "counter", at: dict[int, Callable[[], None]] | None = None
    ) -> None:
        self.name = name
        self.channels: Sequence[Channel] = (Channel(name, "counter"),)
        self.at = at or {}
        self.points = 0
        self.calls: list[str] = []
        self.fail_prepare: Exception | None = None
        self.fail_stop: Exception | None = None

    def prepare(self, count_time: float, npoints: int) -> None:
        self.calls.append(f"prepare {count_time:g} {npoints}")
        if self.fail_prepare is not None:
            raise self.fail_prepare

    def trigger(self) -> Status | None:
        return None

    def read(self) -> Sequence[Any]:
        if self.points in self.at:
            self.at[self.points]()
        self.points += 1
        return (float(self.points),)

    def stop(self) -> None:
        self.calls.append("stop")
        if self.fail_stop is not None:
            raise self.fail_stop


class Recorder:
    """A sink that keeps the documents; `fail` names the one at which it raises."""

    def __init__(self, fail: str = "", must_not_fail: bool = False) -> None:
        self.must_not_fail = must_not_fail
        self.fail = fail
        self.documents: list[Any] = []

    def _take(self, kind: str, doc: Any) -> None:
        self.documents.append(doc)
        if kind == self.fail:
            raise OSError(f"no {kind}")

    def scan_started(self, doc: Any) -> None:
        self._take("started", doc)

    def rows(self, doc: Any) -> None:
        self._take("rows", doc)

    def scan_ended(self, doc: Any) -> None:
        self._take("ended", doc)


def ctrl_c() -> None:
    """Press Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)


def fail(error: Exception) -> Callable[[], None]:
    """Return a function that raises `error`."""

    def raise_it() -> None:
        raise error

    return raise_it
