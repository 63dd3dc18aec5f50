"""What a person sees of one scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError
from session_shell.nexus import ScanFile, open_scan
from session_shell.scanning.documents import Comment, EndReason, MetadataFailure, Pause, Position
from session_shell.session import Session
from session_shell.viewer import statistics as statistics_module
from session_shell.viewer.look import Look, duration, short
from session_shell.viewer.metadata import tree_lines
from session_shell.viewer.points import Selection
from session_shell.viewer.printing import Form, Wish
from session_shell.viewer.statistics import statistics

from ...nexus.documents import (
    DIODE,
    ROBY,
    START,
    amesh,
    ascan,
    ended,
    loopscan,
    name_of,
    point,
    save,
    spectrum,
    started,
    timescan,
)
from .conftest import Shown

TERMINAL = Look(80, terminal=True)
PLOT = Wish()


def test_a_scan_as_a_person_wants_it(tmp_path: Path, shown: Shown) -> None:
    doc = ascan(
        metadata={"sample": {"name": "gold foil", "thickness": 2.5, "thickness@units": "um"}},
        positions={"roby": Position(1.0, 2.0, "mm"), "robz": Position(0.5, -0.5, "deg")},
        comments=(Comment(START, "beam was unstable"),),
        failures=(MetadataFailure("slits", "instrument", "START", "no answer"),),
        command="ascan(roby, 0, 10, 10, 0.1, diode)",
    )
    path = save(
        tmp_path,
        doc,
        8,
        EndReason.FAILURE,
        error="roby: is on a limit switch",
        positions={"roby": Position(8.0, 9.0, "mm"), "robz": Position(0.5, -0.5, "deg")},
        comments=doc.comments,
        failures=doc.failures,
        pauses=(Pause(START + 1, "no beam", 12.0),),
    )
    text = shown(path)
    assert text.startswith("** Scan 1: ascan 11 0.1 **\n")
    for line in (
        "   outcome : FAILURE, roby: is on a limit switch",
        "   points  : 8 of 11",
        "took 3.5 s (counting 1.0 s, moving 2.0 s)",
        "   user    : someone on somewhere",
        "   session : demo, written by session-shell",
        "   command : ascan(roby, 0, 10, 10, 0.1, diode)",
        "   paused  : 12.0 s: no beam",
        "beam was unstable",
        "   metadata failed: slits (instrument, START): no answer",
        "   roby          mm      200  207  203.5",
        "   diode         counts  300  307  303.5",
        "   roby         1       8  mm",
        "   (1 other axis did not move)",
        "     sample",
        "       name       gold foil",
    ):
        assert line in text, line
    assert "epoch" not in text
    assert max(len(line) for line in text.splitlines() if "file    :" not in line) <= 80


def test_the_error_of_an_axis_is_told(tmp_path: Path, shown: Shown) -> None:
    text = shown(save(tmp_path, loopscan()))
    assert "axis sx could not be read: no answer" in text
    assert "at start" not in text  # nothing moved


def test_a_plot_ends_it(tmp_path: Path, shown: Shown) -> None:
    assert "diode [counts]" in shown(save(tmp_path, ascan()), wish=PLOT)
    assert "diode [counts], robz [deg] up" in shown(save(tmp_path, amesh()), wish=PLOT)


@pytest.mark.parametrize("points", [0, 1])
def test_scans_without_or_with_one_point(points: int, tmp_path: Path, shown: Shown) -> None:
    text = shown(save(tmp_path, ascan(), points, EndReason.USER_ABORT), wish=PLOT)
    assert "   outcome : USER_ABORT, by Ctrl-C\n" in text
    assert f"   points  : {points} of 11\n" in text
    assert ("[counts]" in text) is bool(points)


def test_an_endless_scan_and_a_mesh(tmp_path: Path, shown: Shown) -> None:
    endless = shown(save(tmp_path, timescan(), 3, EndReason.STOPPED))
    assert "   points  : 3, as many as wanted\n" in endless
    assert "   outcome : STOPPED, by scan.stop()\n" in endless
    assert "   points  : 12 of 12 (3 x 4)\n" in shown(save(tmp_path, amesh()))


def test_a_sequence_tells_its_scans(
    make_session: Callable[..., Session], tmp_path: Path, shown: Shown
) -> None:
    with make_session() as session:
        scans = "s.add(loopscan(2, 0.1, diode)); s.add(loopscan(3, 0.1, diode))"
        session.run(f"with sequence('night') as s: {scans}")
    text = shown(tmp_path / "data" / "bench" / "scan_0001.h5", wish=PLOT)
    assert "   points  : the scans 2, 3\n" in text
    assert "+------" not in text


def test_spectra_have_statistics_and_a_shape(tmp_path: Path, shown: Shown) -> None:
    text = shown(save(tmp_path, spectrum()))
    assert "   mca           counts    2    6     4  1024 uint32\n" in text


def test_a_running_and_a_crashed_scan(tmp_path: Path, shown: Shown) -> None:
    doc = loopscan()
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    assert "   outcome : RUNNING, it is being measured\n   points  : 0 of 10\n" in shown(file.path)
    for number in range(3):
        file.rows(point(doc, number))
    file._write_waiting()
    alone = tmp_path / "alone.h5"  # a file without the lock of who writes it
    alone.write_bytes(file.path.read_bytes())
    assert "   outcome : RUNNING, it is being measured\n   points  : 3 of 10\n" in shown(file.path)
    crashed = " ".join(shown(alone).split())
    assert "outcome : CRASHED, its session died; session-shell repair" in crashed
    assert "finishes it points : 3 of 10" in crashed
    file.scan_ended(ended(doc, 3))


def test_a_scan_of_bliss(bliss_file: Path, shown: Shown) -> None:
    line = shown(bliss_file, 1)
    assert line.startswith("** Scan 1: ascan roby 0 4 4 0.1 **\n   outcome : SUCCESS\n")
    assert "   session : BLISS\n" in line
    assert "   roby         0       4  mm\n" in line
    images = shown(bliss_file, 3)
    assert "   camera                0   59     29.5  4x5 uint16\n" in images
    assert "column gone is a link to what is not there: camera_0001.h5::/entry/data" in images
    running = shown(bliss_file, 4)
    assert "   outcome : no end, it runs, or its session died\n   points  : 3 of 3\n" in running


def test_a_damaged_column_does_not_hide_the_others(tmp_path: Path, shown: Shown) -> None:
    import h5py

    path = save(tmp_path, ascan())
    with h5py.File(path, "r+") as file:
        file["1.1/measurement/bad"] = np.array([b"text"] * 11)
    assert "diode         counts" in shown(path)


def test_colours_only_at_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Look(80).paint("x", "bold") == "x"
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert TERMINAL.paint("x", "bold") == "\x1b[1mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert TERMINAL.paint("x", "bold") == "x"


def test_it_fits_a_narrow_terminal(
    tmp_path: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    doc = ascan(metadata={"sample": {"remark": "very long " * 30, "list": list(range(100))}})
    text = shown(save(tmp_path, doc), look=Look(60, terminal=True))
    assert max(map(len, text.splitlines())) <= 60 + len(str(tmp_path))  # paths stay whole
    assert "[0, 1, 2, ... 99] (100)" in text


def test_columns_and_points_can_be_chosen(tmp_path: Path, shown: Shown) -> None:
    path = save(tmp_path, ascan())
    text = shown(path, wish=Wish(selection=Selection(("epoch", "dio*"), slice(2, 4)), drawn=False))
    assert "   diode   counts  302  303  302.5" in text
    assert "   epoch   s" in text
    assert "   roby " not in text
    with pytest.raises(CommandError, match="no column 'dode'; there are elapsed_time, epoch"):
        shown(path, wish=Wish(selection=Selection(("dode",))))


def test_the_plot_follows_the_columns(tmp_path: Path, shown: Shown) -> None:
    wish = Wish(selection=Selection(("elapsed_time", "diode"), slice(0, 5)))
    text = shown(save(tmp_path, ascan()), wish=wish)
    assert "elapsed_time [s]" in text.splitlines()[-1]


def test_statistics_are_made_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Channel("cam", "counter", "", "uint16", (64, 64))
    scan = open_scan(save(tmp_path, started(image, npoints=20)))
    whole = statistics(scan, image, 0, 20)
    assert (whole.minimum, whole.maximum, whole.mean, whole.points) == (2, 21, 11.5, 20)
    read = scan.rows.read
    sizes: list[int] = []

    def counted(channel: str, first: int, last: int) -> object:
        sizes.append(last - first)
        return read(channel, first, last)

    monkeypatch.setattr(scan.rows, "read", counted)
    monkeypatch.setattr(statistics_module, "BLOCK_BYTES", 3 * 64 * 64 * 2)
    assert statistics(scan, image, 0, 20) == whole
    assert max(sizes) == 3
    # Of what is too large a part is taken, from its begin to its end.
    monkeypatch.setattr(statistics_module, "_MOST_BYTES", 6 * 64 * 64 * 2)
    part = statistics(scan, image, 0, 20)
    assert (part.minimum, part.maximum, part.points) == (2, 21, 6)


def test_statistics_leave_out_nan(tmp_path: Path) -> None:
    import h5py

    path = save(tmp_path, ascan())
    with h5py.File(path, "r+") as file:
        file["1.1/measurement/diode"][3:5] = [np.nan, np.inf]
        file["1.1/measurement/roby"][:] = np.nan
    scan = open_scan(path)
    found = statistics(scan, DIODE, 0, 11)
    assert (found.minimum, found.maximum, found.missing) == (300.0, np.inf, 1)
    assert np.isnan(statistics(scan, ROBY, 0, 11).mean)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("one line", "one line"),
        ("- a\n- b\n", "- a (... 3 lines)"),
        ("x" * 50, "x" * 29 + "..."),
        (0.1, "0.1"),
        (1e-12, "1e-12"),
        (True, "True"),
        ([1, 2, 3], "[1, 2, 3]"),
        ([], "[]"),
        (np.arange(100) / 4, "[0, 0.25, 0.5, ... 24.75] (100)"),
        (np.zeros((3, 4)), "3x4 float64"),
        ("\x1b[31mred\x07", " [31mred"),
    ],
)
def test_values_in_one_line(value: object, text: str) -> None:
    assert short(value, 32).rstrip() == text


def test_metadata_as_a_tree() -> None:
    info = {
        "sample": {
            "@NX_class": "NXsample",
            "mass": 2.5,
            "mass@units": "g",
            ">image": "instrument/camera",
            "deep": {"er": 1},
        }
    }
    assert list(tree_lines(info, 80)) == [
        "   sample : NXsample",
        "     mass    2.5 g",
        "     image   -> instrument/camera",
        "     deep",
        "       er  1",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (59.96, "0:00:59"), (7265, "2:01:05")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_points_with_a_step_are_for_tables(tmp_path: Path, shown: Shown) -> None:
    path = save(tmp_path, ascan())
    with pytest.raises(CommandError, match="points with a step"):
        shown(path, wish=Wish(selection=Selection((), slice(None, None, 2))))
    assert shown(path, wish=Wish(Form.TABLE, Selection((), slice(None, None, 5))))
