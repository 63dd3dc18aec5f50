from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from session_shell.devices.protocols import Channel
from session_shell.errors import CommandError
from session_shell.scanning.columns import Columns
from session_shell.scanning.results import Layout, ScanResults
from session_shell.session import Session
from session_shell.sinks import figure
from session_shell.sinks import plot as module
from session_shell.sinks.drawing import Curves, Image, drawing_of, thinned
from session_shell.sinks.plot import LivePlot, curves_text, image_text, plot_text

X = np.linspace(0, 10, 51)
HILL = np.exp(-((X - 5) ** 2))


def curves(*values: Any, x: Any = X) -> Curves:
    series = tuple((f"diode{n} [V]", np.asarray(v, float)) for n, v in enumerate(values))
    return Curves("ascan roby 0 10 50 0.1", "roby [mm]", np.asarray(x, float), series)


def image(values: Any, **more: Any) -> Image:
    changes = {"x": (0.0, 10.0), "y": (-1.0, 1.0), **more}
    return Image("amesh", "diode [V]", "fast", "slow", values=np.asarray(values, float), **changes)


class Data(Columns):
    def __init__(self, columns: dict[str, Any], kinds: dict[str, str]) -> None:
        self._columns = {name: np.asarray(c) for name, c in columns.items()}
        self._channels = tuple(
            Channel(name, kinds.get(name, "counter"), "mm", shape=c.shape[1:])  # type: ignore[arg-type]
            for name, c in self._columns.items()
        )

    @property
    def channels(self) -> Any:
        return self._channels

    @property
    def npoints(self) -> int:
        return min(map(len, self._columns.values()))

    def values_of(self, channel: Channel) -> Any:
        return self._columns[channel.name]


class Results(ScanResults):
    def __init__(self, layout: Layout, kinds: dict[str, str] | None = None, **columns: Any) -> None:
        self.data = Data(columns, {"roby": "axis", "robz": "axis", **(kinds or {})})
        self._layout = layout

    @property
    def title(self) -> str:
        return "a scan"

    @property
    def layout(self) -> Layout:
        return self._layout

    def summary(self) -> str:
        return ""


LINE = Layout(("roby",), (51,))
MESH = Layout(("robz", "roby"), (2, 3), ((0.0, 1.0), (0.0, 1.0, 2.0)))


# What is drawn


def test_a_line_scan_is_drawn_over_its_axis() -> None:
    scan = Results(LINE, roby=X, diode=HILL, other=2 * HILL)
    drawing = drawing_of(scan)
    assert isinstance(drawing, Curves)
    assert (drawing.x_label, [label for label, _ in drawing.series]) == (
        "roby [mm]",
        ["diode [mm]"],
    )
    both = drawing_of(scan, ("other", "diode"))
    assert isinstance(both, Curves)
    assert [label for label, _ in both.series] == ["other [mm]", "diode [mm]"]
    chosen = drawing_of(scan, preferred=("nothing", "other"))
    assert isinstance(chosen, Curves)
    assert chosen.series[0][0] == "other [mm]"
    turned = drawing_of(scan, ("roby",), axis="diode")
    assert isinstance(turned, Curves)
    assert turned.x_label == "diode [mm]"


def test_without_axes_the_time_or_the_number_is_drawn_over() -> None:
    time = {"elapsed_time": "time"}
    timed = drawing_of(Results(Layout(), time, elapsed_time=X, diode=HILL))
    assert isinstance(timed, Curves)
    assert timed.x_label == "elapsed_time [mm]"
    counted = drawing_of(Results(Layout(), diode=HILL))
    assert isinstance(counted, Curves)
    assert (counted.x_label, counted.x[-1]) == ("point", 50)


def test_a_mesh_of_three_axes_is_drawn_in_the_order_of_time() -> None:
    layout = Layout(("a", "b", "c"), (1, 1, 2))
    kinds = {"elapsed_time": "time", "a": "axis", "b": "axis", "c": "axis"}
    columns = {name: [0.0, 1.0] for name in ("elapsed_time", "a", "b", "c", "diode")}
    drawing = drawing_of(Results(layout, kinds, **columns))
    assert isinstance(drawing, Curves)
    assert drawing.x_label == "elapsed_time [mm]"


