"""All code of the pages runs, and all links between them lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .loosely import difference
from .markdown import ROOT, blocks, pages
from .runner import Runner

_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)#\s]+)(?:#(?P<anchor>[^)\s]+))?\)")
_ANCHOR = re.compile(r"\[[^\]]*\]\(#(?P<anchor>[^)\s]+)\)")
_LANGUAGES = {"python", "yaml", "toml", "ipython", "console", "sh", "text"}


def _id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SESSION_SHELL_CONFIG", raising=False)
    monkeypatch.delenv("SESSION_SHELL_DATA", raising=False)
    made = Runner(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("page", pages(), ids=_id)
def test_the_code_of_a_page_runs(page: Path, runner: Runner) -> None:
    for block in blocks(page):
        runner.run(block)


@pytest.mark.parametrize("page", pages(), ids=_id)
def test_every_block_says_what_it_is(page: Path) -> None:
    known = [b for b in blocks(page) if not b.language.startswith("<")]
    assert {b.language for b in known} <= _LANGUAGES


@pytest.mark.parametrize("page", pages(), ids=_id)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for match in _LINK.finditer(text):
        if "://" in match["target"]:
            continue
        target = (page.parent / match["target"]).resolve()
        assert target.exists(), f"{_id(page)}: {match['target']}"
        if match["anchor"]:
            assert match["anchor"] in _anchors(target), f"{_id(page)}: {match[0]}"
    for match in _ANCHOR.finditer(text):
        assert match["anchor"] in _anchors(page), f"{_id(page)}: {match[0]}"


def _anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as code hosts make them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_page_is_reachable_from_the_index() -> None:
    seen: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        for match in _LINK.finditer(page.read_text(encoding="utf-8")):
            target = (page.parent / match["target"]).resolve()
            if target.suffix == ".md" and target.exists():
                todo.append(target)
    assert set(pages()) <= seen


@pytest.mark.parametrize(
    ("shown", "got", "same"),
    [
        ("took 0.1 s", "took   22.7 s\n\n", True),
        ("took 0.1 s", "took 1 h", False),
        ("a\n...\nz", "a\nb\nc\nz", True),
        ("a\n...\nz", "a\nz", True),
        ("a ... z", "a b c z", True),
        ("Out [1]: <axis roby: 1.0000 mm>", "<axis roby: 2.0000 mm>", True),
        ("a\nb", "a", False),
    ],
)
def test_output_is_compared_loosely(shown: str, got: str, same: bool) -> None:
    assert (difference(shown, got) == "") is same
