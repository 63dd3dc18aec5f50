"""The types of columns, and the one rule for values that a column cannot hold.

In a column of floating-point numbers NaN stands for such a value, and the scan says so. Whole
numbers and truth values have nothing that could stand for it: there the scan ends, with the points
before it. A masked value is a missing one, NaN without a word. No value is cut, rounded or wrapped.
"""

from __future__ import annotations

import cmath
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.protocols import Channel
from session_shell.errors import ScanError
from session_shell.scanning.documents import Rows

_NUMBERS = "biufc"
_WHOLE = 2**53
"""Largest whole number up to which a double has them all."""
_TEXTS = (str, bytes, bytearray)
_TIMES = (np.datetime64, np.timedelta64)


def column_dtype(channel: Channel) -> np.dtype[Any]:
    """Return the type in which the values of a channel are kept and stored.

    It is the channel's own if it is one of numbers; longer floats than a double become doubles.
    """
    try:
        dtype = np.dtype(channel.dtype)
    except TypeError:
        return np.dtype(float)
    if dtype.char in "gG":
        return np.dtype(float if dtype.char == "g" else complex)
    return dtype if dtype.kind in _NUMBERS else np.dtype(float)


def holds_numbers(channel: Channel) -> bool:
    """Return True if the values of a channel are numbers."""
    try:
        return np.dtype(channel.dtype).kind in _NUMBERS
    except TypeError:
        return False


class ColumnTypes:
    """Makes the values of rows such as their columns hold; the sinks of a scan get these.

    Attributes:
        replaced: For each channel with values that its column cannot hold: how many there were,
            and the first of them in words.
    """

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.replaced: dict[str, tuple[int, str]] = {}
        self._columns = [_Column(channel) for channel in channels]
        # Most columns: looked at here, since a call for each would cost more than all the rest.
        self._floats = [
            index
            for index, column in enumerate(self._columns)
            if not column.channel.shape and column.dtype == np.float64
        ]
        self._others = [index for index in range(len(channels)) if index not in self._floats]

    def odd(self, rows: Rows) -> Sequence[int]:
        """Return the columns with values that may need a conversion; most often none.

        Raises:
            ScanError: When there are more or fewer values than columns.
        """
        columns = rows.columns
        if len(columns) != len(self._columns):
            raise ScanError(
                f"point {rows.first}: {len(columns)} values came for {len(self._columns)} columns; "
                "a counter gives more or fewer than it has channels"
            )
        if rows.count != 1:
            return [i for i, c in enumerate(self._columns) if not c.holds(columns[i])]
        found: Sequence[int] = ()
        for index in self._floats:
            if columns[index][0].__class__ is not float and not _is_plain(columns[index][0]):
                found = [*found, index]
        for index in self._others:
            if not self._columns[index].holds(columns[index]):
                found = [*found, index]
        return found

    def converted(self, rows: Rows, odd: Sequence[int]) -> tuple[Rows, ScanError | None]:
        """Return rows as the columns hold them, and what ends the scan after these."""
        columns, count, failure = list(rows.columns), rows.count, None
        for index in odd:
            values = list(columns[index])
            for number in range(count):
                try:
                    values[number] = self._columns[index].converted(values[number])
                except (TypeError, ValueError, OverflowError) as error:
                    told = f"{_words(values[number], error)} at point {rows.first + number}"
                    failure = self._replace(index, values, number, told)
                    if failure is not None:
                        count = number
                        break
            columns[index] = values
        return Rows(rows.first, count, tuple([c[:count] for c in columns])), failure

    def _replace(self, index: int, values: list[Any], number: int, told: str) -> ScanError | None:
        column = self._columns[index]
        name = column.channel.name
        if column.missing is None:
            return ScanError(f"{name} gave {told}; its column holds {column.range}")
        values[number] = column.missing
        times, first = self.replaced.get(name, (0, f"{name} gave {told}"))
        self.replaced[name] = times + 1, first
        return None


