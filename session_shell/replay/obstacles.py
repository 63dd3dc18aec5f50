"""Name, before a replay, what of a recorded session will not happen again in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from session_shell.config import load_configuration
from session_shell.devices.registry import BUILT_IN
from session_shell.errors import SessionShellError
from session_shell.journal import CommandLog, JournalLog
from session_shell.journal.facts import versions
from session_shell.replay.code import CodeReader, Hazard, prompt_hazard
from session_shell.replay.recording import scans_of

_BY_CHANCE = re.compile(
    r"(OSError|IOError|FileNotFoundError|FileExistsError|PermissionError|IsADirectoryError"
    r"|NotADirectoryError|BlockingIOError|InterruptedError|ConnectionError|BrokenPipeError"
    r"|Connection\w+Error|TimeoutError|DeviceTimeoutError|MemoryError|SinkError|EOFError"
    r"|SessionLockedError|ProcessLookupError|ChildProcessError|gaierror)\b"
)
_SCRIPTS = re.compile(r"\s*(load_script|user_script_load|user_script_run)\b")
_EARLIER_SCAN = re.compile(r"\b(?:scan|replay_scan)\s*\(?\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that stands in the way, or that may make a difference."""

    number: int | None
    """The command; 0: the setup scripts; None: the whole session."""
    what: str
    """The command as typed, or what else it is about."""
    why: str
    blocks: bool
    """True: somebody has to decide about it. False: it is only told."""
    left_out: bool = False
    """It is left out in any case."""

    def __str__(self) -> str:
        if self.number is None:
            return f"{self.what}: {self.why}" if self.what else self.why
        place = f"command {self.number}" if self.number else "setup scripts"
        return f"{place} ({self.what}): {self.why}" if self.what else f"{place}: {self.why}"


def find_obstacles(
    log: JournalLog, config: Path, *, first: int = 1, last: int | None = None
) -> list[Obstacle]:
    """Return all that can be seen without running anything, in the order of the session.

    Args:
        log: The recorded session.
        config: The configuration that the replay will have.
        first: Commands before this one are not looked at.
        last: Commands after this one neither; None: all.
    """
    found = [*_of_the_session(log), *_of_devices(log, config)]
    reader = CodeReader()
    for name, text in log.opened.files.items():
        if name.endswith("_setup.py") or any(f.path.endswith(f"/{name}") for f in log.setup.files):
            found += [Obstacle(0, name, h.why, h.blocks) for h in reader.read(text)]
    numbers = {scan.scan for scan in scans_of(log)}
    for entry in log.commands:
        number = entry.command.number
        hazards = _of_command(entry, reader, numbers)
        if first <= number and (last is None or number <= last):
            found += hazards
    return found


def _of_the_session(log: JournalLog) -> Iterator[Obstacle]:
    opened = log.opened
    if log.closed is None:
        yield Obstacle(None, "", "the session did not end: it runs, or it was killed", blocks=False)
    for problem in log.problems:
        yield Obstacle(None, "journal", problem, blocks=False)
    for left in opened.left_out:
        yield Obstacle(None, "not recorded", left, blocks=False)
    if opened.clock != "virtual":
        yield Obstacle(
            None,
            "real time",
            "times are compared with a tolerance, and values that follow the time (a decay, a "
            "temperature, points on the fly) may differ",
            blocks=False,
        )
    here = versions()
    changed = [f"{k} {v} (here {here[k]})" for k, v in opened.versions.items() if _differs(k, v)]
    if changed:
        yield Obstacle(None, "recorded with", ", ".join(changed), blocks=False)


def _differs(name: str, version: str) -> bool:
    here = versions()
    return name in here and here[name] != version


def _of_devices(log: JournalLog, config: Path) -> Iterator[Obstacle]:
    try:
        configuration = load_configuration(config)
        names = configuration.session_plan(log.opened.session).object_names
    except SessionShellError as error:
        yield Obstacle(None, "configuration", str(error), blocks=False)
        return
    for name in names:
        device = configuration.describe(name)
        if device is not None and not device.class_name and device.parent:
            device = configuration.describe(device.parent)  # its controller knows the class
        if device is None or (device.class_name in BUILT_IN and not device.package):
            continue
        where = f" of {device.package}" if device.package else ""
        why = f"class {device.class_name or '?'}{where} is not one of the simulated devices"
        yield Obstacle(None, f"device {name}", why, blocks=True)


def _of_command(entry: CommandLog, reader: CodeReader, numbers: set[int]) -> list[Obstacle]:
    command, done = entry.command, entry.done
    what = _short(command.typed)

    def say(why: str, *, blocks: bool, left_out: bool = False) -> Obstacle:
        return Obstacle(command.number, what, why, blocks, left_out)

    if command.source == "lost":
        return [say("its own line in the journal is lost", blocks=False, left_out=True)]
    if done is None:
        return [say("it was not finished", blocks=False, left_out=True)]
    if (hazard := prompt_hazard(command.typed)) is not None and command.source == "prompt":
        help_only = hazard == Hazard("shows help only", blocks=False)
        return [say(hazard.why, blocks=hazard.blocks, left_out=help_only)]
    return [*_of_code(entry, reader, numbers, say), *_of_outcome(entry, say)]


def _of_code(
    entry: CommandLog, reader: CodeReader, numbers: set[int], say: Callable[..., Obstacle]
) -> Iterator[Obstacle]:
    command, done = entry.command, entry.done
    for file in entry.files:
        for hazard in reader.read(file.text):
            yield say(f"{Path(file.path).name} {hazard.why}", blocks=hazard.blocks)
    code = command.executed or command.typed
    scripted = command.source == "file" or _SCRIPTS.match(command.typed)
    if scripted and not entry.files and done is not None and done.outcome == "ok":
        yield say("the text of the script was not recorded", blocks=True)
    if command.source == "file":
        return
    for hazard in reader.read(code, prompt=command.source == "prompt"):
        yield say(hazard.why, blocks=hazard.blocks)
    for earlier in _EARLIER_SCAN.findall(code):
        if int(earlier) not in numbers:
            yield say(f"reads scan {earlier} of an earlier session", blocks=False)


def _of_outcome(entry: CommandLog, say: Callable[..., Obstacle]) -> Iterator[Obstacle]:
    done = entry.done
    assert done is not None
    if done.outcome == "error" and _BY_CHANCE.match(done.error):
        yield say(f"it failed by chance ({_short(done.error)})", blocks=True)
    keys = [key for scan in entry.scans for key in scan.interruptions]
    if done.outcome == "interrupted" and not keys:
        yield say("Ctrl-C is repeated at the recorded time, outside of a scan", blocks=False)
    for key in keys:
        if key.kind in ("abort", "end") and key.state in ("PREPARING", "STOPPING"):
            why = f"Ctrl-C came while a scan was {key.state.lower()}: what it cut off may differ"
            yield say(why, blocks=False)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."
