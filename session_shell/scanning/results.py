"""What can be asked of a scan that has points, a live one or one from a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from session_shell.clock import iso_time
from session_shell.errors import CommandError
from session_shell.scanning import peaks, tables
from session_shell.scanning.layout import Layout

if TYPE_CHECKING:
    from session_shell.scanning.columns import Columns
    from session_shell.scanning.fitting import Fit

Found = float | dict[str, float]
"""A position, or one for each axis by name when several were scanned."""
Finder = Callable[[Any, Any], float]


class ScanResults(ABC):
    """Peaks, grids and tables of the points of a scan."""

    data: Columns

    @property
    @abstractmethod
    def title(self) -> str:
        """The scan in the field's words."""

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """Axes and shape."""

    def get_data(self, name: object = None) -> Any:
        """Return one column by name or device, or all as a dict of arrays."""
        return dict(self.data) if name is None else self.data[name]

    def summary(self) -> str:
        """Describe the scan in a few lines, for ``info(scan)``."""
        return _summary(self)

    # Peaks

    def cen(self, counter: object = None, axis: object = None) -> Found:
        """Return the centre of the full width at half maximum; of an edge, where it is half.

        Args:
            counter: Counter or its name; default the first one chosen by `plotselect`, else the
                only one of the scan.
            axis: Axis, its name, or another column (``"elapsed_time"``); default the scanned one.

        Returns:
            The position in the unit of the axis; a dict by axis when several moved together.

        Raises:
            CommandError: When the scan has no axis, no points, no peak, several counters of which
                none is chosen, or is a mesh.

        Example:
            ``scan.cen(diode1)``
        """
        return self._along("cen", counter, axis, peaks.cen)

    def com(self, counter: object = None, axis: object = None) -> Found:
        """Return the centre of mass above the lowest value. See `cen`.

        Example:
            ``scan.com(diode1)``
        """
        return self._along("com", counter, axis, peaks.com)

    def peak(self, counter: object = None, axis: object = None) -> Found:
        """Return the position of the highest value; of a mesh, for each axis. See `cen`.

        Example:
            ``scan.peak(diode1)``
        """
        return self._at_point("peak", counter, axis, peaks.peak, np.nanargmax)

    def trough(self, counter: object = None, axis: object = None) -> Found:
        """Return the position of the lowest value; of a mesh, for each axis. See `cen`.

        Example:
            ``scan.trough(diode1)``
        """
        return self._at_point("trough", counter, axis, peaks.trough, np.nanargmin)

    def fwhm(self, counter: object = None, axis: object = None) -> Found:
        """Return the full width at half maximum; of an edge, that of the beam it cuts. See `cen`.

        Example:
            ``scan.fwhm(diode1)``
        """
        return self._along("fwhm", counter, axis, peaks.fwhm)

    def find_position(self, f: Finder, counter: object = None, axis: object = None) -> Found:
        """Return the position that a function of your own finds. See `cen`.

        Args:
            f: Takes positions (rising) and values, both of shape (npoints,); returns a position.
            counter: As for `cen`.
            axis: As for `cen`.

        Example:
            ``scan.find_position(lambda x, y: x[y > 100].mean(), diode1)``
        """
        return self._along(
            "find_position", counter, axis, lambda x, y: peaks.find_position(f, x, y)
        )

    def fit(self, model: str = "gaussian", counter: object = None, axis: object = None) -> Fit:
        """Fit a model to a counter; needs ``pip install session-shell[fit]``.

        Args:
            model: ``gaussian``, ``lorentzian``, ``voigt`` (pseudo-Voigt) or ``erf`` (an edge),
                each on a constant background.
            counter: As for `cen`.
            axis: As for `cen`.

        Returns:
            The fit: ``.center .fwhm .height .background`` with ``.errors``, and ``.best(x)``.

        Raises:
            CommandError: When lmfit is missing, or the points are too few.

        Example:
            ``scan.fit("gaussian", diode1).center``
        """
        from session_shell.scanning.fitting import fit_curve  # lmfit costs a second

        self._refuse_mesh("fit", axis)
        signal, name = self.peak_signal("fit", counter), self._one_axis("fit", axis)
        units = {channel.name: channel.unit for channel in self.data.channels}
        try:
            fitted = fit_curve(model, self._travelled(name), signal.values)
        except CommandError as error:
            raise CommandError(f"fit: {signal.name} in {self.title}: {error}") from error
        return fitted.labelled(signal.name, name, units.get(signal.name, ""), units.get(name, ""))

    # Tables

    def grid(self, counter: object = None) -> NDArray[Any]:
        """Return a counter of a mesh as a grid: axes slowest first, lines all in one direction.

        Args:
            counter: Counter, axis or column name; default as for `cen`.

        Returns:
            An array of shape (slow, fast) and that of the counter; NaN where no point was taken.

        Raises:
            CommandError: When the scan is no mesh.

        Example:
            ``scan.grid("diode")``
        """
        name = self.signal_name() if counter is None else self.data.key(counter)
        return tables.on_grid(self, name)

    def to_pandas(self) -> Any:
        """Return all columns of numbers as a pandas DataFrame, one row per point.

        Units and title are in its ``attrs``. Needs ``pip install session-shell[data]``.

        Example:
            ``scan.to_pandas().plot("roby", "diode")``
        """
        return tables.to_pandas(self)

    def to_xarray(self) -> Any:
        """Return all columns as an xarray Dataset; a mesh has a dimension for each axis.

        Units are in the ``attrs`` of each. Needs ``pip install session-shell[data]``.

        Example:
            ``scan.to_xarray().diode.plot()``
        """
        return tables.to_xarray(self)

    # How a column is chosen

    def signal_name(self, preferred: tuple[str, ...] = ()) -> str:
        """Return the name of the counter that is looked at when none is named.

        Raises:
            CommandError: When the scan has no counter that gives a number per point.
        """
        numbers = [c.name for c in self.data.channels if c.kind == "counter" and not c.shape]
        for name in (*preferred, *self.layout.plot, *numbers):
            if name in numbers:
                return name
        if not self.data.channels:
            raise CommandError(f"{self.title}: there are no points yet")
        raise CommandError(f"{self.title}: no counter gives one number per point")

    def signal(self, counter: object = None) -> Signal:
        """Return the values of a counter, or of the one that `signal_name` chooses.

        Raises:
            CommandError: When there is no such counter, or it gives arrays.
        """
        name = self.signal_name() if counter is None else self.data.key(counter)
        channel = next(c for c in self.data.channels if c.name == name)
        if channel.shape:
            raise CommandError(
                f"{name} gives an array of shape {channel.shape} per point: choose "
                "a counter that gives a number"
            )
        return Signal(name, np.asarray(self.data[name], float))

    def peak_signal(
        self, command: str, counter: object = None, preferred: tuple[str, ...] = ()
    ) -> Signal:
        """Return the values of the counter in which a peak is looked for.

        Args:
            command: Who looks, for errors.
            counter: Counter or its name.
            preferred: Names chosen by `plotselect`; without one the scan must have one counter.

        Raises:
            CommandError: When several counters may be meant, or there is no such counter.
        """
        if counter is not None:
            return self.signal(counter)
        numbers = [c.name for c in self.data.channels if c.kind == "counter" and not c.shape]
        chosen = [name for name in (*preferred, *self.layout.plot) if name in numbers]
        if not chosen and len(numbers) > 1:
            raise CommandError(
                f"{command}: {self.title} has several counters ({', '.join(numbers)}): name one, "
                f"like {command}({numbers[0]}), or choose one with plotselect({numbers[0]})"
            )
        return self.signal(chosen[0] if chosen else self.signal_name())

    def _travelled(self, name: str) -> NDArray[Any]:
        """Return a column of positions; those of a round axis with all turns, as it went."""
        column = np.asarray(self.data[name], float)
        turn = self._turn(name)
        good = np.isfinite(column)
        if turn and good.any():
            column = column.copy()
            column[good] = np.unwrap(column[good], period=turn)
        return column

    def _turn(self, name: str) -> float:
        """Return the length of a turn of a round axis, 0 for other columns."""
        about: Any = getattr(self, "info", {}).get("instrument", {})
        about = about.get(name, {}) if isinstance(about, Mapping) else {}
        turn = about.get("modulo", 0.0) if isinstance(about, Mapping) else 0.0
        return float(turn) if isinstance(turn, (int, float)) and turn > 0 else 0.0

    def _shown(self, name: str, position: float) -> float:
        """Return a position as the axis gives it: within one turn of a round one."""
        turn = self._turn(name)
        return position % turn if turn else position

    def _one_axis(self, command: str, axis: object) -> str:
        if axis is not None:
            return self.data.key(axis)
        self._check_axes(command)
        return self.layout.axes[0]

    def _check_axes(self, command: str) -> None:
        if not self.layout.axes:
            raise CommandError(
                f"{command}: {self.title} has no axis; say which scan "
                f'(SCANS[-2].{command}()) or use axis="elapsed_time"'
            )

    def _refuse_mesh(self, command: str, axis: object) -> None:
        if axis is None and len(self.layout.shape) > 1:
            raise CommandError(
                f"{command}: {self.title} is a mesh: peak() and trough() give the position of its "
                "highest and lowest point, grid() its values"
            )

    def _along(self, command: str, counter: object, axis: object, finder: Finder) -> Found:
        self._refuse_mesh(command, axis)
        signal = self.peak_signal(command, counter)
        try:
            return self._find(command, signal.values, axis, finder)
        except CommandError as error:
            if str(error).startswith(f"{command}:"):
                raise
            raise CommandError(f"{command} of {signal.name} in {self.title}: {error}") from error

    def _find(self, command: str, values: NDArray[Any], axis: object, finder: Finder) -> Found:
        if axis is not None or len(self.layout.axes) <= 1:
            name = self._one_axis(command, axis)
            found = finder(self._travelled(name), values)
            return found if command == "fwhm" else self._shown(name, found)
        columns = {name: self._travelled(name) for name in self.layout.axes}
        lead = _leading(columns)
        if lead is None:
            raise CommandError(
                f"none of {', '.join(columns)} goes one way only: say which one with axis="
            )
        if command == "fwhm":
            width = peaks.half_width(columns[lead], values)
            ends = [_others(columns, lead, edge) for edge in (width.left, width.right)]
            return {name: abs(ends[1][name] - ends[0][name]) for name in columns}
        found = finder(columns[lead], values)
        return {n: self._shown(n, p) for n, p in _others(columns, lead, found).items()}

    def _at_point(
        self,
        command: str,
        counter: object,
        axis: object,
        finder: Finder,
        pick: Callable[[Any], Any],
    ) -> Found:
        if axis is not None or len(self.layout.axes) <= 1:
            return self._along(command, counter, axis, finder)
        signal = self.peak_signal(command, counter)
        good = np.where(np.isfinite(signal.values), signal.values, np.nan)
        if not np.isfinite(good).any():
            raise CommandError(f"{command} of {signal.name} in {self.title}: there are no points")
        point = int(pick(good))
        return {name: float(self.data[name][point]) for name in self.layout.axes}


