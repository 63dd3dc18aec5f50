"""What a device accepts as a number, and how it says what is wrong with the rest."""

from __future__ import annotations

import math
import numbers
from typing import Any

from session_shell.errors import DeviceError

_NOT_NUMBERS = "give a number, without quotes"


def number(value: Any, what: str, device: str = "", *, infinite: bool = False) -> float:
    """Return `value` as a float.

    Strings, booleans, None, complex numbers, arrays and NaN are refused with a `DeviceError`
    that names `what`; infinity is refused unless `infinite`.
    """
    converted = _as_float(value)
    if converted is None:
        raise DeviceError(f"{what} cannot be {value!r}: {_NOT_NUMBERS}", device=device)
    if math.isnan(converted) or (math.isinf(converted) and not infinite):
        raise DeviceError(f"{what} cannot be {converted:g}: it must be finite", device=device)
    return converted


def positive(value: Any, what: str, device: str = "") -> float:
    """Return `value` as a float above zero, or raise `DeviceError`."""
    converted = number(value, what, device)
    if converted <= 0:
        raise DeviceError(f"{what} must be above zero, not {converted:g}", device=device)
    return converted


def not_negative(value: Any, what: str, device: str = "") -> float:
    """Return `value` as a float that is zero or above, or raise `DeviceError`."""
    converted = number(value, what, device)
    if converted < 0:
        raise DeviceError(f"{what} must not be negative: {converted:g}", device=device)
    return converted


def _as_float(value: Any) -> float | None:
    # numpy arrays of one element would convert too, but are most often a slip of the caller.
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf  # an integer beyond all floats
