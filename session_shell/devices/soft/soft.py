"""Soft axes and soft counters: anything in Python that can be set or read, as a device.

An attribute, a property, a method or a function will do::

    - class: soft_axis
      name: temp
      obj: $oven
      position: setpoint
      move: set_to
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from session_shell.devices.axes.verbs import AxisVerbs, Limits
from session_shell.devices.checks import not_negative, number, positive
from session_shell.devices.context import DeviceContext
from session_shell.devices.counters.sampling import (
    SamplingMode,
    channels_of,
    reduce_samples,
    samples_per_point,
    sampling_mode,
)
from session_shell.devices.motion.status import Arrived
from session_shell.devices.protocols import Channel, Status, Value
from session_shell.devices.text import interval, quantity, summary
from session_shell.errors import DeviceError, SessionShellError

_ARRIVED = Arrived()
_FASTEST = 1e5
"""Samples per second; time of the day tells no finer."""

Read = Callable[[], Any]
Write = Callable[[float], Any]


class SoftAxis(AxisVerbs):
    """An axis made of something that can be set.

    What `move` returns may be a status (with ``done()`` and ``result()``); otherwise the axis is
    there when `move` returns.

    >>> temp = SoftAxis("temp", read, write, unit="K", context=context)  # doctest: +SKIP
    """

    __slots__ = ("_move", "_position", "_status", "_stop", "_text")

    def __init__(
        self,
        name: str,
        position: Read,
        move: Write,
        *,
        stop: Callable[[], Any] | None = None,
        unit: str = "",
        limits: Limits = (None, None),
        context: DeviceContext,
        text: str = "",
        config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name, unit=unit, limits=limits, context=context, config=config)
        self._position = position
        self._move = move
        self._stop = stop
        self._status: Status = _ARRIVED
        self._text = text
        _ = self.position  # what cannot be read is refused here, not in the middle of a scan

    @property
    def position(self) -> float:
        """Position now, as the object tells it."""
        return read_number(self._position, "position", self.name)

    @property
    def is_moving(self) -> bool:
        """True until the status that its move gave is done."""
        return not self._status.done()

    def start_move(self, target: float) -> Status:
        """Set the object to `target`, in `unit`."""
        goal = number(target, "target", self.name)
        self.check_targets((goal,))
        if self.is_moving:
            raise DeviceError("is moving: wait for it or stop it first", device=self.name)
        answer = call(lambda: self._move(goal), "move", self.name)
        is_status = callable(getattr(answer, "done", None)) and callable(
            getattr(answer, "result", None)
        )
        self._status = answer if is_status else _ARRIVED
        return self._status

    def stop(self) -> None:
        """Call what stops it, if there is something; harmless when it stands still."""
        if self._stop is not None:
            call(self._stop, "stop", self.name)

    def wait_move(self, timeout: float | None = None) -> None:
        """Wait until it stands still; raise what went wrong, or `TimeoutError`."""
        self._status.result(None if timeout is None else not_negative(timeout, "timeout"))

    def channel_metadata(self) -> dict[str, Any]:
        """Return what it is made of, for the NXpositioner group."""
        return {"description": f"soft axis: {self._text}"} | self._limit_metadata()

    def __info__(self) -> str:
        """Write its position and what it is made of, as `info(axis)` shows them."""
        rows = [
            ("position", quantity(self.position, self.unit)),
            ("state", str(self.state)),
            ("limits", interval(*self._limits, self.unit)),
            ("made of", self._text),
        ]
        return summary(f"{self.name}: soft axis", rows)


class SoftCounter:
    """A counter made of something that can be read; polled during the count time.

    >>> counter = SoftCounter("t", oven.read, unit="K", mode="STATS", context=c)  # doctest: +SKIP
    """

    __slots__ = (
        "_channels",
        "_context",
        "_count",
        "_count_time",
        "_mode",
        "_rate",
        "_read",
        "_samples",
        "_text",
        "config",
        "name",
        "unit",
    )

    def __init__(
        self,
        name: str,
        read: Read,
        *,
        unit: str = "",
        mode: SamplingMode | str = SamplingMode.MEAN,
        sampling_rate: float = 100.0,
        context: DeviceContext,
        text: str = "",
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.unit = unit
        self.config: Mapping[str, Any] = config or {}
        self._context = context
        self._read = read
        self._text = text
        self._samples: list[float] = []
        self._count_time = 0.0
        self._count = 1
        self.sampling_rate = sampling_rate
        self.mode = mode
        _ = self.value  # what cannot be read is refused here, not in the middle of a scan

    @property
    def channels(self) -> Sequence[Channel]:
        """One channel; in mode STATS seven, in mode SAMPLES two: the mean and an array."""
        return self._channels

    @property
    def mode(self) -> SamplingMode:
        """What is made of the samples of a point; a new one holds from the next scan."""
        return self._mode

    @mode.setter
    def mode(self, value: SamplingMode | str) -> None:
        self._mode = sampling_mode(value, self.name)
        self._channels = channels_of(self.name, self._mode, self.unit, self._count)

    @property
    def sampling_rate(self) -> float:
        """Samples per second of count time, as far as the object can keep up."""
        return self._rate

    @sampling_rate.setter
    def sampling_rate(self, value: float) -> None:
        rate = positive(value, "sampling_rate", self.name)
        if rate > _FASTEST:
            raise DeviceError(
                f"sampling_rate must be {_FASTEST:g} per second or less, not {rate:g}",
                device=self.name,
            )
        self._rate = rate

    @property
    def sampling_period(self) -> float:
        """Seconds between two samples."""
        # The first and the last sample are enough when these are all that is used.
        return 1e9 if self._mode is SamplingMode.SINGLE else 1 / self._rate

    @property
    def value(self) -> float:
        """One sample now, outside of any scan."""
        return read_number(self._read, "value", self.name)

    raw_read = value

    def prepare(self, count_time: float, npoints: int) -> None:  # noqa: ARG002
        """Get ready for gates of `count_time` seconds."""
        self._count_time = not_negative(count_time, "count time", self.name)
        self._count = samples_per_point(self._count_time, self._rate)
        self._channels = channels_of(self.name, self._mode, self.unit, self._count)
        self._samples = []

    def trigger(self) -> None:
        """Start a point without samples."""
        self._samples = []

    def sample(self) -> None:
        """Take one sample of the point."""
        self._samples.append(self.value)

    def read(self) -> Sequence[Value]:
        """Return the values of the point; one sample is taken now if there was none."""
        samples = self._samples or [self.value]
        return reduce_samples(self._mode, samples, self._count_time, self._count)

    def stop(self) -> None:
        """Do nothing: it is not asked outside the gate."""

    def channel_metadata(self) -> dict[str, Any]:
        """Return what it is made of and its mode, for the NXdetector group."""
        return {
            "description": f"soft counter: {self._text}",
            "mode": str(self._mode),
            "sampling_rate": self._rate,
            "sampling_rate@units": "Hz",
        }

    def __info__(self) -> str:
        """Write its value and settings, as `info(counter)` shows them."""
        rows = [
            ("value now", quantity(self.value, self.unit)),
            ("mode", f"{self._mode}, {quantity(self._rate, 'samples/s')}"),
            ("channels", ", ".join(channel.name for channel in self._channels)),
            ("made of", self._text),
        ]
        return summary(f"{self.name}: soft counter", rows)

    def __repr__(self) -> str:
        return f"<counter {self.name}: {self._text}, {self._mode}>"


def read_number(read: Read, what: str, name: str) -> float:
    """Return what `read` gives as a float, or raise `DeviceError`."""
    value = call(read, what, name)
    if value.__class__ is float:
        return float(value)
    # A state that is true or false counts as 1 or 0; numpy's truth values are no numbers.Real.
    if type(value).__name__ in ("bool", "bool_"):
        return float(value)
    if getattr(value, "shape", None) == () and not isinstance(value, numbers.Real):
        value = math.nan if getattr(value, "mask", False) else value.item()
    try:
        result = float(value) if isinstance(value, numbers.Real) else math.nan
        wrong = not isinstance(value, numbers.Real) or _is_time(value)
        wrong = wrong or (math.isinf(result) and abs(value) != math.inf)
    except (TypeError, ValueError, OverflowError):
        wrong = True
    if wrong:
        raise DeviceError(f"its {what} must be a number, not {value!r:.60}", device=name)
    return result


def _is_time(value: Any) -> bool:
    # numpy counts its time spans as integers.
    return getattr(getattr(value, "dtype", None), "kind", "i") in "mM"


def call(function: Callable[[], Any], what: str, name: str) -> Any:
    """Call something of the user's; what it raises becomes a `DeviceError`."""
    try:
        return function()
    except SessionShellError:
        raise
    except Exception as error:
        raise DeviceError(
            f"its {what} failed: {type(error).__name__}: {error}", device=name
        ) from error
