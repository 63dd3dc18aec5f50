"""Cut a stream of typed lines into commands, as soon as each one is complete."""

from __future__ import annotations

import codeop
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_COMPOUND = re.compile(r"(if|for|while|try|with|def|class|async|match)\b|@")
"""How a statement begins that may go on in the next line although it is complete."""
_GOES_ON = re.compile(r"(else|elif|except|finally)\b")


@dataclass(frozen=True, slots=True)
class Block:
    """One command: its text and the line of the input where it begins, from 1."""

    line: int
    source: str


def blocks(lines: Iterable[str]) -> Iterator[Block]:
    """Yield each command when it is complete: a line, or a block with what belongs to it.

    Works as Python does with a file: no empty line is needed behind a block.

    >>> [b.source for b in blocks(["for i in (1, 2):", "    print(i)", "wa()"])]
    ['for i in (1, 2):\\n    print(i)', 'wa()']
    """
    held: list[str] = []
    start = 0
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip("\r\n")
        if held and _begins_new(line) and not _incomplete(held):
            yield Block(start, "\n".join(held))
            held = []
        if not held:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            start = number
        held.append(line)
        if not _COMPOUND.match(held[0]) and not _incomplete(held):
            yield Block(start, "\n".join(held))
            held = []
    if held:
        yield Block(start, "\n".join(held))


def _begins_new(line: str) -> bool:
    return bool(line) and not line[0].isspace() and line[0] != "#" and not _GOES_ON.match(line)


def _incomplete(lines: list[str]) -> bool:
    """Tell whether Python needs more lines; what is wrong is complete: running it tells why."""
    if lines[-1].endswith("\\"):
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # shown when it is run
        try:
            return codeop.compile_command("\n".join(lines) + "\n", symbol="exec") is None
        except (SyntaxError, ValueError, OverflowError):
            return False
