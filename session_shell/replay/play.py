"""Run the commands of a recorded session again, as they were typed."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TextIO, cast

from session_shell.commands import describe
from session_shell.errors import JournalError, ScanPaused, SessionShellError
from session_shell.journal import CommandLog, JournalLog
from session_shell.journal.records import Scan
from session_shell.opening import open_session
from session_shell.replay.clocks import RealReplayClock, ReplayClock
from session_shell.replay.code import is_own_magic
from session_shell.replay.curtain import Curtain
from session_shell.replay.keys import Keys
from session_shell.replay.stage import Stage
from session_shell.replay.writes import only_below
from session_shell.scanning.scan import Scan as LiveScan
from session_shell.session import Session, expand
from session_shell.session.execution import execute
from session_shell.session.relocation import Relocation

Answer = Literal["run", "skip", "all", "quit"]
_LEAVING = ("exit", "quit", "exit()", "quit()", "exit;", "quit;")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a session is to be replayed.

    Attributes:
        first: Commands before this one run too, but are not shown.
        last: Commands after this one do not run; None: all do.
        left_out: Numbers of commands that do not run.
        real: In real time.
        speed: Seconds of simulated time for one of real time; None: as fast as possible.
        ask: Asked before each command that is shown.
        tell_error: Shows what a command raised.
        quiet: Shows nothing of the commands.
        output: What they print is compared.
        anywhere: Commands may change files outside of the folder of the replay.
    """

    first: int = 1
    last: int | None = None
    left_out: frozenset[int] = frozenset()
    real: bool = False
    speed: float | None = None
    ask: Callable[[CommandLog], Answer] | None = None
    tell_error: Callable[[BaseException], None] | None = None
    quiet: bool = False
    output: bool = True
    anywhere: bool = False


@dataclass(slots=True)
class Played:
    """What became of it."""

    journal: Path
    """The journal of the replay."""
    exact: bool
    """Time was virtual when it was recorded and is now: every timestamp must be equal."""
    numbers: dict[int, int] = field(default_factory=dict)
    """Number in the replay's journal of each recorded command that was run."""
    values: dict[int, str] = field(default_factory=dict)
    """What the prompt showed of each command, by its recorded number."""
    left_out: set[int] = field(default_factory=set)
    interrupted: bool = False
    """The person at the keyboard ended the replay."""


def play(log: JournalLog, stage: Stage, manner: Manner) -> Played:
    """Open the session again and run its commands.

    Raises:
        ConfigError: When the session is not in the configuration.
        JournalError: When it cannot keep a journal, without which nothing can be compared.
    """
    clock = _clock(log, manner)
    shown = Curtain(sys.stdout, is_open=not manner.quiet)
    told = Curtain(sys.stderr, is_open=not manner.quiet)
    fence = nullcontext() if manner.anywhere else only_below(stage.folder)
    with _printing_to(shown, told), chdir(stage.work), _importing_from_here(), fence:
        session = open_session(
            log.opened.session,
            config=stage.config,
            data=stage.data,
            clock=clock,
            seed=log.opened.seed,
            stream=cast(TextIO, shown) if log.opened.shown else None,
            typing_helper=log.opened.typing_helper,
            settings=stage.settings(log),
            relocation=Relocation(stage.found, stage.data_folder),
        )
        with session:
            if session.journal.path is None:
                raise JournalError(f"the replay keeps no journal: {session.journal.why}")
            exact = log.opened.clock == "virtual" and not manner.real
            player = _Player(session, clock, stage, log, manner, exact=exact)
            player.played = Played(session.journal.path, exact)
            player.run((shown, told))
            return player.played


def _clock(log: JournalLog, manner: Manner) -> ReplayClock | RealReplayClock:
    if manner.real:
        return RealReplayClock()
    return ReplayClock(log.opened.time, manner.speed)


@contextmanager
def _printing_to(shown: Curtain, told: Curtain) -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = shown, told
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def _importing_from_here() -> Iterator[None]:
    """Let scripts import from their working directory, as `session-shell open` does."""
    sys.path.insert(0, "")
    try:
        yield
    finally:
        if "" in sys.path:
            sys.path.remove("")


