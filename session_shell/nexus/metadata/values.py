"""One value of a metadata dictionary as it is stored: the table of the layout, row by row.

Nothing here raises: what cannot be stored becomes text, and a warning says so. Libraries of
quantities are known by the face of their objects, never imported.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
from collections import deque
from collections.abc import KeysView, Mapping, Sequence, Set, ValuesView
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.nexus.tree.forms import EXACT, form_of, form_of_json
from session_shell.nexus.tree.nodes import Stored, safe_repr
from session_shell.nexus.tree.units import ascii_units

_DEPTH = 24
"""Levels of lists in lists that are looked into."""
_PLAIN = frozenset({bool, int, float, complex, str, type(None)})
"""Types of values that are kept as they are."""
_LARGE = 1_000_000
"""Elements from which on a range or an array within a list is not spelled out."""


class NotStorableError(Exception):
    """A value without a form of its own in a file; its repr is stored."""


@dataclass(slots=True)
class Converted:
    """A value ready to be stored, its attributes, its form and the mask of a masked array."""

    value: Stored
    attributes: dict[str, Stored] = field(default_factory=dict)
    mask: NDArray[Any] | None = None
    form: str = ""
    """What has to be done when it is read (`session_shell.nexus.tree.forms`)."""


def is_quantity(value: Any) -> bool:
    """Tell whether it has the face of a pint or astropy quantity (asked of its type only)."""
    cls = type(value)
    return (hasattr(cls, "magnitude") and hasattr(cls, "units")) or (
        hasattr(cls, "to_value") and hasattr(cls, "unit") and hasattr(cls, "value")
    )


def convert(value: Any) -> Converted:
    """Return `value` (no mapping) as it is stored; raise NotStorableError when it has no form."""
    cls = type(value)
    if cls is str:
        return _text(value)
    if cls is float:
        return Converted(np.asarray(value))
    if isinstance(value, np.ma.MaskedArray):
        return _masked(value)
    if is_quantity(value):
        return _quantity(value)
    if isinstance(value, np.ndarray | np.generic) and not isinstance(value, str | bytes):
        converted = _array(np.asarray(value))
        if isinstance(value, np.ndarray) and value.ndim == 0 and not converted.form:
            converted.form = f"dtype {value.dtype.str}"  # else it would be read as a scalar
        return converted
    if isinstance(value, dt.timedelta):
        seconds = value.total_seconds()
        form = "timedelta" if dt.timedelta(seconds=seconds) == value else EXACT
        return Converted(np.asarray(seconds), {"units": "s"}, form=form)
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(bytes(value), "bytearray" if isinstance(value, bytearray) else "bytes")
    if isinstance(value, Sequence | Set | KeysView | ValuesView | deque) and not _is_text(value):
        converted = _sequence(value)
        converted.form = _form_of_sequence(value, converted)
        return converted
    plain = _scalar(value)
    converted = _text(plain) if isinstance(plain, str) else _number(plain)
    converted.form = converted.form or _form_of_scalar(value)
    return converted


def _form_of_sequence(value: Any, converted: Converted) -> str:
    if isinstance(converted.value, str):
        return form_of_json(value, converted.value)
    form = form_of(value)
    # Texts are read as lists, numbers as arrays.
    return "" if form == "list" and converted.value.dtype.kind == "O" else form


def _form_of_scalar(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return "naive" if value.tzinfo is None else "datetime"
    return next((form for cls, form in _FORMS.items() if isinstance(value, cls)), "")


_FORMS: dict[type, str] = {
    dt.date: "date",
    dt.time: "time",
    Decimal: "decimal",
    Fraction: "fraction",
    PurePath: "path",
    uuid.UUID: "uuid",
}
"""Scalars whose class is told by a word; an Enum is read as its name."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str | Enum | PurePath)


def _scalar(value: Any) -> bool | int | float | complex | str | None:
    """Return a scalar as plain Python; raise NotStorableError when it is none."""
    if value is None or type(value) in {bool, int, float, complex, str}:
        return value  # type: ignore[no-any-return]
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, np.generic):
        return _numpy_scalar(value)
    for cls in (str, int, float, complex):
        if isinstance(value, cls):
            return cls(value)  # type: ignore[arg-type]
    if isinstance(value, Decimal | Fraction):
        return _exact_float(value)
    if isinstance(value, PurePath | uuid.UUID):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.astimezone().isoformat() if value.tzinfo is None else value.isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    raise NotStorableError


