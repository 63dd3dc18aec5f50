"""``gevent.sleep``, which scripts that were written for BLISS call, as the session's own sleep.

There are no greenlets here, so nothing else of gevent is offered.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

from session_shell.compat.stand_in import standing_in
from session_shell.user_time import own_watch


class _Gevent(ModuleType):
    def __getattr__(self, name: str) -> Any:
        hint = "" if name.startswith("__") else " (there are no greenlets; gevent is not installed)"
        raise AttributeError(f"session-shell offers gevent.sleep, not gevent.{name}{hint}")


def gevent_names(_session: Any = None) -> AbstractContextManager[None]:
    """Make ``gevent.sleep`` importable until the end of the block, if gevent is not installed."""
    return standing_in("gevent", _modules)


def _modules() -> Mapping[str, ModuleType]:
    module = _Gevent("gevent", "gevent.sleep of session-shell, while a session is open.")
    module.__dict__["sleep"] = sleep
    return {"gevent": module}


def sleep(seconds: float = 0, ref: bool = True) -> None:  # noqa: ARG001
    """Wait for some seconds of the session's clock, as ``time.sleep`` does in a script."""
    watch = own_watch()
    if watch is None:
        time.sleep(max(seconds, 0))
    else:
        watch.sleep(max(seconds, 0))
