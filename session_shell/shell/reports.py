"""How errors are told: one line for ours, a traceback without our frames for others."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from session_shell.errors import ScanPaused, SessionShellError

_PACKAGE = str(Path(__file__).resolve().parent.parent)
"""Frames of files below it are ours."""


def one_line(error: BaseException) -> str:
    """Say what went wrong in one line, with the type of errors that are not ours."""
    # A syntax error adds its place to its text; the place is told in front.
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    text = " ".join(message.split())
    if isinstance(error, KeyboardInterrupt):
        return "interrupted by Ctrl-C"
    if isinstance(error, SessionShellError | ScanPaused):
        return text or type(error).__name__
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def strip_frames(error: BaseException) -> TracebackType | None:
    """Return the traceback of `error` without our frames.

    When the error was raised in a frame of ours the user may want to report it, so nothing is
    left out then; neither when nothing would remain.
    """
    frames = list(_walk(error.__traceback__))
    if not frames or is_ours(frames[-1]):
        return error.__traceback__
    result: TracebackType | None = None
    for tb in reversed(frames):
        if not is_ours(tb):
            result = TracebackType(result, tb.tb_frame, tb.tb_lasti, tb.tb_lineno)
    return result


def from_user_code(error: BaseException) -> TracebackType | None:
    """Return the traceback of `error` from the line that the user typed, without IPython's."""
    frames = list(_walk(error.__traceback__))
    for tb in frames:
        if not str(tb.tb_frame.f_globals.get("__name__", "")).startswith("IPython."):
            return tb
    return error.__traceback__


def is_ours(tb: TracebackType) -> bool:
    """Tell whether a frame belongs to this package."""
    return tb.tb_frame.f_code.co_filename.startswith(_PACKAGE)


def where(error: BaseException, source: str, first_line: int) -> str:
    """Tell the place of `error` in commands that came from `source`, as ``source:line``.

    Commands have no file: their frames are named ``<...>``, and the command begins at
    `first_line` of its source. A file that was run says its own name.
    """
    if isinstance(error, SyntaxError) and error.filename:
        place = (error.filename, error.lineno or 1)
    else:
        user = [t for t in _walk(error.__traceback__) if not is_ours(t)]
        frames = [(t.tb_frame.f_code.co_filename, t.tb_lineno) for t in user]
        commands = [f for f in frames if f[0].startswith("<")]
        place = next(iter([*commands[:1], *frames[-1:]]), ("<", 1))
    name, line = place
    if name.startswith("<"):
        return f"{source}:{first_line + line - 1}"
    return f"{name}:{line}"


def details(error: BaseException) -> str:
    """Return the traceback of what is not ours; empty when one line says it all."""
    if isinstance(error, SessionShellError | KeyboardInterrupt | SystemExit):
        return ""
    if isinstance(error, SyntaxError):
        return "".join(traceback.format_exception_only(error))
    return "".join(traceback.format_exception(error.with_traceback(strip_frames(error))))


def _walk(tb: TracebackType | None) -> Iterator[TracebackType]:
    while tb is not None:
        yield tb
        tb = tb.tb_next