def _numpy_scalar(value: np.generic) -> bool | int | float | complex | str:
    if isinstance(value, np.longdouble):
        return float(value)
    if isinstance(value, np.clongdouble):
        return complex(value)
    if isinstance(value, np.datetime64):
        return str(value)
    plain = value.item()
    if isinstance(plain, bool | int | float | complex | str):
        return plain
    raise NotStorableError


def _exact_float(value: Decimal | Fraction) -> float | str:
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return str(value)
    if isinstance(value, Decimal):
        exact = not value.is_finite() or Decimal(repr(number)) == value
    else:
        exact = Fraction(number) == value
    return number if exact else str(value)


def _number(value: bool | int | float | complex | None) -> Converted:
    if isinstance(value, int) and not isinstance(value, bool):
        if -(2**63) <= value < 2**63:
            return Converted(np.asarray(value, np.int64))
        if 0 <= value < 2**64:
            return Converted(np.asarray(value, np.uint64), form="int")
        text = hex(value) if value.bit_length() > 10_000 else str(value)
        return Converted(text, form="int")
    return Converted(np.asarray(value))


def _clean(text: str) -> bool:
    """Tell whether HDF5 can hold `text`: no NUL, no lone surrogates."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(text: str) -> Converted:
    if _clean(text):
        return Converted(text)
    return Converted(json.dumps(text), {"encoding": "json"})


def _bytes(data: bytes, form: str) -> Converted:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    return Converted(text if "\0" not in text else np.frombuffer(data, np.uint8), form=form)


def _quantity(value: Any) -> Converted:
    if hasattr(type(value), "magnitude"):
        inner, units = value.magnitude, _pint_units(value.units)
    else:
        inner, units = value.value, str(value.unit)
    if is_quantity(inner) or isinstance(inner, Mapping):
        raise NotStorableError
    converted = convert(inner)
    converted.attributes["units"] = ascii_units(units)
    return converted


def _pint_units(units: Any) -> str:
    try:
        return format(units, "~C")
    except (TypeError, ValueError):
        return str(units)


def _masked(value: np.ma.MaskedArray[Any, Any]) -> Converted:
    data, mask = np.ma.getdata(value), np.ma.getmaskarray(value)
    if data.dtype.kind in "biuf":
        kind = data.dtype if data.dtype.kind == "f" else np.dtype(float)
        data = np.where(mask, np.nan, data.astype(kind))
    elif data.dtype.kind == "c":
        data = np.where(mask, complex(math.nan, math.nan), data)
    converted = _array(np.asarray(data))
    converted.mask = np.array(mask, bool)
    converted.form = f"masked {value.dtype.str}" if value.dtype.kind in "biufc" else ""
    return converted


def _array(value: NDArray[Any]) -> Converted:
    """Return any array in a type that HDF5 and its readers know."""
    kind = value.dtype.kind
    if kind in "biu":
        return Converted(np.array(value))
    if kind in "fc":
        wide = {"g": np.float64, "G": np.complex128}.get(value.dtype.char)
        return Converted(np.array(value, wide or value.dtype))
    if kind == "m":
        seconds = np.asarray(value / np.timedelta64(1, "s"))
        return Converted(seconds, {"units": "s"}, form=f"timedelta64 {value.dtype.str}")
    if kind == "S":
        return _byte_strings(value)
    if kind == "V" and value.dtype.names is None:
        return Converted(np.frombuffer(value.tobytes(), np.uint8))
    if kind == "O" and value.ndim == 0:
        return convert(value.item())
    if kind not in "OUMT":
        raise NotStorableError
    return _texts(value)


def _texts(value: NDArray[Any]) -> Converted:
    """Return an array of texts, times or objects."""
    form = f"dtype {value.dtype.str}"
    if value.dtype.kind == "M":
        form = f"datetime64 {value.dtype.str}" if value.ndim == 0 else form
        value = np.datetime_as_string(value)
    elif value.ndim == 0:
        form = ""
    converted = _text(str(value)) if value.ndim == 0 else _sequence(value.tolist(), value.shape)
    converted.form = form
    return converted


def _byte_strings(value: NDArray[Any]) -> Converted:
    form = "bytes" if value.ndim == 0 else f"dtype {value.dtype.str}"
    try:
        decoded = np.char.decode(value, "utf-8")
    except UnicodeDecodeError:
        return Converted(np.frombuffer(value.tobytes(), np.uint8), form=EXACT)
    converted = _array(decoded)
    converted.form = form
    return converted


def _sequence(value: Any, shape: tuple[int, ...] | None = None) -> Converted:
    """Return a list, tuple, set, ...: an array when it is one, else JSON text."""
    if isinstance(value, range):
        if len(value) > _LARGE:
            raise NotStorableError
        value = list(value)
    if isinstance(value, Set):
        value = _sorted(value)
    if not len(value):
        return Converted(np.empty(shape or (0,)))
    fast = _fast(value)
    if fast is not None:
        return fast
    plain = _plain(value, (), 0)
    leaves: list[Any] = []
    rectangle = _shape(plain, leaves)
    array = _leaf_array(leaves) if rectangle is not None and len(leaves) else None
    if array is not None and rectangle is not None:
        return Converted(array.reshape(rectangle))
    return _json(plain)


def _json(plain: Any) -> Converted:
    return Converted(json.dumps(plain, default=safe_repr), {"encoding": "json"})


def _sorted(value: Set[Any]) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:
        return sorted(value, key=safe_repr)


def _fast(value: Any) -> Converted | None:
    """Return long plain lists, and lists of equal arrays, without looking at each element."""
    kinds = set(map(type, value))
    if kinds <= _PLAIN:
        leaves = list(value)
        array = _leaf_array(leaves)
        return Converted(array) if array is not None else _json(leaves)
    if kinds == {np.ndarray}:
        forms = {(a.shape, a.dtype) for a in value}
        if len(forms) == 1 and value[0].dtype.kind in "biufc":
            return _array(np.stack(list(value)))
    return None


def _plain(value: Any, inside: tuple[int, ...], depth: int) -> Any:
    """Return `value` with only lists, dicts, numbers and text in it."""
    if id(value) in inside:
        return "<circular>"
    if depth > _DEPTH:
        return safe_repr(value)
    below = (*inside, id(value))
    if isinstance(value, Mapping):
        return {_plain_key(k): _plain(v, below, depth + 1) for k, v in value.items()}
    if isinstance(value, np.ndarray) and value.size <= _LARGE:
        return _plain(value.tolist(), below, depth + 1)
    if isinstance(value, Set):
        value = _sorted(value)
    if isinstance(value, list | tuple | deque | KeysView | ValuesView):
        if _PLAIN.issuperset(map(type, value)):
            return list(value)
        return [_plain(v, below, depth + 1) for v in value]
    return _plain_leaf(value)


def _plain_key(key: Any) -> str:
    plain = _plain_leaf(key)
    return plain if isinstance(plain, str) else str(plain)


def _plain_leaf(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if is_quantity(value):
        return str(value)
    try:
        return _scalar(value)
    except NotStorableError:
        return safe_repr(value)


def _shape(value: Any, leaves: list[Any]) -> tuple[int, ...] | None:
    """Return the shape of nested lists and collect their leaves; None when ragged or a dict."""
    if isinstance(value, dict):
        return None
    if not isinstance(value, list):
        leaves.append(value)
        return ()
    if _PLAIN.issuperset(map(type, value)):
        leaves += value
        return (len(value),)
    below = {_shape(v, leaves) for v in value}
    if not below:
        return (0,)
    first = below.pop()
    return None if below or first is None else (len(value), *first)


def _leaf_array(leaves: list[Any]) -> NDArray[Any] | None:
    """Return leaves of one kind as a flat array, None when they are mixed."""
    kinds = set(map(type, leaves))
    if kinds == {str}:
        return np.array(leaves, object) if all(map(_clean, leaves)) else None
    if kinds == {bool}:
        return np.array(leaves, bool)
    if kinds == {int}:
        return _int_array(leaves)
    if not kinds <= {int, float, complex, type(None)} or kinds == {type(None)}:
        return None
    if any(type(v) is int and abs(v) > 2**53 for v in leaves):
        return None  # a float would lose its digits
    numbers = [math.nan if v is None else v for v in leaves]
    return np.array(numbers, complex if complex in kinds else float)


def _int_array(leaves: list[int]) -> NDArray[Any] | None:
    low, high = min(leaves), max(leaves)
    if low >= -(2**63) and high < 2**63:
        return np.array(leaves, np.int64)
    return np.array(leaves, np.uint64) if low >= 0 and high < 2**64 else None
