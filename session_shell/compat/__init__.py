"""Import names of other systems, for setup scripts that were written for them."""

from __future__ import annotations

from session_shell.compat.bliss import bliss_names

__all__ = ["bliss_names"]