class _Column:
    """The type of one column."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.dtype = column_dtype(channel)
        kind = self.dtype.kind
        self.missing: Any = None
        """What stands for a value that it cannot hold, if anything does."""
        if kind in "fc":
            self.missing = np.full(channel.shape, np.nan, self.dtype) if channel.shape else math.nan
        self._convert = _CONVERT[kind]
        self._low, self._high = _limits(self.dtype)
        self._fast = _FAST[kind]

    @property
    def range(self) -> str:
        """What it can hold, in words."""
        kind = "truth values" if self.dtype.kind == "b" else "whole numbers"
        limits = "" if self.dtype.kind == "b" else f" from {self._low} to {self._high}"
        shape = f" of shape {self.channel.shape}" if self.channel.shape else ""
        return f"{kind}{limits}{shape} ({self.dtype.name})"

    def holds(self, values: Sequence[Any] | NDArray[Any]) -> bool:
        """Return True if values need no conversion; a quick look that may say False too often."""
        if isinstance(values, np.ndarray) and not isinstance(values, np.ma.MaskedArray):
            return values.dtype == self.dtype and values.shape[1:] == self.channel.shape
        if self.channel.shape:
            return all(
                v.__class__ is np.ndarray
                and v.dtype == self.dtype
                and v.shape == self.channel.shape
                for v in values
            )
        if not self._fast.issuperset(map(type, values)):
            return False
        return self.dtype.kind in "bc" or (self._low <= min(values) and max(values) <= self._high)

    def converted(self, value: Any) -> Any:
        """Return a value as the column holds it; raise when it cannot."""
        if self.channel.shape:
            return self._array(value)
        if isinstance(value, np.ndarray):
            if value.size != 1:
                raise ValueError(f"an array of shape {value.shape}")
            value = value.ravel()[0]
        return self._number(value)

    def _number(self, value: Any) -> Any:
        if value is np.ma.masked:
            value = math.nan
        if value is None or isinstance(value, (*_TEXTS, *_TIMES)):
            raise TypeError("not a number")
        if self.dtype.kind != "c" and isinstance(value, (complex, np.complexfloating)):
            raise TypeError("a complex number")
        return self._within(self._convert(value), value)

    def _within(self, number: Any, value: Any) -> Any:
        if self.dtype.kind == "c" or self._low <= number <= self._high:
            return number
        if self.dtype.kind == "f" and (math.isnan(number) or np.isinf(value)):
            return number
        raise OverflowError("out of range")

    def _array(self, value: Any) -> NDArray[Any]:
        given = value if isinstance(value, np.ndarray) else _nested(value)
        if given.shape != self.channel.shape:
            raise ValueError(f"an array of shape {given.shape}, not {self.channel.shape}")
        if given.dtype.kind == "O":
            numbers = [self._number(each) for each in given.flat]
            return np.array(numbers, self.dtype).reshape(given.shape)
        if given.dtype.kind not in _NUMBERS or (given.dtype.kind == "c" and self.dtype.kind != "c"):
            raise TypeError(f"an array of {given.dtype}")
        hidden = np.ma.getmaskarray(given)
        return self._cast(np.where(hidden, np.nan, given) if hidden.any() else np.asarray(given))

    def _cast(self, given: NDArray[Any]) -> NDArray[Any]:
        if self.dtype.kind in "fc":
            with np.errstate(over="ignore"):
                array = given.astype(self.dtype)
            if (np.isinf(array) & ~np.isinf(given)).any():
                raise OverflowError("numbers that are too large")
            return array
        if given.dtype.kind == "f" and not (given == np.floor(given)).all():
            raise ValueError("numbers with fractions, or NaN")
        # As Python's integers: the largest int64 is no float, and would be compared as 2.0**63.
        if given.size and not (self._low <= int(given.min()) and int(given.max()) <= self._high):
            raise OverflowError("numbers out of range")
        return given.astype(self.dtype)


def _nested(value: Any) -> NDArray[Any]:
    """Return numbers in lists as an array of objects: numpy would round some and unmask others."""
    if not isinstance(value, (list, tuple)):
        given = np.asanyarray(value)
        if given.dtype.kind not in _NUMBERS:
            raise TypeError("not numbers")
        return np.where(np.ma.getmaskarray(given), math.nan, given.astype(object))
    if {float, int}.issuperset(map(type, value)):
        return np.array(value, object)
    return np.stack([_nested(each) for each in value])


def _is_plain(value: Any) -> bool:
    """Return True for other numbers that are kept as a double as they are."""
    kind = value.__class__
    return kind is np.float64 or (kind is int and -_WHOLE <= value <= _WHOLE)


def _words(value: Any, error: Exception) -> str:
    text = f"{value!r:.60}".replace("\n", " ")
    return str(error) if isinstance(value, np.ndarray) and value.ndim else text


def _limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    if dtype.kind in "iu":
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    return 0, 1


def _whole(value: Any) -> int:
    """Return a whole number, however it is written; raise for one with a fraction."""
    if isinstance(value, (np.bool_, bool)):
        return int(value)
    try:
        return operator.index(value)
    except TypeError:
        number = int(value)
        if number != value:
            raise ValueError("a fraction") from None
        return number


def _complex(value: Any) -> complex:
    number = complex(value)
    if cmath.isinf(number) and not np.isinf(value):
        raise OverflowError("too large")
    return number


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "b": lambda value: bool(_truth(value)),
    "i": _whole,
    "u": _whole,
    "f": float,
    "c": _complex,
}
_FAST: dict[str, frozenset[type]] = {
    "b": frozenset((bool,)),
    "i": frozenset((int,)),
    "u": frozenset((int,)),
    "f": frozenset((float, np.float64)),
    "c": frozenset((complex,)),
}


def _truth(value: Any) -> int:
    number = _whole(value)
    if number not in (0, 1):
        raise ValueError("neither true nor false")
    return number
