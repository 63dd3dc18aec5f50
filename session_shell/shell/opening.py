"""Open a session as the command line asks for it, run what was given, show the prompt."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from session_shell.clock import Clock, RealClock, VirtualClock
from session_shell.errors import SessionShellError
from session_shell.shell import logs, signals
from session_shell.shell.batch import Job, exit_code, run_job, tell
from session_shell.shell.output import steady_output
from session_shell.shell.places import Places
from session_shell.shell.repairing import crash_notice
from session_shell.sinks.live import styled

if TYPE_CHECKING:
    from session_shell.session import Session


@dataclass(frozen=True, slots=True)
class Opening:
    """What the command line asked for."""

    name: str
    places: Places
    job: Job
    interactive: bool = False
    virtual: bool = False
    seed: int | None = None
    typing_helper: bool = True
    read_only: bool = False
    resume: bool = False
    keep_going: bool = False
    """Run what was given also when the setup script failed."""

    def run(self) -> int:
        """Open the session, do everything, close it; return the exit code."""
        with importing_from_here(), logs.shown(), signals.orderly():
            with steady_output() as output:
                try:
                    with self._session() as session:
                        code = self._use(session)
                except SystemExit as end:
                    code = exit_code(end)
            return code or int(output.lost)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        from session_shell.opening import open_session

        session = open_session(
            self.name,
            config=self.places.config_dir,
            data=self.places.data_dir,
            clock=self._clock(),
            seed=self.seed,
            stream=sys.stdout,
            typing_helper=self.typing_helper,
            read_only=self.read_only,
            resume=self.resume,
        )
        with session:
            yield session

    def _clock(self) -> Clock:
        return VirtualClock() if self.virtual else RealClock()

    def _use(self, session: Session) -> int:
        asked = self.job.script is not None or bool(self.job.commands)
        readable = sys.stdin is not None and not sys.stdin.closed  # exit() of Python closes it
        at_terminal = readable and sys.stdin.isatty()
        prompt = at_terminal and (self.interactive or not asked)
        if prompt and not asked:
            return self._prompt(session)
        _tell_problems(session)
        if session.setup_failed and not (prompt or self.keep_going):
            tell("the setup script failed, so nothing was run; --keep-going runs it all the same")
            return 1
        job = self.job
        if readable and not at_terminal and (self.interactive or not asked):
            job = replace(job, lines=_typed_lines(sys.stdin))
        code = run_job(session, job)
        if not prompt:
            return code
        return self._prompt(session)

    @staticmethod
    def _prompt(session: Session) -> int:
        from session_shell.shell.app import run_prompt  # 0.2 s: IPython

        return run_prompt(session)


def _typed_lines(stream: TextIO) -> Iterator[str]:
    """Yield the lines of `stream` as they come, which are UTF-8 whatever the locale says."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    for number, line in enumerate(stream, 1):
        try:
            line.encode("utf-8")
        except UnicodeEncodeError:
            raise SessionShellError(f"stdin:{number}: this line is no UTF-8 text") from None
        yield line.removeprefix("\ufeff") if number == 1 else line


@contextmanager
def importing_from_here() -> Iterator[None]:
    """Let scripts import from where the user stands, after everything that is installed.

    In front, as `python` has it, a file that happens to be called `socket.py` or `h5py.py` would
    be run in the place of the module.
    """
    added = "" not in sys.path and os.getcwd() not in sys.path  # noqa: PTH109
    if added:
        sys.path.append("")
    try:
        yield
    finally:
        if added and "" in sys.path:
            sys.path.remove("")


def _tell_problems(session: Session) -> None:
    for line in session.resumed.lines() if session.resumed is not None else ():
        print(f"resumed: {line}", file=sys.stderr)
    for problem in session.problems:
        _warn(f"{problem.severity}: {problem}")
    notice = crash_notice(session.saving.folder)
    if notice:
        _warn(f"warning: {notice}")


def _warn(line: str) -> None:
    print(styled(line, "yellow") if sys.stderr.isatty() else line, file=sys.stderr)
