"""Make files of scans that are legal but odd, as other programs and accidents leave them.

``python -m tests.odd.corpus FOLDER`` writes one file for each function below. Most are made with
the low-level calls of h5py, since the ordinary ones refuse to make them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

ROWS = 5
Make = Callable[[Path], None]


def entry(file: Any, name: str = "1.1", rows: int = ROWS) -> Any:
    """Return a new plain entry of another program: one axis, one counter."""
    group = file.create_group(name)
    group.attrs["NX_class"] = "NXentry"
    group["title"] = "ascan x 0 1 4 0.1"
    group["start_time"] = "2026-01-02T03:04:05+01:00"
    group["end_time"] = "2026-01-02T03:05:05+01:00"
    group["measurement/x"] = np.linspace(0.0, 1.0, rows)
    group["measurement/signal"] = np.arange(float(rows)) + 10.0
    return group


def _replace(group: Any, name: str, value: Any) -> None:
    if name in group:
        del group[name]
    group[name] = value


def _fields(**fields: Any) -> Make:
    """Return what makes a file whose entry has other values; ``scan__shape`` is a path."""

    def make(path: Path) -> None:
        with h5py.File(path, "w") as file:
            group = entry(file)
            for name, value in fields.items():
                _replace(group, name.replace("__", "/"), value)

    return make


def named_type(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        for name in ("kind", "measurement/kind", "scan/npoints", "instrument/kind"):
            group[name] = np.dtype("f8")


def only_named_type(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["1.1"] = np.dtype("f8")


def entry_is_dataset(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["1.1"] = np.arange(3.0)


def groups_are_datasets(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("1.1")
        for name in ("measurement", "instrument", "scan", "plot", "comments", "session"):
            group[name] = 1.0


def _time_typed(group: Any, name: str, shape: tuple[int, ...]) -> None:
    kind = h5t.UNIX_D32LE.copy()
    h5d.create(group.id, name.encode(), kind, h5s.create_simple(shape) if shape else h5s.create(0))


def time_type(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        _time_typed(group, "when", ())
        _time_typed(group["measurement"], "when", (ROWS,))


def time_type_title(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        del group["title"]
        _time_typed(group, "title", ())


def name_not_utf8(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        for place in (group, group["measurement"]):
            node = h5d.create(place.id, b"caf\xe9", h5t.NATIVE_DOUBLE, h5s.create_simple((ROWS,)))
            node.write(h5s.ALL, h5s.ALL, np.arange(float(ROWS)))
        group.id.links.create_soft(b"sof\xe9", b"/1.1/caf\xe9")


def text_not_utf8(path: Path) -> None:
    with h5py.File(path, "w") as file:
        _replace(entry(file), "title", np.bytes_(b"caf\xe9 \xff"))


def control_characters(path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\r\x9b31m"
    with h5py.File(path, "w") as file:
        group = entry(file)
        for name in ("title", "scan/command", "session/user", "session/host", "session/name"):
            _replace(group, name, f"a{evil}b")
        _replace(group, "end_reason", f"BAD{evil}")
        _replace(group, "scan/error", f"error{evil}")
        group["program_name"] = f"other{evil}"
        group["measurement/signal"].attrs["units"] = f"V{evil}"
        group[f"measurement/col{evil}"] = np.arange(float(ROWS))
        group["measurement/words"] = np.array([f"w{evil}"] * ROWS, object)
        group[f"sample/key{evil}"] = f"value{evil}"
        group["scan/metadata_warnings"] = np.array([f"warning{evil}"], object)
        group["instrument/positioners_start/x"] = 1.0
        group["instrument/positioners_end/x"] = 2.0
        group["instrument/positioners_start/x"].attrs["units"] = f"mm{evil}"
        group["measurement"][f"gone{evil}"] = h5py.SoftLink(f"/nowhere{evil}")
        group["comments/note_01/data"] = f"comment{evil}"


def huge_column(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        for name in ("x", "signal"):
            del group["measurement"][name]
            group["measurement"].create_dataset(name, (2**40,), "f8", chunks=(1024,))


def huge_fields(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        for name in ("scan/axes", "scan/plot", "scan/sequences", "scan/metadata_warnings"):
            group.create_dataset(name, (2**40,), "S8", chunks=(1024,))
        for name in ("scan/shape", "scan/grid_0", "sample/map", "plot/x"):
            group.create_dataset(name, (2**40,), "f8", chunks=(1024,))
        group["plot"].attrs["axes"] = ["x"]


def many_links(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        group = entry(file)
        many = group.create_group("many", track_order=False)
        for number in range(100_000):
            many.id.links.create_soft(b"link_%d" % number, b"/1.1/title")


def many_entries(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        entry(file)
        for number in range(2, 100_002):
            file.id.links.create_soft(b"%d.1" % number, b"/1.1")


def long_title(path: Path) -> None:
    with h5py.File(path, "w") as file:
        _replace(entry(file), "title", "long " * 10_000_000)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def not_hdf5(path: Path) -> None:
    path.write_bytes(b"these are no data\n" * 100)


def empty(path: Path) -> None:
    path.touch()


def cut_off(path: Path) -> None:
    with h5py.File(path, "w") as file:
        entry(file)
    os.truncate(path, path.stat().st_size // 2)


def a_circle(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        group["again"] = group
        group["measurement/again"] = group
        group["soft"] = h5py.SoftLink("/1.1/soft")


def deep(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        for _ in range(3000):
            group = group.create_group("deeper")


def one_point(path: Path) -> None:
    with h5py.File(path, "w") as file:
        del entry(file, rows=1)["end_time"]


def arrays_of_one(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        for name in ("title", "start_time", "end_time"):
            _replace(group, name, np.array([group[name].asstr()[()]], object))
        group["scan/npoints"] = np.array([ROWS])
        group["end_reason"] = np.array(["SUCCESS"], object)


def _filtered(group: Any, name: str, shape: tuple[int, ...], number: int) -> None:
    """Make a dataset with a chunk that says that a filter which nobody has packed it."""
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_chunk(shape)
    properties.set_filter(number, h5py.h5z.FLAG_OPTIONAL, (1,))
    space = h5s.create_simple(shape)
    node = h5d.create(group.id, name.encode(), h5t.NATIVE_DOUBLE, space, properties)
    node.write_direct_chunk((0,) * len(shape), b"\0" * 8 * int(np.prod(shape)))


def missing_filter(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        _filtered(group["measurement"], "packed", (ROWS,), 333)
        _filtered(group.create_group("sample"), "packed", (ROWS,), 333)


def bad_checksum(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        for name in ("measurement/broken", "sample/broken"):
            node = group.create_dataset(name, data=np.arange(float(ROWS)) + 1e7, fletcher32=True)
            node.flush()
            offset = h5d.DatasetID.get_chunk_info(node.id, 0).byte_offset
            group.attrs[name.replace("/", "_")] = offset
        places = [int(group.attrs[name]) for name in ("measurement_broken", "sample_broken")]
    with path.open("r+b") as raw:
        for place in places:
            raw.seek(place)
            raw.write(b"\xff" * 8)


def lost_raw_file(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        for name in ("measurement/raw", "sample/raw"):
            lost = str(path.with_name("lost.raw"))
            group.create_dataset(name, (ROWS,), "f8", external=[(lost, 0, h5py.h5f.UNLIMITED)])


def _virtual(path: Path, *sources: str, rows: int = ROWS, there: str = "") -> None:
    if there:
        with h5py.File(path.with_name(there), "w") as file:
            file["data"] = np.full((rows, 2), 7.0)
    layout = h5py.VirtualLayout((rows * len(sources), 2), "f8")
    for number, source in enumerate(sources):
        name, _, inside = source.partition("::")
        part = h5py.VirtualSource(name, inside or "data", (rows, 2))
        layout[number * rows : (number + 1) * rows] = part
    with h5py.File(path, "w") as file:
        group = entry(file, rows=rows * len(sources))
        group["measurement"].create_virtual_dataset("image", layout)
        group["measurement/last"] = np.arange(float(rows * len(sources)))


def virtual_file_gone(path: Path) -> None:
    _virtual(path, "gone.raw")


def virtual_path_gone(path: Path) -> None:
    _virtual(path, "there.raw::nowhere", there="there.raw")


def virtual_one_of_two_gone(path: Path) -> None:
    _virtual(path, "there.raw", "gone.raw", there="there.raw")


def attributes_of_odd_types(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        for node in (group, group["measurement/signal"], group["title"], group["start_time"]):
            node.attrs["reference"] = group.ref
            node.attrs["nothing"] = h5py.Empty("f8")
            node.attrs["epoch"] = "text"
            node.attrs["units"] = np.arange(3)
            h5py.h5a.create(node.id, b"when", h5t.UNIX_D32LE.copy(), h5s.create(h5s.SCALAR))


def odd_columns(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)["measurement"]
        group["record"] = np.zeros(ROWS, [("a", "f8"), ("b", "S3")])
        group["complex"] = np.ones(ROWS, complex)
        group["half"] = np.ones(ROWS, "f2")
        group["long"] = np.ones(ROWS, np.longdouble)
        group["opaque"] = np.zeros(ROWS, "V7")
        group["words"] = np.array(["a", "", "c", "d", "e"], object)
        group["enum"] = np.ones(ROWS, bool)
        group.create_dataset("ragged", (ROWS,), h5py.vlen_dtype("f8"))
        group.create_dataset("references", (ROWS,), h5py.ref_dtype)
        group["nothing"] = h5py.Empty("f8")
        group["elapsed_time"] = np.array(["0", "1", "2", "3", "x"], object)
        group["epoch"] = np.array([1e30, np.nan, np.inf, -np.inf, 0.0])


def no_points(path: Path) -> None:
    with h5py.File(path, "w") as file:
        entry(file, rows=0)


def no_columns(path: Path) -> None:
    with h5py.File(path, "w") as file:
        del entry(file)["measurement"]


def comments_that_are_none(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = entry(file)
        group["comments/note_01"] = 1.0
        group["comments/note_02/data"] = h5py.Empty("S1")
        group["comments/note_03/date"] = "never"
        group["program_name"] = "session-shell"


def unknown_version(path: Path) -> None:
    with h5py.File(path, "w") as file:
        entry(file)
    with path.open("r+b") as raw:
        raw.seek(8)
        raw.write(b"\x09")


FILES: dict[str, Make] = {
    make.__name__: make
    for make in (
        named_type,
        only_named_type,
        entry_is_dataset,
        groups_are_datasets,
        time_type,
        time_type_title,
        name_not_utf8,
        text_not_utf8,
        control_characters,
        huge_column,
        huge_fields,
        many_links,
        many_entries,
        long_title,
        pipe,
        not_hdf5,
        empty,
        cut_off,
        a_circle,
        deep,
        one_point,
        arrays_of_one,
        missing_filter,
        bad_checksum,
        lost_raw_file,
        virtual_file_gone,
        virtual_path_gone,
        virtual_one_of_two_gone,
        attributes_of_odd_types,
        odd_columns,
        no_points,
        no_columns,
        comments_that_are_none,
        unknown_version,
    )
} | {
    "year_1": _fields(start_time="0001-01-01T00:00:00", end_time="0001-01-01T00:00:01"),
    "year_9999": _fields(start_time="9999-12-31T23:59:59", end_time="9999-12-31T23:59:59+00:00"),
    "date_is_number": _fields(start_time=20260102.0, end_time=np.arange(3)),
    "date_is_empty": _fields(start_time=h5py.Empty("f8"), end_time=""),
    "npoints_text": _fields(scan__npoints="five", scan__npoints_acquired="many"),
    "npoints_nan": _fields(scan__npoints=np.nan, scan__npoints_acquired=np.inf),
    "npoints_negative": _fields(scan__npoints=-3, scan__npoints_acquired=-5),
    "npoints_empty": _fields(scan__npoints=h5py.Empty("i8"), scan__number=h5py.Empty("i8")),
    "npoints_huge": _fields(scan__npoints=2**63, scan__npoints_acquired=2**62, scan__number=1e300),
    "shape_text": _fields(scan__shape="5 x 5", scan__axes=1.0, scan__plot=2.0),
    "shape_empty": _fields(scan__shape=h5py.Empty("i8")),
    "shape_none": _fields(scan__shape=np.zeros(0, int)),
    "shape_nan": _fields(scan__shape=[np.nan, np.inf]),
    "shape_negative": _fields(scan__shape=[-1, 5]),
    "shape_huge": _fields(scan__shape=[2**20, 2**20]),
    "shape_of_100": _fields(scan__shape=[1] * 100),
    "grid_text": _fields(scan__shape=[1, 5], scan__grid_0="a", scan__grid_1="b"),
    "epoch_1e30": _fields(scan__start_epoch=1e30, scan__end_epoch=-1e30),
    "epoch_nan": _fields(scan__start_epoch=np.nan, scan__end_epoch=np.inf),
    "record_damaged": _fields(scan__record="[1, 2", program_name="session-shell"),
    "record_of_others": _fields(scan__record='{"metadata": [1], "units": 3, "texts": {"uid": 4}}'),
}


def write(folder: Path, names: tuple[str, ...] = ()) -> dict[str, Path]:
    """Write the files (those of `names`, default all) and return them by name."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in names or tuple(FILES):
        found[name] = folder / f"{name}.h5"
        FILES[name](found[name])
    return found


if __name__ == "__main__":
    for made in write(Path(sys.argv[1])).values():
        print(made)
