"""The documents of a scan from its file are those that it sent while it ran."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import platform
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from session_shell import __version__, open_session
from session_shell.clock import VirtualClock
from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError, ScanError
from session_shell.nexus import ScanFile, open_scan, repair_file, stored_documents
from session_shell.nexus.disk.running import side_path
from session_shell.nexus.reading import documents
from session_shell.scanning.documents import (
    Comment,
    EndReason,
    MetadataFailure,
    Pause,
    Position,
    Rows,
    ScanEnded,
    ScanStarted,
)
from session_shell.session import Session

from .documents import FAMILIES as HAND_MADE
from .documents import ended, name_of, point, save, started

Documents = list[Any]


class Listener:
    """Keeps the documents of all scans, and what has been sent so far is a scan's own list."""

    must_not_fail = True

    def __init__(self) -> None:
        self.scans: list[Documents] = []
        self._open: dict[str, Documents] = {}
        self._stack: list[Documents] = []

    def scan_started(self, doc: ScanStarted) -> None:
        self.scans.append([doc])
        self._stack.append(self.scans[-1])

    def rows(self, doc: Rows) -> None:
        # A sequence sends its rows while none of its members runs.
        columns = tuple(np.array(column) for column in doc.columns)
        self._stack[-1].append(Rows(doc.first, doc.count, columns))

    def scan_ended(self, doc: ScanEnded) -> None:
        self._stack.pop().append(doc)


def equal(a: Any, b: Any) -> bool:
    """Tell whether values are the same, of the same types, NaN included."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(map(equal, a, b))
    if dataclasses.is_dataclass(a) and type(a) is type(b):
        names = [f.name for f in dataclasses.fields(a)]
        return all(equal(getattr(a, name), getattr(b, name)) for name in names)
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    return type(a) is type(b) and bool(a == b)


def check_same(live: Documents, stored: Iterable[Any]) -> None:
    stored = list(stored)
    assert [type(d) for d in (live[0], live[-1])] == [type(d) for d in (stored[0], stored[-1])]
    check_fields(live[0], stored[0])
    if isinstance(live[-1], ScanEnded):
        check_fields(live[-1], stored[-1])
    dtypes = [channel.dtype for channel in live[0].channels]
    check_columns(columns(live, dtypes), columns(stored, dtypes), live[0])


def check_fields(live: Any, stored: Any) -> None:
    for field in dataclasses.fields(live):
        one, other = getattr(live, field.name), getattr(stored, field.name)
        assert equal(plain(one), plain(other)), (field.name, one, other)


def plain(value: Any) -> Any:
    return {key: plain(item) for key, item in value.items()} if hasattr(value, "items") else value


def columns(documents: Documents, dtypes: list[str]) -> list[Any]:
    blocks = [d for d in documents if isinstance(d, Rows)]
    first = 0
    for block in blocks:
        assert block.first == first
        assert all(len(column) == block.count for column in block.columns)
        first += block.count
    return [
        np.concatenate([np.asarray(b.columns[i], dtype) for b in blocks]) if blocks else np.empty(0)
        for i, dtype in enumerate(dtypes)
    ]


def check_columns(live: list[Any], stored: list[Any], doc: ScanStarted) -> None:
    for channel, one, other in zip(doc.channels, live, stored, strict=True):
        assert equal(one, other), channel.name


@pytest.fixture
def listener(session: Session) -> Listener:
    listener = Listener()
    session.host.extra_sinks.append(listener)
    return listener


META = """
from session_shell.scanning.scan_meta import META_TIMING, get_user_scan_meta
meta = get_user_scan_meta()
meta.sample.set("one", {"name": "gold", "sizes": [1, 2.5], "place": (1, 2), "none": None})
meta.add_categories(["machine", "weather", "broken", "late"])
meta.machine.timing = META_TIMING.START | META_TIMING.END
counter = iter(range(1000))
meta.machine.set("ring", lambda scan: {"current": 200.0 - next(counter), "current@units": "mA",
                                       "history": [1.0] * (next(counter) % 7)})
meta.instrument.set("att", lambda scan: {"att": {"@NX_class": "NXattenuator", "type": "Al"},
                                         "roby": {"remark": scan.data.npoints}})
meta.weather.timing = META_TIMING.PREPARED
meta.weather.set("now", {"wind": 3.5, "wind@units": "m/s", "deep": {"er": {}, "x": [{"a": 1}]}})
meta.broken.timing = META_TIMING.START | META_TIMING.END
meta.broken.set("bad", lambda scan: 1 / 0)
meta.late.timing = META_TIMING.END
meta.late.set("links", lambda scan: {">signal": "measurement/diode", ">gone": "nowhere/at/all",
                                     ">other": "other.h5::/1.1"})
