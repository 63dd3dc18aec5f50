"""Metadata as an indented tree: units behind the values, long values shortened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from session_shell.sinks import clean
from session_shell.viewer.look import cut, short

_MOST = 1000
"""Values, and groups, of one group that are shown."""
_KEY = 24
"""Columns that keys may take before their values are no longer below each other."""


def tree_lines(info: Mapping[str, Any], width: int, indent: int = 3) -> Iterator[str]:
    """Yield the lines of a nested dict, ``name@units`` behind the value of ``name``.

    Args:
        info: Metadata as `SavedScan.info` gives them.
        width: Columns that a line may take.
        indent: Columns before the first key.
    """
    names = [key for key, value in info.items() if _is_value(key, value)]
    room = min(max(map(len, names), default=0), _KEY)
    for name in names[:_MOST]:
        yield _line(info, name, room, width, indent)
    if len(names) > _MOST:
        yield f"{'':{indent}}... ({len(names) - _MOST} more; --json has them all)"
    groups = [(key, value) for key, value in info.items() if isinstance(value, Mapping)]
    for key, value in groups[:_MOST]:
        nx_class = value.get("@NX_class")
        shown = f" : {nx_class}" if isinstance(nx_class, str) else ""
        yield cut(f"{'':{indent}}{clean(key)}{shown}", width)
        yield from tree_lines(value, width, indent + 2)
    if len(groups) > _MOST:
        yield f"{'':{indent}}... ({len(groups) - _MOST} more groups; --json has them all)"


def _is_value(key: str, value: Any) -> bool:
    if isinstance(value, Mapping) or key == "@NX_class":
        return False
    return not (key.endswith("@units") and key != "@units")


def _line(info: Mapping[str, Any], name: str, room: int, width: int, indent: int) -> str:
    unit = info.get(f"{name}@units")
    behind = f" {clean(unit)}" if isinstance(unit, str) and unit else ""
    head = f"{'':{indent}}{clean(name):<{room}}  "
    if name.startswith(">"):
        head = f"{'':{indent}}{clean(name[1:]):<{room}}  -> "
    return head + short(info[name], max(width - len(head) - len(behind), 12)) + behind
