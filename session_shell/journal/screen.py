"""What stands on the screen at the end: plain text of what was printed.

A live display writes its status ten times a second, a progress bar its line again and again. A
journal keeps what a person sees when it is over: no colours, no line that was overwritten.
"""

from __future__ import annotations

import re
import threading

LIMIT = 64_000
"""Characters that are kept of the output of a command: its beginning and its end."""

_RAW = 2**18
"""Characters that wait before they are put on the screen; also of a line without an end."""
_ROWS = 256
"""Lines that can still be overwritten: a terminal is not higher."""

_TOKENS = r"""(?sx)
    \x1b\[(?P<numbers>[\d;]*)(?P<code>[A-HJKfmsu])
    | \x1b\][^\x07\x1b]*(?:\x07|\x1b\\)      # the title of the window and the like
    | \x1b\[[0-?]*[ -/]*[@-~]
    | \x1b[PX^_].*?\x1b\\
    | \x1b[ -/]*[0-~]?
    | (?P<control>[\x00-\x08\x0b-\x1f\x7f])
    | (?P<newline>\n)
    | (?P<text>[^\x00-\x08\x0a-\x1f\x7f]+)
"""
_UNFINISHED = r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?)?\Z"
_SPECIAL = r"[\x00-\x08\x0b-\x1f\x7f]"
# `re` keeps what it has compiled: this costs a millisecond, and only who prints pays.


class Screen:
    """Takes what is printed, in any pieces and from any thread; gives the text at the end."""

    def __init__(self, limit: int = LIMIT) -> None:
        # Re-entrant: a signal handler or a finalizer may print in the middle of `write`.
        self._lock = threading.RLock()
        self._raw: list[str] = []
        self._size = 0
        self._rows: list[str] = [""]
        self._row = 0
        self._column = 0
        self._kept = _Kept(limit)

    def write(self, text: str) -> None:
        """Take a piece; it is looked at later."""
        with self._lock:
            self._raw.append(text)
            self._size += len(text)
            if self._size > _RAW:
                self._digest(last=False)

    def text(self) -> tuple[str, int]:
        """Return what stands there, and how many characters of the middle were left out."""
        with self._lock:
            self._digest(last=True)
            kept = self._kept.copy()
        kept.add("\n".join(line.rstrip() for line in self._rows))
        return kept.text()

    def _digest(self, *, last: bool) -> None:
        if not self._raw:
            return
        pieces, self._raw, self._size = self._raw, [], 0
        raw = "".join(pieces)
        if not last and (rest := re.search(_UNFINISHED, raw[-64:])):
            self._raw = [rest.group()]
            raw = raw[: -len(rest.group())]
        if re.search(_SPECIAL, raw) is None and self._at_end:
            self._append(raw)
        else:
            for token in re.finditer(_TOKENS, raw):
                self._take(token)
        self._let_go()

    @property
    def _at_end(self) -> bool:
        return self._row == len(self._rows) - 1 and self._column == len(self._rows[-1])

    def _append(self, raw: str) -> None:
        """Take text without any movement."""
        first, *more = raw.split("\n")
        self._rows[-1] += first
        self._rows += more
        self._row, self._column = len(self._rows) - 1, len(self._rows[-1])

    def _take(self, token: re.Match[str]) -> None:
        if (text := token["text"]) is not None:
            self._put(text)
        elif token["newline"] is not None:
            self._move_to(self._row + 1, 0)
        elif token["control"] == "\r":
            self._column = 0
        elif token["control"] == "\b":
            self._column = max(self._column - 1, 0)
        elif token["code"] is not None:
            self._obey(token["code"], [int(n) for n in token["numbers"].split(";") if n])

    def _put(self, text: str) -> None:
        line, end = self._rows[self._row], self._column + len(text)
        self._rows[self._row] = line[: self._column].ljust(self._column) + text + line[end:]
        self._column = end

    def _move_to(self, row: int, column: int) -> None:
        self._row, self._column = max(row, 0), max(column, 0)
        if self._row >= len(self._rows):
            missing = self._row + 1 - len(self._rows)
            self._rows += [""] * min(missing, _ROWS)
            self._row = len(self._rows) - 1
            if len(self._rows) > 4 * _ROWS:
                self._let_go()

    def _obey(self, code: str, numbers: list[int]) -> None:
        count = min(max(numbers[0] if numbers else 1, 1), 10_000)
        if code == "A":
            self._move_to(self._row - count, self._column)
        elif code in "BE":
            self._move_to(self._row + count, 0 if code == "E" else self._column)
        elif code == "F":
            self._move_to(self._row - count, 0)
        elif code in "CD":
            self._column = max(self._column + (count if code == "C" else -count), 0)
        elif code == "G":
            self._column = count - 1
        elif code in "JK":
            self._erase(code, numbers[0] if numbers else 0)
        elif code in "Hf":
            # A program of the whole screen begins: what stood there has scrolled up.
            self._move_to(len(self._rows) if self._rows[-1] else len(self._rows) - 1, 0)

    def _erase(self, code: str, mode: int) -> None:
        line = self._rows[self._row]
        if mode in (1, 2):
            line = " " * min(self._column, len(line)) + line[self._column :]
        if mode in (0, 2):
            line = line[: self._column]
        self._rows[self._row] = line
        if code == "J" and mode in (0, 2):
            del self._rows[self._row + 1 :]

    def _let_go(self) -> None:
        """Keep only what can still be overwritten."""
        surplus = len(self._rows) - _ROWS
        if surplus > 0:
            self._kept.add("\n".join(line.rstrip() for line in self._rows[:surplus]) + "\n")
            del self._rows[:surplus]
            self._row = max(self._row - surplus, 0)
        if sum(map(len, self._rows)) > 2 * _RAW:
            self._kept.add("\n".join(self._rows))
            self._rows, self._row, self._column = [""], 0, 0


class _Kept:
    """The beginning and the end of a long text."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._head = ""
        self._tail = ""
        self._left_out = 0

    def copy(self) -> _Kept:
        other = _Kept(self._limit)
        other._head, other._tail, other._left_out = self._head, self._tail, self._left_out
        return other

    def add(self, text: str) -> None:
        room = self._limit // 2 - len(self._head)
        if room > 0:
            self._head += text[:room]
            text = text[room:]
        if text:
            tail = self._tail + text
            surplus = max(len(tail) - self._limit // 2, 0)
            self._left_out += surplus
            self._tail = tail[surplus:]

    def text(self) -> tuple[str, int]:
        if not self._left_out:
            return self._head + self._tail, 0
        gap = f"\n[... {self._left_out} characters left out ...]\n"
        return self._head + gap + self._tail, self._left_out
