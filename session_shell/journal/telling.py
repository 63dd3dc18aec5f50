"""How errors and values are told in a journal: in short, and without asking any hardware."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from session_shell.errors import ScanPaused

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_ERROR = 4_000
"""Characters of a message or a traceback that are kept."""
_FRAMES = 20


def reason_of(error: BaseException | None) -> str:
    """Return why a session is closed that `error` has left: a signal, or nothing special."""
    if isinstance(error, KeyboardInterrupt):
        return "SIGINT"
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        for name in ("SIGTERM", "SIGHUP"):
            if error.code == 128 + getattr(signal, name, -1000):
                return name
    return "closed"


def outcome_of(error: BaseException | None) -> str:
    """Return the outcome of a command by what it raised."""
    if error is None:
        return "ok"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, SystemExit):
        return "exit"
    return "paused" if isinstance(error, ScanPaused) else "error"


def one_line(error: BaseException | None) -> str:
    """Return ``TypeName: message`` in one line."""
    if error is None:
        return ""
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception as wrong:  # noqa: BLE001  an error of the user may fail to tell itself
        message = f"(its message cannot be shown: {type(wrong).__name__})"
    text = " ".join(str(message).split())
    name = type(error).__name__
    return cut(f"{name}: {text}" if text else name, _ERROR)


def own_lines(error: BaseException | None) -> str:
    """Return the lines of the traceback that are the user's: not of this package, nor IPython."""
    if error is None or isinstance(error, SystemExit):
        return ""
    if isinstance(error, SyntaxError):
        place = "".join(traceback.format_exception_only(error)).splitlines()[:-1]
        return cut("\n".join(place), _ERROR)
    frames = [
        (tb.tb_frame, tb.tb_lineno) for tb in _walk(error.__traceback__) if not _is_foreign(tb)
    ]
    summary = traceback.StackSummary.extract(iter(frames[-_FRAMES:]))
    return cut("".join(summary.format()).rstrip(), _ERROR)


def _walk(tb: TracebackType | None) -> Iterator[TracebackType]:
    while tb is not None:
        yield tb
        tb = tb.tb_next


def _is_foreign(tb: TracebackType) -> bool:
    frame = tb.tb_frame
    name = str(frame.f_globals.get("__name__", ""))
    return frame.f_code.co_filename.startswith(_PACKAGE) or name.split(".")[0] == "IPython"


def shown(value: Any) -> str:
    """Return a value in short; of devices only the type: telling more might ask the hardware."""
    if value is None:
        return ""
    home = type(value).__module__.split(".")
    if home[0] in ("builtins", "numpy") or home[:2] == ["session_shell", "scanning"]:
        return cut(_short(value), 2_000)
    return f"<{type(value).__name__}>"


def _short(value: Any) -> str:
    import reprlib  # only what asks for values without showing them needs it

    short = reprlib.Repr()
    short.maxstring = short.maxother = 500
    short.maxlist = short.maxtuple = short.maxdict = short.maxset = 20
    return short.repr(value)


def cut(text: str, limit: int) -> str:
    """Return the beginning of a text that is too long, with a remark."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n# [... {len(text) - limit} characters left out ...]"
