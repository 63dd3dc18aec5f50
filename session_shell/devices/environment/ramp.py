"""How a temperature follows a setpoint that ramps: pure functions of the time.

The working setpoint `w` goes to its target at a constant rate; the reading `T` follows with the
time constant `tau`: ``dT/dt = (w - T) / tau``. While `w` ramps at the rate `r` the reading comes
to lag ``r tau`` behind, and when `w` stands it closes in exponentially.
"""

from __future__ import annotations

from math import copysign, exp, inf, log
from typing import NamedTuple


class Ramp(NamedTuple):
    """One change of the setpoint; times in seconds, rate in units per second.

    >>> ramp = Ramp(begin=0.0, setpoint=20.0, reading=20.0, target=80.0, rate=1.0, tau=10.0)
    >>> ramp.working(30.0), round(ramp.temperature(30.0), 2), ramp.finish
    (50.0, 40.5, 60.0)
    """

    begin: float
    setpoint: float
    """Working setpoint at the begin."""
    reading: float
    """Temperature at the begin."""
    target: float
    rate: float
    """Above zero; infinite jumps."""
    tau: float
    """Zero follows at once."""

    @property
    def finish(self) -> float:
        """Time at which the working setpoint is at its target."""
        return self.begin + self._duration

    @property
    def _duration(self) -> float:
        return 0.0 if self.rate == inf else abs(self.target - self.setpoint) / self.rate

    def working(self, time: float) -> float:
        """Return the working setpoint at `time`."""
        elapsed = time - self.begin
        if elapsed >= self._duration:
            return self.target
        return self.setpoint + copysign(self.rate, self.target - self.setpoint) * max(elapsed, 0.0)

    def temperature(self, time: float) -> float:
        """Return the temperature at `time`."""
        elapsed = max(time - self.begin, 0.0)
        if self.tau == 0:
            return self.working(time)
        if elapsed <= self._duration and self._duration > 0:
            return self._while_ramping(elapsed)
        off = self._off_at_the_end()
        return self.target + off * exp(-(elapsed - self._duration) / self.tau)

    def settled(self, tolerance: float) -> float:
        """Return the time from which on the temperature is within `tolerance` of the target."""
        off = abs(self._off_at_the_end()) if self.tau else 0.0
        if off <= tolerance:
            return self.finish
        return self.finish + self.tau * log(off / tolerance)

    def _while_ramping(self, elapsed: float) -> float:
        lag = copysign(self.rate, self.target - self.setpoint) * self.tau
        start = self.reading - self.setpoint + lag
        here = self.setpoint + lag / self.tau * elapsed
        return here - lag + start * exp(-elapsed / self.tau)

    def _off_at_the_end(self) -> float:
        """Return how far the temperature is from the target when the setpoint gets there."""
        if self._duration == 0:
            return self.reading - self.target
        return self._while_ramping(self._duration) - self.target
