"""Load what a session needs: its YAML tree, its objects, its setup scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from session_shell.config import (
    Builder,
    Configuration,
    Problem,
    SessionPlan,
    check_configuration,
    load_configuration,
    sorted_problems,
    with_unbuilt,
)
from session_shell.devices.context import DeviceContext
from session_shell.errors import SessionShellError
from session_shell.interrupts import is_of_signal
from session_shell.session.execution import execute_file, line_in_file
from session_shell.session.namespace import Namespace


@dataclass(frozen=True, slots=True)
class Loaded:
    """The objects of a session, and what went wrong on the way."""

    configuration: Configuration
    plan: SessionPlan
    devices: Mapping[str, Any]
    problems: list[Problem]

    @property
    def visible(self) -> dict[str, Any]:
        """Objects and aliases that appear at the prompt."""
        names = {n: d for n, d in self.devices.items() if n not in self.plan.excluded}
        aliases = {
            alias: self.devices[original]
            for alias, original in self.plan.aliases.items()
            if original in self.devices
        }
        return names | aliases


def load(
    name: str, config: Path, context: DeviceContext, building: Callable[[], None] = lambda: None
) -> Loaded:
    """Read the tree and build the objects of one session; bad objects become problems.

    `building` is called once the session is known, before there is any object.

    Raises:
        ConfigError: When the directory or the session is not there.
    """
    configuration = load_configuration(config)
    plan = configuration.session_plan(name)
    building()
    devices, unbuilt = Builder(configuration, context, aliases=plan.aliases).build(
        plan.object_names
    )
    # What is only odd about other files, and what the setup scripts will say themselves, is left to
    # `session-shell check`.
    odd = {problem for problem in configuration.problems if problem.severity == "warning"}
    found = check_configuration(configuration, [name], scripts=False, trial=False)
    problems = sorted_problems(with_unbuilt([p for p in found if p not in odd], unbuilt))
    return Loaded(configuration, plan, devices, problems)


def setup_problem(path: Path, namespace: Namespace) -> tuple[Problem, BaseException] | None:
    """Run a setup script; return what went wrong, with the script's own line."""
    try:
        execute_file(path, namespace)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        if is_of_signal(error):
            raise  # it ends the session, not the script
        problem = Problem(_setup_message(error), path, line_in_file(error, path))
        return problem, error
    return None


def _setup_message(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "the setup script was interrupted by Ctrl-C"
    if isinstance(error, SystemExit):
        return "the setup script called exit(); what follows in it was not run"
    text = str(error) if isinstance(error, SessionShellError) else ""
    return text or f"{type(error).__name__}: {_first_line(error)}"


def _first_line(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return str(error.msg)
    lines = str(error).splitlines()
    return lines[0] if lines else ""


def texts(plan: SessionPlan) -> dict[str, str]:
    """Return configuration and setup scripts as text, for the scan files."""
    yaml_files = list(dict.fromkeys(s.file for s in plan.sessions))
    setup_files = [s.setup_file for s in plan.sessions if s.setup_file is not None]
    return {
        "configuration": _joined(yaml_files, "#"),
        "setup_script": _joined(setup_files, "#"),
    }


def _joined(files: list[Path], comment: str) -> str:
    parts = []
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        parts.append(text if len(files) == 1 else f"{comment} ---- {file.name}\n{text}")
    return "\n".join(parts)
