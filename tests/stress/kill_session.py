"""Kill sessions at random instants, read their journals, and replay what was finished.

Usage: ``python -m tests.stress.kill_session 200``.

Each instant is a process that runs commands as fast as it can, until SIGKILL. Prints how many
journals there were, how many could not be read or lacked a command that was over, how many
ended in a torn line, and how many did not replay bit by bit as far as they got. A kill before
the session is open leaves no journal, which is no loss.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from session_shell import open_session
from session_shell.clock import VirtualClock
from session_shell.errors import JournalError
from session_shell.journal import list_journals, read_journal
from session_shell.replay import open_recording, replay

CONFIGURATION = """
- class: mockup
  axes: [{name: m, unit: mm, velocity: 10, acceleration: 100}]
- {class: simulation_diode, name: flat, model: constant, constant: 7}
- {class: Session, name: bench}
"""
COMMANDS = (
    "mv(m, 1)",
    "x = 1",
    "for i in range(3000): print(i, 'of many lines')",
    "ascan(m, 0, 1, 9, 0.01, flat, save=False)",
    "loopscan(2, 0.01, flat)",
    "elog_print('remark ' * 500)",
    "1 / 0",
)


@dataclass
class Result:
    """What came of all instants."""

    instants: int = 0
    journals: int = 0
    commands: int = 0
    torn: int = 0
    scans: int = 0
    replayed: int = 0
    lost: list[str] = field(default_factory=list)


def main() -> None:
    """Run as many instants as the command line says."""
    instants = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    result = run(instants, seed)
    print(
        f"{result.instants} instants (seed {seed}), {result.journals} journals, "
        f"{result.commands} finished commands, {result.torn} torn last lines, "
        f"{result.replayed} replayed bit by bit with {result.scans} scans, "
        f"{len(result.lost)} unreadable, incomplete or different"
    )
    for line in result.lost:
        print(f"  {line}")
    sys.exit(1 if result.lost else 0)


def run(instants: int, seed: int) -> Result:
    """Kill so many sessions and look at what they left."""
    result, chance = Result(), random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="kill-session-"))
    try:
        (folder / "config").mkdir()
        (folder / "config" / "bench.yml").write_text(CONFIGURATION)
        open_session("bench", config=folder / "config", data=folder / "first").close()
        for number in range(instants):
            data = folder / f"data_{number}"
            # Most while commands run, some while the session is being opened.
            pause = chance.uniform(0.0, 0.5 if number % 5 else 0.03)
            _look(data, _killed(folder / "config", data, pause), result)
            shutil.rmtree(data, ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def _killed(config: Path, data: Path, pause: float) -> int:
    """Run a session for so many seconds; return how many of its commands were over."""
    end, begin = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _work(config, data, begin)
        finally:
            os._exit(1)
    os.close(begin)
    time.sleep(pause)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(end, "rb") as pipe:
        return len(pipe.read())


def _work(config: Path, data: Path, report: int) -> None:
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    with open_session("bench", config=config, data=data, clock=VirtualClock(), seed=1) as session:
        number = 0
        while True:
            command = COMMANDS[number % len(COMMANDS)]
            with suppress(ZeroDivisionError):
                session.run(command)
            os.write(report, b".")
            number += 1


def _look(data: Path, over: int, result: Result) -> None:
    result.instants += 1
    found = list_journals(data)
    if not found:
        if over:
            result.lost.append(f"{over} commands were over, but there is no journal")
        return
    result.journals += 1
    try:
        log = read_journal(found[0].path)
    except JournalError as error:
        result.lost.append(str(error))
        return
    finished = [c.done is not None for c in log.commands]
    result.commands += sum(finished)
    result.torn += bool(log.problems)
    wrong = sum(finished) < over or not all(finished[:-1]) or len(log.problems) > 1
    if wrong or found[0].state != "killed" or log.closed is not None:
        result.lost.append(f"{over} over, {sum(finished)} recorded, {log.problems} {found[0]}")
        return
    _replay(found[0].path, data, sum(finished), result)


def _replay(journal: Path, data: Path, finished: int, result: Result) -> None:
    """Run again what was finished; everything must be as it was."""
    report = replay(open_recording(journal), data / "again")
    compared = sum(one.number > 0 for one in report.commands)
    if report.agrees and compared == finished:
        result.replayed += 1
        result.scans += sum(one.scans for one in report.commands)
    else:
        result.lost.append(f"{compared} of {finished} commands replayed: {report.text()}")


if __name__ == "__main__":
    main()
