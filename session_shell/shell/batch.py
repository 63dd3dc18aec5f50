"""Run a session without a prompt: a script, commands of the command line, standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from session_shell.errors import CommandError
from session_shell.shell.blocks import Block, blocks
from session_shell.shell.reports import details, one_line, where
from session_shell.shell.signals import INTERRUPTED

if TYPE_CHECKING:
    from session_shell.session import Session


@dataclass(frozen=True, slots=True)
class Job:
    """What to run, in this order: the script, the commands, standard input."""

    script: Path | None = None
    arguments: Sequence[str] = ()
    commands: Sequence[str] = ()
    lines: Iterable[str] = ()


def run_job(session: Session, job: Job) -> int:
    """Run everything until the first failure; return the exit code."""
    script = job.script
    if script is not None:
        code = _attempt(
            lambda: session.run_file(script, tuple(job.arguments), source="file"), str(script), 1
        )
        if code is not None:
            return code
    for command in job.commands:
        if (code := _run(session, "-c", Block(1, command))) is not None:
            return code
    for block in blocks(job.lines):
        if block.source.strip() in ("exit", "quit"):
            return 0
        if (code := _run(session, "stdin", block)) is not None:
            return code
    return 0


def _run(session: Session, source: str, block: Block) -> int | None:
    return _attempt(
        lambda: session.run(_decoded(block.source), echo=True, source=source), source, block.line
    )


def _decoded(command: str) -> str:
    """Return a command of the command line, which is UTF-8 whatever the locale says."""
    try:
        command.encode()
    except UnicodeEncodeError:
        pass  # bytes that the locale does not know, kept as surrogates
    else:
        return command
    try:
        return os.fsencode(command).decode("utf-8")
    except UnicodeError:
        raise CommandError("this command is not UTF-8 text") from None


def _attempt(action: Callable[[], Any], source: str, line: int) -> int | None:
    """Do it; return the exit code when everything must end here, else None."""
    try:
        action()
    except SystemExit as end:
        return exit_code(end)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt as error:
        tell(f"{where(error, source, line)}: {one_line(error)}")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever a command raises ends the run
        sys.stdout.flush()
        sys.stderr.write(details(error))
        tell(f"{where(error, source, line)}: {one_line(error)}")
        return 1
    return None


def exit_code(end: SystemExit) -> int:
    """Return the exit code that `end` asks for, as Python does; a text is told and means 1."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    tell(str(end.code))
    return 1


def tell(message: str) -> None:
    """Tell on standard error what went wrong, in one line."""
    sys.stdout.flush()
    print(f"error: {message}", file=sys.stderr)
