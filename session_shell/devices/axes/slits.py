"""Slits: gaps and offsets calculated from two or four blades.

``gap = up + down`` and ``offset = (up - down) / 2`` (front and back for the horizontal pair), so
that blades that open move in the positive direction. Moving the gap leaves the offset where it
is, and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from session_shell.devices.axes.calculated import CalculatedAxis, Values, Where, here
from session_shell.devices.axes.controller import CalcController, add_axes, read_axes
from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.places import set_position
from session_shell.devices.protocols import Movable
from session_shell.errors import ConfigError


class _Pair(NamedTuple):
    """Tags of two facing blades, and of the axes that are calculated from them."""

    first: str
    second: str
    gap: str
    offset: str


_PAIRS = (_Pair("up", "down", "vgap", "voffset"), _Pair("front", "back", "hgap", "hoffset"))
_REAL_TAGS = tuple(tag for pair in _PAIRS for tag in (pair.first, pair.second))
_CALCULATED_TAGS = tuple(tag for pair in _PAIRS for tag in (pair.gap, pair.offset))


class Slits(CalcController):
    """The controller of one pair of slits: real blades in, gaps and offsets out.

    Attributes:
        real: Blades by tag: up, down, front, back.
        axes: Calculated axes by tag: vgap, voffset, hgap, hoffset.
    """

    kind = "slits"
    real_tags = _REAL_TAGS
    calculated_tags = _CALCULATED_TAGS

    def add(self, tag: str, config: Mapping[str, Any]) -> CalculatedAxis:
        """Make the calculated axis of a tag, called ``config["name"]``."""
        pair = _pair_of(tag)
        for blade in (pair.first, pair.second):
            if blade not in self.real:
                raise ConfigError(f"{tag} needs a real axis with `tags: real {blade}`", key="axes")
        return super().add(tag, config)

    def calculated(self, tag: str, where: Where = here) -> float:
        """Return the gap or offset for `where` the blades are."""
        pair = _pair_of(tag)
        gap, offset = self._gap_and_offset(pair, where)
        return gap if tag == pair.gap else offset

    def real_axes(self, tag: str) -> tuple[Movable, Movable]:
        """Return the two blades that a calculated axis moves."""
        pair = _pair_of(tag)
        return self.real[pair.first], self.real[pair.second]

    def real_values(self, wanted: Mapping[str, Values]) -> list[tuple[Movable, Values]]:
        """Return where blades must be for values of calculated axes by tag.

        What is not in `wanted` of a pair stays as it was asked for, so that it does not drift by
        parts of motor steps. Values may be arrays, for whole scans.
        """
        found: list[tuple[Movable, Values]] = []
        for pair in _PAIRS:
            if pair.gap in wanted or pair.offset in wanted:
                gap, offset = self._gap_and_offset(pair, set_position)
                first, second = _blades(wanted.get(pair.gap, gap), wanted.get(pair.offset, offset))
                found += [(self.real[pair.first], first), (self.real[pair.second], second)]
        return found

    def _gap_and_offset(self, pair: _Pair, where: Where) -> tuple[float, float]:
        first, second = where(self.real[pair.first]), where(self.real[pair.second])
        return first + second, (first - second) / 2


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
    blades, wanted = read_axes(name, Slits, axes)
    return add_axes(Slits(name, blades, context=context, config=config), wanted)


def _pair_of(tag: str) -> _Pair:
    return _PAIRS[0] if tag in (_PAIRS[0].gap, _PAIRS[0].offset) else _PAIRS[1]


def _blades(gap: Values, offset: Values) -> tuple[Values, Values]:
    return gap / 2 + offset, gap / 2 - offset
