"""A scan as the tree of its file: as of its start, and as of its end."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from session_shell import __version__
from session_shell.clock import iso_time
from session_shell.nexus.layout.instrument import channel_names, data_name, instrument_group
from session_shell.nexus.layout.plot import is_mesh, plot_group
from session_shell.nexus.layout.record import AT_START, record_of
from session_shell.nexus.layout.record import NAME as RECORD
from session_shell.nexus.metadata.conversion import RawTree, raw_tree, set_default_classes
from session_shell.nexus.metadata.python_values import difference, encoded_keys
from session_shell.nexus.tree.classes import ENTRY_CLASSES, fit_class, fit_declared, merge
from session_shell.nexus.tree.exact import identical
from session_shell.nexus.tree.links import resolve_links
from session_shell.nexus.tree.nodes import (
    Dataset,
    Group,
    Link,
    free_name,
    new_group,
    safe_text,
    valid_name,
)
from session_shell.scanning.documents import (
    Comment,
    MetadataFailure,
    Pause,
    ScanEnded,
    ScanStarted,
)

_VERSIONS = {
    "session_shell": __version__,
    "python": ".".join(map(str, sys.version_info[:3])),
    "numpy": np.__version__,
}
_OWNED = ("measurement", "plot", "comments")
"""Groups that the writer alone fills: what users put there is kept below `scan_info`."""
_FIELDS = frozenset(
    {
        "title",
        "start_time",
        "end_time",
        "end_reason",
        "duration",
        "entry_identifier",
        "entry_identifier_uuid",
        "program_name",
        "definition",
    }
)
"""Fields of the entry that no group of a user may take the name of."""


def entry_name(number: int) -> str:
    """Return the name of the entry of a scan, the same in its file and in the master file."""
    return f"{number}.1"


def scan_tree(doc: ScanStarted, ended: ScanEnded | None = None) -> Group:
    """Return the tree of the whole file, as of the start, or of the end when `ended` is given.

    Datasets with a `source` are filled from the rows of the scan. Pure: touches no file.
    """
    return build(doc, ended)[0]


def build(
    doc: ScanStarted,
    ended: ScanEnded | None = None,
    notes: Sequence[str] = (),
    libraries: Mapping[str, str] | None = None,
) -> tuple[Group, list[str]]:
    """Return the tree, and the warnings about the metadata in it, `notes` among them.

    Args:
        doc: The start.
        ended: The end, when it has come.
        notes: Further warnings.
        libraries: Versions of HDF5 and its library, which are not loaded here.
    """
    raw = raw_tree(ended.metadata if ended is not None else doc.metadata)
    user, warnings = raw.tree, raw.warnings
    fit_declared(user)
    parameters = raw_tree(doc.parameters)
    entry = _entry(doc, ended, parameters.tree)
    names = channel_names(doc.channels)
    base = f"/{entry_name(doc.number)}/instrument"
    targets = tuple(
        f"{base}/{name}/{data_name(channel)}"
        for channel, name in zip(doc.channels, names, strict=True)
    )
    _move_categories(user)
    theirs = user.items.pop("instrument", None)
    if theirs is not None and not isinstance(theirs, Group):
        user.items["instrument"] = theirs
    instrument = instrument_group(
        doc, ended, names, targets, theirs if isinstance(theirs, Group) else None, warnings
    )
    entry.items["instrument"] = instrument
    measurement = entry.group("measurement")
    for name, target in zip(names, targets, strict=True):
        measurement.items[name] = Link(target)
    plot = plot_group(doc, names, targets)
    if plot is not None:
        entry.items["plot"] = plot
        entry.attributes["default"] = "plot"
    if doc.grid and (plot is None or not is_mesh(doc)):
        for dimension, positions in enumerate(doc.grid):
            entry.group("scan").put(f"grid_{dimension}", np.asarray(positions, float))
    _merge_user(entry, user, warnings)
    added, former = _before_the_end(entry, doc, ended)
    _add_versions(entry, libraries or {})
    root = _root(doc, ended)
    root.attributes |= libraries or {}
    root.items[entry_name(doc.number)] = entry
    set_default_classes(root)
    warnings += notes
    if raw.links or parameters.links or (former is not None and former.links):
        # Links of our own are right; only those of users have to be looked at.
        warnings += resolve_links(root, entry_name(doc.number))
    if warnings:
        entry.group("scan").put("metadata_warnings", np.array(warnings, object))
    record = record_of(entry, doc, ended, raw, parameters, former, added)
    entry.group("scan").put(RECORD, record, encoding="json")
    return root, warnings


def _before_the_end(
    entry: Group, doc: ScanStarted, ended: ScanEnded | None
) -> tuple[list[Any], RawTree | None]:
    """Keep what END metadata have changed; return what they have added, and what was there."""
    if ended is None:
        return [], None
    paths, values = difference(doc.metadata, ended.metadata)
    added = [encoded for path in paths if (encoded := encoded_keys(path)) is not None]
    if not values:
        return added, None
    former = raw_tree(values)
    former.tree.attributes.setdefault("NX_class", "NXcollection")
    entry.group("scan").items[AT_START.rpartition("/")[2]] = former.tree
    return added, former


def _add_versions(entry: Group, libraries: Mapping[str, str]) -> None:
    """Tell what the data went through: this program, Python and the libraries below."""
    versions = entry.group("session").group("versions")
    for name, version in {**_VERSIONS, **libraries}.items():
        versions.put(name.removesuffix("_Version").removesuffix("_version"), version)


def _root(doc: ScanStarted, ended: ScanEnded | None) -> Group:
    root = new_group("NXroot")
    root.attributes |= {
        "default": entry_name(doc.number),
        "file_name": safe_text(str(doc.file)) if doc.file is not None else "",
        "file_time": iso_time(doc.time),
        "file_update_time": iso_time(ended.time if ended is not None else doc.time),
        "creator": "session-shell",
        "creator_version": __version__,
    }
    return root


def _entry(doc: ScanStarted, ended: ScanEnded | None, parameters: Group) -> Group:
    entry = new_group("NXentry")
    entry.put("title", doc.title or doc.type)
    entry.put("start_time", iso_time(doc.time))
    entry.put("entry_identifier", str(doc.number))
    entry.put("entry_identifier_uuid", doc.uid)
    entry.put("program_name", "session-shell").attributes["version"] = __version__
    if doc.user:
        entry.group("user", "NXuser").put("name", doc.user)
    if ended is not None:
        entry.put("end_time", iso_time(ended.time))
        entry.put("end_reason", str(ended.reason))
    entry.items["scan"] = _scan(doc, ended)
    entry.items["scan_parameters"] = _parameters(doc, parameters)
    _add_comments(entry.group("comments"), doc.comments if ended is None else ended.comments)
    session = entry.group("session")
    session.put("name", doc.session)
    for name, text in (("user", doc.user), ("host", doc.host)):
        if text:
            session.put(name, text)
    for name, text in doc.configuration.items():
        # nexusformat takes no dots in names, and these may be names of files.
        plain = free_name(valid_name(name).replace(".", "_"), session.items)
        node = session.put(plain, text)
        if plain != name:
            node.attributes["original_name"] = safe_text(name)
    return entry


def _scan(doc: ScanStarted, ended: ScanEnded | None) -> Group:
    scan = new_group()
    scan.put("type", doc.type)
    scan.put("name", doc.name or doc.type)
    scan.put("number", doc.number)
    scan.put("npoints", doc.npoints)
    # NXentry has no place for exact times beside those that people read.
    scan.put("start_epoch", float(doc.time), units="s")
    if doc.shape:
        scan.put("shape", np.asarray(doc.shape, int))
    _put_order(scan, doc)
    if doc.session:
        scan.put("session", doc.session)
    if doc.command:
        scan.put("command", doc.command)
    if doc.sequence:
        scan.put("sequences", np.array([doc.sequence], object))
    # These exist from the start on, so that a reader of a growing file finds them.
    scan.put("npoints_acquired", 0 if ended is None else ended.npoints)
    if ended is not None:
        scan.put("end_reason", str(ended.reason))
        scan.put("end_epoch", float(ended.time), units="s")
        scan.put("duration", float(ended.time - doc.time), units="s")
        scan.put("counting_time", float(ended.counting), units="s")
        scan.put("moving_time", float(ended.moving), units="s")
        if ended.error:
            scan.put("error", ended.error)
        if ended.pauses:
            _add_pauses(scan.group("pauses"), ended.pauses)
    failures = doc.failures if ended is None else ended.failures
    if failures:
        _add_failures(scan.group("metadata_failures"), failures)
    return scan


def _put_order(scan: Group, doc: ScanStarted) -> None:
    """Store what a reader cannot see from the links of the tree."""
    columns = tuple(channel.name for channel in doc.channels)
    for name, words in (("axes", doc.axes), ("columns", columns), ("plot", doc.plot)):
        if words:
            scan.put(name, np.array([safe_text(word) for word in words], object))
    if len(doc.shape) > 1:
        scan.put("backnforth", doc.backnforth)
    if not identical(doc.parameters.get("count_time", doc.count_time), doc.count_time):
        scan.put("count_time", float(doc.count_time), units="s")


def _put_time(group: Group, name: str, seconds: float) -> None:
    """Store a time as people read it, and exactly."""
    group.put(name, iso_time(seconds)).attributes["epoch"] = np.asarray(float(seconds))


def _parameters(doc: ScanStarted, group: Group) -> Group:
    """Return what was asked for; NXparameters takes any field, so nothing is moved."""
    group.attributes["NX_class"] = "NXparameters"
    for name, value in (("npoints", doc.npoints), ("count_time", doc.count_time)):
        if name not in group.items:
            group.put(name, value)
    count_time = group.items["count_time"]
    if isinstance(count_time, Dataset):
        count_time.attributes.setdefault("units", "s")
    return group


def _add_comments(group: Group, comments: tuple[Comment, ...]) -> None:
    for number, comment in enumerate(comments, 1):
        group.items[f"note_{number:02d}"] = comment_note(comment)


def comment_note(comment: Comment) -> Group:
    """Return the group of one remark."""
    note = new_group("NXnote")
    note.put("data", comment.text)
    _put_time(note, "date", comment.time)
    note.put("type", "text/plain")
    return note


def _add_pauses(group: Group, pauses: tuple[Pause, ...]) -> None:
    for number, pause in enumerate(pauses, 1):
        entry = group.group(f"pause_{number:02d}")
        _put_time(entry, "time", pause.time)
        entry.put("duration", pause.seconds, units="s")
        entry.put("reason", pause.reason)


def _add_failures(group: Group, failures: tuple[MetadataFailure, ...]) -> None:
    for number, failure in enumerate(failures, 1):
        one = group.group(f"failure_{number:02d}")
        one.put("source", failure.source)
        one.put("category", failure.category)
        one.put("timing", failure.timing)
        one.put("message", failure.message)


def _move_categories(user: Group) -> None:
    """Put the category `positioners` where positions are: below the instrument."""
    positioners = user.items.get("positioners")
    instrument = user.items.get("instrument", Group())
    if not isinstance(positioners, Group) or not isinstance(instrument, Group):
        return
    del user.items["positioners"]
    user.items["instrument"] = instrument
    below = instrument.items.setdefault("positioners", Group())
    if isinstance(below, Group):
        merge(below, positioners, "positioners", [])


def _merge_user(entry: Group, user: Group, warnings: list[str]) -> None:
    """Merge the categories; single values and what we own by name go below `scan_info`."""
    aside = Group()
    for name, node in user.items.items():
        if name in _OWNED or (isinstance(node, Group) and name in _FIELDS):
            warnings.append(f"{name}: kept as scan_info/{name}, since the scan file owns it")
            aside.items[name] = node
        elif isinstance(node, Group):
            _merge_category(entry, name, node, warnings)
        else:
            aside.items[name] = node
    merge(entry, Group(dict(user.attributes)), "", warnings)
    if aside.items:
        merge(entry.group("scan_info"), aside, "scan_info", warnings)


def _merge_category(entry: Group, name: str, node: Group, warnings: list[str]) -> None:
    ours = entry.items.get(name)
    if not isinstance(ours, Group):
        if name in ENTRY_CLASSES and not node.nx_class:
            fit_class(node, ENTRY_CLASSES[name])
        entry.items[name] = node
        return
    if ours.nx_class == "NXuser":
        fit_class(node, ours.nx_class)
        if "name" in node.items:  # a person's name says more than that of the account
            ours.items["name"] = node.items.pop("name")
    merge(ours, node, name, warnings)
