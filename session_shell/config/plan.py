"""What a session loads: its objects, and those of the sessions that it includes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from session_shell.config.descriptions import ObjectDescription, SessionDescription, SessionPlan
from session_shell.config.problems import Problem, did_you_mean
from session_shell.errors import ConfigError


class Tree(Protocol):
    """What was read: `session_shell.config.configuration.Configuration`."""

    @property
    def root(self) -> Path:
        """Directory of the tree."""
        ...

    @property
    def objects(self) -> Mapping[str, ObjectDescription]:
        """Objects by name."""
        ...

    @property
    def sessions(self) -> Mapping[str, SessionDescription]:
        """Sessions by name."""
        ...

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the files."""
        ...


def plan_session(configuration: Tree, name: str) -> SessionPlan:
    """Return what to load for the session `name`; see `Configuration.session_plan`."""
    if name not in configuration.sessions:
        raise ConfigError(_no_such_session(configuration, name))
    problems: list[Problem] = []
    ordered: dict[str, SessionDescription] = {}
    _include(configuration, name, (), ordered, problems)
    names: dict[str, None] = {}
    excluded: set[str] = set()
    aliases: dict[str, str] = {}
    for session in ordered.values():
        wanted = _known_objects(configuration, session, "config-objects", problems)
        unwanted = set(_known_objects(configuration, session, "exclude-objects", problems))
        names.update(dict.fromkeys(wanted))
        # Whoever includes a session decides about its objects too.
        excluded = (excluded - set(wanted)) | unwanted
        aliases.update(_aliases(configuration, session, problems))
    return SessionPlan(
        name=name,
        sessions=tuple(_with_setup(session, problems) for session in ordered.values()),
        object_names=tuple(n for n in names if n not in excluded),
        aliases=aliases,
        excluded=frozenset(excluded),
        problems=tuple(problems),
    )


def _no_such_session(configuration: Tree, name: str) -> str:
    sessions = sorted(configuration.sessions)
    if not sessions:
        unread = [p for p in configuration.problems if p.severity == "error"]
        hint = f" (first problem: {unread[0]})" if unread else ""
        return (
            f"there is no session {name!r}, nor any other, in {configuration.root}: create it "
            f"with 'session-shell new {name}'{hint}"
        )
    close = did_you_mean(name, sessions)
    return (
        f"there is no session {name!r} in {configuration.root}{close or '; '}"
        f"{' S' if close else 's'}essions: {', '.join(sessions)}"
    )


def _include(
    configuration: Tree,
    name: str,
    path: tuple[str, ...],
    ordered: dict[str, SessionDescription],
    problems: list[Problem],
) -> None:
    """Add the session `name` behind those that it includes; `path` leads to it."""
    if name in ordered:
        return
    session = configuration.sessions[name]
    path = (*path, name)
    for index, included in enumerate(session.include_sessions):
        key = f"include-sessions.{index}"
        if included in path:
            circle = " -> ".join((*path[path.index(included) :], included))
            raise session.problem_at(key, f"sessions include each other: {circle}").error()
        if included not in configuration.sessions:
            close = did_you_mean(included, configuration.sessions)
            problems.append(
                session.problem_at(key, f"there is no session {included!r} to include{close}")
            )
            continue
        _include(configuration, included, path, ordered, problems)
    ordered[name] = session


def _known_objects(
    configuration: Tree, session: SessionDescription, key: str, problems: list[Problem]
) -> Iterable[str]:
    """Return the names under `key` that exist; for an absent ``config-objects`` all of them."""
    names = session.config_objects if key == "config-objects" else session.exclude_objects
    if names is None:
        return list(configuration.objects)
    for index, name in enumerate(names):
        if name not in configuration.objects:
            problems.append(
                session.problem_at(f"{key}.{index}", unknown_object(configuration, name))
            )
    return [name for name in names if name in configuration.objects]


def unknown_object(configuration: Tree, name: str) -> str:
    """Say that there is no object of that name, with close matches."""
    if name in configuration.sessions:
        return f"{name!r} is a session, not an object; sessions go to include-sessions"
    return f"there is no object {name!r}{did_you_mean(name, configuration.objects)}"


def _aliases(
    configuration: Tree, session: SessionDescription, problems: list[Problem]
) -> Mapping[str, str]:
    good = {}
    for alias, original in session.aliases.items():
        path = _alias_path(session, alias)
        other = configuration.objects.get(alias)
        if original not in configuration.objects:
            message = f"alias {alias!r}: {unknown_object(configuration, original)}"
            problems.append(session.problem_at(f"{path}.original_name", message))
        elif other is not None:
            message = f"the alias {alias!r} is the name of an object ({other.where}); use another"
            problems.append(session.problem_at(f"{path}.alias_name", message))
        else:
            good[alias] = original
    return good


def _alias_path(session: SessionDescription, alias: str) -> str:
    items = session.values.get("aliases") or []
    for index, item in enumerate(items):
        if isinstance(item, Mapping) and item.get("alias_name") == alias:
            return f"aliases.{index}"
    return "aliases"


def _with_setup(session: SessionDescription, problems: list[Problem]) -> SessionDescription:
    """Return the session without its setup file if that is not there."""
    file = session.setup_file
    if file is None or file.is_file():
        return session
    what = "is a directory" if file.is_dir() else "does not exist"
    problems.append(
        session.problem_at(
            "setup-file",
            f"the setup file {file} {what}; create it, or remove this line",
        )
    )
    return dataclasses.replace(session, setup_file=None)
