"""A simulated encoder: measures where an axis really is, in steps of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from session_shell.devices.checks import not_negative, number
from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.flying import Path
from session_shell.devices.protocols import Channel, Movable, Value
from session_shell.devices.text import quantity, summary
from session_shell.errors import ConfigError, DeviceError

if TYPE_CHECKING:
    import numpy as np

    from session_shell.devices.axes.axis import SimulatedAxis


class SimulatedEncoder:
    """An encoder on one axis, which refers to it by its key `encoder`; a counter too.

    >>> roby.measured_position  # doctest: +SKIP
    1.4998
    >>> ascan(roby, 0, 1, 10, 0.1, enc)  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str,
        *,
        context: DeviceContext,
        steps_per_unit: float = 1000.0,
        noise: float = 0.0,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.config: Mapping[str, Any] = config or {}
        self.axis: SimulatedAxis | None = None
        self.steps_per_unit = number(steps_per_unit, "steps_per_unit", name)
        if self.steps_per_unit == 0:
            raise DeviceError("steps_per_unit must not be zero", device=name)
        self._noise = not_negative(noise, "noise", name)
        self._context = context
        self._scans = 0
        self._random: np.random.Generator | None = None
        self._turn = 0

    def attach(self, axis: SimulatedAxis) -> None:
        """Measure `axis` from now on; an encoder has one axis."""
        if self.axis is not None and self.axis is not axis:
            raise ConfigError(
                f"{axis.name}: {self.name} is the encoder of {self.axis.name} already",
                key="encoder",
            )
        self.axis = axis
        axis.encoder = self

    @property
    def unit(self) -> str:
        """Unit of its axis."""
        return "" if self.axis is None else self.axis.unit

    @property
    def steps(self) -> int:
        """Steps that it counts now, from dial zero of the axis."""
        return self._steps_at(self._axis().dial)

    def _steps_at(self, dial: float) -> int:
        if self._noise:
            if self._random is None or self._turn != self._context.turn():
                self._turn = self._context.turn()
                self._random = self._context.random_between_scans(self.name)
            dial += self._noise * float(self._random.standard_normal())
        return round(dial * self.steps_per_unit)

    @property
    def measured_position(self) -> float:
        """User position of the axis now, to a whole step of the encoder."""
        axis = self._axis()
        return axis.user_of(self.steps / self.steps_per_unit)

    @property
    def channels(self) -> Sequence[Channel]:
        """The measured position."""
        return (Channel(self.name, "counter", unit=self.unit, device=self.name),)

    def prepare(self, count_time: float, npoints: int) -> None:  # noqa: ARG002
        """Get ready for a scan, whose noise is its own."""
        self._axis()
        self._scans += 1
        if self._noise:
            self._turn = self._context.turn()
            self._random = self._context.random(f"{self.name} scan {self._scans}")

    def trigger(self) -> None:
        """Do nothing: the position is that at the end of the gate."""

    def read(self) -> Sequence[Value]:
        """Return the measured position now."""
        return (self.measured_position,)

    def count_gates(
        self, middles: Sequence[float], paths: Mapping[Movable, Path]
    ) -> Sequence[Sequence[Value]]:
        """Return the measured positions at the middles of gates of a fly scan."""
        axis = self._axis()
        path = paths.get(axis)
        if path is None:
            return [self.read() for _ in middles]
        dials = [(path.position(time) - axis.offset) * axis.sign for time in middles]
        return [(axis.user_of(self._steps_at(d) / self.steps_per_unit),) for d in dials]

    def stop(self) -> None:
        """Do nothing: it has no gate."""

    def channel_metadata(self) -> dict[str, Any]:
        """Return what it measures, for the NXdetector group."""
        return {
            "description": f"encoder of {self._axis().name}",
            "steps_per_unit": self.steps_per_unit,
        }

    def __info__(self) -> str:
        """Write what it measures now, as `info(encoder)` shows it."""
        rows = [("steps per unit", quantity(self.steps_per_unit))]
        if self.axis is not None:
            rows = [
                ("axis", self.axis.name),
                ("measured", quantity(self.measured_position, self.unit)),
                ("steps", str(self.steps)),
                *rows,
            ]
        return summary(f"{self.name}: simulated encoder", rows)

    def __repr__(self) -> str:
        return f"<encoder {self.name} of {self.axis.name if self.axis is not None else 'no axis'}>"

    def _axis(self) -> SimulatedAxis:
        if self.axis is None:
            raise DeviceError(
                f"belongs to no axis: give one the key `encoder: ${self.name}`", device=self.name
            )
        return self.axis


def simulated_encoder(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    steps_per_unit: float = 1000.0,
    noise: float = 0.0,
) -> SimulatedEncoder:
    """Build an encoder from its YAML keys; `noise` is a standard deviation in units of the axis."""
    return SimulatedEncoder(
        name, context=context, steps_per_unit=steps_per_unit, noise=noise, config=config
    )
