"""An axis that turns round: its positions repeat after one turn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.axes.coordinates import LIMIT_SLACK
from session_shell.devices.checks import number, positive
from session_shell.devices.protocols import Status
from session_shell.devices.text import interval, quantity
from session_shell.errors import LimitError


class ModuloAxis(SimulatedAxis):
    """A simulated axis whose position is from 0 to `modulo` (excluded).

    It goes the shorter way round, so from 350 to 10 deg it moves by 20. Limits and the dial count
    all turns: with limits [-180, 540] it goes to one of the places of a target that lie within.

    >>> phi.move(370)  # doctest: +SKIP
    >>> phi.position  # doctest: +SKIP
    10.0
    """

    __slots__ = ("_modulo",)

    def __init__(self, name: str, *, modulo: float, **settings: Any) -> None:
        self._modulo = positive(modulo, "modulo", name)
        super().__init__(name, **settings)

    @property
    def modulo(self) -> float:
        """Length of a turn, in `unit`."""
        return self._modulo

    @property
    def position(self) -> float:
        """User position now, within one turn. Setting it changes the offset, as for any axis."""
        return self._within(self._turned())

    @position.setter
    def position(self, value: float) -> None:
        SimulatedAxis.position.__set__(self, value)  # type: ignore[attr-defined]

    def user_of(self, dial: float) -> float:
        """Return the user position, within one turn, of a dial position."""
        return self._within(super().user_of(dial))

    def check_targets(self, targets: Sequence[float] | NDArray[Any]) -> None:
        """Raise `LimitError` if none of the places of a position is within the limits."""
        self._unrolled(targets)

    def start_move(self, target: float) -> Status:
        """Start a move to the nearest place of the user position `target`, and return at once."""
        if self._motion is not None:
            self.check_ready()
        return super().start_move(self._unrolled([number(target, "target", self.name)])[-1])

    # -- inside ------------------------------------------------------------------------------

    def _way_through(self, targets: NDArray[Any]) -> Sequence[float]:
        return self._unrolled(targets)

    def _pass_from(self, here: float, start: float, stop: float) -> tuple[float, float]:
        """Return the ends of a pass in the turn nearest to `here` that has all of it.

        Raises `LimitError` when there is none.
        """
        turn, (low, high) = self._modulo, sorted((start, stop))
        first = math.ceil((self._low - low) / turn)
        last = math.floor((self._high - high) / turn)
        if first > last:
            raise LimitError(
                f"{interval(low, high, self.unit)}, with the ways to come up to speed and to slow "
                f"down, does not fit into {interval(*self.limits, self.unit)} in any turn",
                device=self.name,
            )
        nearest = round((here - start) / turn)
        shift = turn * min(max(nearest, first), last)
        return start + shift, stop + shift

    def _check_start(self, position: float) -> None:
        start = number(position, "position", self.name)
        super()._check_start(self._nearest(start, start))

    def _within(self, position: float) -> float:
        rest = position % self._modulo
        # A hair below a whole turn is the rounding of zero.
        return 0.0 if self._modulo - rest < LIMIT_SLACK / abs(self._steps) else rest

    def _unrolled(self, targets: Sequence[float] | NDArray[Any]) -> list[float]:
        """Return targets with their turns, each the nearest to the one before within the limits."""
        points = np.atleast_1d(np.asarray(targets))
        if points.dtype.kind not in "iuf" or not np.isfinite(points).all():
            super().check_targets(points)  # it says what is wrong with them
        here, found = self._turned(), []
        for target in points.ravel().tolist():
            here = self._nearest(float(target), here)
            found.append(here)
        super().check_targets(np.asarray(found, dtype=float))
        return found

    def _nearest(self, target: float, here: float) -> float:
        turn, (low, high) = self._modulo, (self._low, self._high)
        near = target + turn * round((here - target) / turn)
        if near < low:
            near += turn * math.ceil((low - near) / turn)
        elif near > high:
            near -= turn * math.ceil((near - high) / turn)
        if not low <= near <= high:
            raise LimitError(
                f"{quantity(target, self.unit)} and all places a whole number of turns of "
                f"{quantity(turn, self.unit)} away are outside {interval(*self.limits, self.unit)}",
                device=self.name,
            )
        return near

    def channel_metadata(self) -> dict[str, Any]:
        """Return its settings, the length of a turn among them."""
        turn = {"modulo": self._modulo, "modulo@units": self.unit}
        return super().channel_metadata() | turn

    def _more_info(self) -> list[tuple[str, str]]:
        turned = quantity(self._turned(), self.unit)
        rows = [("one turn", quantity(self._modulo, self.unit)), ("with all turns", turned)]
        return rows + super()._more_info()
