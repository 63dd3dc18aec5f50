"""Is a file good NeXus, and does it plot by itself? Own rules, nexusformat's checker, and silx."""

from __future__ import annotations

import copy
import logging
import re
from pathlib import Path
from typing import Any

import h5py
import silx.io
import silx.io.nxdata
from nexusformat.nexus import nxload, validate

_NAME = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.]*[a-zA-Z0-9_])?\Z")
_ROOT = ("NX_class", "default", "file_name", "file_time", "creator", "HDF5_Version", "h5py_version")

ACCEPTED = (
    # NXentry has no place for why a scan ended, and users look for it there.
    r"/\d+\.1/end_reason: ",
    # What users put into the instrument itself stays where they put it.
    r"/\d+\.1/instrument/position_label: ",
    # pynxtools does not open the files behind links; that they are there is one of our own rules.
    r"/members/scan_\d+/(measurement|plot): BrokenLink ",
    # nexusformat wants a letter first; the definitions (nxdl.xsd) take digits, as in 3.1.
    r': "[0-9][a-zA-Z0-9_.]*" is an invalid name',
)


def problems(path: Path, *, slow: bool = True) -> list[str]:
    """Return all that a checker says against a file, empty when it is good.

    `slow=False` leaves out nexusformat, which takes a second per entry in a master file.
    """
    return accepted([*_rules(path), *(_nexusformat(path) if slow else []), *_silx(path)])


def accepted(found: list[str]) -> list[str]:
    """Return what remains of the messages of checkers without those that we live with."""
    return [problem for problem in found if not any(re.search(a, problem) for a in ACCEPTED)]


def default_plot(path: Path, entry: str = "") -> tuple[str, tuple[int, ...], list[str]]:
    """Return signal, shape and axes that silx shows of a file, or of one entry in it.

    nexusformat must agree.
    """
    with silx.io.open(str(path)) as file:
        plot = silx.io.nxdata.get_default(file[entry] if entry else file)
        assert plot is not None, "silx finds no default plot"
        assert plot.issues == []
        shape, axes = tuple(plot.signal.shape), list(plot.axes_dataset_names)
        signal = plot.signal_dataset_name
        plot.signal[()]
    with nxload(str(path)) as root:
        data = (root[entry] if entry else root).plottable_data
        assert data is not None, "nexusformat finds nothing to plot"
        assert tuple(data.nxsignal.shape) == shape
        assert [axis.nxname for axis in data.nxaxes] == axes
        assert data.nxsignal.nxname == signal
    return signal, shape, axes


def _rules(path: Path) -> list[str]:
    found: list[str] = []
    with h5py.File(path) as file:
        found += [f"/: no @{name}" for name in _ROOT if name not in file.attrs]
        _walk(file, "", found)
    return found


def _walk(group: h5py.Group, path: str, found: list[str]) -> None:
    if "NX_class" not in group.attrs:
        found.append(f"{path}: no @NX_class")
    if "default" in group.attrs and group.attrs["default"] not in group:
        found.append(f"{path}: @default does not exist")
    for name in group:
        here = f"{path}/{name}"
        if not _NAME.match(name):
            found.append(f"{here}: the name is not valid")
        if isinstance(group.get(name, getlink=True), h5py.SoftLink | h5py.ExternalLink):
            if name not in group:
                found.append(f"{here}: the link leads nowhere")
            continue
        item = group[name]
        for key, value in item.attrs.items():
            if key in {"units", "NX_class"} and not isinstance(value, str):
                found.append(f"{here}: @{key} is no text")
        if isinstance(item, h5py.Group):
            _walk(item, here, found)


def _nexusformat(path: Path) -> list[str]:
    original = validate.get_validator

    def fresh(*args: Any, **more: Any) -> Any:
        # Shared between groups of a class, validators lose the messages of all but the last.
        validator = copy.copy(original(*args, **more))
        validator.logged_messages = []
        validator.symbols = {key: {} for key in validator.symbols}
        return validator

    validate.get_validator = fresh
    try:
        validate.logger.setLevel(logging.CRITICAL)
        validate.logger.total = {"warning": 0, "error": 0}
        checker = validate.FileValidator(str(path))
        checker.output_log = lambda: None
        checker.validate("/")
    finally:
        validate.get_validator = original
    return _messages(checker.logged_messages)


def _messages(logged: list[tuple[str, str, int]]) -> list[str]:
    found, paths = [], {}
    for message, level, indent in logged:
        if level == "all":
            paths[indent] = message.split(": ", 1)[-1]
        elif level in {"warning", "error"}:
            found.append(f"{paths.get(indent - 1, '')}: {message}")
    return found


def _silx(path: Path) -> list[str]:
    found: list[str] = []
    with silx.io.open(str(path)) as file, h5py.File(path) as plain:
        if silx.io.nxdata.get_default(file) is None:
            found.append("/: silx finds no default plot")

        def visit(name: str, node: Any) -> None:
            if isinstance(node, h5py.Group) and node.attrs.get("NX_class") == "NXdata":
                found.extend(f"/{name}: {i}" for i in silx.io.nxdata.NXdata(file[name]).issues)

        plain.visititems(visit)
    return found
