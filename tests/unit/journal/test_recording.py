"""What a session writes into its journal: read back by the reader that everybody uses."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from session_shell.clock import RealClock
from session_shell.errors import JournalError, ScanPaused
from session_shell.journal import JournalLog, is_running, journal_folder, read_journal
from session_shell.session import Session

Make = Callable[..., Session]


def log_of(session: Session) -> JournalLog:
    assert session.journal.path is not None
    return read_journal(session.journal.path)


def test_a_session_tells_how_it_began(make_session: Make, config: Path, tmp_path: Path) -> None:
    (config / "__init__.yml").write_text("{}\n")
    (config / "scripts" / "align.py").write_text("x = 1\n")
    (config / "beam").mkdir()
    (config / "beam" / "line.py").write_text("class Device: pass\n")
    session = make_session(seed=42)
    opened = log_of(session).opened
    assert opened.id == session.journal.id
    assert opened.id.startswith("bench-")
    assert session.journal.path == journal_folder(tmp_path / "data") / f"{opened.id}.jsonl"
    assert (opened.session, opened.seed, opened.clock) == ("bench", 42, "virtual")
    assert opened.time == 1_700_000_000.0
    assert (opened.config, opened.data) == (str(config), str(tmp_path / "data"))
    assert set(opened.files) == {
        "__init__.yml",
        "bench.yml",
        "bench_setup.py",
        "scripts/align.py",
        "beam/line.py",
    }
    assert opened.files["bench.yml"] == (config / "bench.yml").read_text()
    assert opened.settings["roby"]["dial"] == 0.0
    assert opened.settings["session"]["active_mg"] == "MG1"
    assert opened.settings["SCAN_SAVING"]["template"]
    assert {"session-shell", "python", "numpy", "h5py"} <= set(opened.versions)
    assert opened.pid == os.getpid()


def test_positions_of_the_last_run_are_where_it_begins(make_session: Make) -> None:
    with make_session() as session:
        session.run("mv(roby, 3)")
        session.close()
    opened = log_of(make_session()).opened
    assert opened.settings["roby"]["dial"] == 3.0


def test_scripts_elsewhere_and_files_that_are_too_much_are_told(
    make_session: Make, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session_shell.journal.facts.FILES_BYTES", 5000)
    (tmp_path / "elsewhere.py").write_text("here = 1\n")
    text = (config / "bench.yml").read_text().replace("./bench_setup.py", "../elsewhere.py")
    (config / "bench.yml").write_text(text)
    (config / "big.py").write_text("#" * 6000)
    (config / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\n# \xe9\n")
    (config / "pipe.py").mkdir()
    (config / ".hidden.py").write_text("x")
    session = make_session()
    assert session.namespace["here"] == 1
    opened = log_of(session).opened
    assert opened.outside == {str(tmp_path / "elsewhere.py"): "here = 1\n"}
    assert sorted(opened.left_out) == [
        "big.py: more than 0 MB in all",
        "latin.py: is no UTF-8 text",
    ]


def test_commands_as_typed_and_as_executed(session: Session) -> None:
    session.run("ct 0.1 diode")
    session.run("x = 6 * 7; x")
    session.run("roby.position", echo=True)
    first, second, third = log_of(session).commands
    assert (first.command.typed, first.command.executed) == ("ct 0.1 diode", "ct(0.1, diode)")
    assert (second.command.typed, second.command.executed) == ("x = 6 * 7; x", "")
    assert [c.command.number for c in (first, second, third)] == [1, 2, 3]
    assert first.command.source == "api"
    assert second.done is not None
    assert (second.done.outcome, second.done.value) == ("ok", "42")
    assert third.done is not None
    assert (third.done.output, third.done.value) == ("0.0\n", "")
    assert first.done is not None
    assert first.done.time - first.command.time == pytest.approx(0.1)


def test_values_are_told_in_short_and_devices_by_type(session: Session) -> None:
    session.run("list(range(10000))")
    session.run("'x' * 100000")
    session.run("roby")
    session.run("class Bad:\n    def __repr__(self): raise ValueError\nBad()")
    session.run("loopscan(1, 0.1, diode)")
    values = [c.done.value for c in log_of(session).commands if c.done is not None]
    assert len(values[0]) < 200
    assert len(values[1]) < 600
    assert values[2] == "<MockupAxis>" or values[2].startswith("<")
    assert values[3] == "<Bad>"
    assert values[4].startswith("<Scan 1: loopscan 1 0.1")


def test_errors_with_the_users_own_lines(session: Session) -> None:
    session.run("def f():\n    return 1 / 0")
    for code in ("f()", "mv(roby, 99)", "1 +", "raise SystemExit(3)", "raise KeyboardInterrupt"):
        with pytest.raises(BaseException):  # noqa: B017, PT011  five kinds
            session.run(code)
    done = [c.done for c in log_of(session).commands[1:]]
    assert [d.outcome for d in done if d] == ["error", "error", "error", "exit", "interrupted"]
    zero, limit, syntax, _, _ = done
    assert zero is not None
    assert limit is not None
    assert syntax is not None
    assert zero.error == "ZeroDivisionError: division by zero"
    assert "return 1 / 0" in zero.traceback
    assert "session_shell" not in zero.traceback
    assert limit.error.startswith("LimitError: roby: ")
    assert syntax.error.startswith("SyntaxError: ")
    assert "1 +" in syntax.traceback


def test_an_error_that_cannot_tell_itself(session: Session) -> None:
    code = "class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad"
    with pytest.raises(Exception):  # noqa: B017, PT011
        session.run(code)
    done = log_of(session).commands[0].done
    assert done is not None
    assert done.error.startswith("Bad: (its message cannot be shown: ValueError")


def test_what_is_printed_is_kept_wherever_it_goes(make_session: Make) -> None:
    shown = io.StringIO()
    with make_session(stream=shown) as session:
        before = sys.stdout, sys.stderr
        session.run("import sys; print('out'); print('err', file=sys.stderr)")
        session.run("loopscan(2, 0.1, diode)")
        session.run(
            "print('\\x1b[31mred\\x1b[0m'); print(sys.stdout.isatty(), sys.stdout.encoding)"
        )
        assert (sys.stdout, sys.stderr) == before
        first, second, third = (c.done for c in log_of(session).commands)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.output == "out\nerr\n"
    assert "** Scan 1: loopscan 2 0.1 **" in second.output
    assert second.output.count("\n") == shown.getvalue().count("\n")
    assert third.output.startswith("red\n")


def test_long_output_is_cut_in_the_middle(session: Session) -> None:
    session.run("for i in range(100_000): print(i)")
    done = log_of(session).commands[0].done
    assert done is not None
    assert done.left_out > 500_000
    assert len(done.output) < 65_000
    assert done.output.endswith("99999\n")


def test_a_user_who_replaces_the_streams_keeps_them(session: Session) -> None:
    mine = io.StringIO()
    before = sys.stdout
    try:
        session.namespace["mine"] = mine
        session.run("import sys; sys.stdout = mine; print('to mine')")
        assert sys.stdout is mine
    finally:
        sys.stdout = before
    assert mine.getvalue() == "to mine\n"


def test_only_settings_that_changed_are_told(session: Session) -> None:
    session.run("x = 1")
    session.run("mv(roby, 2)")
    session.run("roby.velocity = 5; plotselect(diode)")
    session.run("x = 2")
    changes = [c.done.changes for c in log_of(session).commands if c.done is not None]
    assert changes[0] == {}
    assert changes[1] == {"roby": {"dial": 2.0}}
    assert changes[2] == {"roby": {"velocity": 5.0}, "session": {"plot_selection": ["diode"]}}
    assert changes[3] == {}


def test_every_scan_with_the_fingerprints_of_its_data(session: Session, tmp_path: Path) -> None:
    scan = session.run("ascan(roby, 0, 1, 4, 0.1, diode3)")
    entry = log_of(session).commands[0].scans[0]
    assert (entry.scan, entry.uid, entry.type) == (1, scan.plan.uid, "ascan")
    assert entry.title == "ascan roby 0 1 4 0.1"
    assert (entry.npoints, entry.points, entry.end_reason) == (5, 5, "SUCCESS")
    assert (tmp_path / "data" / entry.file) == scan.file
    assert entry.seconds == scan.duration
    assert list(entry.channels) == ["elapsed_time", "epoch", "roby", "diode3"]
    for name, digest in entry.channels.items():
        bytes_ = np.ascontiguousarray(scan.data[name]).tobytes()
        assert hashlib.sha256(bytes_).hexdigest() == digest, name
    assert len(entry.digest) == 64


def test_two_sessions_of_one_seed_have_equal_fingerprints(make_session: Make) -> None:
    entries = []
    for seed in (5, 5, 6):
        with make_session(seed=seed) as session:
            session.run("loopscan(5, 0.1, diode3, save=False)")
            entries.append(log_of(session).commands[0].scans[0])
            session.close()
    assert entries[0].channels == entries[1].channels
    assert entries[0].digest == entries[1].digest
    assert entries[0].channels["diode3"] != entries[2].channels["diode3"]


def test_scans_that_did_not_go_well_are_told_too(session: Session) -> None:
    session.run("def bad(scan): raise ValueError('beam lost')")
    session.run("ct(0.1, diode, save=False)")
    session.namespace["Abort"] = abort_after(2)
    with pytest.raises(KeyboardInterrupt):
        session.run("s = loopscan(5, 0.1, diode, run=False); s.add_preset(Abort); s.run()")
    session.namespace["Fail"] = fail_after(1)
    with pytest.raises(Exception, match="lost"):
        session.run("s = loopscan(5, 0.1, diode, run=False); s.add_preset(Fail); s.run()")
    scans = [s for c in log_of(session).commands for s in c.scans]
    unsaved, aborted, failed = scans
    assert (unsaved.scan, unsaved.file, unsaved.end_reason) == (0, "", "SUCCESS")
    assert (aborted.points, aborted.end_reason, aborted.error) == (2, "USER_ABORT", "")
    assert (failed.points, failed.end_reason) == (1, "FAILURE")
    assert "lost" in failed.error


def abort_after(points: int) -> Any:
    return _Preset(points, KeyboardInterrupt())


def fail_after(points: int) -> Any:
    return _Preset(points, ValueError("beam lost"))


class _Preset:
    def __init__(self, points: int, error: BaseException) -> None:
        self._left, self._error = points, error

    def after_point(self, scan: Any, index: int) -> None:
        self._left -= 1
        if self._left == 0:
            raise self._error


def test_members_of_sequences_and_the_sequence(session: Session) -> None:
    session.run("with sequence('tour'):\n    ct(0.1, diode)\n    loopscan(2, 0.1, diode)")
    types = [s.type for s in log_of(session).commands[0].scans]
    assert types[-1] == "sequence"
    assert sorted(types) == ["ct", "loopscan", "sequence"]


def test_a_scan_that_was_paused_is_told_where_it_ended(session: Session) -> None:
    session.namespace["Pause"] = _Pause()
    with pytest.raises(ScanPaused):
        session.run("s = loopscan(4, 0.1, diode3, run=False); s.add_preset(Pause); s.run()")
    session.run("ct(0.1, diode3)")
    session.run("resume()")
    paused, between, resumed = log_of(session).commands
    assert paused.done is not None
    assert paused.done.outcome == "paused"
    assert paused.scans == ()
    assert [s.type for s in between.scans] == ["ct"]
    (scan,) = resumed.scans
    assert (scan.type, scan.points, scan.end_reason) == ("loopscan", 4, "SUCCESS")
    whole = session.scans[0].data["diode3"]
    assert scan.channels["diode3"] == hashlib.sha256(whole.tobytes()).hexdigest()


class _Pause:
    def after_point(self, scan: Any, index: int) -> None:
        if index == 1:
            scan.control.request_pause("Ctrl-Z", to_prompt=True)


def test_what_setup_scripts_do_is_command_zero(make_session: Make, config: Path) -> None:
    (config / "bench_setup.py").write_text(
        "print('hello')\nloopscan(2, 0.1, diode)\nmv(roby, 1)\nload_script('more')\nnothing_there\n"
    )
    (config / "scripts" / "more.py").write_text("more = 1\n")
    session = make_session()
    log = log_of(session)
    assert log.commands == ()
    assert [s.type for s in log.setup.scans] == ["loopscan"]
    assert [Path(f.path).name for f in log.setup.files] == ["more.py"]
    done = log.setup.done
    assert done is not None
    assert done.output.startswith("hello\n")
    assert done.outcome == "error"
    assert "nothing_there" in done.error
    assert done.changes["roby"] == {"dial": 1.0}


def test_scripts_are_kept_as_text_with_their_arguments(
    make_session: Make, config: Path, tmp_path: Path
) -> None:
    (config / "scripts" / "align.py").write_text("aligned = True\n")
    (tmp_path / "night.py").write_text("import sys\nargv = sys.argv\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "own.py").write_text("mine = 1\n")
    with make_session() as session:
        session.run("load_script('align')")
        session.run(f"user_script_homedir({str(tmp_path / 'mine')!r})")
        session.run("user_script_run('own'); user_script_load('own')")
        session.run_file(tmp_path / "night.py", ("sy", "-0.5"), source="file")
        with pytest.raises(Exception, match="cannot be read"):
            session.run_file(tmp_path / "none.py")
        commands = log_of(session).commands
    assert [f.text for f in commands[0].files] == ["aligned = True\n"]
    assert [f.text for f in commands[2].files] == ["mine = 1\n", "mine = 1\n"]
    script = commands[3]
    assert script.command.source == "file"
    assert script.command.typed == f"run {tmp_path / 'night.py'} sy -0.5"
    assert script.files[0].path == str(tmp_path / "night.py")
    assert script.files[0].arguments == ["sy", "-0.5"]
    assert commands[4].files == ()


def test_a_command_inside_a_command_belongs_to_it(session: Session) -> None:
    session.namespace["session"] = session
    session.run("session.run('print(1)'); session.run('ct 0.1 diode')")
    (command,) = log_of(session).commands
    assert command.done is not None
    assert command.done.output.startswith("1\n")
    assert len(command.scans) == 1
    session.run("2")
    assert len(log_of(session).commands) == 2


def test_the_end_with_its_reason(make_session: Make) -> None:
    reasons = {}
    for error in (None, SystemExit(143), SystemExit(129), SystemExit(3), KeyboardInterrupt()):
        session = make_session()
        try:
            with session:
                if error is not None:
                    raise error  # noqa: TRY301
        except BaseException as raised:
            assert raised is error  # noqa: PT017  nothing else may come
        assert session.journal.path is not None
        assert not is_running(session.journal.path)
        closed = log_of(session).closed
        assert closed is not None
        reasons[repr(error)] = closed.reason
        session.close()
        assert len(session.journal.path.read_text().splitlines()) == 3
    assert reasons == {
        "None": "closed",
        "SystemExit(143)": "SIGTERM",
        "SystemExit(129)": "SIGHUP",
        "SystemExit(3)": "closed",
        "KeyboardInterrupt()": "SIGINT",
    }


def test_an_open_session_is_running(session: Session) -> None:
    session.run("x = 1")
    log = log_of(session)
    assert log.closed is None
    assert is_running(log.path)


def test_a_session_that_closes_itself(make_session: Make) -> None:
    session = make_session()
    session.namespace["session"] = session
    with session:
        session.run("print('bye'); session.close()")
    log = log_of(session)
    assert log.closed is not None
    assert log.commands[0].done is not None
    assert log.commands[0].done.output == "bye\n"


def test_the_journals_id_is_in_the_file_of_each_scan(session: Session) -> None:
    import h5py

    scan = session.run("loopscan(2, 0.1, diode)")
    assert scan.file is not None
    with h5py.File(scan.file) as file:
        stored = file["1.1/session/journal"][()]
    assert stored.decode() == session.journal.id


def test_a_read_only_session_keeps_no_journal(make_session: Make, tmp_path: Path) -> None:
    with make_session(read_only=True) as session:
        session.run("ct(0.1, diode, save=False)")
        assert session.journal.id == ""
        with pytest.raises(JournalError, match="read-only"):
            session.journal.note("text", "remark")
    assert not (tmp_path / "data").exists()


def test_a_data_directory_that_cannot_be_made_costs_a_warning(
    make_session: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING), make_session(data=tmp_path / "file") as session:
        assert session.run("ct(0.1, diode, save=False); 5") == 5
        with pytest.raises(JournalError, match="cannot be written"):
            session.journal.note("text", "remark")
    (told,) = [r.getMessage() for r in caplog.records]
    assert told.startswith(f"{tmp_path / 'file'} cannot be written")


def test_a_folder_of_journals_that_cannot_be_made_costs_a_warning(
    make_session: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal_folder(tmp_path / "data").parent.mkdir(parents=True)
    journal_folder(tmp_path / "data").write_text("")
    with make_session() as session:
        assert session.run("loopscan(1, 0.1, diode).number") == 1
        with pytest.raises(JournalError, match="journals cannot be written"):
            session.journal.note("text", "remark")
    (told,) = [r.getMessage() for r in caplog.records]
    assert told.startswith("what is done is not recorded: ")
    assert str(journal_folder(tmp_path / "data")) in told


def test_no_environment_variable_is_recorded(
    make_session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hush-hush-1234")
    with make_session(clock=RealClock()) as session:
        session.run("import os; token = os.environ['SECRET_TOKEN']")
        session.run("loopscan(1, 0.001, diode)")
        session.close()
    assert session.journal.path is not None
    assert "hush-hush" not in session.journal.path.read_text()


def test_the_typing_helper_is_told(make_session: Make) -> None:
    session = make_session(typing_helper=False)
    with session, pytest.raises(SyntaxError):
        session.run("ct 0.1 diode")
    assert log_of(session).opened.typing_helper is False
