"""Compare the tree of a NeXus file with what a page shows of it."""

from __future__ import annotations

import re
from pathlib import Path

import h5py

_LINE = re.compile(r"(?P<indent> *)(?P<name>[^\s:@]+)(?: : (?P<class>NX\w+))?(?P<rest>.*)$")
_ATTRIBUTE = re.compile(r"@(\w+)(?:=(\S+))?")
_SHAPE = re.compile(r"\[(\d+)\]")


def missing_in_file(shown: str, path: Path) -> list[str]:
    """Return the lines of a tree that the file does not have so.

    A line is ``name : NXclass @attribute=value`` or ``name[3] @units=mm``, two spaces deeper for
    each level; ``...`` lines are skipped, and what is not shown is not asked for.
    """
    wrong = []
    above: list[str] = []
    with h5py.File(path, "r", locking=False) as file:
        for line in shown.splitlines():
            match = _LINE.match(line)
            if match is None or match["name"] == "...":
                continue
            del above[len(match["indent"]) // 2 :]
            name, _, _ = match["name"].partition("[")
            above.append("" if name == "/" else name)
            node = file.get("/".join(above) or "/")
            if node is None or not _fits(node, match):
                wrong.append(line)
    return wrong


def _fits(node: h5py.Group | h5py.Dataset, match: re.Match[str]) -> bool:
    if match["class"] and node.attrs.get("NX_class") != match["class"]:
        return False
    if (shape := _SHAPE.search(match["name"])) and node.shape != (int(shape[1]),):
        return False
    for name, value in _ATTRIBUTE.findall(match["rest"]):
        if name not in node.attrs or (value and str(node.attrs[name]) != value):
            return False
    return True
