"""Hooks around scans and points, and watchdogs that pause or stop them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from session_shell.devices.motion.together import limited_call
from session_shell.errors import CommandError, ScanError
from session_shell.interrupts import InterruptGuard

Action = Literal["pause", "stop", "abort"]


class ScanPreset:
    """What is done around a scan; make a subclass with the methods that you need.

    An exception in one of them ends the scan as FAILURE and names it; ``stop`` is called at the
    end of every scan whose ``prepare`` was called.

    Example::

        class Shutter(ScanPreset):
            def start(self, scan):
                shutter.open()

            def stop(self, scan):
                shutter.close()

        add_preset(Shutter())                       # for all scans of the session
        s = loopscan(10, 0.1, run=False)
        s.add_preset(Shutter())                     # for this one
        s.run()
    """

    def prepare(self, scan: Any) -> None:
        """Do something before the devices are prepared."""

    def start(self, scan: Any) -> None:
        """Do something when all is prepared, before the first point."""

    def stop(self, scan: Any) -> None:
        """Do something after the last point, also after an abort or a failure."""

    def before_point(self, scan: Any, index: int) -> None:
        """Do something when the axes stand, before point `index` is counted."""

    def after_point(self, scan: Any, index: int) -> None:
        """Do something when point `index` has been counted."""


@dataclass(slots=True)
class Watchdog:
    """Looks whether a scan may go on, before each point but not more often than `interval`.

    Attributes:
        check: Gets the scan; returns a reason (a text, or True) while it must not go on.
        action: ``pause`` waits until `check` returns nothing any more, then the scan goes on;
            ``stop`` ends it after the present point; ``abort`` ends it at once.
        interval: Seconds between two looks.
    """

    check: Callable[[Any], Any]
    action: Action = "pause"
    interval: float = 1.0
    _due: float = field(default=float("-inf"))

    def __post_init__(self) -> None:
        check: Any = self.check
        if not callable(check) or not _can_be_called(check, 1):
            raise CommandError(
                f"a watchdog needs a function that gets the scan, not {self.check!r}"
            )
        if self.action not in ("pause", "stop", "abort"):
            raise CommandError(
                f"a watchdog's action is 'pause', 'stop' or 'abort', not {self.action!r}"
            )
        if isinstance(self.interval, bool) or not self.interval > 0:
            raise CommandError(f"a watchdog's interval is in seconds > 0, not {self.interval!r}")

    def reason(self, scan: Any, now: float) -> str:
        """Return why the scan must not go on, empty when it may or when it is too early to ask."""
        if now < self._due:
            return ""
        self._due = now + self.interval
        return self.ask(scan)

    def ask_again(self) -> None:
        """Ask the next time, however soon that is."""
        self._due = float("-inf")

    def ask(self, scan: Any) -> str:
        """Ask now; an exception of the check becomes a `ScanError` that names it."""
        try:
            answer = self.check(scan)
        except Exception as error:
            raise ScanError(f"watchdog {self.name} failed: {_text(error)}") from error
        if not answer:
            return ""
        return answer if isinstance(answer, str) else f"{self.name} says so"

    @property
    def name(self) -> str:
        """Name of the function that checks."""
        return str(getattr(self.check, "__name__", type(self.check).__name__))


_ARGUMENTS = {"prepare": 1, "start": 1, "stop": 1, "before_point": 2, "after_point": 2}
"""Hooks, and how many arguments they get: the scan, and the index of the point."""


def checked_preset(preset: Any) -> Any:
    """Return a preset, or that of a device which has one, such as a shutter.

    Raises:
        CommandError: When it has no hooks, or methods of these names that are something else.
    """
    hooks = getattr(preset, "preset", preset)
    found = [hook for hook in _ARGUMENTS if callable(getattr(hooks, hook, None))]
    if isinstance(hooks, type) or not found:
        *names, last = _ARGUMENTS
        raise CommandError(
            f"add_preset: expected an object with {', '.join(names)} or {last}, got {preset!r}"
        )
    for hook in found:
        if not _can_be_called(getattr(hooks, hook), _ARGUMENTS[hook]):
            arguments = ("scan", "index")[: _ARGUMENTS[hook]]
            name = getattr(preset, "name", repr(preset))
            raise CommandError(
                f"add_preset: {name} is not a preset: its {hook} does not take "
                f"({', '.join(arguments)})"
            )
    return hooks


def _can_be_called(function: Callable[..., Any], arguments: int) -> bool:
    try:
        inspect.signature(function).bind(*range(arguments))
    except TypeError:
        return False
    except ValueError:
        return True  # written in C, without a signature
    return True


class Hooks:
    """All presets of one scan, called in their order."""

    def __init__(self, presets: list[Any], scan: Any) -> None:
        self._presets = presets
        self._scan = scan
        self.has_points = any(_overrides(p, "before_point", "after_point") for p in presets)
        self._prepared: list[Any] = []

    def prepare(self) -> None:
        """Call ``prepare`` of each."""
        for preset in self._presets:
            self._prepared.append(preset)
            self._call(preset, "prepare")

    def start(self) -> None:
        """Call ``start`` of each."""
        for preset in self._presets:
            self._call(preset, "start")

    def stop(self, guard: InterruptGuard) -> list[Exception]:
        """Call ``stop`` of each that was prepared, the last first; return what went wrong."""
        errors: list[Exception] = []
        while self._prepared:
            preset = self._prepared.pop()
            call = partial(self._call, preset, "stop")
            errors += limited_call(call, f"preset {type(preset).__name__}.stop", guard)
        return errors

    def before_point(self, index: int) -> None:
        """Call ``before_point`` of each."""
        for preset in self._presets:
            self._call(preset, "before_point", index)

    def after_point(self, index: int) -> None:
        """Call ``after_point`` of each."""
        for preset in self._presets:
            self._call(preset, "after_point", index)

    def _call(self, preset: Any, hook: str, *arguments: Any) -> None:
        # A preset may be any object: what it lacks is not called.
        function = getattr(preset, hook, None)
        if function is None:
            return
        try:
            function(self._scan, *arguments)
        except Exception as error:
            name = type(preset).__name__
            raise ScanError(f"preset {name}.{hook} failed: {_text(error)}") from error


def _overrides(preset: Any, *hooks: str) -> bool:
    return any(
        getattr(type(preset), hook, None) not in (None, getattr(ScanPreset, hook))
        or hook in getattr(preset, "__dict__", {})
        for hook in hooks
    )


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
