"""The current session: the one module-level variable of the package.

It lives at the bottom so that ``scan_meta.get_user_scan_meta()`` and the like can find the
session without importing it; it is set by `use`, which restores what was there before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from session_shell.errors import SessionShellError

_session: Any = None


def current_session() -> Any:
    """Return the session that is in use, or raise `SessionShellError` when none is open."""
    if _session is None:
        raise SessionShellError(
            "no session is open: use this in a setup script or at the prompt of "
            "'session-shell open NAME', or inside 'with open_session(NAME):'"
        )
    return _session


def find_session() -> Any | None:
    """Return the session that is in use, or None."""
    return _session


@contextmanager
def use(session: Any) -> Iterator[None]:
    """Make `session` the current one, and put back the former one at the end."""
    global _session
    former = _session
    _session = session
    try:
        yield
    finally:
        # A command may have closed its own session: then nobody uses it any more.
        _session = None if getattr(former, "closed", False) else former
