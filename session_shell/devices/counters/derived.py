"""Counters that are made of something else: a position, the time, one channel of a detector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.flying import Path
from session_shell.devices.protocols import (
    Channel,
    Detector,
    Movable,
    Status,
    Value,
    is_axis,
    is_detector,
)
from session_shell.devices.text import quantity, summary
from session_shell.errors import ConfigError, DeviceError

TimeKind = Literal["epoch", "elapsed"]


def as_counter(device: Any) -> Detector:
    """Return a device that can be counted as it is, and an axis as the counter of its position.

    Raises `DeviceError` for anything else.
    """
    if is_detector(device):
        detector: Detector = device
        return detector
    if is_axis(device):
        return AxisCounter(device)
    raise DeviceError(f"{device!r:.60} is neither a counter nor an axis")


class AxisCounter:
    """The position of an axis as a counter, read when the gate is over; nothing is moved."""

    __slots__ = ("_channels", "axis", "name")

    def __init__(self, axis: Movable) -> None:
        self.axis = axis
        self.name = axis.name
        self._channels = (Channel(axis.name, "counter", unit=axis.unit, device=axis.name),)

    @property
    def channels(self) -> Sequence[Channel]:
        """The position."""
        return self._channels

    def prepare(self, count_time: float, npoints: int) -> None:
        """Do nothing: a position is there at any time."""

    def trigger(self) -> None:
        """Do nothing: the position is that at the end of the gate."""

    def read(self) -> Sequence[Value]:
        """Return the user position now."""
        return (self.axis.position,)

    def count_gates(
        self, middles: Sequence[float], paths: Mapping[Movable, Path]
    ) -> Sequence[Sequence[Value]]:
        """Return the positions at the middles of gates of a fly scan.

        Raises `DeviceError` for a calculated axis that moves with the one that passes.
        """
        path = paths.get(self.axis)
        if path is not None:
            return [(path.position(time),) for time in middles]
        if any(real in paths for real in getattr(self.axis, "real_axes", ())):
            raise DeviceError(
                "cannot be followed while its real axis passes; count that one", device=self.name
            )
        return [(self.axis.position,)] * len(middles)

    def stop(self) -> None:
        """Do nothing: the axis is not the counter's to stop."""

    def __repr__(self) -> str:
        return f"<counter {self.name}: position of the axis>"


class ClockCounter:
    """The time at which the gate opened, in seconds: of the day (epoch), or of the scan."""

    __slots__ = (
        "_begin",
        "_channels",
        "_clock",
        "_count_time",
        "_time",
        "config",
        "kind",
        "name",
        "unit",
    )

    def __init__(
        self,
        name: str,
        *,
        context: DeviceContext,
        kind: TimeKind = "epoch",
        config: Mapping[str, Any] | None = None,
    ) -> None:
        if kind not in get_args(TimeKind):
            raise ConfigError(
                f"{name}: kind must be one of {', '.join(get_args(TimeKind))}, not {kind!r}",
                key="kind",
            )
        self.name = name
        self.unit = "s"
        self.kind = kind
        self.config: Mapping[str, Any] = config or {}
        self._clock = context.clock
        self._channels = (Channel(name, "counter", unit="s", device=name),)
        self._begin: float | None = None
        self._time: float | None = None
        self._count_time = 0.0

    @property
    def channels(self) -> Sequence[Channel]:
        """The time."""
        return self._channels

    @property
    def value(self) -> float:
        """The time now."""
        return self._value(self._clock.time())

    def prepare(self, count_time: float, npoints: int) -> None:  # noqa: ARG002
        """Get ready for a scan: its first gate is at elapsed time zero."""
        self._begin = self._time = None
        self._count_time = count_time

    def trigger(self) -> None:
        """Take the time."""
        self._time = self._clock.time()
        if self._begin is None:
            self._begin = self._time

    def read(self) -> Sequence[Value]:
        """Return the time at which the gate opened."""
        return (self._value(self._clock.time() if self._time is None else self._time),)

    def count_gates(
        self,
        middles: Sequence[float],
        paths: Mapping[Movable, Path],  # noqa: ARG002  time passes anyway
    ) -> Sequence[Sequence[Value]]:
        """Return the times at which gates of a fly scan opened, by those of their middles."""
        begins = [middle - self._count_time / 2 for middle in middles]
        if self._begin is None and begins:
            self._begin = begins[0]
        return [(self._value(begin),) for begin in begins]

    def stop(self) -> None:
        """Do nothing: time cannot be stopped."""

    def __info__(self) -> str:
        """Write what it tells, as `info(counter)` shows it."""
        what = "time of day" if self.kind == "epoch" else "time since the first point"
        return summary(
            f"{self.name}: clock counter", [("gives", what), ("now", quantity(self.value, "s"))]
        )

    def __repr__(self) -> str:
        return f"<counter {self.name}: {self.kind} time>"

    def _value(self, time: float) -> float:
        if self.kind == "epoch":
            return time
        return 0.0 if self._begin is None else time - self._begin


