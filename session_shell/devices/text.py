"""Readable summaries of devices, as `info(device)` and the prompt show them."""

from __future__ import annotations

from collections.abc import Iterable


def summary(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Write a title and, below it, one line per (label, text) with the texts aligned."""
    lines = list(rows)
    width = max((len(label) for label, _ in lines), default=0)
    return "\n".join([title, *(f"  {label:<{width}}  {text}" for label, text in lines)])


def quantity(value: float, unit: str = "") -> str:
    """Write a number and its unit: ``9 mm``."""
    return f"{value:.10g} {unit}".rstrip()


def interval(low: float, high: float, unit: str = "") -> str:
    """Write a range and its unit: ``[-5, 5] mm``."""
    return f"[{low:.10g}, {high:.10g}] {unit}".rstrip()
