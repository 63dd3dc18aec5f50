"""From a recorded session to a report: prepare, name what is in the way, run, compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from session_shell.journal import read_journal
from session_shell.journal.records import Opened
from session_shell.replay.compare import Comparison
from session_shell.replay.obstacles import Obstacle, find_obstacles
from session_shell.replay.play import Manner, Played, play
from session_shell.replay.recording import Recording
from session_shell.replay.report import Report
from session_shell.replay.stage import Stage, prepare
from session_shell.replay.values import Masks, Rule


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay that is ready to run.

    Attributes:
        recording: The recorded session.
        stage: Its folder, with the configuration in it.
        obstacles: What stands in the way, or may make a difference.
    """

    recording: Recording
    stage: Stage
    obstacles: Sequence[Obstacle]

    @classmethod
    def prepare(
        cls,
        recording: Recording,
        folder: Path,
        *,
        config: Path | None = None,
        first: int = 1,
        last: int | None = None,
    ) -> Replay:
        """Make the folder of a replay and look at the session, without running anything.

        Args:
            recording: The recorded session.
            folder: The folder of the replay.
            config: A present configuration, in the place of the recorded one.
            first: First command to be looked at.
            last: Last command to be looked at; None: the last one.

        Raises:
            JournalError: When the journal is refused, or the folder cannot be written.
        """
        stage = prepare(recording.log, folder, config)
        obstacles = find_obstacles(recording.log, stage.config, first=first, last=last)
        return cls(recording, stage, obstacles)

    @property
    def blocking(self) -> list[Obstacle]:
        """What somebody has to decide about."""
        return [obstacle for obstacle in self.obstacles if obstacle.blocks]

    def run(
        self, manner: Manner, *, skip: bool = False, tolerance: float = 0.0
    ) -> tuple[Played, Report]:
        """Run the commands and compare.

        Args:
            manner: How to run them.
            skip: Leave out the commands that stand in the way.
            tolerance: Absolute and relative; 0: bit by bit.

        Raises:
            ConfigError: When the session cannot be opened.
        """
        aside = {o.number for o in self.obstacles if o.left_out or (skip and o.blocks)}
        numbers = frozenset(number for number in aside if number)
        played = play(self.recording.log, self.stage, replace(manner, left_out=numbers))
        return played, self.compare(played, manner, tolerance)

    def compare(self, played: Played, manner: Manner, tolerance: float = 0.0) -> Report:
        """Compare what was recorded with what came out."""
        replayed = Recording(read_journal(played.journal), self.stage.data)
        times = not played.exact
        rule = Rule(
            Masks(_places(self.recording.log.opened, None), times=times),
            Masks(_places(replayed.log.opened, self.stage), times=times),
            tolerance,
        )
        report = Comparison(
            self.recording,
            replayed,
            played.numbers,
            rule,
            exact=played.exact,
            first=manner.first,
            last=manner.last,
            same_setup=not self.stage.present,
            values=played.values,
            output=manner.output,
        ).run(sorted(played.left_out))
        report.folder = str(self.stage.folder)
        return report


def replay(
    recording: Recording,
    folder: Path,
    *,
    config: Path | None = None,
    skip: bool = False,
    tolerance: float = 0.0,
    quiet: bool = True,
) -> Report:
    """Replay a recorded session as fast as possible and compare.

    Args:
        recording: From `find_recording` or `open_recording`.
        folder: The folder of the replay, which this makes.
        config: A present configuration, in the place of the recorded one.
        skip: Leave out the commands that cannot be repeated.
        tolerance: Absolute and relative; 0: bit by bit.
        quiet: Show nothing of the commands.

    Raises:
        JournalError: When the record is refused.
        ConfigError: When the session cannot be opened.

    Example:
        ``replay(open_recording(path), Path("again")).agrees``
    """
    ready = Replay.prepare(recording, folder, config=config)
    return ready.run(Manner(quiet=quiet), skip=skip, tolerance=tolerance)[1]


def _places(opened: Opened, stage: Stage | None) -> dict[str, str]:
    """Return the places of a session, by which texts of two sessions differ."""
    places = {opened.data: "<data>", opened.config: "<config>", opened.id: "<id>"}
    if stage is not None:
        elsewhere, scripts = stage.data / "elsewhere", stage.scripts
        places |= {str(elsewhere): "", str(scripts): "", str(stage.work): "<work>"}
    return places
