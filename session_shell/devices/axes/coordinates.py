"""Positions of a simulated axis: dial and user, motor steps, limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from session_shell.clock import Clock
from session_shell.devices.checks import number
from session_shell.devices.motion.places import Frame
from session_shell.devices.motion.status import Motion
from session_shell.devices.text import interval, quantity
from session_shell.errors import DeviceError, LimitError


class Encoder(Protocol):
    """What measures where an axis really is."""

    name: str

    @property
    def measured_position(self) -> float:
        """User position of its axis now."""
        ...


# Steps are counted in floats: beyond this they are no longer whole numbers.
MOST_STEPS = 2.0**53
# Targets that miss a limit by less than this part of a motor step miss it by rounding only.
LIMIT_SLACK = 1e-3


class Coordinates:
    """Where a simulated axis is and where it may go.

    ``user = sign * dial + offset``. Positions are whole motor steps, ``1 / steps_per_unit`` apart.
    Limits belong to the dial: when the offset or the sign changes they stay at the same place.
    """

    # The position of an axis that stands is kept ready, since every point of a scan reads it.
    __slots__ = (
        "__weakref__",
        "_asked",
        "_backlash",
        "_clock",
        "_dial",
        "_dial_high",
        "_dial_low",
        "_high",
        "_low",
        "_motion",
        "_offset",
        "_sign",
        "_steps",
        "_user",
        "encoder",
        "frame",
        "name",
        "unit",
    )

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        steps_per_unit: float,
        unit: str,
        sign: int,
        offset: float,
        backlash: float,
        limits: Sequence[float | None],
    ) -> None:
        self.name = name
        self.unit = unit
        self._clock = clock
        self._motion: Motion | None = None
        self.encoder: Encoder | None = None
        self._steps = number(steps_per_unit, "steps_per_unit", name)
        if self._steps == 0:
            raise DeviceError("steps_per_unit must not be zero", device=name)
        self._sign = self._checked_sign(sign)
        self._offset = number(offset, "offset", name)
        self._backlash = number(backlash, "backlash", name)
        self._dial_low, self._dial_high = -math.inf, math.inf
        self.frame = Frame(self._sign, self._offset)
        # The dial position that was asked for, between motor steps; None: nothing but the place.
        self._asked: float | None = None
        self._dial: float = 0.0
        self._user: float = 0.0
        self._place(0.0)
        self.limits = limits

    # -- where it is -------------------------------------------------------------------------

    @property
    def position(self) -> float:
        """User position now. Setting it changes the offset so that the present place reads so."""
        if self._motion is None:
            return self._user
        return self._sign * self._moving_dial() + self._offset

    @position.setter
    def position(self, value: float) -> None:
        new = number(value, "position", self.name)
        self._refuse_while_moving("its position cannot be redefined")
        self._offset = new - self._sign * self._dial
        self._rename()

    @property
    def set_position(self) -> float:
        """User position that was asked for last, not rounded to a motor step.

        Relative moves start from it. A stop and a change of offset, sign or dial make it the
        position again.
        """
        return self.position if self._asked is None else self.user_of(self._asked)

    @property
    def measured_position(self) -> float:
        """User position now as the encoder gives it; without encoder the same as `position`."""
        return self.position if self.encoder is None else self.encoder.measured_position

    @property
    def dial(self) -> float:
        """Dial position now. Setting it renames the present place; the user position stays."""
        if self._motion is None:
            return self._dial
        return self._moving_dial()

    @dial.setter
    def dial(self, value: float) -> None:
        new = self._whole_step(number(value, "dial position", self.name))
        self._refuse_while_moving("its dial position cannot be redefined")
        user, shift = self._user, new - self._dial
        self._dial_low += shift
        self._dial_high += shift
        self._offset = user - self._sign * new
        self._dial = new
        self._rename(shift)

    @property
    def offset(self) -> float:
        """User position of dial zero: ``user = sign * dial + offset``."""
        return self._offset

    @offset.setter
    def offset(self, value: float) -> None:
        new = number(value, "offset", self.name)
        self._refuse_while_moving("its offset cannot be changed")
        self._offset = new
        self._rename()

    @property
    def sign(self) -> int:
        """Direction of user against dial positions, 1 or -1; the offset stays when it is set."""
        return self._sign

    @sign.setter
    def sign(self, value: int) -> None:
        new = self._checked_sign(value)
        self._refuse_while_moving("its sign cannot be changed")
        self._sign = new
        self._rename()

    @property
    def steps_per_unit(self) -> float:
        """Motor steps per unit; negative when the motor turns the other way."""
        return self._steps

    def user_of(self, dial: float) -> float:
        """Return the user position of a dial position."""
        return self._sign * dial + self._offset

    # -- limits ------------------------------------------------------------------------------

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest user position, infinite when there is none; None removes a limit."""
        ends = (
            self._sign * self._dial_low + self._offset,
            self._sign * self._dial_high + self._offset,
        )
        return ends if self._sign > 0 else (ends[1], ends[0])

    @limits.setter
    def limits(self, value: Sequence[float | None]) -> None:
        low, high = self._checked_limits(value)
        ends = sorted(((low - self._offset) * self._sign, (high - self._offset) * self._sign))
        self._dial_low, self._dial_high = ends
        self._update_bounds()

    @property
    def low_limit(self) -> float:
        """Lowest user position."""
        return self.limits[0]

    @low_limit.setter
    def low_limit(self, value: float | None) -> None:
        self.limits = (value, self.limits[1])

    @property
    def high_limit(self) -> float:
        """Highest user position."""
        return self.limits[1]

    @high_limit.setter
    def high_limit(self, value: float | None) -> None:
        self.limits = (self.limits[0], value)

    @property
    def backlash(self) -> float:
        """Overshoot in units; its sign is the user direction in which targets are approached."""
        return self._backlash

    @backlash.setter
    def backlash(self, value: float) -> None:
        self._backlash = number(value, "backlash", self.name)

    def check_targets(self, targets: Sequence[float] | NDArray[Any]) -> None:
        """Raise `LimitError` if a position, or the overshoot to it, is outside the limits.

        `targets` are taken as a way from the present position from one to the next.
        """
        points = np.atleast_1d(np.asarray(targets))
        if points.dtype.kind not in "iuf" and points.size:
            raise DeviceError(f"positions must be numbers, not {targets!r}", device=self.name)
        self._check_points(points, "")
        if self._backlash and points.size:
            before = np.concatenate(([self._turned()], points.ravel()[:-1]))
            against = (points.ravel() - before) * self._backlash < 0
            self._check_points(points.ravel()[against] - self._backlash, " (backlash included)")

    @property
    def is_moving(self) -> bool:
        """True until it stands still, also while it slows down after `stop`."""
        motion = self._motion
        if motion is None or self._clock.time() < motion.finish:
            return motion is not None
        self._arrive(motion)
        return False

    # -- inside ------------------------------------------------------------------------------

    def _turned(self) -> float:
        """Return the user position now, with all turns where positions repeat."""
        if self._motion is None:
            return self._user
        return self._sign * self._moving_dial() + self._offset

    def _moving_dial(self) -> float:
        motion = self._motion
        if motion is None:
            return self._dial
        time = self._clock.time()
        if time < motion.finish:
            return motion.position(time)
        self._arrive(motion)
        return self._dial

    def _arrive(self, motion: Motion) -> None:
        self._motion = None
        if motion.stopped:
            self._asked = None
        self._place(motion.end())

    def _rename(self, shift: float = 0.0) -> None:
        """Let positions count anew where the axis stands, the dial by `shift` higher."""
        self._asked = None
        self.frame = Frame(self._sign, self._offset, self.frame.shift + shift)
        self._place(self._dial)

    def _place(self, dial: float) -> None:
        """Stand at `dial`, and bring up to date what depends on it, on sign and on offset."""
        self._dial = dial
        self._user = self._sign * dial + self._offset
        self._update_bounds()

    def _update_bounds(self) -> None:
        low, high = self.limits
        step, reach = 1 / abs(self._steps), MOST_STEPS / abs(self._steps)
        self._low = max(low - LIMIT_SLACK * step, self._offset - reach)
        self._high = min(high + LIMIT_SLACK * step, self._offset + reach)

    def _whole_step(self, dial: float) -> float:
        if abs(dial * self._steps) > MOST_STEPS:
            raise DeviceError(f"{dial:g} is farther than the axis can count", device=self.name)
        return round(dial * self._steps) / self._steps

    def _check_points(self, points: NDArray[Any], remark: str) -> None:
        bad = ~((points >= self._low) & (points <= self._high))
        count = int(np.count_nonzero(bad))
        if not count:
            return
        first = float(points[bad][0])
        number(first, "target", self.name)
        low, high = self.limits
        where = quantity(first, self.unit)
        more = f"; {count} of {points.size} points are" if points.size > 1 else ""
        if low <= first <= high:
            text = f"{where} is farther than the axis can count{remark}"
        else:
            text = f"{where} is outside {interval(low, high, self.unit)}{remark}{more}"
        raise LimitError(text, device=self.name)

    def _checked_sign(self, value: Any) -> int:
        sign = number(value, "sign", self.name)
        if sign not in (1.0, -1.0):
            raise DeviceError(f"sign must be 1 or -1, not {value!r}", device=self.name)
        return int(sign)

    def _checked_limits(self, value: Sequence[float | None]) -> tuple[float, float]:
        try:
            low, high = value
        except (TypeError, ValueError):
            raise DeviceError(
                f"limits must be a pair (low, high), not {value!r}", device=self.name
            ) from None
        lowest = number(-math.inf if low is None else low, "low limit", self.name, infinite=True)
        highest = number(math.inf if high is None else high, "high limit", self.name, infinite=True)
        if lowest >= highest or lowest == math.inf or highest == -math.inf:
            raise DeviceError(
                f"the low limit must be below the high one: {interval(lowest, highest, self.unit)}",
                device=self.name,
            )
        return lowest, highest

    def _refuse_while_moving(self, what: str) -> None:
        if self.is_moving:
            raise DeviceError(f"is moving: {what}; wait for it or stop it", device=self.name)
