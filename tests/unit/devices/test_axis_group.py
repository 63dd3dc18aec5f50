from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.axes.group import AxisGroup, axis_group
from session_shell.devices.axes.state import AxisState
from session_shell.devices.context import DeviceContext
from session_shell.errors import CommandError, ConfigError, DeviceError, LimitError


@pytest.fixture
def axes(axis: Callable[..., SimulatedAxis]) -> list[SimulatedAxis]:
    return [axis("sx", position=1.0), axis("sy", low_limit=-5, high_limit=5)]


@pytest.fixture
def stage(axes: list[SimulatedAxis], context: DeviceContext) -> AxisGroup:
    return axis_group("stage", context=context, axes=axes)


def test_it_moves_them_together(stage: AxisGroup, axes: list[SimulatedAxis]) -> None:
    sx, sy = axes
    stage.move(sx, 3, "sy", 2)
    assert stage.position == stage.positions == stage.dial == {"sx": 3.0, "sy": 2.0}
    stage.move({"sx": 4, sy: 1})
    stage.rmove(sx, -1)
    assert stage.position == {"sx": 3.0, "sy": 1.0}
    assert stage.axes == {"sx": sx, "sy": sy}
    assert list(stage) == axes
    assert len(stage) == 2


def test_waiting_and_stopping(stage: AxisGroup, axes: list[SimulatedAxis]) -> None:
    stage.move("sx", 10, "sy", 5, wait=False)
    assert stage.is_moving
    assert stage.state is AxisState.MOVING
    stage.stop()
    assert stage.state is AxisState.READY
    stage.move("sx", 0, wait=False)
    with pytest.raises(TimeoutError):
        stage.wait_move(0.01)
    stage.wait_move()
    assert stage.position["sx"] == 0.0


def test_a_target_outside_moves_nothing(stage: AxisGroup) -> None:
    with pytest.raises(LimitError, match="sy: 9 mm is outside"):
        stage.move("sx", 3, "sy", 9)
    assert stage.position["sx"] == 1.0


@pytest.mark.parametrize(
    ("targets", "text"),
    [
        ((), "stage: expected pairs of an axis and a position"),
        (("sx",), "expected pairs"),
        (("sx", 1, "sy"), "expected pairs"),
        (("sz", 1), "stage has no axis 'sz'; it has sx, sy"),
        ((5, 1), "stage has no axis 5"),
        (({"sz": 1},), "stage has no axis 'sz'"),
        (("sx", 1, "sx", 2), "sx is given twice"),
    ],
)
def test_bad_targets(stage: AxisGroup, targets: tuple[Any, ...], text: str) -> None:
    with pytest.raises(CommandError, match=text):
        stage.move(*targets)


def test_bad_positions(stage: AxisGroup) -> None:
    with pytest.raises(DeviceError, match="sx: target cannot be 'far'"):
        stage.move("sx", "far")


def test_bad_members(context: DeviceContext, axes: list[SimulatedAxis]) -> None:
    for members, text in [
        ([], "give at least one axis"),
        (["sx"], "'sx' is no axis"),
        ([axes[0], axes[0]], "sx is there twice"),
    ]:
        with pytest.raises(ConfigError, match=text) as caught:
            axis_group("stage", context=context, axes=members)
        assert caught.value.key == "axes"


def test_what_it_says_of_itself(stage: AxisGroup) -> None:
    assert "sx  1 mm, READY" in stage.__info__()
    assert repr(stage) == "<group of axes stage: sx 1 mm, sy 0 mm>"
