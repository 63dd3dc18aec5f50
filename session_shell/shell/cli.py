"""The command line ``session-shell``.

Everything heavy is imported by the command that needs it: ``--help`` and ``--version`` load
nothing but click.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import click

from session_shell import __version__
from session_shell.errors import SessionShellError
from session_shell.shell.output import tolerate_encodings
from session_shell.shell.places import PLACES_HELP, Places, place_options, places_of

EXIT_HELP = """\b
Exit codes:
  0 fine   1 a command or the session failed   2 wrong usage
  130 Ctrl-C   129, 143 ended by a signal (terminal closed, SIGTERM)
"""


_ROOMS: Mapping[str, str] = {
    "history": "history",
    "show": "showing",
    "replay": "replaying",
    "save": "saving",
    "repair": "repairing",
    "index": "indexing",
}
"""Subcommands that live in a module of their own, by name; it has them as ``command``."""


class _OutputGoneError(SessionShellError):
    """Whoever read standard output has gone."""


class _Program(click.Group):
    """The program: ``-s NAME`` means ``open NAME``, as BLISS users type it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _with_open(args))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_ROOMS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _ROOMS:
            found: click.Command = import_module(f"session_shell.shell.{_ROOMS[cmd_name]}").command
            return found
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click would end without a word
            raise _OutputGoneError from error


def _with_open(args: Sequence[str]) -> list[str]:
    """Put ``open NAME`` in the place of ``-s NAME`` when no subcommand stands before it."""
    done: list[str] = []
    rest = list(args)
    while rest and rest[0].startswith("-") and rest[0] != "--":
        word = rest.pop(0)
        if word in ("-s", "--session"):
            return [*done, "open", *rest] if rest else [*done, word]
        if word.startswith("--session="):
            return [*done, "open", word.partition("=")[2], *rest]
        if word.startswith("-s") and not word.startswith("--"):
            return [*done, "open", word[2:], *rest]
        done.append(word)
        if word in ("--config", "--data") and rest:
            done.append(rest.pop(0))
    return [*done, *rest]


_PROGRAM_HELP = f"""A beamline session on this computer: scans, motors, counters, NeXus files.

\b
Examples:
  session-shell open demo                      the prompt of the session demo
  session-shell -s demo                        the same
  session-shell open demo -c 'ascan roby 0 10 10 0.1'
  session-shell open demo night.py             run a script and exit
  session-shell list                           sessions that there are
  session-shell new eh1                        begin a session of your own
  session-shell check                          all problems of the configuration
  session-shell show                           the last scan; show DIR lists scans
  session-shell history show last              what was done in the last session
  session-shell replay last                    do it again, and compare
  session-shell repair                         finish scans whose session died

{PLACES_HELP}
{EXIT_HELP}"""


@click.group(
    cls=_Program,
    name="session-shell",
    help=_PROGRAM_HELP,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "-s", "--session", metavar="NAME", expose_value=False, help="The same as 'open NAME'."
)
@place_options
@click.version_option(__version__, prog_name="session-shell")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, data: Path | None) -> None:
    """Keep what was given for all subcommands."""
    ctx.obj = Places(config, data)


_OPEN_HELP = f"""Open the session NAME: at a terminal its prompt.

SCRIPT.py and -c run in the session's namespace, the script first, and then the program ends
(-i: then comes the prompt). Standard input that is not a terminal is run as commands when there
is nothing else to run. All end at the first command that fails, and do not begin when the setup
script failed (--keep-going: they do). What stands behind SCRIPT.py is its sys.argv; behind '--' it
may begin with a dash.

\b
Examples:
  session-shell open demo
  session-shell open demo -c 'umv(roby, 2)' -c 'loopscan 10 0.1 diode3'
  session-shell open demo align.py sy 0.5 -i
  echo 'ct 0.1 diode' | session-shell open demo
  session-shell open demo --clock virtual -c 'ascan roby 0 10 1000 1'
  session-shell open demo --resume             go on, with the functions and values of then
  session-shell open demo --read-only          look, while it is open elsewhere

{PLACES_HELP}
{EXIT_HELP}"""


