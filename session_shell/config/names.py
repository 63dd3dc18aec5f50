"""Which names objects and sessions can have."""

from __future__ import annotations

import keyword
import re
import unicodedata
from typing import Any

_SESSION = re.compile(r"[A-Za-z0-9_]+(?:[-.][A-Za-z0-9_]+)*\Z")
_LONGEST = 100
"""Files of a session add to its name, and most file systems end at 255 bytes."""
_REFERENCE = re.compile(r"\$(?P<name>[^\W\d]\w*)\Z")


def wrong_object_name(name: Any) -> str:
    """Return why `name` cannot name an object (it becomes a variable), empty when it can."""
    if not isinstance(name, str):
        return f"a name must be text, not {name!r}" + _quote_hint(name)
    if keyword.iskeyword(name):
        return f"{name!r} is a word of Python and cannot be used as a name"
    if not name.isidentifier():
        hint = re.sub(r"\W+", "_", name).strip("_")
        hint = f"_{hint}" if hint[:1].isdigit() else hint
        better = f"; use {hint!r}" if hint.isidentifier() else ""
        return (
            f"{name!r} cannot be used as a name: it becomes a variable, so letters, digits "
            f"and '_' only, no digit first{better}"
        )
    normal = unicodedata.normalize("NFKC", name)
    if normal != name:
        return f"{name!r} cannot be used as a name: Python reads it as {normal!r}; use that"
    return ""


def wrong_session_name(name: Any) -> str:
    """Return why `name` cannot name a session (it becomes file names), empty when it can."""
    if not isinstance(name, str):
        return f"a name must be text, not {name!r}" + _quote_hint(name)
    if len(name) > _LONGEST:
        return f"{name[:20]!r}... cannot name a session: it has more than {_LONGEST} letters"
    if not _SESSION.match(name):
        return (
            f"{name!r} cannot name a session: letters, digits and '_' only, "
            "'-' and '.' between them"
        )
    return ""


def _quote_hint(name: Any) -> str:
    return "" if isinstance(name, (dict, list)) or name is None else "; put it in quotes"


def reference_name(value: Any) -> str | None:
    """Return ``roby`` for ``"$roby"``, None for what is no reference."""
    if not isinstance(value, str) or not value.startswith("$"):
        return None
    match = _REFERENCE.match(value)
    return match["name"] if match else None
