"""A live display: lines that scroll by, and a status that stays at the bottom.

Calls only leave a note; a thread draws at most ten times a second of wall time, whatever the
rate of calls, so a fast scan pays a fraction of a microsecond per point and a slow one sees its
elapsed time tick. While the display is on, everything that is printed or logged appears above
the status, in order.

The cursor rests at the *start* of the status and the next drawing begins by erasing from there
to the end of the screen. So a window that was made narrower meanwhile, and has wrapped the
status into two rows, leaves no rest behind.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    Status = RenderableType | Callable[[], RenderableType] | None

Style = Literal["", "bold", "dim", "red", "green", "yellow"]

REDRAW_SECONDS = 0.1
"""Shortest time between two drawings: more often than ten times a second nobody can read."""

_SGR = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_ERASE = "\r\x1b[J"


def is_terminal(stream: Any) -> bool:
    """Tell whether `stream` can be drawn on: a terminal that knows cursor movements."""
    if os.environ.get("TERM", "") in ("dumb", "unknown"):
        return False
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # no such method, or the stream is closed
        return False


def terminal_size(stream: Any) -> tuple[int, int]:
    """Return (columns, rows) of the terminal behind `stream` as they are now."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (AttributeError, OSError, ValueError):
        columns, rows = shutil.get_terminal_size()
    return columns or 80, rows or 24


def styled(text: str, style: Style) -> str:
    """Return `text` in a colour of the terminal, as it is when the user wants none."""
    code = _SGR.get(style)
    return f"\x1b[{code}m{text}\x1b[0m" if code and not os.environ.get("NO_COLOR") else text


class LiveDisplay:
    """Print lines above a status; a context manager.

    `stream` is where it shows; not a terminal (or ``TERM=dumb``): plain lines in blocks, no
    status, no control characters. `before_draw` is called before each drawing, to turn what has
    come since the last one into `print` and `status` calls.

    >>> import io
    >>> out = io.StringIO()
    >>> with LiveDisplay(out) as display:
    ...     display.print("point 1")
    ...     display.status("1 of 10")
    >>> out.getvalue()
    'point 1\\n'
    """

    def __init__(self, stream: TextIO, *, before_draw: Callable[[], None] | None = None) -> None:
        # Inside another live display the terminal has a status already: only print above it.
        outer: Any = sys.stdout
        self.nested = isinstance(outer, _Above) and (
            stream in (outer, outer.stream) or is_terminal(stream)
        )
        self._stream: Any = outer if self.nested else stream
        self.terminal = not self.nested and is_terminal(stream)
        self.colour = is_terminal(stream)
        self._before_draw = before_draw
        self._lines: deque[str] = deque()
        self._status: Status = None
        self._drawn = ""
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._told = False
        self._replaced: list[tuple[str, _Above]] = []
        self._console: Console | None = None

    @property
    def width(self) -> int:
        """Columns of the terminal now; without one, so many that everything fits."""
        return terminal_size(self._stream)[0] if self.colour else 1_000_000

    def print(self, line: str, style: Style = "") -> None:
        """Show `line` above the status at the next drawing."""
        self.check()
        self._lines.append(styled(line, style) if style and self.colour else line)

    def status(self, content: Status) -> None:
        """Show `content` at the bottom: text, something of rich, or a function that gives it."""
        self.check()
        self._status = content

    def check(self) -> None:
        """Raise what went wrong with the drawing, for example that nobody reads any more."""
        if self._error is not None:
            self._fail()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def open(self) -> None:
        """Begin to draw; `close` must follow."""
        if self.terminal:
            self._write(_HIDE_CURSOR)
        self._replace_streams()
        self._thread = threading.Thread(target=self._run, name="live display", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Draw what is left, take the status away, and give the terminal back; idempotent."""
        if self._thread is None:
            return
        self._stop.set()
        try:
            self._thread.join()
        finally:
            self._thread = None
            try:
                self._restore_streams()
                self._status = None
                if self._error is None:
                    self.draw(last=True)
            finally:
                if self.terminal:
                    with suppress(OSError, ValueError):  # the terminal may be gone
                        self._write(_ERASE + _SHOW_CURSOR)
        if self._error is not None and not self._told:
            self._fail()

    def draw(self, *, last: bool = False) -> None:
        """Draw now what is waiting; the display does it by itself ten times a second."""
        with self._lock:
            if self._before_draw is not None:
                self._before_draw()
            if last:
                self._status = None
            text = self._take_lines()
            status = self._render_status() if self.terminal else ""
            if not self.terminal:
                if text:
                    self._write(text)
            elif text or status != self._drawn:
                self._write(_ERASE + text + status)
                self._drawn = status

    def above(self, text: str) -> None:
        """Show complete lines of `text` that were printed meanwhile, after what came before."""
        if self._error is not None:  # the display is broken: what others print must not be lost
            self._stream.write(text + "\n")
            return
        with self._lock:
            if self._before_draw is not None:
                self._before_draw()
            self._lines.append(text)

    def _run(self) -> None:
        while not self._stop.wait(REDRAW_SECONDS):
            try:
                self.draw()
            except BaseException as error:  # noqa: BLE001 - raised again by the next call
                self._error = error
                return

    def _fail(self) -> None:
        self._told = True
        if self._error is not None:
            raise self._error

    def _take_lines(self) -> str:
        lines = []
        while self._lines:
            lines.append(self._lines.popleft())
        return "\n".join(lines) + "\n" if lines else ""

    def _render_status(self) -> str:
        status = self._status() if callable(self._status) else self._status
        if status is None or status == "":
            return ""
        columns, rows = terminal_size(self._stream)
        # One column and one row stay free: a full last line would scroll by itself.
        lines = self._render(status, max(columns - 1, 1)).splitlines()[: max(rows - 1, 1)]
        up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
        return "\n".join(lines) + up + "\r"

    def _render(self, content: RenderableType, width: int) -> str:
        if self._console is None:
            from rich.console import Console  # 50 ms: only who has a terminal pays

            self._console = Console(file=self._stream, force_terminal=True, highlight=False)
        console = self._console
        with console.capture() as capture:
            console.print(
                content, width=width, markup=False, no_wrap=True, overflow="crop", crop=True
            )
        return capture.get().rstrip("\n")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            encoding = getattr(self._stream, "encoding", None) or "ascii"
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()

    def _replace_streams(self) -> None:
        if self.nested:
            return
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            # What goes elsewhere (a file, a pipe) does not disturb the terminal.
            if stream is self._stream or (self.terminal and is_terminal(stream)):
                above = _Above(self, stream)
                self._replaced.append((name, above))
                setattr(sys, name, above)

    def _restore_streams(self) -> None:
        for name, above in self._replaced:
            above.finish()
            if getattr(sys, name) is above:
                setattr(sys, name, above.stream)
        self._replaced.clear()


class _Above:
    """Stands for sys.stdout or sys.stderr while a display is on: whole lines go above it."""

    def __init__(self, display: LiveDisplay, stream: Any) -> None:
        self._display = display
        self.stream = stream
        self._rest = ""

    def write(self, text: str) -> int:
        """Take text; complete lines are shown, the rest waits for its end of line."""
        lines, newline, rest = (self._rest + text).rpartition("\n")
        self._rest = rest
        if newline:
            self._display.above(lines)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Take several pieces of text."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Do nothing: the display draws by itself, within a tenth of a second."""

    def finish(self) -> None:
        """Show what waits for its end of line."""
        if self._rest:
            rest, self._rest = self._rest, ""
            self._display.above(rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
