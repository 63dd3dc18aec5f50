from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from session_shell.clock import VirtualClock
from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.axes.axis_config import simulated_axis
from session_shell.devices.context import DeviceContext

START = 1_700_000_000.0


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def context(clock: VirtualClock) -> DeviceContext:
    return DeviceContext(clock=clock, seed=7)


@pytest.fixture
def axis(context: DeviceContext) -> Callable[..., SimulatedAxis]:
    """Make axes: 10 mm/s and 100 mm/s², so 0.1 s and 0.5 mm of ramp."""

    def make(name: str = "roby", **keys: Any) -> SimulatedAxis:
        keys = {
            "unit": "mm",
            "velocity": 10.0,
            "acceleration": 100.0,
            "steps_per_unit": 1000.0,
            **keys,
        }
        config = {"name": name, **keys}
        return simulated_axis(
            name, context=context, config=config, **{k: v for k, v in keys.items() if k != "class"}
        )

    return make