"""

FAMILIES = [
    "ct(0.1, diode)",
    "sct(0.1, diode, diode3)",
    "loopscan(5, 0.1, diode3)",
    "timescan(0.1, npoints=4)",
    "ascan(roby, 0, 1, 4, 0.1, diode, scan_info={'extra': {'x': 1}, 'loose': 5.5})",
    "a2scan(roby, 0, 1, robz, 0, 2, 4, 0.1, diode)",
    "dscan(roby, -1, 1, 4, 0.1)",
    "lookupscan([(roby, (0, 0.5, 2)), (robz, (0, 1, 2))], 0.1, diode)",
    "pointscan(roby, (0, 3, 5), 0.1)",
    "amesh(roby, 0, 1, 3, robz, 0, 1, 2, 0.1, diode)",
    "amesh(roby, 0, 1, 3, robz, 0, 1, 2, 0.1, diode3, backnforth=True)",
    "fscan(roby, 0, 1, 5, 0.1, diode)",
    "fmesh(roby, 0, 1, 4, robz, 0, 1, 2, 0.1, diode)",
]


@pytest.mark.parametrize("command", FAMILIES)
@pytest.mark.parametrize("metadata", ["", META], ids=["bare", "metadata"])
def test_live_and_stored_documents_are_equal(
    session: Session, listener: Listener, command: str, metadata: str
) -> None:
    session.run(metadata)
    session.host.configuration = {**session.host.configuration, "journal": "bench-2026-1234"}
    scan = session.run(command.replace("ct(0.1, diode)", "sct(0.1, diode)"))
    live = listener.scans[-1]
    assert live[0].number == 1
    check_same(live, stored_documents(scan.file))
    check_same(live, stored_documents(scan.file, 1, block=2))
    check_same(live, stored_documents(session.saving.master, 1))
    assert live[0].configuration["journal"] == "bench-2026-1234"
    saved = open_scan(scan.file)
    assert equal(plain(saved.info), plain(scan.info))


ENDINGS = {
    "STOPPED": "def after_point(self, scan, i): scan.stop() if i == 1 else None",
    "USER_ABORT": "def after_point(self, scan, i): scan.abort() if i == 1 else None",
    "FAILURE": "def before_point(self, scan, i): 1 / (2 - i)",
}


@pytest.mark.parametrize("reason", ENDINGS)
def test_however_it_ended(session: Session, listener: Listener, reason: str) -> None:
    session.run(META)
    session.run("s = ascan(roby, 0, 1, 5, 0.1, diode3, run=False)")
    session.run("s.add_comment('before'); s.add_comment('µ')")
    session.run(f"class P:\n    {ENDINGS[reason]}\ns.add_preset(P())")
    if reason == "STOPPED":
        session.run("s.run()")
    else:
        with pytest.raises((KeyboardInterrupt, ScanError)):
            session.run("s.run()")
    live = listener.scans[-1]
    assert live[-1].reason is EndReason(reason)
    assert live[-1].npoints == 2
    assert len(live[0].comments) == 2
    check_same(live, stored_documents(session.scans[-1].file))


def test_a_scan_that_fails_before_its_first_point(session: Session, listener: Listener) -> None:
    session.run("s = ascan(roby, 0, 1, 5, 0.1, diode3, run=False)")
    session.run("s.add_preset(type('P', (), {'start': lambda self, scan: 1 / 0})())")
    with pytest.raises(ScanError):
        session.run("s.run()")
    live = listener.scans[-1]
    assert (len(live), live[-1].npoints) == (2, 0)
    check_same(live, stored_documents(session.scans[-1].file))


def test_pauses_and_comments_while_it_runs(session: Session, listener: Listener) -> None:
    session.run("import itertools; calls = itertools.count(); s = loopscan(5, 0.1, run=False)")
    session.run("def check(scan): return 'no beam' if next(calls) in (1, 2, 5, 6) else ''")
    session.run("s.add_watchdog(check, interval=0.05)")
    session.run("class P:\n    def after_point(self, scan, i): scan.add_comment(f'point {i}')")
    session.run("s.add_preset(P()); s.run()")
    live = listener.scans[-1]
    assert len(live[-1].pauses) == 2
    assert all(isinstance(p, Pause) and p.seconds > 0 for p in live[-1].pauses)
    assert [c.text for c in live[-1].comments] == [f"point {i}" for i in range(5)]
    check_same(live, stored_documents(session.scans[-1].file))


def test_sequences_and_their_members(session: Session, listener: Listener) -> None:
    session.run(META)
    session.run(
        "with sequence('two heights', scan_info={'why': 'µ'}) as seq:\n"
        "    seq.add(loopscan(2, 0.1, diode, run=False))\n"
        "    seq.add(ascan(roby, 0, 1, 2, 0.1, diode, run=False))\n"
    )
    by_number = {live[0].number: live for live in listener.scans}
    assert by_number[1][0].type == "sequence"
    assert by_number.keys() == {1, 2, 3}
    for scan in session.scans:
        check_same(by_number[scan.number], stored_documents(scan.file))
        assert equal(plain(open_scan(scan.file).info), plain(scan.info))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    data = tmp_path_factory.mktemp("demo")
    clock = VirtualClock(start=1_700_000_000.123456)
    with open_session("demo", config=Path("sessions"), data=data, clock=clock, seed=1) as session:
        session.host.extra_sinks.append(Listener())
        yield session


@pytest.mark.parametrize(
    "command",
    [
        "ascan(roby, 0, 10, 4, 0.1, diode1)",
        "loopscan(3, 0.1, mca, cam, temp)",
        "ascan(energy, 10, 10.1, 2, 0.1, diode1)",
        "ascan(temp_sp, 20, 21, 1, 0.1, temp)",
        "anmesh([(roby, 0, 1, 2), (robz, 0, 1, 1), (sy, 0, 1, 1)], 0.1, diode1)",
        "amesh(sy, 0, 1, 2, sz, 0, 1, 1, 0.1, mca)",
        "fscan(sy, 0, 1, 4, 0.1, diode1)",
        "userscan([roby, robz], iter([(0, 1), (2, 3)]), 0.1, diode1)",
        "loopscan(2, 0.1, cam)",
    ],
)
def test_the_demo_session(demo: Session, command: str) -> None:
    scan = demo.run(command)
    listener = demo.host.extra_sinks[0]
    assert isinstance(listener, Listener)
    check_same(listener.scans[-1], stored_documents(scan.file))
    assert equal(plain(open_scan(scan.file).info), plain(scan.info))


def test_blocks_of_images_are_bounded(demo: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = demo.run("loopscan(3, 0.1, cam)")
    image = max(c.nbytes // len(c) for c in scan.data.values())
    monkeypatch.setattr(documents, "_BYTES", int(2.5 * image))
    blocks = [d for d in stored_documents(scan.file) if isinstance(d, Rows)]
    assert [b.count for b in blocks] == [2, 1]


def test_a_scan_that_runs_has_no_end_yet(session: Session, listener: Listener) -> None:
    found: list[Documents] = []

    class Looks:
        def after_point(self, scan: Any, index: int) -> None:
            if index == 2:
                session.host.clock.sleep(1)
                found.append(list(stored_documents(scan.file)))
                found.append([open_scan(scan.file).state])

    session.run(META)
    session.namespace["looks"] = Looks()
    session.run("s = timescan(0.1, npoints=4, run=False); s.add_preset(looks); s.run()")
    started, *rows = found[0]
    live = listener.scans[-1]
    check_fields(live[0], started)
    assert all(isinstance(block, Rows) for block in rows)
    assert sum(block.count for block in rows) <= 3
    assert found[1] == ["RUNNING"]
    assert open_scan(session.scans[-1].file).state == "DONE"


def test_a_scan_whose_session_was_killed(tmp_path: Path) -> None:
    doc = HAND_MADE["ascan"](metadata={"sample": {"name": "x", "size": (1, 2)}})
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    for number in range(3):
        file.rows(point(doc, number))
    file._write_waiting()
    copy = tmp_path / "copy" / file.path.name
    copy.parent.mkdir()
    shutil.copy(file.path, copy)
    found = list(stored_documents(copy))
    check_fields(replace(doc, file=copy), found[0])
    assert [type(d) for d in found[1:]] == [Rows]
    assert found[1].count == 3
    assert open_scan(copy).state == "CRASHED"
    assert open_scan(file.path).state == "RUNNING"
    file.scan_ended(ended(doc, 3))
    assert open_scan(file.path).state == "DONE"


def test_a_scan_that_was_repaired(tmp_path: Path) -> None:
    failure = MetadataFailure("ring", "machine", "START", "no answer")
    doc = HAND_MADE["amesh"](
        metadata={"sample": {"name": "x", "size": (1, 2)}},
        comments=(Comment(1.5, "before"),),
        failures=(failure,),
    )
    file = ScanFile.reserve(tmp_path, name_of, 1)
    file.scan_started(doc)
    for number in range(5):
        file.rows(point(doc, number))
    file._write_waiting()
    path = tmp_path / "other" / file.path.name
    path.parent.mkdir()
    shutil.copy(file.path, path)
    side_path(path).touch()
    assert open_scan(path).state == "CRASHED"
    assert repair_file(path).state == "repaired"
    started, *rows, end = stored_documents(path)
    check_fields(replace(doc, file=path), started)
    assert sum(block.count for block in rows if isinstance(block, Rows)) == 5
    assert isinstance(end, ScanEnded)
    assert (end.reason, end.npoints) == (EndReason.CRASHED, 5)
    assert (end.comments, end.failures) == (doc.comments, doc.failures)
    assert equal(plain(end.metadata), plain(doc.metadata))
    assert open_scan(path).state == "DONE"
    open_scan(path).add_comment("so far so good")
    assert [c.text for c in open_scan(path).comments] == ["before", "so far so good"]


def test_odd_texts_units_and_columns_come_back(tmp_path: Path) -> None:
    odd = Channel("no name/µ", "time", "µm", dtype="float32", device="box", mode="LAST")
    big = Channel("big", "counter", "Å", dtype="object")
    doc = started(
        odd,
        big,
        title="a\0b \ud800",
        name="",
        session="ses\udcffsion",
        command="x = '\0'",
        parameters={"count_time": 3.0, "npoints": [1], "µ": (1, 2), "None": None},
        positions={"a b": Position(1.0, 2.0, "µm"), "c": Position(math.nan, math.nan, "", "é")},
        configuration={"name": "one", "a.b": "two", "session": "\0"},
        shape=(5, 2),
        grid=((0.0, 1.0, 2.0, 3.0, 4.0), (0.5, 1.5)),
        plot=(),
        axes=("no name/µ", "big"),
    )
    path = save(tmp_path, doc, error="went\0wrong", reason=EndReason.FAILURE)
    found = list(stored_documents(path))
    check_fields(replace(doc, file=path), found[0])
    assert found[-1].error == "went\0wrong"
    assert found[-1].positions["a b"] == doc.positions["a b"]


@pytest.mark.parametrize("block", [0, -1, 1.5, True, None])
def test_what_is_no_block_is_told(tmp_path: Path, block: Any) -> None:
    path = save(tmp_path, HAND_MADE["ascan"]())
    with pytest.raises(CommandError, match="block must be a number"):
        list(stored_documents(path, block=block))


def test_which_scan_has_to_be_said(tmp_path: Path) -> None:
    save(tmp_path, HAND_MADE["ascan"]())
    with pytest.raises(CommandError, match="which scan"):
        list(stored_documents(tmp_path))
    with pytest.raises(ScanError, match="no such file"):
        list(stored_documents(tmp_path / "x.h5"))


def test_somebody_has_corrected_the_file(tmp_path: Path) -> None:
    metadata = {"sample": {"name": "gold", "size": [1, None], "when": dt.date(2026, 1, 2)}}
    path = save(tmp_path, HAND_MADE["ascan"](metadata=metadata))
    assert open_scan(path).info == metadata
    with h5py.File(path, "a") as file:
        file["1.1/sample/name"][()] = "silver"
        file["1.1/sample/parameters/size"][()] = [2.0, 3.0]
        file["1.1/sample/parameters/when"][()] = "yesterday"
        file["1.1/sample/mass"] = 3.5
    info = open_scan(path).info
    assert info["sample"]["name"] == "silver"
    assert list(info["sample"]["size"]) == [2.0, 3.0]
    assert info["sample"]["when"] == "yesterday"
    assert info["sample"]["mass"] == 3.5
    started, *_ = stored_documents(path)
    assert started.metadata["sample"]["name"] == "silver"


def test_links_of_users_static_and_at_the_end(session: Session) -> None:
    session.run(
        "from session_shell.scanning.scan_meta import META_TIMING\n"
        "from session_shell.scanning import scan_meta\n"
        "meta = scan_meta.get_user_scan_meta()\n"
        "meta.sample.set('s', {'x': 1, '>first': 'measurement/roby', '>y': 'x'})\n"
        "meta.instrument.set('i', lambda scan: {'last': {\n"
        "    '>best': f'measurement/{scan.data.npoints and \"diode\"}',\n"
        "    '>whole': '/1.1/sample', '>other': 'other.h5::/1.1', '>gone': 'no/where'}})\n"
    )
    scan = session.run("ascan(roby, 0, 1, 3, 0.1, diode)")
    with h5py.File(scan.file) as file:
        entry = file["1.1"]
        assert entry["sample/first"] == entry["instrument/roby/value"]
        assert entry["sample/y"][()] == 1
        assert entry["instrument/last/best"] == entry["instrument/diode/data"]
        assert entry["instrument/last/whole"] == entry["sample"]
        other = entry["instrument/last"].get("other", getlink=True)
        assert (other.filename, other.path) == ("other.h5", "/1.1")
        assert "gone" not in entry["instrument/last"]
        warnings = entry["scan/metadata_warnings"].asstr()[()].tolist()
        assert warnings == [
            "instrument/last/gone: left out, since there is no 'no/where' to link to"
        ]
        soft: list[str] = []
        entry.visit_links(
            lambda path: (
                soft.append(path)
                if isinstance(entry.get(path, getlink=True), h5py.SoftLink)
                else None
            )
        )
        assert soft == []
    assert open_scan(scan.file).info == scan.info


def test_who_made_it_with_what_and_why(session: Session) -> None:
    session.host.configuration = {**session.host.configuration, "journal": "bench-2026-1234"}
    scan = session.run("ascan(roby, 0, 1, 3, 0.1, diode)")
    with h5py.File(scan.file) as file:
        group = file["1.1/session"]
        found = {name: node.asstr()[()] for name, node in group.items() if name != "versions"}
        assert found["journal"] == "bench-2026-1234"
        assert found["setup_script"] == ""
        assert "class: mockup" in found["configuration"]
        assert found["user"] == session.host.user
        assert found["host"]
        assert {name: node.asstr()[()] for name, node in group["versions"].items()} == {
            "session_shell": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "h5py": h5py.__version__,
            "HDF5": h5py.version.hdf5_version,
        }
        assert file["1.1/scan/npoints"][()] == file["1.1/scan/npoints_acquired"][()] == 4
        axis = file["1.1/instrument/roby"]
        assert axis["velocity"].attrs["units"] == "mm/s"
        assert axis["soft_limit_max"][()] == 50
        settings = axis["parameters"]
        assert {"acceleration", "offset", "sign", "steps_per_unit", "backlash"} <= set(settings)
        for when in ("start", "end"):
            for dial in ("", "_dial"):
                axes = file[f"1.1/instrument/positioners{dial}_{when}"]
                assert set(axes) == {"roby", "robz"}


DAMAGED = [
    "nonsense",
    "[]",
    "5",
    '{"metadata": 5, "channels": [], "texts": 1, "units": [], "comments": "x", "added": 3}',
    '{"metadata": {"items": [], "absent": {}}, "parameters": [], "at_start": "x", "failures": []}',
    '{"metadata": {"items": {"sample/name": {"at": {"later": 1}, "form": "later", "is": {"x": 1}},'
    ' "sample/parameters/size": "later", "sample": {"form": 5}},'
    ' "absent": [1, [["a"]], [{"tuple": 5}, 1], [[[]], 1], [["b"], {"later": []}], [["c"], 1]]},'
    ' "channels": {"x": [], "0": [1, 2], "99": 5, "1": ["a", "b", "c", "d", 5, "f", "g"]},'
    ' "added": [5, [{"dict": 1}], [], ["x", "y"]], "texts": {"title": 5, "configuration": "x"}}',
]


@pytest.mark.parametrize("record", DAMAGED)
def test_damaged_notes_or_those_of_a_later_version_lose_nothing(
    tmp_path: Path, record: str
) -> None:
    doc = HAND_MADE["ascan"](metadata={"sample": {"name": "gold", "size": [1.0, 2.0]}})
    path = save(tmp_path, doc)
    with h5py.File(path, "a") as file:
        file["1.1/scan/python_values"][()] = record
    start, *rows, end = stored_documents(path)
    assert isinstance(start, ScanStarted)
    assert isinstance(end, ScanEnded)
    assert (start.title, start.uid, start.axes) == (doc.title, doc.uid, doc.axes)
    assert sum(block.count for block in rows if isinstance(block, Rows)) == 11
    for metadata in (start.metadata, end.metadata, open_scan(path).info):
        assert metadata["sample"]["name"] == "gold"
        assert list(metadata["sample"]["size"]) == [1.0, 2.0]
