"""Listening to what is printed must not be noticed by anybody."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from session_shell.journal import read_journal
from session_shell.journal.output import Listener
from session_shell.session import Session
from session_shell.sinks.live import LiveDisplay


def heard(listener: Listener, action: Callable[[], object]) -> str:
    listener.begin()
    try:
        action()
    finally:
        text, _ = listener.end()
    return text


def test_the_stream_of_the_session_and_standard_output_may_be_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    listener = Listener()
    stream = listener.stream(out)

    def both() -> None:
        print("printed")
        stream.write("shown\n")
        sys.stdout.writelines(["a\n", "b\n"])

    assert heard(listener, both) == "printed\nshown\na\nb\n"
    assert out.getvalue() == "printed\nshown\na\nb\n"
    assert sys.stdout is out
    stream.write("nobody listens\n")
    assert heard(listener, lambda: None) == ""


def test_a_live_display_is_heard_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    listener = Listener()
    stream = listener.stream(out)

    def live() -> None:
        with LiveDisplay(stream) as display:
            display.status("busy")
            display.draw()
            print("printed meanwhile")
            display.print("a row")

    assert heard(listener, live) == "printed meanwhile\na row\n"
    assert sys.stdout is out


def test_everything_else_is_that_of_the_stream(tmp_path: Path) -> None:
    listener = Listener()
    with (tmp_path / "out.txt").open("w", encoding="latin-1") as file:
        stream = listener.stream(file)
        assert stream.encoding == "latin-1"
        assert stream.fileno() == file.fileno()
        assert not stream.isatty()
        assert stream.name == file.name
        with pytest.raises(AttributeError):
            stream.nothing_like_it  # noqa: B018
        stream.reconfigure(line_buffering=True)
        assert file.line_buffering
        subprocess.run([sys.executable, "-c", "print('child')"], stdout=stream, check=True)
        Console(file=stream).print("rich")
    assert (tmp_path / "out.txt").read_text() == "child\nrich\n"


def test_what_could_not_be_written_is_an_error_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    gone = Gone()
    monkeypatch.setattr(sys, "stdout", gone)
    listener = Listener()
    listener.begin()
    try:
        with pytest.raises(BrokenPipeError):
            print("lost")
    finally:
        text, _ = listener.end()
    assert text == ""
    assert sys.stdout is gone


def test_threads_may_print_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())

    def work(name: str) -> None:
        for _ in range(500):
            sys.stdout.write(f"{name}\n")

    def both() -> None:
        threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(heard(Listener(), both).split()) == ["a"] * 500 + ["b"] * 500


def test_without_standard_streams_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert heard(Listener(), lambda: None) == ""
    assert sys.stdout is None


def test_a_session_inside_a_command_of_another_hears_its_own(
    make_session: Callable[..., Session], tmp_path: Path
) -> None:
    outer = make_session(data=tmp_path / "outer")
    inner = make_session(data=tmp_path / "inner")
    before = sys.stdout
    with outer:
        outer.namespace["inner"] = inner
        outer.run("print('outer'); inner.run(\"print('inner')\"); print('outer again')")
    assert sys.stdout is before
    outputs = []
    for session in (outer, inner):
        assert session.journal.path is not None
        done = read_journal(session.journal.path).commands[0].done
        outputs.append(done.output if done is not None else None)
    assert outputs == ["outer\ninner\nouter again\n", "inner\n"]
