"""From the YAML keys of multiple positions to the object, with every key checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from session_shell.devices.checks import not_negative, number
from session_shell.devices.context import DeviceContext
from session_shell.devices.positions.position_edits import (
    UNKNOWN,
    LabelledPosition,
    Target,
    default_tolerance,
)
from session_shell.devices.positions.positions import MultiplePositions
from session_shell.devices.protocols import Movable, is_axis
from session_shell.errors import ConfigError, DeviceError


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
            tolerance = default_tolerance(axis)
        tolerance = not_negative(tolerance, "tolerance", axis.name)
    except DeviceError as error:
        raise ConfigError(f"{where}: {error}", key=key) from None
    return Target(axis, destination, tolerance)
