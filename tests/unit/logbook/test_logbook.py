"""Saved sessions as people read them: a log, Markdown, a page, a script; also hostile ones."""

from __future__ import annotations

import re
import runpy
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from session_shell.clock import VirtualClock
from session_shell.errors import CommandError, JournalError
from session_shell.journal import JournalLog, list_journals, read_journal
from session_shell.journal.file import JournalFile
from session_shell.journal.records import Closed, Command, Done, File, Note, Opened, Scan
from session_shell.logbook import Scans, as_html, as_markdown, as_script, as_text, listing
from session_shell.session import Session

Make = Callable[..., Session]


@pytest.fixture
def log(make_session: Make) -> JournalLog:
    """A session of several commands, closed."""
    with make_session() as session:
        session.run("mv roby 1")
        session.run("ascan(roby, 0, 2, 20, 0.1, diode3)")
        with pytest.raises(ZeroDivisionError):
            session.run("1 / 0")
        session.run("for i in range(100):\n    print('line', i)")
        session.run("print('dark current ok')")
        session.run("elog_add()")
        session.run("elog_print('sample 3', 'mounted')")
        session.run("elog_plot()")
        session.run("loopscan(3, 0.1, diode, save=False)")
        session.close()
    assert session.journal.path is not None
    return read_journal(session.journal.path)


def test_a_log_tells_what_was_done_and_what_came_of_it(log: JournalLog) -> None:
    text = as_text(log)
    assert text.startswith(f"{log.opened.id}\n")
    assert "9 commands (1 failed), 2 scans" in text
    assert "virtual clock, ended" in text
    assert re.search(r"\d\d:\d\d:\d\d  \[1\] mv roby 1\n", text)
    assert "-> scan 1: ascan roby 0 2 20 0.1, 21 of 21 points, SUCCESS, " in text
    assert "bench/scan_0001.h5" in text
    assert "-> unsaved scan: loopscan 3 0.1, 3 of 3 points, SUCCESS" in text
    assert "!! ZeroDivisionError: division by zero" in text
    assert "line 0\n" in text
    assert "... 81 more lines ..." in text
    assert "line 50\n" not in text
    assert "line 50\n" in as_text(log, full=True)
    assert "## sample 3 mounted" in text
    assert "## [5] print('dark current ok')\n" in text
    assert "## plot bench-" in text


def test_a_list_tells_one_session_a_line(log: JournalLog) -> None:
    folder = log.path.parent.parent.parent
    head, line = listing(list_journals(folder)).split("\n")
    assert head.split() == ["id", "began", "lasted", "commands", "scans", "errors", "state"]
    assert line.split()[0] == log.opened.id
    assert line.split()[-4:] == ["9", "2", "1", "ended"]


