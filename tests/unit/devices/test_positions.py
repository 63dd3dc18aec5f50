from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from session_shell.clock import VirtualClock
from session_shell.devices.axis import SimulatedAxis
from session_shell.devices.context import DeviceContext
from session_shell.devices.positions import MultiplePositions, multiple_positions
from session_shell.devices.protocols import is_axis
from session_shell.errors import (
    CommandError,
    ConfigError,
    DeviceError,
    DeviceTimeoutError,
    LimitError,
)

Make = Callable[..., SimulatedAxis]
START = 1_700_000_000.0


def positions(tx: SimulatedAxis, tz: SimulatedAxis) -> list[dict[str, Any]]:
    return [
        {
            "label": "out",
            "description": "nothing in the beam",
            "target": [
                {"axis": tx, "destination": 0, "tolerance": 0.1},
                {"axis": tz, "destination": 0},
            ],
        },
        {
            "label": "Al_20um",
            "target": [{"axis": tx, "destination": 10.0}, {"axis": tz, "destination": 5.0}],
            "scan_metadata": {"thickness": 20.0, "thickness@units": "um"},
        },
        {"label": "beam stop", "target": [{"axis": tx, "destination": 20.0}]},
        {"label": "move", "target": [{"axis": tx, "destination": 1000.0}]},
        {"label": "class", "target": [{"axis": tz, "destination": 7.0}]},
        {"label": 30, "target": [{"axis": tx, "destination": 30.0}]},
    ]


@pytest.fixture
def axes(axis: Make) -> tuple[SimulatedAxis, SimulatedAxis]:
    return axis("tx", high_limit=50.0), axis("tz", velocity=5.0)


@pytest.fixture
def mp(axes: tuple[SimulatedAxis, SimulatedAxis], context: DeviceContext) -> MultiplePositions:
    return multiple_positions("mp", context=context, positions=positions(*axes))


def test_position_is_a_label(
    mp: MultiplePositions, axes: tuple[SimulatedAxis, SimulatedAxis]
) -> None:
    assert mp.position == "out"
    axes[0].move(0.1)
    assert mp.position == "out"
    axes[0].move(0.102)
    assert mp.position == "unknown"


def test_move_takes_all_axes_together(mp: MultiplePositions, clock: VirtualClock) -> None:
    mp.move("Al_20um")
    assert mp.position == "Al_20um"
    assert clock.time() - START == pytest.approx(1.1)
    mp.move("beam stop")
    assert mp.position == "beam stop"
    mp.move("30")
    assert mp.position == "30"


def test_labels_are_methods(mp: MultiplePositions) -> None:
    mp.Al_20um()
    assert mp.position == "Al_20um"
    assert mp.out.__doc__ == "Move mp to 'out'."
    assert "Al_20um" in dir(mp)
    assert "beam stop" not in dir(mp)
    assert mp.move.__func__ is MultiplePositions.move
    assert not hasattr(mp, "class")
    assert mp.labels == ["out", "Al_20um", "beam stop", "move", "class", "30"]


def test_while_it_moves(mp: MultiplePositions, clock: VirtualClock) -> None:
    mp.out(wait=False)
    mp.Al_20um(wait=False)
    assert (mp.position, mp.state, mp.is_moving) == ("unknown", "MOVING", True)
    with pytest.raises(DeviceTimeoutError):
        mp.wait_move(0.5)
    mp.wait_move()
    assert (mp.position, mp.state) == ("Al_20um", "READY")


def test_stop(mp: MultiplePositions, clock: VirtualClock) -> None:
    mp.move("Al_20um", wait=False)
    clock.sleep(0.5)
    mp.stop()
    assert (mp.position, mp.is_moving) == ("unknown", False)


def test_stop_tells_what_did_not(mp: MultiplePositions, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any) -> None:
        raise OSError("no answer")

    monkeypatch.setattr(SimulatedAxis, "stop", fail)
    with pytest.raises(DeviceError, match="mp: tx: did not stop: no answer"):
        mp.stop()


