"""The record that a session keeps of itself: one line per command and per scan."""

from session_shell.journal.finding import (
    JournalSummary,
    find_journal,
    is_running,
    journal_folder,
    journal_paths,
    list_journals,
)
from session_shell.journal.reader import CommandLog, JournalLog, read_journal
from session_shell.journal.records import FORMAT

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
