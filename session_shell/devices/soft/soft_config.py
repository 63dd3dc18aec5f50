"""From an object and the names of its members to a soft axis or a soft counter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from session_shell.devices.context import DeviceContext
from session_shell.devices.soft.soft import Read, SoftAxis, SoftCounter, Write
from session_shell.errors import DeviceError

Member = str | Callable[..., Any]


def soft_axis(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    obj: Any,
    position: Member = "position",
    move: Member = "move",
    stop: Member | None = None,
    low_limit: float | None = None,
    high_limit: float | None = None,
    unit: str = "",
) -> SoftAxis:
    """Build a soft axis from an object and the names of its members, or from functions.

    `position` and `move` are names of attributes, properties or methods of `obj`, or functions; a
    `move` that is no method is an attribute to be set. Limits are in `unit`.
    """
    return SoftAxis(
        name,
        _reader(obj, position, "position", name),
        _writer(obj, move, name),
        stop=None if stop is None else _caller(obj, stop, "stop", name),
        unit=unit,
        limits=(low_limit, high_limit),
        context=context,
        text=f"{_words(obj)}, position {_words(position)}, move {_words(move)}",
        config=config,
    )


def soft_counter(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    obj: Any = None,
    value: Member | None = None,
    unit: str = "",
    mode: str = "MEAN",
    sampling_rate: float = 100.0,
    apply: Callable[[Any], Any] | None = None,
) -> SoftCounter:
    """Build a soft counter from an object and the name of what is read, or from a function.

    `value` is the name of an attribute, property or method of `obj`, or a function; without it
    `obj` itself is called, and if it cannot be, its attribute ``value`` is read. What is read goes
    through `apply` first, if that is given.
    """
    if value is None:
        value = obj if callable(obj) else "value"
    read = _reader(obj, value, "value", name)
    if apply is None:
        convert = read
    elif callable(apply):
        function = apply

        def convert() -> Any:
            return function(read())
    else:
        raise DeviceError(f"apply must be a function, not {apply!r:.40}", device=name)
    text = _words(value) if callable(value) else f"{_words(obj)}, {value}"
    return SoftCounter(
        name,
        convert,
        unit=unit,
        mode=mode,
        sampling_rate=sampling_rate,
        context=context,
        text=text,
        config=config,
    )


def _reader(obj: Any, member: Member, what: str, name: str) -> Read:
    if not isinstance(member, str):
        return _caller(obj, member, what, name)
    _check_member(obj, member, what, name)

    def read() -> Any:
        found = getattr(obj, member)
        return found() if callable(found) else found

    return read


def _writer(obj: Any, member: Member, name: str) -> Write:
    if isinstance(member, str):
        _check_member(obj, member, "move", name)
        if not callable(getattr(obj, member, None)):
            return lambda target: setattr(obj, member, target)
    function = _caller(obj, member, "move", name)
    return lambda target: function(target)


def _caller(obj: Any, member: Member, what: str, name: str) -> Callable[..., Any]:
    if isinstance(member, str):
        _check_member(obj, member, what, name)
        member = getattr(obj, member)
    if not callable(member):
        raise DeviceError(
            f"{what} must be the name of a method, or a function, not {member!r:.40}", device=name
        )
    return member


def _check_member(obj: Any, member: str, what: str, name: str) -> None:
    if obj is None:
        raise DeviceError(f"give an object whose {member!r} is its {what}", device=name)
    # Asked of the class first: reading a property may take long or fail.
    if not hasattr(type(obj), member) and not hasattr(obj, member):
        raise DeviceError(
            f"{_words(obj)} has no {member!r} to use as its {what}: say {what}=...", device=name
        )


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    for attribute in ("name", "__name__"):
        text = getattr(value, attribute, None)
        if isinstance(text, str):
            return text
    return type(value).__name__
