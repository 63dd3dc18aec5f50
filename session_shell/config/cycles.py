"""Find objects that refer to each other in a circle: none of them can be built first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from session_shell.config.problems import Problem

if TYPE_CHECKING:
    from session_shell.config.configuration import Configuration

Links = Mapping[str, list[tuple[str, str]]]


def find_circles(configuration: Configuration, links: Links) -> list[Problem]:
    """Return a problem for each circle, at the reference that closes it."""
    problems: list[Problem] = []
    done: set[str] = set()
    for start in links:
        _search(configuration, links, start, done, problems)
    return problems


def _search(
    configuration: Configuration,
    links: Links,
    start: str,
    done: set[str],
    problems: list[Problem],
) -> None:
    """Walk all references from `start`; `done` are the objects that need no second visit."""
    if start in done:
        return
    path = {start: None}  # a dict keeps the order, and finds a key among thousands at once
    waiting = [iter(links.get(start, ()))]
    while path:
        link = next(waiting[-1], None)
        if link is None:
            done.add(path.popitem()[0])
            waiting.pop()
            continue
        key, where = link
        if key in path:
            names = list(path)
            circle = " -> ".join((*names[names.index(key) :], key))
            description = configuration.objects[names[-1]]
            message = f"objects refer to each other in a circle: {circle}"
            problems.append(description.problem_at(where, message))
        elif key not in done and key in links:
            path[key] = None
            waiting.append(iter(links[key]))
