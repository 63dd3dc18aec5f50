"""Everything that ``show`` prints, as pieces of text that come as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError, SessionShellError
from session_shell.nexus import SavedScan
from session_shell.nexus.reading.listing import (
    Place,
    glance,
    holds_scans,
    last_scans,
    newest_scan,
    scan_files,
    scan_folders,
)
from session_shell.sinks import clean, short_path
from session_shell.sinks.drawing import Curves, Drawing, drawing_of
from session_shell.viewer.as_json import glance_json, scan_json
from session_shell.viewer.finding import Asked, ListOf, find
from session_shell.viewer.listing import list_csv, list_lines
from session_shell.viewer.look import Look, aligned
from session_shell.viewer.outline import tree
from session_shell.viewer.points import Selection, is_sequence
from session_shell.viewer.summary import label, summary
from session_shell.viewer.table import csv_text, table

LISTED = 200
"""Scans of a folder that are listed at once: the last ones, read in a fraction of a second."""


class Form(StrEnum):
    """How a scan is printed."""

    SUMMARY = "summary"
    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    TREE = "tree"
    PICTURE = "plot"


@dataclass(frozen=True, slots=True)
class Wish:
    """What of each scan is printed, and how."""

    form: Form = Form.SUMMARY
    selection: Selection = field(default_factory=Selection)
    picture: str = ""
    """Name of the picture; ``{number}`` in it is the number of the scan."""
    drawn: bool = True
    """A summary ends with a plot."""
    limit: int | None = LISTED
    """Scans of a folder that are listed; None: all."""


def pieces(one: Asked, wish: Wish, stream: Any, look: Look) -> Iterator[str]:
    """Yield the text for a file, a folder or a scan.

    Args:
        one: What was asked for.
        wish: What is to be printed of it.
        stream: Where it goes: a plot is made for it.
        look: How text must look there.

    Raises:
        CommandError: When there is no such scan, column or picture.
        ScanError: When a file cannot be read.
    """
    if wish.form is Form.TREE and not one.path.is_dir() and one.number is None:
        yield from _lines(tree(one.path, None, look))
        return
    found = find(one)
    if isinstance(found, Place):
        yield from _scan(found, wish, stream, look)
    else:
        yield from _list(found, wish, look)


def _scan(place: Place, wish: Wish, stream: Any, look: Look) -> Iterator[str]:
    if wish.form is Form.TREE:
        yield from _lines(tree(place.file, place.entry, look))
        return
    scan = SavedScan(place.file, place.entry)
    if wish.form is Form.JSON:
        yield from scan_json(scan, wish.selection)
    elif wish.form is Form.CSV:
        yield from csv_text(scan, wish.selection)
    elif wish.form is Form.TABLE:
        yield from _lines(_with_title(scan, wish.selection, look))
    elif wish.form is Form.PICTURE:
        yield _picture(scan, wish)
    else:
        yield from _lines(summary(scan, wish.selection, look))
        if wish.drawn and (wish.selection.columns or not is_sequence(scan.data.channels)):
            yield from _plot(scan, wish.selection, stream)


def _lines(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line + "\n"


def _with_title(scan: SavedScan, selection: Selection, look: Look) -> Iterator[str]:
    yield look.paint(clean(f"** Scan {label(scan)}: {scan.title} **"), "bold")
    yield ""
    yield from table(scan, selection, look)
    asked = f" of {scan.npoints}" if scan.npoints else ""
    yield f"   {scan.data.npoints}{asked} points, {scan.end_reason or scan.state}"


# Plots


def _plot(scan: SavedScan, selection: Selection, stream: Any) -> Iterator[str]:
    from session_shell.sinks.plot import plot_text

    try:
        text = plot_text(drawing(scan, selection), stream)
    except SessionShellError as error:
        if selection.columns:
            raise
        if scan.data.npoints:  # without points everybody sees why there is no plot
            yield f"\n   (no plot: {clean(str(error))})\n"
        return
    yield f"\n{text}\n"


def _picture(scan: SavedScan, wish: Wish) -> str:
    from session_shell.sinks import figure

    path = Path(wish.picture.replace("{number}", label(scan))).expanduser()
    figure.save(drawing(scan, wish.selection), path)
    return f"plotted in {path}\n"


def drawing(scan: SavedScan, selection: Selection) -> Drawing:
    """Return what a plot of a scan shows; of the columns that are named, an axis is the abscissa.

    Raises:
        CommandError: When there is no such column, no point, or nothing that can be plotted.
    """
    counters: list[str] = []
    axis: str | None = None
    named = selection.channels(scan.data.channels)
    numbers = [channel for channel in named if _is_number(channel)]
    if selection.columns and not numbers:
        raise CommandError(f"{named[0].name} holds no numbers: it cannot be plotted")
    if selection.columns or len(numbers) < len(named):
        axes = [channel.name for channel in numbers if channel.kind != "counter"]
        counters = [channel.name for channel in numbers if channel.kind == "counter"]
        if not selection.columns:  # files of others: the first that can be plotted
            counters, axes = counters[:1], []
        if not counters:  # then the axes themselves are to be seen
            counters, axes = axes, []
        axis = axes[0] if axes else None
    found = drawing_of(scan, counters, axis)
    if isinstance(found, Curves) and selection.points != slice(None):
        series = tuple((name, values[selection.points]) for name, values in found.series)
        return replace(found, x=found.x[selection.points], series=series)
    return found


def _is_number(channel: Channel) -> bool:
    try:
        return np.dtype(channel.dtype).kind in "biuf"
    except TypeError:  # a type of HDF5 that numpy has no word for
        return False


# Lists


def _list(found: ListOf, wish: Wish, look: Look) -> Iterator[str]:
    if wish.form not in (Form.SUMMARY, Form.CSV, Form.JSON):
        raise CommandError(_which(found))
    exported = wish.form is not Form.SUMMARY
    if found.places is None and not exported and not _is_listed(found.path):
        yield from _lines(_folders(found.path, look))
        return
    places, left_out = _places(found, None if exported else wish.limit)
    glances = map(glance, places)
    if wish.form is Form.JSON:
        yield from map(glance_json, glances)
    elif wish.form is Form.CSV:
        yield from _lines(list_csv(glances))
    else:
        yield look.paint(clean(short_path(found.path)), "bold") + "\n"
        if left_out:
            yield look.paint(f"({left_out}; --all lists them)", "dim") + "\n"
        yield from _lines(list_lines(glances, found.path, look))


def _is_listed(folder: Path) -> bool:
    """Tell whether the scans of a folder itself are listed, not the folders below it."""
    return holds_scans(folder) or scan_folders(folder) == [folder]


def _places(found: ListOf, limit: int | None) -> tuple[list[Place], str]:
    """Return the scans that are listed, and what is said of those that are not."""
    if found.places is not None:
        places = list(found.places)
        more = len(places) - limit if limit is not None else 0
        return (places[more:], f"{more} scans before these") if more > 0 else (places, "")
    folders = [found.path] if _is_listed(found.path) else scan_folders(found.path)
    places, files = [], 0
    for folder in folders:
        there, unread = last_scans(folder, limit)
        places += there
        files += unread
    if not places:
        raise CommandError(f"{found.path}: there is no scan in it")
    return places, f"{files} files before these" if files else ""


def _folders(top: Path, look: Look) -> Iterator[str]:
    """Yield a line for each folder of scans below a folder."""
    rows = []
    for folder in scan_folders(top):
        last = newest_scan(folder) if holds_scans(folder) else None
        if last is not None:
            files = len(scan_files(folder))
            title = f"last {last.label}: {clean(glance(last).title)}"
            rows.append((clean(short_path(folder)), f"{files} files", title))
    if not rows:
        raise CommandError(f"{top}: there is no scan in it")
    yield from (look.cut(line, look.width) for line in aligned(rows, right=(1,)))


def _which(found: ListOf) -> str:
    places = found.places
    if places is None:
        return f"{found.path}: which scan of this folder? Put its number behind it, or 'last'"
    there = f"{places[0].label} to {places[-1].label}"
    return f"{found.path}: which scan? It has {len(places)}, {there}: put a number behind it"
