"""Links that users ask for with ``>name``: to a place in the same file, or into another file."""

from __future__ import annotations

import posixpath

from session_shell.nexus.tree.nodes import Group, Link, find, walk


def resolve_links(root: Group, entry: str) -> list[str]:
    """Point every link of the tree at its target, leave out those that have none; warn of these.

    A path is relative to the group of the link, or absolute in the file, or in the entry.
    A link within the file becomes a hard link, which survives a copy of the entry.
    """
    warnings = []
    for path, node in list(walk(root)):
        if not isinstance(node, Link) or node.file:
            continue
        folder, _, name = path.rpartition("/")
        parent = find(root, folder)
        if not isinstance(parent, Group):
            continue
        target = _target(root, entry, folder, node.target)
        if target is None:
            del parent.items[name]
            warnings.append(_shown(path, entry, f"there is no {node.target!r} to link to"))
        elif _reaches(root, target, folder):
            del parent.items[name]
            warnings.append(_shown(path, entry, f"a link to {node.target!r} would be a circle"))
        else:
            parent.items[name] = Link(f"/{target}", origin=node.origin)
    return warnings


def _shown(path: str, entry: str, why: str) -> str:
    return f"{path.removeprefix(entry + '/')}: left out, since {why}"


def _target(root: Group, entry: str, folder: str, text: str) -> str | None:
    """Return the path (no leading slash) that `text` means, None when there is nothing."""
    if text.startswith("/"):
        candidates = [text, f"{entry}/{text}"]
    else:
        candidates = [f"{folder}/{text}", f"{entry}/{text}"]
    # What its class does not define was moved to `parameters`.
    above = [posixpath.split(candidate.rstrip("/")) for candidate in candidates]
    for candidate in (*candidates, *(f"{path}/parameters/{name}" for path, name in above)):
        path = posixpath.normpath(f"/{candidate}").lstrip("/")
        seen = 0
        node = find(root, path) if path else None
        while isinstance(node, Link) and not node.file and seen < 10:
            path = posixpath.normpath(f"/{node.target}").lstrip("/")
            node, seen = find(root, path), seen + 1
        if node is not None and not isinstance(node, Link):
            return path
    return None


def _reaches(root: Group, start: str, goal: str) -> bool:
    """Tell whether a walk through groups and links from `start` comes to `goal` or above it."""
    waiting, seen = [start], set()
    while waiting:
        path = waiting.pop()
        node = find(root, path)
        if path in seen or not isinstance(node, Group):
            continue
        if f"{goal}/".startswith(f"{path}/"):
            return True
        seen.add(path)
        for name, item in node.items.items():
            if isinstance(item, Group):
                waiting.append(f"{path}/{name}")
            elif isinstance(item, Link) and not item.file and item.target.startswith("/"):
                waiting.append(item.target.lstrip("/"))
    return False
