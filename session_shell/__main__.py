"""``python -m session_shell`` is the same as ``session-shell``."""

from __future__ import annotations

from session_shell.shell.cli import main

if __name__ == "__main__":
    main()