def test_a_mesh_is_an_image_and_a_line_over_an_axis() -> None:
    scan = Results(MESH, roby=[0.0, 1, 2, 0], robz=[0.0, 0, 0, 1], diode=[1.0, 2, 3, 4])
    drawing = drawing_of(scan)
    assert isinstance(drawing, Image)
    assert (drawing.x, drawing.y) == ((0, 2), (0, 1))
    assert (drawing.x_label, drawing.y_label) == ("roby [mm]", "robz [mm]")
    assert np.array_equal(drawing.values, [[1, 2, 3], [4, np.nan, np.nan]], equal_nan=True)
    assert isinstance(drawing_of(scan, axis="roby"), Curves)
    foreign = drawing_of(
        Results(Layout(MESH.axes, MESH.shape), roby=[5.0, 6], robz=[1.0, 1], d=[1, 2])
    )
    assert isinstance(foreign, Image)
    assert foreign.x == (5, 6)


def test_spectra_and_images() -> None:
    spectra = np.arange(20.0).reshape(5, 4)
    drawing = drawing_of(Results(LINE, mca=spectra, roby=X[:5]), ("mca",))
    assert isinstance(drawing, Image)
    assert drawing.values.shape == (5, 4)
    single = drawing_of(Results(LINE, mca=spectra[:1], roby=X[:1]), ("mca",))
    assert isinstance(single, Curves)
    assert single.series[0][1].tolist() == [0, 1, 2, 3]
    frames = np.arange(24.0).reshape(2, 3, 4)
    last = drawing_of(Results(LINE, cam=frames, roby=X[:2]), ("cam",))
    assert isinstance(last, Image)
    assert last.values.tolist() == frames[1].tolist()
    assert "point 1" in last.title


@pytest.mark.parametrize(
    ("scan", "counters", "axis", "message"),
    [
        (Results(LINE, roby=[], diode=[]), (), None, "there are no points yet"),
        (Results(LINE, roby=X, diode=HILL), ("nothing",), None, "has no column 'nothing'"),
        (Results(LINE, roby=X, diode=HILL), (), "nothing", "has no column 'nothing'"),
        (Results(LINE, roby=X), (), None, "no counter gives one number"),
        (Results(LINE, c=np.zeros((51, 1, 1, 1)), d=X), ("c",), None, "cannot be plotted"),
        (Results(LINE, m=np.zeros((51, 2)), d=X), ("d",), "m", "an array per point"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    scan: ScanResults, counters: Any, axis: Any, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        drawing_of(scan, counters, axis)


def test_very_many_points_are_thinned_without_losing_a_spike() -> None:
    y = np.zeros(1_000_003)
    y[777_777], y[5], y[1_000_002], y[9] = 100, -50, 7, np.nan
    x, thin = thinned(np.arange(len(y), dtype=float), y)
    assert len(thin) <= 5000
    assert (thin.max(), thin.min(), thin[-1]) == (100, -50, 7)
    assert (np.diff(x) >= 0).all()


# As text


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X, HILL),
        (X[::-1], HILL),
        ([1.0], [2.0]),
        ([1.0, 2.0], [7.0, 7.0]),
        ([3.0, 3.0], [1.0, 2.0]),
        ([0, 1, 2], [1e-12, 2e-12, 3e-12]),
        ([1.7e9, 1.7e9 + 1], [-1e300, 1e300]),
        ([0, 1, 2, 3], [1, np.nan, np.inf, 2]),
        (np.arange(100_000), np.random.default_rng(0).normal(size=100_000)),
    ],
)
def test_any_numbers_give_a_plain_plot(x: Any, y: Any) -> None:
    text = curves_text(curves(y, x=x), 70, 15)
    lines = text.splitlines()
    assert text.isascii()
    assert "\x1b" not in text
    assert len(lines) <= 15
    assert max(map(len, lines)) <= 70
    assert lines[0].strip() == "ascan roby 0 10 50 0.1"
    assert lines[-1].strip() == "roby [mm]"
    assert "*" in text


