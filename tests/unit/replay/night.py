"""Record the session that the tests replay: about forty commands of every kind."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from session_shell import open_session
from session_shell.clock import VirtualClock
from session_shell.errors import ScanPaused
from session_shell.scanning.documents import Rows, ScanEnded, ScanStarted
from session_shell.session import Session

SESSIONS = Path(__file__).parents[3] / "sessions"

COMMANDS = (
    "wa()",
    "umv roby 1 robz 2",
    "step = 0.5; print('step is', step)",
    "mvr(sy, step)",
    "ct(0.1, diode)",
    "loopscan(5, 0.1)",
    "timescan(0.05, diode, npoints=6)",
    "ascan roby 0 10 20 0.1 diode1 diode3",
    "umv(roby, cen())",
    "dscan(sy, -1, 1, 10, 0.05, diode)",
    "a2scan(roby, 0, 5, robz, 0, 5, 10, 0.05, diode1, diode2)",
    "scan_meta_obj.sample.set('night', {'thickness': 2.5, 'thickness@units': 'um'})",
    "sct(0.2, diode1)",
    "amesh(sy, -1, 1, 6, sz, -1, 1, 6, 0.01, diode, backnforth=True)",
    "dmesh(sy, -0.2, 0.2, 3, sz, -0.2, 0.2, 3, 0.01, diode)",
    "pointscan(roby, [1, 2, 4, 8], 0.05, diode1)",
    "lookupscan([(roby, [0, 1, 2]), (robz, [3, 4, 5])], 0.05, diode1)",
    "fscan(roby, 0, 10, 50, 0.01, diode1)",
    "fmesh(sy, -1, 1, 20, sz, -1, 1, 3, 0.01, diode)",
    "ascan(mono, 8, 9, 10, 0.05, mono_enc)",
    "ascan(sy, -1, 1, 4, 0.1, mca)",
    "loopscan(3, 0.1, cam)",
    "mp.move(mp.labels[0])",
    "def climb(x=0.0, step=0.4):\n    for _ in range(5):\n        row = yield x\n        x += step",
    "userscan(sy, climb, 0.02, diode)",
    "ascan(roby, 0, 5, 50, 0.1, diode1)",  # Ctrl-C after 7 points
    "wm(roby)",
    "umv(roby, 1e6)",  # fails
    "nonsense + 1",  # fails too
    "scan_meta_obj.sample.remove('night')",
    "loopscan(4, 0.1, diode3, mon)",  # stopped with a key after 2 points
    "load_script('demo')",
    "find_sample(0.1)",
    "through_all_foils(0.05)",
    "with sequence('tomography') as seq:\n"
    "    for z in (0, 1):\n"
    "        umv(sz, z)\n"
    "        seq.add(loopscan(2, 0.01, diode))",
    "temp_sp.position, ct(0.1, temp)",
    "umv(temp_sp, 30)",
    "loopscan(5, 1, temp)",
    "roby.limits = (-20, 20); roby.offset = 0.25",
    "import time; time.sleep(12.5)",
    "diode.mode = 'STATS'; loopscan(3, 0.1, diode)",
    "mv(robz, -90)",  # Ctrl-C on the way
    "ascan(roby, 0, 10, 10, 0.1, diode1)",
    "print(round(scan(-1).data['diode1'].sum(), 6), len(SCANS))",
)

HOUR = (
    "wa()",
    "step = 0.5; print('step is', step)",
    "scan_meta_obj.sample.set('night', {'thickness': 2.5, 'thickness@units': 'um'})",
    "ascan roby 0 10 10 0.1 diode1 diode3",
    "umv(roby, 1e6)",  # fails
    "loopscan(3, 0.1, cam)",
)
"""A shorter one."""

ABORTED, STOPPED, STOPPED_MOVE = 26, 31, 42
"""Numbers of the commands in which somebody presses a key."""


class Fingers:
    """A sink that presses keys at given points, as a person would."""

    must_not_fail = False

    def __init__(self, session: Session, keys: Mapping[int, tuple[str, int]]) -> None:
        self.session, self.keys, self.number = session, keys, 0

    def scan_started(self, doc: ScanStarted) -> None: ...

    def rows(self, doc: Rows) -> None:
        key, points = self.keys.get(self.number, ("", 0))
        if doc.first + doc.count != points:
            return
        if key == "stop":
            self.session.host.running.control.request_stop(by_key=True)
        elif key == "pause":
            self.session.host.running.control.request_pause("Ctrl-Z", to_prompt=True, by_key=True)
        elif key == "abort":
            self.session.guard.interrupt()

    def scan_ended(self, doc: ScanEnded) -> None: ...


class ImpatientClock(VirtualClock):
    """A virtual clock at which somebody presses Ctrl-C at a moment."""

    def __init__(self, start: float) -> None:
        super().__init__(start)
        self.moment = float("inf")
        self.press: Any = None

    def sleep(self, seconds: float) -> None:
        super().sleep(min(seconds, max(self.moment - self.time(), 0.0)))
        if self.time() >= self.moment:
            self.moment = float("inf")
            self.press()


def record(
    folder: Path,
    commands: Sequence[str] = COMMANDS,
    *,
    session: str = "demo",
    config: Path = SESSIONS,
    keys: Mapping[int, tuple[str, int]] | None = None,
    moves: Mapping[int, float] | None = None,
    source: str = "stdin",
) -> Path:
    """Run commands in a session whose data go to `folder`; return the journal.

    Args:
        folder: Data directory; the configuration is copied beside it.
        commands: What to type.
        session: Name of the session.
        config: Its configuration.
        keys: Key (``abort``, ``stop``, ``pause``) and point, by number of the command.
        moves: Seconds after which Ctrl-C comes, by number of the command.
        source: As the journal has it.
    """
    mine = folder.parent / f"{folder.name}-config"
    shutil.copytree(config, mine)
    keys = {ABORTED: ("abort", 7), STOPPED: ("stop", 2)} if keys is None else keys
    moves = {STOPPED_MOVE: 0.3} if moves is None else moves
    clock = ImpatientClock(1_700_000_000.0)
    out = io.StringIO()
    with (
        redirect_stdout(out),
        open_session(session, config=mine, data=folder, clock=clock, seed=5, stream=out) as opened,
    ):
        fingers = Fingers(opened, keys)
        opened.host.extra_sinks.append(fingers)
        clock.press = opened.guard.interrupt
        for number, command in enumerate(commands, 1):
            fingers.number = number
            if number in moves:
                clock.moment = clock.time() + moves[number]
            try:
                opened.run(command, echo=True, source=source)
            except (Exception, ScanPaused, KeyboardInterrupt) as error:
                print(type(error).__name__, error)
        assert opened.journal.path is not None
        return opened.journal.path
