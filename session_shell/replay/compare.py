"""Compare a recorded session with its replay, command by command and scan by scan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from session_shell.errors import SessionShellError
from session_shell.journal import CommandLog, JournalLog
from session_shell.journal.records import Done, Scan
from session_shell.nexus import same_content
from session_shell.replay.files import FileComparison, compare_files, file_digests
from session_shell.replay.play import is_leaving, was_interrupted
from session_shell.replay.recording import Recording
from session_shell.replay.report import CommandResult, Difference, Report
from session_shell.replay.values import Rule, differences

_OWN_SETTINGS = {("session", "last_numbers")}
"""Scan numbers by folder; the scans themselves tell their numbers."""
_OWN_VALUES = {"entry_identifier_uuid", "session/journal"}
"""Values in a scan file that belong to one run of the session."""
_SETUP = {"session/configuration", "session/setup_script"}
_TIME_CHANNELS = {"elapsed_time", "epoch"}


class Comparison:
    """Compares two journals and the files that they name.

    Args:
        recorded: The recorded session.
        replayed: Its replay.
        numbers: Number in the replay of each recorded command that was run.
        rule: How alike values must be.
        exact: Time was virtual both times: timestamps and printed output must be equal too.
        first: Differences of commands before this one are told, but do not count.
        last: Commands after this one are not compared.
        same_setup: The configuration must be the same text.
        values: What the prompt showed in the replay, by number of the recorded command.
        output: What was printed is compared too.
    """

    def __init__(
        self,
        recorded: Recording,
        replayed: Recording,
        numbers: Mapping[int, int],
        rule: Rule,
        *,
        exact: bool,
        first: int = 1,
        last: int | None = None,
        same_setup: bool = True,
        values: Mapping[int, str] | None = None,
        output: bool = True,
    ) -> None:
        self._recorded, self._replayed = recorded, replayed
        self._numbers = numbers
        self._rule = rule
        self._exact = exact
        self._first, self._last = first, last
        self._same_setup = same_setup
        self._values = values or {}
        self._output_too = output
        self._settings = Settings(recorded.log, replayed.log, rule)

    def run(self, left_out: Sequence[int] = ()) -> Report:
        """Compare everything; `left_out` are commands that were not run on purpose."""
        one, other = self._recorded.log, self._replayed.log
        report = Report(one.opened.id, one.opened.session, exact=self._exact)
        report.tolerance = self._rule.tolerance
        report.add(self._entry(one.setup, other.setup, "setup scripts", counts=True))
        report.commands[0].differences[:0] = self._settings.at_start()
        replayed = {entry.command.number: entry for entry in other.commands}
        for entry in one.commands:
            number = entry.command.number
            if self._last is not None and number > self._last:
                break
            if is_leaving(entry):
                continue
            if number in left_out or entry.done is None:
                report.left_out.append(number)
                report.problems += self._integrity_of(entry)
                continue
            again = replayed.get(self._numbers.get(number, -1))
            counts = number >= self._first
            report.add(self._entry(entry, again, entry.command.typed, counts=counts))
        _tell_changed_lines(one, report)
        report.settings_at_end = self._settings.differing()
        return report

    def _entry(
        self, one: CommandLog, other: CommandLog | None, typed: str, *, counts: bool
    ) -> CommandResult:
        number = one.command.number
        result = CommandResult(number, typed, counts=counts)
        if other is None or other.done is None:
            text = "it was not reached" if other is None else "it did not end"
            result.differences.append(Difference("outcome", text, command=number))
            result.differences += self._integrity_of(one)
            return result
        if one.done is not None:
            result.differences += self._outcome(number, one.done, other.done, one.command.source)
            if self._output_too:
                result.differences += self._output(one, other)
        for index in range(max(len(one.scans), len(other.scans))):
            pair = [s[index] if index < len(s) else None for s in (one.scans, other.scans)]
            result.differences += self._scan(number, *pair)
        result.scans += len(one.scans)
        result.points += sum(scan.points for scan in one.scans)
        changes = one.done.changes if one.done else {}
        result.differences += self._settings.changed(number, changes, other.done.changes)
        if not self._exact and was_interrupted(one):
            _forgive_places(result.differences)
            self._settings.settle(changes)
        return result

    # Commands

    def _outcome(self, number: int, one: Done, other: Done, source: str) -> Iterator[Difference]:
        if one.outcome != other.outcome:
            text = f"it ended as {other.outcome}, recorded is {one.outcome}"
            error = other.error or one.error
            text += f" ({error})" if error else ""
            yield Difference("outcome", text, command=number)
        elif not self._rule.alike(one.error, other.error):
            yield self._different("error", "it raised", one.error, other.error, number)
        if not self._rule.alike(one.value, other.value) and _is_shown(one.value, source):
            yield self._different("value", "its value is", one.value, other.value, number)

    def _output(self, one: CommandLog, other: CommandLog) -> Iterator[Difference]:
        """Compare what was printed; a value that was shown counts in any case."""
        assert one.done is not None
        assert other.done is not None
        number = one.command.number
        texts = self._rule.recorded(one.done.output), self._rule.replayed(other.done.output)
        value = _solid(self._rule.replayed(self._values.get(number, "")))
        if not _solid(texts[0]).endswith(value):
            end = texts[0].rstrip()[-len(value) - 20 :]
            yield self._different("value", "it showed", end, self._values[number], number)
            return
        # The prompt breaks long values into lines in its own way.
        same = value and _solid(texts[0]) == _solid(texts[1])
        before, now = map(_lines, texts)
        if same or before == now or one.done.left_out or other.done.left_out:
            return
        pairs = enumerate(zip_longest(before, now, fillvalue=""))
        at, (then, again) = next(found for found in pairs if found[1][0] != found[1][1])
        found = self._different("output", f"line {at + 1} of its output is", then, again, number)
        # In real time tables have other times in them, and on a terminal they are alive.
        active = bool(one.scans or other.scans or one.done.changes or other.done.changes)
        logs = self._recorded.log, self._replayed.log
        alive = not self._exact or any(log.opened.terminal for log in logs)
        found.counts = not (active and alive)
        yield found

    @staticmethod
    def _different(kind: str, what: str, one: Any, other: Any, number: int) -> Difference:
        text = f"{what} {_short(other)}, recorded is {_short(one)}"
        return Difference(kind, text, command=number, recorded=_short(one), replayed=_short(other))

    # Scans

    def _scan(self, number: int, one: Scan | None, other: Scan | None) -> Iterator[Difference]:
        if one is None or other is None:
            there = one or other
            assert there is not None
            what = "is missing" if other is None else "is new"
            yield Difference(
                "scan", f"{what}: {there.title}", command=number, scan=there.scan, title=there.title
            )
            if one is not None:
                yield from self._integrity(number, one)
            return
        for found in self._scan_pair(one, other):
            found.command, found.scan, found.title = number, one.scan, one.title
            yield found

    def _scan_pair(self, one: Scan, other: Scan) -> Iterator[Difference]:
        names = ["scan", "type", "title", "npoints", "points", "end_reason", "error"]
        names += ["time", "seconds"] if self._exact else []
        for name in names:
            pair = getattr(one, name), getattr(other, name)
            if not self._rule.alike(*pair):
                kind = {"points": "points", "end_reason": "outcome", "error": "error"}
                words = {"scan": "number", "npoints": "points asked"}.get(name, name)
                yield self._different(kind.get(name, "scan"), f"{words}:", *pair, 0)
        if one.points != other.points and not other.points:
            return  # it failed before its first point: that is said already
        before, now = self._recorded.file_of(one), self._replayed.file_of(other)
        if before is None or now is None:
            yield from self._by_fingerprint(one, other)
            if one.file and self._recorded.data is not None and before is None:
                text = f"its recorded file {one.file} is not there"
                yield Difference("record", text, counts=False)
            return
        # Reading both files back takes longer than simulating them: most are the same.
        own = _OWN_VALUES if self._same_setup else _OWN_VALUES | _SETUP
        if self._exact and one.channels == other.channels and same_content(before, now, own):
            return
        try:
            found = compare_files(
                before, now, self._rule, exact=self._exact, same_setup=self._same_setup
            )
        except SessionShellError as error:
            yield Difference("record", f"its file cannot be read: {error}")
            yield from self._by_fingerprint(one, other)
            return
        yield from _changed_file(one, found.digests)
        yield from _of_files(found)
        if not found.channels and not self._rule.tolerance:
            yield from self._by_fingerprint(one, other)

    def _by_fingerprint(self, one: Scan, other: Scan) -> Iterator[Difference]:
        """Name the channels whose fingerprints in the journals differ."""
        for name in [*one.channels, *(name for name in other.channels if name not in one.channels)]:
            if name in _TIME_CHANNELS and not self._exact:
                continue
            pair = one.channels.get(name), other.channels.get(name)
            if pair[0] == pair[1]:
                continue
            text = "data differ" if None not in pair else "is missing" if pair[0] else "is new"
            hint = ": by how much cannot be told without the recorded file"
            yield Difference("data", text + (hint if None not in pair else ""), channel=name)

    # The record itself

    def _integrity_of(self, entry: CommandLog) -> list[Difference]:
        return [d for scan in entry.scans for d in self._integrity(entry.command.number, scan)]

    def _integrity(self, number: int, scan: Scan) -> Iterator[Difference]:
        """Compare a recorded file with the journal, when there is no replay of it."""
        path = self._recorded.file_of(scan)
        if path is None:
            return
        try:
            digests = file_digests(path)
        except SessionShellError as error:
            yield Difference("record", f"its file cannot be read: {error}", command=number)
            return
        for found in _changed_file(scan, digests):
            found.command, found.scan, found.title = number, scan.scan, scan.title
            yield found


class Settings:
    """Compares positions, limits and the like while two sessions go on."""

    def __init__(self, recorded: JournalLog, replayed: JournalLog, rule: Rule) -> None:
        self._one = _flat(recorded.opened.settings)
        self._other = _flat(replayed.opened.settings)
        self._rule = rule
        # A later version may keep more: what was never recorded cannot be compared.
        self._unknown = _OWN_SETTINGS | (self._other.keys() - self._one.keys())
        self._known: set[tuple[str, str]] = set()

    def at_start(self) -> list[Difference]:
        """Return what differed before anything was run."""
        return self._look(0, [*self._one, *self._other], "at the start ")

    def changed(
        self, number: int, one: Mapping[str, Any], other: Mapping[str, Any]
    ) -> list[Difference]:
        """Take what a command changed; return what differs since."""
        ones, others = _flat(one), _flat(other)
        self._one |= ones
        self._other |= others
        return self._look(number, [*ones, *others], "")

    def settle(self, changes: Mapping[str, Any]) -> None:
        """Take what a command changed for what it changed in the replay too."""
        self._other |= _flat(changes)
        self._known -= _flat(changes).keys()

    def differing(self) -> list[str]:
        """Return the settings that differ now, as ``owner.key``."""
        keys = dict.fromkeys([*self._one, *self._other])
        return [".".join(key) for key in keys if key not in self._unknown and not self._alike(key)]

    def _look(self, number: int, keys: Sequence[tuple[str, str]], when: str) -> list[Difference]:
        found = []
        for key in dict.fromkeys(keys):
            if key in self._unknown or self._alike(key):
                self._known.discard(key)
                continue
            if key in self._known:
                continue
            self._known.add(key)
            name = ".".join(key)
            one, other = _short(self._one.get(key)), _short(self._other.get(key))
            text = f"{name} is {when}{other}, recorded is {one}"
            found.append(
                Difference("settings", text, command=number, key=name, recorded=one, replayed=other)
            )
        return found

    def _alike(self, key: tuple[str, str]) -> bool:
        return not any(differences(self._one.get(key), self._other.get(key), self._rule))


def _forgive_places(found: list[Difference]) -> None:
    """Let places not count at which something was stopped by a key in real time."""
    for difference in found:
        position = difference.kind == "metadata" and difference.key.startswith("positions")
        if position or difference.kind == "settings":
            difference.counts = False


def _tell_changed_lines(log: JournalLog, report: Report) -> None:
    """Name the lines of the journal that were edited, with the commands that they belong to."""
    results = {result.number: result for result in report.commands}
    for changed in log.changed:
        text = (
            f"line {changed.line} of the journal ({changed.record!r}) was changed after it was "
            "written, or one before it was taken out"
        )
        number = 0 if changed.record == "open" else changed.number
        found = Difference("record", text, command=number)
        if number in results:
            results[number].differences.insert(0, found)
        else:
            report.problems.append(found)


def _of_files(found: FileComparison) -> Iterator[Difference]:
    for name, (point, deviation) in found.channels.items():
        by = "" if deviation != deviation else f", by {deviation:.6g} at most"
        yield Difference(
            "data",
            f"differs from point {point} on{by}",
            channel=name,
            point=point,
            deviation=None if deviation != deviation else deviation,
        )
    for key, one, other in {key: (key, a, b) for key, a, b in found.keys}.values():
        text = f"is {_short(other)}, recorded is {_short(one)}"
        yield Difference("metadata", text, key=key, recorded=_short(one), replayed=_short(other))


def _changed_file(scan: Scan, digests: Mapping[str, str]) -> Iterator[Difference]:
    for name, digest in scan.channels.items():
        if digests.get(name) != digest:
            text = f"the recorded file {scan.file} or its journal was changed afterwards"
            yield Difference("record", text, channel=name)


def _flat(tree: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    return {
        (owner, key): value
        for owner, values in tree.items()
        if isinstance(values, Mapping)
        for key, value in values.items()
    }


def _is_shown(value: str, source: str) -> bool:
    """Tell whether somebody saw the value: with ``;`` behind it the prompt shows none."""
    return bool(value) or source != "prompt"


def _solid(text: str) -> str:
    return "".join(text.split())


def _lines(text: str) -> list[str]:
    """Return lines without what depends on the width of a terminal."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _short(value: Any) -> str:
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    text = text if len(text) <= 120 else f"{text[:117]}..."
    return repr(text) if isinstance(value, str) else text
