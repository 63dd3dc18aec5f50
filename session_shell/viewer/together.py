"""What shows a scan that is followed or played once more: a table or lines, and perhaps a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TextIO

from session_shell.nexus import SavedScan
from session_shell.scanning.data import ScanData
from session_shell.scanning.documents import Pause, Rows, ScanEnded, ScanStarted, Sink
from session_shell.scanning.layout import Layout
from session_shell.scanning.results import ScanResults
from session_shell.viewer.lines import CsvLines, TableLines
from session_shell.viewer.look import Look
from session_shell.viewer.points import Selection
from session_shell.viewer.printing import Form


class Together:
    """Several sinks as one, of which none may fail: when nobody reads any more, it is over."""

    must_not_fail: ClassVar[bool] = True

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    def scan_started(self, doc: ScanStarted) -> None:
        """Hand on the start."""
        for sink in self._sinks:
            sink.scan_started(doc)

    def rows(self, doc: Rows) -> None:
        """Hand on points."""
        for sink in self._sinks:
            sink.rows(doc)
        self._optional("check")

    def scan_ended(self, doc: ScanEnded) -> None:
        """Hand on the end."""
        for sink in self._sinks:
            sink.scan_ended(doc)

    def scan_paused(self, pause: Pause) -> None:
        """Hand on a pause to those that show it."""
        self._optional("scan_paused", pause)

    def scan_resumed(self, pause: Pause) -> None:
        """Hand on the end of a pause to those that show it."""
        self._optional("scan_resumed", pause)

    def close(self) -> None:
        """Give the terminal back."""
        self._optional("close")

    def _optional(self, name: str, *arguments: Any) -> None:
        for sink in self._sinks:
            take = getattr(sink, name, None)
            if take is not None:
                take(*arguments)


class Sent(ScanResults):
    """A saved scan of which only so much is there as has been sent: what a live plot draws."""

    def __init__(self, saved: SavedScan) -> None:
        self._saved = saved
        self.data: ScanData = ScanData(lambda _file, _number: saved.rows)

    @property
    def title(self) -> str:
        """The scan in the field's words."""
        return self._saved.title

    @property
    def layout(self) -> Layout:
        """Axes and shape."""
        return self._saved.layout


def showing(
    scan: SavedScan,
    form: Form,
    selection: Selection,
    stream: TextIO,
    look: Look,
    *,
    plot: bool = False,
    ahead: float = 0.0,
) -> Together:
    """Return what shows the documents of a scan.

    Args:
        scan: The scan.
        form: A live table (as at the prompt), a table of all points, or CSV.
        selection: Columns of the last two.
        stream: Where it is shown.
        look: How text must look there.
        plot: A plot under the live table, at a terminal.
        ahead: Seconds that the scan has been running.
    """
    if form is Form.TABLE:
        return Together([TableLines(stream, selection, look)])
    if form is Form.CSV:
        return Together([CsvLines(stream, selection)])
    from session_shell.sinks import ScanTable

    keys = "Ctrl-C ends this view, not the scan"
    if not plot:
        return Together([ScanTable(stream, keys, ahead=ahead)])
    from session_shell.sinks.plot import LivePlot

    sent = Sent(scan)
    live = LivePlot(stream, lambda: sent)
    return Together([sent.data, ScanTable(stream, keys, live.text, ahead), live])
