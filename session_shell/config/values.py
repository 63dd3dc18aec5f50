"""Check one value against the annotation of a parameter, and say what is wrong in plain words."""

from __future__ import annotations

import enum
import math
import re
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from session_shell.devices.protocols import is_axis, is_detector

_INFINITE = re.compile(r"([-+]?)\.?inf(inity)?\Z", re.IGNORECASE)
_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
    "axis": "an axis",
    "detector": "a counter",
}
_EXPECTED = re.compile(r"Expected `(?P<what>[^`]*)`(?P<more>.*?)(, got .*)?\Z", re.DOTALL)
_AT = re.compile(r"(?P<text>.*?)( - at `(key in )?\$(?P<path>.*)`)?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reference:
    """Stands for the object that ``$name`` will be, when a value is checked without building."""

    name: str
    made: type | None = None
    """Class of the object, as far as it is known."""

    def __str__(self) -> str:
        return f"${self.name}"


class _AxisCheck(type):
    def __instancecheck__(cls, device: object) -> bool:
        if isinstance(device, Reference):
            return device.made is None or hasattr(device.made, "start_move")
        return is_axis(device)


class _DetectorCheck(type):
    def __instancecheck__(cls, device: object) -> bool:
        if isinstance(device, Reference):
            return device.made is None or hasattr(device.made, "trigger")
        return is_detector(device)


class AxisLike(metaclass=_AxisCheck):
    """Any object with the members of `Movable`, for `isinstance`."""


class DetectorLike(metaclass=_DetectorCheck):
    """Any object with the members of `Detector`, for `isinstance`."""


# What msgspec calls them in its messages.
AxisLike.__name__ = AxisLike.__qualname__ = "axis"
DetectorLike.__name__ = DetectorLike.__qualname__ = "detector"


class WrongValueError(Exception):
    """A value that does not fit; `path` is the dotted path of the key."""

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        super().__init__(message)


def convert(value: Any, annotation: Any, key: str, written: Any, folder: Path) -> Any:
    """Return `value` as the annotated type; texts ``inf`` and ``-inf`` count as numbers.

    `written` is the value as in YAML, for the message; relative paths start at `folder`.
    Raises `WrongValueError`.
    """
    import msgspec

    def hook(wanted: type, given: Any) -> Any:
        if issubclass(wanted, Path) and isinstance(given, str):
            return folder / given
        return given

    if annotation is Any or annotation is object:
        return value
    try:
        return msgspec.convert(value, annotation, dec_hook=hook)
    except msgspec.ValidationError as error:
        first = error
    except (TypeError, NotImplementedError):
        return value  # an annotation that msgspec does not know: the factory has to check
    # Only plain values are compared: what a device says to "==" is its own affair.
    infinite = _with_infinities(value)
    if isinstance(value, (str, list, dict)) and infinite != value:
        try:
            return msgspec.convert(infinite, annotation, dec_hook=hook)
        except msgspec.ValidationError:
            pass
    if _only_a_reference_to_see(str(first)):
        return value
    raise _wrong_value(str(first), annotation, key, written)


def _with_infinities(value: Any) -> Any:
    if isinstance(value, str) and (match := _INFINITE.match(value.strip())):
        return -math.inf if match[1] == "-" else math.inf
    if isinstance(value, list):
        return [_with_infinities(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_infinities(item) for key, item in value.items()}
    return value


def _only_a_reference_to_see(text: str) -> bool:
    """Tell whether all that is wrong is that an object is not built yet."""
    match = _EXPECTED.match(_AT.match(text)["text"])  # type: ignore[index]
    if "got `Reference`" not in text or match is None:
        return False
    return not any(word in _WORDS for word in match["what"].split(" | "))


def _wrong_value(text: str, annotation: Any, key: str, written: Any) -> WrongValueError:
    at = _AT.match(text)
    reason, inner = (at["text"], at["path"] or "") if at else (text, "")
    steps = [step for step in re.split(r"[.\[\]]+", inner) if step and step != "..."]
    path = ".".join([key, *steps])
    shown = key + inner.replace("[...]", "")
    for step in steps:
        written = _below(written, step)
    allowed = _allowed(annotation)
    if allowed and not steps:
        return WrongValueError(path, f"{shown} must be {allowed}, not {_short(written)}")
    if match := _EXPECTED.match(reason):
        wanted = [w for w in match["what"].split(" | ") if w != "null"]
        words = " or ".join(_WORDS.get(w, f"a {w}") for w in wanted) + match["more"]
        hint = _quotes(wanted, written)
        if written is None:
            return WrongValueError(path, f"{shown} has no value: it must be {words}")
        return WrongValueError(path, f"{shown} must be {words}, not {_short(written)}{hint}")
    if match := re.match(r"Object missing required field `(.*)`", reason):
        return WrongValueError(path, f"{shown} lacks the key '{match[1]}'")
    return WrongValueError(path, f"{shown}: {reason}, in {_short(written)}")


def _quotes(wanted: list[str], written: Any) -> str:
    if wanted == ["str"] and not isinstance(written, (dict, list)):
        return "; put it in quotes"
    return ""


def _below(value: Any, step: str) -> Any:
    if isinstance(value, list) and step.isdigit() and int(step) < len(value):
        return value[int(step)]
    return value.get(step) if isinstance(value, dict) else value


def _allowed(annotation: Any) -> str:
    """List what a choice allows, empty for annotations that are no choice."""
    options = [a for a in typing.get_args(annotation) if a is not type(None)]
    if typing.get_origin(annotation) is typing.Literal:
        values = list(typing.get_args(annotation))
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        values = [member.value for member in annotation]
    elif len(options) == 1 and type(None) in typing.get_args(annotation):
        return _allowed(options[0])
    else:
        return ""
    return "one of " + ", ".join(repr(v) for v in values) if len(values) > 1 else repr(values[0])


def _short(value: Any) -> str:
    text = value if isinstance(value, str) and value.startswith("$") else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
