"""Modules that stand in for packages which are not installed, while a session is open."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType

_SESSIONS = "__session_shell_sessions__"


@contextmanager
def standing_in(package: str, make: Callable[[], Mapping[str, ModuleType]]) -> Iterator[None]:
    """Make modules importable until the end of the block; nothing when `package` is installed.

    Args:
        package: Name of the package.
        make: Gives its modules by their full names.
    """
    if not hasattr(sys.modules.get(package), _SESSIONS):
        if package in sys.modules or find_spec(package) is not None:
            yield
            return
        sys.modules.update(make())
        setattr(sys.modules[package], _SESSIONS, 0)
    # Sessions may be closed in any order: the last one takes the names away. The count is kept
    # with the modules that it is about.
    top = sys.modules[package]
    setattr(top, _SESSIONS, getattr(top, _SESSIONS) + 1)
    try:
        yield
    finally:
        setattr(top, _SESSIONS, getattr(top, _SESSIONS) - 1)
        if getattr(top, _SESSIONS) == 0:
            for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
                del sys.modules[name]
