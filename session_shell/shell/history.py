"""``session-shell history``: saved sessions as a list, a log, a page or a script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from session_shell.shell.places import PLACES_HELP, place_options, places_of

if TYPE_CHECKING:
    from session_shell.journal import JournalLog

_HELP = f"""List the saved sessions, or those of the session NAME; 'show ID' prints one.

Every session records what is done in it. 'history show last' is the newest; of an ID its
beginning is enough.

\b
Examples:
  session-shell history
  session-shell history demo
  session-shell history show last
  session-shell history show demo-20261122 --html -o tuesday.html
  session-shell history show last --script -o again.py

{PLACES_HELP}"""


class _History(click.Group):
    """``history NAME`` means ``history list NAME``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            args = ["list", *args]
        return super().resolve_command(ctx, args)


@click.group(
    "history",
    cls=_History,
    help=_HELP,
    short_help="List saved sessions, or show one.",
    invoke_without_command=True,
    subcommand_metavar="[NAME | show ID [OPTIONS]]",
)
@place_options
@click.pass_context
def command(ctx: click.Context, config: Path | None, data: Path | None) -> int | None:
    """List saved sessions when nothing else is asked for."""
    ctx.obj = places_of(ctx, config, data)
    return None if ctx.invoked_subcommand else _list(ctx.obj.data_dir, None)


@command.command("list", short_help="List the saved sessions, or those of one name.")
@click.argument("name", required=False)
@place_options
@click.pass_context
def list_command(
    ctx: click.Context, name: str | None, config: Path | None, data: Path | None
) -> int:
    """List the saved sessions, or those of the session NAME, the oldest first."""
    return _list(places_of(ctx, config, data).data_dir, name)


@command.command("show", short_help="Print a saved session.")
@click.argument("id", metavar="ID")
@click.option("--markdown", "form", flag_value="markdown", help="As Markdown.")
@click.option("--html", "form", flag_value="html", help="As one page for a browser.")
@click.option(
    "--script", "form", flag_value="script", help="As a Python script that does it again."
)
@click.option("--full", is_flag=True, help="Whole outputs, not only beginning and end.")
@click.option("--no-plots", is_flag=True, help="--html without a plot of every scan.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."
)
@place_options
@click.pass_context
def show_command(
    ctx: click.Context,
    id: str,  # noqa: A002  its name on the command line
    form: str | None,
    full: bool,
    no_plots: bool,
    output: Path | None,
    config: Path | None,
    data: Path | None,
) -> int:
    """Print the saved session ID: 'last', an id or its beginning, or a .jsonl file."""
    from session_shell.journal import find_journal, read_journal

    places = places_of(ctx, config, data)
    path = Path(id) if id.endswith(".jsonl") else find_journal(places.data_dir, id)
    text = _written(read_journal(path), form or "text", full=full, plots=not no_plots)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"wrote {output}")
    return 0


def _written(log: JournalLog, form: str, *, full: bool, plots: bool) -> str:
    from session_shell.logbook import Scans, as_html, as_markdown, as_script, as_text

    if form == "script":
        return as_script(log)
    if form == "text":
        return as_text(log, full=full)
    scans = Scans(log)
    if form == "html":
        return as_html(log, scans, full=full, plots=plots)
    return as_markdown(log, scans, full=full)


def _list(data: Path, name: str | None) -> int:
    from session_shell.journal import list_journals
    from session_shell.logbook import listing

    found = list_journals(data, name)
    if not found:
        whose = f" of {name}" if name else ""
        click.echo(f"there are no saved sessions{whose} in {data}")
        return 0 if name is None else 1
    click.echo(listing(found))
    return 0
