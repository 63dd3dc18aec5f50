"""Send the documents of a scan that is over to sinks once more, at the pace at which they came."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.clock import Clock
from session_shell.errors import CommandError
from session_shell.scanning.bus import Bus
from session_shell.scanning.documents import Pause, Rows, ScanEnded, ScanStarted, Sink


def play(
    documents: Iterable[ScanStarted | Rows | ScanEnded],
    sinks: Sequence[Sink],
    clock: Clock,
    speed: float | None = 1.0,
    pauses: Sequence[Pause] = (),
) -> bool:
    """Send documents to sinks; tell whether the scan came to its end.

    Sinks that hold something open (a terminal) are closed when there is no end, or when it is
    interrupted.

    Args:
        documents: Of one scan, from `session_shell.nexus.stored_documents` or a list.
        sinks: Who gets them; one that fails is dropped as in a live scan.
        clock: Its `sleep` makes the pace.
        speed: 1 for the recorded pace, 10 for ten times as fast, None for at once.
        pauses: Those of the scan (`ScanEnded.pauses`), for sinks that show them.

    Raises:
        CommandError: When `speed` is no number above zero.
    """
    player = _Player(Bus(sinks), _Pace(clock, checked_speed(speed)), pauses)
    try:
        for document in documents:
            player.send(document)
    finally:
        if not player.ended:
            for sink in sinks:
                close = getattr(sink, "close", None)
                if close is not None:
                    with suppress(Exception):  # it only shows
                        close()
    return player.ended


def checked_speed(speed: Any) -> float:
    """Return a speed as a number, infinite for None; CommandError when it is none."""
    if speed is None:
        return math.inf
    number = isinstance(speed, (int, float)) and not isinstance(speed, bool)
    if not number or not speed > 0:
        raise CommandError(f"speed must be a number above zero, or None for at once, got {speed!r}")
    return float(speed)


class _Pace:
    """Recorded time, as it passes now."""

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._recorded = 0.0
        self._began = 0.0

    def begin(self, recorded: float) -> None:
        """Let recorded time begin now."""
        self._recorded, self._began = recorded, self._clock.time()

    def now(self) -> float:
        """Return the recorded time that is reached."""
        if math.isinf(self._speed):
            return math.inf
        return self._recorded + (self._clock.time() - self._began) * self._speed

    def wait(self, recorded: float) -> None:
        """Wait until a recorded time."""
        ahead = 0.0 if math.isinf(self._speed) else (recorded - self.now()) / self._speed
        self._clock.sleep(max(ahead, 0.0))


class _Player:
    def __init__(self, bus: Bus, pace: _Pace, pauses: Sequence[Pause]) -> None:
        self.ended = False
        self._bus = bus
        self._pace = pace
        self._pauses = deque(sorted(pauses, key=lambda pause: pause.time))
        self._started: ScanStarted | None = None
        self._last = 0.0

    def send(self, document: ScanStarted | Rows | ScanEnded) -> None:
        """Send a document when its time has come."""
        if isinstance(document, ScanStarted):
            self._started, self._last = document, document.time
            self._pace.begin(document.time)
            self._bus.started(document)
        elif isinstance(document, Rows):
            self._rows(document)
        else:
            self._pause_before(math.inf)
            self._pace.wait(document.time)
            self.ended = True
            self._bus.ended(document)

    def _rows(self, rows: Rows) -> None:
        """Send points in as many blocks as their times ask for."""
        times = self._times(rows)
        begin = 0
        while begin < rows.count:
            self._pause_before(times[begin])
            self._pace.wait(float(times[begin]))
            limit = self._pace.now()
            if self._pauses:
                limit = min(limit, self._pauses[0].time)
            end = max(int(np.searchsorted(times, limit, side="right")), begin + 1)
            self._bus.rows(_part(rows, begin, end))
            begin = end

    def _pause_before(self, moment: float) -> None:
        while self._pauses and self._pauses[0].time < moment:
            pause = self._pauses.popleft()
            self._pace.wait(pause.time)
            self._bus.paused(Pause(pause.time, pause.reason))
            self._pace.wait(pause.time + pause.seconds)
            self._bus.resumed(pause)

    def _times(self, rows: Rows) -> NDArray[Any]:
        """Return when each point was there: when its count was over; never before the last one."""
        times = np.full(rows.count, self._last)
        started = self._started
        if started is not None:
            names = [channel.name for channel in started.channels]
            for name, base in (("epoch", 0.0), ("elapsed_time", started.time)):
                if name in names:
                    column = np.asarray(rows.columns[names.index(name)], float)
                    times = column + (base + started.count_time)
                    break
        times = np.maximum.accumulate(np.maximum(np.nan_to_num(times), self._last))
        self._last = float(times[-1]) if rows.count else self._last
        return times


def _part(rows: Rows, begin: int, end: int) -> Rows:
    if (begin, end) == (0, rows.count):
        return rows
    columns = tuple(column[begin:end] for column in rows.columns)
    return Rows(rows.first + begin, end - begin, columns)
