"""Continuous scans: an axis passes at constant speed while counters are timed by the clock.

The gates follow each other without a gap from the start to the stop of a line. The axis comes
up to speed before the start and slows down after the stop, each over ``speed**2 / (2 *
acceleration)``, so it is at constant speed in every gate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from session_shell.devices.motion.flying import Flyable, Path
from session_shell.devices.motion.together import start_together, travel_times
from session_shell.devices.protocols import Movable
from session_shell.errors import CommandError, DeviceError
from session_shell.scanning.acquire import Acquisition
from session_shell.scanning.documents import Rows

_BLOCK = 0.1
"""Seconds between two deliveries of gates that are over."""
_ROUNDING = 2e-6
"""Seconds by which a time of day may be off."""


@dataclass(frozen=True, slots=True)
class Line:
    """One pass: from `start` to `stop` with the axis at constant speed, others at `places`."""

    start: float
    stop: float
    places: tuple[tuple[Movable, float], ...] = ()


@dataclass(frozen=True, slots=True)
class _Flight:
    """One pass under way."""

    path: Path
    opening: float
    """Time at which the first gate opens."""
    start: float
    """Position at which it opens, with all turns."""
    speed: float
    """Speed in the gates, negative backwards."""


class _Approach:
    """The flying axis on its way to the start of a pass, to be started with other axes."""

    def __init__(self, axis: Flyable) -> None:
        self._axis = axis
        self.name, self.unit = axis.name, axis.unit
        self.start_move = axis.start_approach

    def check_targets(self, _targets: object) -> None:
        """Leave it to `check_pass`, which has been asked."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._axis, name)


