"""What a plot of a scan shows, as plain data: curves, or an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError
from session_shell.scanning.results import ScanResults
from session_shell.scanning.tables import place

_LIVE_POINTS = 20_000
"""Points of a running scan that are drawn again and again: the last ones."""
_LARGEST = 2**24
"""Values of an image that are loaded for a plot."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Values over one x."""

    title: str
    x_label: str
    x: NDArray[Any]
    """Shape (npoints,)."""
    series: tuple[tuple[str, NDArray[Any]], ...]
    """Label and values of each curve."""


@dataclass(frozen=True, slots=True)
class Image:
    """Values over a grid."""

    title: str
    label: str
    x_label: str
    y_label: str
    x: tuple[float, float]
    """Positions of the first and the last column."""
    y: tuple[float, float]
    """Positions of the first and the last row."""
    values: NDArray[Any]
    """Shape (rows, columns)."""


Drawing = Curves | Image


def drawing_of(
    scan: ScanResults,
    counters: Sequence[object] = (),
    axis: object = None,
    preferred: tuple[str, ...] = (),
    *,
    live: bool = False,
) -> Drawing:
    """Return what a plot of a scan shows.

    A mesh gives an image of the first counter, spectra an image of all, images the last one.

    Args:
        scan: A live scan or one from a file.
        counters: Counters or their names; none: what was chosen, else the first.
        axis: What to plot over; None: the scanned axis, else the time.
        preferred: Names to take first when `counters` are none.
        live: Only the last points of a long scan.

    Raises:
        CommandError: When there is no such counter, or no point.
    """
    names = [scan.data.key(counter) for counter in counters] or _chosen(scan, preferred)
    channels = {channel.name: channel for channel in scan.data.channels}
    if not scan.data.npoints:
        raise CommandError(f"{scan.title}: there are no points yet")
    if channels[names[0]].shape:
        return _arrays(scan, channels[names[0]])
    if len(scan.layout.shape) == 2 and axis is None:
        return _mesh(scan, channels, names[0])
    names = [name for name in names if not channels[name].shape]
    return _curves(scan, channels, names, axis, live)


def _chosen(scan: ScanResults, preferred: tuple[str, ...]) -> list[str]:
    numbers = {channel.name for channel in scan.data.channels if not channel.shape}
    for wanted in (preferred, scan.layout.plot):
        if found := [name for name in wanted if name in numbers]:
            return found
    return [scan.signal_name()]


def _curves(
    scan: ScanResults, channels: dict[str, Channel], names: list[str], axis: object, live: bool
) -> Curves:
    over = _abscissa(scan, channels, names) if axis is None else scan.data.key(axis)
    if over and channels[over].shape:
        raise CommandError(f"{over} gives an array per point: nothing can be plotted over it")
    # One length for all: a running scan gets its next point meanwhile.
    columns = {name: _column(scan, name, live) for name in (over, *names) if name}
    count = min(map(len, columns.values()))
    x = columns[over][-count:] if over else np.arange(count, dtype=float)
    series = tuple((_labelled(channels[name]), columns[name][-count:]) for name in names)
    return Curves(scan.title, _labelled(channels[over]) if over else "point", x, series)


def _column(scan: ScanResults, name: str, live: bool) -> NDArray[Any]:
    recent = getattr(scan.data, "recent", None)
    values = recent(name, _LIVE_POINTS) if live and recent is not None else scan.data[name]
    try:
        return np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise CommandError(f"{name} holds no numbers: it cannot be plotted") from error


def _abscissa(scan: ScanResults, channels: dict[str, Channel], names: list[str]) -> str:
    """Return the column that curves are drawn over, empty when there is none but the number."""
    # A mesh of three axes and more has no picture: it is drawn in the order of time.
    axes = scan.layout.axes if len(scan.layout.shape) < 2 else ()
    for name in (*axes, "elapsed_time"):
        if name in channels and name not in names:
            return name
    return ""


def _mesh(scan: ScanResults, channels: dict[str, Channel], name: str) -> Image:
    layout = scan.layout
    if int(np.prod(layout.shape)) > _LARGEST:
        raise CommandError(f"{scan.title}: the mesh is too large to be plotted as an image")
    values = place(_column(scan, name, live=False), layout)
    ends = [(float(line[0]), float(line[-1])) for line in layout.grid if line]
    labels = [_labelled(channels[axis]) if axis in channels else axis for axis in layout.axes]
    if len(ends) != 2 and len(layout.axes) == 2:  # no nominal positions, as in files of others
        ends = [_range(scan, axis) for axis in layout.axes]
    if len(ends) != 2 or len(labels) != 2:
        labels, ends = ["line", "point"], [(0.0, n - 1.0) for n in layout.shape]
    slow, fast = ends
    title, label = scan.title, _labelled(channels[name])
    return Image(title, label, labels[1], labels[0], fast, slow, values)


def _range(scan: ScanResults, axis: str) -> tuple[float, float]:
    column = _column(scan, axis, live=False)
    good = column[np.isfinite(column)]
    return (float(good.min()), float(good.max())) if len(good) else (0.0, 1.0)


def _arrays(scan: ScanResults, channel: Channel) -> Drawing:
    stored, label = scan.data[channel.name], _labelled(channel)
    if len(channel.shape) == 1:
        rows = max(1, min(len(stored), _LARGEST // max(channel.shape[0], 1)))
        if len(stored) == 1:
            pixels = np.arange(channel.shape[0], dtype=float)
            values = np.asarray(stored[0], float)
            return Curves(scan.title, "channel", pixels, ((label, values),))
        values = np.asarray(stored[-rows:], float)
        x, y = (0.0, channel.shape[0] - 1.0), (float(len(stored) - rows), len(stored) - 1.0)
        return Image(scan.title, label, "channel", "point", x, y, values)
    if len(channel.shape) != 2:
        raise CommandError(f"{channel.name} of shape {channel.shape} cannot be plotted")
    last = len(stored) - 1
    height, width = channel.shape
    title = f"{scan.title}, point {last}"
    values = np.asarray(stored[last], float)
    return Image(title, label, "x [pixel]", "y [pixel]", (0, width - 1), (0, height - 1), values)


def _labelled(channel: Channel) -> str:
    return f"{channel.name} [{channel.unit}]" if channel.unit else channel.name


def thinned(
    x: NDArray[Any], y: NDArray[Any], limit: int = 4000
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the finite points, and of very many the extremes of each stretch, so none is lost."""
    good = np.isfinite(x) & np.isfinite(y)
    x, y = x[good], y[good]
    if len(x) <= limit:
        return x, y
    stretch = -(-len(x) // (limit // 2))
    count = len(x) // stretch
    parts = y[: count * stretch].reshape(count, stretch)
    first = np.arange(count) * stretch
    pick = np.sort(np.r_[first + parts.argmin(axis=1), first + parts.argmax(axis=1)])
    pick = np.r_[pick, np.arange(count * stretch, len(x))]
    return x[pick], y[pick]
