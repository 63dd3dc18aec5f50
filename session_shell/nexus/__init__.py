"""NeXus files: from documents and metadata to trees, and from trees to disk.

h5py is loaded with the first scan that is saved, not with this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from session_shell.late import late
from session_shell.nexus.folder.master import update_master
from session_shell.nexus.folder.numbers import last_number
from session_shell.nexus.layout.entry import entry_name, scan_tree
from session_shell.nexus.metadata.conversion import metadata_tree
from session_shell.nexus.tree.nodes import Dataset, Group, Link, Mesh, Stream
from session_shell.nexus.writing.template import FileTemplate
from session_shell.nexus.writing.writer import ScanFile

if TYPE_CHECKING:
    from session_shell.nexus.folder.index import Index, rebuild_master, rebuild_masters
    from session_shell.nexus.mending.repair import Repair, crashed_files, repair_file, repair_folder
    from session_shell.nexus.reading.alike import same_content
    from session_shell.nexus.reading.documents import stored_documents
    from session_shell.nexus.reading.reader import StoredRows
    from session_shell.nexus.reading.saved import SavedScan, open_scan

__getattr__ = late(
    __name__,
    {
        "Index": "folder.index",
        "Repair": "mending.repair",
        "SavedScan": "reading.saved",
        "StoredRows": "reading.reader",
        "crashed_files": "mending.repair",
        "open_scan": "reading.saved",
        "rebuild_master": "folder.index",
        "rebuild_masters": "folder.index",
        "repair_file": "mending.repair",
        "repair_folder": "mending.repair",
        "same_content": "reading.alike",
        "stored_documents": "reading.documents",
    },
)

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