def test_bad_labels(mp: MultiplePositions) -> None:
    for bad in ("in", 3, None, ["out"]):
        with pytest.raises(CommandError, match=r"mp has no position .*; it has out, Al_20um"):
            mp.move(bad)


def test_beyond_a_limit_nothing_moves(
    mp: MultiplePositions, axes: tuple[SimulatedAxis, SimulatedAxis]
) -> None:
    with pytest.raises(LimitError, match="tx: 1000 mm"):
        mp.move("move")
    assert mp.position == "out"


def test_position_is_not_set(mp: MultiplePositions) -> None:
    with pytest.raises(DeviceError, match=r"mp: .* mp\.move\('Al_20um'\)"):
        mp.position = "Al_20um"


def test_it_is_no_axis(mp: MultiplePositions) -> None:
    assert not is_axis(mp)


def test_one_after_another(
    axes: tuple[SimulatedAxis, SimulatedAxis], context: DeviceContext, clock: VirtualClock
) -> None:
    mp = multiple_positions("mp", context=context, positions=positions(*axes), simultaneous=False)
    mp.move("Al_20um")
    assert mp.position == "Al_20um"
    assert clock.time() - START == pytest.approx(1.1 + 1.05)
    with pytest.raises(CommandError, match="one after another"):
        mp.move("out", wait=False)


def test_scan_metadata(mp: MultiplePositions) -> None:
    assert mp.scan_metadata() == {"position_label": "out", "description": "nothing in the beam"}
    mp.Al_20um()
    assert mp.scan_metadata() == {
        "position_label": "Al_20um",
        "thickness": 20.0,
        "thickness@units": "um",
    }
    mp.axes[0].move(3)
    assert mp.scan_metadata() == {"position_label": "unknown"}
    mp.disable_scan_metadata()
    assert mp.scan_metadata() is None
    assert not mp.publishes_metadata
    mp.enable_scan_metadata()
    assert mp.publishes_metadata


def test_info_repr_and_targets(mp: MultiplePositions) -> None:
    assert repr(mp) == "<multiple positions mp: out>"
    assert "* out" in mp.__info__()
    assert "tx 0 mm (± 0.1 mm), tz 0 mm (± 0.001 mm)  nothing in the beam" in mp.__info__()
    assert mp.targets_dict["Al_20um"][0].destination == 10.0
    assert [axis.name for axis in mp.axes] == ["tx", "tz"]


def _broken(tx: Any) -> list[tuple[list[Any], str, str]]:
    good = [{"axis": tx, "destination": 0}]
    return [
        ([], "positions", "at least one"),
        ([{"target": good}], "positions.0.label", "needs a label"),
        ([{"label": " ", "target": good}], "positions.0.label", "needs a label"),
        ([{"label": True, "target": good}], "positions.0.label", "needs a label"),
        ([{"label": "unknown", "target": good}], "positions.0.label", "not 'unknown'"),
        ([{"label": "a", "target": good}] * 2, "positions.1.label", "'a' is there twice"),
        ([{"label": "a"}], "positions.0.target", "list `target`"),
        ([{"label": "a", "target": []}], "positions.0.target", "list `target`"),
        ([{"label": "a", "target": "tx"}], "positions.0.target", "list `target`"),
        ([{"label": "a", "target": [3]}], "positions.0.target.0", "not 3"),
        ([{"label": "a", "target": [{"axis": "tx"}]}], "positions.0.target.0", "not 'tx'"),
        ([{"label": "a", "target": [{"axis": tx}]}], "positions.0.target.0", "destination"),
        (
            [{"label": "a", "target": [{"axis": tx, "destination": 1, "tolerance": -1}]}],
            "positions.0.target.0",
            "tolerance",
        ),
        (
            [{"label": "a", "target": good, "scan_metadata": 3}],
            "positions.0.scan_metadata",
            "mapping",
        ),
    ]


@pytest.mark.parametrize("index", range(14))
def test_bad_configuration(axis: Make, context: DeviceContext, index: int) -> None:
    items, key, text = _broken(axis("tx"))[index]
    with pytest.raises(ConfigError, match=text) as caught:
        multiple_positions("mp", context=context, positions=items)
    assert caught.value.key == key
