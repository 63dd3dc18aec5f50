"""Documents are sent once more, at the pace at which they came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from session_shell.clock import VirtualClock
from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError
from session_shell.scanning.documents import EndReason, Pause, Rows, ScanEnded, ScanStarted
from session_shell.sinks.playing import play

EPOCH = Channel("epoch", "time", "s")
ELAPSED = Channel("elapsed_time", "time", "s")
DIODE = Channel("diode", "counter")


def started(*channels: Channel, count_time: float = 0.0) -> ScanStarted:
    return ScanStarted("u", 1, "x", "x", "x", 100.0, 4, (4,), count_time, channels)


def rows(times: list[float]) -> Rows:
    values = np.arange(len(times), dtype=float)
    return Rows(0, len(times), (np.array(times), values))


ENDED = ScanEnded("u", 110.0, EndReason.SUCCESS, 4)


class Sink:
    must_not_fail = False

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.seen: list[Any] = []
        self.closed = False

    def _note(self, *what: Any) -> None:
        self.seen.append((self.clock.time(), *what))

    def scan_started(self, doc: ScanStarted) -> None:
        self._note("started")

    def rows(self, doc: Rows) -> None:
        self._note("rows", doc.first, list(doc.columns[1]))

    def scan_paused(self, pause: Pause) -> None:
        self._note("paused", pause)

    def scan_resumed(self, pause: Pause) -> None:
        self._note("resumed", pause)

    def scan_ended(self, doc: ScanEnded) -> None:
        self._note("ended")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(start=0.0)


@pytest.fixture
def sink(clock: VirtualClock) -> Sink:
    return Sink(clock)


def test_points_come_when_their_count_was_over(clock: VirtualClock, sink: Sink) -> None:
    documents = [started(EPOCH, DIODE, count_time=0.5), rows([100.0, 102.0, 102.0, 108.0]), ENDED]
    assert play(documents, [sink], clock) is True
    assert sink.seen == [
        (0.0, "started"),
        (0.5, "rows", 0, [0.0]),
        (2.5, "rows", 1, [1.0, 2.0]),
        (8.5, "rows", 3, [3.0]),
        (10.0, "ended"),
    ]
    assert not sink.closed


def test_elapsed_time_will_do(clock: VirtualClock, sink: Sink) -> None:
    play([started(ELAPSED, DIODE), rows([0.0, 3.0]), ENDED], [sink], clock)
    assert [what[0] for what in sink.seen] == [0.0, 0.0, 3.0, 10.0]


def test_ten_times_as_fast(clock: VirtualClock, sink: Sink) -> None:
    play([started(EPOCH, DIODE), rows([100.0, 105.0]), ENDED], [sink], clock, speed=10)
    assert [what[0] for what in sink.seen] == pytest.approx([0.0, 0.0, 0.5, 1.0])


@pytest.mark.parametrize("speed", [None, float("inf")])
def test_at_once(clock: VirtualClock, sink: Sink, speed: Any) -> None:
    play([started(EPOCH, DIODE), rows([100.0, 105.0, 107.0]), ENDED], [sink], clock, speed)
    assert sink.seen == [(0.0, "started"), (0.0, "rows", 0, [0.0, 1.0, 2.0]), (0.0, "ended")]


@pytest.mark.parametrize("speed", [1.0, None])
def test_pauses_come_between_the_points(clock: VirtualClock, sink: Sink, speed: Any) -> None:
    pause = Pause(103.0, "beam lost", 4.0)
    documents = [started(EPOCH, DIODE), rows([100.0, 102.0, 108.0]), ENDED]
    play(documents, [sink], clock, speed, [pause])
    events = [what[1:] for what in sink.seen if what[1] != "started"]
    if speed is None:
        assert events[0] == ("rows", 0, [0.0, 1.0])
    assert ("paused", Pause(103.0, "beam lost")) in events
    assert events[-4:-1] == [
        ("paused", Pause(103.0, "beam lost")),
        ("resumed", pause),
        ("rows", 2, [2.0]),
    ]
    if speed == 1.0:
        assert [what[0] for what in sink.seen] == [0.0, 0.0, 2.0, 3.0, 7.0, 8.0, 10.0]


def test_times_that_are_missing_or_run_backwards(clock: VirtualClock, sink: Sink) -> None:
    documents = [started(EPOCH, DIODE), rows([101.0, float("nan"), 100.5, 103.0]), ENDED]
    play(documents, [sink], clock)
    assert [what[0] for what in sink.seen] == [0.0, 1.0, 3.0, 10.0]
    assert clock.time() == 10.0


def test_no_times_at_all(clock: VirtualClock, sink: Sink) -> None:
    play([started(DIODE), Rows(0, 2, ([1, 2], [3, 4])), ENDED], [sink], clock)
    assert [what[0] for what in sink.seen] == [0.0, 0.0, 10.0]


def test_a_scan_without_end_closes_the_sinks(clock: VirtualClock, sink: Sink) -> None:
    assert play([started(EPOCH, DIODE), rows([101.0])], [sink], clock) is False
    assert sink.closed


def test_an_interrupt_closes_the_sinks(clock: VirtualClock, sink: Sink) -> None:
    class Interrupted(VirtualClock):
        def sleep(self, seconds: float) -> None:
            if seconds > 1:
                raise KeyboardInterrupt
            super().sleep(seconds)

    documents = [started(EPOCH, DIODE), rows([101.0, 105.0]), ENDED]
    with pytest.raises(KeyboardInterrupt):
        play(documents, [sink], Interrupted(start=0.0))
    assert sink.closed
    assert [what[1] for what in sink.seen] == ["started", "rows"]


def test_a_sink_that_fails_is_dropped(
    clock: VirtualClock, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Sink):
        def rows(self, doc: Rows) -> None:
            raise ValueError("no")

    broken = Broken(clock)
    play([started(EPOCH, DIODE), rows([101.0]), ENDED], [broken, sink], clock)
    assert [what[1] for what in broken.seen] == ["started"]
    assert [what[1] for what in sink.seen] == ["started", "rows", "ended"]
    assert "Broken failed" in caplog.text


@pytest.mark.parametrize("speed", [0, -1, "fast", True, float("nan")])
def test_what_is_no_speed_is_told(clock: VirtualClock, sink: Sink, speed: Any) -> None:
    with pytest.raises(CommandError, match="speed must be"):
        play([], [sink], clock, speed)
