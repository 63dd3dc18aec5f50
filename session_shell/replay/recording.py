"""A recorded session, wherever it comes from: a data directory, a journal file, an archive."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from session_shell.errors import JournalError
from session_shell.journal import JournalLog, find_journal, journal_folder, read_journal
from session_shell.journal.records import Scan
from session_shell.replay.archive import DATA, JOURNAL, Packed, is_archive, pack, unpack
from session_shell.replay.names import checked_name


@dataclass(frozen=True, slots=True)
class Recording:
    """A journal, and where its scan files are."""

    log: JournalLog
    data: Path | None
    """Directory of the scan files; None when they are not there."""

    def moved(self, before: Path, now: Path) -> Recording:
        """Return the same recording when its folder `before` is to be moved to `now`.

        A recording that lies elsewhere stays there.
        """
        if not self.log.path.is_relative_to(before):
            return self
        try:
            now.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(before, now)
        except OSError as error:
            raise JournalError(f"{now}: cannot be made: {error.strerror or error}") from error
        log = replace(self.log, path=now / self.log.path.relative_to(before))
        data = None if self.data is None else now / self.data.relative_to(before)
        return Recording(log, data)

    def file_of(self, scan: Scan) -> Path | None:
        """Return the file of a scan, None when it is not there (any more)."""
        if self.data is None or not scan.file:
            return None
        path = Path(scan.file)
        if not path.is_absolute():
            path = self.data.joinpath(*checked_name(scan.file, str(self.log.path)).split("/"))
        elif self.data != Path(self.log.opened.data):
            return None  # the same name on another computer is another file
        return path if path.is_file() else None


def find_recording(text: str, data: Path, unpack_to: Path) -> Recording:
    """Open a recorded session by what a person wrote.

    Args:
        text: An archive, a journal file, or the id of a session in `data` (its beginning or
            ``last`` will do).
        data: The data directory.
        unpack_to: Folder to be made for what an archive holds.

    Raises:
        JournalError: When it is not there or cannot be used.
    """
    path = Path(text).expanduser()
    if path.is_file() and is_archive(path):
        unpack(path, unpack_to)
        files = unpack_to / DATA
        return Recording(read_journal(unpack_to / JOURNAL), files if files.is_dir() else None)
    if path.is_file():
        return open_recording(path)
    if path.suffix and path.parent != Path():
        raise JournalError(f"{path}: there is no such file")
    return open_recording(find_journal(data, text))


def open_recording(journal: Path) -> Recording:
    """Open a journal; its scan files are where it lies, or where they were.

    Raises:
        JournalError: When it cannot be read.
    """
    log = read_journal(journal)
    place = journal.absolute()
    if len(place.parents) > 2 and place.parent == journal_folder(place.parents[2]):
        return Recording(log, place.parents[2])
    former = Path(log.opened.data)
    return Recording(log, former if log.opened.data and former.is_dir() else None)


def save(recording: Recording, target: Path, *, with_data: bool) -> Packed:
    """Pack a recorded session into one archive.

    Raises:
        JournalError: When the archive cannot be written.
    """
    scans = scans_of(recording.log)
    files = [scan.file for scan in scans if scan.file and not Path(scan.file).is_absolute()]
    outside = [scan.file for scan in scans if scan.file and Path(scan.file).is_absolute()]
    packed = pack(
        target,
        journal=recording.log.path,
        session=recording.log.opened.session,
        identity=recording.log.opened.id,
        data=recording.data if with_data else None,
        files=tuple(dict.fromkeys(files)),
    )
    if not with_data:
        return packed
    return Packed(packed.path, packed.members, packed.size, (*packed.missing, *outside))


def scans_of(log: JournalLog) -> Sequence[Scan]:
    """Return all scans of a journal, those of the setup scripts first."""
    return [scan for entry in (log.setup, *log.commands) for scan in entry.scans]
