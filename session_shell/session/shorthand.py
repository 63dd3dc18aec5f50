"""Commands typed as words: ``ascan roby 0 10 10 0.1`` becomes ``ascan(roby, 0, 10, 10, 0.1)``.

    >>> expand("ascan roby 0 10 10 0.1", {"ascan": print, "roby": None})
    'ascan(roby, 0, 10, 10, 0.1)'
    >>> expand("a - 1", {"a": print})
    'a - 1'

A command whose attribute ``takes_words`` is true gets its words as text:
``newsample Fe2O3`` becomes ``newsample('Fe2O3')``.

Only lines at which Python itself reports a syntax error are looked at, so text that is valid
Python is never changed, and neither is the inside of a string.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Mapping
from typing import Any

_HEAD = re.compile(r"(?P<indent>\s*)(?P<head>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?P<gap>\s+|$)")
_TOKEN = re.compile(
    r"""(?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
    r"""|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comment>\#.*)|(?P<other>.)""",
    re.DOTALL,
)


def expand(source: str, namespace: Mapping[str, Any]) -> str:
    """Return `source` with commands typed as words turned into calls.

    Args:
        source: One line or several.
        namespace: Names that exist; the first word must be callable there.
    """
    lines = source.split("\n")
    touched: set[int] = set()
    while (number := _error_line("\n".join(lines))) is not None:
        if number in touched or number >= len(lines):
            return source
        touched.add(number)
        better = _expand_line(lines[number], namespace)
        if better is None:
            return source
        lines[number] = better
    return "\n".join(lines)


def _error_line(source: str) -> int | None:
    try:
        ast.parse(source)
    except SyntaxError as error:
        return (error.lineno or 1) - 1
    except ValueError:  # a NUL byte
        return 0
    return None


def _expand_line(line: str, namespace: Mapping[str, Any]) -> str | None:
    pieces = _split(line, ";")
    if pieces is None:
        return None
    indent = line[: len(line) - len(line.lstrip())]
    calls = []
    for piece in pieces:
        text = piece.strip()
        call = text if not text or _error_line(text) is None else _call(text, namespace)
        if call is None:
            return None
        calls.append(call)
    return indent + "; ".join(calls)


def _call(text: str, namespace: Mapping[str, Any]) -> str | None:
    match = _HEAD.match(text)
    if match is None or not _is_command(match["head"], namespace):
        return None
    arguments = _split(text[match.end() :], " \t,")
    if arguments is None:
        return None
    words = [word for word in arguments if word]
    if getattr(_found(match["head"], namespace), "takes_words", False):
        words = [_quoted(word) for word in words]
    call = f"{match['head']}({', '.join(words)})"
    return call if _error_line(call) is None else None


def _is_command(head: str, namespace: Mapping[str, Any]) -> bool:
    return callable(_found(head, namespace))


def _found(head: str, namespace: Mapping[str, Any]) -> Any:
    root, *members = head.split(".")
    if keyword.iskeyword(root) or root not in namespace:
        return None
    value = namespace[root]
    for member in members:
        # Looked up on the class: reading an attribute of a device may talk to hardware.
        value = getattr(type(value), member, None)
    return value


def _quoted(word: str) -> str:
    """Return a word as the text it is, unless it is a number, quoted, or names an argument."""
    key, equals, value = word.partition("=")
    if equals and key.isidentifier():
        return f"{key}={_quoted(value)}"
    if word[0] in "'\"([{" or re.fullmatch(r"0|[1-9]\d*|None|True|False", word):
        return word
    return repr(word)


def _split(text: str, separators: str) -> list[str] | None:
    """Split at separators outside of quotes and brackets; a comment ends it. None: unbalanced."""
    words = [""]
    depth = 0
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match[0]
        if token in ("'", '"'):
            return None
        depth += (kind == "open") - (kind == "close")
        if depth == 0 and kind == "comment":
            break
        if depth == 0 and token in separators:
            words.append("")
        else:
            words[-1] += token
    return None if depth else words
