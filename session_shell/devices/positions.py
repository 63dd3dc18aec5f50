"""Multiple positions: places of one or more axes that have a label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any

from session_shell.devices.checks import not_negative, number
from session_shell.devices.context import DeviceContext
from session_shell.devices.moving import check_together, move_together, start_together, stop_all
from session_shell.devices.protocols import Movable, is_axis
from session_shell.devices.text import quantity, summary
from session_shell.errors import CommandError, ConfigError, DeviceError

UNKNOWN = "unknown"
# Part of a destination by which a position on the edge of its tolerance may be off.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Target:
    """Where one axis has to be, and how far off it may be, in its unit."""

    axis: Movable
    destination: float
    tolerance: float

    def is_reached(self) -> bool:
        """Tell whether the axis stands there."""
        if getattr(self.axis, "is_moving", False):
            return False
        off = abs(self.axis.position - self.destination)
        return off <= self.tolerance + _ROUNDING * max(1.0, abs(self.destination))


@dataclass(frozen=True, slots=True)
class LabelledPosition:
    """A label, what it stands for, and where the axes are then."""

    label: str
    targets: tuple[Target, ...]
    description: str = ""
    scan_metadata: Mapping[str, Any] = field(default_factory=dict)

    def is_reached(self) -> bool:
        """Tell whether all axes stand at their targets."""
        return all(target.is_reached() for target in self.targets)


class MultiplePositions:
    """Something that is moved by label: an attenuator, a detector on a stage, a beam stop.

    Every label that can be a name in Python and hides nothing is a method too.

    >>> mp.position  # doctest: +SKIP
    'out'
    >>> mp.move("Al_20um")  # doctest: +SKIP
    >>> mp.Al_20um()  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str,
        positions: Sequence[LabelledPosition],
        *,
        context: DeviceContext,
        simultaneous: bool = True,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.config: Mapping[str, Any] = config or {}
        self._context = context
        self._simultaneous = simultaneous
        self._publishes = True
        self._positions = {position.label: position for position in positions}
        for label in self._positions:
            if self._may_be_method(label):
                setattr(self, label, self._mover(label))

    @property
    def position(self) -> str:
        """Label of the present position, ``unknown`` between them and while it moves."""
        for label, position in self._positions.items():
            if position.is_reached():
                return label
        return UNKNOWN

    @position.setter
    def position(self, value: Any) -> None:
        raise DeviceError(
            f"its position is not set but moved to: {self.name}.move({value!r})", device=self.name
        )

    @property
    def labels(self) -> list[str]:
        """Labels of all positions."""
        return list(self._positions)

    @property
    def targets_dict(self) -> dict[str, tuple[Target, ...]]:
        """Targets of all positions, by label."""
        return {label: position.targets for label, position in self._positions.items()}

    @property
    def axes(self) -> list[Movable]:
        """Axes that it moves."""
        targets = [t for position in self._positions.values() for t in position.targets]
        return list({id(target.axis): target.axis for target in targets}.values())

    @property
    def is_moving(self) -> bool:
        """True while one of its axes moves."""
        return any(getattr(axis, "is_moving", False) for axis in self.axes)

    @property
    def state(self) -> str:
        """MOVING or READY."""
        return "MOVING" if self.is_moving else "READY"

    def move(self, label: str, wait: bool = True) -> None:
        """Move to the position called `label`.

        Args:
            label: One of `labels`.
            wait: False returns while the axes move.

        Raises:
            CommandError: When there is no such label.
            LimitError: When an axis cannot get there; nothing has moved then.

        >>> mp.move("out")  # doctest: +SKIP
        """
        if label not in self.labels:
            raise CommandError(
                f"{self.name} has no position {label!r}; it has {', '.join(self.labels)}"
            )
        pairs = [(t.axis, t.destination) for t in self._positions[label].targets]
        clock, guard = self._context.clock, self._context.guard
        if self._simultaneous and wait:
            move_together(pairs, clock=clock, guard=guard)
        elif self._simultaneous:
            start_together(pairs)
        elif not wait:
            raise CommandError(
                f"{self.name} moves its axes one after another, so move() has to wait"
            )
        else:
            check_together(pairs)
            for pair in pairs:
                move_together([pair], clock=clock, guard=guard)

    def stop(self) -> None:
        """Stop all axes and wait until they stand."""
        problems = stop_all(self.axes, self._context.guard)
        if problems:
            raise DeviceError("; ".join(map(str, problems)), device=self.name)

    def wait_move(self, timeout: float | None = None) -> None:
        """Wait until all axes stand still; `DeviceTimeoutError` after `timeout` seconds."""
        clock = self._context.clock
        end = None if timeout is None else clock.time() + not_negative(timeout, "timeout")
        for axis in self.axes:
            wait = getattr(axis, "wait_move", None)
            if wait is not None:
                wait(None if end is None else max(end - clock.time(), 0.0))

    def scan_metadata(self) -> dict[str, Any] | None:
        """Return the label and the metadata of the present position; None when switched off."""
        if not self._publishes:
            return None
        label = self.position
        found: dict[str, Any] = {"position_label": label}
        present = self._positions.get(label)
        if present is not None:
            if present.description:
                found["description"] = present.description
            found |= present.scan_metadata
        return found

    @property
    def publishes_metadata(self) -> bool:
        """Whether its position goes to the files of scans."""
        return self._publishes

    def enable_scan_metadata(self) -> None:
        """Publish the position with every scan; it does from the start."""
        self._publishes = True

    def disable_scan_metadata(self) -> None:
        """Publish nothing with scans."""
        self._publishes = False

    def __info__(self) -> str:
        """Write all positions, the present one marked, as `info(mp)` shows them."""
        here = self.position
        rows = [("position", here)]
        for label, position in self._positions.items():
            places = ", ".join(
                f"{t.axis.name} {quantity(t.destination, t.axis.unit)} "
                f"(± {quantity(t.tolerance, t.axis.unit)})"
                for t in position.targets
            )
            mark = "* " if label == here else "  "
            remark = f"  {position.description}" if position.description else ""
            rows.append((mark + label, places + remark))
        return summary(f"{self.name}: multiple positions", rows)

    def __repr__(self) -> str:
        return f"<multiple positions {self.name}: {self.position}>"

    def _may_be_method(self, label: str) -> bool:
        return (
            label.isidentifier()
            and not iskeyword(label)
            and not label.startswith("_")
            and not hasattr(self, label)
        )

    def _mover(self, label: str) -> Callable[..., None]:
        def mover(wait: bool = True) -> None:
            self.move(label, wait=wait)

        mover.__name__ = mover.__qualname__ = label
        mover.__doc__ = f"Move {self.name} to {label!r}."
        return mover


