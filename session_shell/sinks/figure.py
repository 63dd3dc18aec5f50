"""Plots of scans with matplotlib, which is an extra (`plot`): in a window, or as a picture."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from session_shell.errors import CommandError
from session_shell.sinks.drawing import Curves, Drawing, Image, thinned

_SIZE = (7.0, 4.5)
"""Inches."""
_MANY = 200
"""Points from which on they are drawn without a mark each."""
_MOST = 100_000
"""Points of a curve that are drawn."""


def can_draw() -> bool:
    """Tell whether matplotlib is installed, without loading it."""
    from importlib.util import find_spec

    try:
        return find_spec("matplotlib") is not None
    except ValueError:  # put aside by somebody: sys.modules has None
        return False


def has_display() -> bool:
    """Tell whether a window could be opened."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def save(drawing: Drawing, path: Path) -> None:
    """Write a picture; its kind is that of the file's ending (``.png``, ``.pdf``, ``.svg``).

    Raises:
        CommandError: When matplotlib is not there, or the file cannot be written.
    """
    _need()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    draw(drawing, figure)
    try:
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise CommandError(f"plot: {path} cannot be written: {error}") from error


def show(drawing: Drawing) -> bool:
    """Open a window and return at once; False when matplotlib finds no way to open one.

    Raises:
        CommandError: When matplotlib is not there.
    """
    _need()
    import matplotlib as mpl
    from matplotlib import pyplot

    try:
        figure = pyplot.figure(figsize=_SIZE, layout="constrained")
    except (ImportError, RuntimeError) as error:  # no toolkit, or the display refuses
        raise CommandError(f"plot: no window can be opened: {error}") from error
    if str(mpl.get_backend()).lower() in ("agg", "pdf", "svg", "ps", "cairo", "template"):
        pyplot.close(figure)
        return False
    draw(drawing, figure)
    pyplot.show(block=False)
    return True


def draw(drawing: Drawing, figure: Any) -> None:
    """Draw curves or an image into an empty matplotlib figure."""
    axes = figure.add_subplot()
    axes.set_title(_plain(drawing.title))
    if isinstance(drawing, Curves):
        _draw_curves(drawing, axes)
    else:
        _draw_image(drawing, figure, axes)


def _draw_curves(curves: Curves, axes: Any) -> None:
    for label, values in curves.series:
        x, y = thinned(curves.x, values, _MOST)
        axes.plot(x, y, "-" if len(x) > _MANY else ".-", label=_plain(label))
    axes.set_xlabel(_plain(curves.x_label))
    if len(curves.series) == 1:
        axes.set_ylabel(_plain(curves.series[0][0]))
    else:
        axes.legend()
    axes.grid(visible=True, alpha=0.3)


def _draw_image(image: Image, figure: Any, axes: Any) -> None:
    rows, columns = image.values.shape
    x, y = np.linspace(*image.x, columns), np.linspace(*image.y, rows)
    left, right = _edges(x)
    bottom, top = _edges(y)
    shown = axes.imshow(
        image.values,
        origin="lower",
        extent=(left, right, bottom, top),
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_xlabel(_plain(image.x_label))
    axes.set_ylabel(_plain(image.y_label))
    figure.colorbar(shown, label=_plain(image.label))


def _edges(places: Any) -> tuple[float, float]:
    """Return where the first cell begins and the last one ends: places are centres of cells."""
    half = (places[-1] - places[0]) / (len(places) - 1) / 2 if len(places) > 1 else 0.5
    half = half or 0.5
    return float(places[0] - half), float(places[-1] + half)


def _plain(text: str) -> str:
    """Return text that matplotlib does not take for a formula."""
    return text.replace("$", r"\$")


def _need() -> None:
    if not can_draw():
        raise CommandError("plot: matplotlib is not installed: pip install session-shell[plot]")
