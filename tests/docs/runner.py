"""Run the code of a page, from its top to its end, in a folder of its own.

What a fence says decides:

- ``python``: run in the namespace of a session (demo, or the one of ``<!-- session: NAME -->``),
  under the virtual clock. With a path as comment in the first line it is written there instead;
  with ``library`` behind the word it is run as a program without a session.
- ``yaml``, ``toml`` with such a comment: written there.
- ``ipython``: lines after a prompt ``DEMO [1]:`` are run, and their output is compared loosely.
- ``console``: lines after ``$`` are run by a shell and must succeed; output is compared loosely.
- ``text h5tree``: names and classes of the last file that a scan wrote.
- ``text banner``: what stands above the first prompt; what follows an empty line is not compared.
- ``sh``, ``text``: not run.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from session_shell import open_session
from session_shell.clock import VirtualClock
from session_shell.errors import SessionShellError
from session_shell.shell.banner import banner

from .loosely import difference
from .markdown import ROOT, Block
from .trees import missing_in_file

_PROMPT = re.compile(r"(?P<session>[A-Z0-9_]+) \[\d+\]: ?(?P<code>.*)$")
_GOES_ON = re.compile(r" *\.\.\.: ?(?P<code>.*)$")


class Runner:
    """A folder with the demo configuration, and the sessions that a page opens there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = "demo"
        self._stream = io.StringIO()
        self._clock = VirtualClock(start=1_700_000_000.0)
        self._library: dict[str, Any] = {"__name__": "__main__"}
        self._sessions: dict[str, Any] = {}
        shutil.copytree(ROOT / "sessions", folder / "sessions")

    def run(self, block: Block) -> None:
        """Run one block, or do what it says."""
        if block.file:
            self._write(block)
        elif block.language == "<session>":
            self.name = block.text
        elif block.language == "python" and block.option == "library":
            exec(compile(block.text, block.where, "exec"), self._library)
        elif block.language == "python":
            self._session(self.name).run(block.text)
        elif block.language == "ipython":
            self._prompt(block)
        elif block.language == "console":
            self._console(block)
        elif block.option == "banner":
            shown = block.text.rpartition("\n\n")[0]
            problem = difference(shown, banner(self._session(self.name)))
            assert not problem, f"{block.where}: {problem}"
        elif block.option == "h5tree":
            session = self._session(self.name)
            files = [scan.file for scan in session.scans if scan.file is not None]
            assert not (missing := missing_in_file(block.text, files[-1])), missing

    def close(self) -> None:
        """Close the sessions that are open."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def _session(self, name: str) -> Any:
        if name not in self._sessions:
            self._sessions[name] = open_session(
                name, clock=self._clock, seed=1, stream=self._stream, data="data"
            )
            assert not self._sessions[name].problems
        return self._sessions[name]

    def _write(self, block: Block) -> None:
        self.close()  # what was opened before has not seen this file
        path = self.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text + "\n", encoding="utf-8")

    def _prompt(self, block: Block) -> None:
        for prompt, shown in _split(block.text, _PROMPT):
            match = _PROMPT.match(prompt)
            assert match is not None, f"{prompt!r} is no prompt"
            code, rest = [match["code"]], shown.splitlines()
            while rest and (more := _GOES_ON.match(rest[0])):
                code.append(more["code"])
                del rest[0]
            got = self._typed(match["session"].lower(), "\n".join(code))
            problem = difference("\n".join(rest), got)
            assert not problem, f"{block.where}: {code[0]}: {problem}"

    def _typed(self, name: str, code: str) -> str:
        if code in ("exit", "exit()", "quit"):
            self.close()
            return ""
        session = self._session(name)
        self._stream.seek(0)
        self._stream.truncate()
        with contextlib.redirect_stdout(self._stream):
            try:
                session.run(code, echo=True)
            except SessionShellError as error:
                print(" ".join(str(error).split()))
        return self._stream.getvalue()

    def _console(self, block: Block) -> None:
        self.close()
        environment = {**os.environ, "TERM": "dumb", "COLUMNS": "100", "PYTHONPATH": ""}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        for key in ("SESSION_SHELL_CONFIG", "SESSION_SHELL_DATA"):
            environment.pop(key, None)
        for command, shown in _split(block.text, re.compile(r"\$ ")):
            done = subprocess.run(
                ["bash", "-c", command.removeprefix("$ ")],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, f"{block.where}: {command}\n{done.stdout}"
            problem = difference(shown, done.stdout) if shown.strip() else ""
            assert not problem, f"{block.where}: {command}: {problem}"


def _split(text: str, head: re.Pattern[str]) -> list[tuple[str, str]]:
    """Cut a transcript into (line that was typed, what follows it)."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if head.match(line):
            found.append((line, []))
        elif found:
            found[-1][1].append(line)
        else:
            assert not line.strip(), f"{line!r} stands before the first prompt"
    return [(line, "\n".join(rest)) for line, rest in found]
