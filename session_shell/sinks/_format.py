"""How numbers, times and texts look in a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

POINT = 5
"""Decimals at most; shorter numbers are padded on the right, so that the points line up."""


def number(value: Any) -> str:
    """Write a number with six digits, padded so that decimal points line up in a column.

    >>> [number(v) for v in (54.4278, 544.2784, 3, 1.5e-9)]
    ['54.4278 ', '544.278  ', '3', '1.5000e-09']
    """
    if isinstance(value, (bool, int, str)):
        return str(value)
    size = abs(value)
    if size < 1e-4:  # zero, and what would lose its digits
        return "0.00000" if size == 0 else f"{value:.4e}"
    if size < 10:
        return f"{value:.5f}"
    if size < 100:
        return f"{value:.4f} "
    if size < 1000:
        return f"{value:.3f}  "
    if size < 10000:
        return f"{value:.2f}   "
    if size < 1e7:
        return f"{value:.1f}    "
    return f"{value:.4e}" if size < float("inf") else f"{value}"  # also inf and nan


def integer(value: Any) -> str:
    """Write a whole number; what is none after all as `number` does."""
    if isinstance(value, str):
        return value
    return str(int(value)) if value == value and abs(value) < 1e11 else number(float(value))


def array(value: Any) -> str:
    """Write an array as ``min..max``, an empty one or one without order as its shape."""
    import numpy as np

    values = np.asarray(value)
    if values.dtype.kind == "O":  # nothing could be read
        return "-"
    if values.size and values.dtype.kind in "biuf" and not np.isnan(values).all():
        return f"{np.nanmin(values):.3g}..{np.nanmax(values):.3g}"
    return "x".join(map(str, values.shape)) or "-"


def anything(value: Any) -> str:
    """Write what is no number as text."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return clean(text)


def fit(text: str, width: int) -> str:
    """Right-justify `text`; padding gives way before digits do, and a long one is cut."""
    if len(text) > width:
        text = text.rstrip()
    return text.rjust(width) if len(text) <= width else text[: width - 1] + "~"


def clock_time(seconds: float) -> str:
    """Write a duration as ``h:mm:ss``.

    >>> clock_time(3725.4)
    '1:02:05'
    """
    minutes, second = divmod(int(max(seconds, 0.0)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}"


def clean(text: str) -> str:
    """Return `text` as one line without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def short_path(path: Path) -> str:
    """Write `path` from the working directory if it lies below, so that it can be copied."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere, or the working directory was removed
        return str(path)


def seconds(value: float) -> str:
    """Write a number of seconds: milliseconds below ten, tenths above.

    >>> seconds(1.2345), seconds(93.26)
    ('1.234 s', '93.3 s')
    """
    return f"{value:.3f} s" if value < 10 else f"{value:.1f} s"
