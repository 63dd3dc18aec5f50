"""Counters that are made of others share one reading of them per point.

``ratio = diode1 / diode2`` must be the ratio of the very values that stand in the columns of
diode1 and diode2, and a camera with three counters of it in one scan is read out once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from session_shell.devices.counters.derived import AxisCounter, ChannelCounter
from session_shell.devices.motion.flying import Path
from session_shell.devices.protocols import Channel, Detector, Movable, Status, Value

Paths = Mapping[Movable, Path]


class Calculated(ABC):
    """A counter whose values are calculated from those of its inputs."""

    name: str
    inputs: tuple[Detector, ...]

    @property
    @abstractmethod
    def channels(self) -> Sequence[Channel]:
        """The result."""

    @abstractmethod
    def begin(self, count_time: float) -> None:
        """Get ready for the points of a scan, whose inputs are read by others."""

    @abstractmethod
    def calculate(self, values: Sequence[Value]) -> Value:
        """Return the result for one value of each input."""


_DERIVED = (Calculated, ChannelCounter)


def linked(detectors: Sequence[Detector]) -> tuple[Detector, ...]:
    """Return what a scan has to count for `detectors`, each source being read once per point.

    The inputs of calculated counters that are numbers are added at the end, so that what was
    measured is in the file; those that are arrays or positions only if they were asked for.
    Without calculated counters and single channels it returns what it was given.
    """
    if not any(isinstance(detector, _DERIVED) for detector in detectors):
        return tuple(detectors)
    links = _Links()
    found: list[Detector] = []
    for detector in detectors:
        if isinstance(detector, Calculated):
            found.append(links.calculation(detector))
        elif isinstance(detector, ChannelCounter):
            tap = links.tap(detector.source)
            tap.show(detector.name)
            found.append(tap)
        else:
            tap = links.tap(detector)
            tap.show_all()
            found.append(tap)
    everything = [*found, *links.taps.values(), *links.calculations.values()]
    return tuple({id(detector): detector for detector in everything}.values())


class _Tap:
    """A detector that several others listen to: read once per point, some channels shown."""

    def __init__(self, source: Detector) -> None:
        self.source = source
        self.name = source.name
        self._shown: set[str] = set()
        self._all = False
        self._values: Sequence[Value] | None = None
        self._block: tuple[Sequence[float], Sequence[Sequence[Value]]] | None = None

    def show(self, channel: str) -> None:
        """Make one channel a column of the scan."""
        self._shown.add(channel)

    def show_all(self) -> None:
        """Make all channels columns of the scan."""
        self._all = True

    @property
    def channels(self) -> Sequence[Channel]:
        return [c for c in self.source.channels if self._all or c.name in self._shown]

    def prepare(self, count_time: float, npoints: int) -> None:
        self._values = None
        self.source.prepare(count_time, npoints)

    def trigger(self) -> Status | None:
        self._values = None
        return self.source.trigger()

    def values(self) -> Sequence[Value]:
        """Return the values of all channels of this point."""
        if self._values is None:
            self._values = self.source.read()
        return self._values

    def block(self, middles: Sequence[float], paths: Paths) -> Sequence[Sequence[Value]]:
        """Return the values of all channels of gates of a fly scan, read once."""
        if self._block is None or self._block[0] != middles:
            rows = self.source.count_gates(middles, paths)  # type: ignore[attr-defined]
            self._block = (middles, rows)
        return self._block[1]

    def read(self) -> Sequence[Value]:
        return self._chosen(self.values())

    def _chosen(self, values: Sequence[Value]) -> Sequence[Value]:
        if self._all:
            return values
        channels = self.source.channels
        return [v for c, v in zip(channels, values, strict=True) if c.name in self._shown]

    def stop(self) -> None:
        self.source.stop()

    def __getattr__(self, name: str) -> Any:
        # Metadata, sampling and other abilities are those of the detector itself.
        found = getattr(self.source, name)
        if name == "count_gates":
            return lambda middles, paths: [self._chosen(r) for r in self.block(middles, paths)]
        return found


class _Calculation:
    """A calculated counter that takes the values of its inputs from what others read."""

    def __init__(self, counter: Calculated, links: _Links) -> None:
        self.source = counter
        self.name = counter.name
        self._inputs: list[_Input] = [links.input(each) for each in counter.inputs]
        self._value: Value | None = None

    @property
    def channels(self) -> Sequence[Channel]:
        return self.source.channels

    def prepare(self, count_time: float, npoints: int) -> None:  # noqa: ARG002
        self._value = None
        self.source.begin(count_time)

    def trigger(self) -> None:
        self._value = None

    def value(self) -> Value:
        """Return the value of this point, calculated once."""
        if self._value is None:
            self._value = self.source.calculate([each.value() for each in self._inputs])
        return self._value

    def read(self) -> Sequence[Value]:
        return (self.value(),)

    def can_be_timed(self) -> bool:
        """Tell whether all inputs can take part in a fly scan."""
        return all(each.can_be_timed() for each in self._inputs)

    def column(self, middles: Sequence[float], paths: Paths) -> list[Value]:
        """Return the values of gates of a fly scan."""
        inputs = [each.column(middles, paths) for each in self._inputs]
        return [self.source.calculate(values) for values in zip(*inputs, strict=True)]

    def stop(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name == "count_gates" and self.can_be_timed():
            return lambda middles, paths: [(v,) for v in self.column(middles, paths)]
        return getattr(self.source, name)


class _Input(Protocol):
    """One input of a calculation."""

    def value(self) -> Value: ...

    def can_be_timed(self) -> bool: ...

    def column(self, middles: Sequence[float], paths: Paths) -> Sequence[Value]: ...


class _TappedInput:
    """One channel of a tapped detector."""

    def __init__(self, tap: _Tap, index: int) -> None:
        self._tap = tap
        self._index = index

    def value(self) -> Value:
        return self._tap.values()[self._index]

    def can_be_timed(self) -> bool:
        return hasattr(self._tap.source, "count_gates")

    def column(self, middles: Sequence[float], paths: Paths) -> Sequence[Value]:
        return [row[self._index] for row in self._tap.block(middles, paths)]


class _Links:
    """All that takes part in one scan, each once."""

    def __init__(self) -> None:
        self.taps: dict[int, _Tap] = {}
        self.calculations: dict[int, _Calculation] = {}

    def tap(self, source: Detector) -> _Tap:
        # The position of an axis is a new counter every time it is asked for.
        key = id(source.axis) if isinstance(source, AxisCounter) else id(source)
        if key not in self.taps:
            self.taps[key] = _Tap(source)
        return self.taps[key]

    def calculation(self, counter: Calculated) -> _Calculation:
        if id(counter) not in self.calculations:
            # An input that is calculated too is made on the way, before this one.
            made = _Calculation(counter, self)
            self.calculations[id(counter)] = made
        return self.calculations[id(counter)]

    def input(self, source: Detector) -> _Input:
        """Return what gives the values of an input."""
        if isinstance(source, Calculated):
            return self.calculation(source)
        if isinstance(source, ChannelCounter):
            tap, index = self.tap(source.source), source.index()
        else:
            tap, index = self.tap(source), 0
        channel = tap.source.channels[index]
        if channel.shape == () and not isinstance(source, AxisCounter):
            tap.show(channel.name)
        return _TappedInput(tap, index)
