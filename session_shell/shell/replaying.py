"""``session-shell replay``: run a recorded session again, and tell what is different."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from session_shell.shell.places import PLACES_HELP, place_options, places_of

if TYPE_CHECKING:
    from session_shell.journal import CommandLog
    from session_shell.replay.obstacles import Obstacle
    from session_shell.replay.play import Answer, Manner
    from session_shell.replay.replaying import Replay
    from session_shell.replay.report import Report

_HELP = f"""Run a recorded session again, in a folder of its own, and compare.

WHAT is an archive of 'session-shell save', a journal, or an id of 'session-shell history' (its
beginning or 'last' will do). The session gets the recorded configuration, settings, positions and
seed; the recorded commands are typed as they were. At the end every command, scan, value and
metadata key is compared with what was recorded.

What cannot be repeated (input of a person, commands of the system, devices that are not
simulated) is named before anything runs. At a terminal you are asked; else give --skip or --force.

\b
Examples:
  session-shell replay last
  session-shell replay tuesday.ssa --config ~/beamline   with the present configuration
  session-shell replay last --from 12 --step             look at what happened
  session-shell replay tests/night.ssa --json            in CI

{PLACES_HELP}
\b
Exit codes:
  0 all agree   1 something differs, or it did not run   2 wrong usage   130 Ctrl-C
