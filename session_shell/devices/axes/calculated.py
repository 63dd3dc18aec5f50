"""Calculated axes: positions that are functions of real axes, moved by moving those."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.axes.verbs import AxisVerbs, Limits
from session_shell.devices.checks import not_negative, number
from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.places import set_position
from session_shell.devices.motion.status import Together
from session_shell.devices.motion.together import start_together, stop_all
from session_shell.devices.protocols import Movable, Status
from session_shell.devices.text import interval, quantity, summary
from session_shell.errors import DeviceError, LimitError

Values = float | NDArray[Any]
Where = Callable[[Movable], float]
"""Which position of a real axis is meant, see `here` and `set_position`."""


def here(axis: Movable) -> float:
    """Return where a real axis is now."""
    return axis.position


class Calculation(Protocol):
    """What a controller of calculated axes knows; tags say which of its axes is meant."""

    name: str

    def calculated(self, tag: str, where: Where = ...) -> float:
        """Return the value of a calculated axis for `where` its real axes are."""
        ...

    def real_axes(self, tag: str) -> Sequence[Movable]:
        """Return the real axes that a calculated axis moves."""
        ...

    def real_values(self, wanted: Mapping[str, Values]) -> Sequence[tuple[Movable, Values]]:
        """Return where real axes must be for values of calculated axes by tag."""
        ...

    def real_targets(self, targets: Mapping[str, float]) -> Mapping[Movable, float]:
        """Return where real axes must go for targets of calculated axes by name, all checked."""
        ...


def check_real(name: str, values: Sequence[tuple[Movable, Values]]) -> None:
    """Check positions of real axes on behalf of `name`, which the error then names too."""
    for axis, positions in values:
        try:
            axis.check_targets(np.atleast_1d(positions))
        except LimitError as error:
            failure = LimitError(f"{name} cannot get there: {error}")
            failure.device = axis.name  # the text names both already
            raise failure from error


class CalculatedAxis(AxisVerbs):
    """An axis without a motor of its own.

    >>> s1vg.move(0.5)  # doctest: +SKIP
    """

    __slots__ = ("controller", "tag")

    def __init__(
        self,
        name: str,
        controller: Calculation,
        tag: str,
        *,
        unit: str,
        limits: Limits,
        context: DeviceContext,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name, unit=unit, limits=limits, context=context, config=config)
        self.controller = controller
        self.tag = tag

    @property
    def position(self) -> float:
        """Position now, calculated from the real axes."""
        return self.controller.calculated(self.tag)

    @position.setter
    def position(self, value: Any) -> None:
        names = ", ".join(axis.name for axis in self.real_axes)
        raise DeviceError(
            f"it is calculated: move it with {self.name}.move({value!r}), or redefine the "
            f"positions of {names}",
            device=self.name,
        )

    @property
    def set_position(self) -> float:
        """Position that was asked for, calculated from what the real axes were asked for."""
        return self.controller.calculated(self.tag, set_position)

    @property
    def real_axes(self) -> list[Movable]:
        """Axes that move when this one does."""
        return list(self.controller.real_axes(self.tag))

    @property
    def display_digits(self) -> int | None:
        """Digits after the point: those of its real axes when they have its unit, else None."""
        if any(axis.unit != self.unit for axis in self.real_axes):
            return None
        digits = [getattr(axis, "display_digits", None) for axis in self.real_axes]
        return max((d for d in digits if d is not None), default=None)

    @property
    def is_moving(self) -> bool:
        """True while one of its real axes moves."""
        return any(getattr(axis, "is_moving", False) for axis in self.real_axes)

    def check_targets(self, targets: Sequence[float] | NDArray[Any]) -> None:
        """Raise `LimitError` if a position is outside the limits of this or of a real axis."""
        points = self._points(targets)
        self.check_own_limits(points)
        check_real(self.name, self.controller.real_values({self.tag: points}))

    def start_move(self, target: float) -> Status:
        """Start the real axes towards `target` and return at once."""
        goal = number(target, "target", self.name)
        real = self.controller.real_targets({self.name: goal})
        return Together(start_together(real), self._context.clock)

    def stop(self) -> None:
        """Stop all real axes, even if one refuses; they may still slow down afterwards."""
        problems = stop_all(self.real_axes, wait=False)
        if problems:
            raise DeviceError("; ".join(map(str, problems)), device=self.name)

    def wait_move(self, timeout: float | None = None) -> None:
        """Wait until it stands still; `DeviceTimeoutError` after `timeout` seconds."""
        clock = self._context.clock
        end = None if timeout is None else clock.time() + not_negative(timeout, "timeout")
        for axis in self.real_axes:
            wait = getattr(axis, "wait_move", None)
            if wait is not None:
                wait(None if end is None else max(end - clock.time(), 0.0))

    def channel_metadata(self) -> dict[str, Any]:
        """Return from what it is calculated, and its limits, for the NXpositioner group."""
        names = ", ".join(axis.name for axis in self.real_axes)
        return {"calculated_from": names, "tag": self.tag} | self._limit_metadata()

    def __info__(self) -> str:
        """Write its position and what it is calculated from, as `info(axis)` shows them."""
        rows = [
            ("position", quantity(self.position, self.unit)),
            ("state", str(self.state)),
            ("limits", interval(*self._limits, self.unit)),
        ]
        rows += [(a.name, quantity(a.position, a.unit)) for a in self.real_axes]
        return summary(f"{self.name}: calculated axis ({self.tag})", rows)
