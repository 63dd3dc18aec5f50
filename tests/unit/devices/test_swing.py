from __future__ import annotations

import numpy as np
import pytest

from session_shell.errors import CommandError, DeviceError, LimitError
from session_shell.session import Session


def test_an_axis_swings_around_where_it_is(session: Session) -> None:
    session.run("mv(roby, 5)")
    roby = session.namespace["roby"]
    roby.start_swing(2)
    seen = []
    for _ in range(2000):
        session.clock.sleep(0.01)
        seen.append(roby.position)
    assert min(seen) == pytest.approx(4, abs=0.01)
    assert max(seen) == pytest.approx(6, abs=0.01)
    # At 100 mm/s^2 no step of 10 ms is longer than the velocity allows, turns included.
    assert np.abs(np.diff(seen)).max() <= 10 * 0.01 + 1e-9
    with pytest.raises(DeviceError, match="goes to and fro until it is stopped"):
        roby.wait_move()
    with pytest.raises(DeviceError, match="is moving"):
        roby.move(0)
    roby.stop()
    roby.wait_move()
    assert not roby.is_moving
    assert 4 <= roby.position <= 6


def test_rockit_brings_it_back(session: Session) -> None:
    session.run("mv(roby, 5)\nwith rockit(roby, 0.5):\n    s = loopscan(50, 0.1, roby, save=False)")
    places = session.namespace["s"].data["roby"]
    assert places.min() >= 4.75 - 1e-6
    assert places.max() <= 5.25 + 1e-6
    assert len(set(places)) > 10
    assert session.namespace["roby"].position == 5


def test_rockit_brings_it_back_after_an_error(session: Session) -> None:
    with pytest.raises(ZeroDivisionError):
        session.run("with rockit(roby, 1):\n    sleep(1.234)\n    1 / 0")
    assert session.namespace["roby"].position == 0
    assert not session.namespace["roby"].is_moving


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("rockit(roby, 101)", LimitError, "roby: -50.5 mm is outside"),
        ("rockit(roby, 0)", DeviceError, "width of the swing"),
        ("rockit(diode, 1)", CommandError, "motor must be an axis"),
    ],
)
def test_what_cannot_swing(
    session: Session, code: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        session.run(f"with {code}:\n    pass")
    assert not session.namespace["roby"].is_moving
