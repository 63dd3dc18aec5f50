"""The subcommands that look at the configuration and open no session."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from session_shell.config import Configuration, check_configuration, load_configuration
from session_shell.config.problems import place, sorted_problems
from session_shell.shell.rehearsal import rehearse


def list_sessions(root: Path) -> int:
    """Print the sessions below `root`."""
    configuration = load_configuration(root)
    rows = [_session_row(configuration, name) for name in sorted(configuration.sessions)]
    head = ("session", "file", "setup script", "includes")
    if rows:
        click.echo("\n".join(_columns([head, *rows])))
    else:
        click.echo(f"there is no session in {place(configuration.root, None)}", err=True)
        click.echo("begin one with: session-shell new NAME", err=True)
    errors = sum(p.severity == "error" for p in configuration.problems)
    if errors:
        problems = "1 problem" if errors == 1 else f"{errors} problems"
        click.echo(f"{problems} in these files: session-shell check", err=True)
    return 0


def begin_session(root: Path, name: str) -> int:
    """Write the files of a new session and tell what comes next."""
    from session_shell.config import new_session

    paths = new_session(root, name)
    for path in paths:
        click.echo(f"wrote {place(path, None)}")
    others = sorted(load_configuration(root).sessions.keys() - {name})
    if others:
        names = ", ".join(others)
        click.echo(f"it has all objects of the folder, those of {names} too: see config-objects")
    where = "" if root == Path("sessions") else f" --config {root}"
    click.echo(f"open it with: session-shell open {name}{where}")
    return 0


def check_sessions(
    root: Path, name: str | None, *, imports: bool = True, scripts: bool = False
) -> int:
    """Print every problem, with those of setup scripts that are run; 1 when there is an error."""
    configuration = load_configuration(root)
    problems = check_configuration(configuration, None if name is None else [name], imports=imports)
    checked = list(configuration.sessions) if name is None else [name]
    if scripts:
        for session in checked:
            problems = sorted_problems([*problems, *rehearse(session, root)])
    for problem in problems:
        warning = "warning: " if problem.severity == "warning" else ""
        place = f"{problem.where}: " if problem.where else ""
        click.echo(f"{place}{warning}{problem.message}")
    errors = sum(p.severity == "error" for p in problems)
    if not problems:
        sessions = name or f"{len(configuration.sessions)} sessions"
        click.echo(f"{sessions}: no problem", err=True)
    if not (errors or scripts) and any(_has_setup(configuration, one) for one in checked):
        click.echo("setup scripts were not run; --run runs them too, saving nothing", err=True)
    return 1 if errors else 0


def _has_setup(configuration: Configuration, session: str) -> bool:
    return any(one.setup_file for one in configuration.session_plan(session).sessions)


def _session_row(configuration: Configuration, name: str) -> tuple[str, ...]:
    session = configuration.sessions[name]
    setup = place(session.setup_file.resolve(), None) if session.setup_file else "-"
    if session.setup_file and not session.setup_file.is_file():
        setup += " (missing)"
    file = f"{place(session.file, session.line)}"
    return (name, file, setup, ", ".join(session.include_sessions) or "-")


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
