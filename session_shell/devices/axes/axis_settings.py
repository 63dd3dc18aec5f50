"""Saved settings of a simulated axis, read back with care: they come from a file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from session_shell.devices.checks import number, positive
from session_shell.errors import DeviceError


def read_settings(state: Mapping[str, Any]) -> tuple[dict[str, float], list[str]]:
    """Return the usable values of a saved state, and a text for each that is not.

    Keys that are not known are left out: a newer version may have written them.
    """
    values: dict[str, float] = {}
    problems: list[str] = []
    for key, read in _READERS.items():
        if key not in state:
            continue
        try:
            values[key] = read(state[key], key)
        except DeviceError:
            problems.append(f"{key} {state[key]!r:.40}")
    return values, problems


def _sign(value: Any, what: str) -> float:
    found = number(value, what)
    if found not in (1.0, -1.0):
        raise DeviceError(f"{what} must be 1 or -1")
    return found


def _limit(none: float) -> Callable[[Any, str], float]:
    def read(value: Any, what: str) -> float:
        return none if value is None else number(value, what, infinite=True)

    return read


_READERS: Mapping[str, Callable[[Any, str], float]] = {
    "dial": number,
    "set_dial": lambda value, what: math.nan if value is None else number(value, what),
    "sign": _sign,
    "offset": number,
    "dial_low_limit": _limit(-math.inf),
    "dial_high_limit": _limit(math.inf),
    "velocity": positive,
    "acceleration": positive,
    "backlash": number,
}
