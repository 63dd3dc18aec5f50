"""A group of axes that are moved, looked at and stopped together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from session_shell.devices.axes.state import AxisState
from session_shell.devices.checks import not_negative, number
from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.places import set_position
from session_shell.devices.motion.together import move_together, start_together, stop_all
from session_shell.devices.protocols import Movable, is_axis
from session_shell.devices.text import quantity, summary
from session_shell.errors import CommandError, ConfigError, DeviceError


class AxisGroup:
    """Several axes under one name.

    >>> stage = Group(sx, sy, sz)  # doctest: +SKIP
    >>> stage.move(sx, 1, sz, 2)  # doctest: +SKIP
    >>> stage.position  # doctest: +SKIP
    {'sx': 1.0, 'sy': 0.0, 'sz': 2.0}
    """

    def __init__(
        self,
        name: str,
        axes: Mapping[str, Movable],
        *,
        context: DeviceContext,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.config: Mapping[str, Any] = config or {}
        self._axes = dict(axes)
        self._context = context

    @property
    def axes(self) -> dict[str, Movable]:
        """Axes by name."""
        return dict(self._axes)

    @property
    def position(self) -> dict[str, float]:
        """User positions by name."""
        return {name: axis.position for name, axis in self._axes.items()}

    positions = position

    @property
    def dial(self) -> dict[str, float]:
        """Dial positions by name."""
        return {n: float(getattr(a, "dial", a.position)) for n, a in self._axes.items()}

    @property
    def is_moving(self) -> bool:
        """True while one of them moves."""
        return any(getattr(axis, "is_moving", False) for axis in self)

    @property
    def state(self) -> AxisState:
        """MOVING while one of them moves, else READY."""
        return AxisState.MOVING if self.is_moving else AxisState.READY

    def move(self, *targets: Any, wait: bool = True, relative: bool = False) -> None:
        """Move some of its axes together.

        Args:
            targets: ``axis1, position1, axis2, position2, ...`` or one dict; axes or their names.
            wait: False returns while they move.
            relative: Positions are distances from the set positions.

        Raises:
            LimitError: When a target is outside its limits; nothing moves then.
            CommandError: When the targets cannot be used.

        >>> stage.move({sx: 1, sz: 2})  # doctest: +SKIP
        """
        pairs = [(self._member(axis), target) for axis, target in self._pairs(targets)]
        goals = [(axis, number(target, "target", axis.name)) for axis, target in pairs]
        if relative:
            goals = [(axis, set_position(axis) + distance) for axis, distance in goals]
        if wait:
            move_together(goals, clock=self._context.clock, guard=self._context.guard)
        else:
            start_together(goals)

    def rmove(self, *distances: Any, wait: bool = True) -> None:
        """Move some of its axes together by distances; as `move`."""
        self.move(*distances, wait=wait, relative=True)

    def stop(self) -> None:
        """Stop all and wait until they stand still, even if one refuses."""
        problems = stop_all(self, self._context.guard)
        if problems:
            raise DeviceError("; ".join(map(str, problems)), device=self.name)

    def wait_move(self, timeout: float | None = None) -> None:
        """Wait until all stand still; `DeviceTimeoutError` after `timeout` seconds."""
        clock = self._context.clock
        end = None if timeout is None else clock.time() + not_negative(timeout, "timeout")
        for axis in self:
            wait = getattr(axis, "wait_move", None)
            if wait is not None:
                wait(None if end is None else max(end - clock.time(), 0.0))

    def __iter__(self) -> Iterator[Movable]:
        return iter(self._axes.values())

    def __len__(self) -> int:
        return len(self._axes)

    def __info__(self) -> str:
        """Write where its axes are, as `info(group)` shows them."""
        rows = [
            (n, f"{quantity(a.position, a.unit)}, {getattr(a, 'state', 'READY')}")
            for n, a in self._axes.items()
        ]
        return summary(f"{self.name}: group of axes", rows)

    def __repr__(self) -> str:
        places = ", ".join(f"{n} {quantity(a.position, a.unit)}" for n, a in self._axes.items())
        return f"<group of axes {self.name}: {places}>"

    def _pairs(self, targets: tuple[Any, ...]) -> list[tuple[Any, Any]]:
        if len(targets) == 1 and isinstance(targets[0], Mapping):
            return list(targets[0].items())
        if not targets or len(targets) % 2:
            raise CommandError(
                f"{self.name}: expected pairs of an axis and a position, or a dict of them"
            )
        return list(zip(targets[::2], targets[1::2], strict=True))

    def _member(self, axis: Any) -> Movable:
        name = getattr(axis, "name", axis)
        if not isinstance(name, str) or name not in self._axes:
            known = ", ".join(self._axes)
            raise CommandError(f"{self.name} has no axis {name!r:.40}; it has {known}")
        return self._axes[name]


def axes_by_name(name: str, given: Any) -> dict[str, Movable]:
    """Return axes by their names.

    Raises `CommandError` when something is no axis or there twice.
    """
    found: dict[str, Movable] = {}
    for axis in given:
        if not is_axis(axis):
            raise CommandError(f"{name}: {axis!r:.40} is no axis")
        if axis.name in found:
            raise CommandError(f"{name}: {axis.name} is there twice")
        found[axis.name] = axis
    if not found:
        raise CommandError(f"{name}: give at least one axis")
    return found


def axis_group(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    axes: list[Any],
) -> AxisGroup:
    """Build a group of axes from its YAML key `axes`, a list like ``[$sx, $sy]``."""
    try:
        members = axes_by_name(name, axes)
    except CommandError as error:
        raise ConfigError(str(error), key="axes") from None
    return AxisGroup(name, members, context=context, config=config)
