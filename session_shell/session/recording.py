"""Begin the journal of a session with all that a replay would need."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from session_shell.clock import VirtualClock
from session_shell.journal.facts import texts_of, versions
from session_shell.journal.places import journal_folder, new_id
from session_shell.journal.records import FORMAT, Opened

if TYPE_CHECKING:
    from session_shell.session.face import SessionFace


def begin_journal(session: SessionFace, settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Open the journal of `session`, whose setup scripts have not run yet."""
    now = datetime.now().astimezone()
    name = new_id(session.name, now, secrets.token_hex(2))
    root, plan = session.config_path, session.loaded.plan
    scripts = [*session.setup_files, *dict.fromkeys(s.scripts_dir for s in plan.sessions)]
    texts = texts_of(root, session.loaded.configuration.files, scripts, session.data_path)
    opened = Opened(
        format=FORMAT,
        id=name,
        session=session.name,
        time=session.clock.time(),
        date=now.isoformat(timespec="milliseconds"),
        clock="virtual" if isinstance(session.clock, VirtualClock) else "real",
        seed=session.seed,
        versions=versions(),
        user=session.host.user,
        host=socket.gethostname(),
        pid=os.getpid(),
        typing_helper=session.typing_helper,
        shown=session.stream is not None,
        terminal=session.stream is not None and session.stream.isatty(),
        config=str(root),
        data=str(session.data_path),
        files=texts.files,
        outside=texts.outside,
        left_out=texts.left_out,
        settings={owner: dict(values) for owner, values in settings.items()},
        problems=[str(problem) for problem in session.problems],
    )
    session.journal.open(journal_folder(session.data_path) / f"{name}.jsonl", opened)
