"""What people need to test their own setup scripts and devices with pytest.

The fixtures are there as soon as session-shell is installed: `beamline` is an open session in
virtual time with data in a temporary folder, `beamline_open` opens others, `beamline_terminal`
types at the real prompt, and `beamline_config` says which configuration is meant. The classes
behind them are usable without pytest.

>>> from session_shell.testing import Beamline
>>> with Beamline("demo", config="sessions", data="data") as beamline:    # doctest: +SKIP
...     beamline.run("ascan roby 0 10 10 0.1 diode")
...     beamline.documents[-1].ended.reason
"""

from __future__ import annotations

from session_shell.testing.beamline import Beamline
from session_shell.testing.documents import Documents, ScanDocuments
from session_shell.testing.screens import Paper, Screen
from session_shell.testing.terminal import Terminal

__all__ = ["Beamline", "Documents", "Paper", "ScanDocuments", "Screen", "Terminal"]
