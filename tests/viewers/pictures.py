"""Pictures of what viewers show of a scan of each family, for the pages.

    make pictures        writes docs/pictures/<family>-<viewer>.png

Nothing is chosen or set in a viewer: the file is opened, and that is the picture.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..nexus.families import Made, make
from .conftest import CHROMIUM, FLAGS, PAGE
from .serving import serving

SHOWN = [
    "sequence",
    "loopscan",
    "timescan",
    "ascan",
    "a2scan",
    "dscan",
    "lookupscan",
    "pointscan",
    "dmesh",
    "a3mesh",
    "fscan",
    "fmesh",
    "userscan",
    "spectra",
    "images",
    "temperature",
    "energy",
    "plotselect",
    "amesh",
]
"""The last one is what the master file shows."""
SIZE = (720, 480)
COLORS = 64


def main(arguments: Sequence[str]) -> None:
    """Make the pictures of all families, or of those that are named, in a folder."""
    folder, names = Path(arguments[0]).absolute(), list(arguments[1:]) or SHOWN
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        made = [one for one in make(Path(temporary), "finished", names) if not one.member]
        for viewer in (h5web, silx_view):
            for one, content in viewer(made):
                name = viewer.__name__.replace("_view", "")
                path = folder / f"{one.family.replace('_', '-')}-{name}.png"
                path.write_bytes(_small(content))
                print(f"{path} {path.stat().st_size / 1000:.1f} kB")
        master = made[-1]
        for viewer in (h5web, silx_view):
            for _, content in viewer([master], master=True):
                name = viewer.__name__.replace("_view", "")
                (folder / f"master-{name}.png").write_bytes(_small(content))


def h5web(made: Sequence[Made], *, master: bool = False) -> Iterator[tuple[Made, bytes]]:
    """Give what h5web shows in a browser."""
    from playwright.sync_api import sync_playwright

    folder = made[0].path.parent
    with sync_playwright() as playwright, serving(PAGE, folder) as address:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        for one in made:
            file, via = (one.master.name, "grove") if master else (one.path.name, "wasm")
            tab.goto(f"{address}/?file={quote(file)}&via={via}")
            tab.wait_for_selector("figure canvas")
            tab.wait_for_timeout(700)  # the curve is drawn in the frames after that
            yield one, tab.screenshot()
        browser.close()


def silx_view(made: Sequence[Made], *, master: bool = False) -> Iterator[tuple[Made, bytes]]:
    """Give what `silx view FILE` shows."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from silx.app.view.Viewer import Viewer
    from silx.gui import qt

    app = qt.QApplication.instance() or qt.QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        settings = qt.QSettings(str(Path(folder) / "silx.ini"), qt.QSettings.IniFormat)
        for one in made:
            window = Viewer(parent=None, settings=settings)
            window.resize(*SIZE)
            window.show()
            os.chdir(one.path.parent)  # the name is shown as it is given
            window.appendFile((one.master if master else one.path).name)
            _wait(app)
            yield one, _grabbed(window, qt)
            window.close()
            window.deleteLater()
            _wait(app, 0.1)


def _wait(app: Any, seconds: float = 2.0) -> None:
    """Let a program of Qt work for a while."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        app.processEvents()
        time.sleep(0.01)


def _grabbed(window: Any, qt: Any) -> bytes:
    buffer = qt.QBuffer()
    buffer.open(qt.QBuffer.WriteOnly)
    window.grab().save(buffer, "PNG")
    return bytes(buffer.data())


def _small(content: bytes) -> bytes:
    """Return a picture with few colours, which is enough for these."""
    from PIL import Image

    image = Image.open(io.BytesIO(content)).convert("RGB")
    buffer = io.BytesIO()
    image.quantize(COLORS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
