"""What a replay has shown: text for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

_MOST = 8
"""Differences of one command that are written; the others are counted."""
_MOST_COMMANDS = 12
"""Commands whose differences are written; JSON has them all."""


@dataclass(slots=True)
class Difference:
    """One thing that is not as it was, and its place."""

    kind: str
    """``outcome``, ``error``, ``value``, ``output``, ``scan``, ``points``, ``data``, ``metadata``,
    ``settings``, or ``record``: the record itself was changed."""
    text: str
    counts: bool = True
    """False: it is told, and the session agrees all the same."""
    command: int | None = None
    """0: the setup scripts."""
    scan: int | None = None
    """Number of the recorded scan; 0: it was not saved."""
    title: str = ""
    channel: str = ""
    point: int | None = None
    """From 0."""
    key: str = ""
    deviation: float | None = None
    recorded: str = ""
    replayed: str = ""

    @property
    def place(self) -> str:
        """Tell where: command, scan, channel, point, key."""
        parts = []
        if self.command is not None:
            parts.append(f"command {self.command}" if self.command else "setup scripts")
        if self.title:
            parts.append(f"scan {self.scan}" if self.scan else f"scan {self.title!r}")
        if self.channel:
            parts.append(f"channel {self.channel}")
        if self.point is not None:
            parts.append(f"point {self.point}")
        if self.key:
            parts.append(f"key {self.key}")
        return ", ".join(parts)

    @property
    def line(self) -> str:
        """Tell it in one line, for a list below its command."""
        parts = [f"scan {self.scan}" if self.scan else f"scan {self.title!r}"] if self.title else []
        parts += [self.channel] if self.channel else []
        parts += [self.key] if self.key and self.kind == "metadata" else []
        where = f"{', '.join(parts)}: " if parts else ""
        return f"{where}{self.text}" + ("" if self.counts else " (does not count)")


@dataclass(slots=True)
class CommandResult:
    """One command and what is different about it."""

    number: int
    typed: str
    counts: bool = True
    """False: it came before the part that was asked for."""
    differences: list[Difference] = field(default_factory=list)
    scans: int = 0
    points: int = 0

    @property
    def agrees(self) -> bool:
        """True when nothing that counts is different."""
        return not any(difference.counts for difference in self.differences)


@dataclass(slots=True)
class Report:
    """The outcome of a replay."""

    id: str
    session: str
    exact: bool
    """Timestamps were compared too, bit by bit."""
    tolerance: float = 0.0
    commands: list[CommandResult] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    problems: list[Difference] = field(default_factory=list)
    """What is wrong with the record, beyond the commands that were run."""
    settings_at_end: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    folder: str = ""

    def add(self, result: CommandResult) -> None:
        """Take the result of the next command."""
        if not result.counts:
            for difference in result.differences:
                difference.counts = False
        self.commands.append(result)

    @property
    def agrees(self) -> bool:
        """True when everything that counts is as it was."""
        return not any(d.counts for d in self.all())

    def all(self) -> Iterator[Difference]:
        """Return all differences in the order of the session."""
        for result in self.commands:
            yield from result.differences
        yield from self.problems

    @property
    def first(self) -> Difference | None:
        """The first difference that counts."""
        return next((d for d in self.all() if d.counts), None)

    def text(self) -> str:
        """Return the report for people: short when all agree."""
        lines = [*self._list(), self._summary()]
        if self.first is not None:
            lines.append(f"The first difference: {self.first.place}: {self.first.text}.")
        if self.folder:
            lines.append(f"The replay is in {self.folder}")
        return "\n".join(lines)

    def _list(self) -> Iterator[str]:
        different = [result for result in self.commands if _told(result.differences)]
        for result in different[:_MOST_COMMANDS]:
            typed = " ".join(result.typed.split())
            typed = typed if len(typed) <= 70 else f"{typed[:67]}..."
            yield f"command {result.number} ({typed}):" if result.number else "setup scripts:"
            yield from _indented(_told(result.differences))
        if len(different) > _MOST_COMMANDS:
            yield f"... and {_count(len(different) - _MOST_COMMANDS, 'more command')}"
        if self.problems:
            yield "the record:"
            yield from _indented(self.problems)

    def _summary(self) -> str:
        done = [result for result in self.commands if result.number and result.counts]
        scans = sum(result.scans for result in self.commands if result.counts)
        points = sum(result.points for result in self.commands if result.counts)
        what = f"{_count(len(done), 'command')}, {_count(scans, 'scan')}, {_count(points, 'point')}"
        if self.left_out:
            what += f" ({_count(len(self.left_out), 'command')} left out)"
        how = f"within {self.tolerance:g}" if self.tolerance else "bit by bit"
        if not self.exact:
            how += ", times within their tolerance"
        if self.agrees:
            return f"{self.id}: {what}: all agree {how}."
        wrong = [d for d in self.all() if d.counts]
        places = {d.command for d in wrong}
        return (
            f"{self.id}: {what}: {_count(len(wrong), 'difference')} in "
            f"{_count(len(places), 'command')}."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        first = self.first
        return {
            "id": self.id,
            "session": self.session,
            "agrees": self.agrees,
            "exact": self.exact,
            "tolerance": self.tolerance,
            "folder": self.folder,
            "notes": self.notes,
            "left_out": self.left_out,
            "first": None if first is None else {**_plain(first), "place": first.place},
            "settings_at_end": self.settings_at_end,
            "commands": [
                {
                    "number": result.number,
                    "typed": result.typed,
                    "agrees": result.agrees,
                    "scans": result.scans,
                    "points": result.points,
                    "differences": [_plain(d) for d in result.differences],
                }
                for result in self.commands
            ],
            "problems": [_plain(d) for d in self.problems],
        }


def _plain(difference: Difference) -> dict[str, Any]:
    return {key: value for key, value in asdict(difference).items() if value not in (None, "")}


def _told(found: list[Difference]) -> list[Difference]:
    """Return what people are told: in real time every table has other times in it."""
    return [d for d in found if d.counts or d.kind != "output"]


def _indented(found: list[Difference]) -> Iterator[str]:
    for difference in found[:_MOST]:
        yield f"    {difference.line}"
    if len(found) > _MOST:
        yield f"    ... and {len(found) - _MOST} more"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
