"""A Ctrl-C for the line that was just typed, however soon it comes after Enter.

While the prompt is shown the terminal is in raw mode: a Ctrl-C is a byte among others, not a
signal. One that comes with Enter or just behind it waits among the keys typed ahead. One that
comes while IPython prepares the line would end that, not the line; it is kept until the code runs.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from prompt_toolkit.input.base import Input
from prompt_toolkit.input.typeahead import clear_typeahead, get_typeahead, store_typeahead
from prompt_toolkit.keys import Keys

_CTRL_C = (Keys.ControlC, Keys.SIGINT)

INTERRUPTED_CODE = compile("raise KeyboardInterrupt", "<Ctrl-C>", "exec")
"""What is run in place of a line that was interrupted before it began."""


class LineInterrupt:
    """Keep a Ctrl-C from Enter until the code of the line runs."""

    def __init__(self) -> None:
        self._holding = False
        self._seen = False

    def hold(self) -> None:
        """Note a Ctrl-C from now on, in place of raising it; forget those of earlier lines."""
        self._seen = False
        self._note_signals()

    def release(self) -> None:
        """Raise a Ctrl-C where it comes, as Python does."""
        if self._holding:
            self._holding = False
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def read_ahead(self, source: Input) -> None:
        """Look for a Ctrl-C among the keys typed after Enter; it drops those before it.

        The bytes that came before the terminal left raw mode still wait in it as a line.
        """
        keys = [*get_typeahead(source), *source.read_keys(), *source.flush_keys()]
        last = max((i for i, key in enumerate(keys) if key.key in _CTRL_C), default=-1)
        self._seen = self._seen or last >= 0
        store_typeahead(source, keys[last + 1 :])

    def take(self) -> bool:
        """Return True once if a Ctrl-C came since Enter."""
        seen, self._seen = self._seen, False
        return seen

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Raise a Ctrl-C in the block: the code of a line runs."""
        holding = self._holding
        self.release()
        try:
            yield
        finally:
            if holding:
                self._note_signals()

    def _note_signals(self) -> None:
        self._holding = True
        signal.signal(signal.SIGINT, self._note)

    def _note(self, _signum: int, _frame: FrameType | None) -> None:
        self._seen = True


def drop_lines_ahead(prompt: Any) -> None:
    """Forget the lines typed behind one that was interrupted, as a terminal does."""
    if prompt is not None:
        clear_typeahead(prompt.input)
