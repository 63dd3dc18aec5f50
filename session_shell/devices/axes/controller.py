"""Controllers of calculated axes: real axes in, calculated ones out, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.axes.calculated import CalculatedAxis, Values, Where, check_real, here
from session_shell.devices.context import DeviceContext
from session_shell.devices.protocols import Movable, is_axis
from session_shell.devices.text import quantity, summary
from session_shell.errors import CommandError, ConfigError, DeviceError


class CalcController(ABC):
    """What controllers of calculated axes share; a subclass knows the formulas.

    Attributes:
        real: Real axes by tag.
        axes: Calculated axes by tag.
    """

    kind: ClassVar[str] = "calculated axes"
    """What it is, for its summary."""
    real_tags: ClassVar[tuple[str, ...]] = ()
    """Tags of the real axes."""
    calculated_tags: ClassVar[tuple[str, ...]] = ()
    """Tags of the calculated axes."""

    def __init__(
        self,
        name: str,
        real: Mapping[str, Movable],
        *,
        context: DeviceContext,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.config: Mapping[str, Any] = config or {}
        self.real = dict(real)
        self.axes: dict[str, CalculatedAxis] = {}
        self._context = context

    @abstractmethod
    def calculated(self, tag: str, where: Where = here) -> float:
        """Return the value of a calculated axis for `where` its real axes are."""

    @abstractmethod
    def real_axes(self, tag: str) -> Sequence[Movable]:
        """Return the real axes that a calculated axis moves."""

    @abstractmethod
    def real_values(self, wanted: Mapping[str, Values]) -> list[tuple[Movable, Values]]:
        """Return where real axes must be for values of calculated axes by tag.

        Values may be arrays, for whole scans.
        """

    def unit_of(self, tag: str) -> str:
        """Return the unit of a calculated axis whose configuration gives none."""
        return self.real_axes(tag)[0].unit

    def add(self, tag: str, config: Mapping[str, Any]) -> CalculatedAxis:
        """Make the calculated axis of a tag, called ``config["name"]``."""
        axis = CalculatedAxis(
            str(config["name"]),
            self,
            tag,
            unit=str(config.get("unit", self.unit_of(tag))),
            limits=(config.get("low_limit"), config.get("high_limit")),
            context=self._context,
            config=config,
        )
        self.axes[tag] = axis
        return axis

    def real_targets(self, targets: Mapping[str, float]) -> dict[Movable, float]:
        """Return where real axes must go for targets of calculated axes by name, moved together.

        Raises `LimitError` when they cannot get there.
        """
        tags = {axis.name: tag for tag, axis in self.axes.items()}
        if unknown := sorted(set(targets) - set(tags)):
            what = self.name or self.kind
            raise CommandError(f"{', '.join(unknown)} is not calculated by {what}")
        wanted = {tags[name]: target for name, target in targets.items()}
        found = self._checked({tag: np.asarray([v], dtype=float) for tag, v in wanted.items()})
        return {axis: float(values[0]) for axis, values in found}

    def check_paths(self, wanted: Mapping[str, NDArray[Any]]) -> None:
        """Check whole ways of several calculated axes that are walked together, by tag."""
        self._checked(wanted)

    def __info__(self) -> str:
        """Write all axes as `info` shows them."""
        axes = [*self.axes.items(), *self.real.items()]
        rows = [(f"{a.name} ({tag})", quantity(a.position, a.unit)) for tag, a in axes]
        return summary(f"{self.name or self.kind}: {self.kind}", rows)

    def __repr__(self) -> str:
        values = ", ".join(
            f"{tag} {quantity(axis.position, axis.unit)}" for tag, axis in self.axes.items()
        )
        return f"<{self.kind} {self.name}: {values}>"

    def _checked(self, wanted: Mapping[str, NDArray[Any]]) -> list[tuple[Movable, NDArray[Any]]]:
        for tag, points in wanted.items():
            self.axes[tag].check_own_limits(points)
        found = [(axis, np.atleast_1d(v)) for axis, v in self.real_values(wanted)]
        check_real(", ".join(self.axes[tag].name for tag in wanted), found)
        return found


def read_axes(
    name: str,
    kind: type[CalcController],
    items: Sequence[Any],
) -> tuple[dict[str, Movable], dict[str, tuple[int, Mapping[str, Any]]]]:
    """Sort the items of the YAML list `axes` into real axes and axes to calculate, by tag.

    Raises `ConfigError`, with the key of the item, for what is neither or is there twice.
    """
    real: dict[str, Movable] = {}
    wanted: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for index, item in enumerate(items):
        tag = _tag(name, kind, item, index)
        if tag in real or tag in wanted:
            raise ConfigError(f"the tag {tag!r} is there twice", key=f"axes.{index}.tags")
        if tag in kind.calculated_tags:
            wanted[tag] = (index, item)
        elif is_axis(item["name"]):
            real[tag] = item["name"]
        else:
            raise ConfigError(
                f"the real axis {tag!r} must refer to an axis, like $roby, not {item['name']!r}",
                key=f"axes.{index}.name",
            )
    return real, wanted


def add_axes(
    controller: CalcController, wanted: Mapping[str, tuple[int, Mapping[str, Any]]]
) -> dict[str, Any]:
    """Make the calculated axes; return them by name, and the controller if it has a name."""
    made: dict[str, Any] = {}
    for tag, (index, item) in wanted.items():
        try:
            axis = controller.add(tag, item)
        except DeviceError as error:
            raise ConfigError(str(error), key=f"axes.{index}") from None
        made[axis.name] = axis
    if controller.name:
        made.setdefault(controller.name, controller)
    return made


def _tag(name: str, kind: type[CalcController], item: Any, index: int) -> str:
    """Return what an item of `axes` is: a real axis or something to calculate."""
    key = f"axes.{index}"
    if not isinstance(item, Mapping) or item.get("name") is None:
        raise ConfigError(f"{name or kind.kind}: an axis needs a name and tags", key=key)
    words = item.get("tags")
    if isinstance(words, str):
        words = words.replace(",", " ").split()
    words = words if isinstance(words, list) else []
    known = [word for word in words if word in (*kind.real_tags, *kind.calculated_tags)]
    if len(known) != 1 or ("real" in words) != (known[0] in kind.real_tags):
        raise ConfigError(
            f"tags must be one of {', '.join(f'real {tag}' for tag in kind.real_tags)}, "
            f"{', '.join(kind.calculated_tags)}, not {item.get('tags')!r}",
            key=f"{key}.tags",
        )
    found: str = known[0]
    return found
