from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from session_shell.clock import VirtualClock
from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.context import DeviceContext
from session_shell.devices.positions.positions import MultiplePositions
from session_shell.devices.positions.positions_config import multiple_positions
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


# -- changed at the prompt (how files are changed: tests/unit/config/test_editing.py) ----------


@pytest.fixture
def edits(context: DeviceContext, axis: Make) -> tuple[MultiplePositions, list[Any], list[Any]]:
    axes = [axis("roby", high_limit=50), axis("robz")]
    by_name = {each.name: each for each in axes}
    items: list[Any] = [
        {"label": "in", "target": [{"axis": axes[0], "destination": 1, "tolerance": 0.1}]},
        {"label": "out", "target": [{"axis": axes[0], "destination": 5}]},
    ]
    written = [{"label": i["label"], "target": [{"axis": "$roby"}]} for i in items]

    def edit(name: str, key: str, change: Callable[[Any], None]) -> None:
        assert (name, key) == ("mp", "positions")
        change(written)

    there = dataclasses.replace(context, find=by_name.__getitem__, edit=edit)
    return multiple_positions("mp", context=there, positions=items), axes, written


def test_create_update_remove(edits: tuple[Any, list[Any], list[Any]]) -> None:
    mp, (roby, robz), written = edits
    mp.create_position("both", [(roby, 2.00000000000001), (robz, 3, 0.2)], "half\nway")
    assert written[-1] == {
        "label": "both",
        "description": "half way",
        "target": [
            {"axis": "$roby", "destination": 2, "tolerance": 0.1},
            {"axis": "$robz", "destination": 3, "tolerance": 0.2},
        ],
    }
    mp.both()
    assert mp.position == "both"
    robz.move(4)
    assert mp.position == "unknown"
    mp.update_position("both")
    assert mp.position == "both"
    assert written[-1]["target"][1]["destination"] == 4
    mp.update_position("in", description="in the beam")
    assert written[0]["description"] == "in the beam"
    assert mp.targets_dict["in"][0].destination == 1
    mp.remove_position("both")
    assert [item["label"] for item in written] == mp.labels == ["in", "out"]
    assert not hasattr(mp, "both")
    robz.move(0)
    mp.create_position("here")
    assert [t.destination for t in mp.targets_dict["here"]] == [2.0]


def test_an_update_leaves_the_other_axes(edits: tuple[Any, list[Any], list[Any]]) -> None:
    mp, (roby, robz), written = edits
    mp.create_position("both", [(roby, 2), (robz, 3, 0.2)])
    mp.update_position("both", [(roby, 3.25)])
    assert [(t.axis.name, t.destination) for t in mp.targets_dict["both"]] == [
        ("roby", 3.25),
        ("robz", 3),
    ]
    mp.update_position("both", (robz, 4))
    assert written[-1]["target"] == [
        {"axis": "$roby", "destination": 3.25, "tolerance": 0.1},
        {"axis": "$robz", "destination": 4, "tolerance": 0.2},
    ]
    mp.create_position("one", (robz, 1))
    mp.update_position("one", (roby, 5))  # another axis joins
    assert [t.axis.name for t in mp.targets_dict["one"]] == ["robz", "roby"]
    assert [t["destination"] for t in written[-1]["target"]] == [1, 5]


def test_for_this_session_only(edits: tuple[Any, list[Any], list[Any]]) -> None:
    mp, (roby, _), written = edits
    before = list(written)
    mp.create_position("x", (roby, 3), save=False)
    mp.update_position("x", (roby, 4), save=False)
    mp.x()
    assert roby.position == 4.0
    mp.remove_position("x", save=False)
    assert written == before


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda mp, a: mp.create_position("in", (a, 1)), "mp has a position 'in' already"),
        (lambda mp, a: mp.create_position("", (a, 1)), "a label must be some text"),
        (lambda mp, a: mp.create_position("unknown", (a, 1)), "a label must be some text"),
        (lambda mp, a: mp.create_position(5, (a, 1)), "a label must be some text"),
        (lambda mp, a: mp.create_position("x", a), "expected a list of"),
        (lambda mp, a: mp.create_position("x", []), "expected a list of"),
        (lambda mp, a: mp.create_position("x", [(a,)]), "expected .axis, destination. or"),
        (lambda mp, a: mp.create_position("x", [("roby", 1)]), "expected .axis, destination. or"),
        (lambda mp, a: mp.create_position("x", [(a, 1), (a, 2)]), "roby is given twice"),
        (lambda mp, a: mp.create_position("x", (a, "far")), "destination cannot be 'far'"),
        (lambda mp, a: mp.create_position("x", (a, 1, -1)), "tolerance must not be negative"),
        (lambda mp, a: mp.create_position("x", (a, 60)), "60 mm is outside"),
        (lambda mp, a: mp.create_position("x", (a, 1), 5), "a description must be text"),
        (lambda mp, a: mp.update_position("y"), "mp has no position 'y'; it has in, out"),
        (lambda mp, a: mp.update_position("in", (a, 99)), "99 mm is outside"),
        (lambda mp, a: mp.remove_position("y"), "mp has no position 'y'"),
    ],
)
def test_what_is_refused(
    edits: tuple[Any, list[Any], list[Any]], call: Callable[[Any, Any], None], text: str
) -> None:
    mp, (roby, _), written = edits
    before, labels = repr(written), mp.labels
    with pytest.raises((CommandError, DeviceError), match=text):
        call(mp, roby)
    assert (repr(written), mp.labels) == (before, labels)


def test_the_last_position_stays(edits: tuple[Any, list[Any], list[Any]]) -> None:
    mp = edits[0]
    mp.remove_position("in")
    with pytest.raises(CommandError, match="'out' is the last position and stays"):
        mp.remove_position("out")


def test_axes_that_are_not_configured(
    edits: tuple[Any, list[Any], list[Any]], axis: Make, context: DeviceContext
) -> None:
    mp = edits[0]
    with pytest.raises(CommandError, match="roby is not in the configuration"):
        mp.create_position("x", (axis("roby"), 1))
    alone = multiple_positions(
        "mp",
        context=dataclasses.replace(context, find=lambda _: mp.axes[0]),
        positions=[{"label": "a", "target": [{"axis": mp.axes[0], "destination": 1}]}],
    )
    with pytest.raises(DeviceError, match="mp: it has no configuration file to write to"):
        alone.create_position("x", (mp.axes[0], 1))
    assert alone.labels == ["a"]
