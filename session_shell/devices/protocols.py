"""What a device must offer: small protocols, no base class to inherit from.

A device author imports nothing but these types. They are checked once, when a device is loaded
(`missing_members`), never per point: ``isinstance`` on a protocol costs microseconds and accepts
wrong signatures.

Positions are user positions everywhere; names say "dial" where they are not. Units are in NeXus
spelling (``mm``, ``deg``, ``counts``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

Value = float | NDArray[Any]
"""What one channel gives for one point: a number, or an array of the channel's shape."""

ChannelKind = Literal["time", "axis", "counter"]


@dataclass(frozen=True, slots=True)
class Channel:
    """One column of a scan: who gives it, in which unit, and its shape per point."""

    name: str
    kind: ChannelKind
    unit: str = ""
    dtype: str = "float64"
    shape: tuple[int, ...] = ()
    device: str = ""
    """Name of the device that gives it; several channels may share one. Empty: `name`."""
    mode: str = ""
    """Sampling mode of a counter (``MEAN``, ``INTEGRATE``, ...)."""


class Status(Protocol):
    """Something under way: the face of `concurrent.futures.Future`."""

    def done(self) -> bool:
        """Tell whether it is over."""
        ...

    def result(self, timeout: float | None = None) -> Any:
        """Wait until it is over; raise what went wrong, or `TimeoutError`."""
        ...


class Movable(Protocol):
    """An axis: something with a position that can be set."""

    @property
    def name(self) -> str:
        """Name at the prompt and in files."""
        ...

    @property
    def unit(self) -> str:
        """Unit of positions, for example ``mm``."""
        ...

    @property
    def position(self) -> float:
        """User position now, in `unit`."""
        ...

    def check_targets(self, targets: Sequence[float] | NDArray[Any]) -> None:
        """Raise `LimitError` if any user position of `targets` cannot be reached."""
        ...

    def start_move(self, target: float) -> Status:
        """Start a motion to the user position `target` and return at once."""
        ...

    def stop(self) -> None:
        """Stop, as soon as the axis can; harmless when it stands still."""
        ...


class Detector(Protocol):
    """Something that measures during a gate of time and then gives values.

    The engine keeps the gate: it calls `trigger`, waits for the count time, waits for the status
    that `trigger` gave (None: ready when the gate is over), and calls `read`.
    """

    @property
    def name(self) -> str:
        """Name at the prompt and in files."""
        ...

    @property
    def channels(self) -> Sequence[Channel]:
        """Columns that `read` gives, in its order."""
        ...

    def prepare(self, count_time: float, npoints: int) -> None:
        """Get ready for `npoints` gates (0: unknown) of `count_time` seconds; once per scan."""
        ...

    def trigger(self) -> Status | None:
        """Start measuring one point."""
        ...

    def read(self) -> Sequence[Value]:
        """Return the values of the point, one for each of `channels`."""
        ...

    def stop(self) -> None:
        """Stop measuring; called at the end of every scan, also after an abort."""
        ...


class HasSampling(Protocol):
    """A detector that is asked for samples during the gate, since it does not count by itself."""

    @property
    def sampling_period(self) -> float:
        """Seconds between two samples, above zero."""
        ...

    def sample(self) -> None:
        """Take one sample now; `read` makes the values of the point of them."""
        ...


class HasScanMetadata(Protocol):
    """A device that publishes metadata with every scan of its session."""

    def scan_metadata(self) -> Mapping[str, Any] | None:
        """Return what goes to ``instrument/<name>`` of the file; None or {} for nothing."""
        ...


class HasChannelMetadata(Protocol):
    """A device that publishes metadata with the scans in which it takes part."""

    def channel_metadata(self) -> Mapping[str, Any]:
        """Return what goes into its NXpositioner or NXdetector group."""
        ...


class HasSavedState(Protocol):
    """A device of which something must survive a restart of the session."""

    def saved_state(self) -> Mapping[str, float | str | bool | None]:
        """Return what must survive, by key."""
        ...

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Put back what `saved_state` returned; keys may be missing."""
        ...

    def configured_state(self) -> Mapping[str, float | str | bool | None]:
        """Return what the configuration says of those keys that it sets.

        A saved value is put back only while the configured one is what it was when it was saved:
        an edit of the YAML is never silently ignored.
        """
        ...


_MEMBERS: dict[str, tuple[str, ...]] = {
    "axis": ("name", "unit", "position", "check_targets", "start_move", "stop"),
    "detector": ("name", "channels", "prepare", "trigger", "read", "stop"),
}


def missing_members(device: Any, kind: Literal["axis", "detector"]) -> list[str]:
    """Return what `device` lacks to be used as `kind`, empty when nothing."""
    cls = type(device)
    return [m for m in _MEMBERS[kind] if not hasattr(cls, m) and m not in vars_of(device)]


def vars_of(device: Any) -> Mapping[str, Any]:
    """Return the instance attributes of `device` without calling any property."""
    return getattr(device, "__dict__", {})


def is_axis(device: Any) -> bool:
    """Tell whether `device` can be moved by a scan."""
    return not missing_members(device, "axis")


def is_detector(device: Any) -> bool:
    """Tell whether `device` can be counted by a scan."""
    return not missing_members(device, "detector")
