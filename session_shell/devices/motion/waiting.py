"""Something that is over at a known time of the clock."""

from __future__ import annotations

from session_shell.clock import Clock
from session_shell.errors import DeviceTimeoutError


class Until:
    """A status that is done when the clock says so.

    >>> from session_shell.clock import VirtualClock
    >>> clock = VirtualClock(0.0)
    >>> status = Until(clock, 2.5)
    >>> status.result()
    >>> clock.time()
    2.5
    """

    __slots__ = ("_clock", "_device", "finish")

    def __init__(self, clock: Clock, finish: float, device: str = "") -> None:
        self._clock = clock
        self._device = device
        self.finish = finish

    def done(self) -> bool:
        """Tell whether it is over."""
        return self._clock.time() >= self.finish

    def result(self, timeout: float | None = None) -> None:
        """Wait until it is over; `DeviceTimeoutError` when it is not after `timeout` seconds."""
        if timeout is not None and self.finish - self._clock.time() > timeout:
            self._clock.sleep(timeout)
            if not self.done():
                raise DeviceTimeoutError(f"not ready after {timeout:g} s", device=self._device)
            return
        while (left := self.finish - self._clock.time()) > 0:
            self._clock.sleep(left)