@dataclass(frozen=True, slots=True)
class Signal:
    """The values of one counter, shape (npoints,)."""

    name: str
    values: NDArray[Any]


def _leading(columns: dict[str, NDArray[Any]]) -> str | None:
    """Return the axis along which the others are a function: it goes one way only."""
    for name, column in columns.items():
        steps = np.diff(column[np.isfinite(column)])
        if len(steps) and ((steps > 0).all() or (steps < 0).all()):
            return name
    return None


def _others(columns: dict[str, NDArray[Any]], lead: str, place: float) -> dict[str, float]:
    """Return the positions of all axes where the leading one is at `place`."""
    order = np.argsort(columns[lead])
    path = columns[lead][order]
    return {
        name: place if name == lead else float(np.interp(place, path, column[order]))
        for name, column in columns.items()
    }


def _summary(scan: Any) -> str:
    # Live and saved scans have these as an attribute or a property, whichever suits them.
    lines = [repr(scan)]
    if scan.start_time is not None:
        lines.append(f"  started   {iso_time(scan.start_time)}, took {scan.duration:.3f} s")
    lines.append(f"  file      {scan.file or 'not saved'}")
    lines.append(f"  columns   {', '.join(scan.data) or 'none yet'}")
    if scan.error is not None:
        lines.append(f"  error     {scan.error}")
    return "\n".join(lines)
