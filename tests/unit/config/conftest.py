from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Write a tree of files and work in it: problems then begin with the bare file name."""
    monkeypatch.chdir(tmp_path)

    def write(text: str | None = None, files: Mapping[str, str | bytes] | None = None) -> Path:
        every = dict(files or {})
        if text is not None:
            every["all.yml"] = text
        for name, content in every.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                file.write_bytes(content)
            else:
                file.write_text(dedent(content).lstrip("\n"), encoding="utf-8")
        return tmp_path

    return write
