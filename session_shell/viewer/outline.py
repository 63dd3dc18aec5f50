"""The HDF5 tree of a file as text: classes, shapes, units, small values, links."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from session_shell.nexus.reading.outline import Node, outline
from session_shell.sinks import clean
from session_shell.viewer.look import Look, short

_ATTRIBUTE = 40
_SHOWN = frozenset(
    {"default", "signal", "axes", "auxiliary_signals", "original_name", "error", "version"}
)
"""Attributes that tell something; the rest is in the file."""


def tree(path: Path, entry: str | None, look: Look) -> Iterator[str]:
    """Yield the tree of a file, or of one entry.

    Raises:
        ScanError: When the file cannot be read.
    """
    for node in outline(path, entry):
        yield look.cut(_line(node, look), look.width)


def _line(node: Node, look: Look) -> str:
    indent = "  " * node.depth
    name = clean(node.name)
    if node.kind == "link":
        return f"{indent}{name} -> {clean(node.target)}"
    if node.kind == "same":
        return f"{indent}{name} = {clean(node.target)}"
    attributes = "".join(
        f" @{key}={short(value, _ATTRIBUTE)}" for key, value in node.attributes if key in _SHOWN
    )
    if node.kind == "group":
        nx_class = f" : {clean(node.nx_class)}" if node.nx_class else ""
        return f"{indent}{look.paint(name, 'bold')}{nx_class}{attributes}"
    shape = f"[{'x'.join(map(str, node.shape))}]" if node.shape else ""
    units = f" {clean(node.units)}" if node.units else ""
    if node.value is None:
        return f"{indent}{name}{shape}{units} ({node.dtype}){attributes}"
    value = short(node.value, max(look.width - len(indent) - len(name) - len(units) - 3, 12))
    return f"{indent}{name}{shape} = {value}{units}{attributes}"
