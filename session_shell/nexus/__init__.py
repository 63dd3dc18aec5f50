"""NeXus files: from documents and metadata to trees, and from trees to disk.

h5py is loaded with the first scan that is saved, not with this package.
"""

from __future__ import annotations

from session_shell.nexus.files import last_number
from session_shell.nexus.layout import entry_name, scan_tree
from session_shell.nexus.master import update_master
from session_shell.nexus.metadata import metadata_tree
from session_shell.nexus.template import FileTemplate
from session_shell.nexus.tree import Dataset, Group, Link, Mesh, Stream
from session_shell.nexus.writer import ScanFile

__all__ = [
    "Dataset",
    "FileTemplate",
    "Group",
    "Link",
    "Mesh",
    "ScanFile",
    "Stream",
    "entry_name",
    "last_number",
    "metadata_tree",
    "scan_tree",
    "update_master",
]
