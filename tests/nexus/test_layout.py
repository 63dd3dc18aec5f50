"""The tree of a scan, as the layout says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from session_shell.clock import iso_time
from session_shell.devices.protocols import Channel
from session_shell.nexus import Dataset, Group, Link, Mesh, Stream, scan_tree
from session_shell.nexus.layout.entry import build
from session_shell.nexus.tree.nodes import find, walk
from session_shell.scanning.documents import (
    Comment,
    EndReason,
    MetadataFailure,
    Pause,
    Position,
    ScanStarted,
)

from .documents import (
    DIODE,
    DIODE3,
    ELAPSED,
    ROBY,
    START,
    a2scan,
    amesh,
    ascan,
    ended,
    loopscan,
    spectrum,
    started,
    timescan,
)


def entry_of(doc: ScanStarted, *end: Any) -> Group:
    root = scan_tree(doc, *end)
    entry = root.items[f"{doc.number}.1"]
    assert isinstance(entry, Group)
    return entry


def value(group: Group, path: str) -> Any:
    node = find(group, path)
    assert isinstance(node, Dataset), path
    return node.value if isinstance(node.value, str) else node.value.tolist()


def attribute(group: Group, path: str, name: str) -> Any:
    node = find(group, path)
    assert isinstance(node, Dataset | Group), path
    return node.attributes.get(name)


def test_root_and_entry() -> None:
    doc = loopscan(number=3)
    root = scan_tree(doc)
    assert root.attributes["NX_class"] == "NXroot"
    assert root.attributes["default"] == "3.1"
    assert root.attributes["file_time"] == iso_time(START)
    assert root.attributes["creator"] == "session-shell"
    entry = entry_of(doc)
    assert entry.attributes == {"NX_class": "NXentry", "default": "plot"}
    assert value(entry, "title") == "loopscan 10 0.1"
    assert value(entry, "start_time") == iso_time(START)
    assert value(entry, "entry_identifier") == "3"
    assert value(entry, "entry_identifier_uuid") == doc.uid
    assert value(entry, "program_name") == "session-shell"
    assert attribute(entry, "program_name", "version")
    assert value(entry, "user/name") == "someone"
    assert find(entry, "end_time") is None
    assert find(entry, "end_reason") is None


def test_scan_and_parameters() -> None:
    entry = entry_of(loopscan(command="loopscan(10, 0.1)"))
    assert value(entry, "scan/type") == "loopscan"
    assert value(entry, "scan/number") == 1
    assert value(entry, "scan/npoints") == 10
    assert value(entry, "scan/command") == "loopscan(10, 0.1)"
    assert value(entry, "scan/session") == "demo"
    assert value(entry, "scan/npoints_acquired") == 0
    assert attribute(entry, "scan_parameters", "NX_class") == "NXparameters"
    assert value(entry, "scan_parameters/count_time") == 0.1
    assert attribute(entry, "scan_parameters/count_time", "units") == "s"


def test_parameters_of_the_plan() -> None:
    entry = entry_of(ascan(parameters={"start": 0.0, "start@units": "mm", "motors": ["roby"]}))
    assert value(entry, "scan_parameters/start") == 0.0
    assert attribute(entry, "scan_parameters/start", "units") == "mm"
    assert value(entry, "scan_parameters/motors") == ["roby"]
    assert value(entry, "scan_parameters/npoints") == 11


def test_a_group_for_each_channel() -> None:
    entry = entry_of(ascan())
    axis, diode = find(entry, "instrument/roby"), find(entry, "instrument/diode")
    assert isinstance(axis, Group)
    assert isinstance(diode, Group)
    assert axis.nx_class == "NXpositioner"
    assert diode.nx_class == "NXdetector"
    stream = axis.items["value"]
    assert isinstance(stream, Dataset)
    assert stream.source == Stream(2, "<f8", (), 11)
    assert stream.attributes == {"units": "mm"}
    assert np.isnan(stream.value).tolist() == [True]  # type: ignore[arg-type]
    assert attribute(entry, "instrument/diode/data", "units") == "counts"
    assert value(entry, "instrument/diode/local_name") == "diode"
    assert value(entry, "instrument/diode/parameters/mode") == "MEAN"
    assert attribute(entry, "instrument/elapsed_time", "NX_class") == "NXdetector"
    assert attribute(entry, "instrument/epoch/data", "units") == "s"


@pytest.mark.parametrize(
    ("channel", "npoints", "expected"),
    [
        (DIODE, 100, Stream(2, "<f8", (), 100)),
        (DIODE, 0, Stream(2, "<f8", (), 8192)),
        (DIODE, 10**6, Stream(2, "<f8", (), 8192)),
        (Channel("i", "counter", dtype="int32"), 5, Stream(2, "<i4", (), 5)),
        (Channel("c", "counter", dtype="complex128"), 5, Stream(2, "<c16", (), 5)),
        (Channel("s", "counter", shape=(16,)), 0, Stream(2, "<f8", (16,), 512)),
        (
            Channel("m", "counter", dtype="uint16", shape=(64, 64)),
            5,
            Stream(2, "<u2", (64, 64), 1, compressed=True),
        ),
        (Channel("t", "counter", dtype="str"), 5, Stream(2, "<f8", (), 5)),
        (Channel("n", "counter", dtype="nonsense"), 5, Stream(2, "<f8", (), 5)),
        (Channel("l", "counter", dtype="longdouble"), 5, Stream(2, "<f8", (), 5)),
    ],
)
def test_streams(channel: Channel, npoints: int, expected: Stream) -> None:
    node = find(entry_of(started(channel, npoints=npoints)), f"instrument/{channel.name}/data")
    assert isinstance(node, Dataset)
    assert node.source == expected
    assert node.value.shape == (1, *channel.shape)  # type: ignore[union-attr]


def test_several_channels_of_a_device_are_groups_of_their_own() -> None:
    spread = Channel("diode_std", "counter", "counts", device="diode")
    entry = entry_of(started(DIODE, spread, metadata={"instrument": {"diode": {"gain": 2}}}))
    assert value(entry, "instrument/diode_std/local_name") == "diode"
    assert value(entry, "instrument/diode/parameters/gain") == 2
    assert find(entry, "instrument/diode_std/parameters/gain") is None
    assert set(_group(entry, "measurement").items) == {
        "elapsed_time",
        "epoch",
        "diode",
        "diode_std",
    }


def _group(entry: Group, path: str) -> Group:
    node = find(entry, path)
    assert isinstance(node, Group), path
    return node


def test_measurement_links_to_every_channel() -> None:
    entry = entry_of(ascan())
    assert _group(entry, "measurement").items == {
        "elapsed_time": Link("/1.1/instrument/elapsed_time/data"),
        "epoch": Link("/1.1/instrument/epoch/data"),
        "roby": Link("/1.1/instrument/roby/value"),
        "diode": Link("/1.1/instrument/diode/data"),
    }


def test_names_that_do_not_fit_or_are_taken() -> None:
    odd = Channel("diode:1 µ", "counter")
    taken = Channel("positioners", "counter")
    same = Channel("diode:1 m", "counter")
    doc = started(odd, taken, same, Channel("diode_1 _", "counter"))
    entry = entry_of(doc)
    assert attribute(entry, "instrument/diode_1__", "original_name") == "diode:1 µ"
    assert attribute(entry, "instrument/positioners", "NX_class") == "NXcollection"
    assert attribute(entry, "instrument/positioners_2", "NX_class") == "NXdetector"
    assert len(_group(entry, "measurement").items) == 6


def test_positions() -> None:
    end = {"roby": Position(9.0, 8.0, "mm"), "late": Position(1.0, 1.0, "V")}
    doc = ascan()
    entry = entry_of(doc, ended(doc, 11, positions=end))
    assert find(entry, "instrument/positioners/roby") == Link("/1.1/instrument/roby/value")
    assert value(entry, "instrument/positioners/robz") == 0.5
    assert attribute(entry, "instrument/positioners/robz", "units") == "deg"
    assert value(entry, "instrument/positioners_start/roby") == 1.0
    assert value(entry, "instrument/positioners_dial_start/roby") == 2.0
    assert value(entry, "instrument/positioners_end/roby") == 9.0
    assert value(entry, "instrument/positioners_dial_end/roby") == 8.0
    assert value(entry, "instrument/positioners_end/late") == 1.0
    assert np.isnan(value(entry, "instrument/positioners_end/robz"))
    assert np.isnan(value(entry, "instrument/positioners_start/sx"))
    assert attribute(entry, "instrument/positioners_start/sx", "error") == "no answer"


def test_the_fields_of_the_end_exist_from_the_start_on() -> None:
    entry = entry_of(ascan())
    assert np.isnan(value(entry, "instrument/positioners_end/roby"))
    assert attribute(entry, "instrument/positioners_dial_end/roby", "units") == "mm"


@pytest.mark.parametrize(
    ("doc", "signal", "axes", "links"),
    [
        (loopscan(), "diode", ["elapsed_time"], {"elapsed_time", "diode"}),
        (timescan(), "diode", ["elapsed_time"], {"elapsed_time", "diode"}),
        (loopscan(plot=("diode3",)), "diode3", ["elapsed_time"], {"elapsed_time", "diode3"}),
        (loopscan(plot=("no",)), "diode", ["elapsed_time"], {"elapsed_time", "diode"}),
        (ascan(), "diode", ["roby"], {"roby", "diode"}),
        (a2scan(), "diode", ["roby"], {"roby", "robz", "diode"}),
        (spectrum(), "diode", ["elapsed_time"], {"elapsed_time", "diode"}),
        (started(ROBY, axes=("roby",)), "roby", ["elapsed_time"], {"roby", "elapsed_time"}),
    ],
)
def test_default_plot(doc: ScanStarted, signal: str, axes: list[str], links: set[str]) -> None:
    plot = _group(entry_of(doc), "plot")
    assert plot.nx_class == "NXdata"
    assert plot.attributes["signal"] == signal
    assert plot.attributes["axes"].tolist() == axes  # type: ignore[union-attr]
    assert {name for name, node in plot.items.items() if isinstance(node, Link)} == links
    for name in links - {signal}:
        assert plot.attributes[f"{name}_indices"].tolist() == [0]  # type: ignore[union-attr]


def test_several_counters_in_the_plot() -> None:
    plot = _group(entry_of(ascan(plot=("diode", "diode3"))), "plot")
    assert "auxiliary_signals" not in plot.attributes
    doc = started(DIODE, DIODE3, plot=("diode3", "diode", "diode3"))
    plot = _group(entry_of(doc), "plot")
    assert plot.attributes["signal"] == "diode3"
    assert plot.attributes["auxiliary_signals"].tolist() == ["diode"]  # type: ignore[union-attr]


def test_mesh_plot() -> None:
    plot = _group(entry_of(amesh(backnforth=True)), "plot")
    node = plot.items["diode"]
    assert isinstance(node, Dataset)
    assert node.source == Mesh(4, (3, 4), backnforth=True)
    assert np.isnan(node.value).all()  # type: ignore[arg-type]
    assert plot.attributes["axes"].tolist() == ["robz", "roby"]  # type: ignore[union-attr]
    assert plot.attributes["roby_indices"].tolist() == [1]  # type: ignore[union-attr]
    assert value(plot, "roby") == [10.0, 11.0, 12.0, 13.0]
    assert attribute(plot, "robz", "units") == "deg"
    assert plot.attributes["auxiliary_signals"].tolist() == ["diode3"]  # type: ignore[union-attr]


def test_a_scan_of_nothing_has_no_plot() -> None:
    doc = replace(loopscan(), channels=())
    entry = entry_of(doc)
    assert "plot" not in entry.items
    assert "default" not in entry.attributes


def test_a_plot_over_nothing_but_the_points() -> None:
    doc = replace(loopscan(), channels=(DIODE,))
    plot = _group(entry_of(doc), "plot")
    assert plot.attributes["axes"].tolist() == ["."]  # type: ignore[union-attr]


def test_end() -> None:
    comments = (Comment(START + 1, "beam lost"),)
    failures = (MetadataFailure("mp", "instrument", "END", "did not return"),)
    doc = ascan()
    entry = entry_of(
        doc,
        ended(doc, 5, EndReason.FAILURE, error="roby: stuck", comments=comments, failures=failures),
    )
    assert value(entry, "end_time") == iso_time(START + 3.5)
    assert value(entry, "end_reason") == "FAILURE"
    assert value(entry, "scan/end_reason") == "FAILURE"
    assert value(entry, "scan/npoints_acquired") == 5
    assert value(entry, "scan/npoints") == 11
    assert value(entry, "scan/duration") == 3.5
    assert attribute(entry, "scan/duration", "units") == "s"
    assert value(entry, "scan/error") == "roby: stuck"
    assert value(entry, "comments/note_01/data") == "beam lost"
    assert attribute(entry, "comments/note_01", "NX_class") == "NXnote"
    assert value(entry, "scan/metadata_failures/failure_01/source") == "mp"
    assert value(entry, "scan/metadata_failures/failure_01/message") == "did not return"


def test_session_texts() -> None:
    entry = entry_of(loopscan(configuration={"demo_setup.py": "x = 1", "demo setup.py": "y"}))
    assert value(entry, "session/name") == "demo"
    assert value(entry, "session/host") == "somewhere"
    assert value(entry, "session/demo_setup_py") == "x = 1"
    name = attribute(entry, "session/demo_setup_py_2", "original_name")
    assert name == "demo setup.py"


# ----------------------------------------------------------- metadata of users


def user_entry(metadata: dict[str, Any], doc: ScanStarted | None = None) -> tuple[Group, list[str]]:
    doc = replace(doc or ascan(), metadata=metadata)
    root, warnings = build(doc)
    entry = root.items["1.1"]
    assert isinstance(entry, Group)
    assert all(isinstance(n, Link | Dataset) or n.nx_class for _, n in walk(root))
    return entry, warnings


def test_what_bliss_users_expect() -> None:
    entry, warnings = user_entry(
        {
            "instrument": {
                "mygroup": {"myvalue": 10, "myvalue@units": "mm"},
                "position_label": "in",
            }
        }
    )
    assert value(entry, "instrument/mygroup/myvalue") == 10
    assert attribute(entry, "instrument/mygroup/myvalue", "units") == "mm"
    assert attribute(entry, "instrument/mygroup", "NX_class") == "NXcollection"
    assert value(entry, "instrument/position_label") == "in"
    assert warnings == []


def test_what_a_declared_class_does_not_define_goes_below_parameters() -> None:
    entry, warnings = user_entry(
        {
            "sample": {"@NX_class": "NXsample", "name": "Si", "shelf": 3, "type": "a foil"},
            "instrument": {
                "mp": {"@NX_class": "NXattenuator", "status": "in", "position_label": "Al"},
                "own": {"@NX_class": "NXmine", "shelf": 3},
            },
        }
    )
    assert value(entry, "sample/name") == "Si"
    assert value(entry, "sample/parameters/shelf") == 3
    assert value(entry, "sample/parameters/type") == "a foil"
    assert value(entry, "instrument/mp/status") == "in"
    assert value(entry, "instrument/mp/parameters/position_label") == "Al"
    assert value(entry, "instrument/own/shelf") == 3
    assert warnings == []


def test_metadata_of_a_device_that_takes_part() -> None:
    entry, warnings = user_entry(
        {
            "instrument": {
                "roby": {"velocity": 2.5, "velocity@units": "mm/s", "steps_per_unit": 100.0},
                "diode": {"description": "a diode", "gain": {"value": 2}, "layout": "odd"},
            }
        }
    )
    assert value(entry, "instrument/roby/velocity") == 2.5
    assert value(entry, "instrument/roby/parameters/steps_per_unit") == 100.0
    assert value(entry, "instrument/diode/description") == "a diode"
    assert value(entry, "instrument/diode/gain/value") == 2
    assert value(entry, "instrument/diode/parameters/layout") == "odd"
    assert value(entry, "instrument/diode/parameters/mode") == "MEAN"
    assert warnings == []


def test_classes_of_categories() -> None:
    entry, warnings = user_entry(
        {
            "sample": {"name": "Fe2O3", "shelf": 3},
            "technique": {"energy": 7.1},
            "proposal": {"id": "hg-1"},
            "user": {"name": "M. Curie", "badge": 7},
            "sample_description": "red powder",
            "notes": {"author": "me", "mood": "good"},
            "beam": {"@NX_class": "NXbeam", "extent": [1.0, 2.0]},
            "instrument": {"source": {"name": "ring", "age": 30}},
            "answer": 42,
        }
    )
    assert warnings == []
    classes = {n: g.nx_class for n, g in entry.items.items() if isinstance(g, Group)}
    assert classes["sample"] == "NXsample"
    assert classes["technique"] == "NXcollection"
    assert classes["proposal"] == "NXcollection"
    assert classes["user"] == "NXuser"
    assert classes["notes"] == "NXnote"
    assert classes["beam"] == "NXbeam"
    assert value(entry, "sample/name") == "Fe2O3"
    assert value(entry, "sample/parameters/shelf") == 3
    assert value(entry, "user/name") == "M. Curie"
    assert value(entry, "user/parameters/badge") == 7
    assert attribute(entry, "instrument/source", "NX_class") == "NXsource"
    assert value(entry, "instrument/source/parameters/age") == 30
    assert value(entry, "scan_info/sample_description") == "red powder"
    assert value(entry, "scan_info/answer") == 42


def test_the_category_positioners_is_in_the_instrument() -> None:
    entry, warnings = user_entry({"positioners": {"hexapod": {"x": 1.0}}, "instrument": {"a": 1}})
    assert value(entry, "instrument/positioners/hexapod/x") == 1.0
    assert value(entry, "instrument/a") == 1
    assert "positioners" not in entry.items
    assert warnings == []


@pytest.mark.parametrize(
    ("metadata", "kept_at"),
    [
        ({"title": "x"}, "scan_info/title"),
        ({"end_time": 5}, "scan_info/end_time"),
        ({"measurement": 5}, "scan_info/measurement"),
        ({"measurement": {"diode": 5}}, "scan_info/measurement/diode"),
        ({"plot": {"@signal": "x", "a": 1}}, "scan_info/plot/a"),
        ({"title": {"a": 1}}, "scan_info/title/a"),
        ({"end_time": {"a": 1}}, "scan_info/end_time/a"),
        ({"instrument": 5}, "scan_info/instrument"),
        ({"scan": 5}, "scan_info/scan"),
        ({"scan_info": {"a": 1}}, "scan_info/a"),
        ({"scan": {"a": 1}}, "scan/a"),
        ({"session": {"a": 1}}, "session/a"),
        ({"comments": {"note_01": {"data": "x"}}}, "scan_info/comments/note_01/data"),
    ],
)
def test_what_the_writer_owns_stays(metadata: dict[str, Any], kept_at: str) -> None:
    entry, _ = user_entry(metadata)
    plain = entry_of(ascan())
    assert isinstance(find(entry, kept_at), Dataset)
    for path, node in walk(plain):
        there = find(entry, path)
        assert there == node if isinstance(node, Link) else type(there) is type(node), path


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ({"measurement": {"a": 1}}, "measurement"),
        ({"title": {"a": 1}}, "title"),
        ({"@NX_class": "NXsubentry"}, "@NX_class"),
        ({"@default": "sample"}, "@default"),
        ({"instrument": {"diode": {"data": 5}}}, "instrument/diode/data"),
        ({"instrument": {"diode": 5}}, "instrument/diode"),
        ({"instrument": {"roby": {"@NX_class": "NXdetector", "name": "y"}}}, "instrument/roby"),
        ({"instrument": {"@NX_class": "NXcollection", "a": 1}}, "instrument@NX_class"),
        ({"instrument": {"positioners_start": {"roby": 5.0}}}, "positioners_start/roby"),
        ({"scan": {"number": 99}}, "scan/number"),
        ({"sample": {">x": "nowhere"}}, "sample/x"),
        ({"a": {">self": "."}}, "a/self"),
    ],
)
def test_ours_wins_with_a_warning(metadata: dict[str, Any], named: str) -> None:
    entry, warnings = user_entry(metadata)
    assert warnings
    assert named in warnings[0]
    assert value(entry, "scan/metadata_warnings") == warnings
    stream = find(entry, "instrument/diode/data")
    assert isinstance(stream, Dataset)
    assert stream.source is not None
    assert entry.attributes["NX_class"] == "NXentry"
    assert value(entry, "scan/number") == 1


@pytest.mark.parametrize(
    "path",
    [
        "../instrument/diode/data",
        "/1.1/instrument/diode/data",
        "/instrument/diode/data",
        "instrument/diode/data",
        "../measurement/diode",
    ],
)
def test_links_of_users(path: str) -> None:
    entry, warnings = user_entry({"mine": {">signal": path}})
    assert find(entry, "mine/signal") == Link("/1.1/instrument/diode/data")
    assert warnings == []


def test_links_into_other_files_are_left_alone() -> None:
    entry, warnings = user_entry({"mine": {">flat": "../flat.h5::/1.1/data"}})
    assert find(entry, "mine/flat") == Link("/1.1/data", "../flat.h5")
    assert warnings == []


def test_links_in_a_circle() -> None:
    entry, warnings = user_entry({"a": {">b": "../b", "x": 1}, "b": {">a": "../a", "y": 1}})
    assert len(warnings) == 1
    assert "circle" in warnings[0]
    assert find(entry, "a/b") == Link("/1.1/b")


def test_the_metadata_is_not_changed() -> None:
    metadata = {"instrument": {"roby": {"gain": 1}}, "positioners": {"a": {"b": 1}}}
    doc = ascan(metadata=metadata)
    scan_tree(doc)
    scan_tree(doc)
    assert metadata == {"instrument": {"roby": {"gain": 1}}, "positioners": {"a": {"b": 1}}}


def test_text_that_hdf5_cannot_hold() -> None:
    doc = replace(ascan(), title="a\0b\ud800", channels=(ELAPSED, DIODE))
    assert value(entry_of(doc), "title") == "a\\x00b\\ud800"


def test_pauses_are_kept_with_their_reason() -> None:
    doc = loopscan()
    pause = Pause(time=1_700_000_010.0, reason="no beam", seconds=12.5)
    entry = entry_of(doc, ended(doc, 3, pauses=(pause,)))
    assert value(entry, "scan/pauses/pause_01/reason") == "no beam"
    assert value(entry, "scan/pauses/pause_01/duration") == 12.5