class ChannelCounter:
    """One channel of a detector that has several, such as one region of interest.

    >>> ascan(sy, -1, 1, 20, 0.1, mca.counters.Fe)  # doctest: +SKIP
    """

    __slots__ = ("name", "source")

    def __init__(self, source: Detector, channel: str) -> None:
        self.source = source
        self.name = channel
        self.index()

    def index(self) -> int:
        """Return the place of the channel among those of the detector.

        Raises `DeviceError` when there is none, for example since a region was removed.
        """
        names = [channel.name for channel in self.source.channels]
        if self.name not in names:
            raise DeviceError(
                f"has no channel {self.name!r}; it has {', '.join(names)}", device=self.source.name
            )
        return names.index(self.name)

    @property
    def channels(self) -> Sequence[Channel]:
        """The channel."""
        return (self.source.channels[self.index()],)

    def prepare(self, count_time: float, npoints: int) -> None:
        """Prepare the detector."""
        self.source.prepare(count_time, npoints)

    def trigger(self) -> Status | None:
        """Trigger the detector."""
        return self.source.trigger()

    def read(self) -> Sequence[Value]:
        """Read the detector and return the value of the channel."""
        return (self.source.read()[self.index()],)

    def stop(self) -> None:
        """Stop the detector."""
        self.source.stop()

    def __repr__(self) -> str:
        return f"<counter {self.name} of {self.source.name}>"


class ChannelNames:
    """The channels of a detector by their short names, each a counter of its own.

    >>> mca.counters  # doctest: +SKIP
    <counters of mca: mca, live_time, Fe>
    >>> mca.counters.Fe  # doctest: +SKIP
    <counter mca_Fe of mca>
    """

    def __init__(self, source: Detector) -> None:
        self._source = source

    def __getattr__(self, name: str) -> ChannelCounter:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> ChannelCounter:
        short = self._names()
        if name not in short and name not in short.values():
            raise AttributeError(
                f"{self._source.name} has no counter {name!r}; it has {', '.join(short)}"
            )
        return ChannelCounter(self._source, short.get(name, name))

    def __dir__(self) -> list[str]:
        return list(self._names())

    def __iter__(self) -> Any:
        return (ChannelCounter(self._source, name) for name in self._names().values())

    def __repr__(self) -> str:
        return f"<counters of {self._source.name}: {', '.join(self._names())}>"

    def _names(self) -> dict[str, str]:
        prefix = f"{self._source.name}_"
        return {c.name.removeprefix(prefix): c.name for c in self._source.channels}


def clock_counter(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    kind: TimeKind = "epoch",
) -> ClockCounter:
    """Build a clock counter from its YAML keys; `kind` is epoch or elapsed."""
    return ClockCounter(name, context=context, kind=kind, config=config)
