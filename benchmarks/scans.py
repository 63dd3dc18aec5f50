"""Cost per point and per scan, in virtual time: what remains is the work of the program."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.timing import Result, best
from session_shell import open_session
from session_shell.clock import VirtualClock

POINTS = 5000
SHORT = 20
CONFIGURATION = """
- {name: flat, class: simulation_diode, model: constant, constant: 7}
- {name: fast, class: mockup, axes: [{name: m, velocity: 1000, acceleration: 100000}]}
- {name: bench, class: Session}
"""


def measure(folder: Path) -> list[Result]:
    """Return cost per point and per scan, with data below `folder`."""
    (folder / "bench.yml").write_text(CONFIGURATION)
    loop = best(_bare_loop, count=POINTS)
    write = best(lambda: _bare_write(folder / "bare.h5"), count=POINTS)
    small = best(lambda: _bare_files(folder / "bare.h5", SHORT), count=SHORT)
    results = [
        Result("bare Python loop", loop, "point"),
        Result("bare h5py write of 3 columns", write, "point"),
        Result("bare h5py file of 1 point", small, "file"),
    ]
    results += _points(folder, loop, write)
    results += _scans(folder, small)
    return results


def _points(folder: Path, loop: float, write: float) -> list[Result]:
    beside = "bare loop"
    both = loop + write
    found = []
    with _session(folder, None) as session:
        unsaved = best(_runs(session, POINTS, save=False), count=POINTS)
        saved = best(_runs(session, POINTS, save=True), count=POINTS)
        moved = best(_walks(session, POINTS), count=POINTS)
    with _session(folder, io.StringIO()) as session:
        shown = best(_runs(session, POINTS, save=False), count=POINTS)
    found.append(Result("loopscan, not saved", unsaved, "point", loop, beside))
    found.append(Result("loopscan, saved", saved, "point", both, "bare loop and write"))
    found.append(Result("loopscan, table to a StringIO", shown, "point", loop, beside))
    found.append(Result("ascan, not saved", moved, "point", loop, beside))
    return found


def _scans(folder: Path, small: float) -> list[Result]:
    with _session(folder, None) as session:
        unsaved = best(_runs(session, 1, save=False, times=SHORT), count=SHORT)
        saved = best(_runs(session, 1, save=True, times=SHORT), count=SHORT)

    def open_and_close() -> None:
        _session(folder, None).close()

    beside = "bare file"
    return [
        Result("scan of 1 point, not saved", unsaved, "scan", small, beside),
        Result("scan of 1 point, saved", saved, "scan", small, beside),
        Result("open and close a session", best(open_and_close), "session", small, beside),
    ]


def _session(folder: Path, stream: io.StringIO | None) -> Any:
    return open_session(
        "bench", config=folder, data=folder / "data", clock=VirtualClock(), seed=1, stream=stream
    )


def _runs(session: Any, points: int, *, save: bool, times: int = 1) -> Callable[[], None]:
    code = f"for _ in range({times}): loopscan({points}, 0.001, flat, save={save})"
    return lambda: session.run(code)


def _walks(session: Any, points: int) -> Callable[[], None]:
    code = f"ascan(m, 0, 10, {points - 1}, 0.001, flat, save=False)"
    return lambda: session.run(code)


class _Counter:
    """What a detector must have, and nothing else."""

    def trigger(self) -> None:
        pass

    def read(self) -> tuple[float]:
        return (7.0,)


def _bare_loop() -> list[tuple[float, float, float]]:
    counter, now, rows = _Counter(), 0.0, []
    for _ in range(POINTS):
        counter.trigger()
        now += 0.001
        rows.append((now, now, *counter.read()))
    return rows


def _bare_write(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name in ("elapsed_time", "epoch", "flat"):
            file[name] = np.zeros(POINTS)


def _bare_files(path: Path, times: int) -> None:
    for _ in range(times):
        with h5py.File(path, "w") as file:
            for name in ("elapsed_time", "epoch", "flat"):
                file[name] = np.zeros(1)
