"""The checker of pynxtools, with a profile of our own: `NXbeamscan`, a scan per entry."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import h5py

PROFILE = "NXbeamscan"


def use_definitions(folder: Path) -> None:
    """Put the definitions that pynxtools brings along and our profile into a folder, and use it."""
    if "pynxtools" in sys.modules:
        raise RuntimeError("pynxtools has read its definitions already")
    spec = importlib.util.find_spec("pynxtools")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).with_name("definitions")
    for name in ("base_classes", "contributed_definitions"):
        (folder / name).symlink_to(source / name)
    shutil.copytree(source / "applications", folder / "applications")
    for name in ("nxdl.xsd", "nxdlTypes.xsd", "NXDL_VERSION"):
        shutil.copy(source / name, folder)
    shutil.copy(Path(__file__).with_name(f"{PROFILE}.nxdl.xml"), folder / "applications")
    os.environ["NEXUS_DEF_PATH"] = str(folder)


def problems(path: Path) -> list[str]:
    """Return what pynxtools says against the entries of a file, also behind links."""
    from pynxtools.dataconverter import helpers, validation

    for logger in (logging.getLogger("pynxtools"), helpers.logger, validation.logger):
        logger.setLevel(logging.CRITICAL)
    found: list[str] = []
    original = helpers.Collector.collect_and_log

    def noted(self: Any, place: str, kind: Any, value: Any, *args: Any, **more: Any) -> None:
        known = len(self.data["warning_and_error"])
        original(self, place, kind, value, *args, **more)
        if len(self.data["warning_and_error"]) > known:
            about = getattr(value, "unit", None) or value or ""
            found.append(f"{place}: {kind.name} {about} {' '.join(map(str, args))}".strip())

    helpers.Collector.collect_and_log = noted
    try:
        with h5py.File(path) as file:
            for name in file:
                validation.validate_hdf_group_against(PROFILE, file[name], str(path))
    finally:
        helpers.Collector.collect_and_log = original
    return found
