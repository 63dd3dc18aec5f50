from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from session_shell.clock import VirtualClock
from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.axes.calculated import CalculatedAxis
from session_shell.devices.axes.slits import slits
from session_shell.devices.context import DeviceContext
from session_shell.devices.motion.together import move_together, start_together
from session_shell.devices.protocols import missing_members
from session_shell.errors import (
    CommandError,
    ConfigError,
    DeviceError,
    DeviceTimeoutError,
    LimitError,
)

Make = Callable[..., SimulatedAxis]


@pytest.fixture
def blades(axis: Make) -> dict[str, SimulatedAxis]:
    names = {"s1u": "up", "s1d": "down", "s1f": "front", "s1b": "back"}
    return {
        tag: axis(name, low_limit=-5.0, high_limit=10.0, position=1.0)
        for name, tag in names.items()
    }


@pytest.fixture
def s1(blades: dict[str, SimulatedAxis], context: DeviceContext) -> dict[str, Any]:
    items: list[dict[str, Any]] = [
        {"name": blade, "tags": f"real {tag}"} for tag, blade in blades.items()
    ]
    items += [
        {"name": "s1vg", "tags": "vgap", "low_limit": 0},
        {"name": "s1vo", "tags": ["voffset"]},
        {"name": "s1hg", "tags": "hgap", "high_limit": "inf"},
        {"name": "s1ho", "tags": "hoffset"},
    ]
    return slits("s1", context=context, axes=items)


def test_names(s1: dict[str, Any]) -> None:
    assert list(s1) == ["s1vg", "s1vo", "s1hg", "s1ho", "s1"]
    assert missing_members(s1["s1vg"], "axis") == []


def test_gap_and_offset(s1: dict[str, Any], blades: dict[str, SimulatedAxis]) -> None:
    blades["up"].move(3)
    assert (s1["s1vg"].position, s1["s1vo"].position) == (4.0, 1.0)
    assert (s1["s1hg"].position, s1["s1ho"].position) == (2.0, 0.0)


def test_moving_one_leaves_the_other(s1: dict[str, Any], blades: dict[str, SimulatedAxis]) -> None:
    s1["s1vo"].move(0.5)
    s1["s1vg"].move(4)
    assert (s1["s1vg"].position, s1["s1vo"].position) == (4.0, 0.5)
    assert (blades["up"].position, blades["down"].position) == (2.5, 1.5)
    s1["s1vg"].rmove(-1)
    assert s1["s1vg"].position == 3.0
    assert s1["s1hg"].position == 2.0


def test_blades_move_together(
    s1: dict[str, Any], blades: dict[str, SimulatedAxis], clock: VirtualClock
) -> None:
    gap = s1["s1vg"]
    status = gap.start_move(4.0)
    assert blades["up"].is_moving
    assert blades["down"].is_moving
    assert gap.is_moving
    assert "MOVING" in gap.state
    assert not status.done()
    with pytest.raises(DeviceTimeoutError):
        status.result(0.01)
    with pytest.raises(DeviceTimeoutError):
        gap.wait_move(0.01)
    assert 2 < gap.position < 4
    status.result()
    assert status.done()
    assert gap.position == 4.0
    assert str(gap.state) == "READY"
    gap.wait_move(1)


def test_gap_and_offset_can_be_moved_at_once(
    s1: dict[str, Any], blades: dict[str, SimulatedAxis], clock: VirtualClock
) -> None:
    move_together([(s1["s1vg"], 3), (s1["s1vo"], -0.5), (s1["s1hg"], 1)], clock=clock)
    assert [s1[n].position for n in ("s1vg", "s1vo", "s1hg", "s1ho")] == [3.0, -0.5, 1.0, 0.0]
    for status in start_together([(s1["s1vo"], 0.5), (s1["s1vg"], 1)]):
        status.result()
    assert (blades["up"].position, blades["down"].position) == (1.0, 0.0)


def test_a_blade_and_its_gap_at_once(
    s1: dict[str, Any], blades: dict[str, SimulatedAxis], clock: VirtualClock
) -> None:
    with pytest.raises(CommandError, match="s1u is already moved by a calculated axis"):
        move_together([(blades["up"], 3), (s1["s1vg"], 1)], clock=clock)
    assert blades["up"].position == 1.0


def test_limits_of_the_blades_hold(s1: dict[str, Any], blades: dict[str, SimulatedAxis]) -> None:
    text = r"s1vg cannot get there: s1u: 15 mm is outside \[-5, 10\] mm"
    with pytest.raises(LimitError, match=text):
        s1["s1vg"].move(30)
    with pytest.raises(LimitError, match=text):
        s1["s1vg"].start_move(30)
    with pytest.raises(LimitError, match=text):
        s1["s1vg"].check_targets(np.array([1.0, 2.0, 30.0]))
    with pytest.raises(LimitError, match="s1vo cannot get there: s1d: -6 mm"):
        s1["s1vo"].check_targets([7])
    assert not blades["up"].is_moving
    assert not blades["down"].is_moving


def test_limits_of_its_own_hold(s1: dict[str, Any]) -> None:
    gap = s1["s1vg"]
    with pytest.raises(LimitError, match=r"s1vg: -1 mm is outside \[0, inf\] mm"):
        gap.move(-1)
    gap.limits = (None, 3)
    assert gap.high_limit == 3.0
    with pytest.raises(LimitError, match="s1vg: 4 mm"):
        gap.check_targets([1, 4])
    with pytest.raises(DeviceError, match="low limit must be below"):
        gap.limits = (3, 3)
    assert gap.low_limit == -np.inf


