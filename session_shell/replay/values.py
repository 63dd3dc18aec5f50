"""Compare values: texts without what must differ, numbers with a tolerance, trees key by key."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALWAYS = (
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "<address>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uid>"),
    (re.compile(r"\b\d+(?:\.\d+)? ms\b"), "<time>"),
    # Files are shown relative to where the user stood.
    (re.compile(r"[^\s'\"(]*/([^\s/]+\.h5)\b"), r"\1"),
)
_TIMES = (
    (
        re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"),
        "<time>",
    ),
    (re.compile(r"\b\d{1,2}:\d\d:\d\d(?:\.\d+)?\b"), "<time>"),
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:s|min|h)\b"), "<time>"),
)


class Masks:
    """What two runs of one session cannot have in common: places, ids, and real time.

    Args:
        places: Texts that stand for a place, with what to write for them.
        times: Times and durations may differ too.
    """

    def __init__(self, places: Mapping[str, str], *, times: bool) -> None:
        # The longest first: a folder below another has a name of its own.
        self._places = sorted(places.items(), key=lambda item: -len(item[0]))
        self._patterns = (*_ALWAYS, *(_TIMES if times else ()))

    def __call__(self, text: str) -> str:
        """Return the text without all that."""
        for place, name in self._places:
            if place:
                text = text.replace(place, name)
        for pattern, name in self._patterns:
            text = pattern.sub(name, text)
        return text


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """How alike values must be.

    Attributes:
        recorded: Masks of the recorded texts.
        replayed: Masks of the replayed texts.
        tolerance: Absolute and relative; 0: bit by bit.
    """

    recorded: Masks
    replayed: Masks
    tolerance: float = 0.0

    def alike(self, one: Any, other: Any) -> bool:
        """Tell whether two plain values agree; of trees ask `differences`."""
        if isinstance(one, (str, PurePath)) and isinstance(other, (str, PurePath)):
            return self.recorded(str(one)) == self.replayed(str(other))
        if _is_number(one) and _is_number(other):
            return self._numbers_alike(one, other)
        if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
            return largest_deviation(one, other, self.tolerance) is None
        return type(one) is type(other) and bool(one == other)

    def _numbers_alike(self, one: Any, other: Any) -> bool:
        if isinstance(one, bool) != isinstance(other, bool):
            return False
        if one == other or (one != one and other != other):  # both are NaN
            return True
        return bool(abs(one - other) <= self.tolerance * (1 + abs(one)))


def differences(one: Any, other: Any, rule: Rule, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the key and both values of each difference of two trees; None where there is none."""
    one, other = _plain(one), _plain(other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in [*one, *(name for name in other if name not in one)]:
            inside = f"{key}/{name}" if key else str(name)
            yield from differences(one.get(name), other.get(name), rule, inside)
    elif _is_list(one) and _is_list(other):
        for index in range(max(len(one), len(other))):
            first, second = (v[index] if index < len(v) else None for v in (one, other))
            yield from differences(first, second, rule, f"{key}[{index}]")
    elif not rule.alike(one, other):
        yield key, one, other


def largest_deviation(one: Any, other: Any, tolerance: float = 0.0) -> tuple[int, float] | None:
    """Compare two columns; return the first row that differs and the largest deviation.

    Without a tolerance it is the bits that count: NaN equals NaN, 0.0 is not -0.0. The deviation
    is NaN when the columns cannot be subtracted, and None is returned when they agree.
    """
    first, second = np.asarray(one), np.asarray(other)
    if first.shape[1:] != second.shape[1:] or first.dtype.kind not in "biufc":
        same = first.shape == second.shape and bool(np.all(first == second))
        return None if same else (0, math.nan)
    rows = min(len(first), len(second)) if first.ndim and second.ndim else 0
    if first.ndim == 0:
        first, second, rows = first.reshape(1), second.reshape(1), 1
    differ = _differing(first[:rows], second[:rows], tolerance)
    if not differ.any():
        return None if len(first) == len(second) else (rows, math.nan)
    return int(np.argmax(differ)), _deviation(first[:rows], second[:rows])


def _differing(one: NDArray[Any], other: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    """Return for each row whether it differs."""
    if tolerance:
        with np.errstate(invalid="ignore", over="ignore"):
            alike = np.isclose(other, one, rtol=tolerance, atol=tolerance, equal_nan=True)
        wrong = ~alike
    elif one.dtype.kind in "fc" and one.dtype == other.dtype:
        nan = np.isnan(one) & np.isnan(other)
        signs = np.signbit(one.real) != np.signbit(other.real)
        wrong = ((one != other) | signs) & ~nan
    else:
        wrong = one != other
    rows: NDArray[np.bool_] = wrong.reshape(len(one), -1).any(axis=1)
    return rows


def _deviation(one: NDArray[Any], other: NDArray[Any]) -> float:
    kind = complex if "c" in (one.dtype.kind, other.dtype.kind) else float
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(other.astype(kind) - one.astype(kind))
    distance = distance[~np.isnan(distance)]
    return float(distance.max()) if distance.size else math.nan


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    return value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex))
