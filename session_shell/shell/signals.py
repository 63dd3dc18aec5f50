"""End orderly when the system asks for it (SIGTERM) or the terminal is gone (SIGHUP).

While a scan or a move runs, the session's guard owns these signals and raises `SystemExit` where
that is safe; at all other times the handlers here do.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
KEYS = {signal.SIGTSTP: "Ctrl-Z", signal.SIGQUIT: "Ctrl-\\"}
INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C, as every shell has it."""


@contextmanager
def orderly() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into `SystemExit` in the block; what was ignored stays so.

    At a terminal Ctrl-\\ and Ctrl-Z, which are keys for scans at the prompt, neither end nor
    suspend the program at other times: axes may be moving.
    """
    handlers: dict[int, Any] = dict.fromkeys(SIGNALS, _leave)
    if sys.stdin is not None and sys.stdin.isatty():
        handlers |= dict.fromkeys(KEYS, _tell)
    former = {}
    for signum, handler in handlers.items():
        if signal.getsignal(signum) is signal.SIG_DFL:
            former[signum] = signal.signal(signum, handler)
    try:
        yield
    finally:
        for signum, handler in former.items():
            signal.signal(signum, handler)


def _tell(signum: int, _frame: FrameType | None) -> None:
    key = KEYS[signal.Signals(signum)]
    with suppress(OSError):
        os.write(2, f"\n{key} has no effect here; Ctrl-C stops what runs\n".encode())


def _leave(signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)
