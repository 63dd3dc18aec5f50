"""Tables at the prompt."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Literal


def print_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: Iterable[int] = ()
) -> None:
    """Print rows under a head; columns that are empty are left out, those in `right` align so."""
    from rich import box  # 30 ms: only who prints a table pays
    from rich.console import Console
    from rich.table import Table

    keep = [n for n in range(len(head)) if n == 0 or any(row[n] for row in rows)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    aligned = set(right)
    for number in keep:
        justify: Literal["left", "right"] = "right" if number in aligned else "left"
        table.add_column(head[number], justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(row[number] for number in keep))
    # Not on a terminal nothing is wrapped: a path in a log must stay in one piece.
    width = None if sys.stdout.isatty() else 10_000
    console = Console(markup=False, highlight=False, width=width)
    with console.capture() as captured:
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
