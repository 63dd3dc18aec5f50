"""NeXus files: from documents and metadata to trees, and from trees to disk.

h5py is loaded with the first scan that is saved, not with this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from session_shell.nexus.layout import entry_name, scan_tree
from session_shell.nexus.master import update_master
from session_shell.nexus.metadata import metadata_tree
from session_shell.nexus.numbers import last_number
from session_shell.nexus.template import FileTemplate
from session_shell.nexus.tree import Dataset, Group, Link, Mesh, Stream
from session_shell.nexus.writer import ScanFile

if TYPE_CHECKING:
    from session_shell.nexus.documents import stored_documents
    from session_shell.nexus.reader import StoredRows
    from session_shell.nexus.saved import SavedScan, open_scan

_LATE = {
    "SavedScan": "saved",
    "StoredRows": "reader",
    "open_scan": "saved",
    "stored_documents": "documents",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Dataset",
    "FileTemplate",
    "Group",
    "Link",
    "Mesh",
    "SavedScan",
    "ScanFile",
    "StoredRows",
    "Stream",
    "entry_name",
    "last_number",
    "metadata_tree",
    "open_scan",
    "scan_tree",
    "stored_documents",
    "update_master",
]
