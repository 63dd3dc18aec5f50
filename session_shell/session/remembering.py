"""What of a session survives a restart, and how it gets it back."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from session_shell.errors import CommandError

if TYPE_CHECKING:
    from session_shell.session.face import SessionFace, State

_log = logging.getLogger(__name__)


def state_of(session: SessionFace) -> tuple[State, State]:
    """Return what must survive, and what the configuration says of the same."""
    values: State = {}
    configured: State = {}
    for name, device in session.devices.items():
        if hasattr(device, "saved_state"):
            try:
                values[name] = device.saved_state()
                configured[name] = device.configured_state()
            except Exception as error:  # noqa: BLE001  a device of a plugin
                _log.warning("%s: its state cannot be saved: %s", name, error)
    values["SCAN_SAVING"] = session.saving.saved()
    values["session"] = {
        "active_mg": session.active_mg.name if session.active_mg else None,
        "last_numbers": dict(session.host.last_numbers),
        "user_scripts": str(session.user_scripts) if session.user_scripts else None,
        "plot_selection": list(session.plot_selection),
        "live_plot": session.host.live_plot,
    }
    return values, configured


def restore(session: SessionFace) -> None:
    """Give a session what its settings have kept; what cannot be used costs a warning."""
    for name, device in session.devices.items():
        if not hasattr(device, "restore_state"):
            continue
        try:
            device.restore_state(session.settings.get(name, device.configured_state()))
        except Exception as error:  # noqa: BLE001  garbage in the file, or a plugin's device
            _log.warning("%s: its saved state is not used: %s", name, error)
    try:
        session.saving.restore(session.settings.get("SCAN_SAVING"))
    except (CommandError, TypeError, ValueError, AttributeError) as error:
        _log.warning("SCAN_SAVING: its saved values are not used: %s", error)
    mine = session.settings.get("session")
    session.host.last_numbers = dict(mine.get("last_numbers") or {})
    session.user_scripts = Path(mine["user_scripts"]) if mine.get("user_scripts") else None
    session.plot_selection = tuple(map(str, mine.get("plot_selection") or ()))
    session.host.live_plot = bool(mine.get("live_plot"))
    for group in session.measurement_groups:
        if group.name == mine.get("active_mg"):
            session.active_mg = group
