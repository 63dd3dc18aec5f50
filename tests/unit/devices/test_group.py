from __future__ import annotations

import logging
from typing import Any

import pytest

from session_shell.current import use
from session_shell.devices.context import DeviceContext
from session_shell.devices.counters.counter import simulated_counter
from session_shell.devices.group import MeasurementGroup, measurement_group
from session_shell.errors import CommandError, ConfigError, DeviceError, SessionShellError


@pytest.fixture
def group(context: DeviceContext) -> MeasurementGroup:
    names = ("diode2", "diode1", "mon", "diode1")
    counters = [simulated_counter(name, context=context) for name in names]
    return measurement_group("MG1", context=context, counters=counters)


def test_order_is_kept_and_each_counts_once(group: MeasurementGroup) -> None:
    assert group.available == group.enabled == ["diode2", "diode1", "mon"]
    assert group.disabled == []
    assert [c.name for c in group.active_counters] == group.enabled
    assert [c.name for c in group.counters] == group.available


def test_patterns(group: MeasurementGroup) -> None:
    group.disable("diode?")
    assert (group.enabled, group.disabled) == (["mon"], ["diode2", "diode1"])
    group.enable("diode1")
    assert [c.name for c in group.active_counters] == ["diode1", "mon"]
    group.enable()
    assert group.disabled == []
    group.disable()
    assert group.enabled == []


def test_a_counter_is_as_good_as_its_name(group: MeasurementGroup) -> None:
    group.disable(group.counters[0], "mon")
    assert group.enabled == ["diode1"]


def test_a_wrong_pattern_changes_nothing(group: MeasurementGroup) -> None:
    with pytest.raises(CommandError, match="MG1: no counter is called 'dode'; there are diode2"):
        group.disable("mon", "dode")
    with pytest.raises(CommandError, match="not 3"):
        group.disable(3)
    assert group.disabled == []


def test_an_empty_group(context: DeviceContext) -> None:
    empty = measurement_group("MG1", context=context)
    empty.disable()
    assert empty.active_counters == []
    assert "empty" in repr(empty)
    assert "none" in empty.__info__()
    with pytest.raises(CommandError, match="there are none"):
        empty.enable("diode")


def test_state(group: MeasurementGroup, context: DeviceContext) -> None:
    group.disable("mon")
    state = group.saved_state()
    again = MeasurementGroup("MG1", group.counters)
    again.restore_state(state)
    assert again.disabled == ["mon"]
    again.restore_state({})
    assert again.disabled == ["mon"]
    again.restore_state({"states": '{"default": ["gone", "diode1"]}'})
    assert again.disabled == ["diode1"]
    again.restore_state({"states": '{"default": []}'})
    assert again.disabled == []
    assert group.configured_state() == {}


def test_names_are_looked_up(caplog: pytest.LogCaptureFixture) -> None:
    diode = simulated_counter("diode", context=DeviceContext())

    def find(name: str) -> Any:
        if name == "diode":
            return diode
        raise DeviceError("there is no such object", device=name)

    with caplog.at_level(logging.WARNING):
        group = measurement_group(
            "MG1", context=DeviceContext(find=find), counters=["gone", "diode:diode"]
        )
    assert group.available == ["diode"]
    assert "MG1 does without gone: gone: there is no such object" in caplog.text


@pytest.mark.parametrize("bad", [3, None, object()])
def test_what_is_no_counter(context: DeviceContext, bad: Any) -> None:
    with pytest.raises(ConfigError, match=r"MG1: .* is no counter"):
        measurement_group("MG1", context=context, counters=[bad])


def test_set_active(group: MeasurementGroup) -> None:
    class Session:
        active_mg: Any = None

    session = Session()
    with use(session):
        group.set_active()
    assert session.active_mg is group
    with pytest.raises(SessionShellError, match="no session is open"):
        group.set_active()


def test_info_and_repr(group: MeasurementGroup) -> None:
    group.disable("mon")
    assert repr(group) == "<measurement group MG1: diode2, diode1, off: mon>"
    assert group.__info__().splitlines()[1:] == [
        "  enabled   diode2, diode1",
        "  disabled  mon",
    ]


def test_an_axis_is_counted_by_its_position(context: DeviceContext, axis: Any) -> None:
    roby = axis(position=2.0)
    group = measurement_group("MG1", context=context, counters=[roby])
    assert group.enabled == ["roby"]
    assert group.active_counters[0].read() == (2.0,)
