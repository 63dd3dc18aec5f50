"""Files with the tree that BLISS writes: many scans in one file, links, no end while it runs."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

START = "2024-05-01T10:00:00.000000+02:00"
END = "2024-05-01T10:00:02.000000+02:00"


def add_scan(
    file: h5py.File,
    number: int,
    title: str,
    columns: dict[str, np.ndarray],
    *,
    ended: bool = True,
    axes: tuple[str, ...] = ("roby", "robz"),
) -> h5py.Group:
    """Add the entry of a scan."""
    entry = file.create_group(f"{number}.1")
    entry.attrs["NX_class"] = "NXentry"
    entry["title"] = title
    entry["start_time"] = START
    if ended:
        entry["end_time"] = END
        entry["end_reason"] = "SUCCESS"
    count = len(next(iter(columns.values())))
    times = {"elapsed_time": np.arange(count) * 0.1, "epoch": 1.7e9 + np.arange(count) * 0.1}
    for name, column in (times | columns).items():
        axis = name in axes
        group = entry.create_group(f"instrument/{name}")
        group.attrs["NX_class"] = "NXpositioner" if axis else "NXdetector"
        data = group.create_dataset(
            "value" if axis else "data", data=column, maxshape=(None, *column.shape[1:])
        )
        data.attrs["units"] = "mm" if axis else "s" if name in times else ""
        entry.require_group("measurement")[name] = h5py.SoftLink(data.name)
    instrument = entry["instrument"]
    instrument["name"] = "ID00"
    for when, place in (("start", 0.0), ("end", 4.0)):
        group = instrument.create_group(f"positioners_{when}")
        group["roby"] = place
        group["roby"].attrs["units"] = "mm"
        group["sx"] = "ERR"
    instrument["positioners/robz"] = 1.5
    entry["sample/name"] = "gold"
    entry["scan_parameters/npoints"] = count
    entry["notes/x"] = h5py.SoftLink("/nowhere")
    return entry


def write(path: Path) -> Path:
    """Write a file of four scans: a line, a mesh, images by a link, one that runs."""
    with h5py.File(path, "w") as file:
        file.attrs["NX_class"] = "NXroot"
        file.attrs["creator"] = "BLISS"
        positions = np.arange(5.0)
        diode = np.array([0.0, 1, 4, 1, 0])
        add_scan(file, 1, "ascan roby 0 4 4 0.1", {"roby": positions, "diode": diode})
        mesh = {
            "roby": np.array([0.0, 1, 2] * 2),
            "robz": np.repeat([0.0, 1.0], 3),
            "diode": np.arange(6.0),
        }
        add_scan(file, 2, "amesh roby 0 2 2 robz 0 1 1 0.1", mesh)
        images = add_scan(file, 3, "loopscan 3 0.1", {"diode": diode[:3]})
        with h5py.File(path.with_name("camera_0000.h5"), "w") as camera:
            camera["entry/data"] = np.arange(3 * 4 * 5, dtype="uint16").reshape(3, 4, 5)
        images["measurement/camera"] = h5py.ExternalLink("camera_0000.h5", "/entry/data")
        images["measurement/gone"] = h5py.ExternalLink("camera_0001.h5", "/entry/data")
        running = {"roby": positions[:3], "diode": diode[:3]}
        add_scan(file, 4, "ascan roby 0 4 4 0.1", running, ended=False)
    return path
