"""Make axes and counters at the prompt: calculated, soft, and groups of axes."""

from __future__ import annotations

import difflib
import keyword
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from session_shell.commands import arguments as check
from session_shell.current import current_session
from session_shell.devices.context import DeviceContext
from session_shell.devices.protocols import is_axis, is_detector
from session_shell.errors import CommandError

Device = TypeVar("Device")


def calc_counter(
    name: str,
    function: Callable[..., Any],
    *counters: Any,
    unit: str = "",
    shape: Sequence[int] = (),
) -> Any:
    """Make a counter that is a function of other counters; it appears at the prompt.

    Args:
        name: Its name.
        function: Gets the value of each counter (a number, or the array of a spectrum or image)
            and returns a number; if it has a parameter ``count_time``, that is given too.
        counters: Counters or axes, or their names.
        unit: Unit of the result.
        shape: Shape of the result if it is an array.

    Returns:
        The counter. A division by zero at a point gives NaN there.

    Raises:
        CommandError: When an argument cannot be used.

    Example:
        ``calc_counter("ratio", lambda d1, d2: d1 / d2, diode1, diode2)``
    """
    from session_shell.devices.counters.calculated import CalculatedCounter

    wanted = _free_name("calc_counter", name)
    inputs = [_counter("calc_counter", each) for each in counters]
    return _keep(CalculatedCounter(wanted, function, inputs, unit=unit, shape=shape))


def per_second(name: str, counter: Any) -> Any:
    """Make a counter that is another one divided by the count time; it appears at the prompt.

    Args:
        name: Its name.
        counter: The counter; its unit ``counts`` becomes ``counts/s``.

    Example:
        ``per_second("diode1_rate", diode1)``
    """
    from session_shell.devices.counters.calculated import per_second as made

    wanted = _free_name("per_second", name)
    return _keep(made(wanted, counter=_counter("per_second", counter)))


def clock_counter(name: str, kind: str = "epoch") -> Any:
    """Make a counter that gives the time at which each point began; it appears at the prompt.

    Args:
        name: Its name.
        kind: ``epoch``, seconds since 1970, or ``elapsed``, seconds since the first point.

    Example:
        ``clock_counter("seconds", "elapsed")``
    """
    from session_shell.devices.counters.derived import ClockCounter

    wanted = _free_name("clock_counter", name)
    if kind not in ("epoch", "elapsed"):
        raise CommandError(f"clock_counter: kind must be 'epoch' or 'elapsed', got {kind!r}")
    return _keep(ClockCounter(wanted, context=_context(), kind=kind))  # type: ignore[arg-type]


def soft_axis(
    name: str,
    obj: Any = None,
    position: str | Callable[[], float] = "position",
    move: str | Callable[[float], Any] = "move",
    stop: str | Callable[[], Any] | None = None,
    low_limit: float | None = None,
    high_limit: float | None = None,
    unit: str = "",
) -> Any:
    """Make an axis of anything that can be set; it appears at the prompt and can be scanned.

    Args:
        name: Its name.
        obj: Any object; None when `position` and `move` are functions.
        position: What tells the position: the name of an attribute or method of `obj`, or a
            function.
        move: What moves it: the name of a method, or of an attribute that is set, or a function.
            It may return a status, with ``done()`` and ``result()``; otherwise the axis is there
            when it returns.
        stop: What stops it, if anything does.
        low_limit: Lowest position, in `unit`.
        high_limit: Highest position.
        unit: Unit of positions.

    Example:
        ``soft_axis("sy_speed", sy, position="velocity", move="velocity", unit="mm/s")``
    """
    from session_shell.devices.soft.soft_config import soft_axis as made

    return _keep(
        made(
            _free_name("soft_axis", name),
            context=_context(),
            obj=obj,
            position=position,
            move=move,
            stop=stop,
            low_limit=low_limit,
            high_limit=high_limit,
            unit=unit,
        )
    )


def soft_counter(
    name: str,
    obj: Any = None,
    value: str | Callable[[], Any] | None = None,
    unit: str = "",
    mode: str = "MEAN",
    apply: Callable[[Any], Any] | None = None,
    sampling_rate: float = 100.0,
) -> Any:
    """Make a counter of anything that can be read; it appears at the prompt.

    Args:
        name: Its name.
        obj: Any object, or a function that is called.
        value: The name of an attribute or method of `obj`; default ``value`` if `obj` is none
            that can be called.
        unit: Unit of the values.
        mode: What is made of the samples of a point: MEAN, STATS, SUM, INTEGRATE, SINGLE, LAST,
            or SAMPLES.
        apply: A function through which every sample goes.
        sampling_rate: Samples per second of count time.

    Example:
        ``soft_counter("sy_speed", sy, "velocity", unit="mm/s", mode="LAST")``
    """
    from session_shell.devices.soft.soft_config import soft_counter as made

    return _keep(
        made(
            _free_name("soft_counter", name),
            context=_context(),
            obj=obj,
            value=value,
            unit=unit,
            mode=mode,
            apply=apply,
            sampling_rate=sampling_rate,
        )
    )


