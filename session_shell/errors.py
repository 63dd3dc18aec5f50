"""The errors that users meet: one root, plus the builtin that a caller would expect.

::

    SessionShellError
    ├── ConfigError              a YAML file or a session is wrong (file, line, key)
    ├── CommandError (ValueError)  a command got an argument that it cannot use
    ├── DeviceError              a device refused or failed (device)
    │   ├── LimitError (ValueError)       a target lies outside the limits
    │   └── DeviceTimeoutError (TimeoutError)  a device did not answer in time
    ├── ScanError                a scan could not be run or read (point)
    ├── SessionLockedError       the session is open already (owner)
    ├── SinkError                what must not fail failed: a scan could not be saved (sink)
    ├── MetadataError (ValueError)  a metadata source or category is wrong
    └── JournalError             the record of a session cannot be found, read or written

    BaseException
    └── ScanPaused               a scan was paused and gives the prompt back

Messages say what, where and what to do: ``roby: 9 mm is outside [-5, 5] mm``.
"""

from __future__ import annotations

from pathlib import Path


class SessionShellError(Exception):
    """Root of all errors that this package raises on purpose."""


class ConfigError(SessionShellError):
    """A configuration that cannot be used, with the place where to mend it."""

    def __init__(
        self,
        message: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        key: str | None = None,
    ) -> None:
        self.message = message
        self.file = Path(file) if file is not None else None
        self.line = line
        self.key = key
        super().__init__(f"{self.where}: {message}" if self.where else message)

    @property
    def where(self) -> str:
        """Tell the place as ``file:line``, empty when there is none."""
        if self.file is None:
            return ""
        return f"{self.file}:{self.line}" if self.line is not None else str(self.file)


class CommandError(SessionShellError, ValueError):
    """A command that was typed with an argument it cannot use."""


class DeviceError(SessionShellError):
    """A device that refused a request or failed while doing it."""

    def __init__(self, message: str, *, device: str = "") -> None:
        self.device = device
        prefix = f"{device}: "
        super().__init__(message if not device or message.startswith(prefix) else prefix + message)


class LimitError(DeviceError, ValueError):
    """A target outside the limits of an axis."""


class DeviceTimeoutError(DeviceError, TimeoutError):
    """A device that did not answer in time."""


class ScanError(SessionShellError):
    """A scan that could not be prepared, run or read."""

    def __init__(self, message: str, *, point: int | None = None) -> None:
        self.point = point
        super().__init__(message)


class ScanPaused(BaseException):
    """A scan was paused where no prompt can wait on top of the line; `resume()` goes on.

    It passes through ``except Exception``, so that the loop or function that ran the scan does not
    take it for a failure and start the next scan.
    """


class SessionLockedError(SessionShellError):
    """A session that is open already, with who has it (host, user, pid, start)."""

    def __init__(self, message: str, *, owner: dict[str, object] | None = None) -> None:
        self.owner = owner or {}
        super().__init__(message)


class SinkError(SessionShellError):
    """A sink that must not fail (the scan file) failed."""

    def __init__(self, message: str, *, sink: str = "") -> None:
        self.sink = sink
        super().__init__(message)


class MetadataError(SessionShellError, ValueError):
    """A metadata category or source that cannot be used."""


class JournalError(SessionShellError):
    """A journal (the record of a session) that cannot be found, read or written."""