def test_a_plot_of_several_curves_has_a_legend_and_ticks() -> None:
    text = curves_text(curves(HILL, 2 * HILL), 70, 15)
    assert "** diode0 [V]" in text
    assert "++ diode1 [V]" in text
    assert text.splitlines()[-2].split() == ["0", "2.5", "5", "7.5", "10"]


def test_a_terminal_gets_dots_and_colours() -> None:
    text = curves_text(curves(HILL), 70, 15, colour=True, dots=True)
    assert not text.isascii()
    assert "\x1b[38" in text
    assert "\x1b" not in curves_text(curves(HILL), 70, 15, dots=True)


def test_nothing_but_nan_is_told() -> None:
    with pytest.raises(CommandError, match="no point has a finite value"):
        curves_text(curves([np.nan, np.nan], x=[1, 2]), 70, 15)
    with pytest.raises(CommandError, match="no point has a finite value"):
        image_text(image([[np.nan]]), 70, 15)


def test_titles_cannot_steer_the_terminal() -> None:
    evil = Curves("a\x1b[2Jb\nc", "x\r", X, (("d\x07", HILL),))
    assert not {"\x1b", "\r", "\x07"} & set(curves_text(evil, 60, 12))


def test_an_image_stands_upright() -> None:
    values = np.zeros((4, 10))
    values[0, 0], values[3, 9] = 1, 2
    lines = image_text(image(values), 40, 12).splitlines()
    rows = [line.split("|")[1] for line in lines if "|" in line]
    assert rows[-1][0] == "+"  # the first row is at the bottom
    assert rows[0][-1] == "@"
    assert lines[0].strip() == "amesh"
    assert lines[1].strip() == "diode [V], slow up"
    assert lines[2].startswith(" 1 |")
    assert lines[-1].split() == ["0", ".:-=+*#%@", "2"]
    turned = image(values, x=(10.0, 0.0), y=(1.0, -1.0))
    rows = [line.split("|")[1] for line in image_text(turned, 40, 12).splitlines() if "|" in line]
    assert rows[0][-1] == "+"
    assert rows[-1][0] == "@"


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (300, 500), (3, 7)])
@pytest.mark.parametrize("colour", [False, True])
def test_images_of_any_size_fit(shape: tuple[int, int], colour: bool) -> None:
    values = np.arange(np.prod(shape), dtype=float).reshape(shape)
    values.flat[-1] = np.nan if values.size > 1 else 0
    text = image_text(image(values), 60, 16, colour=colour)
    assert len(text.splitlines()) <= 16
    assert ("\x1b" in text) is colour
    if not colour:
        assert text.isascii()
        assert max(map(len, text.splitlines())) <= 60


def test_averages_of_blocks_leave_out_what_was_not_taken() -> None:
    values = np.full((200, 200), np.nan)
    values[:100] = 5
    rows = [
        line.split("|")[1] for line in image_text(image(values), 50, 14).splitlines() if "|" in line
    ]
    assert set(rows[0]) == {" "}
    assert set(rows[-1]) == {"."}


def test_the_plot_fits_its_stream(
    make_terminal: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = curves(HILL)
    plain = plot_text(drawing, io.StringIO())
    assert plain.isascii()
    assert len(plain.splitlines()) == 20
    terminal = make_terminal(50, 20)
    rich = plot_text(drawing, terminal)
    assert "\x1b[38" in rich
    terminal.write(rich + "\n")
    assert max(map(len, terminal.lines())) <= 49
    assert len(plot_text(drawing, terminal, part=2).splitlines()) == 8
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in plot_text(drawing, terminal)
    assert plot_text(image(np.eye(3)), terminal).isascii()


def test_a_terminal_that_knows_only_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old(io.StringIO):
        encoding = "ascii"  # type: ignore[assignment]

        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "vt100")
    assert plot_text(curves(HILL), Old()).isascii()


