"""The positions of moving axes, live: what `umv` shows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TextIO

from session_shell.devices.text import place
from session_shell.sinks import _format
from session_shell.sinks.live import LiveDisplay

_PLAIN_SECONDS = 1.0
"""Not on a terminal: a line of positions at most once a second."""


class MovingPositions:
    """Show positions while axes move; a context manager.

    `names`, `units` and `digits` (after the point; None: significant ones) are those of the axes;
    `update` takes their user positions in that order.

    >>> import io
    >>> out = io.StringIO()
    >>> with MovingPositions(out, ["roby"], ["mm"]) as positions:
    ...     positions.update([1.5])
    >>> print(out.getvalue().rstrip())
         roby[mm]
          1.50000
    """

    def __init__(
        self,
        stream: TextIO,
        names: Sequence[str],
        units: Sequence[str] = (),
        digits: Sequence[int | None] = (),
    ) -> None:
        texts = [*units, *[""] * (len(names) - len(units))]
        self._digits = [*digits, *[None] * (len(names) - len(digits))]
        self._labels = [
            f"{name}[{unit}]" if unit else name for name, unit in zip(names, texts, strict=True)
        ]
        self._widths = [max(len(label), 11) for label in self._labels]
        self._display = LiveDisplay(stream)
        self._values: tuple[float, ...] = ()
        self._shown: tuple[float, ...] = ()
        self._last_plain = -_PLAIN_SECONDS

    def update(self, values: Sequence[float]) -> None:
        """Show `values` with the next drawing."""
        self._values = tuple(values)
        if self._display.terminal:
            return
        now = time.monotonic()
        if now - self._last_plain >= _PLAIN_SECONDS:
            self._last_plain = now
            self._display.print(self._line())

    def __enter__(self) -> Self:
        if not self._display.terminal:
            self._display.print(self._header())
        self._display.status(self._status)
        self._display.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._display.terminal:
            self._display.print(self._header())
            self._display.print(self._line())
        elif self._values != self._shown:
            self._display.print(self._line())
        self._display.close()

    def _header(self) -> str:
        return self._join(self._labels)

    def _line(self) -> str:
        self._shown = self._values
        return self._join(self._texts())

    def _texts(self) -> list[str]:
        return [place(v, d) for v, d in zip(self._values, self._digits, strict=False)]

    def _join(self, cells: Sequence[str]) -> str:
        columns = zip(cells, self._widths, strict=False)
        return "".join("  " + _format.fit(cell, width) for cell, width in columns).rstrip()

    def _status(self) -> str:
        """Return names above positions, as many axes below each other as the width asks for."""
        numbers = self._texts()
        lines: list[str] = []
        room = max(self._display.width - 1, 13)
        names = line = ""
        for label, value, width in zip(self._labels, numbers, self._widths, strict=False):
            if names and len(names) + width + 2 > room:
                lines += [names, line]
                names = line = ""
            names += "  " + _format.fit(label, width)
            line += "  " + _format.fit(value, width)
        return "\n".join([*lines, names, line])