class _Player:
    """Runs the commands of one recorded session in another one."""

    played: Played

    def __init__(
        self,
        session: Session,
        clock: ReplayClock | RealReplayClock,
        stage: Stage,
        log: JournalLog,
        manner: Manner,
        *,
        exact: bool,
    ) -> None:
        self._session = session
        self._clock = clock
        self._stage = stage
        self._log = log
        self._manner = manner
        self._exact = exact
        self._ask = manner.ask
        self._keys = Keys(session, clock, exact=exact)
        self._begun = scans_begun(log)
        session.host.extra_sinks.append(self._keys)
        session.host.prompt = self._hold
        self._curtains: Sequence[Curtain] = ()
        self._left = deque(log.commands)
        self._running: list[CommandLog] = []

    def run(self, curtains: Sequence[Curtain]) -> None:
        """Run all that was asked for, until the session is left."""
        self._curtains = curtains
        while self._left:
            self._next()

    def _next(self) -> None:
        """Run the next command, or drop all that are left."""
        entry, manner = self._left.popleft(), self._manner
        number = entry.command.number
        if manner.last is not None and number > manner.last:
            self._left.clear()
            return
        for curtain in self._curtains:
            curtain.is_open = number >= manner.first and not manner.quiet
        without = number in manner.left_out or entry.command.held in self.played.left_out
        if without or entry.done is None:
            self.played.left_out.add(number)
            return
        answer = "quit" if is_leaving(entry) else self._answer(entry)
        if answer == "skip":
            self.played.left_out.add(number)
        elif answer == "quit" or not self._command(entry):
            self._left.clear()

    def _hold(self, scan: LiveScan, _text: str) -> bool:
        """Run what was done while a scan was paused; False when its line did not wait for it."""
        outer = self._running[-1]
        if outer.done is None or outer.done.outcome == "paused":
            return False
        with self._keys.nested():
            while not scan.control.is_released and self._is_held_by(outer):
                self._next()
        if not scan.control.is_released:
            scan.control.request_abort()  # the session was left
        return True

    def _is_held_by(self, outer: CommandLog) -> bool:
        return bool(self._left) and self._left[0].command.held == outer.command.number

    def _answer(self, entry: CommandLog) -> Answer:
        if self._ask is None or entry.command.number < self._manner.first:
            return "run"
        answer = self._ask(entry)
        if answer == "all":
            self._ask = None
        return answer

    def _command(self, entry: CommandLog) -> bool:
        """Run one command; False when it is the last one."""
        command = entry.command
        self._get_ready(entry)
        self._echo(command.typed)
        goes_on = True
        self._running.append(entry)
        try:
            self._do(entry)
        except KeyboardInterrupt as error:
            self._tell(error)
            # A key that nobody recorded is pressed by who sits here now.
            self.played.interrupted = not self._keys.pressed
            goes_on = self._keys.pressed
        except SystemExit:
            goes_on = False
        except (Exception, ScanPaused) as error:  # noqa: BLE001  as at the prompt, the next follows
            self._tell(error)
        finally:
            self._running.pop()
            self._keys.end()
        if not self._exact and was_interrupted(entry):
            self._settle(entry)
        self.played.numbers[command.number] = self._session.journal.number
        return goes_on

    def _get_ready(self, entry: CommandLog) -> None:
        """Make files, time, scan numbers and keys as they were."""
        command, done = entry.command, entry.done
        assert done is not None
        for file in entry.files:
            self._stage.write_script(file)
        self._clock.set_forward(command.time)
        # Commands keep their numbers: what devices give outside of scans depends on them.
        self._session.journal.number = command.number - 1
        scans = self._begun.get(command.number, [])
        numbers = self._session.host.last_numbers
        for folder, number in self._stage.first_numbers(scans).items():
            numbers[folder] = max(numbers.get(folder, 0), number - 1)
        moment = None
        if done.outcome == "interrupted" and not _has_keys(entry.scans):
            moment = done.interrupted or done.time
            if not self._exact:
                moment += self._clock.time() - command.time
        self._keys.begin(scans, moment)

    def _settle(self, entry: CommandLog) -> None:
        """Put what was stopped where it stopped: nobody presses a key twice at one instant."""
        assert entry.done is not None
        for owner, values in entry.done.changes.items():
            device = self._session.devices.get(owner)
            home = type(device).__module__
            if device is not None and home.startswith("session_shell.devices.axes."):
                with suppress(SessionShellError):
                    device.restore_state(values)

    def _do(self, entry: CommandLog) -> None:
        session, command = self._session, entry.command
        if command.source == "file" and entry.files:
            script = entry.files[0]
            session.run_file(self._stage.place(script.path), script.arguments, source="file")
        elif is_own_magic(command.typed):
            self._typing_helper(command.typed)
        elif command.source == "prompt":
            self._as_at_the_prompt(command.number, command.typed)
        else:
            # From Python it is told only by the value, which is recorded when it was not shown.
            echo = command.source != "api" or not (entry.done and entry.done.value)
            session.run(command.typed, echo=echo, source=command.source)

    def _as_at_the_prompt(self, number: int, typed: str) -> None:
        session = self._session
        executed = expand(typed, session.namespace) if session.typing_helper else typed
        failure: BaseException | None = None
        with session.in_use():
            try:
                session.command_begins(typed, executed)
                value = execute(executed, session.namespace, f"<command {session.journal.number}>")
                if value is not None and not typed.rstrip().endswith(";"):
                    self.played.values[number] = describe(value)
                    sys.stdout.write(f"{self.played.values[number]}\n")
            except BaseException as error:
                failure = session.last_error = error
                raise
            finally:
                session.command_ends(failure)
                failure = None  # it holds this frame, and the frame would hold it

    def _typing_helper(self, typed: str) -> None:
        """Do what ``%typing_helper`` does at the prompt."""
        session, word = self._session, typed.split()[-1]
        session.command_begins(typed)
        if word in ("on", "off"):
            session.typing_helper = word == "on"
        sys.stdout.write(f"typing helper is {'on' if session.typing_helper else 'off'}\n")
        session.command_ends()

    def _echo(self, typed: str) -> None:
        number = len(self.played.numbers) + 1
        lines = typed.rstrip().split("\n")
        head = f"{self._session.name.upper()} [{number}]: "
        dots = "...: ".rjust(len(head))
        text = "\n".join([head + lines[0], *(dots + line for line in lines[1:])])
        sys.stdout.write(f"\n{text}\n")
        sys.stdout.flush()

    def _tell(self, error: BaseException) -> None:
        if self._manner.tell_error is not None:
            self._manner.tell_error(error)


