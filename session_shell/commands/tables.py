"""Tables at the prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def print_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: Iterable[int] = ()
) -> None:
    """Print rows under a head; columns that are empty are left out, those in `right` align so."""
    from rich import box  # 30 ms: only who prints a table pays
    from rich.console import Console
    from rich.table import Table

    keep = [n for n, _ in enumerate(head) if (head[n] and any(row[n] for row in rows)) or n == 0]
    keep += [n for n, title in enumerate(head) if not title and any(row[n] for row in rows)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    aligned = set(right)
    for number in keep:
        table.add_column(head[number], justify="right" if number in aligned else "left")
    for row in rows:
        table.add_row(*(row[number] for number in keep))
    Console(markup=False, highlight=False, soft_wrap=False).print(table)
