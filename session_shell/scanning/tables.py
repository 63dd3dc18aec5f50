"""The points of a scan as a grid, a pandas table or an xarray dataset."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError
from session_shell.scanning.layout import Layout


class Columns(Protocol):
    """The columns of a scan."""

    @property
    def channels(self) -> Sequence[Channel]:
        """What they are."""
        ...

    def __getitem__(self, key: object) -> Any: ...


class Tabular(Protocol):
    """A scan as far as it is a table."""

    @property
    def title(self) -> str:
        """The scan in the field's words."""
        ...

    @property
    def layout(self) -> Layout:
        """How its points lie."""
        ...

    @property
    def data(self) -> Columns:
        """Its columns."""
        ...


def on_grid(scan: Tabular, name: str) -> NDArray[Any]:
    """Return a column of a mesh as an array (slow, fast, ...); NaN where no point was taken.

    Raises:
        CommandError: When the scan is no mesh.
    """
    if len(scan.layout.shape) < 2:
        raise CommandError(
            f"grid: {scan.title} is no mesh; scan.data[{name!r}] has its points one by one"
        )
    return place(np.asarray(scan.data[name]), scan.layout)


def place(values: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Put the points of a mesh, in the order in which they were taken, at their places."""
    count = int(np.prod(layout.shape))
    values = values[:count]
    kind = complex if values.dtype.kind == "c" else float
    flat = np.full((count, *values.shape[1:]), np.nan, kind)
    flat[: len(values)] = values
    lines = flat.reshape(-1, layout.shape[-1], *values.shape[1:])
    if layout.backnforth:
        lines[1::2] = lines[1::2, ::-1].copy()
    return lines.reshape(*layout.shape, *values.shape[1:])


def to_pandas(scan: Tabular) -> Any:
    """Return the columns of numbers as a DataFrame."""
    pandas = _module("pandas", "to_pandas")
    channels = [c for c in scan.data.channels if not c.shape]
    frame = pandas.DataFrame({c.name: scan.data[c.name] for c in channels})
    frame.index.name = "point"
    frame.attrs = {"title": scan.title, "units": {c.name: c.unit for c in channels}}
    return frame


def to_xarray(scan: Tabular) -> Any:
    """Return all columns as a Dataset, a mesh with a dimension for each axis."""
    xarray = _module("xarray", "to_xarray")
    layout = scan.layout
    mesh = len(layout.shape) > 1
    points = tuple(f"{name}_nominal" for name in layout.axes) if mesh else ("point",)
    if mesh and len(points) != len(layout.shape):
        points = tuple(f"dim_{n}" for n in range(len(layout.shape)))
    variables = {}
    for channel in scan.data.channels:
        values = np.asarray(scan.data[channel.name])
        values = place(values, layout) if mesh else values
        within = tuple(f"{channel.name}_{n}" for n in range(len(channel.shape)))
        variables[channel.name] = ((*points, *within), values, _attributes(channel))
    data = xarray.Dataset(variables, attrs={"title": scan.title})
    coordinates = [c.name for c in scan.data.channels if c.kind != "counter"]
    if mesh:
        nominal = zip(points, layout.grid, strict=False)
        data = data.assign_coords({name: list(places) for name, places in nominal})
    return data.set_coords(coordinates)


def _attributes(channel: Channel) -> dict[str, str]:
    return {"units": channel.unit} if channel.unit else {}


def _module(name: str, command: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CommandError(
            f"{command}: {name} is not installed: pip install session-shell[data]"
        ) from error
