"""The subcommand ``repair``, and what the start of a session tells about crashed scans."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from session_shell.shell.places import PLACES_HELP, place_options, places_of

if TYPE_CHECKING:
    from session_shell.nexus import Repair

_LEFT = ".ballast"
"""How the hidden files end that a running scan has, and a crashed one leaves."""

_HELP = f"""Finish scans whose session died: end_reason CRASHED, points as they are.

WHERE is a scan file, a folder or a tree of folders, or a master file for its folder; without it
the whole data directory. Running and finished scans are left alone, so it can be done at any time,
and again. Master files are completed, and hidden files that dead sessions left are removed. One
line for each file that was not in order.

\b
Examples:
  session-shell repair data/demo
  session-shell repair data/demo/scan_0012.h5
  session-shell repair --dry-run              only look

\b
Exit codes:
  0 all is in order now   1 a file could not be read or repaired   2 wrong usage

{PLACES_HELP}"""


@click.command("repair", help=_HELP, short_help="Finish scans whose session died.")
@click.argument("where", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dry-run", "dry", is_flag=True, help="Only tell what would be done.")
@place_options
@click.pass_context
def command(
    ctx: click.Context, where: tuple[Path, ...], dry: bool, config: Path | None, data: Path | None
) -> int:
    """Repair files and folders."""
    from session_shell.nexus import repair_file, repair_folder
    from session_shell.nexus.folder.index import is_master

    places = where or (places_of(ctx, config, data).data_dir,)
    repairs: list[Repair] = []
    for place in places:
        folder = place.parent if is_master(place) else place
        found = repair_folder(folder, dry=dry) if folder.is_dir() else [repair_file(place, dry=dry)]
        for repair in found:
            if repair.state != "finished" or repair.done or repair.path == place.absolute():
                click.echo(_line(repair, dry))
        repairs += found
    click.echo(_summary(repairs, dry), err=True)
    return 1 if any(repair.state == "unreadable" for repair in repairs) else 0


def _line(repair: Repair, dry: bool) -> str:
    words = {"running": "", "foreign": "", "unreadable": "NOT REPAIRED, ", "finished": ""}
    head = words.get(repair.state, "" if dry else "repaired: ")
    return f"{_shown(repair.path)}: {head}{'; '.join(repair.done) or 'is finished'}"


def _summary(repairs: list[Repair], dry: bool) -> str:
    texts = {
        "finished": "finished",
        "repaired": "to be repaired" if dry else "repaired",
        "running": "running",
        "foreign": "of other programs",
        "unreadable": "not repaired",
    }
    states = [repair.state for repair in repairs]
    counts = [f"{states.count(s)} {text}" for s, text in texts.items() if s in states]
    scans = f"{len(states)} scan file{'' if len(states) == 1 else 's'}"
    return f"{scans}: {', '.join(counts)}" if counts else f"{scans} there"


def crash_notice(folder: Path) -> str:
    """Return what the start of a session tells about crashed scans in its folder, mostly nothing.

    Costs one look at the names in the folder when no scan crashed.
    """
    try:
        if not any(name.endswith(_LEFT) for name in os.listdir(folder)):  # noqa: PTH208
            return ""
    except OSError:
        return ""
    from session_shell.nexus import crashed_files  # h5py costs 40 ms of start-up

    names = [path.name for path in crashed_files(folder)]
    if not names:
        return ""
    what = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return f"{what} crashed: session-shell repair {_shown(folder)}"


def _shown(path: Path) -> str:
    """Return a path as one would type it from here."""
    try:
        text = str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        text = str(path)
    return text.encode("utf-8", "backslashreplace").decode()
