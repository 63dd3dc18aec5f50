"""Give a session the names again that were defined in an earlier run of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from session_shell.errors import SessionShellError
from session_shell.journal import find_journal, is_running, journal_paths, read_journal
from session_shell.session.definitions import LeftOut, Picked, pick

if TYPE_CHECKING:
    from session_shell.journal import JournalLog
    from session_shell.session.face import SessionFace

_LOOKED_AT = 20
"""Earlier runs that are looked at for the last one that defined something."""
_SCRIPT = re.compile(r"load_script\(|run ")
"""Commands that leave the names of a script in the session."""
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Resumed:
    """What was defined again, and what was not."""

    journal: str = ""
    """Id of the run; empty when no run defined anything."""
    date: str = ""
    names: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def lines(self) -> list[str]:
        """Return it in words for the prompt."""
        if not self.journal:
            return ["nothing was defined in an earlier run"]
        when = self.date[:16].replace("T", " ")
        lines = [f"run {self.journal} of {when}: {' '.join(self.names) or 'no names'}"]
        lines += [f"not again: {one.code}  ({one.why})" for one in self.left_out[:_SHOWN]]
        if len(self.left_out) > _SHOWN:
            lines.append(f"not again: {len(self.left_out) - _SHOWN} more")
        return lines


def resume(session: SessionFace, owned: frozenset[str], journal: str = "") -> Resumed:
    """Run the definitions of an earlier run again.

    Args:
        session: The session, open.
        owned: Names that it gives itself.
        journal: Id of the run; default the last one of this session that defined something.

    Raises:
        JournalError: When there is no such run.
    """
    for log in _runs(session, journal):
        picked = pick(_commands(log), owned)
        if picked.definitions or picked.left_out or journal:
            return _run(session, log, picked)
    return Resumed()


def _runs(session: SessionFace, journal: str) -> Iterator[JournalLog]:
    if journal:
        yield read_journal(find_journal(session.data_path, journal))
        return
    own = session.journal.id
    paths = [path for path in journal_paths(session.data_path, session.name) if path.stem != own]
    # An id tells the second; short runs may share it.
    paths.sort(key=lambda path: (path.stem.rpartition("-")[0], path.stat().st_mtime_ns))
    for path in paths[: -_LOOKED_AT - 1 : -1]:
        if is_running(path) and not session.read_only:
            continue
        try:
            yield read_journal(path)
        except SessionShellError:
            continue  # a damaged journal keeps nobody from the one before it


def _commands(log: JournalLog) -> Iterator[str]:
    """Yield what ran without an error, and the texts of scripts that left their names."""
    for one in log.commands:
        # What failed when it was resumed did not fail at first, and may work again.
        again = one.command.source == "resume"
        if one.done is None or (one.done.outcome != "ok" and not again):
            continue
        if one.files and _SCRIPT.match(one.command.executed or one.command.typed):
            yield from (file.text for file in one.files)
        else:
            yield one.command.executed or one.command.typed


def _run(session: SessionFace, log: JournalLog, picked: Picked) -> Resumed:
    namespace, error = session.namespace, session.last_error
    before: dict[str, Any] = {n: namespace[n] for n in picked.dropped if n in namespace}
    failed: list[LeftOut] = []
    for code in picked.definitions:
        try:
            # As commands: the journal of this run has them then, for the next one.
            session.run(code, source="resume")
        except Exception as failure:  # noqa: BLE001  user's code
            failed.append(LeftOut(code.splitlines()[0], f"{type(failure).__name__}: {failure}"))
    for name in picked.dropped:
        if name in namespace and name not in before:
            session.run(f"del {name}", source="resume")
    namespace.update(before)
    session.last_error = error
    there = tuple(name for name in picked.names if name in namespace)
    return Resumed(log.opened.id, log.opened.date, there, (*failed, *picked.left_out))
