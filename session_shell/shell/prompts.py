"""How the prompt looks, and how it shows values."""

from __future__ import annotations

import inspect
from typing import Any

from IPython.core.formatters import PlainTextFormatter
from IPython.terminal.prompts import Prompts
from pygments.token import Token  # type: ignore[import-untyped]

from session_shell.commands.info import describe


class SessionPrompts(Prompts):
    """``DEMO [1]:`` and, below it, ``Out [1]:``."""

    @property
    def _name(self) -> str:
        return str(self.shell.session.name).upper()  # type: ignore[attr-defined]

    def in_prompt_tokens(self) -> list[tuple[Any, str]]:
        """Return the prompt for input."""
        return [
            (Token.Prompt.Mode, self.vi_mode()),  # type: ignore[no-untyped-call]
            (Token.Prompt, f"{self._name} ["),
            (Token.PromptNum, str(self.shell.execution_count)),
            (Token.Prompt, "]: "),
        ]

    def out_prompt_tokens(self) -> list[tuple[Any, str]]:
        """Return what stands before a value."""
        return [
            (Token.OutPrompt, "Out [".rjust(len(self._name) + 2)),
            (Token.OutPromptNum, str(self.shell.displayhook.prompt_count)),
            (Token.OutPrompt, "]: "),
        ]


class SummaryFormatter(PlainTextFormatter):
    """Show what an object tells about itself, as ``info(obj)`` does; else as IPython would."""

    def __call__(self, obj: Any) -> Any:
        """Return the text of a value."""
        command = inspect.isfunction(obj) and obj.__module__.startswith("session_shell.")
        if command or (hasattr(type(obj), "__info__") and not isinstance(obj, type)):
            return describe(obj)
        return super().__call__(obj)
