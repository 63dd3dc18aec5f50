"""The scan table on a terminal and on a pipe."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from session_shell.devices.protocols import Channel
from session_shell.scanning.documents import (
    EndReason,
    Pause,
    Rows,
    ScanEnded,
    ScanStarted,
)
from session_shell.sinks import ScanTable, _format, live, table
from session_shell.sinks._columns import choose

CHANNELS = (
    Channel("elapsed_time", "time", "s"),
    Channel("epoch", "time", "s"),
    Channel("roby", "axis", "mm"),
    Channel("diode3", "counter", "counts"),
)
T0 = 1_700_000_000.0


def started(npoints=3, *, channels=CHANNELS, axes=("roby",), **more) -> ScanStarted:
    more = {"title": "ascan roby 0 2 2 0.1", "number": 7, "file": Path("/data/s7.h5"), **more}
    return ScanStarted(
        uid="u",
        type="ascan",
        name="ascan",
        time=T0,
        npoints=npoints,
        shape=(npoints,),
        count_time=0.1,
        channels=channels,
        axes=axes,
        session="demo",
        user="me",
        **more,
    )


def ended(npoints=3, reason=EndReason.SUCCESS, **more) -> ScanEnded:
    more = {"counting": 0.3, "moving": 1.5, **more}
    return ScanEnded("u", T0 + 2.0, reason, npoints, **more)


def block(first, count, *extra) -> Rows:
    index = range(first, first + count)
    columns = ([i * 0.1 for i in index], [T0 + i for i in index], [float(i) for i in index])
    return Rows(first, count, (*columns, [54.4278 * (i + 1) for i in index], *extra))


def shown(*documents, stream=None) -> str:
    stream = stream or io.StringIO()
    sink = ScanTable(stream)
    for doc in documents:
        if isinstance(doc, ScanStarted):
            sink.scan_started(doc)
        elif isinstance(doc, Rows):
            sink.rows(doc)
        else:
            sink.scan_ended(doc)
    return stream.getvalue()


def test_a_pause_gives_the_terminal_back_and_the_table_goes_on():
    stream = io.StringIO()
    sink = ScanTable(stream)
    sink.scan_started(started())
    sink.rows(block(0, 1))
    sink.scan_paused(Pause(T0 + 1, "no beam"))
    before = stream.getvalue()
    assert before.endswith("   PAUSED after 1 of 3 points: no beam\n")
    sink.scan_resumed(Pause(T0 + 1, "no beam", 2.5))
    sink.rows(block(1, 2))
    sink.scan_ended(ended())
    lines = stream.getvalue().removeprefix(before).splitlines()
    assert lines[0].startswith("   resumed after 2.5")
    assert [line[:6] for line in lines[1:3]] == ["   1  ", "   2  "]
    assert lines[3].startswith("   Took")


def test_a_paused_scan_that_is_ended_says_so():
    stream = io.StringIO()
    sink = ScanTable(stream)
    sink.scan_started(started())
    sink.scan_paused(Pause(T0 + 1, "Ctrl-Z"))
    sink.scan_ended(ended(0, EndReason.USER_ABORT))
    assert "ABORTED by user after 0 of 3 points" in stream.getvalue()


@pytest.fixture
def manual(monkeypatch):
    monkeypatch.setattr(live, "REDRAW_SECONDS", 3600)


def test_a_whole_scan_on_a_pipe():
    text = shown(started(), block(0, 1), block(1, 2), ended())
    lines = text.splitlines()
    assert lines[0] == "** Scan 7: ascan roby 0 2 2 0.1 **"
    assert lines[2:5] == ["   file    : /data/s7.h5", "   user    : me", "   session : demo"]
    assert lines[6:] == [
        "        |    timer    |     axis    |",
        "   #    |    dt[s]    |   roby[mm]  | diode3[counts]",
        "   -----|-------------|-------------|----------------",
        "   0    |     0.00000 |     0.00000 |       54.4278",
        "   1    |     0.10000 |     1.00000 |      108.856",
        "   2    |     0.20000 |     2.00000 |      163.283",
        "   Took 0:00:02.00: 3 points (counting 0.300 s, moving 1.500 s, the rest 0.200 s),"
        " /data/s7.h5",
    ]
    assert "\x1b" not in text
    assert "\r" not in text


def test_a_file_below_the_working_directory_is_shown_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = shown(started(file=tmp_path / "data" / "a.h5"), ended(0))
    assert f"   file    : {Path('data/a.h5')}\n" in text


@pytest.mark.parametrize(
    ("reason", "error", "line"),
    [
        (EndReason.USER_ABORT, "", "   ABORTED by user after 2 of 3 points"),
        (EndReason.STOPPED, "", "   STOPPED after 2 of 3 points"),
        (EndReason.FAILURE, "roby: on fire\n", "   FAILED after 2 of 3 points: roby: on fire "),
    ],
)
def test_the_end_is_told_in_clear_words(reason, error, line):
    text = shown(started(), block(0, 2), ended(2, reason, error=error))
    assert line in text.splitlines()


def test_an_endless_scan_has_no_total():
    text = shown(started(0), block(0, 2), ended(2, EndReason.USER_ABORT))
    assert "ABORTED by user after 2 points" in text


def test_control_characters_in_texts_do_not_reach_the_terminal():
    text = shown(started(title="loop\x1b[2Jscan"), ended(0))
    assert "\x1b" not in text


def test_all_columns_and_rows_on_a_pipe():
    extra = tuple(Channel(f"counter_{i}", "counter") for i in range(40))
    values = tuple([float(i)] * 500 for i in range(40))
    text = shown(started(500, channels=CHANNELS + extra), block(0, 500, *values), ended(500))
    assert "counter_39" in text
    assert "\n   499  |" in text
    assert "more" not in text
    assert "not shown" not in text


def test_columns_that_do_not_fit_are_left_out_with_a_note(make_terminal):
    terminal = make_terminal(columns=50)
    extra = tuple(Channel(f"counter_{i}", "counter") for i in range(3))
    text = shown(
        started(channels=CHANNELS + extra),
        block(0, 1, [1.0], [1.0], [1.0]),
        ended(1),
        stream=terminal,
    )
    # The long name of diode3 does not hide a counter with a shorter one.
    assert "+3 more" in text
    rows = [line for line in terminal.lines() if line.startswith("   0 ")]
    assert rows == ["   0    |     0.00000 |     0.00000 |     1.00000"]


WIDE = Channel("a_counter_with_a_very_long_name_that_fills_the_whole_window", "counter")
NARROW = tuple(Channel(f"c{i}", "counter") for i in range(3))


def labels(columns: int, first: tuple[str, ...] = ()) -> list[str]:
    chosen, left_out = choose((*CHANNELS, WIDE, *NARROW), columns, 3, first)
    assert len(chosen) + left_out == len(CHANNELS) + 3
    assert 8 + sum(column.width + 3 for column in chosen) <= max(columns, 22)
    return [column.label for column in chosen]


def test_a_long_name_hides_no_narrower_column():
    assert labels(85) == ["dt[s]", "roby[mm]", "diode3[counts]", "c0", "c1"]
    assert labels(200) == ["dt[s]", "roby[mm]", "diode3[counts]", WIDE.name, *("c0", "c1", "c2")]


def test_chosen_columns_come_first_and_are_always_there():
    assert labels(66, ("c2", "c1")) == ["dt[s]", "roby[mm]", "c2", "c1"]
    assert labels(66, (WIDE.name,)) == ["dt[s]", "roby[mm]", WIDE.name]
    assert labels(10) == ["dt[s]"]


def test_the_table_of_a_scan_follows_plotselect(make_terminal):
    terminal = make_terminal(columns=60)
    shown(
        started(channels=(*CHANNELS, WIDE, *NARROW), plot=("c2", WIDE.name)),
        block(0, 1, [1.0], [2.0], [3.0], [4.0]),
        ended(1),
        stream=terminal,
    )
    rows = [line for line in terminal.lines() if line.startswith("   0 ")]
    assert rows == ["   0    |     0.00000 |     0.00000 |     4.00000"]
    terminal = make_terminal(columns=70)
    shown(
        started(channels=(*CHANNELS, WIDE, *NARROW), plot=(WIDE.name,)),
        block(0, 1, [1.0], [2.0], [3.0], [4.0]),
        ended(1),
        stream=terminal,
    )
    assert any("a_counter_with" in line and "~" in line for line in terminal.lines())


def test_a_terminal_of_no_width_still_shows_something(make_terminal):
    terminal = make_terminal(columns=10)
    shown(started(), block(0, 3), ended(), stream=terminal)
    assert any("0.00000" in line or "dt[s]" in line for line in terminal.lines())


def test_a_fast_scan_shows_the_rows_that_one_can_read(terminal, manual):
    sink = ScanTable(terminal)
    sink.scan_started(started(200))
    for i in range(100):
        sink.rows(block(i, 1))
    sink.rows(block(100, 50))
    sink.scan_ended(ended(150, EndReason.STOPPED))
    lines = terminal.lines()
    hidden = lines.index(f"   ... {150 - table.ROWS_PER_DRAWING} points not shown")
    assert lines[hidden + 1].startswith(f"   {150 - table.ROWS_PER_DRAWING}  |")
    assert sum("|     " in line and line[3].isdigit() for line in lines) == table.ROWS_PER_DRAWING


def test_the_progress_bar(terminal, manual):
    sink = ScanTable(terminal)
    sink.scan_started(started(10))
    sink._display.draw()
    assert "0/10  0:00:00 elapsed  0:00:0" in "\n".join(terminal.lines())
    sink.rows(block(0, 4))
    sink._display.draw()
    bar = next(line for line in terminal.lines() if "4/10" in line)
    assert "━" in bar
    assert "left" in bar
    sink.scan_ended(ended(4, EndReason.USER_ABORT))
    assert not any("4/10" in line for line in terminal.lines())
    assert terminal.getvalue().endswith("\x1b[?25h")


def test_the_progress_of_an_endless_scan(terminal, manual):
    sink = ScanTable(terminal)
    sink.scan_started(started(0))
    sink.rows(block(0, 4))
    sink._display.draw()
    assert any("4 points  0:00:0" in line and "left" not in line for line in terminal.lines())
    sink.close()


def test_a_new_width_brings_a_new_header(make_terminal, manual):
    terminal = make_terminal(columns=100)
    sink = ScanTable(terminal)
    sink.scan_started(started(4))
    sink.rows(block(0, 1))
    sink._display.draw()
    terminal.resize(99, 24)
    sink.rows(block(1, 1))
    sink._display.draw()
    terminal.resize(40, 24)
    sink.rows(block(2, 1))
    sink._display.draw()
    sink.close()
    headers = [line for line in terminal.lines() if line.startswith("   #")]
    assert len(headers) == 2
    assert headers[1] == "   #    |    dt[s]    |   roby[mm]"
    assert "   +1 more" in terminal.lines()


def test_a_single_count_is_a_list():
    text = shown(
        started(
            1, axes=(), channels=(CHANNELS[0], CHANNELS[3]), title="ct 0.1", number=0, file=None
        ),
        Rows(0, 1, ([0.1], [54.4278])),
        ended(1),
    )
    assert text.splitlines()[:3] == [
        "** ct 0.1 **",
        "       dt =      0.10000 s",
        "   diode3 =     54.4278  counts",
    ]


def test_arrays_are_shown_by_their_range():
    mca = Channel("mca", "counter", shape=(4,))
    empty = Channel("roi", "counter", shape=(0, 3))
    doc = block(0, 2, [np.arange(4), np.full(4, np.nan)], [np.zeros((0, 3))] * 2)
    text = shown(started(2, channels=(*CHANNELS, mca, empty)), doc, ended(2))
    rows = [line for line in text.splitlines() if line[3:4].isdigit()]
    assert [part.strip() for part in rows[0].split("|")[-2:]] == ["0..3", "0x3"]
    assert [part.strip() for part in rows[1].split("|")[-2:]] == ["4", "0x3"]


def test_a_scan_that_never_ended_does_not_disturb_the_next(terminal):
    sink = ScanTable(terminal)
    sink.scan_started(started())
    sink.scan_started(started(number=8))
    sink.scan_ended(ended(0))
    sink.scan_ended(ended(0))
    assert "Scan 8" in terminal.getvalue()


def test_a_broken_stream_raises_and_leaves_nothing_behind():
    out = io.StringIO()
    sink = ScanTable(out)
    sink.scan_started(started())
    out.close()
    with pytest.raises(ValueError, match="closed"):
        sink.scan_ended(ended(0))
    assert sink._display is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0.00000"),
        (-0.5, "-0.50000"),
        (54.4278, "54.4278 "),
        (-544.2784, "-544.278  "),
        (9876.5432, "9876.54   "),
        (123456.78, "123456.8    "),
        (1.5e-9, "1.5000e-09"),
        (2.5e12, "2.5000e+12"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (np.float64(3.25), "3.25000"),
        (True, "True"),
        ("in", "in"),
    ],
)
def test_numbers(value, text):
    assert _format.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(5.0, "5"), (np.int64(-3), "-3"), (float("nan"), "nan"), (1e15, "1.0000e+15")],
)
def test_whole_numbers(value, text):
    assert _format.integer(value) == text


def test_decimal_points_line_up():
    points = {
        _format.fit(_format.number(v), 11).index(".") for v in (0.1, 3.5, 54.4, 544.2, 9000.5)
    }
    assert points == {5}


def test_a_cell_never_grows():
    for value in (-123456.78, -1.5e-300, 1e300, "a long label of a position"):
        assert len(_format.fit(_format.number(value), 11)) == 11
