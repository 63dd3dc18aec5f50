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
    from session_shell.nexus.alike import same_content
    from session_shell.nexus.documents import stored_documents
    from session_shell.nexus.index import Index, rebuild_master, rebuild_masters
    from session_shell.nexus.reader import StoredRows
    from session_shell.nexus.repair import Repair, crashed_files, repair_file, repair_folder
    from session_shell.nexus.saved import SavedScan, open_scan

_LATE = {
    "Index": "index",
    "Repair": "repair",
    "SavedScan": "saved",
    "StoredRows": "reader",
    "crashed_files": "repair",
    "open_scan": "saved",
    "rebuild_master": "index",
    "rebuild_masters": "index",
    "repair_file": "repair",
    "repair_folder": "repair",
    "same_content": "alike",
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
    "Index",
    "Link",
    "Mesh",
    "Repair",
    "SavedScan",
    "ScanFile",
    "StoredRows",
    "Stream",
    "crashed_files",
    "entry_name",
    "last_number",
    "metadata_tree",
    "open_scan",
    "rebuild_master",
    "rebuild_masters",
    "repair_file",
    "repair_folder",
    "same_content",
    "scan_tree",
    "stored_documents",
    "update_master",
]
