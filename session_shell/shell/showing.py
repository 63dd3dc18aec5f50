"""The subcommand ``show``: saved scans, also of other programs, and scans that run."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from session_shell.errors import CommandError, SessionShellError
from session_shell.shell.places import PLACES_HELP, place_options, places_of
from session_shell.shell.watching import Watch

if TYPE_CHECKING:
    from session_shell.viewer.finding import Asked
    from session_shell.viewer.printing import Wish

_HELP = f"""Show scans: how they went, what they measured, and everything that was noted.

FILE is a scan file, a master file, a file of BLISS or a folder; numbers behind it choose scans
of it, 'last' the last one. A file or folder with several scans gives their list. Without FILE
numbers are those of the dataset that was written to last; with nothing at all the last scan is
shown.

\b
Examples:
  session-shell show                               the last scan
  session-shell show data/demo                     the list of scans
  session-shell show data/demo 12 13               two of them
  session-shell show data/demo/scan_0012.h5 --table
  session-shell show 12 --csv --columns roby,diode1 -o peak.csv
  session-shell show 12 --plot peak.png
  session-shell show data/demo --follow            watch scans while they run

{PLACES_HELP}"""


@click.command("show", help=_HELP, short_help="Show saved and running scans.")
@click.argument("what", nargs=-1, metavar="[FILE|NUMBER]...")
@click.option("--table", "form", flag_value="table", help="The points, as at the prompt.")
@click.option("--csv", "form", flag_value="csv", help="The points as CSV; of a folder the list.")
@click.option("--json", "form", flag_value="json", help="Everything as JSON, a line for each scan.")
@click.option("--tree", "form", flag_value="tree", help="The HDF5 tree, also of any other file.")
@click.option(
    "--plot", "picture", metavar="PICTURE", help="Plot into a .png, .pdf or .svg ({number} in it)."
)
@click.option("--columns", metavar="A,B", help="These columns; names or patterns (diode*).")
@click.option("--points", metavar="0:10", help="These points, as in Python: 0:10, -5:, ::10, 7.")
@click.option("--no-plot", is_flag=True, help="No plot in the terminal.")
@click.option("--all", "everything", is_flag=True, help="List all scans, not the last 200.")
@click.option("--follow", is_flag=True, help="Watch scans while they run, until Ctrl-C.")
@click.option("--once", is_flag=True, help="With --follow: end with the first scan that ends.")
@click.option("--live", is_flag=True, help="Show a saved scan once more as it ran.")
@click.option("--speed", default="1", metavar="N", help="With --live: 10 times as fast, or max.")
@click.option("--live-plot", is_flag=True, help="With --follow and --live: a plot below the table.")
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write there."
)
@place_options
@click.pass_context
def command(
    ctx: click.Context,
    what: tuple[str, ...],
    form: str | None,
    picture: str | None,
    columns: str | None,
    points: str | None,
    no_plot: bool,
    everything: bool,
    follow: bool,
    once: bool,
    live: bool,
    speed: str,
    live_plot: bool,
    output: Path | None,
    config: Path | None,
    data: Path | None,
) -> int:
    """Show scans."""
    from session_shell.viewer.finding import asked
    from session_shell.viewer.points import Selection, parse_points
    from session_shell.viewer.printing import LISTED, Form, Wish

    if form is not None and picture is not None:
        raise click.UsageError(f"--{form} and --plot exclude each other")
    names = tuple(word.strip() for word in (columns or "").split(",") if word.strip())
    wish = Wish(
        Form("plot" if picture is not None else form or "summary"),
        Selection(names, parse_points(points) if points is not None else slice(None)),
        picture or "",
        not no_plot,
        None if everything else LISTED,
    )
    folder = places_of(ctx, config, data).data_dir.absolute()
    items = asked(what, folder)
    if picture is not None:
        _check_picture(picture, len(items))
    if follow or live:
        _check_watch(wish, items, points, follow=follow, live=live)
    with ExitStack() as stack:
        stream = sys.stdout if output is None else stack.enter_context(_opened(output, items))
        _take_any_text(stream)
        watch = Watch(wish, stream, live_plot)
        try:
            if follow:
                return watch.follow(items[0] if what else None, folder, once=once)
            if live:
                return watch.play(items[0], _speed(speed))
            return _show(items, wish, stream)
        except BrokenPipeError:
            return _nobody_reads()


def _show(items: list[Asked], wish: Wish, stream: TextIO) -> int:
    """Write all, one after the other; what fails is told in a line each."""
    from session_shell.viewer.look import look_of
    from session_shell.viewer.printing import Form, pieces

    look = look_of(stream)
    code = 0
    apart = wish.form in (Form.SUMMARY, Form.TABLE, Form.TREE)
    before = ""
    for one in items:
        try:
            for piece in pieces(one, wish, stream, look):
                stream.write(before + piece)
                before = ""
            before = "\n" if apart else ""
        except SessionShellError as error:
            stream.flush()
            click.echo(f"error: {' '.join(str(error).split())}", err=True)
            code = 1
    stream.flush()
    return code


def _take_any_text(stream: Any) -> None:
    """Let a stream show text that its encoding does not have."""
    with suppress(AttributeError, ValueError, OSError):
        stream.reconfigure(errors="backslashreplace")


def _nobody_reads() -> int:
    """End quietly: who reads only the first lines wants no more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _opened(output: Path, items: list[Asked]) -> TextIO:
    """Open the file that is written; never one that holds data.

    Raises:
        CommandError: When it is an HDF5 file or one of those that are shown.
    """
    path = output.expanduser()
    same = any(one.path.exists() and path.exists() and path.samefile(one.path) for one in items)
    if same or _is_hdf5(path):
        raise CommandError(f"{path}: is a file of data, it is not overwritten")
    return path.open("w", encoding="utf-8", errors="backslashreplace")


def _is_hdf5(path: Path) -> bool:
    if not path.is_file():  # opening a pipe waits for ever
        return False
    try:
        with path.open("rb") as file:
            return file.read(8) == b"\x89HDF\r\n\x1a\n"
    except OSError:
        return False


def _check_watch(
    wish: Wish, items: list[Asked], points: str | None, *, follow: bool, live: bool
) -> None:
    """Refuse what makes no sense for scans in time.

    Raises:
        UsageError: Saying what.
    """
    option = "--follow" if follow else "--live"
    if follow and live:
        raise click.UsageError("--follow is for scans that run, --live for those that are over")
    if wish.form not in ("summary", "table", "csv"):
        raise click.UsageError(f"{option} and --{wish.form} exclude each other")
    if points is not None:
        raise click.UsageError(f"{option} shows all points: --points cannot be given")
    if len(items) > 1:
        raise click.UsageError(f"{option} shows one scan, file or folder")


def _speed(text: str) -> float | None:
    """Return the speed that was typed, None for at once.

    Raises:
        UsageError: When it is none.
    """
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise click.UsageError(f"--speed: {text!r} must be a number above zero, or max")
    return speed


def _check_picture(picture: str, scans: int) -> None:
    if scans > 1 and "{number}" not in picture:
        raise click.UsageError("several scans need several pictures: --plot 'scan_{number}.png'")
    if Path(picture).suffix.lower() not in (".png", ".pdf", ".svg"):
        raise click.UsageError(f"--plot: {picture!r} must end in .png, .pdf or .svg")
