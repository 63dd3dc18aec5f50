"""A saved session as one page for a browser: nothing is loaded from elsewhere, no script runs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape

from session_shell.journal import CommandLog, JournalLog
from session_shell.journal.records import Note, Scan
from session_shell.logbook.points import Points, Scans
from session_shell.logbook.telling import (
    Moments,
    facts,
    outcome,
    printable,
    remarks,
    scan_words,
    shortened,
    typed,
)

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --bad: #c33; --note: #2a6cc4; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; padding: 0 1em; max-width: 62em; }
h1 { font-size: 1.4em; overflow-wrap: anywhere; }
h2 { font-size: 1em; margin: 2em 0 .5em; border-bottom: 1px solid var(--line); opacity: .75; }
section { border-top: 1px solid var(--line); padding: .6em 0 .6em 6.5em; position: relative; }
section > time { position: absolute; left: 0; opacity: .65; font-variant-numeric: tabular-nums; }
pre { margin: 0 0 .5em; white-space: pre-wrap; overflow-wrap: anywhere; }
pre, code { font: 13px/1.4 ui-monospace, monospace; }
pre.typed { font-weight: 600; }
pre.output, pre.drawing { background: var(--soft); padding: .4em .6em; border-radius: 4px; }
pre.drawing { white-space: pre; overflow-x: auto; line-height: 1.15; }
p { margin: .3em 0; }
p.scan { font-weight: 600; }
p.bad { color: var(--bad); }
blockquote { margin: .4em 0; padding: .3em .8em; border-left: 4px solid var(--note); }
img { max-width: min(100%, 40em); height: auto; background: #fff; border-radius: 4px; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .4em 0; font-variant-numeric: tabular-nums; }
td, th { padding: .1em .7em; text-align: right; white-space: nowrap; }
th { border-bottom: 1px solid var(--line); }
table.facts td, table.facts th { text-align: left; border: 0; white-space: normal; }
summary { cursor: pointer; opacity: .75; }
"""


def as_html(log: JournalLog, scans: Scans, *, full: bool = False, plots: bool = True) -> str:
    """Return a session as one self-contained page: commands, points, plots, notes.

    Args:
        log: The session.
        scans: Where the points of its scans are.
        full: Whole outputs; else their beginning and end.
        plots: Draw every scan; else only the plots that were put into the logbook.
    """
    page = _Page(scans, full, plots)
    title = escape(printable(log.opened.id))
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            # Whatever slips through a mistake here must not run.
            '<meta http-equiv="Content-Security-Policy" content="default-src '
            "'none'; img-src data:; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            f"<h1>{title}</h1>",
            *_facts(log),
            *page.body(log),
            "</body>\n</html>\n",
        ]
    )


def _facts(log: JournalLog) -> Iterator[str]:
    yield '<table class="facts">'
    for label, text in facts(log):
        yield f"<tr><th>{escape(label)}</th><td>{escape(text)}</td></tr>"
    yield "</table>"


class _Page:
    def __init__(self, scans: Scans, full: bool, plots: bool) -> None:
        self._scans, self._full, self._plots = scans, full, plots

    def body(self, log: JournalLog) -> Iterator[str]:
        moments, day = Moments(log), ""
        for command in (log.setup, *log.commands):
            below = list(self._below(command))
            number = command.command.number
            if not number and not below:
                continue
            if (now := moments.date(command.command.time)) != day and command.command.time:
                day = now
                yield f"<h2>{escape(day)}</h2>"
            time = escape(moments.time(command.command.time))
            what = typed(command) if number else "setup scripts"
            yield f'<section id="c{number}"><time>{time}</time>'
            yield f'<pre class="typed">{escape(what)}</pre>'
            yield from below
            yield "</section>"
        for remark in remarks(log):
            yield f'<p class="bad">{escape(remark)}</p>'

    def _below(self, command: CommandLog) -> Iterator[str]:
        done = command.done
        output = "" if done is None else done.output or done.value
        if output and not command.scans:
            yield self._output(output)
        for scan in command.scans:
            yield from self._scan(scan)
        if output and command.scans:
            # Of a scan without a file it is all that there is.
            shown = "" if any(scan.file for scan in command.scans) else " open"
            yield f"<details{shown}><summary>printed</summary>{self._output(output)}</details>"
        for note in command.notes:
            yield from self._note(note)
        if (done is not None or command.command.number) and (words := outcome(done)):
            yield f'<p class="bad">{escape(words)}</p>'
        if done is not None and done.traceback and done.outcome == "error":
            lines = escape(printable(done.traceback))
            yield f"<details><summary>where</summary><pre>{lines}</pre></details>"

    def _output(self, text: str) -> str:
        shown = printable(text).rstrip("\n") if self._full else shortened(text)
        return f'<pre class="output">{escape(shown)}</pre>'

    def _scan(self, scan: Scan) -> Iterator[str]:
        yield f'<p class="scan">{escape(scan_words(scan))}</p>'
        if scan.error:
            yield f'<p class="bad">{escape(printable(scan.error))}</p>'
        if self._plots:
            yield from self._plot(scan)
        points = self._scans.points(scan)
        if points is not None and points.rows:
            yield from _table(points)

    def _plot(self, scan: Scan) -> Iterator[str]:
        picture = self._scans.picture(scan)
        if picture is not None:
            yield _image(picture, scan.title)
        elif drawing := self._scans.drawing_text(scan):
            yield f'<pre class="drawing">{escape(printable(drawing))}</pre>'

    def _note(self, note: Note) -> Iterator[str]:
        if note.kind != "plot":
            text = escape(printable(note.text).rstrip("\n"))
            block = f'<pre class="output">{text}</pre>' if note.kind == "output" else ""
            yield f"<blockquote>{block or text.replace(chr(10), '<br>')}</blockquote>"
            return
        picture = self._scans.note_picture(note)
        if picture is not None:
            yield f"<blockquote>{_image(picture, 'plot')}</blockquote>"
        elif note.text:
            text = escape(printable(note.text))
            yield f'<blockquote><pre class="drawing">{text}</pre></blockquote>'


def _image(picture: bytes, title: str) -> str:
    data = b64encode(picture).decode("ascii")
    return f'<p><img alt="{escape(printable(title))}" src="data:image/png;base64,{data}"></p>'


def _table(points: Points) -> Iterator[str]:
    yield '<div class="wide"><table><tr>'
    yield "".join(f"<th>{escape(printable(name))}</th>" for name in points.columns) + "</tr>"
    for index, row in enumerate(points.rows):
        if index == points.gap and points.left_out:
            yield f'<tr><td colspan="{len(row)}">... {points.left_out} more points ...</td></tr>'
        yield "<tr>" + "".join(f"<td>{escape(printable(c))}</td>" for c in row) + "</tr>"
    yield "</table></div>"
