"""Plots of scans as text: at a terminal with colours and dots, elsewhere in plain ASCII."""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Callable
from typing import Any, ClassVar, TextIO

import numpy as np
from numpy.typing import NDArray

from session_shell.errors import CommandError
from session_shell.scanning.documents import Rows, ScanEnded, ScanStarted
from session_shell.scanning.results import ScanResults
from session_shell.sinks._format import clean
from session_shell.sinks.drawing import Curves, Drawing, Image, drawing_of, thinned
from session_shell.sinks.live import is_terminal, terminal_size

_log = logging.getLogger(__name__)

_PLAIN_SIZE = (80, 20)
_MOST_COLUMNS = 120
_TICKS = 5
_MARKERS = "*+ox#"
_COLOURS = ("blue+", "orange+", "green+", "red+", "magenta+")
_ASCII = str.maketrans("┌┐└┘─│┤├┬┴┼", "++++-|++++" + "+")
_RAMP = ".:-=+*#%@"
"""Characters for the values of an image, from low to high."""
_VIRIDIS = (17, 18, 54, 60, 61, 67, 31, 37, 36, 35, 71, 77, 113, 149, 184, 220, 226)
"""Colours of a 256-colour terminal that go evenly from dark blue to yellow."""
_ROWS_KEPT = 6
"""Rows of a terminal that a plot leaves to others."""

_plotext = threading.Lock()
"""plotext draws on one figure for all; a live plot is drawn by another thread."""


class LivePlot:
    """Plots of the running scan: its `text` stands under the table, the last one stays.

    A sink that may fail without harm. `scan` gives the running scan.
    """

    must_not_fail: ClassVar[bool] = False

    def __init__(self, stream: TextIO, scan: Callable[[], ScanResults | None]) -> None:
        self._stream = stream
        self._scan = scan
        self._single = False
        self._broken = False

    def scan_started(self, doc: ScanStarted) -> None:
        """Take the start of a scan; a single count is not plotted."""
        self._single = doc.npoints == 1 and not doc.axes
        self._broken = False

    def rows(self, doc: Rows) -> None:
        """Do nothing: the points are in the scan."""

    def scan_ended(self, _doc: ScanEnded) -> None:
        """Show the whole scan."""
        text = self._draw(live=False)
        if text:
            self._stream.write(text + "\n")
            self._stream.flush()

    def text(self) -> str:
        """Return the plot of now, as large as half of the terminal; empty when there is none."""
        return self._draw(live=True)

    def _draw(self, *, live: bool) -> str:
        scan = self._scan()
        if scan is None or self._single or self._broken:
            return ""
        try:
            if scan.data.npoints < 2:
                return ""
            return plot_text(drawing_of(scan, live=live), self._stream, part=2 if live else 1)
        except CommandError as error:
            _log.debug("no plot of %s: %s", scan.title, error)
        except Exception as error:  # noqa: BLE001  a plot must not harm the table it stands under
            self._broken = True
            _log.warning("the plot failed and is switched off for this scan: %s", error)
        return ""