"""


@click.command("replay", help=_HELP, short_help="Run a recorded session again and compare.")
@click.argument("what", metavar="WHAT")
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR", help="Folder to be made.")
@click.option(
    "--clock",
    type=click.Choice(["virtual", "real"]),
    help="Default virtual when all devices are simulated.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds of virtual time for one of real time; default as fast as possible.",
)
@click.option("--step", is_flag=True, help="Ask before each command.")
@click.option(
    "--from",
    "first",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="First command to be shown and compared; those before it run unseen.",
)
@click.option("--to", "last", type=click.IntRange(min=1), metavar="N", help="Last command.")
@click.option("--dry-run", is_flag=True, help="Only name what cannot be repeated; run nothing.")
@click.option("--skip", is_flag=True, help="Leave out commands that cannot be repeated.")
@click.option(
    "--force",
    is_flag=True,
    help="Run what cannot be repeated too: real devices, changes of files elsewhere.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=0.0,
    help="For values, absolute and relative; default 0: bit by bit.",
)
@click.option("--no-output", is_flag=True, help="Do not compare what was printed.")
@click.option("--json", "as_json", is_flag=True, help="Write the report as JSON, nothing else.")
@click.option("-q", "--quiet", is_flag=True, help="Write the report only.")
@place_options
@click.pass_context
def command(
    ctx: click.Context,
    what: str,
    into: Path | None,
    clock: Literal["virtual", "real"] | None,
    speed: float | None,
    step: bool,
    first: int,
    last: int | None,
    dry_run: bool,
    skip: bool,
    force: bool,
    tolerance: float,
    no_output: bool,
    as_json: bool,
    quiet: bool,
    config: Path | None,
    data: Path | None,
) -> int:
    """Replay a session."""
    if clock == "real" and speed is not None:
        raise click.UsageError("--speed is for virtual time: leave out --clock real")
    if last is not None and last < first:
        raise click.UsageError(f"--to {last} comes before --from {first}")
    from session_shell.replay.play import Manner

    places = places_of(ctx, config, data)
    manner = Manner(
        first=first,
        last=last,
        speed=speed,
        ask=_ask if step else None,
        tell_error=_tell_error,
        quiet=quiet or as_json,
        output=not no_output,
        anywhere=force,
    )
    replaying = _Replaying(manner, clock, skip, force, tolerance, as_json)
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="session-shell-replay-") as folder:
            ready = _prepare(what, places.data_dir, places.config, Path(folder) / "dry", manner)
            return replaying.dry_run(ready)
    ready = _prepare(what, places.data_dir, places.config, into, manner)
    return replaying.run(ready)


def _prepare(
    what: str, data: Path, config: Path | None, into: Path | None, manner: Manner
) -> Replay:
    """Find the recorded session and make the folder of its replay; a failure leaves none."""
    from session_shell.errors import CommandError, JournalError
    from session_shell.replay.recording import find_recording
    from session_shell.replay.replaying import Replay
    from session_shell.replay.stage import new_folder

    if into is not None and into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise JournalError(f"{into}: exists already; give another folder with --into")
    with tempfile.TemporaryDirectory(prefix="session-shell-archive-") as unpacked:
        recording = find_recording(what, data, Path(unpacked) / "recorded")
        commands = recording.log.commands
        end = commands[-1].command.number if commands else 0
        if manner.first > max(end, 1):
            raise CommandError(f"--from {manner.first}: the session has {end} commands")
        folder = (into or new_folder(data, recording.log.opened.id)).absolute()
        try:
            ready = Replay.prepare(
                recording.moved(Path(unpacked) / "recorded", folder / "recorded"),
                folder,
                config=config,
                first=manner.first,
                last=manner.last,
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return ready


class _Replaying:
    """Asks, runs and reports."""

    def __init__(
        self,
        manner: Manner,
        clock: str | None,
        skip: bool,
        force: bool,
        tolerance: float,
        as_json: bool,
    ) -> None:
        self._manner = manner
        self._clock = clock
        self._skip, self._force = skip, force
        self._tolerance = tolerance
        self._as_json = as_json

    def dry_run(self, ready: Replay) -> int:
        """Tell what is in the way; 1 when somebody would have to decide."""
        count = sum(e.done is not None for e in ready.recording.log.commands)
        if self._as_json:
            named = [_as_dict(obstacle) for obstacle in ready.obstacles]
            click.echo(json.dumps({"commands": count, "obstacles": named}, indent=1))
        else:
            self._name(ready.obstacles)
            blocking = len(ready.blocking)
            click.echo(
                f"{count} commands can be run again"
                + f", {blocking} need a decision" * bool(blocking)
            )
        return 1 if ready.blocking else 0

    def run(self, ready: Replay) -> int:
        """Run it, if that is wanted, and write the report."""
        from dataclasses import replace

        from session_shell.shell import logs, signals
        from session_shell.shell.signals import INTERRUPTED

        self._name(ready.obstacles)
        if not self._decide(ready):
            shutil.rmtree(ready.stage.folder, ignore_errors=True)
            return 1
        real = self._clock == "real" or (self._clock is None and _has_devices(ready.blocking))
        with logs.shown(), signals.orderly():
            played, report = ready.run(
                replace(self._manner, real=real), skip=self._skip, tolerance=self._tolerance
            )
        report.notes = [str(obstacle) for obstacle in ready.obstacles]
        self._write(report, ready.stage.folder)
        if played.interrupted:
            return INTERRUPTED
        return 0 if report.agrees else 1

    def _name(self, obstacles: Sequence[Obstacle]) -> None:
        for obstacle in obstacles:
            click.echo(f"{'cannot repeat' if obstacle.blocks else 'note'}: {obstacle}", err=True)

    def _decide(self, ready: Replay) -> bool:
        """Return whether to run it, after asking who can be asked."""
        blocking = ready.blocking
        left = [o for o in blocking if not (self._skip and o.number)]
        if not left or self._force:
            return True
        if not self._manner.quiet and sys.stdin is not None and sys.stdin.isatty():
            return self._asked([o for o in left if not o.number])
        one_by_one = "--skip leaves the commands out, " if any(o.number for o in left) else ""
        click.echo(f"error: nothing was run: {one_by_one}--force runs them all the same", err=True)
        return False

    def _asked(self, whole: list[Obstacle]) -> bool:
        choices = {"r": "run all the same", "q": "quit"}
        if not whole:
            choices = {"s": "skip these commands", **choices}
        text = ", ".join(f"[{key}] {what}" for key, what in choices.items())
        answer = ""
        while answer not in choices:
            answer = click.prompt(text, prompt_suffix="? ").strip().lower()[:1]
        self._skip = self._skip or answer == "s"
        return answer != "q"

    def _write(self, report: Report, folder: Path) -> None:
        document = json.dumps(report.as_dict(), indent=1)
        text = report.text()
        (folder / "report.json").write_text(document + "\n", encoding="utf-8")
        (folder / "report.txt").write_text(
            "".join(f"{line}\n" for line in (*report.notes, text)), encoding="utf-8"
        )
        click.echo(document if self._as_json else ("" if self._manner.quiet else "\n") + text)


def _has_devices(obstacles: list[Obstacle]) -> bool:
    return any(o.number is None for o in obstacles)


def _as_dict(obstacle: Obstacle) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(obstacle)


def _ask(entry: CommandLog) -> Answer:
    """Ask whether to run the next command."""
    click.echo(f"\n{entry.command.typed}", err=True)
    words: dict[str, Answer] = {"": "run", "r": "run", "s": "skip", "a": "all", "q": "quit"}
    while True:
        try:
            text = input("[Enter] run, [s]kip, [a]ll that follow, [q]uit? ").strip().lower()[:1]
        except EOFError:
            return "quit"
        if text in words:
            return words[text]


def _tell_error(error: BaseException) -> None:
    """Show an error as the prompt does."""
    from session_shell.shell.reports import details, one_line
    from session_shell.sinks.live import styled

    sys.stdout.flush()
    text = details(error).rstrip() or one_line(error)
    print(styled(text, "red") if sys.stderr.isatty() else text, file=sys.stderr)
