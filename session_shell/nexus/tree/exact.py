"""Python values as JSON and back, exactly: for those whose stored form says less than they did."""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any

import numpy as np

_DEPTH = 30
_MOST = 4096
"""Values within one value; larger ones have only their stored form."""


class NotExactError(Exception):
    """A value that cannot be told exactly, or is too large for it."""


def encode(value: Any) -> Any:
    """Return what `json` can write, and `decode` turns into an equal value.

    >>> encode((1, None, {2: "two"}))
    {'tuple': [1, None, {'dict': [[2, 'two']]}]}

    Raises:
        NotExactError: For an object of an unknown type, and for very large values.
    """
    return _Encoder().encode(value, 0)


def decode(stored: Any) -> Any:
    """Return the value that was encoded.

    >>> decode({"complex": [1.0, 2.0]})
    (1+2j)

    Raises:
        NotExactError: When it is damaged, or from a later version.
    """
    try:
        return _decoded(stored)
    except (LookupError, TypeError, ValueError, ArithmeticError, MemoryError) as error:
        raise NotExactError from error
    except RecursionError as error:
        raise NotExactError from error


def _decoded(stored: Any) -> Any:
    if isinstance(stored, list):
        return [_decoded(item) for item in stored]
    if not isinstance(stored, dict):
        return stored
    ((kind, content),) = stored.items()
    return _DECODERS[kind](content)


def identical(a: Any, b: Any) -> bool:
    """Tell whether two values are equal and of the same types throughout, NaN included."""
    try:
        return a is b or bool(encode(a) == encode(b)) or _same_text(a, b)
    except (NotExactError, ValueError):
        return False


def _same_text(a: Any, b: Any) -> bool:
    """Compare with NaN, which is never equal to itself."""
    return json.dumps(encode(a)) == json.dumps(encode(b))


class _Encoder:
    def __init__(self) -> None:
        self._count = 0

    def encode(self, value: Any, depth: int) -> Any:
        self._count += 1
        if self._count > _MOST or depth > _DEPTH:
            raise NotExactError
        cls = type(value)
        if value is None or cls in (bool, int, float, str):
            return value
        if cls is list:
            return [self.encode(item, depth + 1) for item in value]
        if cls in _CONTAINERS:
            return {_CONTAINERS[cls]: self._items(value, depth)}
        if isinstance(value, Mapping):
            pairs = [
                [self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in value.items()
            ]
            return {"dict": pairs}
        if isinstance(value, (np.ndarray, np.generic)) and not isinstance(value, (str, bytes)):
            return self._numpy(value)
        for known, (name, write) in _SCALARS.items():
            if isinstance(value, known):
                return {name: write(value)}
        raise NotExactError

    def _items(self, value: Any, depth: int) -> list[Any]:
        items = value
        if isinstance(value, (set, frozenset)):
            items = sorted(value, key=repr)
        return [self.encode(item, depth + 1) for item in items]

    def _numpy(self, value: Any) -> Any:
        if isinstance(value, np.ma.MaskedArray) or value.dtype.kind not in "biufcUSMm":
            raise NotExactError
        self._count += value.size
        if self._count > _MOST or value.dtype.char in "gG":
            raise NotExactError
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        name = "array" if isinstance(value, np.ndarray) else "numpy"
        return {name: [value.dtype.str, list(value.shape), data]}


_CONTAINERS: dict[type, str] = {
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    deque: "deque",
}
_SCALARS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    complex: ("complex", lambda v: [v.real, v.imag]),
    bytes: ("bytes", lambda v: v.hex()),
    bytearray: ("bytearray", lambda v: v.hex()),
    dt.datetime: ("datetime", lambda v: v.isoformat()),
    dt.date: ("date", lambda v: v.isoformat()),
    dt.time: ("time", lambda v: v.isoformat()),
    dt.timedelta: ("timedelta", lambda v: [v.days, v.seconds, v.microseconds]),
    Decimal: ("decimal", str),
    Fraction: ("fraction", str),
    PurePath: ("path", str),
    uuid.UUID: ("uuid", str),
    range: ("range", lambda v: [v.start, v.stop, v.step]),
}


def _numpy_array(content: Any) -> Any:
    dtype, shape, data = content
    return np.frombuffer(base64.b64decode(data), np.dtype(dtype)).reshape(shape).copy()


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "dict": lambda pairs: {_decoded(key): _decoded(value) for key, value in pairs},
    "tuple": lambda items: tuple(map(_decoded, items)),
    "set": lambda items: set(map(_decoded, items)),
    "frozenset": lambda items: frozenset(map(_decoded, items)),
    "deque": lambda items: deque(map(_decoded, items)),
    "complex": lambda parts: complex(*parts),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "timedelta": lambda parts: dt.timedelta(*parts),
    "decimal": Decimal,
    "fraction": Fraction,
    "path": Path,
    "uuid": uuid.UUID,
    "range": lambda parts: range(*parts),
    "array": _numpy_array,
    "numpy": lambda content: _numpy_array(content)[()],
}
