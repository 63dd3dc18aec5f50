"""The prompt: IPython over the namespace of a session.

IPython's extension points only: prompts, an input transformer, events, a formatter. No rule and
no state of the session lives here.
"""

from __future__ import annotations

import asyncio
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

from IPython.core.profiledir import ProfileDir
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from traitlets import Any as AnyTrait
from traitlets.config import Config

from session_shell.errors import CommandError, ScanPaused, SessionShellError
from session_shell.interrupts import is_of_signal
from session_shell.session import expand
from session_shell.shell.banner import banner
from session_shell.shell.line_signals import LineSignals, drop_lines_ahead
from session_shell.shell.profile import history_file, ipython_folder, taste
from session_shell.shell.prompts import SessionPrompts, SummaryFormatter
from session_shell.shell.reports import from_user_code, one_line, strip_frames
from session_shell.shell.toolbar import Toolbar
from session_shell.sinks.live import styled

_RESUME = re.compile(r"\s*%resume(\s+\S*)?\s*")


class SessionShell(TerminalInteractiveShell):
    """IPython as the prompt of one session, which is the trait `session`."""

    session = AnyTrait()
    exit_code = 0

    def __init__(self, **traits: Any) -> None:
        self.toolbar = Toolbar(traits["session"])
        self._cells = 0
        self._unrecorded = False
        self.line_signals = LineSignals(traits["session"].host.key_pressed)
        super().__init__(**traits)
        self.input_transformers_cleanup.append(self._expand)
        self.events.register("pre_run_cell", self._before)
        self.events.register("post_run_cell", self._after)
        register: Any = self.register_magic_function
        register(self._typing_helper, "line", "typing_helper")
        register(self._resume, "line", "resume")

    def init_display_formatter(self) -> None:
        """Let objects tell about themselves as `info` does."""
        super().init_display_formatter()  # type: ignore[no-untyped-call]
        if self.display_formatter is not None:
            self.display_formatter.formatters["text/plain"] = SummaryFormatter(parent=self)

    def init_prompt_toolkit_cli(self) -> None:
        """Add the toolbar, and look at it once a second while the prompt waits."""
        super().init_prompt_toolkit_cli()  # type: ignore[no-untyped-call]
        if self.pt_app is not None:
            self.pt_app.bottom_toolbar = self.toolbar
            self.pt_app.refresh_interval = 1.0

    def prompt_for_code(self) -> str:
        """Return the line that is typed; a Ctrl-C from Enter on belongs to it."""
        self.line_signals.hold(self.pt_app)
        self.session.host.halted = ""
        code = str(super().prompt_for_code())  # type: ignore[no-untyped-call]
        if self.pt_app is not None:
            self.line_signals.read_ahead(self.pt_app.input)
        self.line_signals.check()
        return code

    async def run_code(self, code_obj: Any, result: Any = None, *, async_: bool = False) -> bool:
        """Run compiled code, in which alone a Ctrl-C is raised."""
        with self.line_signals.raised():
            early = self.line_signals.take()
            if early is not None:
                code_obj, async_ = early, False
            failed = await self._run_code(code_obj, result, async_=async_)
        if early is None and isinstance(getattr(result, "error_in_exec", None), KeyboardInterrupt):
            drop_lines_ahead(self.pt_app)
        return failed

    async def _run_code(self, code_obj: Any, result: Any, *, async_: bool) -> bool:
        """Run compiled code that takes no protected name away."""
        names = self.session.namespace
        try:
            names.refuse(code_obj)
        except CommandError as error:
            code_obj, async_ = _raising(error), False
        failed = await super().run_code(code_obj, result, async_=async_)  # type: ignore[no-untyped-call]
        if lost := names.give_back():
            failed = await super().run_code(_raising(names.refusal(*lost)), result)  # type: ignore[no-untyped-call]
        return bool(failed)

    def run_cell(self, *args: Any, **kwargs: Any) -> Any:
        """Run a cell; one that a signal ends between IPython's events is over too."""
        self._cells += 1
        try:
            return super().run_cell(*args, **kwargs)  # type: ignore[no-untyped-call]
        finally:
            self._cells -= 1
            if not self._cells:
                self.session.journal.interrupted()

    def hold(self, scan: Any, text: str) -> bool:
        """Show a prompt on top of the line that a paused scan holds, until it is to go on or end.

        Returns:
            False at once in a line with ``await``, in which no prompt can be shown.
        """
        if _is_in_event_loop():
            return False
        kept = self._cells, self._unrecorded, self.displayhook.exec_result
        self._cells = 0
        print(styled(text, "red"), file=sys.stderr)
        try:
            while self.keep_running and not scan.control.is_released:
                self._take_line()
        finally:
            self._cells, self._unrecorded, self.displayhook.exec_result = kept
            self.line_signals.release()
        if not scan.control.is_released:
            scan.control.request_abort()
        return True

    def _take_line(self) -> None:
        self.toolbar.refresh()
        # IPython counts a line when it begins or, before 9, when it is over.
        self.execution_count = max(self.execution_count, self.session.journal.last + 1)
        print(self.separate_in, end="")
        try:
            code = self.prompt_for_code()
        except EOFError:
            self.ask_exit()  # type: ignore[no-untyped-call]
        else:
            if code:
                self.run_cell(code, store_history=True)

    def safe_execfile(self, fname: Any, *args: Any, **kwargs: Any) -> None:
        """Run a script for ``%run``; its text goes into the journal."""
        self.session.journal.script(Path(fname), sys.argv[1:])
        super().safe_execfile(fname, *args, **kwargs)  # type: ignore[no-untyped-call]

    def reset(self, *args: Any, **kwargs: Any) -> None:
        """Forget what scripts and the person defined, not devices and commands."""
        given = {**self.session.furniture, **self.session.namespace.protected}
        self.session.namespace.unprotect(*given)
        super().reset(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.user_ns.update(given)
        self.session.namespace.protect(given)
        self.user_ns_hidden.update(given)

    def _atexit_once(self) -> None:
        # IPython takes the namespace apart here, and END metadata and hooks may need it.
        self.session.close()
        super()._atexit_once()  # type: ignore[no-untyped-call]

    def showtraceback(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        """Tell an error of ours in one line, others without our frames."""
        error = exc_tuple[1] if exc_tuple else sys.exc_info()[1]
        if is_of_signal(error):
            warnings.filterwarnings("ignore", "To exit: use")  # what IPython says next
            return
        if isinstance(error, SessionShellError | ScanPaused | KeyboardInterrupt):
            with self.session.journal.unheard():  # it has the error itself
                print(styled(one_line(error), "red"), file=sys.stderr)
            return
        if error is not None and not isinstance(error, SyntaxError):
            exc_tuple = (type(error), error, strip_frames(error))
        super().showtraceback(exc_tuple, *args, **kwargs)

    def _showtraceback(self, *args: Any, **kwargs: Any) -> None:
        with self.session.journal.unheard():
            super()._showtraceback(*args, **kwargs)

    @contextmanager
    def _tee(self, *_args: Any, **_kwargs: Any) -> Iterator[None]:
        # IPython keeps all that is printed, for notebooks: a night of scans would fill the memory.
        yield

    def _expand(self, lines: list[str]) -> list[str]:
        if not self.session.typing_helper:
            return lines
        source = "".join(lines)
        expanded = expand(source, self.user_ns)
        return lines if expanded == source else expanded.splitlines(keepends=True)

    def _before(self, info: Any) -> None:
        typed = info.raw_cell or ""
        # What it defines is recorded, command by command, as if it was typed here.
        self._unrecorded = _RESUME.fullmatch(typed) is not None
        if self._unrecorded:
            return
        executed = getattr(info, "transformed_cell", None)  # not before IPython 9
        if executed is None:
            executed = self.transform_cell(typed)  # type: ignore[no-untyped-call]
        self.session.command_begins(typed, executed)

    def _after(self, result: Any) -> None:
        session = self.session
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            session.last_error = error.with_traceback(from_user_code(error))
        if is_of_signal(error):
            self.exit_code = error.code
            self.ask_exit()  # type: ignore[no-untyped-call]
        if not self._unrecorded:
            session.command_ends(error, outcome="" if self.keep_running else "exit")
        self.toolbar.refresh()

    def _typing_helper(self, line: str) -> None:
        """Accept ``ascan roby 0 10 10 0.1`` beside Python: on or off; without a word tell which."""
        word = line.strip().lower()
        if word in ("on", "off"):
            self.session.typing_helper = word == "on"
        elif word:
            raise SessionShellError(f"typing_helper: expected on or off, got {line.strip()!r}")
        print(f"typing helper is {'on' if self.session.typing_helper else 'off'}")

    def _resume(self, line: str) -> None:
        """Define again what was defined in the last run; with an id, in that run."""
        print(*self.session.resume(line.strip()).lines(), sep="\n")


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _raising(error: CommandError) -> CodeType:
    """Return code that raises an error where IPython looks for errors."""
    source = f"raise __import__('session_shell.errors').errors.CommandError({str(error)!r})"
    return compile(source, "<names>", "exec")


def _ask(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def run_prompt(session: Any) -> int:
    """Show the prompt of `session` until the user leaves; return the exit code."""
    print(banner(session), flush=True)
    shell = make_shell(session)
    session.host.keys = sys.stdin.isatty()
    session.host.prompt = shell.hold
    if session.host.keys:
        session.host.ask = _ask
        shell.line_signals.begin()
    try:
        shell.mainloop()  # type: ignore[no-untyped-call]
    except OSError:
        # A closed terminal takes no last words; why it ends is known by then.
        if not shell.exit_code and not shell.line_signals.exit_code:
            raise
    finally:
        session.host.keys, session.host.ask, session.host.prompt = False, None, None
        shell.line_signals.end()
        SessionShell.clear_instance()
    return int(shell.exit_code or shell.line_signals.exit_code)


def make_shell(session: Any) -> SessionShell:
    """Return the IPython of `session`, not yet running."""
    folder = ipython_folder()
    shell = SessionShell.instance(
        session=session,
        user_ns=session.namespace,
        config=_configuration(session),
        ipython_dir=str(folder),
        profile_dir=ProfileDir(location=str(folder / "profile")),
    )
    assert isinstance(shell, SessionShell)
    # `%who` and `%whos` list what scripts and the person have defined.
    shell.user_ns_hidden.update(session.furniture)
    # `elog_add(5)` means what stands after [5], also behind -c and a script.
    shell.execution_count = session.journal.number + 1
    return shell


def _configuration(session: Any) -> Config:
    config = taste()
    config.HistoryManager.hist_file = history_file(session.name)
    config.Completer.use_jedi = False  # 0.1 s at the first Tab, and it does not see live objects
    shell = config.TerminalInteractiveShell
    shell.prompts_class = SessionPrompts
    # Nothing is lost by leaving: positions are saved, what moves is stopped.
    shell.confirm_exit = False
    shell.simple_prompt = not (sys.stdin.isatty() and sys.stdout.isatty())
    shell.term_title_format = f"{session.name} - session-shell"
    # Results are kept as Out[n]: a night of scans must not stay in memory.
    shell.cache_size = 100
    return config
