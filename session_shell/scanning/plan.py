"""Scans as data: where the axes go (a trajectory), what is counted, and for how long.

>>> Trajectory.still(10).npoints
10
>>> Trajectory.still(0).npoints          # endless
0
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.motion.together import check_paths
from session_shell.devices.protocols import Channel, Detector, Movable
from session_shell.errors import CommandError, ScanError
from session_shell.scanning.column_types import holds_numbers
from session_shell.scanning.documents import Rows

_MOST_POINTS = 10**8
"""Points of a trajectory; each takes 8 bytes per axis, a few times."""

TIME_CHANNELS = (
    Channel("elapsed_time", "time", unit="s"),
    Channel("epoch", "time", unit="s"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """User positions of some axes, point by point; immutable.

    Attributes:
        axes: The axes that move, slowest first.
        positions: Shape (npoints, len(axes)).
        shape: How the points lie: ``(npoints,)`` for a line, ``(slow, fast)`` for a mesh.
        grid: For meshes, the nominal positions along each dimension, slowest first.
        backnforth: Every second line of a mesh runs backwards.
        source: Makes a generator that yields each next point (a number, or one for each axis)
            and gets the row of the last one, ``{channel: value}``; None: `positions`.
        npoints: Number of points; 0 is endless (no axes then).
    """

    axes: tuple[Movable, ...]
    positions: NDArray[np.float64]
    shape: tuple[int, ...]
    npoints: int
    grid: tuple[tuple[float, ...], ...] = ()
    backnforth: bool = False
    source: Callable[[], Generator[Any, dict[str, Any], None]] | None = None

    @classmethod
    def still(cls, npoints: int) -> Trajectory:
        """Make a trajectory without axes; `npoints` 0 is endless."""
        return cls((), np.empty((npoints, 0)), (npoints,), npoints)

    @classmethod
    def line(cls, *legs: tuple[Movable, float, float], intervals: int) -> Trajectory:
        """Make straight lines walked together: (axis, start, stop) each, intervals + 1 points."""
        cls.check_size(intervals + 1)
        columns = [np.linspace(start, stop, intervals + 1) for _, start, stop in legs]
        return cls.points([(axis, c) for (axis, _, _), c in zip(legs, columns, strict=True)])

    @staticmethod
    def check_size(npoints: int) -> None:
        """Refuse a trajectory whose positions would fill the memory.

        Raises:
            CommandError: When it has more than 1e8 points.
        """
        if npoints > _MOST_POINTS:
            raise CommandError(
                f"{npoints:.3g} points are more than {_MOST_POINTS:.0e}: make several scans of it"
            )

    @classmethod
    def points(cls, columns: Sequence[tuple[Movable, Any]]) -> Trajectory:
        """Make a trajectory from (axis, positions) pairs of one length, walked together."""
        axes = tuple(axis for axis, _ in columns)
        positions = np.column_stack([np.asarray(c, dtype=float) for _, c in columns])
        positions.setflags(write=False)
        return cls(axes, positions, (len(positions),), len(positions))

    @classmethod
    def decided(
        cls,
        axes: Sequence[Movable],
        source: Callable[[], Generator[Any, dict[str, Any], None]],
        npoints: int = 0,
    ) -> Trajectory:
        """Make a trajectory whose points are decided as it goes; `npoints` limits them."""
        return cls(tuple(axes), np.empty((0, len(axes))), (npoints,), npoints, source=source)

    @classmethod
    def mesh(cls, *legs: tuple[Movable, float, float, int], backnforth: bool = False) -> Trajectory:
        """Make a grid from (axis, start, stop, intervals) legs, the fastest first.

        >>> Trajectory.mesh((fast, 0, 1, 1), (slow, 0, 2, 2)).shape      # doctest: +SKIP
        (3, 2)
        """
        slowest_first = legs[::-1]
        cls.check_size(math.prod(n + 1 for *_, n in legs))
        lines = [np.linspace(start, stop, n + 1) for _, start, stop, n in slowest_first]
        grids = list(np.meshgrid(*lines, indexing="ij"))
        if backnforth:
            fast = grids[-1].reshape(-1, len(lines[-1]))
            fast[1::2] = fast[1::2, ::-1].copy()
            grids[-1] = fast
        walk = cls.points(
            [(leg[0], g.ravel()) for leg, g in zip(slowest_first, grids, strict=True)]
        )
        return replace(
            walk,
            shape=tuple(map(len, lines)),
            grid=tuple(tuple(line.tolist()) for line in lines),
            backnforth=backnforth,
        )

    def targets(self) -> Iterator[tuple[float, ...]]:
        """Yield the positions of each point as plain floats; for ever when endless."""
        if self.npoints == 0:
            while True:
                yield ()
        if not self.axes:
            yield from (() for _ in range(self.npoints))
            return
        # Blocks: a list of all points of a huge mesh would cost ten times the array.
        for first in range(0, self.npoints, 4096):
            yield from map(tuple, self.positions[first : first + 4096].tolist())

    def check(self) -> None:
        """Check every point against the limits of its axis.

        Raises:
            LimitError: When a point cannot be reached.
            CommandError: When an axis occurs twice, or a position is not a finite number.
        """
        names = [axis.name for axis in self.axes]
        if twice := {name for name in names if names.count(name) > 1}:
            raise CommandError(f"{', '.join(sorted(twice))} is scanned twice in one scan")
        for axis, column in zip(self.axes, self.positions.T, strict=True):
            if not np.isfinite(column).all():
                raise CommandError(f"{axis.name}: positions must be finite numbers")
        check_paths(list(zip(self.axes, self.positions.T, strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class ScanPlan:
    """All that a scan is asked to do; frozen.

    Attributes:
        type: Family, for example ``ascan``.
        title: The scan in the field's words, for example ``ascan roby 0 10 10 0.1``.
        count_time: Seconds per point.
        parameters: What was asked for, as stored in ``scan_parameters`` of the file.
        scan_info: Metadata of this scan alone; it beats all other metadata.
        stab_time: Seconds between the end of a motion and the gate.
        sleep_time: Seconds between two points.
        go_back: Axes return to where they were (relative scans), also after an abort.
        shown: It has a table of its own.
        acquirer: Takes the points (`session_shell.scanning.acquire`); None: step by step.
    """

    type: str
    title: str
    trajectory: Trajectory
    detectors: tuple[Detector, ...]
    count_time: float
    name: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    scan_info: Mapping[str, Any] = field(default_factory=dict)
    plot: tuple[str, ...] = ()
    save: bool = True
    sleep_time: float = 0.0
    stab_time: float = 0.0
    go_back: bool = False
    shown: bool = True
    acquirer: Callable[[Any], Iterator[Rows]] | None = None
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def npoints(self) -> int:
        """Number of points asked for; 0 is endless."""
        return self.trajectory.npoints

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Columns of the scan: times, axes, counters."""
        axes = tuple(Channel(a.name, "axis", unit=a.unit) for a in self.trajectory.axes)
        counters = tuple(channel for d in self.detectors for channel in d.channels)
        return TIME_CHANNELS + axes + counters

    def check(self) -> None:
        """Check all that can be wrong before anything moves.

        Raises:
            ScanError: When two columns would have one name.
            LimitError: When a point lies outside the limits of an axis.
        """
        self.trajectory.check()
        names: dict[str, Channel] = {}
        for channel in self.channels:
            if channel.name in names:
                raise ScanError(
                    f"{self.title}: two columns would be called {channel.name!r}; "
                    "leave one of these counters out or rename it in the configuration"
                )
            names[channel.name] = channel
            if not holds_numbers(channel):
                raise ScanError(
                    f"{self.title}: {channel.device or channel.name} gives {channel.dtype!r} for "
                    f"the column {channel.name!r}; a column holds numbers"
                )
