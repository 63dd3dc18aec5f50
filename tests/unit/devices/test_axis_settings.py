from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.axes.axis_config import simulated_axis
from session_shell.devices.context import DeviceContext
from session_shell.errors import DeviceError

Make = Callable[..., SimulatedAxis]
GARBAGE = ["x", None, True, math.nan, [], {}, b"1", 10**400]


def test_state_survives_a_restart(axis: Make) -> None:
    first = axis(low_limit=-5.0)
    first.move(2)
    first.position = 10
    first.velocity = 3
    state = json.loads(json.dumps(first.saved_state()))
    second = axis(low_limit=-5.0)
    second.restore_state(state)
    assert second.position == 10.0
    assert second.dial == 2.0
    assert second.velocity == 3.0
    assert second.limits == (3.0, math.inf)
    assert second.saved_state() == first.saved_state()


def test_infinite_limits_are_saved_as_none(axis: Make) -> None:
    roby = axis(low_limit=-5.0)
    state = roby.saved_state()
    assert (state["dial_low_limit"], state["dial_high_limit"]) == (-5.0, None)
    roby.restore_state({"dial_low_limit": None, "dial_high_limit": 4})
    assert roby.limits == (-math.inf, 4.0)


def test_configured_state_has_a_dial_only_if_configured(axis: Make) -> None:
    assert "dial" not in axis().configured_state()
    assert axis(position=3.0, offset=1.0).configured_state()["dial"] == 2.0


def test_configured_state_does_not_change(axis: Make) -> None:
    roby = axis()
    before = roby.configured_state()
    roby.velocity = 99
    roby.configured_state()["velocity"] = 5
    assert roby.configured_state() == before


def test_keys_may_be_missing_or_unknown(axis: Make) -> None:
    roby = axis(position=1.0)
    roby.restore_state({})
    roby.restore_state({"colour": "red"})
    assert roby.position == 1.0


@pytest.mark.parametrize("key", ["dial", "sign", "offset", "backlash", "acceleration"])
@pytest.mark.parametrize("bad", GARBAGE)
def test_garbage_is_named_and_left_out(axis: Make, key: str, bad: Any) -> None:
    roby = axis()
    with pytest.raises(DeviceError, match=f"roby: saved settings that cannot be used.*{key}"):
        roby.restore_state({key: bad, "velocity": 3.0})
    assert roby.velocity == 3.0
    assert roby.position == 0.0


@pytest.mark.parametrize(
    "state",
    [
        {"velocity": -1},
        {"acceleration": 0},
        {"sign": 3},
        {"offset": "1"},
        {"backlash": math.inf},
        {"dial": 1e300},
        {"dial_low_limit": 5, "dial_high_limit": 1},
        {"dial_low_limit": "low"},
    ],
)
def test_unusable_values(axis: Make, state: dict[str, Any]) -> None:
    roby = axis()
    before = roby.saved_state()
    with pytest.raises(DeviceError, match="roby: saved settings"):
        roby.restore_state(state)
    assert roby.saved_state() == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["dial", "sign", "offset", "dial_low_limit", "velocity", "backlash"]),
        st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text()),
    )
)
def test_any_state_leaves_a_usable_axis(axis: Make, state: dict[str, Any]) -> None:
    roby = axis()
    with contextlib.suppress(DeviceError):
        roby.restore_state(state)
    assert math.isfinite(roby.position)
    assert roby.limits[0] < roby.limits[1]
    roby.__info__()


def test_not_while_moving(axis: Make) -> None:
    roby = axis()
    roby.start_move(3.0)
    with pytest.raises(DeviceError, match="is moving"):
        roby.restore_state({"dial": 1.0})


def test_an_axis_without_settings(context: DeviceContext) -> None:
    roby = simulated_axis("roby", context=context, config={"class": "NoSettingsAxis"})
    assert roby.saved_state() == roby.configured_state() == {}
    roby.restore_state({"dial": 4.0})
    assert roby.position == 0.0
