"""Write docs/reference/commands.md from the signatures and docstrings of the commands.

Run ``make reference`` after a change of a command; a test tells when it was forgotten.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

from session_shell.commands import GROUPS

from .markdown import ROOT

PAGE = ROOT / "docs" / "reference" / "commands.md"

_TOP = """\
# Commands

What can be typed at the prompt, used in setup scripts and scripts, and given to `session.run()`.
This page is written by `make reference` from the commands themselves; `NAME?` at the prompt
shows the same.

- Axes, counters and measurement groups are given themselves (`roby`) or by name (`"roby"`).
- `loopscan 10 0.1 diode3` is the same as `loopscan(10, 0.1, diode3)`; a line that is valid Python
  is never changed. `%typing_helper off` switches that off.
- Scans that name no counter use the active measurement group.
- Every scan takes the keyword arguments that are listed at [`loopscan`](#loopscan).
"""
_TITLES = {"looking": "Looking at the session", "scripts": "Scripts and waiting"}
_SECTION = re.compile(r"^(Args|Returns|Raises|Example|Examples)::?$", re.MULTILINE)


def page() -> str:
    """Return the text of the page."""
    parts = [_TOP]
    for group, commands in GROUPS.items():
        names = sorted(commands, key=lambda command: command.__name__)
        parts.append(f"## {_TITLES.get(group, group.capitalize())}\n")
        parts += [_entry(command) for command in names]
    return "\n".join(parts)


def examples() -> list[tuple[str, str]]:
    """Return (command, example) for each command."""
    return [(c.__name__, _example(c)) for group in GROUPS.values() for c in group]


def _entry(command: Callable[..., Any]) -> str:
    text, sections = _split(inspect.getdoc(command) or "")
    parts = [f"### {command.__name__}", f"`{command.__name__}{_signature(command)}`", text]
    if "Args" in sections:
        parts.append(_items(sections["Args"]))
    if "Returns" in sections:
        parts.append(f"Returns: {_joined(sections['Returns'])}")
    if "Raises" in sections:
        parts.append(f"Raises:\n\n{_items(sections['Raises'])}")
    example = _example(command)
    parts.append(
        f"Example:\n\n```python\n{example}\n```" if "\n" in example else f"Example: `{example}`"
    )
    return "\n\n".join(parts).replace("```", "\0").replace("``", "`").replace("\0", "```") + "\n"


def _split(doc: str) -> tuple[str, dict[str, str]]:
    pieces = _SECTION.split(doc)
    sections = [textwrap.dedent(piece).strip("\n") for piece in pieces[2::2]]
    return pieces[0].strip(), dict(zip(pieces[1::2], sections, strict=True))


def _items(text: str) -> str:
    """Turn ``name: what it is`` lines, continued by deeper ones, into a list."""
    items: list[str] = []
    for line in text.splitlines():
        if line.startswith(" ") and items:
            items[-1] += f" {line.strip()}"
        elif line.strip():
            name, colon, rest = line.partition(":")
            items.append(f"- `{name}`{colon}{rest}")
    return "\n".join(items)


def _joined(text: str) -> str:
    return " ".join(text.split())


def _example(command: Callable[..., Any]) -> str:
    """Return the example: code in backticks on one line, or a block."""
    text = _split(inspect.getdoc(command) or "")[1].get("Example", "").strip()
    return _joined(text).strip("`") if text.startswith("`") else text


def _signature(command: Callable[..., Any]) -> str:
    """Write the signature as one types it, without types."""
    signature = inspect.signature(command)
    plain = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    text = str(signature.replace(parameters=plain, return_annotation=signature.empty))
    return text.replace("**options", "...").replace(", /", "")


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
