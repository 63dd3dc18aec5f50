"""What a journal keeps of printed output: the text as it stands on the screen at the end."""

from __future__ import annotations

import io

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_shell.journal.screen import Screen
from session_shell.sinks.live import LiveDisplay


def shown(*pieces: str) -> str:
    screen = Screen()
    for piece in pieces:
        screen.write(piece)
    return screen.text()[0]


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("", ""),
        ("one\ntwo\n", "one\ntwo\n"),
        ("no end of line", "no end of line"),
        ("\x1b[31mred\x1b[0m and \x1b[1;38;5;9mbold\x1b[m\n", "red and bold\n"),
        (" 10 %\r 50 %\r100 %\n", "100 %\n"),
        ("a long line\rshort\n", "shortg line\n"),
        ("a long line\r\x1b[Kshort\n", "short\n"),
        ("\x1b[?25lstatus\r\x1b[Jline\nstatus\r\x1b[J\x1b[?25h", "line\n"),
        ("one\ntwo\n\x1b[2A\x1b[JONE\n", "ONE\n"),
        ("one\ntwo\x1b[1A\r1\n2\n", "1ne\n2wo\n"),
        ("12345\b\b\bab\n", "12ab5\n"),
        ("\x1b]0;title\x07text\n", "text\n"),
        ("\x1b]0;title\x1b\\text\n", "text\n"),
        ("bell\x07 and \x00nul\n", "bell and nul\n"),
        ("a\tb\n", "a\tb\n"),
        ("trailing   \r\n", "trailing\n"),
        ("x\x1b[5Cy\n", "x     y\n"),
        ("é 漢字 😀\r1\n", "1 漢字 😀\n"),
        ("\x1b", ""),
        ("\x1b[", ""),
        ("text\x1b[2Jnew\n", "    new\n"),
    ],
)
def test_plain_text_remains(printed: str, text: str) -> None:
    assert shown(printed) == text
    assert shown(*printed) == text, "pieces of one character"


def test_movements_that_are_cut_in_two_are_put_together() -> None:
    screen = Screen()
    for _ in range(40):
        screen.write("x" * 10_000 + "\x1b[3")
        screen.write("1mred\x1b[0m\r\x1b[K")
    screen.write("end\n")
    assert screen.text()[0] == "end\n"


def test_a_status_that_was_drawn_a_whole_night_leaves_its_lines_only() -> None:
    screen = Screen()
    for number in range(20_000):
        line = f"line {number}\n" if number % 1000 == 0 else ""
        screen.write(f"\r\x1b[J{line}point {number}\n  moving \x1b[1A\r")
    screen.write("\r\x1b[J\x1b[?25h")
    assert screen.text()[0] == "".join(f"line {n}\n" for n in range(0, 20_000, 1000))


def test_long_output_keeps_its_beginning_and_its_end() -> None:
    screen = Screen(limit=1000)
    for number in range(100_000):
        screen.write(f"{number}\n")
    text, left_out = screen.text()
    whole = "".join(f"{n}\n" for n in range(100_000))
    assert text.startswith("0\n1\n2\n")
    assert text.endswith("99998\n99999\n")
    assert left_out == len(whole) - 1000
    assert f"[... {left_out} characters left out ...]" in text
    assert len(text) < 1100


def test_one_endless_line_is_bounded() -> None:
    screen = Screen(limit=1000)
    for _ in range(3000):
        screen.write("x" * 1000)
    text, left_out = screen.text()
    assert len(text) < 1100
    assert left_out == 3_000_000 - 1000


@given(st.lists(st.sampled_from(["text", "\n", "\r", "\x1b[K", "\x1b[J", "\x1b[A", "zz\n", "ab"])))
def test_it_agrees_with_a_terminal(pieces: list[str]) -> None:
    terminal = pyte.Screen(200, 400)
    stream = pyte.Stream(terminal)
    for piece in pieces:
        stream.feed(piece.replace("\n", "\r\n"))
    expected = "\n".join(line.rstrip() for line in terminal.display).rstrip("\n")
    assert shown(*pieces).rstrip("\n") == expected


def test_what_prints_in_the_middle_of_printing_does_not_stop_everything() -> None:
    screen = Screen()

    class Interrupting(str):
        """Text whose length is asked for inside of `write`, as a signal may come there."""

        def __len__(self) -> int:
            screen.write("from a signal handler\n")
            return super().__len__()

    screen.write(Interrupting("printed\n"))
    assert sorted(screen.text()[0].split("\n")) == ["", "from a signal handler", "printed"]


@given(st.text())
def test_any_text_gives_text_without_controls(text: str) -> None:
    got = shown(text)
    assert not set(got) & {chr(c) for c in range(32) if c not in (9, 10)}


def test_a_live_display_leaves_what_a_person_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    out = Terminal()
    with LiveDisplay(out) as display:
        for number in range(5):
            display.print(f"point {number}", "bold")
            display.status(f"{number} of 5\nsecond row")
            display.draw()
    pieces = list(out.getvalue())
    assert shown(*pieces) == "".join(f"point {n}\n" for n in range(5))