@dataclass(frozen=True)
class Fly:
    """An acquirer that passes lines one after another; see `check` before it is used.

    Attributes:
        axis: The axis that moves during the gates.
        lines: The passes.
        npoints: Gates per pass.
        count_time: Seconds per gate.
    """

    axis: Flyable
    lines: Sequence[Line]
    npoints: int
    count_time: float

    @property
    def speed(self) -> float:
        """Speed during the gates, in units of the axis per second."""
        line = self.lines[0]
        return abs(line.stop - line.start) / (self.npoints * self.count_time)

    @property
    def run_up(self) -> float:
        """Way to come up to speed, in units of the axis."""
        return self.speed**2 / (2 * self.axis.acceleration)

    def check(self, command: str, detectors: Sequence[Any]) -> None:
        """Check speed, limits and detectors before anything moves.

        Raises:
            CommandError: When the axis cannot go so fast, or a counter cannot be timed.
            LimitError: When the run-up to a line leaves the limits.
        """
        name, unit = self.axis.name, self.axis.unit
        if self.speed > self.axis.velocity * (1 + 1e-9):
            shortest = self.count_time * self.speed / self.axis.velocity
            raise CommandError(
                f"{command}: {self.npoints} points of {self.count_time:g} s need "
                f"{self.speed:g} {unit}/s, the velocity of {name} is "
                f"{self.axis.velocity:g} {unit}/s; the shortest count time is {shortest:.4g} s"
            )
        for detector in detectors:
            if not hasattr(detector, "count_gates"):
                raise CommandError(
                    f"{command}: {detector.name} cannot be timed by the clock; use a step scan"
                )
        for line in self.lines:
            self.axis.check_pass(*self._ends(line))

    def travel_time(self) -> tuple[float, tuple[str, ...]]:
        """Return the seconds that axes take beside the gates, from where they are now.

        Returns:
            The seconds, and the names of axes that do not tell how long they take.
        """
        passes = [self._ends(line) for line in self.lines]
        ways = [
            (axis, np.array([line.places[n][1] for line in self.lines]))
            for n, (axis, _) in enumerate(self.lines[0].places)
        ]
        others, silent = travel_times(ways)
        approaches = self.axis.approach_times(passes)
        together = np.maximum(approaches, others) if ways else approaches
        ramps = 2 * self.speed / self.axis.acceleration
        return float(together.sum()) + ramps * len(passes), silent

    def __call__(self, work: Acquisition) -> Iterator[Rows]:
        """Yield blocks of gates as they are over."""
        first, origin = 0, math.nan
        for line in self.lines:
            begin = work.clock.time()
            flight = self._start(_as_now(line, self.axis, work), work)
            work.spent.moving += work.clock.time() - begin
            origin = flight.opening if math.isnan(origin) else origin
            work.at_rest, work.rests_at = False, first + self.npoints
            for rows in self._gates(work, flight, first, origin):
                work.spent.counting += rows.count * self.count_time
                first += rows.count
                failure = self._arrive(flight, work) if first == work.rests_at else None
                yield rows
                if failure is not None:
                    raise failure

    @staticmethod
    def _arrive(flight: _Flight, work: Acquisition) -> DeviceError | None:
        """Wait until the axis stands; its last points are handed on also when that fails."""
        begin = work.clock.time()
        try:
            flight.path.result()
        except DeviceError as error:
            return error
        finally:
            work.spent.moving += work.clock.time() - begin
        work.at_rest = True
        return None

    def _ends(self, line: Line) -> tuple[float, float]:
        """Return where a pass begins and ends: its line and the ways to come up to speed."""
        way = math.copysign(self.run_up, line.stop - line.start)
        return line.start - way, line.stop + way

    def _start(self, line: Line, work: Acquisition) -> _Flight:
        way = math.copysign(self.run_up, line.stop - line.start)
        begin, end = self.axis.check_pass(*self._ends(line))
        for motion in start_together([*line.places, (_Approach(self.axis), begin)]):
            work.clock.sleep(0.0)  # sees an abort that came before they moved
            motion.result()
        path = self.axis.start_pass(end, self.speed)
        # When the axis passes the start of the line, at constant speed by then.
        away = abs(begin + way - path.turned(path.begin))
        opening = path.begin + away / self.speed + self.speed / (2 * self.axis.acceleration)
        return _Flight(path, opening, begin + way, math.copysign(self.speed, way))

    def _gates(
        self, work: Acquisition, flight: _Flight, first: int, origin: float
    ) -> Iterator[Rows]:
        path, opening, done = flight.path, flight.opening, 0
        while done < self.npoints:
            due = opening + self.npoints * self.count_time
            work.clock.sleep(min(_BLOCK, due - work.clock.time()))
            passed = (work.clock.time() - opening + _ROUNDING) / self.count_time
            over = min(max(math.floor(passed), 0), self.npoints)
            if over == done:
                if path.done():
                    raise DeviceError("stopped before the end of the line", device=self.axis.name)
                work.clock.sleep(opening + (done + 1) * self.count_time - work.clock.time())
                continue
            gates = range(done, over)
            self._check_crossed(flight, gates)
            yield self._block(work, flight, gates, first + done, origin)
            done = over

    def _check_crossed(self, flight: _Flight, gates: range) -> None:
        """Raise `DeviceError` when the axis was not in its gates: stopped, or somewhere else."""
        for gate in (gates[0], gates[-1]):
            middle = flight.opening + (gate + 0.5) * self.count_time
            here = flight.path.turned(middle)
            away = here - flight.start - flight.speed * (gate + 0.5) * self.count_time
            if not abs(away) <= self.speed * (self.count_time / 2 + _ROUNDING):
                raise DeviceError(
                    f"did not cross the gate of point {gate} of the line: it was at {here:g}, "
                    f"{abs(away):g} {self.axis.unit} from there",
                    device=self.axis.name,
                )

    def _block(
        self, work: Acquisition, flight: _Flight, gates: range, first: int, origin: float
    ) -> Rows:
        path = flight.path
        begins = [flight.opening + n * self.count_time for n in gates]
        middles = [begin + self.count_time / 2 for begin in begins]
        columns: list[Any] = [[begin - origin for begin in begins], begins]
        for place in work.places:
            axis = place.axis
            moving = axis is self.axis
            columns.append(
                [place.then(path.position(t) if moving else axis.position) for t in middles]
            )
        for detector in work.plan.detectors:
            rows = detector.count_gates(middles, {self.axis: path})  # type: ignore[attr-defined]
            columns += [list(column) for column in zip(*rows, strict=True)]
        return Rows(first, len(gates), tuple(columns))


def _as_now(line: Line, axis: Movable, work: Acquisition) -> Line:
    """Return a line in the positions of now, should they count anew since the start."""
    now = {place.axis: place.now for place in work.places}
    return Line(
        now[axis](line.start),
        now[axis](line.stop),
        tuple((other, now[other](position)) for other, position in line.places),
    )
