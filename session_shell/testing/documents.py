"""The documents of scans, collected to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from session_shell.scanning.documents import Rows, ScanEnded, ScanStarted


@dataclass(slots=True)
class ScanDocuments:
    """All documents of one scan, in the order in which the file and the table got them."""

    started: ScanStarted
    rows: list[Rows] = field(default_factory=list)
    ended: ScanEnded | None = None

    @property
    def all(self) -> list[ScanStarted | Rows | ScanEnded]:
        """Start, rows and end; without the end while it runs."""
        return [self.started, *self.rows, *([self.ended] if self.ended is not None else [])]

    def column(self, channel: str) -> list[Any]:
        """Return the values of a channel, one for each point.

        Raises:
            KeyError: When the scan has no such channel; it names those that there are.
        """
        names = [c.name for c in self.started.channels]
        if channel not in names:
            raise KeyError(f"{channel}: the scan has {', '.join(names)}")
        index = names.index(channel)
        return [value for rows in self.rows for value in rows.columns[index]]


class Documents(Sequence[ScanDocuments]):
    """A sink that keeps everything, scan by scan; ``documents[-1]`` is the last one."""

    must_not_fail = True

    def __init__(self) -> None:
        self._scans: list[ScanDocuments] = []

    def scan_started(self, doc: ScanStarted) -> None:
        """Begin a scan."""
        self._scans.append(ScanDocuments(doc))

    def rows(self, doc: Rows) -> None:
        """Keep points."""
        self._scans[-1].rows.append(doc)

    def scan_ended(self, doc: ScanEnded) -> None:
        """Keep the end: that of the scan that began with the same uid."""
        next(s for s in reversed(self._scans) if s.started.uid == doc.uid).ended = doc

    def __getitem__(self, index: Any) -> Any:
        return self._scans[index]

    def __len__(self) -> int:
        return len(self._scans)
