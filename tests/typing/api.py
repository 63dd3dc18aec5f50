"""Uses of the public interface, for mypy only: this file is never run.

When mypy complains here, a change breaks the code of users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell import current_session, open_session
from session_shell.clock import Clock, RealClock, VirtualClock
from session_shell.config import Problem, check_configuration, load_configuration
from session_shell.devices.context import DeviceContext
from session_shell.devices.protocols import (
    Channel,
    Detector,
    HasChannelMetadata,
    HasSavedState,
    HasScanMetadata,
    Movable,
    Status,
    Value,
)
from session_shell.journal import JournalLog, find_journal, list_journals, read_journal
from session_shell.scanning import scan_meta
from session_shell.scanning.documents import (
    EndReason,
    Rows,
    ScanEnded,
    ScanStarted,
    Sink,
)
from session_shell.scanning.scan import Scan
from session_shell.session import Session
from session_shell.testing import Beamline, ScanDocuments, Screen, Terminal


def use_a_session() -> None:
    clock: Clock = VirtualClock(start=0.0)
    with open_session("demo", config="sessions", data=Path("data"), clock=clock, seed=1) as session:
        opened: Session = session
        scan: Scan = session.run("loopscan(10, 0.1, diode3)")
        look_at(scan)
        session.run("wa()", echo=True)
        session.run_file("script.py", ["argument"])
        namespace: dict[str, Any] = session.namespace
        problems: list[Problem] = session.problems
        scans: Sequence[Scan] = session.scans
        print(opened, namespace, problems, scans, session.devices, current_session())
    open_session("demo", clock=RealClock()).close()
    with open_session("demo", read_only=True, resume=True) as looking:
        names: tuple[str, ...] = looking.resumed.names if looking.resumed is not None else ()
        print(names, looking.read_only, looking.saving.folder)


def look_at(scan: Scan) -> None:
    number: int = scan.number
    title: str = scan.title
    file: Path | None = scan.file
    info: dict[str, Any] = scan.info
    column: NDArray[Any] = scan.data["diode3"]
    reason: EndReason | None = scan.end_reason
    error: BaseException | None = scan.error
    seconds: float = scan.duration
    scan.add_comment("dark")
    scan.run().stop()
    print(number, title, file, info, column, reason, error, seconds, scan.state, scan.data.npoints)


def register_metadata() -> None:
    registry = scan_meta.get_user_scan_meta()

    def where(scan: Scan) -> dict[str, Any] | None:
        return {"title": scan.title} if scan.type == "ascan" else None

    registry.instrument.set("where", where)
    registry.sample.set("sample", {"name": "gold", "thickness": 2.5, "thickness@units": "um"})
    registry.instrument.timing = scan_meta.META_TIMING.START | scan_meta.META_TIMING.END
    registry.sample.timeout = 20
    registry.add_categories(["workflows"])
    category: scan_meta.Category = registry.workflows
    names: list[str] = registry.used_categories_names
    merged: dict[str, Any] = registry.to_dict(None, scan_meta.META_TIMING.START)
    registry.remove_categories(names)
    category.remove("where")
    print(category.is_set("where"), category.keys, merged)


def test_a_setup_script() -> None:
    with Beamline("demo", config="sessions", data="data", screen=Screen(80, 24)) as beamline:
        beamline.run("umv roby 1")
        record: ScanDocuments = beamline.documents[-1]
        values: list[Any] = record.column("roby")
        shown: str = beamline.screen.last
        beamline.restart()
        print(values, shown, beamline["roby"], beamline.problems, beamline.clock.time())
    with Terminal(["session-shell", "open", "demo"], columns=80) as terminal:
        text: str = terminal.run("wa()")
        code: int = terminal.leave()
        print(text, code, terminal.wait_for("roby"), terminal.screen.raw)


def check_a_configuration() -> list[str]:
    configuration = load_configuration("sessions")
    return [str(problem) for problem in check_configuration(configuration, ["demo"])]


class Lamp:
    """An axis that inherits nothing."""

    def __init__(self, name: str, *, context: DeviceContext, unit: str = "percent") -> None:
        self.name = name
        self.unit = unit
        self.position = 0.0
        self._context = context

    def check_targets(self, targets: Sequence[float] | NDArray[Any]) -> None:
        print(np.max(targets))

    def start_move(self, target: float) -> Status:
        moved: Future[None] = Future()
        moved.set_result(None)
        self.position = target
        return moved

    def stop(self) -> None: ...

    def scan_metadata(self) -> Mapping[str, Any] | None:
        return {"light": self.position}

    def saved_state(self) -> Mapping[str, float | str | bool | None]:
        return {"position": self.position}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        self.position = float(state.get("position", 0.0))

    def configured_state(self) -> Mapping[str, float | str | bool | None]:
        return {}


class Counter:
    """A detector that inherits nothing."""

    def __init__(self, name: str, follows: Movable) -> None:
        self.name = name
        self.channels = (Channel(name, "counter", unit="counts"),)
        self._follows = follows

    def prepare(self, count_time: float, npoints: int) -> None: ...

    def trigger(self) -> Status | None:
        return None

    def read(self) -> Sequence[Value]:
        return [self._follows.position]

    def stop(self) -> None: ...

    def channel_metadata(self) -> Mapping[str, Any]:
        return {"follows": self._follows.name}


class Printer:
    """A sink that inherits nothing."""

    must_not_fail = False

    def scan_started(self, doc: ScanStarted) -> None:
        print(doc.title, doc.npoints, doc.channels)

    def rows(self, doc: Rows) -> None:
        print(doc.first, doc.count, doc.columns)

    def scan_ended(self, doc: ScanEnded) -> None:
        print(doc.reason, doc.npoints)


def own_devices_fit(context: DeviceContext) -> None:
    lamp = Lamp("lamp", context=context)
    counter = Counter("counter", lamp)
    axis: Movable = lamp
    publisher: HasScanMetadata = lamp
    keeper: HasSavedState = lamp
    detector: Detector = counter
    describer: HasChannelMetadata = counter
    sink: Sink = Printer()
    print(axis, publisher, keeper, detector, describer, sink, context.random("lamp").normal())


def journals(data: Path) -> None:
    log: JournalLog = read_journal(find_journal(data, "last"))
    for command in log.commands:
        typed: str = command.command.typed
        outcome: str = command.done.outcome if command.done is not None else "killed"
        points: list[int] = [scan.points for scan in command.scans]
        print(typed, outcome, points)
    for summary in list_journals(data, "demo"):
        print(summary.id, summary.state, summary.errors)
