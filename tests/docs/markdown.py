"""Markdown pages as the blocks that their fences hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout, or the folder to which its tests, docs and sessions were copied."""

_FENCE = re.compile(r"(?P<indent> *)```(?P<info>\S.*)?$")
_FILE = re.compile(r"# (?P<path>[\w./-]+\.(?:yml|py|toml))$")
_COMMENT = re.compile(r"<!-- (?P<key>session|fresh)(?:: (?P<value>\S+))? -->$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block, or a comment that tells the runner something."""

    page: Path
    line: int
    language: str
    option: str
    text: str

    @property
    def file(self) -> str:
        """Path in the first line, when that is a comment that holds nothing else."""
        match = _FILE.match(self.text.split("\n", 1)[0])
        return match["path"] if match else ""

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return all pages for people."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page; a fence that is not closed is an error."""
    found: list[Block] = []
    fence: re.Match[str] | None = None
    start, held = 0, []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        match = _FENCE.match(line)
        if fence is None:
            if match is not None:
                fence, start, held = match, number, []
            elif comment := _COMMENT.match(line):
                found.append(Block(page, number, f"<{comment['key']}>", "", comment["value"] or ""))
        elif match is not None and not match["info"]:
            language, _, option = (fence["info"] or "").partition(" ")
            found.append(Block(page, start, language, option, "\n".join(held)))
            fence = None
        else:
            held.append(line.removeprefix(fence["indent"]))
    if fence is not None:
        raise AssertionError(f"{page}:{start}: this block is not closed")
    return found
