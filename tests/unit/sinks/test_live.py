"""The live display: what a terminal shows, and what a pipe gets."""

from __future__ import annotations

import io
import logging
import sys
import threading
import time

import pytest

from session_shell.sinks import live
from session_shell.sinks.live import LiveDisplay


@pytest.fixture
def manual(monkeypatch):
    """Draw only when told: the thread waits for ever."""
    monkeypatch.setattr(live, "REDRAW_SECONDS", 3600)


def test_a_pipe_gets_plain_lines_and_no_status():
    out = io.StringIO()
    with LiveDisplay(out) as display:
        display.print("one", "red")
        display.status("10 %")
        display.print("two")
    assert out.getvalue() == "one\ntwo\n"


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_dumb_terminal_is_no_terminal(terminal, monkeypatch, term):
    monkeypatch.setenv("TERM", term)
    with LiveDisplay(terminal) as display:
        display.print("one", "dim")
        display.status("10 %")
    assert terminal.getvalue() == "one\n"


def test_status_stays_below_the_lines(terminal, manual):
    with LiveDisplay(terminal) as display:
        display.print("one")
        display.status("first")
        display.draw()
        assert terminal.lines()[:3] == ["one", "first", ""]
        display.print("two")
        display.status("second\nand more")
        display.draw()
        assert terminal.lines()[:5] == ["one", "two", "second", "and more", ""]
        display.print("three")
        display.draw()
        assert terminal.lines()[:6] == ["one", "two", "three", "second", "and more", ""]
    assert [line for line in terminal.lines() if line] == ["one", "two", "three"]


def test_nothing_new_is_not_drawn_again(terminal, manual):
    with LiveDisplay(terminal) as display:
        display.status("same")
        display.draw()
        writes = terminal.writes
        display.draw()
        display.status("same")
        display.draw()
        assert terminal.writes == writes


def test_a_status_is_cut_to_the_terminal(make_terminal, manual):
    terminal = make_terminal(columns=20, rows=4)
    with LiveDisplay(terminal) as display:
        display.status("x" * 50 + "\n" + "\n".join("abcdef"))
        display.draw()
        assert terminal.lines() == ["x" * 19, "a", "b", ""]


def test_a_narrower_window_leaves_no_rest_of_the_status(terminal, manual):
    with LiveDisplay(terminal) as display:
        display.print("row")
        display.status("s" * 70)
        display.draw()
        terminal.resize(30, 24)
        # A terminal that wraps what no longer fits keeps its cursor on the same character.
        terminal.write("\x1bcrow\n" + "s" * 30 + "\n" + "s" * 30 + "\n" + "s" * 10 + "\x1b[2A\r")
        display.status("s" * 70)
        display.draw()
        assert [line for line in terminal.lines() if line] == ["row", "s" * 29]


def test_at_most_ten_drawings_a_second_whatever_the_rate(terminal):
    with LiveDisplay(terminal) as display:
        start = time.monotonic()
        before = terminal.writes
        calls = 0
        while time.monotonic() - start < 0.35:
            calls += 1
            display.status(f"call {calls}")
        drawings = terminal.writes - before
        allowed = (time.monotonic() - start) / live.REDRAW_SECONDS + 1
    assert 1 <= drawings <= allowed


def test_the_thread_draws_by_itself(terminal):
    seen = threading.Event()
    with LiveDisplay(terminal) as display:
        display.status(lambda: seen.set() or "busy")
        assert seen.wait(20)


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_the_terminal_is_given_back_after_an_error(terminal, error):
    stdout, stderr = sys.stdout, sys.stderr
    with pytest.raises(type(error)), LiveDisplay(terminal) as display:  # noqa: PT012
        display.status("busy")
        raise error
    assert terminal.getvalue().endswith("\x1b[?25h")
    assert (sys.stdout, sys.stderr) == (stdout, stderr)
    assert not any(t.name == "live display" for t in threading.enumerate())
    assert not any(terminal.lines())


def test_what_is_printed_or_logged_appears_above_in_order(terminal, manual, monkeypatch):
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    with LiveDisplay(terminal) as display:
        display.print("row 1")
        print("user")
        print("half", end="")
        print("-line\nand a whole one")
        sys.stdout.writelines(["a\n", "b\n"])
        sys.stdout.flush()
        assert sys.stdout.isatty()
        logging.getLogger("x").handlers = [logging.StreamHandler()]
        logging.getLogger("x").warning("careful")
        logging.getLogger("x").handlers = []
        display.print("row 2")
        display.status("bar")
        print("unfinished", end="")
    lines = [line for line in terminal.lines() if line]
    text = "row 1,user,half-line,and a whole one,a,b,careful,row 2,unfinished"
    assert lines == text.split(",")
    assert sys.stdout is terminal


def test_rows_that_wait_come_before_what_is_printed_later(monkeypatch, manual):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    waiting = ["row 1"]
    display = LiveDisplay(
        out, before_draw=lambda: [display.print(waiting.pop()) for _ in range(len(waiting))]
    )
    with display:
        print("user")
        waiting.append("row 2")
    assert out.getvalue() == "row 1\nuser\nrow 2\n"


def test_what_goes_to_a_file_is_not_touched(terminal, monkeypatch):
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    with LiveDisplay(terminal):
        print("to a file", file=sys.stderr)
        assert errors.getvalue() == "to a file\n"


def test_a_display_inside_another_only_prints_above_it(terminal, manual, monkeypatch):
    monkeypatch.setattr(sys, "stdout", terminal)
    with LiveDisplay(terminal) as outer:
        outer.status("outer bar")
        with LiveDisplay(terminal) as inner:
            inner.print("inner row")
            inner.status("inner bar")
            inner.draw()
            outer.draw()
            assert [line for line in terminal.lines() if line] == ["inner row", "outer bar"]
        outer.draw()
        assert [line for line in terminal.lines() if line] == ["inner row", "outer bar"]
    assert sys.stdout is terminal


def test_a_terminal_that_is_gone_is_told_once_and_everything_restored(terminal, monkeypatch):
    monkeypatch.setattr(sys, "stdout", terminal)
    display = LiveDisplay(terminal)
    display.open()
    terminal.broken = OSError(5, "Input/output error")
    display.print("lost")
    with pytest.raises(OSError, match="Input/output"):
        display.close()
    assert sys.stdout is terminal
    display.close()


def test_an_error_while_drawing_is_raised_by_the_next_call(terminal):
    failed = threading.Event()

    def draw() -> str:
        failed.set()
        raise RuntimeError("cannot draw")

    display = LiveDisplay(terminal)
    display.open()
    display.status(draw)
    assert failed.wait(20)
    display._thread.join()
    with pytest.raises(RuntimeError, match="cannot draw"):
        display.print("more")
    display.close()
    assert terminal.getvalue().endswith("\x1b[?25h")


def test_characters_that_the_stream_cannot_write_are_replaced():
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with LiveDisplay(out) as display:
        display.print("3 µm")
    assert out.buffer.getvalue() == b"3 ?m\n"


def test_no_colour_when_the_user_wants_none(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    with LiveDisplay(terminal) as display:
        display.print("wrong", "red")
    assert "\x1b[31m" not in terminal.getvalue()
    assert "wrong" in terminal.getvalue()


def test_a_closed_stream_is_no_terminal():
    out = io.StringIO()
    out.close()
    assert not live.is_terminal(out)
    assert not live.is_terminal(object())