# Live


def test_a_scan_is_plotted_after_its_table(make_session: Callable[..., Session]) -> None:
    stream = io.StringIO()
    with make_session(stream=stream) as session:
        session.run("live_plot(True); ascan(roby, 0, 1, 4, 0.1, diode)")
        out = stream.getvalue()
        assert out.index("Took") < out.index("** diode [V]") < out.index("roby [mm]")
        assert "\x1b" not in out
        session.run("live_plot(False); ascan(roby, 0, 1, 4, 0.1, diode)")
        assert stream.getvalue().count("** diode [V]") == 1


@pytest.mark.parametrize("typed", ["ct(diode)", "loopscan(1, 0.1, diode)", "sct(MG1)"])
def test_a_single_count_is_not_plotted(make_session: Callable[..., Session], typed: str) -> None:
    stream = io.StringIO()
    with make_session(stream=stream) as session:
        session.run(f"live_plot(True); {typed}")
    assert "** diode" not in stream.getvalue().split("\n", 1)[1]


def test_a_terminal_shows_it_while_the_scan_runs(
    make_session: Callable[..., Session], terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    real = LivePlot.text

    def text(self: LivePlot) -> str:
        drawn.append(real(self))
        return drawn[-1]

    monkeypatch.setattr(LivePlot, "text", text)
    with make_session(stream=terminal) as session:
        session.run("live_plot(True); ascan(roby, 0, 1, 4, 0.1, diode)")
        live = LivePlot(terminal, lambda: session.scans[-1])
        assert "diode" in live.text()
    assert any("roby [mm]" in line for line in terminal.lines())


def test_a_plot_that_fails_harms_nothing(
    make_session: Callable[..., Session],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise ZeroDivisionError("no plot")

    monkeypatch.setattr(module, "plot_text", fail)
    stream = io.StringIO()
    with make_session(stream=stream) as session, caplog.at_level(logging.WARNING):
        scan = session.run("live_plot(True); ascan(roby, 0, 1, 4, 0.1, diode)")
        assert scan.end_reason == "SUCCESS"
    assert "Took" in stream.getvalue()
    assert [r.message for r in caplog.records] == [
        "the plot failed and is switched off for this scan: no plot"
    ]


def test_without_a_running_scan_there_is_no_plot() -> None:
    assert LivePlot(io.StringIO(), lambda: None).text() == ""


# With matplotlib


@pytest.mark.parametrize(
    "drawing",
    [
        curves(HILL),
        curves(HILL, 2 * HILL),
        curves([1.0], x=[1.0]),
        image(np.eye(4)),
        image([[1.0]]),
        image([[1.0, 2.0]], x=(3.0, 3.0)),
        Curves("costs 5 $ and 6 $ _x", "x$", X, (("a$b$", HILL),)),
    ],
)
@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_pictures(tmp_path: Path, drawing: Any, ending: str) -> None:
    path = tmp_path / f"plot{ending}"
    figure.save(drawing, path)
    head = path.read_bytes()[:8]
    assert head == b"\x89PNG\r\n\x1a\n" if ending == ".png" else head.startswith(b"<?xml")


def test_pictures_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "x.png", tmp_path / "x.nonsense"):
        with pytest.raises(CommandError, match="cannot be written"):
            figure.save(curves(HILL), path)


def test_without_matplotlib_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not figure.can_draw()
    for action in (
        lambda: figure.save(curves(HILL), tmp_path / "x.png"),
        lambda: figure.show(image([[1]])),
    ):
        with pytest.raises(CommandError, match=r"pip install session-shell\[plot\]"):
            action()


def test_where_there_is_no_toolkit_no_window_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    import matplotlib as mpl

    mpl.use("agg")
    assert figure.show(curves(HILL)) is False


def test_displays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not figure.has_display()
    monkeypatch.setenv("DISPLAY", ":0")
    assert figure.has_display()
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert figure.has_display()
