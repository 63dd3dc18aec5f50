"""End orderly when the system asks for it (SIGTERM) or the terminal is gone (SIGHUP).

While a scan or a move runs, the session's guard owns these signals and raises `SystemExit` where
that is safe; at all other times the handlers here do.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C, as every shell has it."""


@contextmanager
def orderly() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into `SystemExit` in the block; what was ignored stays so."""
    former = {}
    for signum in SIGNALS:
        if signal.getsignal(signum) is signal.SIG_DFL:
            former[signum] = signal.signal(signum, _leave)
    try:
        yield
    finally:
        for signum, handler in former.items():
            signal.signal(signum, handler)


def _leave(signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)
