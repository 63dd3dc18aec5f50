"""A beamline session on a laptop: scans, motors, counters, metadata and NeXus files.

>>> from session_shell import open_session
>>> with open_session("demo") as session:                     # doctest: +SKIP
...     scan = session.run("loopscan(10, 0.1, diode3)")
...     scan.data["diode3"].shape
(10,)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from session_shell.late import late

__version__ = "0.1.0"

__all__ = ["__version__", "current_session", "open_scan", "open_session"]

if TYPE_CHECKING:
    from session_shell.current import current_session
    from session_shell.nexus import open_scan
    from session_shell.opening import open_session


# `import session_shell` alone must cost nothing.
__getattr__ = late(
    __name__, {"open_session": "opening", "open_scan": "nexus", "current_session": "current"}
)
