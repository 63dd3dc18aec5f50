"""Signals at the prompt: a Ctrl-C belongs to the line that was typed, the end to no callback.

While the prompt is shown the terminal is in raw mode: a Ctrl-C is a byte among others, not a
signal. One that comes with Enter or just behind it waits among the keys typed ahead. A signal
that comes while IPython prepares or finishes a line would be raised in its callbacks, and lost or
fatal there; it is kept until the code of the line runs, or until the next prompt.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from prompt_toolkit.input.base import Input
from prompt_toolkit.input.typeahead import clear_typeahead, get_typeahead, store_typeahead
from prompt_toolkit.keys import Keys

_CTRL_C = (Keys.ControlC, Keys.SIGINT)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KEYS = {
    signal.SIGTSTP: ("Ctrl-Z", Keys.ControlZ),
    signal.SIGQUIT: ("Ctrl-\\", Keys.ControlBackslash),
}
"""Keys for scans. Without a handler the one suspends, the other ends the program."""


class LineSignals:
    """Keeps signals at all times at which no code of a person runs."""

    def __init__(self, press: Callable[[str], None]) -> None:
        self._press = press
        self._before: dict[int, Any] = {}
        self._former: dict[int, Any] = {}
        self._interrupted = False
        self._ended = 0
        """The signal that ends the session, 0 for none."""
        self._prompt: Any = None

    def begin(self) -> None:
        """Take the keys for scans, until `end`: outside of a scan they are only told."""
        self._before = {s: signal.signal(s, self._pressed) for s in _KEYS}

    def end(self) -> None:
        """Give all signals back."""
        self.release()
        before, self._before = self._before, {}
        for signum, handler in before.items():
            signal.signal(signum, handler)

    def hold(self, prompt: Any = None) -> None:
        """Keep signals from now on; `prompt` is the session of prompt_toolkit that they end.

        Raises:
            SystemExit: When one came that ends the session.
        """
        self._interrupted = False
        self._prompt = prompt
        self._keep()
        self.check()

    @property
    def exit_code(self) -> int:
        """The exit code of a signal that came and ends the session, 0 when none came."""
        return 128 + self._ended if self._ended else 0

    def check(self) -> None:
        """Raise `SystemExit` when a signal came that ends the session."""
        if self._ended:
            raise SystemExit(self.exit_code)

    def release(self) -> None:
        """Raise signals where they come."""
        former, self._former = self._former, {}
        for signum, handler in former.items():
            signal.signal(signum, handler)

    def read_ahead(self, source: Input) -> None:
        """Look for keys that mean the line among those typed after Enter.

        A Ctrl-C drops the keys before it.

        The bytes that came before the terminal left raw mode still wait in it as a line.
        """
        keys = [*get_typeahead(source), *source.read_keys(), *source.flush_keys()]
        last = max((i for i, key in enumerate(keys) if key.key in _CTRL_C), default=-1)
        self._interrupted = self._interrupted or last >= 0
        ahead = keys[last + 1 :]
        for name, wanted in _KEYS.values():
            if any(key.key == wanted for key in ahead):
                self._press(name)
            ahead = [key for key in ahead if key.key != wanted]
        store_typeahead(source, ahead)

    def take(self) -> CodeType | None:
        """Return what is to run in place of a line that was interrupted before it began."""
        interrupted, self._interrupted = self._interrupted, False
        if self._ended:
            return compile(f"raise SystemExit({self.exit_code})", "<signal>", "exec")
        return compile("raise KeyboardInterrupt", "<Ctrl-C>", "exec") if interrupted else None

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Raise signals in the block: the code of a line runs."""
        held = bool(self._former)
        self.release()
        try:
            yield
        finally:
            if held:
                self._keep()

    def _keep(self) -> None:
        if not self._former:
            # What was ignored from the start, as SIGHUP under nohup, stays so.
            mine = [s for s in _SIGNALS if signal.getsignal(s) is not signal.SIG_IGN]
            self._former = {s: signal.signal(s, self._note) for s in mine}

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        if signum == signal.SIGINT:
            self._interrupted = True
            return
        self._ended = signum
        app = getattr(self._prompt, "app", None)
        if app is None:
            return
        # The prompt ends by itself: an exception would hit a callback of its event loop.
        app.pre_run_callables.append(self._leave_prompt)
        if app.is_running and app.loop is not None:
            app.loop.call_soon_threadsafe(self._leave_prompt)

    def _pressed(self, signum: int, _frame: FrameType | None) -> None:
        if not self._former:  # code of a person runs
            self._press(_KEYS[signal.Signals(signum)][0])

    def _leave_prompt(self) -> None:
        app = self._prompt.app
        if app.is_running and not app.is_done:
            app.exit(exception=SystemExit(self.exit_code))


def drop_lines_ahead(prompt: Any) -> None:
    """Forget the lines typed behind one that was interrupted, as a terminal does."""
    if prompt is not None:
        clear_typeahead(prompt.input)
