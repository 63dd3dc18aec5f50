"""Properties of trajectories: how many points, where they begin and end, in which order."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_shell.errors import CommandError, LimitError
from session_shell.scanning.plan import Trajectory

positions = st.floats(-1e6, 1e6, allow_nan=False)
intervals = st.integers(1, 12)


class Axis:
    """An axis that remembers which targets were checked."""

    unit, position = "mm", 0.0

    def __init__(self, name: str, high: float = np.inf) -> None:
        self.name, self.high = name, high
        self.checked: list[float] = []

    def check_targets(self, targets: Any) -> None:
        self.checked += list(targets)
        if max(targets) > self.high:
            raise LimitError("outside", device=self.name)

    def start_move(self, target: float) -> Any: ...

    def stop(self) -> None: ...


@given(start=positions, stop=positions, count=intervals)
def test_a_line_has_its_ends_and_equal_steps(start: float, stop: float, count: int) -> None:
    line = Trajectory.line((Axis("x"), start, stop), intervals=count)
    places = [target[0] for target in line.targets()]
    assert (line.npoints, line.shape, len(places)) == (count + 1, (count + 1,), count + 1)
    assert places[0] == start
    assert places[-1] == stop
    assert np.diff(places) == pytest.approx((stop - start) / count, abs=1e-6)


@given(counts=st.lists(intervals, min_size=1, max_size=3), zigzag=st.booleans())
def test_a_mesh_visits_every_place_once(counts: list[int], zigzag: bool) -> None:
    legs = [(Axis(f"x{n}"), 0.0, float(count), count) for n, count in enumerate(counts)]
    mesh = Trajectory.mesh(*legs, backnforth=zigzag)
    shape = tuple(count + 1 for count in counts[::-1])
    assert mesh.shape == shape
    assert mesh.npoints == np.prod(shape)
    assert [axis.name for axis in mesh.axes] == [leg[0].name for leg in legs[::-1]]
    places = list(mesh.targets())
    plain = list(product(*(map(float, range(size)) for size in shape)))
    assert sorted(places) == plain
    if not zigzag:
        assert places == plain
    else:
        # Along a line only the fast axis moves, by one step each time.
        fast = np.array(places)[:, -1].reshape(-1, shape[-1])
        assert (np.abs(np.diff(fast)) == 1).all()
        for line, following in pairwise(fast):
            assert line[-1] == following[0]


@given(counts=st.tuples(intervals, intervals), zigzag=st.booleans())
def test_limits_are_checked_for_every_point(counts: tuple[int, int], zigzag: bool) -> None:
    x, y = Axis("x"), Axis("y")
    mesh = Trajectory.mesh((x, 0, 1, counts[0]), (y, 0, 1, counts[1]), backnforth=zigzag)
    mesh.check()
    assert len(x.checked) == len(y.checked) == mesh.npoints
    with pytest.raises(LimitError):
        Trajectory.line((Axis("z", high=0.5), 0, 1), intervals=counts[0]).check()


def test_an_axis_occurs_once() -> None:
    axis = Axis("x")
    with pytest.raises(CommandError, match="x is scanned twice"):
        Trajectory.line((axis, 0, 1), (axis, 0, 1), intervals=2).check()


def test_positions_cannot_be_changed_afterwards() -> None:
    line = Trajectory.line((Axis("x"), 0, 1), intervals=2)
    with pytest.raises(ValueError, match="read-only"):
        line.positions[0, 0] = 5


def test_still_trajectories() -> None:
    assert list(Trajectory.still(3).targets()) == [(), (), ()]
    endless = Trajectory.still(0).targets()
    assert [next(endless) for _ in range(4)] == [()] * 4


def test_long_lines_are_walked_in_blocks() -> None:
    line = Trajectory.line((Axis("x"), 0, 10000), intervals=10000)
    assert [t[0] for t in line.targets()] == [float(n) for n in range(10001)]
