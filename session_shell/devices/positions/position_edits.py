"""Labelled positions as they are given at the prompt, and as they stand in YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from session_shell.devices.checks import not_negative, number
from session_shell.devices.protocols import Movable, is_axis
from session_shell.errors import CommandError

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


def default_tolerance(axis: Movable) -> float:
    """Return a whole motor step: the axis cannot be asked for better."""
    return 1 / abs(float(getattr(axis, "steps_per_unit", 1e9)))


def given_targets(name: str, given: Any, before: Sequence[Target] = ()) -> tuple[Target, ...]:
    """Return targets from ``(axis, destination)``, ``(axis, destination, tolerance)``, or a list.

    A tolerance that is left out is the first that the axis had `before`. Raises `CommandError`.
    """
    tolerances = {id(target.axis): target.tolerance for target in reversed(before)}
    items = [given] if isinstance(given, (list, tuple)) and given and is_axis(given[0]) else given
    if not isinstance(items, (list, tuple)) or not items:
        raise CommandError(f"{name}: expected a list of (axis, destination), got {given!r:.60}")
    found: list[Target] = []
    for item in items:
        if not isinstance(item, (list, tuple)) or len(item) not in (2, 3) or not is_axis(item[0]):
            raise CommandError(
                f"{name}: expected (axis, destination) or (axis, destination, tolerance), "
                f"got {item!r:.60}"
            )
        axis: Movable = item[0]
        if any(axis is target.axis for target in found):
            raise CommandError(f"{name}: {axis.name} is given twice")
        tolerance = item[2] if len(item) == 3 else tolerances.get(id(axis), default_tolerance(axis))
        found.append(
            Target(
                axis,
                number(item[1], "destination", axis.name),
                not_negative(tolerance, "tolerance", axis.name),
            )
        )
    for target in found:
        target.axis.check_targets((target.destination,))
    return tuple(found)


def changed_targets(before: Sequence[Target], given: Sequence[Target]) -> tuple[Target, ...]:
    """Return the targets `before` with those that are given in their place, or added."""
    new = {id(target.axis): target for target in given}
    kept = [new.pop(id(target.axis), target) for target in before]
    return (*kept, *new.values())


def targets_here(targets: Sequence[Target]) -> tuple[Target, ...]:
    """Return the same targets where the axes stand now, with their tolerances."""
    return tuple(Target(t.axis, t.axis.position, t.tolerance) for t in targets)


def add_item(items: list[Any], position: LabelledPosition) -> None:
    """Add a position to the YAML list; refuse a label that is there."""
    if _index(items, position.label) is not None:
        raise CommandError(f"{position.label!r} is in the file already, which was edited")
    item: dict[str, Any] = {"label": position.label}
    if position.description:
        item["description"] = position.description
    item["target"] = [_target_item(target) for target in position.targets]
    items.append(item)


def update_item(items: list[Any], position: LabelledPosition) -> None:
    """Change a position in the YAML list, keeping what is not changed as it is written."""
    item = items[_known_index(items, position.label)]
    if position.description and item.get("description") != position.description:
        item["description"] = position.description
    written = item.get("target")
    written = written if isinstance(written, list) else []
    by_axis = {str(t.get("axis")).removeprefix("$"): t for t in written if isinstance(t, dict)}
    if list(by_axis) != [target.axis.name for target in position.targets]:
        item["target"] = [_target_item(target) for target in position.targets]
        return
    for target in position.targets:
        place = by_axis[target.axis.name]
        for key, value in _target_item(target).items():
            if place.get(key) != value and (key != "tolerance" or _differs(place, target)):
                place[key] = value


def remove_item(items: list[Any], label: str) -> None:
    """Take a position out of the YAML list."""
    del items[_known_index(items, label)]


def _differs(place: Mapping[str, Any], target: Target) -> bool:
    """Tell whether a tolerance has to be written: not if it is the default and was not."""
    return "tolerance" in place or target.tolerance != default_tolerance(target.axis)


def _index(items: list[Any], label: str) -> int | None:
    for index, item in enumerate(items):
        if isinstance(item, dict) and str(item.get("label")) == label:
            return index
    return None


def _known_index(items: list[Any], label: str) -> int:
    index = _index(items, label)
    if index is None:
        raise CommandError(f"{label!r} is not in the file any more, which was edited")
    return index


def _target_item(target: Target) -> dict[str, Any]:
    return {
        "axis": f"${target.axis.name}",
        "destination": _plain(target.destination),
        "tolerance": _plain(target.tolerance),
    }


def _plain(value: float) -> float | int:
    """Return a number without the digits that are rounding only: 10 for 10.000000000000002."""
    rounded = float(f"{value:.10g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
