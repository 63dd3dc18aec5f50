"""Look at the session: its objects, counters, groups, configuration, and the last error."""

from __future__ import annotations

import inspect
import sys
import traceback
from fnmatch import fnmatchcase
from typing import Any

from session_shell.commands.arguments import text
from session_shell.commands.tables import print_table
from session_shell.current import current_session
from session_shell.devices.protocols import is_detector
from session_shell.errors import CommandError
from session_shell.scanning.results import ScanResults
from session_shell.scanning.scan import Scan


def info(obj: Any) -> None:
    """Print what there is to know of an object: state, settings, units.

    Args:
        obj: A device, a scan, SCAN_SAVING, ..., or a name.

    Example:
        ``info(roby)``
    """
    if isinstance(obj, str):
        namespace = current_session().namespace
        if obj not in namespace:
            raise CommandError(f"info: there is no object {obj!r} in this session")
        obj = namespace[obj]
    print(obj.summary() if isinstance(obj, ScanResults) else describe(obj))


def describe(value: Any) -> str:
    """Return how the prompt shows a value: its summary if it has one, a hint for commands."""
    if hasattr(type(value), "__info__"):
        return str(value.__info__())
    if inspect.isfunction(value) and value.__module__.startswith("session_shell.commands"):
        first = (inspect.getdoc(value) or "").split("\n", 1)[0]
        return f"{value.__name__}{_signature(value)}\n  {first}\n  Run it with {_call(value)}"
    return repr(value)


def show(value: Any) -> None:
    """Print a value as the prompt shows it."""
    print(describe(value))


def lscnt() -> None:
    """Print all counters with unit, sampling mode and class.

    Example:
        ``lscnt()``
    """
    rows = []
    for device in current_session().devices.values():
        if is_detector(device):
            channel = device.channels[0]
            shape = "x".join(map(str, channel.shape)) or "0-D"
            kind = type(device).__name__
            rows.append((device.name, channel.unit, channel.mode, shape, kind))
    print_table(("counter", "unit", "mode", "shape", "class"), rows)


def lsmg() -> None:
    """Print the measurement groups, the active one marked, and their counters.

    Example:
        ``lsmg()``
    """
    session = current_session()
    rows = [
        (
            "*" if group is session.active_mg else "",
            group.name,
            ", ".join(group.enabled),
            ", ".join(group.disabled),
        )
        for group in session.measurement_groups
    ]
    print_table(("active", "group", "enabled", "disabled"), rows)


def lsobj(pattern: str = "*") -> None:
    """Print the names of the objects of the session.

    Args:
        pattern: Only names that match, with ``*`` and ``?``.

    Example:
        ``lsobj("rob*")``
    """
    wanted = text("lsobj", "pattern", pattern)
    session = current_session()
    rows = []
    made = {n: d for n, d in session.devices.items() if n not in session.loaded.devices}
    for name, device in {**session.loaded.visible, **made}.items():
        if fnmatchcase(name, wanted):
            true_name = getattr(device, "name", name)
            alias = f"alias of {true_name}" if true_name != name else ""
            rows.append((name, type(device).__name__, alias))
    print_table(("object", "class", ""), rows)


def lsconfig() -> None:
    """Print where in the configuration each object of the session is defined.

    Example:
        ``lsconfig()``
    """
    session = current_session()
    objects = session.loaded.configuration.objects
    rows = [
        (name, objects[name].class_name, objects[name].where)
        for name in session.devices
        if name in objects
    ]
    print_table(("object", "class", "defined in"), rows)
    for problem in session.problems:
        print(problem)


def prdef(function: Any) -> None:
    """Print the source of a function or class, and where it is.

    Example:
        ``prdef(my_function)``
    """
    target = inspect.unwrap(function) if callable(function) else type(function)
    try:
        lines, first = inspect.getsourcelines(target)
        file = inspect.getsourcefile(target)
    except (OSError, TypeError) as error:
        raise CommandError(f"prdef: there is no source of {function!r}: {error}") from error
    print(f"{file}:{first}\n{''.join(lines)}")


def last_error() -> None:
    """Print all of the last error: where it happened and what caused it.

    Example:
        ``last_error()``
    """
    error = current_session().last_error
    if error is None:
        print("no error so far")
        return
    print("".join(traceback.format_exception(error)), end="")


def clear() -> None:
    """Clear the screen, when there is one.

    Example:
        ``clear()``
    """
    if sys.stdout.isatty():
        from rich.console import Console

        Console().clear()


def metadata_profiling(scan: Scan | None = None) -> None:
    """Print how long each metadata source took, the slowest first.

    Args:
        scan: Default: the last one.

    Example:
        ``metadata_profiling()``
    """
    chosen = scan
    if chosen is None:
        scans = current_session().scans
        if not scans:
            raise CommandError("metadata_profiling: there is no scan yet")
        chosen = scans[-1]
    if not isinstance(chosen, Scan):
        raise CommandError(f"metadata_profiling: expected a scan like SCANS[-1], got {scan!r}")
    rows = [
        (p.source, p.category, p.timing, f"{p.seconds * 1e3:.3f}")
        for p in sorted(chosen.profile, key=lambda p: -p.seconds)
    ]
    print_table(("source", "category", "taken at", "ms"), rows, right=(3,))


def _signature(function: Any) -> inspect.Signature:
    """Return the signature without types: names and defaults are what one types."""
    signature = inspect.signature(function)
    plain = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return signature.replace(parameters=plain, return_annotation=signature.empty)


def _call(function: Any) -> str:
    needed = [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return f"{function.__name__}({', '.join(needed)})"
