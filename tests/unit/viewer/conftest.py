from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from session_shell.viewer.finding import asked
from session_shell.viewer.look import Look
from session_shell.viewer.printing import Wish, pieces

from . import bliss

Shown = Callable[..., str]


@pytest.fixture
def bliss_file(tmp_path: Path) -> Path:
    """A file with the tree of BLISS."""
    folder = tmp_path / "bliss"
    folder.mkdir()
    return bliss.write(folder / "sample_0001.h5")


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    """Return what ``show`` prints of what is typed behind it."""

    def show(*words: object, wish: Wish | None = None, look: Look | None = None) -> str:
        stream = io.StringIO()
        for one in asked([str(word) for word in words], tmp_path):
            for piece in pieces(one, wish or Wish(drawn=False), stream, look or Look()):
                stream.write(piece)
        return stream.getvalue()

    return show
