"""A simulated temperature controller: a setpoint that ramps, and a reading that follows.

Its keys in YAML: `temperature` at the start, `ramprate` in units per minute (none: the setpoint
jumps), `time_constant` in seconds with which the reading follows, `tolerance` within which a move
of the setpoint is over, `noise` (standard deviation of a reading), `low_limit`, `high_limit`,
`unit`, and under `axes` the name that the setpoint has as an axis::

    - class: simulation_temperature
      name: temp                     # the reading, a counter
      axes:
        - {name: temp_sp}            # the setpoint, an axis
      ramprate: 10
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from session_shell.devices.axes.verbs import AxisVerbs, Limits
from session_shell.devices.checks import not_negative, number, positive
from session_shell.devices.context import DeviceContext
from session_shell.devices.environment.ramp import Ramp
from session_shell.devices.motion.flying import Path
from session_shell.devices.motion.waiting import Until
from session_shell.devices.protocols import Channel, Movable, Status, Value
from session_shell.devices.text import interval, quantity, summary
from session_shell.errors import ConfigError, DeviceError

if TYPE_CHECKING:
    import numpy as np


class SetpointAxis(AxisVerbs):
    """The setpoint of a temperature controller as an axis.

    Its position is the working setpoint; a move is over when the reading has settled.

    >>> ascan(temp_sp, 30, 80, 5, 1, temp, diode)  # doctest: +SKIP
    """

    __slots__ = ("_status", "regulation")

    def __init__(
        self,
        name: str,
        regulation: TemperatureController,
        *,
        unit: str,
        limits: Limits,
        context: DeviceContext,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(name, unit=unit, limits=limits, context=context, config=config)
        # Not `controller`: the axis is real, nothing is calculated.
        self.regulation = regulation
        self._status = Until(context.clock, context.clock.time(), name)

    @property
    def position(self) -> float:
        """Working setpoint now."""
        return self.regulation.working_setpoint

    @property
    def is_moving(self) -> bool:
        """True until the reading has settled."""
        return not self._status.done()

    def start_move(self, target: float) -> Status:
        """Start a ramp to `target`, in `unit`, from where the setpoint is now."""
        goal = number(target, "target", self.name)
        self.check_targets((goal,))
        settled = self.regulation.ramp_to(goal)
        self._status = Until(self._context.clock, settled, self.name)
        return self._status

    def stop(self) -> None:
        """Hold the setpoint where it is now."""
        if self.is_moving:
            self.regulation.hold()
            self._status = Until(self._context.clock, self._context.clock.time(), self.name)

    def wait_move(self, timeout: float | None = None) -> None:
        """Wait until the reading has settled; `DeviceTimeoutError` after `timeout` seconds."""
        self._status.result(None if timeout is None else not_negative(timeout, "timeout"))

    def channel_metadata(self) -> dict[str, Any]:
        """Return how it ramps, for the NXpositioner group."""
        found = {"description": f"setpoint of {self.regulation.name}"}
        return found | self.regulation.settings() | self._limit_metadata()

    def __info__(self) -> str:
        """Write setpoint and reading, as `info(axis)` shows them."""
        rows = [
            ("setpoint", quantity(self.position, self.unit)),
            ("state", str(self.state)),
            ("limits", interval(*self._limits, self.unit)),
            (self.regulation.name, quantity(self.regulation.temperature, self.unit)),
        ]
        return summary(f"{self.name}: setpoint axis", rows)


class TemperatureController:
    """A simulated temperature controller; the reading is a counter.

    >>> temp.setpoint = 80  # doctest: +SKIP
    >>> temp.temperature  # doctest: +SKIP
    20.4
    """

    def __init__(
        self,
        name: str,
        *,
        context: DeviceContext,
        temperature: float = 20.0,
        ramprate: float | None = None,
        time_constant: float = 10.0,
        tolerance: float = 0.1,
        noise: float = 0.0,
        unit: str = "degC",
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.unit = unit
        self.config: Mapping[str, Any] = config or {}
        self.axis: SetpointAxis | None = None
        self._context = context
        self._clock = context.clock
        self._tau = not_negative(time_constant, "time_constant", name)
        self._tolerance = positive(tolerance, "tolerance", name)
        self._noise = not_negative(noise, "noise", name)
        self._scans = 0
        self._random: np.random.Generator | None = None
        self._turn = 0
        self._configured = number(temperature, "temperature", name)
        self.ramprate = ramprate
        self._ramp = self._standing(self._configured)

    @property
    def ramprate(self) -> float | None:
        """Units per minute of the setpoint, None for a jump; a new one holds from the next ramp."""
        return None if self._rate == math.inf else self._rate * 60

    @ramprate.setter
    def ramprate(self, value: float | None) -> None:
        rate = None if value is None else positive(value, "ramprate", self.name)
        self._rate = math.inf if rate is None else rate / 60

    @property
    def setpoint(self) -> float:
        """Where the setpoint goes, or is. Setting it starts a ramp and returns at once."""
        return self._ramp.target

    @setpoint.setter
    def setpoint(self, value: float) -> None:
        if self.axis is not None:
            self.axis.start_move(value)
        else:
            self.ramp_to(number(value, "setpoint", self.name))

    @property
    def working_setpoint(self) -> float:
        """Where the setpoint is now."""
        return self._ramp.working(self._clock.time())

    @property
    def temperature(self) -> float:
        """Temperature now, without the noise of a reading."""
        return self._ramp.temperature(self._clock.time())

    def ramp_to(self, target: float) -> float:
        """Start a ramp from here; return the time of the clock at which it will have settled."""
        now = self._clock.time()
        self._ramp = Ramp(
            now,
            self._ramp.working(now),
            self._ramp.temperature(now),
            target,
            self._rate,
            self._tau,
        )
        return self._ramp.settled(self._tolerance)

    def hold(self) -> None:
        """Keep the setpoint where it is now."""
        now = self._clock.time()
        here = self._ramp.working(now)
        self._ramp = Ramp(now, here, self._ramp.temperature(now), here, math.inf, self._tau)

    def settings(self) -> dict[str, Any]:
        """Return how it ramps and follows, for files."""
        found: dict[str, Any] = {"time_constant": self._tau, "time_constant@units": "s"}
        if self.ramprate is not None:
            found |= {"ramprate": self.ramprate, "ramprate@units": f"{self.unit}/min"}
        return found | {"tolerance": self._tolerance, "tolerance@units": self.unit}

    # -- the reading as a counter ------------------------------------------------------------

    @property
    def channels(self) -> Sequence[Channel]:
        """The reading."""
        return (Channel(self.name, "counter", unit=self.unit, device=self.name),)

    def prepare(self, count_time: float, npoints: int) -> None:  # noqa: ARG002
        """Get ready for a scan, whose noise is its own."""
        self._scans += 1
        if self._noise:
            self._turn = self._context.turn()
            self._random = self._context.random(f"{self.name} scan {self._scans}")

    def trigger(self) -> None:
        """Do nothing: the reading is that at the end of the gate."""

    def read(self) -> Sequence[Value]:
        """Return the reading now."""
        return (self._reading(self._clock.time()),)

    def count_gates(
        self,
        middles: Sequence[float],
        paths: Mapping[Movable, Path],  # noqa: ARG002  it depends on the time alone
    ) -> Sequence[Sequence[Value]]:
        """Return the readings at the middles of gates of a fly scan."""
        return [(self._reading(time),) for time in middles]

    def _reading(self, time: float) -> float:
        value = self._ramp.temperature(time)
        if self._noise:
            if self._random is None or self._turn != self._context.turn():
                self._turn = self._context.turn()
                self._random = self._context.random_between_scans(self.name)
            value += self._noise * float(self._random.standard_normal())
        return value

    def stop(self) -> None:
        """Do nothing: the end of a scan is not the end of a ramp; ``temp.hold()`` is."""

    def channel_metadata(self) -> dict[str, Any]:
        """Return setpoint and settings for the NXdetector group."""
        return {
            "type": "temperature controller, simulated",
            "setpoint": self.setpoint,
            "setpoint@units": self.unit,
            **self.settings(),
        }

    # -- what survives a restart -------------------------------------------------------------

    def saved_state(self) -> dict[str, float | str | bool | None]:
        """Return the setpoint: the sample is there when the session is opened again."""
        return {"setpoint": self.setpoint}

    def configured_state(self) -> dict[str, float | str | bool | None]:
        """Return the temperature of the configuration."""
        return {"setpoint": self._configured}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Stand at the saved setpoint."""
        if "setpoint" in state:
            saved = number(state["setpoint"], "saved setpoint", self.name)
            self._ramp = self._standing(saved)

    def __info__(self) -> str:
        """Write reading, setpoint and settings, as `info(temp)` shows them."""
        rate = self.ramprate
        rows = [
            ("temperature", quantity(round(self.temperature, 6), self.unit)),
            ("setpoint", quantity(self.setpoint, self.unit)),
            ("working setpoint", quantity(self.working_setpoint, self.unit)),
            ("ramp", "none" if rate is None else quantity(rate, f"{self.unit}/min")),
            ("time constant", quantity(self._tau, "s")),
        ]
        if self.axis is not None:
            rows.append(("setpoint axis", self.axis.name))
        return summary(f"{self.name}: simulated temperature controller", rows)

    def __repr__(self) -> str:
        return f"<temperature {self.name}: {self.temperature:.6g} {self.unit}>"

    def _standing(self, temperature: float) -> Ramp:
        now = self._clock.time()
        return Ramp(now, temperature, temperature, temperature, math.inf, self._tau)


