"""Control scans: go on after a pause, end one, and hooks for all scans of the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from session_shell.commands.arguments import text
from session_shell.current import current_session
from session_shell.errors import CommandError
from session_shell.scanning.forecast import Forecast
from session_shell.scanning.presets import Action, ScanPreset, Watchdog, checked_preset
from session_shell.scanning.scan import Scan

__all__ = [
    "ScanPreset",
    "abort",
    "add_preset",
    "add_watchdog",
    "remove_preset",
    "resume",
    "simulate",
]


def resume() -> Scan | None:
    """Let the scan go on that was paused with Ctrl-Z; its axes go back first.

    The line that runs the scan goes on when the one with ``resume()`` is over.

    Returns:
        Nothing; where no line waits for the scan, the scan when it is over.

    Raises:
        CommandError: When none is paused.

    Example:
        ``resume()``
    """
    scan = _paused("resume")
    held = scan.is_held
    scan.resume()
    return None if held else scan


def abort() -> Scan | None:
    """End the scan that was paused with Ctrl-Z, and the line that runs it; data are kept.

    Returns:
        Nothing; where no line waits for the scan, the scan.

    Raises:
        CommandError: When none is paused.

    Example:
        ``abort()``
    """
    scan = _paused("abort")
    held = scan.is_held
    scan.abort()
    return None if held else scan


def add_preset(preset: Any) -> None:
    """Add hooks to all scans of this session.

    Args:
        preset: An object with some of the methods ``prepare(scan)``, ``start(scan)``,
            ``stop(scan)``, ``before_point(scan, index)``, ``after_point(scan, index)``; see
            `ScanPreset`. A device that has such a ``preset``, as a shutter, may be given itself.

    Example:
        ``add_preset(my_shutter_preset)``
    """
    current_session().host.presets.append(checked_preset(preset))


def add_watchdog(
    check: Callable[[Any], Any], action: Action = "pause", interval: float = 1.0
) -> None:
    """Let a function look whether scans of this session may go on.

    Args:
        check: Gets the scan; returns a reason (some text) while it must not go on.
        action: ``"pause"`` waits until `check` returns nothing, ``"stop"`` ends the scan after
            the point, ``"abort"`` at once.
        interval: Seconds between two looks.

    Example:
        ``add_watchdog(lambda scan: "no beam" if srcur.value < 1 else None)``
    """
    current_session().host.watchdogs.append(Watchdog(check, action, interval))


def remove_preset(hook: Any) -> None:
    """Remove a preset, or the function of a watchdog, from the session.

    Example:
        ``remove_preset(my_shutter_preset)``
    """
    host = current_session().host
    hook = _hooks_of(hook)
    if hook in host.presets:
        host.presets.remove(hook)
        return
    dogs = [dog for dog in host.watchdogs if hook in (dog, dog.check)]
    if not dogs:
        raise CommandError(f"remove_preset: {hook!r} is no preset of this session")
    host.watchdogs.remove(dogs[0])


def _hooks_of(preset: Any) -> Any:
    return getattr(preset, "preset", preset)


def simulate(command: str | Scan) -> Forecast | list[Forecast]:
    """Tell what scans would do and take: limits are checked, nothing moves or is written.

    Args:
        command: Commands as typed (``"ascan(roby, 0, 10, 10, 0.1)"``), or a scan that was made
            with ``run=False``.

    Returns:
        Points, duration in seconds, ranges and size of the file; a list for several scans.

    Raises:
        LimitError: When a point cannot be reached.

    Example:
        ``simulate("amesh(roby, 0, 1, 10, robz, 0, 1, 10, 0.1)")``
    """
    if isinstance(command, Scan):
        return command.simulate()
    session, command = current_session(), text("simulate", "command", command)
    found: list[Forecast] = []
    before, session.host.dry = session.host.dry, found
    try:
        session.run(command)
    finally:
        session.host.dry = before
    if not found:
        raise CommandError(f"simulate: {command!r} runs no scan")
    return found[0] if len(found) == 1 else found


def _paused(command: str) -> Scan:
    scan = current_session().host.paused
    if not isinstance(scan, Scan):
        raise CommandError(f"{command}: no scan is paused (Ctrl-Z pauses one)")
    return scan
