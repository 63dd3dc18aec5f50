"""h5web, in a browser, draws the default plot of every file by itself, and that of the masters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import h5py
import pytest

from ..nexus.families import OUTCOMES, Made
from .conftest import PAGE, Files
from .serving import serving

pytestmark = [pytest.mark.viewers, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """A tab that remembers what went wrong in it."""
    if not (PAGE / "index.html").is_file():
        pytest.fail(f"{PAGE} is not there: `make viewers` builds it")
    tab = browser.new_page(viewport={"width": 900, "height": 520})
    tab.set_default_timeout(20_000)
    tab.errors = []
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.on("console", lambda m: tab.errors.append(m.text) if m.type == "error" else None)
    yield tab
    tab.close()


def shown(page: Any, address: str, file: str, via: str) -> dict[str, Any]:
    """Open a file and return what h5web shows of it."""
    page.errors.clear()
    page.goto(f"{address}/?file={quote(file)}&via={via}")
    page.wait_for_selector("figure canvas")
    figure = page.locator("figure")
    labels = [
        figure.locator(f"[data-type={side}] .visx-axis-label").text_content()
        for side in ("abscissa", "ordinate")
    ]
    return {
        "tab": page.locator("[role=tab][aria-selected=true]", has_text="NX").inner_text().strip(),
        "title": figure.get_attribute("aria-label"),
        "labels": labels,
        "errors": list(page.errors),
    }


def expected(one: Made) -> tuple[str, str, list[str]]:
    """Return the kind of plot, its title, and the labels of its axes."""
    with h5py.File(one.path) as file:
        plot = file[one.entry]["plot"]
        signal, axes = plot.attrs["signal"], [*plot.attrs["axes"]]
        line = plot[signal].ndim == 1
        names = [axes[0], signal] if line else [axes[-1], axes[-2]]
        labels = [_label(name, plot[name].attrs.get("units", "")) for name in names]
        return "NX Line" if line else "NX Heatmap", plot["title"].asstr()[()], labels


def _label(name: str, units: str) -> str:
    return f"{name} ({units})" if units else name


def check(page: Any, address: str, file: str, via: str, one: Made) -> None:
    """Check what h5web shows of a file against what is in it."""
    if one.shape == (1,) and one.points == 0:
        # Nothing was measured: h5web says that it has no range to draw, and draws nothing.
        page.goto(f"{address}/?file={quote(file)}&via={via}")
        page.wait_for_selector("text=Abscissas have undefined domain")
        return
    kind, title, labels = expected(one)
    seen = shown(page, address, file, via)
    assert seen["errors"] == [], str(one)
    assert (seen["tab"], seen["title"], seen["labels"]) == (kind, title, labels), str(one)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_files_read_in_the_browser(outcome: str, files: Files, page: Any) -> None:
    made = files(outcome)
    with serving(PAGE, made[0].path.parent) as address:
        for one in made:
            check(page, address, one.path.name, "wasm", one)


def test_files_read_by_a_server(files: Files, page: Any) -> None:
    made = files("finished")
    with serving(PAGE, made[0].path.parent) as address:
        for one in made:
            check(page, address, one.path.name, "grove", one)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_masters_read_by_a_server(outcome: str, files: Files, page: Any) -> None:
    """External links need a server: a browser sees one file alone."""
    made = files(outcome)
    master: Path = made[0].master
    with h5py.File(master) as file:
        default = file.attrs["default"]
    (one,) = [one for one in made if one.entry == default]
    with serving(PAGE, master.parent) as address:
        check(page, address, master.name, "grove", one)
        # Every scan is in the tree beside the plot.
        assert page.locator("[role=treeitem]").count() == len(made) + 1
