"""Others look at a file while it grows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from session_shell.nexus import ScanFile, update_master
from session_shell.nexus.writing import columns

from .documents import amesh, ended, loopscan, name_of, point, save, timescan

READER = """
import json, sys, time
import h5py

path, looks, errors, longest = sys.argv[1], 0, [], 0
print("ready", flush=True)
give_up = time.monotonic() + 30
while time.monotonic() < give_up:
    try:
        with h5py.File(path, locking=False) as file:
            entry = file[file.attrs["default"]]
            done = "end_time" in entry
            measurement = entry["measurement"]
            columns = [measurement[name][()] for name in measurement]
            longest = max(longest, min(map(len, columns)))
            plot = entry["plot"][entry["plot"].attrs["signal"]][()]
            looks += 1
            if done:
                break
    except (OSError, RuntimeError, KeyError) as error:
        errors.append(str(error))
print(json.dumps([looks, errors, longest]))
"""

VIEWER = """
import sys
import h5py

with h5py.File(sys.argv[1]) as file:  # with the lock that h5py takes by default
    print("open", flush=True)
    sys.stdin.readline()
    print(len(file["1.1/measurement/diode"]))
"""


def start(script: str, path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


@pytest.mark.parametrize("make", [timescan, amesh])
def test_reader_of_a_growing_file(
    make: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    doc = make()  # type: ignore[operator]
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    reader = start(READER, file.path)
    points = doc.npoints or 3000
    for number in range(points):
        file.rows(point(doc, number))
    file.scan_ended(ended(doc, points))
    output, _ = reader.communicate(timeout=60)
    looks, errors, longest = json.loads(output)
    # Nothing keeps a look out while a header is written: once in thousands of looks it is read
    # half old and half new, fails by its checksum, and the next look is good.
    assert len(errors) <= looks / 100, errors
    assert looks > 0
    assert longest == points


def test_a_viewer_holds_the_file_with_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    doc = loopscan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    viewer = start(VIEWER, file.path)
    for number in range(10):
        file.rows(point(doc, number))
    file.scan_ended(ended(doc, 10))
    viewer.communicate("\n", timeout=60)
    with h5py.File(file.path) as h5:
        np.testing.assert_array_equal(h5["1.1/measurement/diode"][()], np.arange(10) + 200.0)
        assert "end_time" in h5["1.1"]


def test_a_viewer_that_comes_later_is_not_locked_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    doc = loopscan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    file.rows(point(doc, 0))
    viewer = start(VIEWER, file.path)
    file.rows(point(doc, 1))
    output, _ = viewer.communicate("\n", timeout=60)
    assert int(output) >= 1
    file.scan_ended(ended(doc, 2))


def test_a_script_of_the_same_process_looks_at_a_running_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_SLOW", 0.0)
    doc = loopscan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    file.rows(point(doc, 0))
    with h5py.File(file.path) as h5:
        assert h5["1.1/measurement/diode"][()].tolist() == [200.0]
        file.rows(point(doc, 1))
        file.scan_ended(ended(doc, 2))
    with h5py.File(file.path) as h5:
        assert h5["1.1/measurement/diode"][()].tolist() == [200.0, 201.0]


def test_a_copy_of_the_entry_is_whole(tmp_path: Path) -> None:
    path = save(tmp_path, amesh(), 12)
    update_master(tmp_path / "demo.h5", "1.1", path)
    with h5py.File(path) as source, h5py.File(tmp_path / "copy.h5", "w") as copy:
        source.copy("1.1", copy, name="7.1")
        assert copy["7.1/plot/diode"][()].sum() == source["1.1/plot/diode"][()].sum()
        assert len(copy["7.1/measurement/diode"]) == 12


def test_h5py_is_not_loaded_before_a_scan_is_saved(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from session_shell.nexus import ScanFile, last_number, metadata_tree, scan_tree
assert "h5py" not in sys.modules
metadata_tree({"a": 1})
ScanFile.reserve(Path(sys.argv[1]), lambda n: f"scan_{n}.h5", 1).discard()
assert "h5py" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=60)
