"""``show --follow`` and ``show --live``: scans in time, those that run and those that are over."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from session_shell.clock import RealClock
from session_shell.errors import CommandError, SinkError
from session_shell.interrupts import InterruptGuard
from session_shell.shell import signals

if TYPE_CHECKING:
    from session_shell.nexus import SavedScan
    from session_shell.viewer.finding import Asked
    from session_shell.viewer.following import Source
    from session_shell.viewer.growing import Growing
    from session_shell.viewer.printing import Wish
    from session_shell.viewer.together import Together

_FINE = frozenset({"SUCCESS", "STOPPED"})


class _OpenClock(RealClock):
    """A clock that lets Ctrl-C and SIGTERM through while it sleeps, and at no other time.

    Raised while HDF5 objects are let go they would be lost, and in a drawing they would leave a
    broken line.
    """

    def __init__(self) -> None:
        super().__init__()
        self.guard = InterruptGuard()
        self._opened = self.guard.opened()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        with self._opened:
            super().sleep(seconds)


@dataclass(frozen=True, slots=True)
class Watch:
    """How scans are shown while they run, or as if they ran."""

    wish: Wish
    stream: TextIO
    plot: bool
    """A plot under the live table."""

    def follow(self, one: Asked | None, data: Path, *, once: bool) -> int:
        """Follow scans that run; return the exit code.

        Args:
            one: A scan, a file or a folder; None: the folder of data.
            data: The folder of data.
            once: End with the first scan that ends.
        """
        from session_shell.viewer.following import Follower, OneScan

        source = _source(one, data)
        once = once or isinstance(source, OneScan)
        clock = _OpenClock()
        follower = Follower(source, self._followed, clock, once, _tell)
        try:
            with clock.guard.active(), clock.guard.shielded():
                ended = follower.run()
        except KeyboardInterrupt:
            return signals.INTERRUPTED
        finally:
            follower.close()
        return 0 if ended.reason in _FINE else 1

    def play(self, one: Asked, speed: float | None) -> int:
        """Show a scan once more as it ran; return the exit code.

        Args:
            one: The scan.
            speed: 1 for the recorded pace, None for at once.

        Raises:
            CommandError: When there is no such scan, or several are meant.
        """
        from session_shell.nexus import SavedScan
        from session_shell.nexus.reading.listing import Place
        from session_shell.viewer.finding import find

        place = find(one)
        if not isinstance(place, Place):
            raise CommandError(f"{one.path}: which scan? Put its number behind it, or 'last'")
        try:
            over = self._play(SavedScan(place.file, place.entry), speed)
        except KeyboardInterrupt:
            return signals.INTERRUPTED
        except SinkError as error:
            if isinstance(error.__cause__, BrokenPipeError):
                raise error.__cause__ from None
            raise
        if not over:
            _tell(f"{place.file}: these are the points that there are now; the scan has no end")
        return 0

    def _play(self, scan: SavedScan, speed: float | None) -> bool:
        from session_shell.nexus.reading.documents import read_ended, read_rows, read_started
        from session_shell.sinks.playing import play

        started, ended = read_started(scan), read_ended(scan)

        def documents() -> Iterator[Any]:
            yield started
            yield from read_rows(scan, started)
            if ended is not None:
                yield ended

        pauses = ended.pauses if ended is not None else ()
        clock = _OpenClock()
        with clock.guard.active(), clock.guard.shielded():
            return play(documents(), [self._shown(scan)], clock, speed, pauses)

    def _followed(self, growing: Growing) -> Together:
        begun = growing.scan.start_time
        over = growing.scan.end_time is not None
        now = RealClock().time()
        return self._shown(growing.scan, 0.0 if over or begun is None else max(now - begun, 0.0))

    def _shown(self, scan: SavedScan, ahead: float = 0.0) -> Together:
        from session_shell.viewer.look import look_of
        from session_shell.viewer.together import showing

        wish = self.wish
        look = look_of(self.stream)
        return showing(
            scan, wish.form, wish.selection, self.stream, look, plot=self.plot, ahead=ahead
        )


def _source(one: Asked | None, data: Path) -> Source:
    """Return where the scans come from that are followed.

    Raises:
        CommandError: When there is no such scan or folder.
        ScanError: When a file cannot be read.
    """
    from session_shell.nexus.reading.listing import Place, places
    from session_shell.viewer.finding import find
    from session_shell.viewer.following import FileOfScans, FolderOfScans, OneScan, is_of_others

    path = data if one is None else one.path
    if one is None or (path.is_dir() and one.number is None):
        if not path.is_dir():
            raise CommandError(f"{path}: there is no such folder")
        _tell(f"following {path} (Ctrl-C ends this view)")
        return FolderOfScans(path, RealClock())
    if one.number is None and is_of_others(path):
        return FileOfScans(path)
    found = find(one)
    if isinstance(found, Place):
        return OneScan(found)
    if any(place.file != path for place in places(path)):  # a master file: new scans come beside it
        return FolderOfScans(path.parent, RealClock())
    return FileOfScans(path)


def _tell(line: str) -> None:
    """Say something to the person, beside what is shown."""
    sys.stdout.flush()
    click.echo(" ".join(line.split()), err=True)
