"""The default plot of a scan: what a viewer shows when the file is opened."""

from __future__ import annotations

import numpy as np

from session_shell.devices.protocols import Channel
from session_shell.nexus.tree.nodes import Dataset, Group, Link, Mesh, new_group
from session_shell.nexus.tree.units import ascii_units
from session_shell.scanning.column_types import column_dtype
from session_shell.scanning.documents import ScanStarted

_LARGEST_MESH = 2**24
"""Elements of a mesh that are drawn as an image; larger ones are plotted along the time."""


def plot_group(doc: ScanStarted, names: tuple[str, ...], targets: tuple[str, ...]) -> Group | None:
    """Return the NXdata group of the default plot, None when there is nothing to plot.

    `names` and `targets` are the file names of the channels and the paths of their data.
    """
    chosen = _signals(doc)
    if not chosen:
        return None
    group = new_group("NXdata")
    group.put("title", doc.title)
    signals = [names[i] for i in chosen]
    group.attributes["signal"] = signals[0]
    if len(signals) > 1:
        group.attributes["auxiliary_signals"] = np.array(signals[1:], object)
    if is_mesh(doc):
        _fill_mesh(group, doc, names, chosen)
    else:
        _fill_line(group, doc, names, targets, chosen)
    return group


def _plottable(channel: Channel) -> bool:
    return channel.shape == () and column_dtype(channel).kind in "iuf"


def _signals(doc: ScanStarted) -> list[int]:
    """Return the indices of the channels that are drawn, the signal first."""
    index = {channel.name: i for i, channel in enumerate(doc.channels)}
    asked = [index[name] for name in doc.plot if name in index]
    chosen = [i for i in dict.fromkeys(asked) if _plottable(doc.channels[i])]
    if chosen:
        return chosen
    for kind in ("counter", "axis", "time"):
        for i, channel in enumerate(doc.channels):
            if channel.kind == kind and _plottable(channel):
                return [i]
    return []


def is_mesh(doc: ScanStarted) -> bool:
    """Tell whether the plot is a grid with the nominal positions as its axes."""
    shape = tuple(len(positions) for positions in doc.grid)
    return len(shape) > 1 and 0 < int(np.prod(shape)) <= _LARGEST_MESH


def _fill_mesh(group: Group, doc: ScanStarted, names: tuple[str, ...], chosen: list[int]) -> None:
    shape = tuple(len(positions) for positions in doc.grid)
    by_name = {channel.name: i for i, channel in enumerate(doc.channels)}
    for i in chosen:
        mesh = Mesh(i, shape, doc.backnforth)
        units = ascii_units(doc.channels[i].unit)
        group.items[names[i]] = Dataset(np.full(shape, np.nan), {"units": units}, mesh)
    axes = []
    for dimension, positions in enumerate(doc.grid):
        name = doc.axes[dimension] if dimension < len(doc.axes) else f"axis_{dimension}"
        index = by_name.get(name)
        name = names[index] if index is not None and index not in chosen else f"axis_{dimension}"
        axis = group.put(name, np.asarray(positions, float))
        if index is not None:
            axis.attributes["units"] = ascii_units(doc.channels[index].unit)
        group.attributes[f"{name}_indices"] = np.asarray([dimension])
        axes.append(name)
    group.attributes["axes"] = np.array(axes, object)


def _fill_line(
    group: Group,
    doc: ScanStarted,
    names: tuple[str, ...],
    targets: tuple[str, ...],
    chosen: list[int],
) -> None:
    for i in chosen:
        group.items[names[i]] = Link(targets[i])
    axes = _abscissas(doc, chosen)
    if not axes:
        group.attributes["axes"] = np.array(["."], object)
        return
    group.attributes["axes"] = np.array([names[axes[0]]], object)
    for i in axes:
        group.items[names[i]] = Link(targets[i])
        group.attributes[f"{names[i]}_indices"] = np.asarray([0])


def _abscissas(doc: ScanStarted, chosen: list[int]) -> list[int]:
    """Return the channels that a line scan is drawn over, the default one first."""
    index = {channel.name: i for i, channel in enumerate(doc.channels)}
    axes = [index[name] for name in doc.axes if name in index]
    axes = [i for i in axes if _plottable(doc.channels[i]) and i not in chosen]
    if axes:
        return axes
    times = [i for i, c in enumerate(doc.channels) if c.kind == "time" and _plottable(c)]
    times = [i for i in times if i not in chosen]
    return sorted(times, key=lambda i: doc.channels[i].name != "elapsed_time")[:1]
