"""Journals as a person wants to read them: lists, logs, pages and runnable scripts."""

from session_shell.logbook.html import as_html
from session_shell.logbook.markdown import as_markdown
from session_shell.logbook.points import Scans
from session_shell.logbook.script import as_script
from session_shell.logbook.text import as_text, listing

__all__ = ["Scans", "as_html", "as_markdown", "as_script", "as_text", "listing"]