def multiple_positions(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    positions: Sequence[Mapping[str, Any]] = (),
    simultaneous: bool = True,
) -> MultiplePositions:
    """Build multiple positions from their YAML keys.

    Each of `positions` has a `label`, a list `target` of {axis, destination, tolerance}, and
    perhaps a `description` and `scan_metadata`. Without `simultaneous` axes move one by one.
    """
    if not positions:
        raise ConfigError(f"{name}: give at least one of `positions`", key="positions")
    built: list[LabelledPosition] = []
    for index, item in enumerate(positions):
        position = _position(item, f"positions.{index}", name)
        if position.label in {other.label for other in built}:
            raise ConfigError(
                f"{name}: the label {position.label!r} is there twice",
                key=f"positions.{index}.label",
            )
        built.append(position)
    return MultiplePositions(name, built, context=context, simultaneous=simultaneous, config=config)


def _position(item: Mapping[str, Any], key: str, name: str) -> LabelledPosition:
    label = item.get("label")
    if isinstance(label, int | float) and not isinstance(label, bool):
        label = str(label)  # `label: 20` is meant as text
    if not isinstance(label, str) or not label.strip() or label == UNKNOWN:
        raise ConfigError(
            f"{name}: a position needs a label that is text and not {UNKNOWN!r}, not {label!r}",
            key=f"{key}.label",
        )
    targets = item.get("target")
    if not isinstance(targets, Sequence) or isinstance(targets, str) or not targets:
        raise ConfigError(
            f"{name}: position {label!r} needs a list `target` of axis and destination",
            key=f"{key}.target",
        )
    metadata = item.get("scan_metadata") or {}
    if not isinstance(metadata, Mapping):
        raise ConfigError(
            f"{name}: scan_metadata of {label!r} must be a mapping, not {metadata!r}",
            key=f"{key}.scan_metadata",
        )
    return LabelledPosition(
        label=label,
        targets=tuple(
            _target(t, f"{key}.target.{i}", f"{name}: position {label!r}")
            for i, t in enumerate(targets)
        ),
        description=str(item.get("description") or ""),
        scan_metadata=metadata,
    )


def _target(item: Any, key: str, where: str) -> Target:
    if not isinstance(item, Mapping) or not is_axis(item.get("axis")):
        found = item.get("axis") if isinstance(item, Mapping) else item
        raise ConfigError(f"{where}: `axis` must be an axis like $roby, not {found!r}", key=key)
    axis: Movable = item["axis"]
    try:
        destination = number(item.get("destination"), "destination", axis.name)
        tolerance = item.get("tolerance")
        if tolerance is None:
            # A whole motor step: the axis cannot be asked for better.
            tolerance = 1 / abs(getattr(axis, "steps_per_unit", 1e9))
        tolerance = not_negative(tolerance, "tolerance", axis.name)
    except DeviceError as error:
        raise ConfigError(f"{where}: {error}", key=key) from None
    return Target(axis, destination, tolerance)
