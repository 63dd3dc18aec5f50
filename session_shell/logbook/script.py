"""A saved session as a Python script that does the same again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from session_shell.journal import CommandLog, JournalLog
from session_shell.logbook.telling import Moments, outcome, printable, scan_words, typed
from session_shell.sinks import clean

_GOES_ON = re.compile(r"\s*(resume|abort)\(\)\s*;?\s*")
"""Commands that need a scan that was paused by a key."""
_PROMPT = "it runs at the prompt only"


def as_script(log: JournalLog) -> str:
    """Return a session as a runnable script: commands as they were executed.

    Commands that failed, were interrupted or need the prompt are comments.
    """
    opened = log.opened
    virtual = opened.clock == "virtual"
    began = Moments(log).date(opened.time)
    lines = [
        f'"""{_in_docstring(f"Session {opened.session} of {began}, as {opened.id} recorded it.")}',
        "",
        "The first argument is the directory of data; without one it is data.",
        '"""',
        "",
        "import sys",
        "",
        "from session_shell import open_session",
        *(["from session_shell.clock import VirtualClock"] if virtual else []),
        "",
        f"CONFIG = {opened.config!a}",
        'DATA = sys.argv[1] if len(sys.argv) > 1 else "data"',
        "",
        "session = open_session(",
        f"    {opened.session!a},",
        "    config=CONFIG,",
        "    data=DATA,",
        *([f"    clock=VirtualClock(start={opened.time!r}),"] if virtual else []),
        f"    seed={opened.seed!r},",
        "    stream=sys.stdout,",
        "    typing_helper=False,",
        ")",
        "with session:",
    ]
    body = [f"    {line}".rstrip() for command in log.commands for line in _command(command)]
    if all(line.lstrip().startswith("#") for line in body):
        body.append("    pass")
    return "\n".join([*lines, *body, ""])


def _command(command: CommandLog) -> Iterator[str]:
    yield f"# [{command.command.number}] {clean(typed(command))}"
    if why := _not_runnable(command):
        code = command.command.executed or command.command.typed
        yield f"# not run again: {why}"
        yield from (f"#     {clean(line)}" for line in code.strip("\n").split("\n"))
        return
    for scan in command.scans:
        yield f"# {scan_words(scan)}"
    script = next(iter(command.files), None)
    if script is not None and command.command.typed.startswith("run "):
        yield f"session.run_file({script.path!a}, {script.arguments!a})"
    else:
        yield f"session.run({_literal(_executed(command))}, echo=True)"


def _executed(command: CommandLog) -> str:
    return (command.command.executed or command.command.typed).strip("\n")


def _not_runnable(command: CommandLog) -> str:
    """Return why a command is not run again, empty when it is."""
    code, done = _executed(command), command.done
    if done is None or done.outcome in ("error", "interrupted", "paused"):
        return printable(outcome(done)).replace("\n", " ")
    if done.outcome == "exit" or command.command.source == "lost":
        return "it left the session" if done.outcome == "exit" else "it is lost"
    if _GOES_ON.fullmatch(code):
        return "it needs a scan that was paused by a key"
    if command.files and command.command.typed.startswith("run "):
        return ""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _PROMPT
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    waits = any(isinstance(node, ast.Await) for node in ast.walk(tree))
    return _PROMPT if waits or "get_ipython" in names else ""


def _literal(code: str) -> str:
    """Write code as a literal that can be read: several lines stay lines where that is exact."""
    block = f'"""\\\n{code}"""'  # not indented: its lines are the code
    readable = all(c.isprintable() or c in "\n\t" for c in code)
    if readable and "\n" in code and _means(block, code):
        return block
    return repr(code) if code.isprintable() else ascii(code)


def _means(literal: str, code: str) -> bool:
    try:
        return bool(ast.literal_eval(literal) == code)
    except (SyntaxError, ValueError, MemoryError):
        return False


def _in_docstring(text: str) -> str:
    return clean(text).replace("\\", "/").replace('"', "'")