def SoftAxis(  # noqa: N802  users know it by this name
    name: str,
    obj: Any = None,
    position: str | Callable[[], float] = "position",
    move: str | Callable[[float], Any] = "move",
    **options: Any,
) -> Any:
    """Make an axis of anything that can be set: another name of `soft_axis`.

    Example:
        ``SoftAxis("sz_speed", sz, position="velocity", move="velocity")``
    """
    return soft_axis(name, obj, position, move, **_known("SoftAxis", soft_axis, options))


def SoftCounter(  # noqa: N802  users know it by this name
    obj: Any = None,
    value: str | Callable[[], Any] = "value",
    name: str | None = None,
    **options: Any,
) -> Any:
    """Make a counter of anything that can be read: `soft_counter`, its arguments in another order.

    Args:
        obj: Any object; None when `value` is a function.
        value: The name of an attribute or method of `obj`, or a function.
        name: Its name; default that of `obj` and of `value`: ``oven_temperature``.
        options: ``unit, mode, apply, sampling_rate`` as for `soft_counter`.

    Example:
        ``SoftCounter(sz, "velocity", name="speed_of_sz")``
    """
    if name is None:
        of = getattr(obj, "name", type(obj).__name__ if obj is not None else "")
        what = value if isinstance(value, str) else getattr(value, "__name__", "value")
        name = f"{of}_{what}" if of else what
    return soft_counter(name, obj, value, **_known("SoftCounter", soft_counter, options))


def Group(*axes: Any, name: str = "group") -> Any:  # noqa: N802  users know it by this name
    """Make a group of axes, to be moved, looked at and stopped together.

    Args:
        axes: Axes or their names.
        name: What it is called in messages.

    Returns:
        The group, with ``position, state, move(axis, position, ...), rmove, stop, wait_move``.

    Example:
        ``Group(sx, sy, sz).move(sx, 1, sz, 2)``
    """
    from session_shell.devices.axes.group import AxisGroup, axes_by_name

    members = [check.axis("Group", f"argument {n}", a) for n, a in enumerate(axes, start=1)]
    wanted = check.text("Group", "name", name)
    return AxisGroup(wanted, axes_by_name("Group", members), context=_context())


def _known(command: str, maker: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any]:
    """Return keyword arguments that the maker takes; others get a clear message."""
    known = list(maker.__annotations__)
    for key in options:
        if key not in known or key in ("return", "name", "obj"):
            close = difflib.get_close_matches(key, known, n=1)
            hint = f", did you mean {close[0]!r}?" if close else ""
            raise CommandError(f"{command}: there is no keyword {key!r}{hint}")
    return options


def _context() -> DeviceContext:
    session = current_session()
    return DeviceContext(
        clock=session.clock,
        seed=session.seed,
        guard=session.guard,
        turn=lambda: session.journal.number,
    )


def _free_name(command: str, name: Any) -> str:
    """Return a name that becomes a variable and hides nothing that others rely on."""
    wanted = check.text(command, "the name", name)
    if not wanted.isidentifier() or keyword.iskeyword(wanted):
        raise CommandError(
            f"{command}: {wanted!r} cannot be a name: letters, digits and '_' only, no digit first"
        )
    session = current_session()
    if wanted in session.loaded.visible or wanted in session.loaded.devices:
        raise CommandError(f"{command}: {wanted} is an object of the configuration; take another")
    module = getattr(session.namespace.get(wanted), "__module__", None)
    if isinstance(module, str) and module.startswith("session_shell.commands"):
        raise CommandError(f"{command}: {wanted} is a command; take another name")
    return wanted


def _counter(command: str, value: Any) -> Any:
    session = current_session()
    if isinstance(value, str):
        value = session.devices.get(value, session.namespace.get(value, value))
    if not is_detector(value) and not is_axis(value):
        raise CommandError(f"{command}: {value!r:.60} is neither a counter nor an axis")
    return value


def _keep(device: Device) -> Device:
    """Make a device part of the session and a name at the prompt; it replaces an older one."""
    session = current_session()
    name: str = device.name  # type: ignore[attr-defined]
    names = session.namespace
    after_setup = bool(names.protected)
    names.unprotect(name)
    session.devices[name] = names[name] = device
    if after_setup:
        names.protect([name])
    return device
