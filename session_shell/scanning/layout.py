"""How the points of a scan lie: a line, or a mesh."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """How the points of a scan lie."""

    axes: tuple[str, ...] = ()
    """Scanned axes, slowest first."""
    shape: tuple[int, ...] = ()
    """``(npoints,)`` for a line, ``(slow, fast)`` for a mesh."""
    grid: tuple[tuple[float, ...], ...] = ()
    """For meshes, the nominal positions along each dimension, slowest first."""
    backnforth: bool = False
    plot: tuple[str, ...] = ()
    """Counters that were chosen to be looked at, the most important first."""