def plot_text(drawing: Drawing, stream: Any, part: int = 1) -> str:
    """Return a plot as text that fits `stream`: its size, its encoding, and whether it has colours.

    Args:
        drawing: What to show.
        stream: Where it will be shown.
        part: The plot takes at most this part of the rows: 2 for half of them.
    """
    rich = is_terminal(stream)
    width, height = _PLAIN_SIZE
    if rich:
        columns, rows = terminal_size(stream)
        width = max(min(columns - 1, _MOST_COLUMNS), 24)
        height = max(min((rows - _ROWS_KEPT) // part, 24), 8)
    colour = rich and not os.environ.get("NO_COLOR")
    dots = rich and "utf" in (getattr(stream, "encoding", None) or "utf-8").lower()
    if isinstance(drawing, Image):
        return image_text(drawing, width, height, colour=colour)
    return curves_text(drawing, width, height, colour=colour, dots=dots)


def curves_text(
    curves: Curves, width: int, height: int, *, colour: bool = False, dots: bool = False
) -> str:
    """Return curves as lines of text.

    Args:
        curves: What to show.
        width: Columns of text.
        height: Rows of text.
        colour: Use escape sequences for colours.
        dots: Use characters beyond ASCII: braille dots and lines.
    """
    lines = [(label, *thinned(curves.x, values)) for label, values in curves.series]
    lines = [line for line in lines if len(line[1])]
    if not lines:
        raise CommandError(f"{curves.title}: no point has a finite value")
    import plotext  # 30 ms: only who plots pays

    with _plotext:
        plotext.clear_figure()
        plotext.limit_size(False, False)
        plotext.plot_size(width, height)
        plotext.theme("clear")
        plotext.title(_shown(curves.title))
        plotext.xlabel(_shown(curves.x_label))
        for number, (label, x, y) in enumerate(lines):
            draw = plotext.plot if len(x) > 1 else plotext.scatter
            draw(
                x.tolist(),
                y.tolist(),
                marker="braille" if dots else _MARKERS[number % len(_MARKERS)],
                color=_COLOURS[number % len(_COLOURS)] if colour else "default",
                label=_shown(label),
            )
        plotext.xticks(*_ticks([x for _, x, _ in lines]))
        plotext.yticks(*_ticks([y for _, _, y in lines]))
        text = plotext.build()
        plotext.clear_figure()
    text = text if colour else plotext.uncolorize(text)
    text = "\n".join(line.rstrip() for line in text.rstrip("\n").split("\n"))
    return text if dots else text.translate(_ASCII).encode("ascii", "replace").decode()


def image_text(image: Image, width: int, height: int, *, colour: bool = False) -> str:
    """Return an image as lines of text: colours, or characters from `.` (low) to `@` (high).

    Args:
        image: What to show.
        width: Columns of text.
        height: Rows of text.
        colour: Use escape sequences for colours.
    """
    good = image.values[np.isfinite(image.values)]
    if not good.size:
        raise CommandError(f"{image.title}: no point has a finite value")
    low, high = float(good.min()), float(good.max())
    (left, right), (bottom, top), values = _upright(image)
    marks = [f"{v:.5g}" for v in (top, bottom)]
    margin = max(map(len, marks))
    cells = _sampled(values[::-1], max(height - 4, 2), max(width - margin - 3, 8))
    painted = _painted(cells, low, high, colour)
    lines = [_shown(f"{image.label}, {image.y_label} up").center(width).rstrip()]
    lines.insert(0, _shown(image.title).center(width).rstrip())
    for number, row in enumerate(painted):
        mark = marks[0] if number == 0 else marks[1] if number == len(painted) - 1 else ""
        lines.append(f"{mark:>{margin}} |{row}|")
    ends = f"{left:.5g}", f"{right:.5g}"
    room = len(cells[0]) - len(ends[0]) - len(ends[1])
    between = _shown(image.x_label).center(room)[: max(room, 1)]
    lines.append(f"{'':{margin}}  {ends[0]}{between}{ends[1]}")
    ramp = "".join(_paint(c, "  ") for c in _VIRIDIS) if colour else _RAMP
    lines.append(f"{'':{margin}}  {low:.5g} {ramp} {high:.5g}")
    return "\n".join(lines)


def _upright(image: Image) -> tuple[tuple[float, float], tuple[float, float], NDArray[Any]]:
    """Return ends and values so that positions rise to the right and upwards."""
    x, y, values = image.x, image.y, image.values
    if x[0] > x[1]:
        x, values = (x[1], x[0]), values[:, ::-1]
    if y[0] > y[1]:
        y, values = (y[1], y[0]), values[::-1]
    return x, y, values


def _sampled(values: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """Return an array that fits: large ones are averaged in blocks, small ones enlarged evenly."""
    for axis, room in ((0, rows), (1, columns)):
        size = values.shape[axis]
        if size > room:
            edges = np.linspace(0, size, room + 1).astype(int)[:-1]
            good = np.isfinite(values)
            sums = np.add.reduceat(np.where(good, values, 0.0), edges, axis=axis)
            counts = np.add.reduceat(good.astype(float), edges, axis=axis)
            values = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
        else:
            values = np.repeat(values, max(room // size, 1), axis=axis)
    return values


def _painted(cells: NDArray[Any], low: float, high: float, colour: bool) -> list[str]:
    steps = len(_VIRIDIS if colour else _RAMP)
    span = high - low if high > low else 1.0
    lines = []
    for row in cells:
        levels = [-1 if math.isnan(v) else int((v - low) / span * (steps - 1) + 0.5) for v in row]
        if colour:
            lines.append(_runs(levels))
        else:
            lines.append("".join(" " if n < 0 else _RAMP[n] for n in levels))
    return lines


def _runs(levels: list[int]) -> str:
    """Return coloured blanks, one escape sequence for each run of a colour."""
    text, start = "", 0
    for end in range(1, len(levels) + 1):
        if end == len(levels) or levels[end] != levels[start]:
            blanks = " " * (end - start)
            text += blanks if levels[start] < 0 else _paint(_VIRIDIS[levels[start]], blanks)
            start = end
    return text


def _paint(colour: int, text: str) -> str:
    return f"\x1b[48;5;{colour}m{text}\x1b[0m"


def _ticks(columns: list[NDArray[Any]]) -> tuple[list[float], list[str]]:
    """Return places and labels of the ticks: few digits, also of very small and large numbers."""
    low = min(float(c.min()) for c in columns)
    high = max(float(c.max()) for c in columns)
    if low == high:
        return [low], [f"{low:.6g}"]
    places = np.linspace(low, high, _TICKS).tolist()
    for digits in range(3, 18):
        labels = [f"{p:.{digits}g}" for p in places]
        if len(set(labels)) == len(labels):
            break
    return places, labels


def _shown(text: str) -> str:
    return clean(text)
