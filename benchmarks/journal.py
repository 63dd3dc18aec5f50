"""What the record of a session costs: per command, per point, per line that is printed."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from benchmarks.timing import Result, best
from session_shell import open_session
from session_shell.clock import VirtualClock
from session_shell.devices.protocols import Channel
from session_shell.journal.digests import DigestSink
from session_shell.scanning.documents import EndReason, Rows, ScanEnded, ScanStarted

COMMANDS = 200
POINTS = 20_000
LINES = 5000
CONFIGURATION = """
- {name: fast, class: mockup, axes: [{name: m}, {name: n}]}
- {name: flat, class: simulation_diode, model: constant, constant: 7}
- {name: bench, class: Session}
"""


def measure(folder: Path) -> list[Result]:
    """Return costs beside the same without a journal, with data below `folder`."""
    config = folder / "journal"
    config.mkdir()
    (config / "bench.yml").write_text(CONFIGURATION)
    points = best(_digests, count=POINTS)
    loop = best(lambda: [Rows(i, 1, _ROW) for i in range(POINTS)], count=POINTS)
    with open_session(
        "bench", config=config, data=config / "data", clock=VirtualClock()
    ) as session:
        begin = best(_commands(session, "x = 1"), count=COMMANDS)
        printed = best(_prints(session), count=LINES)
        session.journal.close()
        plain = best(_commands(session, "x = 1"), count=COMMANDS)
        quiet = best(_prints(session), count=LINES)
    beside = "without a journal"
    return [
        Result("a command that does nothing", plain, "command"),
        Result("... recorded", begin, "command", plain, beside),
        Result("a printed line", quiet, "line"),
        Result("... recorded", printed, "line", quiet, beside),
        Result("fingerprints of 7 columns", points, "point", loop, "making the points"),
    ]


_COLUMNS = 7
_ROW = tuple((float(n),) for n in range(_COLUMNS))


def _digests() -> None:
    channels = tuple(Channel(f"c{n}", "counter") for n in range(_COLUMNS))
    sink = DigestSink()
    sink.scan_started(
        ScanStarted("u", 1, "bench", "bench", "bench", 0.0, 0, (0,), 0.1, channels=channels)
    )
    take = sink.rows
    for index in range(POINTS):
        take(Rows(index, 1, _ROW))
    sink.scan_ended(ScanEnded("u", 1.0, EndReason.SUCCESS, POINTS))


def _commands(session: Any, code: str) -> Callable[[], None]:
    def run() -> None:
        for _ in range(COMMANDS):
            session.run(code)

    return run


def _prints(session: Any) -> Callable[[], None]:
    def run() -> None:
        with redirect_stdout(io.StringIO()):
            session.run(f"for i in range({LINES}): print('a line of some length', i)")

    return run
