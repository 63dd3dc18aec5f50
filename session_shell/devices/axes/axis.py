"""A simulated axis: a motor that needs no thread, its position a pure function of the clock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.axes.axis_settings import read_settings
from session_shell.devices.axes.coordinates import LIMIT_SLACK, MOST_STEPS, Coordinates
from session_shell.devices.axes.state import AxisState
from session_shell.devices.checks import not_negative, number, positive
from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.flying import UserPath
from session_shell.devices.motion.profile import Trapezoid, durations
from session_shell.devices.motion.status import Arrived, Motion, Swing
from session_shell.devices.motion.together import move_together
from session_shell.devices.protocols import Status
from session_shell.devices.text import interval, quantity, summary
from session_shell.errors import DeviceError

_ARRIVED = Arrived()
_MOST_DIGITS = 15
"""Decimals that a float can tell apart."""
# What a configuration says besides these is published with the axis.
_KNOWN_KEYS = frozenset(
    (
        *("name", "class", "plugin", "package", "module", "unit", "sign", "offset", "position"),
        *("steps_per_unit", "velocity", "acceleration", "backlash", "low_limit", "high_limit"),
        *("display_digits", "modulo", "encoder"),
    )
)


class SimulatedAxis(Coordinates):
    """An axis with limits, backlash and a trapezoidal velocity profile.

    Positions are user positions in `unit`: ``user = sign * dial + offset``. They are whole motor
    steps, ``1 / steps_per_unit`` apart. Limits belong to the dial: when the offset or the sign
    changes they stay at the same place in space.

    >>> roby.move(1.5)  # doctest: +SKIP
    >>> roby.position  # doctest: +SKIP
    1.5
    """

    __slots__ = (
        "_acceleration",
        "_configured",
        "_context",
        "_display_digits",
        "_keeps_settings",
        "_velocity",
        "config",
    )

    def __init__(
        self,
        name: str,
        *,
        context: DeviceContext,
        config: Mapping[str, Any] | None = None,
        steps_per_unit: float = 1000.0,
        velocity: float = 1.0,
        acceleration: float = 10.0,
        backlash: float = 0.0,
        limits: tuple[float | None, float | None] = (None, None),
        unit: str = "",
        sign: int = 1,
        offset: float = 0.0,
        position: float | None = None,
        display_digits: int | None = None,
        keeps_settings: bool = True,
    ) -> None:
        super().__init__(
            name,
            context.clock,
            steps_per_unit=steps_per_unit,
            unit=unit,
            sign=sign,
            offset=offset,
            backlash=backlash,
            limits=limits,
        )
        self.config: Mapping[str, Any] = config or {}
        self._context = context
        self._keeps_settings = keeps_settings
        self._display_digits = display_digits
        self._velocity = positive(velocity, "velocity", name)
        self._acceleration = positive(acceleration, "acceleration", name)
        if position is not None:
            self._check_start(position)
        self._configured = self._settings()
        if position is None:
            del self._configured["dial"]
        del self._configured["set_dial"]

    # -- how it moves ------------------------------------------------------------------------

    @property
    def velocity(self) -> float:
        """Cruising velocity in units per second; a new one holds from the next move."""
        return self._velocity

    @velocity.setter
    def velocity(self, value: float) -> None:
        self._velocity = positive(value, "velocity", self.name)

    @property
    def acceleration(self) -> float:
        """Acceleration in units per second squared; a new one holds from the next move."""
        return self._acceleration

    @acceleration.setter
    def acceleration(self, value: float) -> None:
        self._acceleration = positive(value, "acceleration", self.name)

    @property
    def acctime(self) -> float:
        """Seconds to reach `velocity`; setting it sets the acceleration."""
        return self._velocity / self._acceleration

    @acctime.setter
    def acctime(self, value: float) -> None:
        self._acceleration = self._velocity / positive(value, "acctime", self.name)

    # -- moving ------------------------------------------------------------------------------

    @property
    def state(self) -> AxisState:
        """What it is doing: READY or MOVING, and LIMPOS or LIMNEG when it stands at a limit."""
        if self.is_moving:
            return AxisState.MOVING
        state = AxisState.READY
        low, high = self.limits
        slack = LIMIT_SLACK / abs(self._steps)
        if self._user >= high - slack:
            state |= AxisState.LIMPOS
        if self._user <= low + slack:
            state |= AxisState.LIMNEG
        return state

    def check_ready(self) -> None:
        """Raise `DeviceError` if it moves; a stop that is under way is waited for."""
        motion = self._motion
        if motion is not None and motion.stopped:
            motion.wait()
        if motion is not None and self.is_moving:
            goal = quantity(self._sign * motion.target + self._offset, self.unit)
            raise DeviceError(
                f"is moving (to {goal}): wait for it or {self.name}.stop()", device=self.name
            )

    def start_move(self, target: float) -> Status:
        """Start a move to the user position `target` and return at once.

        Raises `LimitError` outside the limits and `DeviceError` when the axis already moves. A
        stop that is under way is waited for.
        """
        if self._motion is not None:
            self.check_ready()
        if target.__class__ is not float:
            target = number(target, "target", self.name)
        if not self._low <= target <= self._high:
            Coordinates.check_targets(self, (target,))
        asked = (target - self._offset) * self._sign
        dial = round(asked * self._steps) / self._steps
        start = self._dial
        if dial == start:
            self._asked = asked
            return _ARRIVED
        begin = self._clock.time()
        if self._backlash and (dial - start) * self._sign * self._backlash < 0:
            motion = self._with_overshoot(begin, target, dial)
        else:
            profile = Trapezoid(begin, start, dial, self._velocity, self._acceleration)
            motion = Motion(self.name, self._clock, profile)
        self._motion, self._asked = motion, asked
        return motion

    def check_pass(self, start: float, stop: float) -> tuple[float, float]:
        """Raise `LimitError` if a pass leaves the limits; return its ends, with their turns."""
        ends = self._pass_from(self._turned(), start, stop)
        Coordinates.check_targets(self, ends)
        return ends

    def start_approach(self, start: float) -> Status:
        """Start a move to the start of a pass, as `check_pass` gave it, and return at once."""
        return SimulatedAxis.start_move(self, start)

    def start_pass(self, target: float, speed: float) -> UserPath:
        """Start a motion at `speed` to the stop of a pass, for a fly scan.

        Raises `LimitError` outside the limits and `DeviceError` when the axis already moves or
        cannot go so fast. The backlash is not taken up: the way to the start does that.
        """
        self.check_ready()
        goal = number(target, "target", self.name)
        Coordinates.check_targets(self, (goal,))
        if positive(speed, "speed", self.name) > self._velocity * (1 + 1e-9):
            raise DeviceError(
                f"{quantity(speed, self.unit)}/s is faster than {quantity(self._velocity)}",
                device=self.name,
            )
        dial = self._whole_step((goal - self._offset) * self._sign)
        begin = self._clock.time()
        profile = Trapezoid(begin, self._dial, dial, speed, self._acceleration)
        motion = self._motion = Motion(self.name, self._clock, profile)
        self._asked = None
        return UserPath(motion, self, begin)

    def start_swing(self, width: float) -> Status:
        """Start going to and fro by half of `width` around where it is, until `stop`.

        Raises `LimitError` when an end is outside the limits and `DeviceError` when it moves.
        """
        self.check_ready()
        half = positive(width, "width of the swing", self.name) / 2
        here = self._turned()
        Coordinates.check_targets(self, (here - half, here + half))
        speed = (self._velocity, self._acceleration)
        swing = self._motion = Swing(self.name, self._clock, self._dial, half, speed)
        self._asked = None
        return swing

    def move(self, target: float, wait: bool = True, relative: bool = False) -> None:
        """Move to the user position `target`, in `unit`.

        Args:
            target: Where to go; with `relative`, how far from here.
            wait: False returns while it moves.
            relative: Go by `target` from the set position instead of to it.

        Raises:
            LimitError: When the target is outside the limits.
            DeviceError: When it already moves, or `target` is not a finite number.

        >>> roby.move(1.5)  # doctest: +SKIP
        """
        goal = number(target, "target", self.name)
        if relative:
            goal += self.set_position
        if wait:
            move_together({self: goal}, clock=self._clock, guard=self._context.guard)
        else:
            self.start_move(goal)

    def rmove(self, delta: float, wait: bool = True) -> None:
        """Move by `delta` from the set position, in `unit`."""
        self.move(delta, wait=wait, relative=True)

    def stop(self) -> None:
        """Slow down with the acceleration and stand still on a whole step; returns at once."""
        motion = self._motion
        if motion is not None:
            motion.brake(self._acceleration, self._steps)
            if motion.stopped:
                self._asked = None

    def wait_move(self, timeout: float | None = None) -> None:
        """Wait until it stands still; `DeviceTimeoutError` after `timeout` seconds."""
        if self._motion is not None:
            self._motion.wait(None if timeout is None else not_negative(timeout, "timeout"))

    # -- how long it would take --------------------------------------------------------------

    def travel_times(self, targets: NDArray[Any]) -> NDArray[np.float64]:
        """Return the seconds of each move of a way from here through user positions.

        Nothing moves. The way is that of `start_move`: whole steps, the backlash taken up.
        """
        return self._move_times([self._turned(), *self._way_through(targets)])

    def approach_times(self, passes: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
        """Return the seconds of the ways to the start of passes that are flown one by one."""
        way = [self._turned()]
        for start, stop in passes:
            way += self._pass_from(way[-1], start, stop)
        return self._move_times(way)[::2]

    # -- what it says of itself --------------------------------------------------------------

    @property
    def display_digits(self) -> int:
        """Digits after the point that tell one motor step from the next."""
        if self._display_digits is not None:
            return self._display_digits
        return min(max(math.ceil(math.log10(abs(self._steps)) - 1e-9), 0), _MOST_DIGITS)

    def channel_metadata(self) -> dict[str, Any]:
        """Return its settings for the NXpositioner group; infinite limits are left out."""
        unit, per_second, per_second2 = (
            self.unit,
            f"{self.unit or '1'}/s",
            f"{self.unit or '1'}/s^2",
        )
        found: dict[str, Any] = {
            "velocity": self._velocity,
            "velocity@units": per_second,
            "acceleration": self._acceleration,
            "acceleration@units": per_second2,
            "backlash": self._backlash,
            "backlash@units": unit,
            "offset": self._offset,
            "offset@units": unit,
            "sign": self._sign,
            "steps_per_unit": self._steps,
        }
        for key, limit in zip(("soft_limit_min", "soft_limit_max"), self.limits, strict=True):
            if math.isfinite(limit):
                found |= {key: limit, f"{key}@units": unit}
        return found | self._remarks()

    def saved_state(self) -> dict[str, float | str | bool | None]:
        """Return the settings that must survive a restart; limits in dial units, None for none."""
        return self._settings() if self._keeps_settings else {}

    def configured_state(self) -> dict[str, float | str | bool | None]:
        """Return what the configuration says of the same settings."""
        return dict(self._configured) if self._keeps_settings else {}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Put saved settings back; keys may be missing.

        Raises:
            DeviceError: When values cannot be used. Those that can be have been put back.
        """
        if not self._keeps_settings:
            return
        self._refuse_while_moving("its settings cannot be restored")
        values, problems = read_settings(state)
        self._velocity = values.get("velocity", self._velocity)
        self._acceleration = values.get("acceleration", self._acceleration)
        self._backlash = values.get("backlash", self._backlash)
        self._sign = int(values.get("sign", self._sign))
        self._offset = values.get("offset", self._offset)
        low = values.get("dial_low_limit", self._dial_low)
        high = values.get("dial_high_limit", self._dial_high)
        if low < high:
            self._dial_low, self._dial_high = low, high
        else:
            problems.append(f"limits {interval(low, high)}")
        try:
            self._dial = self._whole_step(values.get("dial", self._dial))
        except DeviceError:
            problems.append(f"dial {values['dial']:g}")
        self._rename()
        asked = values.get("set_dial", math.nan)
        if abs(asked * self._steps) <= MOST_STEPS and self._whole_step(asked) == self._dial:
            self._asked = asked
        if problems:
            raise DeviceError(
                f"saved settings that cannot be used were left out: {', '.join(problems)}; "
                "those of the configuration hold",
                device=self.name,
            )

    def __info__(self) -> str:
        """Write its position and settings as `info(axis)` shows them."""
        unit, digits = self.unit, self.display_digits
        return summary(
            f"{self.name}: simulated axis",
            [
                ("position", f"{self.position:.{digits}f} {unit}".rstrip()),
                ("dial", f"{self.dial:.{digits}f} {unit}".rstrip()),
                ("offset, sign", f"{quantity(self._offset, unit)}, {self._sign:+d}"),
                ("state", str(self.state)),
                ("limits", interval(*self.limits, unit)),
                ("velocity", quantity(self._velocity, f"{unit or '1'}/s")),
                (
                    "acceleration",
                    f"{quantity(self._acceleration, f'{unit or 1}/s^2')} "
                    f"({self.acctime:.3g} s to full velocity)",
                ),
                ("backlash", quantity(self._backlash, unit)),
                ("steps per unit", quantity(self._steps)),
                *self._more_info(),
                *((key, str(value)) for key, value in self._remarks().items()),
            ],
        )

    def __repr__(self) -> str:
        where = f"{self.position:.{self.display_digits}f} {self.unit}".rstrip()
        return f"<axis {self.name}: {where}, {self.state}>"

    # -- inside ------------------------------------------------------------------------------

    def _more_info(self) -> list[tuple[str, str]]:
        """Return further lines for `info`."""
        if self.encoder is None:
            return []
        measured = f"{self.measured_position:.{self.display_digits}f} {self.unit}".rstrip()
        return [(f"encoder {self.encoder.name}", measured)]

    def _remarks(self) -> dict[str, Any]:
        return {
            key: value
            for key, value in self.config.items()
            if key not in _KNOWN_KEYS and isinstance(value, str | bool | int | float)
        }

    def _check_start(self, position: float) -> None:
        self.check_targets((position,))
        dial = (number(position, "position", self.name) - self._offset) * self._sign
        self._place(self._whole_step(dial))

    def _way_through(self, targets: NDArray[Any]) -> Sequence[float]:
        """Return targets with their turns, as they are gone through from here."""
        found: list[float] = np.asarray(targets, dtype=float).tolist()
        return found

    def _pass_from(self, _here: float, start: float, stop: float) -> tuple[float, float]:
        """Return the ends of a pass, with their turns, when the axis comes from `_here`."""
        return start, stop

    def _move_times(self, way: Sequence[float]) -> NDArray[np.float64]:
        """Return the seconds of the moves from each place of a way, with turns, to the next."""
        dial = (np.asarray(way) - self._offset) * self._sign
        moves = np.diff(np.round(dial * self._steps) / self._steps)
        backlash = self._sign * self._backlash
        taken_up = np.where(moves * backlash < 0, backlash, 0.0)
        speed = (self._velocity, self._acceleration)
        return durations(moves - taken_up, *speed) + durations(taken_up, *speed)

    def _with_overshoot(self, begin: float, target: float, dial: float) -> Motion:
        Coordinates.check_targets(self, (target,))
        velocity, acceleration = self._velocity, self._acceleration
        beyond = self._whole_step(dial - self._sign * self._backlash)
        first = Trapezoid(begin, self._dial, beyond, velocity, acceleration)
        motion = Motion(self.name, self._clock, first)
        motion.then(Trapezoid(first.finish, beyond, dial, velocity, acceleration))
        return motion

    def _settings(self) -> dict[str, float | str | bool | None]:
        low, high = self._dial_low, self._dial_high
        return {
            "dial": self.dial,
            "set_dial": None if self._asked == self.dial else self._asked,
            "sign": self._sign,
            "offset": self._offset,
            "dial_low_limit": low if math.isfinite(low) else None,
            "dial_high_limit": high if math.isfinite(high) else None,
            "velocity": self._velocity,
            "acceleration": self._acceleration,
            "backlash": self._backlash,
        }
