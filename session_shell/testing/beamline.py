"""A session to test with: virtual time, the same noise each time, everything that it shows."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from session_shell.clock import Clock, VirtualClock
from session_shell.errors import SessionShellError
from session_shell.testing.documents import Documents
from session_shell.testing.screens import Paper, Screen

if TYPE_CHECKING:
    from session_shell.scanning.scan import Scan
    from session_shell.session import Session

START = 1_767_254_400.0
"""2026-01-01 08:00 UTC: when virtual time begins."""


class Beamline:
    """An open session, and all that a test wants to look at; a context manager that closes it.

    Args:
        name: Session in the configuration; default the only one that there is.
        config: Folder of the YAML files.
        data: Folder of scan files and settings.
        clock: Time; default a `VirtualClock` that begins at `start`.
        start: Seconds since the epoch at which virtual time begins.
        seed: Seed of all simulated noise.
        screen: Where tables and what is printed are shown: `Paper` (default) or `Screen`.
        allow_problems: Open it also when the setup script or an object failed.

    Raises:
        ConfigError: When the folder or the session is not there.
        SessionShellError: When an object or the setup script failed.

    Example:
        ``with Beamline("demo", config="sessions", data=tmp_path) as b: b.run("umv roby 1")``
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        config: Path | str,
        data: Path | str,
        clock: Clock | None = None,
        start: float = START,
        seed: int = 1,
        screen: Paper | Screen | None = None,
        allow_problems: bool = False,
    ) -> None:
        self.config, self.data = Path(config).absolute(), Path(data).absolute()
        self.name = only_session(self.config) if name is None else name
        self.clock: Clock = VirtualClock(start) if clock is None else clock
        self.seed = seed
        self.screen: Paper | Screen = Paper() if screen is None else screen
        self.documents = Documents()
        self._allow_problems = allow_problems
        self._within = contextlib.ExitStack()
        self.session: Session = self._open()

    @property
    def scans(self) -> Sequence[Scan]:
        """The last scans, the newest at the end."""
        return self.session.scans

    @property
    def problems(self) -> list[str]:
        """What went wrong while it was opened, as ``file:line: message``."""
        return [str(problem) for problem in self.session.problems]

    def run(self, code: str) -> Any:
        """Run commands as typed at the prompt; return the value of the last expression.

        What they print, and the values that the prompt would show, is in ``screen.last``.

        Raises:
            Exception: What the code raises.

        Example:
            ``scan = beamline.run("ascan roby 0 10 10 0.1 diode")``
        """
        self.screen.mark()
        with contextlib.redirect_stdout(self.screen):
            return self.session.run(code, echo=True)

    def __getitem__(self, name: str) -> Any:
        """Return what has this name at the prompt: a device, a command, a function of yours."""
        try:
            return self.session.namespace[name]
        except KeyError:
            raise KeyError(f"the session {self.name} has no {name}") from None

    def restart(self) -> None:
        """Close the session and open it again on the same data, as the next morning."""
        self.close()
        self.session = self._open()

    def close(self) -> None:
        """Close the session; harmless twice."""
        self._within.close()

    def _open(self) -> Session:
        from session_shell.opening import open_session  # what costs time to import, later

        with contextlib.redirect_stdout(self.screen):
            session = open_session(
                self.name,
                config=self.config,
                data=self.data,
                clock=self.clock,
                seed=self.seed,
                stream=self.screen,
            )
        if session.problems and not self._allow_problems:
            problems = "".join(f"\n  {problem}" for problem in session.problems)
            session.close()
            raise SessionShellError(
                f"the session {self.name} has problems (allow_problems=True opens it all the "
                f"same):{problems}"
            ) from session.last_error
        session.host.extra_sinks.append(self.documents)
        # Functions of the session may be called from a test as well as by `run`.
        self._within.enter_context(session)
        return session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Beamline {self.session!r}>"


def only_session(config: Path) -> str:
    """Return the name of the only session of a configuration."""
    from session_shell.config import load_configuration

    names = sorted(load_configuration(config).sessions)
    if len(names) != 1:
        raise SessionShellError(
            f"{config} has {len(names)} sessions ({', '.join(names)}): say which one is meant"
        )
    return names[0]