def scans_begun(log: JournalLog) -> Mapping[int, list[Scan]]:
    """Return the scans that began in each command, in their order.

    A scan is recorded with the command in which it ended; one that was paused began earlier.
    """
    begun: dict[int, list[Scan]] = {}
    for entry in log.commands:
        for scan in entry.scans:
            number = entry.command.number
            if any(key.kind == "pause" for key in scan.interruptions):
                number = _paused_in(log, scan, number)
            begun.setdefault(number, []).append(scan)
    for scans in begun.values():
        # A sequence begins with its first member and has the smaller number.
        scans.sort(key=lambda scan: (scan.time, scan.scan))
    return begun


def _paused_in(log: JournalLog, scan: Scan, number: int) -> int:
    """Return the command in which a scan began that ended in command `number`."""
    for entry in log.commands:
        done = entry.done
        if entry.command.number >= number or done is None or done.outcome != "paused":
            continue
        if entry.command.time <= scan.time <= done.time:
            return entry.command.number
    return number


def is_leaving(entry: CommandLog) -> bool:
    """Tell whether somebody left the session with this command."""
    done = entry.done
    return done is not None and done.outcome == "exit" and entry.command.typed.strip() in _LEAVING


def was_interrupted(entry: CommandLog) -> bool:
    """Tell whether a key cut it short."""
    done = entry.done
    return (done is not None and done.outcome == "interrupted") or _has_keys(entry.scans)


def _has_keys(scans: Sequence[Scan]) -> bool:
    return any(key.kind in ("abort", "end") for scan in scans for key in scan.interruptions)
