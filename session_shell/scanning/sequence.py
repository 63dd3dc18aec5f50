"""Several scans under one title: an entry of their own in the files, with links to each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from session_shell.devices.protocols import Channel, Value
from session_shell.errors import ScanError
from session_shell.scanning.documents import Rows
from session_shell.scanning.engine import Run
from session_shell.scanning.host import ScanHost
from session_shell.scanning.metadata import merge
from session_shell.scanning.plan import ScanPlan, Trajectory
from session_shell.scanning.scan import Scan, ScanState


class _Members:
    """The column of a sequence: the numbers of its scans."""

    name = "scan_number"
    channels = (Channel("scan_number", "counter"),)

    def prepare(self, count_time: float, npoints: int) -> None:
        """Nothing is to be prepared."""

    def trigger(self) -> None:
        """Nothing is triggered."""

    def read(self) -> tuple[Value, ...]:
        """Nothing is read: the sequence knows the numbers."""
        return (0.0,)

    def stop(self) -> None:
        """Nothing is to be stopped."""


class ScanSequence:
    """Group scans while they run; a context manager.

    Its own scan, in `scan`, has a row for each member: when it began and its number. An error
    or a Ctrl-C in the block ends it as FAILURE or USER_ABORT, with the members so far.

    Args:
        title: What the sequence is for.
        host: The session.
        scan_info: Metadata of the sequence.
        kind: Its type in the file.
    """

    def __init__(
        self,
        title: str,
        host: ScanHost,
        scan_info: Mapping[str, Any] | None = None,
        kind: str = "sequence",
    ) -> None:
        plan = ScanPlan(
            type=kind,
            title=title,
            trajectory=Trajectory.still(0),
            detectors=(_Members(),),
            count_time=0.0,
            scan_info=scan_info or {},
            shown=False,  # its members are
        )
        self.scan = Scan(plan, host)
        self.members: list[Scan] = []
        self._host = host
        self._run: Run | None = None
        self._begin = 0.0

    def add(self, scan: Scan) -> Scan:
        """Add a scan: one that was made with ``run=False`` is run now; return it."""
        if self._run is None:
            raise ScanError(f"{self.scan.title}: add scans inside its 'with' block")
        if scan in self.members or scan is self.scan:
            raise ScanError(f"{scan.title}: is in this sequence already")
        self.members.append(scan)
        uid = self.scan.plan.uid
        scan.sequence = scan.sequence or uid
        if scan.state is ScanState.IDLE:
            scan.run()
        else:
            self._host.add_to_sequence(scan, uid)
        self._note(scan)
        return scan

    def __enter__(self) -> Self:
        guard = self._host.guard
        with guard.active(), guard.shielded():
            self._run = Run(self.scan, self._host, self._host.reserve(self.scan))
            self._run.begin()
            self._begin = self.scan.start_time or 0.0
            if self._run.error is not None:
                self._end()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        run, guard = self._run, self._host.guard
        if run is None:
            return
        with guard.active(), guard.shielded():
            run.error = run.error or error
            try:
                self._end()
            except BaseException:
                if error is None:
                    raise  # else: what ended the block goes on by itself

    def _note(self, scan: Scan) -> None:
        assert self._run is not None
        time = scan.start_time or self._host.clock.time()
        row = (time - self._begin, time, float(scan.number))
        number = len(self.scan.data["scan_number"])
        self._run.bus.rows(Rows(number, 1, tuple((value,) for value in row)))

    def _end(self) -> None:
        run, self._run = self._run, None
        assert run is not None
        merge(run.metadata.extra, {"members": self._links()})
        self._host.scan_begins(self.scan)
        run.end()

    def _links(self) -> dict[str, Any]:
        links: dict[str, Any] = {"@NX_class": "NXcollection"}
        for scan in self.members:
            if scan.file is None or self.scan.file is None:
                continue
            entry = f"{scan.number}.1"
            where = f"{os.path.relpath(scan.file, self.scan.file.parent)}::/{entry}"
            # No link to the whole entry: nexusformat loses its way in what lies two groups deep
            # behind a link that has another path in the other file.
            links[f"scan_{scan.number}"] = {
                "entry": entry,
                "title": scan.title,
                ">measurement": f"{where}/measurement",
                ">plot": f"{where}/plot",
            }
        return links

    def __repr__(self) -> str:
        return f"<sequence {self.scan.title}: {len(self.members)} scans>"
