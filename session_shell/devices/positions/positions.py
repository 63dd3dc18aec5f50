"""Multiple positions: places of one or more axes that have a label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from keyword import iskeyword
from typing import Any

from session_shell.devices.checks import not_negative
from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.together import (
    check_together,
    move_together,
    start_together,
    stop_all,
)
from session_shell.devices.positions.position_edits import (
    UNKNOWN,
    LabelledPosition,
    Target,
    add_item,
    changed_targets,
    given_targets,
    remove_item,
    targets_here,
    update_item,
)
from session_shell.devices.protocols import Movable
from session_shell.devices.text import quantity, summary
from session_shell.errors import CommandError, DeviceError, SessionShellError


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
        self._methods: set[str] = set()
        self._positions = {position.label: position for position in positions}
        for label in self._positions:
            self._add_method(label)

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
        pairs = [(t.axis, t.destination) for t in self._labelled(label).targets]
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

    def create_position(
        self,
        label: Any,
        motors_destinations_list: Any = None,
        description: str = "",
        *,
        save: bool = True,
    ) -> None:
        """Add a position, here and in the YAML file, whose comments stay.

        Args:
            label: A label that is not there yet.
            motors_destinations_list: ``(axis, destination)``, ``(axis, destination, tolerance)``
                or a list of these, in the unit of each axis; None: where all axes stand now.
            description: What it is, in words.
            save: False leaves the file alone: it is forgotten at the end of the session.

        Raises:
            CommandError: When the label is there already, or an argument cannot be used.
            LimitError: When a destination cannot be reached.
            ConfigError: When the file cannot be changed; nothing is changed then.

        >>> mp.create_position("Al_50um", [(att1z, 15, 0.05)], "50 um")  # doctest: +SKIP
        """
        if not isinstance(label, str) or not label.strip() or label == UNKNOWN:
            raise CommandError(
                f"{self.name}: a label must be some text and not {UNKNOWN!r}, not {label!r:.40}"
            )
        if label in self._positions:
            raise CommandError(
                f"{self.name} has a position {label!r} already: "
                f"{self.name}.update_position({label!r}, ...) changes it"
            )
        if motors_destinations_list is None:
            motors_destinations_list = [(axis, axis.position) for axis in self.axes]
        targets = given_targets(self.name, motors_destinations_list, self._known_targets())
        position = LabelledPosition(label, targets, _text(self.name, description))
        self._save(save, position.targets, lambda items: add_item(items, position))
        self._positions[label] = position
        self._add_method(label)

    def update_position(
        self,
        label: str,
        motors_destinations_list: Any = None,
        description: str | None = None,
        *,
        save: bool = True,
    ) -> None:
        """Change where a position is, here and in the YAML file, whose comments stay.

        Args:
            label: One of `labels`.
            motors_destinations_list: As for `create_position`; axes that are not given keep their
                targets. None: where its axes stand now, unless only the description is to be
                changed.
            description: What it is, in words; None leaves it.
            save: False leaves the file alone.

        Raises what `create_position` raises.

        >>> mp.update_position("Al_20um")  # doctest: +SKIP
        """
        before = self._labelled(label)
        targets = before.targets
        if motors_destinations_list is not None:
            given = given_targets(self.name, motors_destinations_list, targets)
            targets = changed_targets(targets, given)
        elif description is None:
            targets = targets_here(targets)
        words = before.description if description is None else _text(self.name, description)
        position = replace(before, targets=targets, description=words)
        self._save(save, targets, lambda items: update_item(items, position))
        self._positions[label] = position

    def remove_position(self, label: str, *, save: bool = True) -> None:
        """Remove a position, here and in the YAML file, whose comments stay.

        Raises:
            CommandError: When there is no such label, or it is the last one.
            ConfigError: When the file cannot be changed; nothing is changed then.

        >>> mp.remove_position("Al_50um")  # doctest: +SKIP
        """
        self._labelled(label)
        if len(self._positions) == 1:
            raise CommandError(f"{self.name}: {label!r} is the last position and stays")
        self._save(save, (), lambda items: remove_item(items, label))
        del self._positions[label]
        if label in self._methods:
            self._methods.discard(label)
            delattr(self, label)

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

    def _labelled(self, label: Any) -> LabelledPosition:
        if label not in self.labels:
            raise CommandError(
                f"{self.name} has no position {label!r}; it has {', '.join(self.labels)}"
            )
        return self._positions[label]

    def _known_targets(self) -> list[Target]:
        """Return a target of each axis, for its tolerance."""
        return [target for position in self._positions.values() for target in position.targets]

    def _save(
        self, save: bool, targets: Sequence[Target], change: Callable[[list[Any]], None]
    ) -> None:
        if not save:
            return
        for axis in (target.axis for target in targets):
            try:
                known = self._context.find(axis.name) is axis
            except SessionShellError:
                known = False
            if not known:
                raise CommandError(
                    f"{self.name}: {axis.name} is not in the configuration, so it cannot be saved "
                    "there; save=False keeps the position for this session"
                )
        self._context.edit(self.name, "positions", change)

    def _add_method(self, label: str) -> None:
        if self._may_be_method(label):
            setattr(self, label, self._mover(label))
            self._methods.add(label)

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


def _text(name: str, description: Any) -> str:
    if not isinstance(description, str):
        raise CommandError(f"{name}: a description must be text, not {description!r:.40}")
    return " ".join(description.split())
