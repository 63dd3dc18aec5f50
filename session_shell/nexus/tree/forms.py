"""Forms of values: a word for each type whose stored value has to be changed back when it is read.

A list of numbers is stored as an array, a path as text: the word (``list``, ``path``) says what it
was. Values that are read as they were have no word.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from session_shell.nexus.tree.exact import identical

EXACT = "exact"
"""No word tells what it was: the value itself has to be kept."""
_SIMPLE = frozenset({str, bool, int, float, complex})
_WORDS: dict[type, str] = {
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    deque: "deque",
    np.ndarray: "array",
}


def form_of(value: Any) -> str:
    """Return the form of a sequence that is stored as an array of numbers or texts.

    >>> form_of([(1, 2), (3, 4)])
    'list/tuple'
    >>> form_of([1, None])
    'exact list'
    """
    word, simple = _structure(value)
    return word if simple else f"{EXACT} {word}".rstrip()


def _structure(value: Any) -> tuple[str, bool]:
    """Return the words of nested sequences, and whether their numbers are read as they were."""
    word = _WORDS.get(type(value), "")
    if word in ("", "array"):
        return word, bool(word)
    kinds = set(map(type, value))
    if len(kinds) <= 1 and kinds <= _SIMPLE:
        return word, True
    if word in ("set", "frozenset") or not kinds <= _WORDS.keys():
        return word, False
    if kinds == {np.ndarray}:
        alike = len({(a.shape, a.dtype) for a in value}) == 1
        return f"{word}/array", alike and value[0].ndim > 0 and value[0].dtype.isnative
    below = {_structure(item) for item in value}
    inner, simple = below.pop()
    return (word, False) if below or not inner else (f"{word}/{inner}", simple)


def form_of_json(value: Any, text: str) -> str:
    """Return the form of a sequence that is stored as JSON."""
    try:
        return "" if identical(json.loads(text), value) else EXACT
    except RecursionError:
        return EXACT


def restored(stored: Any, form: str) -> Any:
    """Return the value that a stored one was made of; as it is stored when that cannot be."""
    word, _, argument = form.partition(" ")
    try:
        if word.partition("/")[0] in _MAKERS:
            return _nested(stored, word.split("/"))
        return _SCALARS[word](stored, argument)
    except (KeyError, TypeError, ValueError, ArithmeticError, MemoryError):
        return stored  # somebody has changed it in the file


def _nested(stored: Any, words: list[str]) -> Any:
    if not words:
        return stored
    if words[0] == "array":
        return np.asarray(stored)
    if len(words) == 1:
        items = stored.tolist() if isinstance(stored, np.ndarray) else stored
    else:
        items = [_nested(item, words[1:]) for item in stored]
    return _MAKERS[words[0]](items)


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "deque": deque,
}


def _array(stored: Any, argument: str) -> Any:
    return np.array(stored, np.dtype(argument))


def _time_differences(stored: Any, argument: str) -> Any:
    dtype = np.dtype(argument)
    units = np.asarray(stored) * (np.timedelta64(1, "s") / np.ones((), dtype))
    missing = ~np.isfinite(units)
    found = np.where(missing, 0, np.rint(units)).astype(np.int64).astype(dtype)
    found = np.where(missing, np.array("NaT", dtype), found)
    return found[()]


def _bytes(stored: Any, _argument: str) -> bytes:
    return stored.encode() if isinstance(stored, str) else np.asarray(stored).tobytes()


_SCALARS: dict[str, Callable[[Any, str], Any]] = {
    "int": lambda v, _: int(v, 0) if isinstance(v, str) else int(v),
    "text": lambda v, _: v,
    "bytes": _bytes,
    "bytearray": lambda v, _: bytearray(_bytes(v, "")),
    "datetime": lambda v, _: dt.datetime.fromisoformat(v),
    "naive": lambda v, _: dt.datetime.fromisoformat(v).replace(tzinfo=None),
    "date": lambda v, _: dt.date.fromisoformat(v),
    "time": lambda v, _: dt.time.fromisoformat(v),
    "timedelta": lambda v, _: dt.timedelta(seconds=v),
    "decimal": lambda v, _: Decimal(str(v)),
    "fraction": lambda v, _: Fraction(v),
    "path": lambda v, _: Path(v),
    "uuid": lambda v, _: uuid.UUID(v),
    "dtype": _array,
    "scalar": lambda v, dtype: np.dtype(dtype).type(v),
    "datetime64": lambda v, dtype: np.array(v, np.dtype(dtype))[()],
    "timedelta64": _time_differences,
}