@cli.command("open", help=_OPEN_HELP, short_help="Open a session: prompt, script or commands.")
@click.argument("name")
@click.argument(
    "script",
    required=False,
    metavar="[SCRIPT.py]",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.argument("arguments", nargs=-1, metavar="[ARGUMENT]...")
@click.option("-c", "commands", multiple=True, metavar="CODE", help="Run CODE; repeatable.")
@click.option("-i", "interactive", is_flag=True, help="Stay at the prompt after script and -c.")
@click.option(
    "--clock",
    type=click.Choice(["real", "virtual"]),
    default="real",
    show_default=True,
    help="virtual: simulated time jumps; a scan takes only the work it costs.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of simulated noise.")
@click.option(
    "--no-typing-helper",
    is_flag=True,
    help="Accept Python only, not 'ascan roby 0 10 10 0.1'.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Define again what was defined in the last run: functions, classes, values.",
)
@click.option(
    "--read-only",
    is_flag=True,
    help="Look while the session is open elsewhere; scans need save=False.",
)
@click.option(
    "--keep-going",
    is_flag=True,
    help="Run SCRIPT.py, -c and standard input also when the setup script failed.",
)
@place_options
@click.pass_context
def open_command(
    ctx: click.Context,
    name: str,
    script: Path | None,
    arguments: tuple[str, ...],
    commands: tuple[str, ...],
    interactive: bool,
    clock: Literal["real", "virtual"],
    seed: int | None,
    no_typing_helper: bool,
    resume: bool,
    read_only: bool,
    keep_going: bool,
    config: Path | None,
    data: Path | None,
) -> int:
    """Open a session."""
    from session_shell.shell.batch import Job
    from session_shell.shell.opening import Opening

    job = Job(script, arguments, commands)
    opening = Opening(
        name=name,
        places=places_of(ctx, config, data),
        job=job,
        interactive=interactive,
        virtual=clock == "virtual",
        seed=seed,
        typing_helper=not no_typing_helper,
        resume=resume,
        read_only=read_only,
        keep_going=keep_going,
    )
    return opening.run()


_LIST_HELP = f"""List the sessions: their files, setup scripts and what they include.

\b
Example:
  session-shell list --config ~/beamline

{PLACES_HELP}"""


@cli.command("list", help=_LIST_HELP, short_help="List the sessions.")
@place_options
@click.pass_context
def list_command(ctx: click.Context, config: Path | None, data: Path | None) -> int:
    """List the sessions."""
    from session_shell.shell.configuring import list_sessions

    return list_sessions(places_of(ctx, config, data).config_dir)


_NEW_HELP = f"""Begin the session NAME: NAME.yml, NAME_setup.py and scripts/NAME.py.

Each file is commented and works at once. Files that exist are never overwritten.

\b
Example:
  session-shell new eh1

{PLACES_HELP}"""


@cli.command("new", help=_NEW_HELP, short_help="Begin a session of your own.")
@click.argument("name")
@place_options
@click.pass_context
def new_command(ctx: click.Context, name: str, config: Path | None, data: Path | None) -> int:
    """Begin a session."""
    from session_shell.shell.configuring import begin_session

    return begin_session(places_of(ctx, config, data).config_dir, name)


_CHECK_HELP = f"""Read the whole configuration and report every problem as 'file:line: message'.

NAME: only that session and what it loads. Setup scripts are compiled, not run; --run runs them too,
with all objects of the session, in virtual time; nothing is saved and no file changed.
Modules that the configuration names with 'package' are imported, which runs their code;
--no-import leaves them, and the values of their objects, alone. The exit code is 1 when there is
any error; warnings alone do not fail.

\b
Examples:
  session-shell check
  session-shell check demo --run

{PLACES_HELP}"""


@cli.command("check", help=_CHECK_HELP, short_help="Report every problem of the configuration.")
@click.argument("name", required=False)
@click.option("--no-import", is_flag=True, help="Import no module that the configuration names.")
@click.option("--run", "scripts", is_flag=True, help="Run the setup scripts, saving nothing.")
@place_options
@click.pass_context
def check_command(
    ctx: click.Context,
    name: str | None,
    no_import: bool,
    scripts: bool,
    config: Path | None,
    data: Path | None,
) -> int:
    """Check the configuration."""
    from session_shell.shell.configuring import check_sessions

    if no_import and scripts:
        raise click.UsageError("--run makes all objects, so it imports: leave --no-import out")
    root = places_of(ctx, config, data).config_dir
    return check_sessions(root, name, imports=not no_import, scripts=scripts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit with its code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code. Errors are one line, never a traceback."""
    tolerate_encodings()
    try:
        code: Any = cli.main(arguments, prog_name="session-shell", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted by Ctrl-C", 130)
    except (_OutputGoneError, BrokenPipeError):
        # What is still buffered has nobody to read it: Python must not try again at exit.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _say("nobody reads the output any more (broken pipe)", 1)
    except SessionShellError as error:
        return _say(" ".join(str(error).split()), 1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _say(f"{place}{error.strerror or error}", 1)
    return code if isinstance(code, int) else 0


def _say(message: str, code: int) -> int:
    with suppress(OSError, ValueError):
        click.echo(f"error: {message}", err=True)
    return code