@pytest.mark.parametrize("bad", ["1", True, None, float("nan"), float("inf")])
def test_bad_targets(s1: dict[str, Any], bad: Any) -> None:
    for verb in (s1["s1vg"].move, s1["s1vg"].start_move, s1["s1vg"].rmove):
        with pytest.raises(DeviceError, match="s1vg: target"):
            verb(bad)
    with pytest.raises(DeviceError):
        s1["s1vg"].check_targets([bad])


def test_stop(s1: dict[str, Any], blades: dict[str, SimulatedAxis], clock: VirtualClock) -> None:
    gap = s1["s1vg"]
    gap.move(10, wait=False)
    clock.sleep(0.3)
    gap.stop()
    gap.wait_move()
    assert 2 < gap.position < 10
    assert blades["up"].position == blades["down"].position


def test_a_blade_that_moves_keeps_the_gap_from_moving(
    s1: dict[str, Any], blades: dict[str, SimulatedAxis]
) -> None:
    blades["down"].start_move(3.0)
    with pytest.raises(DeviceError, match="s1d: is moving"):
        s1["s1vg"].start_move(5.0)
    assert not blades["up"].is_moving


def test_a_blade_that_does_not_stop(s1: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any) -> None:
        raise OSError("no answer")

    monkeypatch.setattr(SimulatedAxis, "stop", fail)
    with pytest.raises(DeviceError, match="s1vg: s1u: did not stop: no answer; s1d"):
        s1["s1vg"].stop()


def test_many_moves_do_not_let_the_offset_drift(
    s1: dict[str, Any], blades: dict[str, SimulatedAxis]
) -> None:
    s1["s1vo"].move(0.3004)
    for gap in np.linspace(1, 2, 101):
        s1["s1vg"].move(gap)
    assert s1["s1vo"].position == pytest.approx(0.3004, abs=0.0011)
    blades["up"].rmove(1)
    s1["s1vg"].move(2)
    assert s1["s1vo"].position == pytest.approx(0.8, abs=0.002)


def test_the_position_is_not_set(s1: dict[str, Any]) -> None:
    with pytest.raises(DeviceError, match=r"s1vg: it is calculated.*s1vg\.move\(3\).*s1u, s1d"):
        s1["s1vg"].position = 3
    assert s1["s1vg"].dial == s1["s1vg"].position


def test_info_repr_and_metadata(s1: dict[str, Any]) -> None:
    assert repr(s1["s1vg"]) == "<axis s1vg: 2 mm, READY>"
    assert repr(s1["s1"]) == "<slits s1: vgap 2 mm, voffset 0 mm, hgap 2 mm, hoffset 0 mm>"
    assert "s1vg: calculated axis (vgap)" in s1["s1vg"].__info__()
    assert "s1u (up)" in s1["s1"].__info__()
    found = s1["s1vg"].channel_metadata()
    assert found["calculated_from"] == "s1u, s1d"
    assert found["soft_limit_min"] == 0.0
    assert found["soft_limit_min@units"] == "mm"
    assert "soft_limit_max" not in found


def test_one_pair_without_a_name(axis: Make, context: DeviceContext) -> None:
    made = slits(
        "",
        context=context,
        axes=[
            {"name": axis("u"), "tags": "real,up"},
            {"name": axis("d"), "tags": "real down"},
            {"name": "gap", "tags": "vgap"},
        ],
    )
    assert list(made) == ["gap"]
    assert isinstance(made["gap"], CalculatedAxis)
    with pytest.raises(CommandError, match="other is not calculated by slits"):
        made["gap"].controller.real_targets({"other": 1.0})


@pytest.mark.parametrize(
    ("items", "key", "text"),
    [
        ([3], "axes.0", "needs a name"),
        ([{"tags": "vgap"}], "axes.0", "needs a name"),
        ([{"name": "gap"}], "axes.0.tags", "not None"),
        ([{"name": "gap", "tags": "wide"}], "axes.0.tags", "not 'wide'"),
        ([{"name": "gap", "tags": "real vgap"}], "axes.0.tags", "tags must be"),
        ([{"name": "blade", "tags": "up"}], "axes.0.tags", "tags must be"),
        ([{"name": "gap", "tags": 5}], "axes.0.tags", "not 5"),
        ([{"name": "blade", "tags": "real up"}], "axes.0.name", "like \\$roby"),
        ([{"name": "gap", "tags": "vgap"}], "axes", "real up"),
        (
            [{"name": "a", "tags": "vgap"}, {"name": "b", "tags": "vgap"}],
            "axes.1.tags",
            "there twice",
        ),
    ],
)
def test_bad_configuration(context: DeviceContext, items: list[Any], key: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        slits("s1", context=context, axes=items)
    assert caught.value.key == key


def test_bad_limits_in_the_configuration(axis: Make, context: DeviceContext) -> None:
    items = [
        {"name": axis("u"), "tags": "real up"},
        {"name": axis("d"), "tags": "real down"},
        {"name": "gap", "tags": "vgap", "low_limit": "low"},
    ]
    with pytest.raises(ConfigError, match="limit cannot be 'low'") as caught:
        slits("s1", context=context, axes=items)
    assert caught.value.key == "axes.2"
