"""The small parts: cutting input into commands, telling errors, logging, the prompt headless."""

from __future__ import annotations

import io
import logging
import sys
from types import SimpleNamespace

import pytest

from session_shell.errors import CommandError, LimitError
from session_shell.shell import logs, reports
from session_shell.shell.blocks import Block, blocks
from session_shell.shell.toolbar import Toolbar


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        (["", "  ", "# only a remark"], []),
        (["a = 1", "b = 2"], [(1, "a = 1"), (2, "b = 2")]),
        (["f(", "  1)", "b"], [(1, "f(\n  1)"), (3, "b")]),
        (['t = """one', "two", '"""', "b"], [(1, 't = """one\ntwo\n"""'), (4, "b")]),
        (["a = 1 + \\", "    2", "b"], [(1, "a = 1 + \\\n    2"), (3, "b")]),
        (
            ["for i in x:", "    a", "", "    b", "c"],
            [(1, "for i in x:\n    a\n\n    b\n"[:-1]), (5, "c")],
        ),
        (["if a:", "  b", "else:", "  c", "d"], [(1, "if a:\n  b\nelse:\n  c"), (5, "d")]),
        (["try:", "  b", "# why", "except E:", "  c"], [(1, "try:\n  b\n# why\nexcept E:\n  c")]),
        (["@d", "def f():", "  pass", "f()"], [(1, "@d\ndef f():\n  pass"), (4, "f()")]),
        (["def f(a,", "b):", "  pass", "f"], [(1, "def f(a,\nb):\n  pass"), (4, "f")]),
        (["if a: b", "c"], [(1, "if a: b"), (2, "c")]),
        (["umv roby 1", "wa"], [(1, "umv roby 1"), (2, "wa")]),
        (
            ["for i in x:", "    umv roby 1", "    wa", "b"],
            [(1, "for i in x:\n    umv roby 1\n    wa"), (4, "b")],
        ),
        (["print(1", ""], [(1, "print(1\n")]),
        (["format = 3", "iffy = 1"], [(1, "format = 3"), (2, "iffy = 1")]),
        (["a\r\n", "b\n"], [(1, "a"), (2, "b")]),
        (["a\0b", "c"], [(1, "a\0b"), (2, "c")]),
    ],
)
def test_blocks(lines, expected):
    assert list(blocks(lines)) == [Block(line, source) for line, source in expected]


def test_a_block_comes_as_soon_as_it_is_complete():
    read = []

    def lines():
        for line in ("a = 1", "for i in x:", "  b", "c", "d"):
            read.append(line)
            yield line

    stream = blocks(lines())
    assert next(stream).source == "a = 1"
    assert read == ["a = 1"]
    assert next(stream).source == "for i in x:\n  b"
    assert read[-1] == "c"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (CommandError("mv: too few\n  arguments"), "mv: too few arguments"),
        (LimitError("is outside", device="roby"), "roby: is outside"),
        (CommandError(""), "CommandError"),
        (KeyboardInterrupt(), "interrupted by Ctrl-C"),
        (ValueError(), "ValueError"),
        (ValueError("a\nb"), "ValueError: a b"),
        (SyntaxError("bad", ("<command 1>", 3, 1, "x")), "SyntaxError: bad"),
    ],
)
def test_one_line(error, text):
    assert reports.one_line(error) == text


def caught(source: str, **names) -> BaseException:
    try:
        exec(compile(source, "<command 4>", "exec"), names)
    except Exception as error:
        return error
    raise AssertionError("no error")


def files(tb) -> list[str]:
    return [t.tb_frame.f_code.co_filename for t in reports._walk(tb)]


USER = "def lines():\n    yield 1 / 0\n\nlist(blocks(lines()))"


def test_frames_of_ours_are_left_out():
    error = caught(USER, blocks=blocks)
    assert any("blocks.py" in f for f in files(error.__traceback__))
    stripped = files(reports.strip_frames(error))
    assert not any("blocks.py" in f for f in stripped)
    assert stripped[-2:] == ["<command 4>", "<command 4>"]


def test_an_error_raised_by_ours_keeps_all_frames():
    error = caught("list(blocks([3]))", blocks=blocks)
    assert isinstance(error, AttributeError)
    assert reports.strip_frames(error) is error.__traceback__


def test_where_an_error_is():
    assert reports.where(caught(USER, blocks=blocks), "stdin", 10) == "stdin:13"
    assert reports.where(ValueError(), "stdin", 10) == "stdin:10"
    error = SyntaxError("bad", ("<command 4>", 3, 1, "x"))
    assert reports.where(error, "-c", 1) == "-c:3"
    assert reports.where(SyntaxError("bad", ("a.py", 3, 1, "x")), "-c", 1) == "a.py:3"


def test_a_line_for_each_warning(monkeypatch):
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    logger = logging.getLogger("session_shell.part")
    with logs.shown():
        logger.warning("two\nlines %d", 3)
        logger.error("worse")
        logger.info("not shown")
    logger.warning("after")
    assert err.getvalue().startswith("warning: two lines 3\nerror: worse\n")
    assert "not shown" not in err.getvalue()


def test_a_message_that_cannot_be_written_is_reported_as_logging_does(capsys):
    record = logging.LogRecord("x", logging.WARNING, "x.py", 1, "%d", ("no number",), None)
    logs.LineHandler().emit(record)
    assert "Logging error" in capsys.readouterr().err


class Axis:
    name = "roby"
    reads = 0
    is_moving = True


class BrokenAxis:
    name = "broken"

    @property
    def is_moving(self):
        raise OSError("no answer")


def test_the_toolbar_is_made_anew_now_and_then_and_after_a_command(tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr("session_shell.shell.toolbar.time.monotonic", lambda: now)
    scan = SimpleNamespace(number=3, title="ct 1", end_reason=None, state="RUNNING")
    axes = [Axis(), BrokenAxis()]
    session = SimpleNamespace(
        name="eh1",
        read_only=False,
        saving=SimpleNamespace(folder=tmp_path),
        scans=[],
        host=SimpleNamespace(axes=lambda: axes, paused=None),
    )
    toolbar = Toolbar(session)
    assert toolbar() == f" eh1 | {tmp_path} | no scan yet | moving roby"
    session.scans.append(scan)
    assert "no scan yet" in toolbar()
    toolbar.refresh()
    assert "| scan 3 ct 1: RUNNING |" in toolbar()
    axes.clear()
    now += 1
    assert toolbar().endswith("RUNNING")
    session.read_only = True
    toolbar.refresh()
    assert toolbar().startswith(" eh1 | READ-ONLY | ")
