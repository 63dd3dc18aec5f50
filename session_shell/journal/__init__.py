"""The record that a session keeps of itself: one line per command and per scan.

What reads journals is loaded when it is asked for: every session writes one, few read any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from session_shell.late import late

if TYPE_CHECKING:
    from session_shell.journal.finding import (
        JournalSummary,
        find_journal,
        is_running,
        journal_paths,
        list_journals,
    )
    from session_shell.journal.places import journal_folder
    from session_shell.journal.reader import CommandLog, JournalLog, read_journal
    from session_shell.journal.records import FORMAT

__getattr__ = late(
    __name__,
    {
        "CommandLog": "reader",
        "FORMAT": "records",
        "JournalLog": "reader",
        "JournalSummary": "finding",
        "find_journal": "finding",
        "is_running": "finding",
        "journal_folder": "places",
        "journal_paths": "finding",
        "list_journals": "finding",
        "read_journal": "reader",
    },
)

__all__ = [
    "FORMAT",
    "CommandLog",
    "JournalLog",
    "JournalSummary",
    "find_journal",
    "is_running",
    "journal_folder",
    "journal_paths",
    "list_journals",
    "read_journal",
]