def temperature_controller(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    axes: Sequence[Any] = (),
    temperature: float = 20.0,
    ramprate: float | None = None,
    time_constant: float = 10.0,
    tolerance: float = 0.1,
    noise: float = 0.0,
    low_limit: float | None = None,
    high_limit: float | None = None,
    unit: str = "degC",
) -> dict[str, Any]:
    """Build a temperature controller from its YAML keys, which the top of this module explains."""
    if not name:
        raise ConfigError("a temperature controller needs a name: it is the counter", key="axes")
    if len(axes) > 1:
        raise ConfigError(f"{name}: there is one setpoint, not {len(axes)}", key="axes.1")
    try:
        made = TemperatureController(
            name,
            context=context,
            temperature=temperature,
            ramprate=ramprate,
            time_constant=time_constant,
            tolerance=tolerance,
            noise=noise,
            unit=unit,
            config=config,
        )
    except DeviceError as error:
        key = str(error).removeprefix(f"{name}: ").split(" ")[0]
        raise ConfigError(str(error), key=key) from None
    found: dict[str, Any] = {name: made}
    for item in axes:
        if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
            raise ConfigError(f"{name}: the setpoint needs a name: `- name: ...`", key="axes.0")
        try:
            made.axis = SetpointAxis(
                item["name"],
                made,
                unit=unit,
                limits=(item.get("low_limit", low_limit), item.get("high_limit", high_limit)),
                context=context,
                config=item,
            )
        except DeviceError as error:
            raise ConfigError(str(error), key="axes.0") from None
        found[item["name"]] = made.axis
    return found
