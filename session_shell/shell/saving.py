"""``session-shell save``: a recorded session as one file."""

from __future__ import annotations

from pathlib import Path

import click

from session_shell.shell.places import PLACES_HELP, place_options, places_of

_HELP = f"""Pack the recorded session ID into one archive: journal, configuration and scripts.

ID is an id of 'session-shell history', the beginning of one, or 'last'. FILE is a ZIP file and
must not exist. 'session-shell replay FILE' runs the session again, also on another computer.

\b
Examples:
  session-shell save last tuesday.ssa
  session-shell save demo-20261122 tuesday.ssa --with-data

{PLACES_HELP}"""


@click.command("save", help=_HELP, short_help="Pack a recorded session into one archive.")
@click.argument("identity", metavar="ID")
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--with-data", is_flag=True, help="Take the scan files along.")
@place_options
@click.pass_context
def command(
    ctx: click.Context,
    identity: str,
    target: Path,
    with_data: bool,
    config: Path | None,
    data: Path | None,
) -> int:
    """Save a session."""
    from session_shell.journal import find_journal, is_running
    from session_shell.replay import open_recording, save

    path = Path(identity)
    if path.suffix != ".jsonl" or not path.is_file():
        path = find_journal(places_of(ctx, config, data).data_dir, identity)
    packed = save(open_recording(path), target, with_data=with_data)
    for file in packed.missing:
        click.echo(f"warning: {file} is not there any more or lies elsewhere", err=True)
    if is_running(path):
        click.echo("warning: the session runs: it is saved as it is now", err=True)
    click.echo(f"{packed.path}: {packed.members} files, {packed.size / 1e6:.2f} MB")
    return 0
