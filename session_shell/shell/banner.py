"""What stands above the first prompt: what was loaded, what failed, where data go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from session_shell import __version__
from session_shell.config import Problem
from session_shell.config.problems import place
from session_shell.devices.protocols import is_axis, is_detector
from session_shell.shell.repairing import crash_notice
from session_shell.sinks.live import Style, styled

if TYPE_CHECKING:
    from session_shell.session import Session

_MOST = 10
"""Problems that are shown; a screen is not for more."""


def banner(session: Session) -> str:
    """Return the lines above the first prompt."""
    lines = [
        styled(f"session-shell {__version__}, session {session.name}", "bold"),
        f"  loaded  {_loaded(session)}",
        *(f"  setup   {place(path, None)}" for path in session.setup_files),
        f"  data    {place(session.saving.folder, None)}{_last_number(session)}",
        *_crashed(session),
        *_reading(session),
        *_resumed(session),
        *_problems(session.problems),
        styled("  wa() shows positions, lsobj() all objects, NAME? tells about it", "dim"),
    ]
    return "\n".join(lines) + "\n"


def _crashed(session: Session) -> list[str]:
    notice = crash_notice(session.saving.folder)
    return [styled(f"  CRASHED  {notice}", "yellow")] if notice else []


def _reading(session: Session) -> list[str]:
    if not session.read_only:
        return []
    text = "for looking: what is moved here moves only here, scans need save=False, nothing is kept"
    return [styled(f"  READ-ONLY  {text}", "yellow")]


def _resumed(session: Session) -> list[str]:
    if session.resumed is None:
        return []
    first, *more = session.resumed.lines()
    return [f"  resumed {first}", *(f"          {line}" for line in more)]


def _loaded(session: Session) -> str:
    devices = list(session.devices.values())
    axes = sum(is_axis(d) for d in devices)
    detectors = sum(is_detector(d) for d in devices)
    groups = len(session.measurement_groups)
    parts = [
        _count(axes, "axis", "axes"),
        _count(detectors, "counter", "counters"),
        _count(groups, "measurement group", "measurement groups"),
        _count(len(devices) - axes - detectors - groups, "other object", "other objects"),
    ]
    return ", ".join(part for part in parts if part) or "no objects"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def _last_number(session: Session) -> str:
    number = session.host.last_numbers.get(str(session.saving.folder))
    return f", last scan {number}" if number else ""


def _problems(problems: list[Problem]) -> list[str]:
    lines = [
        styled(f"  {problem.severity:<7} {problem}", _style(problem))
        for problem in problems[:_MOST]
    ]
    if len(problems) > _MOST:
        lines.append(f"  ... and {len(problems) - _MOST} more: session-shell check")
    if any(p.severity == "error" for p in problems):
        lines.append("  Everything else works. last_error() shows the last error whole.")
    return lines


def _style(problem: Problem) -> Style:
    return "red" if problem.severity == "error" else "yellow"
