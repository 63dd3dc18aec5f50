from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from session_shell.devices.text import place
from session_shell.errors import CommandError, LimitError
from session_shell.session import Session
from session_shell.sinks import positions

Capture = pytest.CaptureFixture[str]


def position(session: Session, name: str = "roby") -> float:
    value: float = session.namespace[name].position
    return value


@pytest.mark.parametrize("verb", ["mv", "umv", "move"])
def test_moves_to_positions(session: Session, verb: str) -> None:
    session.run(f"{verb}(roby, 2, robz, -1.5)")
    assert (position(session), position(session, "robz")) == (2, -1.5)


@pytest.mark.parametrize("typed", ["mvr(roby, 1)", "umvr(roby, 1)", "move(roby, 1, relative=True)"])
def test_moves_by_distances(session: Session, typed: str) -> None:
    session.run("mv(roby, 2)")
    session.run(typed)
    assert position(session) == 3


def test_nothing_moves_beyond_a_limit(session: Session) -> None:
    with pytest.raises(LimitError, match=r"roby: 99 mm is outside \[-50, 50\] mm"):
        session.run("umv(robz, 1, roby, 99)")
    assert position(session, "robz") == 0


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("mv()", r"expected pairs .* like mv\(roby, 1\)"),
        ("umv(roby)", r"like umv\(roby, 1\)"),
        ("mv(diode, 1)", "argument 1 must be an axis, got diode"),
        ("mv(roby, 'x')", "the position of roby must be a number, got 'x'"),
        ("mv(roby, None)", "the position of roby must be a number"),
        ("mv(roby, 1, roby, 2)", "roby is given twice"),
        ("move(roby, 1, wait='x')", "wait must be True or False"),
        ("wm('nothing')", "argument 1 must be an axis, got 'nothing'"),
        ("sleep(-1)", "seconds must be 0 s or more"),
    ],
)
def test_what_cannot_be_is_told(session: Session, typed: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        session.run(typed)


def test_a_move_in_the_background_can_be_stopped(session: Session) -> None:
    session.run("move(roby, 40, wait=False)")
    session.clock.sleep(1)
    assert session.namespace["roby"].is_moving
    session.run("stop()")
    assert not session.namespace["roby"].is_moving
    assert 0 < position(session) < 40
    with pytest.raises(CommandError):
        session.run("stop('nothing')")


def test_umv_shows_positions(make_session: Callable[..., Session]) -> None:
    stream = io.StringIO()
    make_session(stream=stream).run("umv(roby, 2)")
    assert "roby[mm]" in stream.getvalue()
    assert "2.0000" in stream.getvalue()


def test_where_all_is(session: Session, capsys: Capture) -> None:
    session.run("mv(roby, 2); roby.offset = 1; wa()")
    out = capsys.readouterr().out
    assert "roby" in out
    assert "3.0000   2.0000   mm" in out
    session.run("wm(roby)")
    assert "-49.0" in capsys.readouterr().out
    session.run("sta(); lsmot()")
    out = capsys.readouterr().out
    assert "READY" in out
    assert "SimulatedAxis" in out


def test_positions_have_the_digits_that_their_axis_tells(
    config: Path, make_session: Callable[..., Session], capsys: Capture
) -> None:
    with (config / "bench.yml").open("a") as file:
        file.write(
            "- class: mockup\n"
            "  axes:\n"
            "    - {name: piezo, unit: m, steps_per_unit: 1.0e+10, low_limit: -1.0e-4}\n"
            "    - {name: coarse, unit: deg, steps_per_unit: 10}\n"
            "    - {name: told, unit: mm, steps_per_unit: 1000, display_digits: 1}\n"
        )
    with make_session() as session:
        session.run("piezo.velocity = 1e-5; piezo.acceleration = 1e-3; mv(piezo, 1e-7)")
        session.run("mv(coarse, -0.3, told, 2.34)")
        for typed in ("wa()", "wu()", "wm()"):
            capsys.readouterr()
            session.run(typed)
            lines = [line.split() for line in capsys.readouterr().out.splitlines()]
            rows = {words[0]: words[1:] for words in lines if words}
            assert rows["piezo"][0] == "0.0000001000"
            assert rows["coarse"][0] == "-0.3"
            assert rows["told"][0] == "2.3"
        assert rows["piezo"][1] == "-0.0001000000"
        session.namespace["fine"] = session.run(
            "soft_axis('fine', None, position=lambda: 3e-9, move=print)"
        )
        capsys.readouterr()
        session.run("wm('fine')")
        assert "3e-09" in capsys.readouterr().out


@pytest.mark.parametrize("value", [0.0, -0.0, -1e-12, 1e-12])
def test_zero_has_no_sign(value: float) -> None:
    assert place(value, 3) == "0.000"


def test_an_axis_that_cannot_be_read_is_shown_as_such(session: Session, capsys: Capture) -> None:
    class Broken:
        name, unit = "bad", "mm"
        check_targets = start_move = stop = None

        @property
        def position(self) -> float:
            raise OSError("no answer")

    session.devices["bad"] = Broken()
    session.run("wa()")
    out = capsys.readouterr().out
    assert "?" in out
    assert "OSError: no answer" in out


def test_sleep_takes_the_time_of_the_clock(session: Session) -> None:
    before = session.clock.time()
    session.run("sleep(3600)")
    assert session.clock.time() == before + 3600


def test_under_a_virtual_clock_the_same_is_shown_on_a_busy_machine(
    make_session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(0, 10_000, 10))  # ten seconds of real time between any two looks
    monkeypatch.setattr(positions.time, "monotonic", lambda: float(next(ticks)))
    out = io.StringIO()
    make_session(stream=out).run("umv(roby, 5)")
    assert [line.split() for line in out.getvalue().splitlines()] == [
        ["roby[mm]"],
        ["0.0000"],
        ["5.0000"],
    ]
