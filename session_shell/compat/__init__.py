"""Import names of other systems, for setup scripts that were written for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from session_shell.compat.bliss import bliss_names
from session_shell.compat.gevent import gevent_names

__all__ = ["bliss_names", "foreign_names", "gevent_names"]


@contextmanager
def foreign_names(session: Any = None) -> Iterator[None]:
    """Make all names that we know of other systems importable until the end of the block."""
    with bliss_names(session), gevent_names(session):
        yield
