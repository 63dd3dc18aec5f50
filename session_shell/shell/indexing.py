"""The subcommand ``index``: master files anew from the scan files beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from session_shell.shell.places import PLACES_HELP, place_options, places_of

if TYPE_CHECKING:
    from session_shell.nexus import Index

_HELP = f"""Make the master files of FOLDER and of all folders below it anew from their scan files.

For files that were moved, renamed, deleted or copied. Scans may go on meanwhile. A folder with
scans and without a master file gets one of its own name. Without FOLDER the whole data directory
is done.

\b
Examples:
  session-shell index data/demo
  session-shell index data/demo --master night     make or renew night.h5

\b
Exit codes:
  0 done   1 a folder refuses, or is not there   2 wrong usage

{PLACES_HELP}"""


@click.command("index", help=_HELP, short_help="Make master files anew from the scan files.")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--master", metavar="NAME", help="Only this master file, in FOLDER itself.")
@place_options
@click.pass_context
def command(
    ctx: click.Context,
    folder: Path | None,
    master: str | None,
    config: Path | None,
    data: Path | None,
) -> int:
    """Index a folder."""
    from session_shell.nexus import rebuild_master, rebuild_masters

    place = folder or places_of(ctx, config, data).data_dir
    made = rebuild_masters(place) if master is None else rebuild_master(place, master)
    for index in made:
        click.echo("\n".join(_lines(index)))
    if not made:
        click.echo(f"{_shown(place)}: has no scans", err=True)
    return 0


def _lines(index: Index) -> list[str]:
    count = len(index.links)
    head = f"{_shown(index.master)}: {count} scan{'' if count == 1 else 's'}"
    changes = [
        f"{len(names)} {word}"
        for names, word in ((index.added, "linked anew"), (index.dropped, "gone"))
        if names
    ]
    lines = [f"{head}, {', '.join(changes) or 'nothing to change'}"]
    lines += [f"  linked   {name}  {index.links[name]}" for name in index.added]
    lines += [f"  gone     {name}" for name in index.dropped]
    lines += [f"  left out {file}: {why}" for file, why in index.left_out]
    return [line.encode("utf-8", "backslashreplace").decode() for line in lines]


def _shown(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
