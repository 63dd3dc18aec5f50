"""The live positions of `umv`."""

from __future__ import annotations

import io

import pytest

from session_shell.sinks import MovingPositions, live


def test_a_pipe_gets_the_first_and_the_last_positions():
    out = io.StringIO()
    with MovingPositions(out, ["roby", "robz"], ["mm", "deg"]) as positions:
        for i in range(100):
            positions.update([float(i), -float(i)])
    assert out.getvalue().splitlines() == [
        "     roby[mm]    robz[deg]",
        "      0.00000      0.00000",
        "     99.00000    -99.00000",
    ]


def test_positions_have_the_digits_of_their_axis():
    out = io.StringIO()
    with MovingPositions(out, ["piezo", "theta", "energy"], ["m"], [9, 1, None]) as positions:
        positions.update([1e-7, 359.96, 2.5e-7])
    assert out.getvalue().splitlines()[-1].split() == ["0.000000100", "360.0", "2.5e-07"]


def test_a_position_is_not_told_twice():
    out = io.StringIO()
    with MovingPositions(out, ["roby"]) as positions:
        positions.update([1.0])
        positions.update([1.0])
    assert len(out.getvalue().splitlines()) == 2


def test_a_terminal_shows_them_at_one_place(terminal, monkeypatch):
    monkeypatch.setattr(live, "REDRAW_SECONDS", 3600)
    with MovingPositions(terminal, ["roby"], ["mm"]) as positions:
        for value in (1.0, 2.0, 3.0):
            positions.update([value])
            positions._display.draw()
        assert [line.split() for line in terminal.lines() if line] == [["roby[mm]"], ["3.00000"]]
    assert [line.split() for line in terminal.lines() if line] == [["roby[mm]"], ["3.00000"]]


def test_many_axes_on_a_narrow_terminal(make_terminal, monkeypatch):
    monkeypatch.setattr(live, "REDRAW_SECONDS", 3600)
    terminal = make_terminal(columns=30)
    names = [f"m{i}" for i in range(5)]
    with MovingPositions(terminal, names) as positions:
        positions.update([float(i) for i in range(5)])
        positions._display.draw()
        words = [line.split() for line in terminal.lines() if line]
    assert words == [
        ["m0", "m1"], ["0.00000", "1.00000"],
        ["m2", "m3"], ["2.00000", "3.00000"],
        ["m4"], ["4.00000"],
    ]  # fmt: skip


def test_the_positions_where_an_interrupt_stopped_them_stay(terminal):
    with pytest.raises(KeyboardInterrupt), MovingPositions(terminal, ["roby"]) as positions:  # noqa: PT012
        positions.update([4.5])
        raise KeyboardInterrupt
    assert any("4.50000" in line for line in terminal.lines())
