"""Measure: the best of a few rounds, which is what the machine can do when nothing disturbs it."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table: seconds per `unit`, beside a reference of the same run."""

    what: str
    seconds: float
    unit: str
    reference: float | None = None
    """Seconds per unit of what it is compared with; None: it is the reference itself."""
    beside: str = ""


def best(action: Callable[[], object], *, count: int = 1, rounds: int = 5) -> float:
    """Return the shortest time of `action` in seconds, divided by `count`."""
    times = []
    for _ in range(rounds):
        # Of the machine: while a session runs, `time.perf_counter` tells the time of its clock.
        begin = timeit.default_timer()
        action()
        times.append(timeit.default_timer() - begin)
    return min(times) / count


def table(results: list[Result]) -> str:
    """Write the results as a table."""
    head = ("", "time", "per", "ratio", "beside")
    rows = [(r.what, _time(r.seconds), r.unit, _ratio(r), r.beside) for r in results]
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    lines = []
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if n in (1, 3) else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _time(seconds: float) -> str:
    for factor, unit in ((1e6, "us"), (1e3, "ms")):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def _ratio(result: Result) -> str:
    return "" if result.reference is None else f"{result.seconds / result.reference:.1f}"
