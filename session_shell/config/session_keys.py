"""The keys of a session in YAML: what they may hold, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from session_shell.config.descriptions import ObjectDescription, SessionDescription
from session_shell.config.names import wrong_object_name
from session_shell.config.problems import Problem

SESSION_KEYS = frozenset(
    {"setup-file", "config-objects", "exclude-objects", "include-sessions", "aliases"}
)


def describe_session(
    description: ObjectDescription,
) -> tuple[SessionDescription, list[Problem]]:
    """Read the keys of a mapping of class Session; a wrong key counts as absent."""
    problems: list[Problem] = []
    session = SessionDescription(
        name=description.name,
        file=description.file,
        line=description.line,
        setup_file=_setup_file(description, problems),
        config_objects=_names(description, "config-objects", problems),
        exclude_objects=_names(description, "exclude-objects", problems) or (),
        include_sessions=_names(description, "include-sessions", problems) or (),
        aliases=_aliases(description, problems),
        scripts_dir=description.file.parent / "scripts",
        values=description.values,
        key_lines=description.key_lines,
    )
    return session, problems


def _setup_file(description: ObjectDescription, problems: list[Problem]) -> Path | None:
    value = description.values.get("setup-file")
    if value is None:
        return None
    if not isinstance(value, str) or not value or "\0" in value:
        message = f"setup-file must be the path of a Python file, not {value!r}"
        problems.append(description.problem_at("setup-file", message))
        return None
    base, _ = description.place_of("setup-file")
    # Not resolved: the path stays as the user wrote it, links included.
    return base.parent / value


def _names(
    description: ObjectDescription, key: str, problems: list[Problem]
) -> tuple[str, ...] | None:
    value = description.values.get(key)
    if value is None:
        return None
    if not isinstance(value, list):
        message = f"{key} must be a list of names, like [roby, diode], not {value!r}"
        problems.append(description.problem_at(key, message))
        return None
    names = []
    for index, item in enumerate(value):
        if isinstance(item, str):
            names.append(item.removeprefix("$"))
        else:
            message = f"{key} must hold names, not {item!r}"
            problems.append(description.problem_at(f"{key}.{index}", message))
    return tuple(dict.fromkeys(names))


def _aliases(description: ObjectDescription, problems: list[Problem]) -> dict[str, str]:
    value = description.values.get("aliases")
    if value is None:
        return {}
    form = "a list of {original_name: roby, alias_name: y}"
    if not isinstance(value, list):
        message = f"aliases must be {form}, not {value!r}"
        problems.append(description.problem_at("aliases", message))
        return {}
    aliases: dict[str, str] = {}
    for index, item in enumerate(value):
        path = f"aliases.{index}"
        if not isinstance(item, Mapping):
            problems.append(
                description.problem_at(path, f"aliases must be {form}; this is {item!r}")
            )
            continue
        if wrong := _add_alias(item, aliases):
            problems.append(description.problem_at(*_alias_place(path, wrong)))
    return aliases


def _add_alias(item: Mapping[Any, Any], aliases: dict[str, str]) -> tuple[str, str] | None:
    """Add one alias, or return the key that is wrong and why."""
    original, alias = item.get("original_name"), item.get("alias_name")
    if not isinstance(original, str) or not original:
        return "original_name", "an alias needs an original_name (the object that it stands for)"
    original = original.removeprefix("$")
    if alias is None:
        return "alias_name", f"the alias of {original} needs an alias_name"
    if wrong := wrong_object_name(alias):
        return "alias_name", wrong
    if aliases.get(alias, original) != original:
        return "alias_name", f"the alias {alias!r} stands for {aliases[alias]} already"
    aliases[alias] = original
    return None


def _alias_place(path: str, wrong: tuple[str, str]) -> tuple[str, str]:
    key, message = wrong
    return f"{path}.{key}", message
