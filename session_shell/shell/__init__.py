"""The command line and the prompt: a thin skin, all rules live below.

The command line (`cli`) imports nothing heavy; the prompt (`app`) is the only place that
imports IPython, and only when somebody sits at a terminal.
"""

from __future__ import annotations

__all__: list[str] = []
