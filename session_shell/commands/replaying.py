"""A scan that is over, looked at once more as it ran."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from session_shell.clock import Clock
from session_shell.commands.saved import scan as scan_by_number
from session_shell.current import current_session
from session_shell.errors import CommandError
from session_shell.interrupts import InterruptGuard
from session_shell.paths import is_there
from session_shell.scanning.data import ScanData
from session_shell.scanning.documents import Sink
from session_shell.scanning.layout import Layout
from session_shell.scanning.results import ScanResults

_LONGEST = 10.0
"""Seconds that a replay takes at most when no speed is asked for."""


def replay_scan(scan: Any = -1, speed: float | str | None = "auto") -> None:
    """Show a saved scan once more as it ran: table, pauses, live plot, all that shows live scans.

    Nothing moves and nothing is written. Ctrl-C ends it.

    Args:
        scan: Its number, -1 for the last one, the scan itself, or a file.
        speed: 1 for the recorded pace, 10 for ten times as fast, None for at once; ``"auto"``:
            the recorded pace, and faster where that would take more than 10 s.

    Raises:
        CommandError: When there is no such scan, or it was not saved.
        ScanError: When its file cannot be read.

    Example:
        ``loopscan(10, 0.1, diode3); replay_scan(-1, speed=None)``
    """
    from session_shell.nexus.reading.documents import read_ended, read_rows, read_started

    saved = _saved(scan)
    started, ended = read_started(saved), read_ended(saved)
    pace = _pace(speed, saved.duration)
    session = current_session()
    replayed = _Replayed(saved)
    sinks: list[Sink] = [replayed.data, *session.host.extra_sinks, *_showing(session, replayed)]
    documents = [started, read_rows(saved, started)]
    _play(session, documents, ended, sinks, pace)


def _play(session: Any, documents: Any, ended: Any, sinks: list[Sink], pace: Any) -> None:
    from session_shell.sinks.playing import play

    guard = session.guard

    def all_documents() -> Any:
        started, rows = documents
        yield started
        yield from rows
        if ended is not None:
            yield ended

    with guard.active(), guard.shielded():
        clock = _Interruptible(session.clock, guard)
        try:
            play(all_documents(), sinks, clock, pace, ended.pauses if ended is not None else ())
        except KeyboardInterrupt as error:
            title = documents[0].title
            raise KeyboardInterrupt(f"the replay of {title} was ended by Ctrl-C") from error


def _saved(scan: Any) -> Any:
    """Return the file of a scan that was named in any way."""
    from session_shell.nexus import SavedScan, open_scan

    if isinstance(scan, (str, Path)):
        return open_scan(scan)
    if isinstance(scan, (int, float)):
        scan = scan_by_number(scan)  # type: ignore[arg-type]
    if isinstance(scan, SavedScan):
        return scan
    if not isinstance(scan, ScanResults):
        raise CommandError(f"replay_scan: expected a scan, its number or its file, got {scan!r}")
    file = getattr(scan, "file", None)
    if file is None or not is_there(file):
        raise CommandError(f"replay_scan: {scan.title} has no file")
    return open_scan(file, scan.number)  # type: ignore[attr-defined]


def _pace(speed: Any, duration: float) -> float | None:
    """Return the speed for `play`; by itself it takes a few seconds, whatever the scan."""
    if speed == "auto":
        return max(1.0, duration / _LONGEST)
    from session_shell.sinks.playing import checked_speed

    try:
        checked_speed(speed)
    except CommandError as error:
        raise CommandError(f"replay_scan: {error}") from None
    checked: float | None = speed
    return checked


def _showing(session: Any, replayed: ScanResults) -> list[Sink]:
    """Return what shows live scans: the table, and the plot when it is on."""
    host = session.host
    if host.stream is None:
        return []
    from session_shell.sinks import ScanTable

    keys = "Ctrl-C ends it" if host.keys else ""
    if not host.live_plot:
        return [ScanTable(host.stream, keys)]
    from session_shell.sinks.plot import LivePlot

    plot = LivePlot(host.stream, lambda: replayed)
    return [ScanTable(host.stream, keys, plot.text), plot]


class _Replayed(ScanResults):
    """A saved scan of which only so much is there as has been sent."""

    def __init__(self, saved: Any) -> None:
        self._saved = saved
        self.data: ScanData = ScanData(lambda _file, _number: saved.rows)

    @property
    def title(self) -> str:
        """The scan in the field's words."""
        return str(self._saved.title)

    @property
    def layout(self) -> Layout:
        """Axes and shape."""
        layout: Layout = self._saved.layout
        return layout


class _Interruptible:
    """A clock that lets a Ctrl-C through while it sleeps, and at no other time."""

    def __init__(self, clock: Clock, guard: InterruptGuard) -> None:
        self.time: Callable[[], float] = clock.time
        self._clock = clock
        self._guard = guard

    def sleep(self, seconds: float) -> None:
        """Wait."""
        with self._guard.opened():
            self._clock.sleep(seconds)

    def wait(self, event: Any, seconds: float) -> bool:
        """Wait until `event` is set; tell whether it is."""
        with self._guard.opened():
            return self._clock.wait(event, seconds)