def test_markdown_has_commands_points_and_notes(log: JournalLog) -> None:
    text = as_markdown(log, Scans(log))
    assert "```python\nascan(roby, 0, 2, 20, 0.1, diode3)\n```" in text
    assert r"| \# | elapsed\_time \[s\] | roby \[mm\] | diode3" in text
    assert len(re.findall(r"^\| \d+ \|", text, re.MULTILINE)) == 12
    assert "> sample 3 mounted" in text
    assert re.search(r"!\[plot\]\(<bench\S+/plot\\_0001\.png>\)|ascan roby 0 2 20 0\.1", text)
    assert "**ZeroDivisionError: division by zero**" in text


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails when tags are not closed in order."""

    VOID = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_has_everything_in_it(log: JournalLog) -> None:
    page = Page(as_html(log, Scans(log)))
    names = [tag for tag, _ in page.tags]
    assert names.count("section") == 9
    pictures = [a["src"] for tag, a in page.tags if tag == "img"]
    assert len(pictures) == 2, "the plot of the scan, and that of the logbook"
    assert all(src and src.startswith("data:image/png;base64,iVBOR") for src in pictures)
    assert "... 9 more points ..." in page.text
    assert "sample 3 mounted" in page.text
    assert "ZeroDivisionError: division by zero" in page.text
    assert not {"script", "iframe", "link", "object"} & set(names)
    bare = Page(as_html(log, Scans(log), plots=False))
    assert [tag for tag, _ in bare.tags].count("img") == 1


def test_without_matplotlib_plots_are_drawn_in_characters(
    log: JournalLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session_shell.sinks.figure.can_draw", lambda: False)
    page = as_html(log, Scans(log))
    assert page.count("data:image/png") == 1, "the picture that was made before"
    assert '<pre class="drawing">' in page
    assert "roby [mm]" in page


def test_scans_whose_files_are_gone_are_told_all_the_same(log: JournalLog, tmp_path: Path) -> None:
    for file in (tmp_path / "data").rglob("*.h5"):
        file.unlink()
    page = Page(as_html(log, Scans(log)))
    assert "scan 1: ascan roby 0 2 20 0.1, 21 of 21 points" in page.text
    assert "elapsed_time" not in [tag for tag, _ in page.tags]
    assert "| 0 |" not in as_markdown(log, Scans(log))


def test_the_script_does_it_again(
    log: JournalLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "again.py"
    script.write_text(as_script(log))
    assert "# not run again: ZeroDivisionError: division by zero\n    #     1 / 0" in as_script(log)
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path / "again")])
    runpy.run_path(str(script))
    (summary,) = list_journals(tmp_path / "again")
    again = read_journal(summary.path)
    assert [c.command.typed for c in again.commands] == [
        c.command.executed or c.command.typed for c in log.commands if c.command.number != 3
    ]
    first, second = log.commands[1].scans[0], again.commands[1].scans[0]
    assert first.channels == second.channels, "the same seed, the same start"


def test_the_script_leaves_out_what_only_a_prompt_runs(tmp_path: Path) -> None:
    log = made(
        tmp_path,
        *finished(1, "%time x", executed="get_ipython().run_line_magic('time', 'x')"),
        *finished(2, "await work()"),
        *finished(3, "timescan(0.1)", outcome="interrupted"),
        *finished(4, "loopscan(9, 1)", outcome="paused"),
        *finished(5, "resume()"),
        *finished(6, "exit", executed="exit()", outcome="exit"),
        Command(number=7, time=1.0, typed="timescan()"),
    )
    script = as_script(log)
    compile(script, "script", "exec")
    assert "session.run" not in script
    assert script.count("# not run again: it runs at the prompt only") == 2
    assert "# not run again: interrupted by Ctrl-C" in script
    assert "# not run again: it needs a scan that was paused by a key" in script
    assert "# not run again: did not end" in script


def test_the_script_runs_files_and_keeps_text_exact(tmp_path: Path) -> None:
    code = 'text = """a\\n\n  b"""\nprint(\'x\')\n\tif 1: pass'
    simple = "for i in (1, 2):\n    total = i"
    log = made(
        tmp_path,
        Command(number=1, time=1.0, typed="run /x/night.py a", source="file"),
        File(number=1, path="/x/night.py", text="", arguments=["a", "-1"]),
        Done(number=1, time=2.0, seconds=1.0),
        *finished(2, simple),
        *finished(3, "x = '\x1b[31m'"),
    )
    script = as_script(log)
    assert "session.run_file('/x/night.py', ['a', '-1'])" in script
    ran: list[str] = []

    class Fake:
        def run(self, code: str, *, echo: bool) -> None:
            ran.append(code)

        def run_file(self, path: str, arguments: list[str]) -> None:
            ran.append(path)

        def __enter__(self) -> Fake:
            return self

        def __exit__(self, *_error: object) -> None:
            pass

    body = script[script.index("with session:") :]
    exec(body, {"session": Fake()})
    assert ran == ["/x/night.py", simple, "x = '\x1b[31m'"]
    assert "\x1b" not in script
    assert code not in ran


HOSTILE = (
    "</pre></title></style><script>alert(1)</script><img src=x onerror=alert(2)>"
    "\" ' & \x1b]0;owned\x07 \x1b[2J \x00 \u202e ``` ````\n# [x](javascript:alert(3)) | *b*"
)


def made(folder: Path, *records: Any, **more: Any) -> JournalLog:
    name = "demo-20261122-183721-4f2a"
    opened = Opened(
        **{
            "format": 1,
            "id": name,
            "session": "demo",
            "time": 1.0,
            "date": "2026-11-22T18:37:21+01:00",
            "clock": "real",
            "seed": 1,
            "versions": {},
            **more,
        }
    )
    folder = folder / ".session-shell" / "journals"
    file = JournalFile(folder / f"{name}.jsonl", opened)
    for record in records:
        file.append(record)
    file.close()
    return read_journal(file.path)


def finished(number: int, typed: str, **more: Any) -> tuple[Command, Done]:
    executed = more.pop("executed", "")
    command = Command(number=number, time=1.0, typed=typed, executed=executed)
    return command, Done(number=number, time=2.0, seconds=0.1, **more)


def test_hostile_text_is_only_text(tmp_path: Path) -> None:
    texts = {"id": HOSTILE, "session": HOSTILE, "user": HOSTILE, "versions": {HOSTILE: HOSTILE}}
    log = made(
        tmp_path,
        *finished(1, HOSTILE, executed=HOSTILE, output=HOSTILE, error=HOSTILE, outcome="error"),
        *finished(2, HOSTILE, outcome=HOSTILE, traceback=HOSTILE, value=HOSTILE),
        Scan(
            number=2,
            uid="u",
            scan=1,
            type=HOSTILE,
            title=HOSTILE,
            time=1e300,
            seconds=1.0,
            npoints=2,
            points=2,
            end_reason=HOSTILE,
            file=HOSTILE,
            error=HOSTILE,
        ),
        Note(number=1, time=1.0, kind="text", text=HOSTILE),
        Note(number=1, time=1.0, kind="output", text=HOSTILE),
        Note(number=2, time=1.0, kind="plot", text=HOSTILE, file=f"../{HOSTILE}"),
        Closed(time=2.0, reason=HOSTILE),
        **texts,
    )
    page = Page(as_html(log, Scans(log)))
    assert {tag for tag, _ in page.tags} <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "table", "tr", "th", "td"),
        *("section", "time", "pre", "p", "details", "summary", "blockquote", "br"),
    }
    assert all(not name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert "<script>alert(1)</script>" in page.text
    markdown = as_markdown(log, Scans(log))
    fence = ""
    for line in markdown.split("\n"):
        run = re.match(r"`{3,}", line)
        if run and (not fence or line == fence):
            fence = "" if fence else run.group()
        elif not fence:
            assert "<script>" not in line
            assert not re.search(r"(?<!\\)\]\(javascript", line)
    assert fence == ""
    script = as_script(log)
    compile(script, "script", "exec")
    for text in (as_text(log), as_text(log, full=True), markdown, script, page.text):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text)


@pytest.mark.parametrize(
    "file", ["../../../secret.png", "/etc/passwd", "demo-x/../../secret.png", ""]
)
def test_pictures_are_taken_from_the_journals_own_folder_only(tmp_path: Path, file: str) -> None:
    (tmp_path / "secret.png").write_bytes(b"\x89PNG secret")
    note = Note(number=1, time=1.0, kind="plot", file=file)
    log = made(tmp_path, *finished(1, "elog_plot()"), note)
    assert Scans(log).note_picture(note) is None
    own = log.path.with_suffix("")
    own.mkdir()
    (own / "link.png").symlink_to(tmp_path / "secret.png")
    (own / "text.png").write_bytes(b"no picture")
    for name in ("link.png", "text.png", "none.png"):
        note = Note(number=1, time=1.0, kind="plot", file=f"{own.name}/{name}")
        assert Scans(log).note_picture(note) is None
    (own / "good.png").write_bytes(b"\x89PNG good")
    note = Note(number=1, time=1.0, kind="plot", file=f"{own.name}/good.png")
    assert Scans(log).note_picture(note) == b"\x89PNG good"


def test_a_killed_session_says_so(tmp_path: Path) -> None:
    log = made(tmp_path, *finished(1, "x = 1"), Command(number=2, time=3.0, typed="timescan()"))
    with log.path.open("ab") as file:
        file.write(b'{"record": "scan", "num')
    log = read_journal(log.path)
    for text in (as_text(log), as_markdown(log, Scans(log)), as_html(log, Scans(log))):
        assert "killed: its end is not recorded" in text
        assert "did not end" in text
        assert "not readable" in text


def test_an_edited_journal_says_so(tmp_path: Path) -> None:
    log = made(tmp_path, *finished(1, "mv(roby, 1)"), *finished(2, "wa()"))
    log.path.write_text(log.path.read_text().replace("mv(roby, 1)", "mv(roby, 2)"))
    log = read_journal(log.path)
    for text in (as_text(log), as_markdown(log, Scans(log)), as_html(log, Scans(log))):
        assert "edited: line 2 (command of command 1) is not as it was written" in text


# The commands


def test_notes_are_refused_when_there_is_nothing_to_say(session: Session) -> None:
    for code in ("elog_print()", "elog_print('  ')", "elog_add('x')"):
        with pytest.raises(CommandError):
            session.run(code)
    with pytest.raises(JournalError, match="no finished command 7 in this session"):
        session.run("elog_add(7)")
    session.run("x = 1")
    with pytest.raises(CommandError, match=r"command 5 \(x = 1\) printed nothing"):
        session.run("elog_add()")
    with pytest.raises(CommandError, match="there is no scan yet"):
        session.run("elog_plot()")


def test_what_is_added_is_the_output_that_is_meant(session: Session) -> None:
    session.run("print('first')")
    session.run("6 * 7")
    session.run("elog_add(1); elog_add(-1); elog_add(-2)")
    assert session.journal.path is not None
    notes = read_journal(session.journal.path).commands[2].notes
    assert [n.text for n in notes] == [
        "[1] print('first')\nfirst\n",
        "[2] 6 * 7\n42",
        "[1] print('first')\nfirst\n",
    ]


def test_plots_of_several_scans_have_pictures_of_their_own(session: Session) -> None:
    session.run("ascan(roby, 0, 1, 5, 0.1, diode, diode3); elog_plot(); elog_plot('diode3')")
    session.run("loopscan(2, 0.1, diode); elog_plot(1)")
    assert session.journal.path is not None
    log = read_journal(session.journal.path)
    notes = [n for c in log.commands for n in c.notes]
    assert [Path(n.file).name for n in notes] == [f"plot_000{i}.png" for i in (1, 2, 3)]
    assert {n.uid for n in notes} == {log.commands[0].scans[0].uid}
    assert "diode3" in notes[1].text
    assert all(Scans(log).note_picture(n) for n in notes)


def test_a_read_only_session_has_no_logbook(make_session: Make) -> None:
    with make_session(read_only=True) as session:
        session.run("loopscan(2, 0.1, diode, save=False)")
        for code in ("elog_print('x')", "elog_add()", "elog_plot()"):
            with pytest.raises(JournalError, match="the session is read-only"):
                session.run(code)


def test_times_are_those_of_the_clock_after_it_was_changed(
    make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = "CET-1CEST,M3.5.0,M10.5.0/3"  # as in Paris: back to 2 h at 3 h on 25 October 2026
    first = datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc).timestamp()  # noqa: UP017
    with monkeypatch.context() as changed:
        changed.setenv("TZ", zone)
        time.tzset()
        session = make_session(clock=VirtualClock(start=first))
        for _ in range(3):
            session.run("ct(0.1, diode)\nsleep(3599.9)")
        session.close()
    time.tzset()
    log = read_journal(session.journal.path)
    text = as_text(log)
    begun = re.findall(r"^(\d\d:\d\d):\d\d  \[\d\]", text, flags=re.MULTILINE)
    assert begun == ["02:30", "02:30", "03:30"]
