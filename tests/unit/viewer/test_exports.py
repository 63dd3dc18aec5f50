"""Points as a table, as CSV and as JSON; the tree of a file; pictures."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError
from session_shell.nexus import open_scan
from session_shell.scanning.documents import EndReason
from session_shell.viewer import points as points_module
from session_shell.viewer import table as table_module
from session_shell.viewer.look import Look
from session_shell.viewer.points import Selection, blocks, parse_points
from session_shell.viewer.printing import Form, Wish

from ...nexus.documents import amesh, ascan, save, spectrum, started
from .conftest import Shown


def choose(form: Form, columns: str = "", points: str = ":") -> Wish:
    names = tuple(columns.split(",")) if columns else ()
    return Wish(form, Selection(names, parse_points(points)), drawn=False)


def test_the_table_that_people_know(tmp_path: Path, shown: Shown) -> None:
    text = shown(save(tmp_path, ascan(), 3, EndReason.STOPPED), wish=choose(Form.TABLE))
    assert text == (
        "** Scan 1: ascan 11 0.1 **\n"
        "\n"
        "        |    timer    |     axis    |\n"
        "   #    |    dt[s]    |   roby[mm]  | diode[counts]\n"
        "   -----|-------------|-------------|---------------\n"
        "   0    |     0.00000 |   200.000   |     300.000\n"
        "   1    |     1.00000 |   201.000   |     301.000\n"
        "   2    |     2.00000 |   202.000   |     302.000\n"
        "   3 of 11 points, STOPPED\n"
    )


def test_a_terminal_gets_the_columns_that_fit(tmp_path: Path, shown: Shown) -> None:
    path = save(tmp_path, amesh())
    wide = shown(path, wish=choose(Form.TABLE))
    narrow = shown(path, wish=choose(Form.TABLE), look=Look(50, terminal=True))
    assert "diode3" in wide
    assert "diode3" not in narrow
    assert "more" in narrow
    named = shown(path, wish=choose(Form.TABLE, "diode3,epoch"), look=Look(50, terminal=True))
    assert "diode3" in named
    assert "1970-01-01" in named


@pytest.mark.parametrize("points", ["0:3", "-3:", "::4", "5", "-1", "20:", ":", "2:9:3"])
@pytest.mark.parametrize("rows", [2, 8192])
def test_points_are_those_of_python(
    points: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(points_module, "_BLOCK_ROWS", rows)
    scan = open_scan(save(tmp_path, spectrum()))
    wanted = parse_points(points)
    channels = Selection().channels(scan.data.channels)
    found = list(blocks(scan, channels, Selection((), wanted).range(scan.data.npoints)))
    numbers = [rows.first + i for rows in found for i in range(rows.count)]
    assert numbers == list(range(5))[wanted]
    for index, channel in enumerate(channels):
        values = [value for rows in found for value in rows.columns[index]]
        np.testing.assert_array_equal(values, list(np.asarray(scan.data[channel.name])[wanted]))


@pytest.mark.parametrize("points", ["", "a", "1:2:3:4", "::0", "::-1", "1.5"])
def test_points_that_mean_nothing(points: str) -> None:
    with pytest.raises(CommandError, match="points must be like 0:10"):
        parse_points(points)


# CSV


def test_csv_has_all_digits(tmp_path: Path, shown: Shown) -> None:
    path = save(tmp_path, ascan())
    with h5py.File(path, "r+") as file:
        file["1.1/measurement/diode"][:3] = [1 / 3, np.nan, np.inf]
    rows = list(csv.DictReader(io.StringIO(shown(path, wish=choose(Form.CSV)))))
    assert list(rows[0]) == ["elapsed_time", "epoch", "roby", "diode"]
    assert [row["diode"] for row in rows[:3]] == [repr(1 / 3), "nan", "inf"]
    assert [float(row["roby"]) for row in rows] == [200.0 + n for n in range(11)]


def test_csv_has_spectra_when_they_are_named(tmp_path: Path, shown: Shown) -> None:
    path = save(tmp_path, spectrum())
    assert "mca" not in shown(path, wish=choose(Form.CSV))
    rows = list(csv.reader(io.StringIO(shown(path, wish=choose(Form.CSV, "mca,diode")))))
    assert rows[0][:2] == ["mca[0]", "mca[1]"]
    assert rows[0][-2:] == ["mca[1023]", "diode"]
    assert rows[3][:2] == ["4", "4"]
    image = started(Channel("cam", "counter", "", "uint16", (200, 200)), npoints=2)
    with pytest.raises(CommandError, match="cam has 40000 values per point"):
        shown(save(tmp_path, image), wish=choose(Form.CSV, "cam"))


def test_csv_of_what_bliss_wrote(bliss_file: Path, shown: Shown) -> None:
    rows = list(csv.DictReader(io.StringIO(shown(bliss_file, 4, wish=choose(Form.CSV)))))
    assert [row["roby"] for row in rows] == ["0.0", "1.0", "2.0"]


# JSON


def strict(text: str) -> Any:
    """Read JSON as strictly as other languages do."""

    def refuse(word: str) -> Any:
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def test_json_is_valid_whatever_was_measured(tmp_path: Path, shown: Shown) -> None:
    metadata = {
        "sample": {"name": "gold", "bad": float("nan"), "list": [1, None, float("inf")]},
        "technique": {"array": np.array([1.0, np.nan]), "large": 2**60, "complex": 1 + 2j},
    }
    path = save(tmp_path, ascan(metadata=metadata))
    with h5py.File(path, "r+") as file:
        file["1.1/measurement/diode"][:2] = [np.nan, np.inf]
    text = shown(path, wish=choose(Form.JSON))
    assert text.count("\n") == 1
    found = strict(text)
    assert found["schema"] == "session-shell/scan/1"
    assert (found["number"], found["outcome"], found["npoints"]) == (1, "SUCCESS", 11)
    columns = {column["name"]: column for column in found["columns"]}
    assert columns["diode"]["values"] == [None, None, *(300.0 + n for n in range(2, 11))]
    assert (columns["roby"]["min"], columns["roby"]["unit"]) == (200.0, "mm")
    assert found["metadata"]["sample"]["bad"] is None
    assert found["metadata"]["technique"]["large"] == str(2**60)
    assert found["positions"]["sx"]["start"] is None
    assert found["positions"]["roby"]["dial_end"] == 2.0


def test_json_has_arrays_when_they_are_named(tmp_path: Path, shown: Shown) -> None:
    path = save(tmp_path, spectrum())
    summarised = strict(shown(path, wish=choose(Form.JSON)))
    mca = next(c for c in summarised["columns"] if c["name"] == "mca")
    assert "values" not in mca
    assert (mca["min"], mca["max"], mca["shape"]) == (2, 6, [1024])
    named = strict(shown(path, wish=choose(Form.JSON, "mca", "1:3")))
    assert [c["name"] for c in named["columns"]] == ["mca"]
    assert named["columns"][0]["values"] == [[3] * 1024, [4] * 1024]
    assert named["points"] == {"first": 1, "stop": 3, "step": 1}


def test_json_of_a_list(tmp_path: Path, shown: Shown) -> None:
    save(tmp_path, ascan())
    save(tmp_path, ascan(), 3, EndReason.USER_ABORT)
    (tmp_path / "scan_0003.h5").write_bytes(b"")
    *lines, odd = [strict(line) for line in shown(tmp_path, wish=choose(Form.JSON)).splitlines()]
    assert odd["problem"] == "is empty, there is no scan in it"
    assert [(one["entry"], one["outcome"], one["npoints"]) for one in lines] == [
        ("1.1", "SUCCESS", 11),
        ("2.1", "USER_ABORT", 3),
    ]


def test_json_of_large_scans_comes_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from session_shell.viewer.as_json import scan_json

    monkeypatch.setattr(points_module, "_BLOCK_ROWS", 3)
    scan = open_scan(save(tmp_path, ascan()))
    text = list(scan_json(scan, Selection()))
    assert max(map(len, text[1:])) < 200
    assert len(strict("".join(text))["columns"][3]["values"]) == 11


# Tree


def test_the_tree_of_a_scan(tmp_path: Path, shown: Shown) -> None:
    tree = shown(save(tmp_path, spectrum()), wish=choose(Form.TREE))
    for line in (
        "/ : NXroot @default=1.1\n",
        "  1.1 : NXentry @default=plot\n",
        "    title = loopscan 5 0.1\n",
        "        data[5x1024] counts (uint32)\n",
        "      mca = /1.1/instrument/mca/data\n",
    ):
        assert line in tree
    assert "    title = loop" not in shown(tmp_path / "scan_0001.h5", "1", wish=choose(Form.CSV))


def test_the_tree_of_any_file(tmp_path: Path, bliss_file: Path, shown: Shown) -> None:
    path = tmp_path / "any.h5"
    with h5py.File(path, "w") as file:
        file["a/b"] = np.arange(1000)
        file["a"].attrs["axes"] = ["x", "y"]
        file["a/again"] = file["a"]  # a circle
        file["soft"] = h5py.SoftLink("/nowhere")
        file["far"] = h5py.ExternalLink("other.h5", "/x")
        file["empty"] = h5py.Empty("f8")
    assert shown(path, wish=choose(Form.TREE)) == (
        "/\n"
        "  a @axes=[x, y]\n"
        "    again = /a\n"
        "    b[1000] (int64)\n"
        "  empty (float64)\n"
        "  far -> other.h5::/x\n"
        "  soft -> /nowhere\n"
    )
    one = shown(bliss_file, "3", wish=choose(Form.TREE))
    assert "      camera -> camera_0000.h5::/entry/data\n" in one
    assert "2.1" not in one


# Pictures


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_a_picture(kind: str, tmp_path: Path, shown: Shown) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / f"scan_{{number}}.{kind}"
    wish = Wish(Form.PICTURE, picture=str(picture))
    assert shown(save(tmp_path, ascan()), wish=wish) == f"plotted in {tmp_path}/scan_1.{kind}\n"
    assert (tmp_path / f"scan_1.{kind}").stat().st_size > 1000


def test_no_picture_without_matplotlib(
    tmp_path: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session_shell.sinks.figure.can_draw", lambda: False)
    with pytest.raises(CommandError, match=r"pip install session-shell\[plot\]"):
        shown(save(tmp_path, ascan()), wish=Wish(Form.PICTURE, picture=str(tmp_path / "x.png")))


def test_a_table_reads_no_large_images_unasked(
    tmp_path: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "_MOST_ARRAYS", 1000)
    path = save(tmp_path, spectrum())
    text = shown(path, wish=choose(Form.TABLE))
    assert "left out, since they are large: mca (--columns mca shows it)" in text
    assert "2..2" in shown(path, wish=choose(Form.TABLE, "mca"))


# Files that nobody expects


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A scan with columns of every type that HDF5 has, and text that could harm a terminal."""
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        entry = file.create_group("1.1")
        entry["title"] = np.array(["a", "b"], object)
        entry["start_time"] = "yesterday"
        entry["end_time"] = 5.0
        entry["self"] = entry
        entry["sample/\x1b[31m"] = "\x1b[2J\ntext"
        entry["scan_info/odd"] = np.zeros((2, 2, 2))
        columns = entry.create_group("measurement")
        columns["record"] = np.zeros(4, dtype=[("a", "f8"), ("b", "i4")])
        columns["bytes"] = np.array([b"a", b"\xff", b"c", b"d"])
        columns["text"] = np.array(["x"] * 4, dtype=h5py.string_dtype())
        columns["bool"] = np.array([True, False] * 2)
        columns["complex"] = np.arange(4) + 1j
        columns["half"] = np.arange(4, dtype="f2")
        columns["large"] = np.array([2**64 - 1] * 4, dtype="u8")
        columns["long"] = np.arange(4, dtype="longdouble")
        columns["empty"] = np.zeros((4, 0))
        columns["scalar"] = 5.0
        columns["rank4"] = np.zeros((4, 2, 2, 2))
        columns["enum"] = np.array([0, 1, 0, 1], dtype=h5py.enum_dtype({"A": 0, "B": 1}))
        columns["reference"] = np.array([file.ref] * 4, dtype=h5py.ref_dtype)
        columns.create_dataset("lists", (4,), dtype=h5py.vlen_dtype("i4"))[0] = [1, 2]
    return path


@pytest.mark.parametrize("columns", ["", "*", "record", "lists", "text", "complex"])
@pytest.mark.parametrize("form", [Form.SUMMARY, Form.TABLE, Form.CSV, Form.JSON, Form.TREE])
def test_nothing_odd_is_an_accident(form: Form, columns: str, odd: Path, shown: Shown) -> None:
    text = shown(odd, wish=choose(form, columns))
    assert "\x1b" not in text
    if form is Form.JSON:
        assert strict(text)["npoints"] == 4
    terminal = Look(80, terminal=True)
    if columns not in ("record", "lists", "text", "complex"):
        wish = Wish(form, choose(form, columns).selection)
        assert shown(odd, wish=wish, look=terminal)


@pytest.mark.parametrize("columns", ["record", "lists", "text", "complex", "reference"])
def test_what_is_no_number_cannot_be_plotted(columns: str, odd: Path, shown: Shown) -> None:
    with pytest.raises(CommandError, match=f"{columns} holds no numbers"):
        shown(odd, wish=Wish(selection=Selection((columns,))))
