"""Put remarks, outputs and plots into the logbook of the session."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

from session_shell.commands import arguments as check
from session_shell.commands.plots import chosen_scan
from session_shell.current import current_session
from session_shell.errors import CommandError
from session_shell.paths import is_there

_PICTURES = 10_000


def elog_print(*text: Any) -> None:
    """Put a remark into the logbook of the session.

    ``session-shell history show ID --html`` shows it beside the commands.

    Args:
        text: What to say; several values are separated by blanks.

    Raises:
        CommandError: When there is no text.
        JournalError: When nothing is recorded, as in a read-only session.

    Example:
        ``elog_print("sample 3 mounted, beam refocused")``
    """
    words = " ".join(map(str, text))
    if not words.strip():
        raise CommandError('elog_print: expected some text: elog_print("sample mounted")')
    current_session().journal.note("text", words)


def elog_add(number: int = -1) -> None:
    """Put the output of a command into the logbook of the session.

    Args:
        number: Number of the command, as the prompt shows it; -1 is the one before this, -2 the
            one before that, ...

    Raises:
        CommandError: When there is no such command, or it printed nothing.
        JournalError: When nothing is recorded, as in a read-only session.

    Example:
        ``elog_add()``
    """
    journal = current_session().journal
    whole = check.whole("elog_add", "number", number, -(10**9))
    wanted = whole if whole > 0 else journal.number + whole
    typed, output = journal.output(wanted)
    if not output.strip():
        raise CommandError(f"elog_add: command {wanted} ({typed.strip()[:60]}) printed nothing")
    journal.note("output", f"[{wanted}] {typed.strip()}\n{output}")


def elog_plot(what: Any = None, *counters: Any, axis: Any = None) -> None:
    """Put a plot of a scan into the logbook of the session, as `plot` draws it.

    It is a picture where matplotlib is installed (``pip install session-shell[plot]``), else a
    drawing in characters.

    Args:
        what: A scan or its number; default the last scan. Or the first counter of the last scan.
        counters: Counters or their names; none: those chosen by `plotselect`, else the first.
        axis: What to plot over; default the scanned axis.

    Raises:
        CommandError: When there is no such scan or counter, or no point.
        JournalError: When nothing is recorded, as in a read-only session.

    Example:
        ``ascan(roby, 0, 10, 20, 0.1, diode1); elog_plot()``
    """
    session = current_session()
    folder = session.journal.pictures
    scan, wanted = chosen_scan("elog_plot", what, counters)
    from session_shell.sinks import figure
    from session_shell.sinks.drawing import drawing_of
    from session_shell.sinks.plot import plot_text

    drawing = drawing_of(scan, wanted, axis, session.plot_selection)
    path = _new_picture(folder) if figure.can_draw() else None
    if path is not None:
        figure.save(drawing, path)
    file = f"{folder.name}/{path.name}" if path is not None else ""
    uid = getattr(getattr(scan, "plan", None), "uid", "")
    session.journal.note("plot", plot_text(drawing, StringIO()), uid=uid, file=file)
    print(f"{scan.title}: plotted into the logbook")


def _new_picture(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"elog_plot: {folder} cannot be made: {error.strerror}") from error
    for number in range(1, _PICTURES):
        path = folder / f"plot_{number:04d}.png"
        if not is_there(path):
            return path
    raise CommandError(f"elog_plot: {folder} has {_PICTURES} pictures already")
