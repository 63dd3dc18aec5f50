"""The devices of the how-to page work as a package with entry points too."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from session_shell import open_session
from session_shell.clock import VirtualClock

from .markdown import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "own-device.md"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put the package of the page where Python finds it, as an installer would."""
    site = tmp_path / "site"
    printed = {block.file: block.text for block in blocks(PAGE) if block.file}
    package = site / "my_bench"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "devices.py").write_text(printed["sessions/my_devices.py"])
    about = site / "my_bench-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-bench\nVersion: 1.0\n")
    points = re.findall(r'^(\w+) = "(my_bench\S+)"$', printed["my-bench/pyproject.toml"], re.M)
    lines = "".join(f"{name} = {target}\n" for name, target in points)
    (about / "entry_points.txt").write_text(f"[session_shell.devices]\n{lines}")
    monkeypatch.syspath_prepend(str(site))
    yield site
    for name in [n for n in sys.modules if n.split(".")[0] == "my_bench"]:
        del sys.modules[name]


def test_classes_of_an_installed_package_need_no_package_key(
    installed: Path, tmp_path: Path
) -> None:
    config = tmp_path / "sessions"
    config.mkdir()
    (config / "lab.yml").write_text(
        "- {class: Dimmer, name: lamp, maximum: 80}\n"
        "- {class: LoadCounter, name: load, folder: .}\n"
        "- {class: Session, name: lab}\n"
    )
    with open_session("lab", config=config, data=tmp_path, clock=VirtualClock()) as session:
        assert not session.problems
        scan = session.run("ascan(lamp, 0, 80, 4, 0.1, load)")
        assert scan.data["load_files"].tolist() == [1.0] * 5
        assert scan.info["instrument"]["lamp"] == {"light": 0.0, "light@units": "percent"}
