"""How text is fitted to where it is shown: width, colours, one line for each value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.sinks import clean, clock_time
from session_shell.sinks.live import Style, is_terminal, styled, terminal_size

_ITEMS = 6
"""Items of a list that are shown."""
_ENDLESS = 1_000_000


@dataclass(frozen=True, slots=True)
class Look:
    """Where text goes: the columns there are, and whether it may be coloured."""

    width: int = 80
    terminal: bool = False

    @property
    def table_width(self) -> int:
        """Columns that a table may take: nothing is left out where it can be searched."""
        return self.width if self.terminal else _ENDLESS

    def paint(self, text: str, style: Style) -> str:
        """Return `text` in a colour where there are colours."""
        return styled(text, style) if self.terminal else text

    def cut(self, text: str, room: int) -> str:
        """Return `text` cut to so many columns, at a terminal."""
        return cut(text, room) if self.terminal else text


def look_of(stream: Any) -> Look:
    """Return how text must look on `stream`."""
    return Look(max(terminal_size(stream)[0], 40), is_terminal(stream))


def cut(text: str, room: int) -> str:
    """Return `text` with at most `room` characters, its end marked when some are missing."""
    room = max(room, 4)
    return text if len(text) <= room else text[: room - 3].rstrip() + "..."


def duration(seconds: float) -> str:
    """Write how long something took: seconds below a minute, else ``h:mm:ss``.

    >>> duration(3.14159), duration(3725.4)
    ('3.1 s', '1:02:05')
    """
    return f"{seconds:.1f} s" if 0 <= seconds < 59.95 else clock_time(seconds)


def short(value: Any, room: int) -> str:
    """Return a stored value in one line of at most `room` characters."""
    if isinstance(value, str):
        first, more = value.split("\n", 1) if "\n" in value else (value, "")
        lines = f" (... {value.count(chr(10)) + 1} lines)" if more.strip() else ""
        return cut(clean(first.strip()), room - len(lines)) + lines
    if isinstance(value, np.ndarray):
        return cut(_array(value), room)
    if isinstance(value, (list, tuple)):
        return cut(_list(value), room)
    if isinstance(value, float):
        return f"{value:.10g}"
    return cut(clean(str(value)), room)


def _list(values: Sequence[Any]) -> str:
    if len(values) <= _ITEMS:
        return f"[{', '.join(short(value, 24) for value in values)}]"
    first = ", ".join(short(value, 24) for value in values[:3])
    return f"[{first}, ... {short(values[-1], 24)}] ({len(values)})"


def _array(values: NDArray[Any]) -> str:
    if values.ndim != 1 or values.dtype.kind not in "biufc":
        return f"{'x'.join(map(str, values.shape))} {values.dtype}"
    if len(values) <= _ITEMS:
        return _list(values.tolist())
    ends = [short(value, 24) for value in [*values[:3].tolist(), values[-1].item()]]
    return f"[{', '.join(ends[:3])}, ... {ends[3]}] ({len(values)})"


def aligned(rows: Sequence[Sequence[str]], right: Iterable[int] = (), gap: str = "  ") -> list[str]:
    """Return rows of cells as lines whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    to_the_right = set(right)
    return [
        gap.join(
            cell.rjust(width) if number in to_the_right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
