"""The session: devices, metadata, saving and namespace under one name."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Self, TextIO

from session_shell.clock import Clock, RealClock
from session_shell.config import Problem
from session_shell.current import use
from session_shell.devices.context import DeviceContext
from session_shell.devices.group import MeasurementGroup
from session_shell.devices.motion.together import stop_all
from session_shell.errors import CommandError, DeviceError
from session_shell.interrupts import InterruptGuard
from session_shell.journal.journal import Journal
from session_shell.journal.telling import reason_of
from session_shell.scanning.scan import Scan
from session_shell.session.execution import execute, execute_file
from session_shell.session.host import SessionHost, user_name
from session_shell.session.loading import Loaded, load, setup_problem, texts
from session_shell.session.lock import SessionLock
from session_shell.session.namespace import Namespace
from session_shell.session.recording import begin_journal
from session_shell.session.relocation import Relocation
from session_shell.session.remembering import restore, state_of
from session_shell.session.saving import ScanSaving
from session_shell.session.settings import Settings
from session_shell.session.shorthand import expand
from session_shell.user_time import adopting, following

if TYPE_CHECKING:
    from session_shell.session.resuming import Resumed

_log = logging.getLogger(__name__)


class Session:
    """A beamline session: what was configured under a name, ready to move, count and scan.

    Args:
        name: Session in the configuration.
        config: Directory of the YAML tree.
        data: Directory of scan files and settings; made when something is first saved.
        clock: Time; default the real clock.
        seed: Seed of all simulated noise; default a new one.
        stream: Where scans and moves are shown; None shows nothing.
        verbs: Commands by name, put into the namespace.
        show: Shows the value of an expression for ``run(..., echo=True)``.
        imports: Entered while the session is open (names of other systems that scripts import).
        read_only: For looking, also while somebody else has the session open.
        typing_helper: Accept ``ascan roby 0 10 10 0.1`` beside Python.
        settings: Positions and the like to begin with, owner -> key -> value, in the place of
            those that the last run left.
        relocation: Other places for scripts and data.

    Raises:
        ConfigError: When the directory or the session is not there.
        SessionLockedError: When the session is open already, here or elsewhere.
    """

    def __init__(
        self,
        name: str,
        *,
        config: Path,
        data: Path,
        clock: Clock | None = None,
        seed: int | None = None,
        stream: TextIO | None = None,
        verbs: Mapping[str, Any] | None = None,
        show: Callable[[Any], None] | None = None,
        imports: Callable[[Session], Any] | None = None,
        read_only: bool = False,
        typing_helper: bool = True,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        relocation: Relocation | None = None,
    ) -> None:
        self.name = name
        self.config_path = Path(config).absolute()
        self.data_path = Path(data).absolute()
        self.clock = clock if clock is not None else RealClock()
        self.seed = seed if seed is not None else secrets.randbits(32)
        self.typing_helper = typing_helper
        self.read_only = read_only
        self.closed = False
        self.last_error: BaseException | None = None
        self.user_scripts: Path | None = None
        self.plot_selection: tuple[str, ...] = ()
        self.relocation = relocation or Relocation()
        self.resumed: Resumed | None = None
        self.setup_failed = False
        """A setup script is missing or did not run to its end."""
        self._show = show
        self._count = 0
        self._open = ExitStack()
        self._listen(stream)
        self.lock = SessionLock(self.data_path, self.name)
        try:
            self._begin(settings, verbs or {}, imports)
        except BaseException as error:
            # Nobody has the session, so nobody could close it.
            self.close(reason_of(error))
            raise

    def _begin(
        self,
        settings: Mapping[str, Mapping[str, Any]] | None,
        verbs: Mapping[str, Any],
        imports: Callable[[Session], Any] | None,
    ) -> None:
        self._load()
        self._make_host()
        self.settings = Settings(
            self.data_path / ".session-shell" / f"{self.name}.sqlite",
            read_only=not self.lock.held,
            given=settings,
        )
        restore(self)
        self._begin_journal()
        self.namespace = self._make_namespace(verbs)
        self.furniture = MappingProxyType(dict(self.namespace))
        """What is in the namespace before anybody defines something there."""
        if type(self.clock) is not RealClock:
            self._open.enter_context(adopting())
        if imports is not None:
            self._open.enter_context(imports(self))
        self._run_setup()
        # Setup scripts may define what they like; what they leave is what the names stand for.
        made = [name for name, d in self.devices.items() if self.namespace.get(name) is d]
        self.namespace.protect([*self.furniture, *made])

    def _listen(self, stream: TextIO | None) -> None:
        """Take note of interrupts, and of what is shown, before anything else happens."""
        self.guard = InterruptGuard()
        self.guard.now = self.clock.time
        self.journal = Journal(self.clock, self.data_path)
        self.journal.interrupted_at = lambda: self.guard.moment
        self.stream = self.journal.listener.stream(stream) if stream is not None else None

    def _load(self) -> None:
        """Build the devices; the lock is taken when the session turns out to exist."""
        context = DeviceContext(
            self.clock, self.seed, self.guard, self._find, turn=lambda: self.journal.number
        )
        with self._time():  # modules of devices are imported here
            self.loaded: Loaded = load(self.name, self.config_path, context, self._take_lock)
        self.devices: dict[str, Any] = dict(self.loaded.devices)
        self.problems: list[Problem] = list(self.loaded.problems)

    def _make_host(self) -> None:
        """Make the side that scans see."""
        make_folders = not self.read_only
        self.saving = ScanSaving(
            self.data_path, self.name, user_name(), self.clock.time, make_folders=make_folders
        )
        self.saving.relocate(self.relocation.data)
        self.host = SessionHost(
            self.name, self.devices, self.clock, self.guard, self.saving, self.stream
        )
        self.host.read_only = self.read_only
        self.host.save_settings = self.save_settings
        self.host.journal = self.journal
        self.host.configuration = {**texts(self.loaded.plan), "seed": str(self.seed)}
        self.active_mg: MeasurementGroup | None = next(iter(self.measurement_groups), None)

    # What it consists of

    @property
    def scans(self) -> Sequence[Scan]:
        """The last scans, the newest at the end."""
        return self.host.scans

    @property
    def scan_meta(self) -> Any:
        """Registry of the metadata that every scan takes along."""
        return self.host.scan_meta

    @property
    def measurement_groups(self) -> list[MeasurementGroup]:
        """All measurement groups of the session."""
        return [d for d in self.devices.values() if isinstance(d, MeasurementGroup)]

    @property
    def scripts_dir(self) -> Path:
        """Folder of the scripts that `load_script` finds."""
        return self.loaded.plan.sessions[-1].scripts_dir

    @property
    def setup_files(self) -> list[Path]:
        """Setup scripts in the order in which they ran."""
        return [s.setup_file for s in self.loaded.plan.sessions if s.setup_file is not None]

    def _find(self, name: str) -> Any:
        if name not in self.devices:
            raise DeviceError("there is no such object in this session", device=name)
        return self.devices[name]

    # Running code

    def run(self, code: str, *, echo: bool = False, source: str = "api") -> Any:
        """Run commands as if typed at the prompt; return the value of the last expression.

        Args:
            code: Python, or commands typed as words (``ascan roby 0 10 10 0.1``).
            echo: Show the values of expressions, as a prompt does.
            source: Where it comes from, for the journal.

        Raises:
            Exception: What the code raises; it is kept in `last_error` too.

        Example:
            ``scan = session.run("loopscan(10, 0.1, diode3)")``
        """
        executed = expand(code, self.namespace) if self.typing_helper else code
        self._count += 1
        show = self._show if echo else None
        with self._command(code, executed, source) as done:
            value = execute(executed, self.namespace, f"<command {self._count}>", show)
            done.value = None if echo else value
            return value

    def run_file(
        self, path: Path | str, argv: Sequence[str] | None = (), *, source: str = "api"
    ) -> None:
        """Run a Python file in the namespace, under its real path.

        Raises:
            CommandError: When it cannot be read.
            Exception: What the file raises; it is kept in `last_error` too.
        """
        import shlex

        file = Path(path).absolute()
        with self._command(shlex.join(["run", str(file), *(argv or ())]), f"run {file}", source):
            self.run_script(file, self.namespace, argv)

    def run_script(
        self, path: Path, namespace: Namespace, argv: Sequence[str] | None = None
    ) -> None:
        """Run a Python file as part of a command; its text goes into the journal."""
        self.journal.script(path, argv or ())
        execute_file(path, namespace, argv)

    @contextmanager
    def _command(self, typed: str, executed: str, source: str) -> Iterator[SimpleNamespace]:
        if self.closed:
            raise CommandError(f"the session {self.name} is closed")
        done = SimpleNamespace(value=None)
        failure: BaseException | None = None
        with self.in_use():
            try:
                self.host.command = executed
                self.journal.begins(typed, executed, source)
                yield done
            except BaseException as error:
                failure = self.last_error = error
                raise
            finally:
                self.command_ends(failure, done.value)
                failure = None  # it holds this frame, and the frame would hold it

    def command_begins(self, typed: str, executed: str = "", source: str = "prompt") -> None:
        """Take note of a command that is run by somebody else: the prompt calls this."""
        self.host.command = typed.strip()
        self.journal.begins(typed, executed, source)

    def command_ends(
        self, error: BaseException | None = None, value: Any = None, outcome: str = ""
    ) -> None:
        """Take note that it is over, with what it raised; save what must survive."""
        self.host.command = ""
        self.save_settings()
        self.journal.ends(error, outcome, value)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Make it the current session, whose clock ``time.sleep`` in scripts means."""
        with use(self), self._time():
            yield

    def _time(self) -> AbstractContextManager[None]:
        return following(None if type(self.clock) is RealClock else self.clock)

    # What survives a restart

    def save_settings(self) -> None:
        """Save positions, offsets, limits and the like; cheap when nothing has changed."""
        if self.settings.read_only:
            return
        values, configured = state_of(self)
        self.journal.settings_changed(self.settings.put(values, configured))

    def resume(self, journal: str = "") -> Resumed:
        """Define again what an earlier run defined: that of `journal`, else the last one."""
        from session_shell.session.resuming import resume

        self.resumed = resume(self, frozenset(self.furniture) | self.devices.keys(), journal)
        return self.resumed

    # Opening and closing

    def _take_lock(self) -> None:
        if not self.read_only:
            self.lock.acquire()

    def _make_namespace(self, verbs: Mapping[str, Any]) -> Namespace:
        own = {
            "SCAN_SAVING": self.saving,
            "SCANS": self.host.scans,
            "user": SimpleNamespace(),
        }
        visible = self.loaded.visible
        for name in sorted(visible.keys() & {*verbs, *own}):
            self.problems.append(
                Problem(f"the object {name} hides the command of that name", severity="warning")
            )
        return Namespace({"__name__": "__main__", **verbs, **own, **visible})

    def _run_setup(self) -> None:
        written = self.loaded.configuration.sessions
        planned = self.loaded.plan.sessions
        self.setup_failed = any(written[s.name].setup_file != s.setup_file for s in planned)
        with self.in_use(), self.journal.setup() as failures:
            for path in self.setup_files:
                if (failure := setup_problem(path, self.namespace)) is not None:
                    self.problems.append(failure[0])
                    failures.append(str(failure[0]))
                    self.setup_failed = True
                    self.last_error = failure[1]
            if not self.settings.read_only:
                self.journal.settings_changed(state_of(self)[0])

    def _begin_journal(self) -> None:
        if self.settings.read_only:
            why = f"{self.data_path} cannot be written"
            self.journal.why = "the session is read-only" if self.read_only else why
        else:
            begin_journal(self, state_of(self)[0])
            if self.journal.id:
                self.host.configuration = {**self.host.configuration, "journal": self.journal.id}

    def close(self, reason: str = "closed") -> None:
        """Stop what moves, save what must survive, and let go of everything; harmless twice.

        Args:
            reason: Why, for the journal.
        """
        # A signal waits: a lock or a journal without its end would be left behind.
        with suppress(KeyboardInterrupt), self.guard.active(), self.guard.shielded():
            if not self.closed:
                self._refuse_below_a_scan()
                self.closed = True
                self._close(reason)

    def _refuse_below_a_scan(self) -> None:
        paused = self.host.paused if hasattr(self, "host") else None
        if paused is not None and paused.is_held:
            raise CommandError(
                f"close: {paused.title} is paused and its line waits; resume() or abort() it first"
            )

    def _close(self, reason: str) -> None:
        # One of them is missing when the session could not be opened.
        host, settings = getattr(self, "host", None), getattr(self, "settings", None)
        if host is not None and settings is not None:
            self._bring_to_rest()
            self.save_settings()
        if settings is not None:
            settings.close()
        self.journal.close(reason)
        if host is not None:
            host.caller.close()
        self._open.close()
        self.lock.release()

    def _bring_to_rest(self) -> None:
        for scan in reversed([*self.host.paused_scans]):
            scan.abort()
        moving = [axis for axis in self.host.axes() if _is_moving(axis)]
        for problem in stop_all(moving, self.guard, wait=False):
            _log.warning("%s", problem)

    def __enter__(self) -> Self:
        self._open.enter_context(self.in_use())
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        self.close(reason_of(error))

    def __info__(self) -> str:
        """Describe the session for the prompt."""
        lines = [f"Session {self.name}: {len(self.devices)} objects, {len(self.scans)} scans"]
        lines += [f"  configuration  {self.loaded.plan.sessions[-1].file}"]
        lines += [f"  setup script   {path}" for path in self.setup_files]
        lines += [f"  data           {self.saving.folder}", f"  seed           {self.seed}"]
        if self.read_only:
            lines += ["  read-only      scans need save=False, nothing is kept"]
        lines += [f"  problem        {problem}" for problem in self.problems]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Session {self.name}, {'closed' if self.closed else 'open'}>"


def _is_moving(axis: Any) -> bool:
    try:
        return bool(getattr(axis, "is_moving", False))
    except Exception as error:  # noqa: BLE001  the others must be stopped all the same
        _log.warning("%s does not say if it moves: %s", axis.name, error)
        return True
