"""Sinks that write the points of a scan as plain lines, each as soon as it has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, TextIO

from session_shell.devices.protocols import Channel
from session_shell.scanning.documents import EndReason, Rows, ScanEnded, ScanStarted
from session_shell.sinks import TableText, clean
from session_shell.sinks.live import Style
from session_shell.viewer.look import Look
from session_shell.viewer.points import Selection
from session_shell.viewer.table import CsvText, csv_channels, table_channels, table_text


class _Chosen:
    """The columns of the documents that are asked for."""

    def __init__(self, available: Sequence[Channel], wanted: Sequence[Channel]) -> None:
        places = {channel.name: place for place, channel in enumerate(available)}
        self._places = [places[channel.name] for channel in wanted]

    def of(self, doc: Rows) -> Rows:
        columns: tuple[Any, ...] = tuple(doc.columns[place] for place in self._places)
        return replace(doc, columns=columns)


class TableLines:
    """Writes the table, all points of it and no progress bar."""

    must_not_fail: ClassVar[bool] = False

    def __init__(self, stream: TextIO, selection: Selection, look: Look) -> None:
        self._stream = stream
        self._selection = selection
        self._look = look
        self._asked = 0
        self._chosen = _Chosen((), ())
        self._text = TableText((), 0, 0, 0)

    def scan_started(self, doc: ScanStarted) -> None:
        """Write the title and the header."""
        channels, _ = table_channels(doc.channels, self._selection, 1)
        self._chosen = _Chosen(doc.channels, channels)
        self._asked = doc.npoints
        highest = doc.npoints - 1 if doc.npoints else 999_999
        self._text = table_text(channels, self._selection, self._look, highest)
        title = self._look.paint(clean(f"** Scan {doc.number}: {doc.title} **"), "bold")
        self._write([title, "", *self._text.header()])

    def rows(self, doc: Rows) -> None:
        """Write points."""
        self._write(self._text.lines(self._chosen.of(doc), 0, doc.count))

    def scan_ended(self, doc: ScanEnded) -> None:
        """Write how it ended."""
        asked = f" of {self._asked}" if self._asked else ""
        line = f"   {doc.npoints}{asked} points, {doc.reason}"
        error = f": {doc.error}" if doc.error else ""
        style: Style = "" if doc.reason is EndReason.SUCCESS else "red"
        self._write([self._look.paint(clean(line + error), style), ""])

    def _write(self, lines: Sequence[str]) -> None:
        self._stream.write("\n".join(lines) + "\n")
        self._stream.flush()


class CsvLines:
    """Writes CSV, a header of names before each scan."""

    must_not_fail: ClassVar[bool] = False

    def __init__(self, stream: TextIO, selection: Selection) -> None:
        self._stream = stream
        self._selection = selection
        self._chosen = _Chosen((), ())
        self._text = CsvText(())

    def scan_started(self, doc: ScanStarted) -> None:
        """Write the names of the columns."""
        channels = csv_channels(doc.channels, self._selection)
        self._chosen = _Chosen(doc.channels, channels)
        self._text = CsvText(channels)
        self._stream.write(self._text.header())
        self._stream.flush()

    def rows(self, doc: Rows) -> None:
        """Write points."""
        self._stream.write(self._text.lines(self._chosen.of(doc)))
        self._stream.flush()

    def scan_ended(self, _doc: ScanEnded) -> None:
        """Do nothing: the lines say all."""
