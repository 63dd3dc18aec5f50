"""Find objects that no session loads: written down, and then forgotten in `config-objects`."""

from __future__ import annotations

from session_shell.config.configuration import Configuration
from session_shell.config.descriptions import ObjectDescription
from session_shell.config.names import reference_name
from session_shell.config.problems import Problem
from session_shell.config.references import counter_names, texts
from session_shell.errors import ConfigError

_SHOWN = 5


def unloaded(configuration: Configuration) -> list[Problem]:
    """Return one warning for all objects that no session loads, at the place of the first.

    Objects that others refer to are loaded with these, and who excludes one knows of it. Nothing is
    imported: of classes that are not known every ``$name`` counts as a reference.
    """
    sessions = configuration.sessions
    if not sessions or any(s.config_objects is None for s in sessions.values()):
        return []
    try:
        plans = [configuration.session_plan(name) for name in sessions]
    except ConfigError:  # sessions that include each other, which is a problem of its own
        return []
    reached = _reached(configuration, {n for p in plans for n in (*p.object_names, *p.excluded)})
    rest = [o for o in configuration.objects.values() if o.name not in reached]
    if not rest:
        return []
    names = ", ".join(o.name for o in rest[:_SHOWN])
    more = f" and {len(rest) - _SHOWN} more" if len(rest) > _SHOWN else ""
    verb = "is" if len(rest) == 1 else "are"
    message = f"{names}{more} {verb} loaded by no session: add to the config-objects of one"
    return [Problem(message, rest[0].file, rest[0].line, "warning")]


def _reached(configuration: Configuration, names: set[str]) -> set[str]:
    """Return `names` with all that belongs to them: references, parts, controllers around them."""
    parts: dict[str, list[str]] = {}
    for one in configuration.objects.values():
        parts.setdefault(one.parent or "", []).append(one.name)
    for session in configuration.sessions.values():
        for alias, original in session.aliases.items():
            parts.setdefault(alias, []).append(original)
    waiting, reached = list(names), set(names)
    while waiting:
        key = waiting.pop()
        description = configuration.describe(key)
        links = {*parts.get(key, ()), *(_links(description) if description else ())}
        waiting += links - reached
        reached |= links
    return reached


def _links(description: ObjectDescription) -> set[str]:
    found = list(texts(description.values))
    named = {reference_name(text) for text, _ in found}
    in_place = {text for text, path in found if path.endswith(".name")}
    counters = {name for name, _ in counter_names(description)}
    return {name for name in (*named, *in_place, *counters, description.parent) if name}
