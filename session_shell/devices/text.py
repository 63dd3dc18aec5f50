"""Readable summaries of devices, as `info(device)` and the prompt show them."""

from __future__ import annotations

import math
from collections.abc import Iterable


def summary(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Write a title and, below it, one line per (label, text) with the texts aligned."""
    lines = list(rows)
    width = max((len(label) for label, _ in lines), default=0)
    return "\n".join([title, *(f"  {label:<{width}}  {text}" for label, text in lines)])


def quantity(value: float, unit: str = "") -> str:
    """Write a number and its unit: ``9 mm``."""
    return f"{value:.10g} {unit}".rstrip()


def place(value: float, digits: int | None) -> str:
    """Write a position with the decimals of its axis, without them with significant digits.

    >>> place(1e-7, 9), place(-1e-12, 3), place(1e-7, None), place(54.4278, None)
    ('0.000000100', '0.000', '1e-07', '54.42780')
    """
    if math.isnan(value):
        return "?"
    if not math.isfinite(value):
        return str(value)
    # Adding 0.0 takes the sign from a zero.
    if digits is None:
        usual = value == 0 or 0.1 <= abs(value) < 1e9
        return f"{value + 0.0:.5f}" if usual else f"{value:.6g}"
    return f"{round(value, digits) + 0.0:.{digits}f}"


def interval(low: float, high: float, unit: str = "") -> str:
    """Write a range and its unit: ``[-5, 5] mm``."""
    return f"[{low:.10g}, {high:.10g}] {unit}".rstrip()
