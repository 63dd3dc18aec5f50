"""Check what was typed: every message says which command, what it expected, and what it got."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypedDict, TypeVar

from session_shell.current import current_session
from session_shell.devices.counters.derived import as_counter
from session_shell.devices.counters.linking import linked
from session_shell.devices.group import MeasurementGroup
from session_shell.devices.protocols import Detector, Movable, is_axis, is_detector
from session_shell.errors import CommandError

_Command = TypeVar("_Command", bound=Callable[..., Any])
_MOST = 10**15
"""Whole numbers below this are exact as floats, and more points than anybody waits for."""


def takes_words(command: _Command) -> _Command:
    """Let the words of a command be text when it is typed so: ``newsample Fe2O3``."""
    vars(command)["takes_words"] = True
    return command


class ScanOptions(TypedDict, total=False):
    """Keyword arguments that every scan takes."""

    name: str | None
    """Name of the scan, default its family."""
    title: str | None
    """Title of the scan, default the command in the field's words."""
    save: bool
    """Write a file (default True)."""
    sleep_time: float | None
    """Seconds to wait between two points."""
    stab_time: float | None
    """Seconds to wait after a motion, before counting."""
    run: bool | Literal["dry"]
    """Run it now (default True); False returns a scan to edit and ``.run()``; ``"dry"`` only
    tells what it would take."""
    return_scan: bool
    """Return the scan (default True), else None."""
    scan_info: Mapping[str, Any] | None
    """Metadata of this scan alone."""


def check_options(command: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with their defaults, or raise `CommandError`."""
    known = ScanOptions.__annotations__
    for key in options:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f", did you mean {close[0]!r}?" if close else f"; it takes {', '.join(known)}"
            raise CommandError(f"{command}: there is no keyword {key!r}{hint}")
    checked = {
        key: text(command, key, options[key]) if options.get(key) is not None else None
        for key in ("name", "title")
    }
    run = options.get("run")
    dry = isinstance(run, str) and run == "dry"
    flags = {"dry": dry, "run": dry or flag(command, "run", options.get("run", True))}
    flags["save"] = flag(command, "save", options.get("save", True))
    flags["return_scan"] = flag(command, "return_scan", options.get("return_scan", True))
    waits = {
        key: seconds(command, key, options.get(key) or 0.0) for key in ("sleep_time", "stab_time")
    }
    info = options.get("scan_info")
    if info is not None and not isinstance(info, Mapping):
        raise CommandError(f"{command}: scan_info must be a dict, got {_got(info)}")
    return {**checked, **flags, **waits, "scan_info": info or {}}


def seconds(command: str, name: str, value: Any) -> float:
    """Return a time in seconds, zero or more."""
    number = real(command, name, value, "seconds")
    if number < 0:
        raise CommandError(f"{command}: {name} must be 0 s or more, got {_got(value)}")
    return number


def real(command: str, name: str, value: Any, what: str = "a number") -> float:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise CommandError(f"{command}: {name} must be {what}, got {_got(value)}")
    number = _as_float(value)
    if not math.isfinite(number):
        raise CommandError(f"{command}: {name} must be finite, got {_got(value)}")
    return number


def whole(command: str, name: str, value: Any, minimum: int) -> int:
    """Return a whole number of at least `minimum`; ``10.0`` is one."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    number = _as_float(value) if is_number else math.nan
    if not (number.is_integer() and minimum <= number < _MOST):
        most = f" and less than {_MOST:.0e}" if number >= _MOST else ""
        raise CommandError(
            f"{command}: {name} must be a whole number >= {minimum}{most}, got {_got(value)}"
        )
    return int(value)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # 10**400
        return math.inf


def flag(command: str, name: str, value: Any) -> bool:
    """Return a truth value."""
    if not isinstance(value, (bool, numbers.Integral)):
        raise CommandError(f"{command}: {name} must be True or False, got {_got(value)}")
    return bool(value)


def text(command: str, name: str, value: Any) -> str:
    """Return some text."""
    if not isinstance(value, str) or not value.strip():
        raise CommandError(f"{command}: {name} must be some text, got {_got(value)}")
    return value


def axis(command: str, name: str, value: Any) -> Movable:
    """Return an axis, given itself or by its name."""
    device = _by_name(value)
    if device is None or not is_axis(device):
        raise CommandError(f"{command}: {name} must be an axis, got {_got(value)}")
    found: Movable = device
    return found


def axes_and_values(command: str, arguments: tuple[Any, ...]) -> list[tuple[Movable, float]]:
    """Return (axis, position) pairs from ``axis1, position1, axis2, position2, ...``."""
    if not arguments or len(arguments) % 2:
        raise CommandError(
            f"{command}: expected pairs of an axis and a position, "
            f"like {command}(roby, 1) or {command}(roby, 1, robz, 2)"
        )
    pairs = []
    for number in range(0, len(arguments), 2):
        mover = axis(command, f"argument {number + 1}", arguments[number])
        pairs.append((mover, real(command, f"the position of {mover.name}", arguments[number + 1])))
    return pairs


def counters(command: str, given: Iterable[Any]) -> tuple[Detector, ...]:
    """Return detectors from counters, axes, groups and names; none given: the active group."""
    session = current_session()
    found: dict[int, Detector] = {}
    wanted = list(_flat(given))
    if not wanted:
        if session.active_mg is None:
            raise CommandError(
                f"{command}: which counters? Give some, or define a MeasurementGroup"
            )
        wanted = [session.active_mg]
    for item in wanted:
        device = _by_name(item)
        members = device.active_counters if isinstance(device, MeasurementGroup) else [device]
        for member in members:
            if member is None or not (is_detector(member) or is_axis(member)):
                raise CommandError(f"{command}: {_got(item)} is no counter{_counter_hint(item)}")
            # An axis is counted by its position.
            found.setdefault(id(member), as_counter(member))
    if not found:
        names = ", ".join(getattr(item, "name", str(item)) for item in wanted)
        raise CommandError(f"{command}: no counter is enabled in {names}; {names}.enable('*')")
    return linked(list(found.values()))


def _flat(given: Iterable[Any]) -> Iterable[Any]:
    for item in given:
        if isinstance(item, (list, tuple)):
            yield from _flat(item)
        else:
            yield item


def _by_name(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    session = current_session()
    return session.devices.get(value, session.namespace.get(value))


def _counter_hint(value: Any) -> str:
    if isinstance(value, str):
        close = difflib.get_close_matches(value, current_session().devices, n=1)
        return f", did you mean {close[0]!r}?" if close else ""
    return ""


def _got(value: Any) -> str:
    name = getattr(value, "name", None)
    if isinstance(name, str) and not isinstance(value, str):
        return f"{name} ({type(value).__name__})"
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{type(value).__name__} {shown[:30]}..."
