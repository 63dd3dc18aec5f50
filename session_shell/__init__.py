"""A beamline session on a laptop: scans, motors, counters, metadata and NeXus files.

>>> from session_shell import open_session
>>> with open_session("demo") as session:                     # doctest: +SKIP
...     scan = session.run("loopscan(10, 0.1, diode3)")
...     scan.data["diode3"].shape
(10,)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = ["__version__", "current_session", "open_scan", "open_session"]

if TYPE_CHECKING:
    from session_shell.current import current_session
    from session_shell.nexus import open_scan
    from session_shell.opening import open_session


def __getattr__(name: str) -> Any:
    # Imported late: `import session_shell` alone must cost nothing.
    if name == "open_session":
        from session_shell.opening import open_session

        return open_session
    if name == "open_scan":
        from session_shell.nexus import open_scan

        return open_scan
    if name == "current_session":
        from session_shell.current import current_session

        return current_session
    raise AttributeError(f"module 'session_shell' has no attribute {name!r}")
