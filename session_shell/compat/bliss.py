"""``bliss.*`` names that setup scripts import, mapped to ours while a session is open.

Nothing is done when the real BLISS is installed. More names come as scripts need them; a name
that is not here fails as any missing import does.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

from session_shell.compat.stand_in import standing_in
from session_shell.current import current_session
from session_shell.errors import SessionShellError
from session_shell.scanning import scan_meta
from session_shell.scanning.presets import ScanPreset
from session_shell.scanning.scan import Scan


class _SessionNames(ModuleType):
    """A module whose members are the names of the current session's namespace."""

    @property
    def __all__(self) -> list[str]:
        return [name for name in current_session().namespace if not name.startswith("_")]

    def __getattr__(self, name: str) -> Any:
        namespace = {} if name.startswith("__") else current_session().namespace
        if name not in namespace:
            raise AttributeError(f"the session has no {name!r}")
        return namespace[name]


class CurrentSession:
    """The current session, whichever that is at the moment of use."""

    def __getattr__(self, name: str) -> Any:
        try:
            session = current_session()
        except SessionShellError as error:
            raise AttributeError(str(error)) from error
        return getattr(session, name)

    def __repr__(self) -> str:
        return repr(current_session())


def bliss_names(_session: Any = None) -> AbstractContextManager[None]:
    """Make the names importable until the end of the block; sessions may be nested."""
    return standing_in("bliss", _modules)


def _modules() -> dict[str, ModuleType]:
    top = _package("bliss", current_session=CurrentSession())
    names = {
        "bliss": top,
        "bliss.scanning": _package("bliss.scanning", scan_meta=scan_meta),
        "bliss.scanning.scan_meta": scan_meta,
        "bliss.scanning.scan": _package("bliss.scanning.scan", ScanPreset=ScanPreset, Scan=Scan),
        "bliss.setup_globals": _SessionNames("bliss.setup_globals"),
        "bliss.shell": _package("bliss.shell"),
        "bliss.shell.standard": _SessionNames("bliss.shell.standard"),
        "bliss.common": _package("bliss.common"),
        "bliss.common.standard": _SessionNames("bliss.common.standard"),
    }
    for name, module in names.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(names[parent], child, module)
    return names


def _package(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name, "Names that map to session-shell while a session is open.")
    module.__path__ = []
    module.__dict__.update(members)
    return module
