"""Slits: gaps and offsets calculated from two or four blades.

``gap = up + down`` and ``offset = (up - down) / 2`` (front and back for the horizontal pair), so
that blades that open move in the positive direction. Moving the gap leaves the offset where it
is, and the other way round.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.calculated import CalculatedAxis, check_real
from session_shell.devices.context import DeviceContext
from session_shell.devices.protocols import Movable, is_axis
from session_shell.devices.text import quantity, summary
from session_shell.errors import CommandError, ConfigError, DeviceError

Values = float | NDArray[Any]


class _Pair(NamedTuple):
    """Tags of two facing blades, and of the axes that are calculated from them."""

    first: str
    second: str
    gap: str
    offset: str


_PAIRS = (_Pair("up", "down", "vgap", "voffset"), _Pair("front", "back", "hgap", "hoffset"))
_REAL_TAGS = tuple(tag for pair in _PAIRS for tag in (pair.first, pair.second))
_CALCULATED_TAGS = tuple(tag for pair in _PAIRS for tag in (pair.gap, pair.offset))


class Slits:
    """The controller of one pair of slits: real blades in, gaps and offsets out.

    Attributes:
        real: Blades by tag: up, down, front, back.
        axes: Calculated axes by tag: vgap, voffset, hgap, hoffset.
    """

    def __init__(
        self,
        name: str,
        blades: Mapping[str, Movable],
        *,
        context: DeviceContext,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.config: Mapping[str, Any] = config or {}
        self.real = dict(blades)
        self.axes: dict[str, CalculatedAxis] = {}
        self._context = context
        # Gap and offset as asked for: while the blades stand there, the one that is held does not
        # drift by parts of motor steps when the other one is scanned.
        self._asked: dict[str, tuple[float, float]] = {}

    def add(self, tag: str, config: Mapping[str, Any]) -> CalculatedAxis:
        """Make the calculated axis of a tag, called ``config["name"]``."""
        pair = _pair_of(tag)
        for blade in (pair.first, pair.second):
            if blade not in self.real:
                raise ConfigError(f"{tag} needs a real axis with `tags: real {blade}`", key="axes")
        unit = config.get("unit", self.real[pair.first].unit)
        axis = CalculatedAxis(
            str(config["name"]),
            self,
            tag,
            unit=str(unit),
            limits=(config.get("low_limit"), config.get("high_limit")),
            context=self._context,
            config=config,
        )
        self.axes[tag] = axis
        return axis

    def calculated(self, tag: str) -> float:
        """Return the present gap or offset."""
        pair = _pair_of(tag)
        gap, offset = _gap_and_offset(*self._blade_positions(pair))
        return gap if tag == pair.gap else offset

    def real_axes(self, tag: str) -> tuple[Movable, Movable]:
        """Return the two blades that a calculated axis moves."""
        pair = _pair_of(tag)
        return self.real[pair.first], self.real[pair.second]

    def real_values(self, wanted: Mapping[str, Values]) -> list[tuple[Movable, Values]]:
        """Return where blades must be for values of calculated axes by tag.

        What is not in `wanted` of a pair stays as it is. Values may be arrays, for whole scans.
        """
        found: list[tuple[Movable, Values]] = []
        for pair in _PAIRS:
            if pair.gap in wanted or pair.offset in wanted:
                gap, offset = self._held(pair)
                first, second = _blades(wanted.get(pair.gap, gap), wanted.get(pair.offset, offset))
                found += [(self.real[pair.first], first), (self.real[pair.second], second)]
        return found

    def real_targets(self, targets: Mapping[str, float]) -> dict[Movable, float]:
        """Return where blades must go for targets of calculated axes by name, moved together.

        Raises `LimitError` when they cannot get there.
        """
        tags = {axis.name: tag for tag, axis in self.axes.items()}
        if unknown := sorted(set(targets) - set(tags)):
            raise CommandError(f"{', '.join(unknown)} is not calculated by {self.name or 'slits'}")
        wanted = {tags[name]: target for name, target in targets.items()}
        for tag, target in wanted.items():
            self.axes[tag].check_own_limits(np.asarray([target], dtype=float))
        found = self.real_values(wanted)
        check_real(", ".join(targets), found)
        self.remember(wanted)
        return {axis: float(value) for axis, value in found}

    def remember(self, wanted: Mapping[str, float]) -> None:
        """Note what calculated axes are asked for, by tag."""
        for pair in _PAIRS:
            if pair.gap in wanted or pair.offset in wanted:
                gap, offset = self._held(pair)
                asked = (wanted.get(pair.gap, gap), wanted.get(pair.offset, offset))
                self._asked[pair.gap] = asked

    def __info__(self) -> str:
        """Write blades, gaps and offsets as `info(slits)` shows them."""
        rows = [(f"{a.name} ({tag})", quantity(a.position, a.unit)) for tag, a in self._all()]
        return summary(f"{self.name or 'slits'}: slits", rows)

    def __repr__(self) -> str:
        values = ", ".join(
            f"{tag} {quantity(axis.position, axis.unit)}" for tag, axis in self.axes.items()
        )
        return f"<slits {self.name}: {values}>"

    def _all(self) -> list[tuple[str, Movable]]:
        return [*self.axes.items(), *self.real.items()]

    def _blade_positions(self, pair: _Pair) -> tuple[float, float]:
        return self.real[pair.first].position, self.real[pair.second].position

    def _held(self, pair: _Pair) -> tuple[float, float]:
        """Return gap and offset: as asked for, if the blades stand on the motor steps for that."""
        here = self._blade_positions(pair)
        asked = self._asked.get(pair.gap)
        if asked is not None:
            first, second = _blades(*asked)
            if self._stands(pair.first, first) and self._stands(pair.second, second):
                return asked
        return _gap_and_offset(*here)

    def _stands(self, blade: str, position: Any) -> bool:
        """Tell whether a blade is on the motor step that is nearest to `position`."""
        axis = self.real[blade]
        half_step = 0.501 / abs(float(getattr(axis, "steps_per_unit", math.inf)))
        return bool(abs(axis.position - position) <= half_step)


def slits(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    axes: Sequence[Any] = (),
) -> dict[str, Any]:
    """Build slits from their YAML keys.

    `axes` lists the blades, ``{name: $s1u, tags: real up}`` (down, front, back), and the axes to
    calculate, ``{name: s1vg, tags: vgap}`` (voffset, hgap, hoffset; unit, low_limit and
    high_limit as for other axes). Returned are the calculated axes by name, and the controller
    if it has a name.
    """
    blades: dict[str, Movable] = {}
    wanted: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for index, item in enumerate(axes):
        tag = _tag(item, index, name)
        if tag in blades or tag in wanted:
            raise ConfigError(f"the tag {tag!r} is there twice", key=f"axes.{index}.tags")
        if tag in _REAL_TAGS:
            if not is_axis(item["name"]):
                raise ConfigError(
                    f"the blade {tag!r} must refer to an axis, like $s1u, not {item['name']!r}",
                    key=f"axes.{index}.name",
                )
            blades[tag] = item["name"]
        else:
            wanted[tag] = (index, item)
    controller = Slits(name, blades, context=context, config=config)
    made: dict[str, Any] = {}
    for tag, (index, item) in wanted.items():
        try:
            axis = controller.add(tag, item)
        except DeviceError as error:
            raise ConfigError(str(error), key=f"axes.{index}") from None
        made[axis.name] = axis
    if name:
        made.setdefault(name, controller)
    return made


def _tag(item: Any, index: int, name: str) -> str:
    """Return what an item of `axes` is: a blade or something to calculate."""
    key = f"axes.{index}"
    if not isinstance(item, Mapping) or item.get("name") is None:
        raise ConfigError(f"{name or 'slits'}: an axis needs a name and tags", key=key)
    words = item.get("tags")
    if isinstance(words, str):
        words = words.replace(",", " ").split()
    words = words if isinstance(words, list) else []
    known = [word for word in words if word in (*_REAL_TAGS, *_CALCULATED_TAGS)]
    if len(known) != 1 or ("real" in words) != (known[0] in _REAL_TAGS):
        raise ConfigError(
            f"tags must be one of {', '.join(f'real {tag}' for tag in _REAL_TAGS)}, "
            f"{', '.join(_CALCULATED_TAGS)}, not {item.get('tags')!r}",
            key=f"{key}.tags",
        )
    found: str = known[0]
    return found


def _pair_of(tag: str) -> _Pair:
    return _PAIRS[0] if tag in (_PAIRS[0].gap, _PAIRS[0].offset) else _PAIRS[1]


def _gap_and_offset(first: float, second: float) -> tuple[float, float]:
    return first + second, (first - second) / 2


def _blades(gap: Values, offset: Values) -> tuple[Values, Values]:
    return gap / 2 + offset, gap / 2 - offset
