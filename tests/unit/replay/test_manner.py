"""Ways to replay a session, and sessions of every kind."""

from __future__ import annotations

import io
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import h5py
import pexpect
import pytest

from session_shell import open_session
from session_shell.clock import RealClock, VirtualClock
from session_shell.journal import read_journal
from session_shell.replay.clocks import RealReplayClock, ReplayClock
from tests.unit.replay.conftest import Recorded, run, run_here
from tests.unit.replay.night import Fingers, record

CONFIG = """
- class: mockup
  axes:
    - {name: roby, velocity: 10, acceleration: 100, unit: mm, low_limit: -50, high_limit: 50}
- {name: diode, class: simulation_diode, model: gaussian, axis: $roby, fwhm: 2, height: 9,
   noise: 0.5, unit: V}
- {name: MG1, class: MeasurementGroup, counters: [diode]}
- {name: plain, class: Session, setup-file: ./plain_setup.py}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "plain.yml").write_text(CONFIG)
    (folder / "plain_setup.py").write_text("")
    return folder


Record = Callable[..., Recorded]


@pytest.fixture
def recorded(config: Path, tmp_path: Path) -> Record:
    def make(*commands: str, **more: Any) -> Recorded:
        data = tmp_path / "data"
        settings: dict[str, Any] = {"keys": {}, "moves": {}, **more}
        return Recorded(data, record(data, commands, session="plain", config=config, **settings))

    return make


def journal_of(report: dict[str, Any]) -> Path:
    (path,) = Path(report["folder"]).glob("data/.session-shell/journals/*.jsonl")
    return path


# A part


def test_what_comes_before_a_part_runs_unseen(recorded: Record) -> None:
    session = recorded("umv(roby, 3)", "ascan(roby, 0, 4, 4, 0.1)", "x = 5", "print(x)", "wa()")
    result = run_here("replay", "last", "--data", str(session.data), "--from", "4", "--to", "4")
    assert result.code == 0
    assert "PLAIN [4]: print(x)\n5\n" in result.stdout
    assert "umv" not in result.stdout
    assert "ascan" not in result.stdout
    assert "wa()" not in result.stdout
    assert ": 1 command, 0 scans, 0 points: all agree bit by bit." in result.stdout


def test_differences_before_a_part_are_told_and_do_not_count(recorded: Record) -> None:
    session = recorded("print(1)", "print(2)", "print(3)")

    def change(entry: dict[str, Any]) -> None:
        if entry["record"] == "done" and entry["number"] == 1:
            entry["output"] = "7\n"

    session.edit(change)
    result = session.replay("--from", "2")
    assert result.code == 0
    (found,) = result.report["commands"][1]["differences"]
    assert not found["counts"]
    assert session.replay("--to", "2").code == 1


@pytest.mark.parametrize(
    "options",
    [("--from", "0"), ("--from", "3", "--to", "2"), ("--clock", "real", "--speed", "3")],
)
def test_wrong_usage_has_the_code_of_wrong_usage(
    recorded: Record, options: tuple[str, ...]
) -> None:
    assert recorded("x = 1").replay(*options).code == 2


def test_a_part_that_is_not_there_is_told(recorded: Record) -> None:
    result = recorded("x = 1").replay("--from", "9")
    assert result.code == 1
    assert "--from 9: the session has 1 commands" in result.stderr


def test_steps_are_asked_for(recorded: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    session = recorded("x = 1", "x = 2", "x = 3", "x = 4")
    answers = iter(["", "what?", "s", "q"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(answers))
    result = session.replay("--step")
    assert result.report["left_out"] == [2]
    done = [entry.command.typed for entry in read_journal(journal_of(result.report)).commands]
    assert done == ["x = 1"]


@pytest.mark.terminal
def test_a_replay_at_a_terminal_asks_and_draws_live_tables(recorded: Record) -> None:
    session = recorded("umv(roby, 1)", "import os; os.system('true')", "loopscan(3, 0.1)")
    command = ["-m", "session_shell", "replay", "last", "--data", str(session.data)]
    child = pexpect.spawn(sys.executable, command, timeout=60, encoding="utf-8")
    child.expect_exact("quit?")
    child.sendline("what")
    child.expect_exact("quit?")
    child.sendline("s")
    child.expect(r"all agree bit by bit")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


# A folder of its own


def test_a_replay_has_a_folder_of_its_own(recorded: Record, tmp_path: Path) -> None:
    session = recorded("loopscan(2, 0.1)")
    before = {p: p.read_bytes() for p in session.data.rglob("*.h5")}
    folders = [session.replay().report["folder"] for _ in range(2)]
    ends = [Path(folder).name.removeprefix(session.journal.stem) for folder in folders]
    assert ends == ["-1", "-2"]
    into = tmp_path / "here"
    assert session.replay("--into", str(into)).report["folder"] == str(into)
    again = session.replay("--into", str(into))
    assert again.code == 1
    assert "exists already" in again.stderr
    assert {p: p.read_bytes() for p in before} == before


def test_data_that_were_sent_elsewhere_stay_in_the_folder(
    recorded: Record, config: Path, tmp_path: Path
) -> None:
    other, third = tmp_path / "visitor", tmp_path / "third"
    (config / "plain_setup.py").write_text(f"SCAN_SAVING.base_path = {str(other)!r}\n")
    session = recorded(
        "loopscan(2, 0.1)", f"SCAN_SAVING.base_path = {str(third)!r}", "loopscan(3, 0.1)"
    )
    before = sorted(p for folder in (other, third) for p in folder.rglob("*"))
    assert any(path.suffix == ".h5" for path in before)
    result = session.replay()
    assert result.code == 0, result.stdout
    assert sorted(p for folder in (other, third) for p in folder.rglob("*")) == before
    assert len(list(Path(result.report["folder"]).rglob("scan_*.h5"))) == 2


def test_scripts_from_elsewhere_are_those_of_the_record(
    recorded: Record, config: Path, tmp_path: Path
) -> None:
    home, shared = tmp_path / "home", tmp_path / "shared"
    home.mkdir()
    shared.mkdir()
    (home / "mine.py").write_text("umv(roby, 3)\nprint('at', roby.position)\n")
    (shared / "setup.py").write_text("where = 7\n")
    (config / "plain.yml").write_text(CONFIG.replace("./plain_setup.py", "../shared/setup.py"))
    session = recorded(
        f"user_script_homedir({str(home)!r})", "user_script_run('mine')", "umv(roby, where)"
    )
    (home / "mine.py").write_text("umv(roby, 4)\n")
    (shared / "setup.py").unlink()
    result = session.replay()
    assert result.code == 0, result.stdout
    (home / "mine.py").unlink()
    home.rmdir()
    assert session.replay().code == 0


def test_a_script_has_the_text_that_it_had(recorded: Record, config: Path, tmp_path: Path) -> None:
    scripts = config / "scripts"
    scripts.mkdir()
    (scripts / "a.py").write_text("print('one')\n")
    place = f"{tmp_path}/data-config/scripts/a.py"
    write = f"import pathlib; n = pathlib.Path({place!r}).write_text(\"print('two')\\n\")"
    session = recorded("load_script('a')", write, "load_script('a')")
    assert session.replay("--force").code == 0
    outputs = [e.done.output for e in read_journal(session.journal).commands if e.done]
    assert outputs == ["one\n", "", "two\n"]


CHANGES = [
    "import os; os.remove({path!r})",
    "open({path!r}, 'w').close()",
    "open({path!r}, 'a').close()",
    "open({path!r}, 'r+').close()",
    "import pathlib; pathlib.Path({path!r}).write_text('other')",
    "import pathlib; pathlib.Path({path!r}).unlink()",
    "import os; os.rename({path!r}, {path!r} + '.old')",
    "import os; os.replace({path!r}, 'here')",
    "import os; os.truncate({path!r}, 0)",
    "import shutil; shutil.move({path!r}, 'here')",
    "import shutil; shutil.rmtree(os.path.dirname({path!r}))",
    "import numpy; numpy.savetxt({path!r}, [1, 2])",
    "SCAN_SAVING.base_path = os.path.dirname({path!r}) + '/../out'\n"
    "s = sct(0.1, soft_counter('one', value=lambda: 1.0))",
    "os.symlink({path!r}, 'link'); open('link', 'w').close()",
    "f = tempfile.NamedTemporaryFile('w'); n = f.write('fine'); f.close()",
]


@pytest.mark.parametrize("change", CHANGES)
def test_files_elsewhere_are_left_alone(
    recorded: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    folder = tmp_path / "precious"
    folder.mkdir()
    file = folder / "notes.txt"
    file.write_text("kept")
    session = recorded(
        "import os, tempfile", change.format(path=str(file)), "open('x', 'w').close()"
    )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    file.write_text("kept")
    for made in work.iterdir():
        made.unlink()
    before = sorted(tmp_path.iterdir())
    result = session.replay()
    assert file.read_text() == "kept"
    assert list(folder.iterdir()) == [file]
    assert list(work.iterdir()) == []
    assert sorted(tmp_path.iterdir()) == before
    if "base_path" in change:
        assert list(session.data.glob("replays/**/scan_*.h5"))
    elif "tempfile.Named" in change:
        assert result.code == 0, result.stdout
    else:
        assert "changes no file outside of its folder" in result.stdout
        assert "--force lets it" in result.stdout


# Numbers and time go on


def test_scan_numbers_go_on_where_they_were(config: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for _ in range(2):
        session = open_session("plain", config=config, data=data, clock=VirtualClock(1.7e9), seed=3)
        with session:
            session.run("loopscan(2, 0.1)")
            session.run("SCANS[-1].number", echo=True)
            path = session.journal.path
    assert path is not None
    result = Recorded(data, path).replay(what=path.stem)
    assert result.code == 0, result.stdout
    (file,) = Path(result.report["folder"]).rglob("scan_*.h5")
    assert file.name == "scan_0002.h5"


def test_positions_and_settings_go_on_where_they_were(config: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for command in ("umv(roby, 5); roby.offset = 1; roby.limits = (-3, 20)", "wa(); mvr(roby, 1)"):
        with open_session("plain", config=config, data=data, clock=VirtualClock(1.7e9)) as session:
            session.run(command)
            path = session.journal.path
    assert path is not None
    result = Recorded(data, path).replay(what=path.stem)
    assert result.code == 0, result.stdout
    with open_session("plain", config=config, data=Path(result.report["folder"]) / "data") as again:
        assert again.devices["roby"].position == 7
        assert again.devices["roby"].limits == (-3, 20)


def test_a_scan_that_was_paused_goes_on_as_it_did(recorded: Record) -> None:
    session = recorded(
        "ascan(roby, 0, 4, 8, 0.1)",
        "umv(roby, 10)",
        "resume()",
        "ascan(roby, 0, 4, 8, 0.1)",
        "abort()",
        "roby.position",
        keys={1: ("pause", 3), 4: ("pause", 5)},
    )
    log = read_journal(session.journal)
    assert [e.done.outcome for e in log.commands if e.done] == [
        "paused",
        "ok",
        "ok",
        "paused",
        "ok",
        "ok",
    ]
    assert [s.end_reason for e in log.commands for s in e.scans] == ["SUCCESS", "USER_ABORT"]
    result = session.replay()
    assert result.code == 0, result.stdout
    assert result.report["exact"]


def test_the_typing_helper_is_as_it_was(recorded: Record) -> None:
    session = recorded(
        "umv roby 1", "%typing_helper off", "umv roby 2", "%typing_helper on", source="prompt"
    )

    def change(entry: dict[str, Any]) -> None:
        # What a prompt does with the magic commands, which a test without a prompt cannot.
        if entry["record"] == "done" and entry["number"] in (2, 4):
            word = "off" if entry["number"] == 2 else "on"
            entry |= {"outcome": "ok", "error": "", "output": f"typing helper is {word}\n"}
            entry.pop("traceback", None)
        if entry["record"] == "done" and entry["number"] == 3:
            entry |= {"outcome": "error", "error": "SyntaxError: invalid syntax", "output": ""}
            entry.pop("changes", None)

    session.edit(change)
    result = session.replay()
    assert result.code == 0, result.stdout


def test_what_is_read_between_commands_changes_nothing(config: Path, tmp_path: Path) -> None:
    out = io.StringIO()
    with (
        redirect_stdout(out),
        open_session(
            "plain", config=config, data=tmp_path / "data", clock=VirtualClock(1.7e9), stream=out
        ) as session,
    ):
        for _ in range(3):
            session.run("print(diode.raw_read)")
            _ = session.devices["diode"].raw_read  # as a completion at the prompt may
        path = session.journal.path
    assert path is not None
    assert len(set(out.getvalue().splitlines())) == 3
    result = Recorded(tmp_path / "data", path).replay(what=path.stem)
    assert result.code == 0, result.stdout


def test_commands_that_are_left_out_do_not_shift_the_others(recorded: Record) -> None:
    session = recorded("x = 1", "import os; os.system('true')", "print(diode.raw_read)")
    assert session.replay("--skip").code == 0


def test_a_value_that_the_prompt_showed_counts(recorded: Record) -> None:
    session = recorded("umv(roby, 2)", "roby.position + 0.5", "{'a': 1}", source="prompt")
    assert session.replay().code == 0

    def change(entry: dict[str, Any]) -> None:
        if entry["record"] == "open":
            entry["terminal"] = True
        if entry["record"] == "done" and entry["number"] == 2:
            assert entry["output"] == "2.5\n"
            entry["output"] = "2.25\n"
        if entry["record"] == "done" and entry["number"] == 3:
            entry["output"] = "{\n  'a': 1\n}\n"  # as IPython breaks long ones

    session.edit(change)
    result = session.replay()
    assert result.code == 1
    (found,) = result.of_kind("value")
    assert found["command"] == 2
    assert len(list(result.of_kind("output"))) == 0


# The real program and the real clock


def test_what_the_program_was_given_is_replayed(config: Path, tmp_path: Path) -> None:
    script = tmp_path / "night.py"
    script.write_text("import sys\nprint(sys.argv[1:])\nascan(roby, 0, 4, 4, 0.1)\n")
    first = run(
        *("open", "plain", str(script), "fast", "--clock", "virtual"),
        *("-c", "umv roby 2", "-c", "roby.position", "-c", "1/0"),
        *("--config", str(config), "--data", str(tmp_path / "data")),
    )
    assert first.code == 1
    script.unlink()
    result = run_here("replay", "last", "--data", str(tmp_path / "data"), "--json")
    assert result.code == 0, result.stdout
    assert [c["typed"] for c in result.report["commands"]][2:] == [
        "umv roby 2",
        "roby.position",
        "1/0",
    ]


def test_a_session_in_real_time_is_compared_within_the_tolerance_of_time(
    config: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    out = io.StringIO()
    with (
        redirect_stdout(out),
        open_session(
            "plain", config=config, data=data, clock=RealClock(), seed=3, stream=out
        ) as session,
    ):
        fingers = Fingers(session, {3: ("abort", 2)})
        session.host.extra_sinks.append(fingers)
        for number, command in enumerate(
            ("umv(roby, 0.5)", "ascan(roby, 0, 1, 5, 0.02)", "loopscan(50, 0.02)", "wm(roby)"), 1
        ):
            fingers.number = number
            try:
                session.run(command, echo=True)
            except KeyboardInterrupt:
                assert number == 3
        path = session.journal.path
    assert path is not None
    result = Recorded(data, path).replay(what=path.stem)
    assert result.code == 0, result.stdout
    assert not result.report["exact"]
    assert any("real time" in note for note in result.report["notes"])
    (aborted,) = Path(result.report["folder"]).rglob("scan_0002.h5")
    with h5py.File(aborted) as file:
        assert len(file["2.1/measurement/diode"]) == 2

    with h5py.File(data / "plain" / "scan_0001.h5", "r+") as file:
        file["1.1/measurement/diode"][3] += 0.1
    assert Recorded(data, path).replay().code == 1


def test_a_virtual_session_can_be_replayed_in_real_time(recorded: Record) -> None:
    session = recorded("loopscan(3, 0.02)", "umv(roby, 0.2)")
    begin = time.monotonic()
    result = session.replay("--clock", "real")
    assert result.code == 0, result.stdout
    assert time.monotonic() - begin >= 0.06
    assert not result.report["exact"]


def test_a_paced_replay_is_exact(recorded: Record) -> None:
    session = recorded("sleep(10)", "loopscan(3, 1)")
    begin = time.monotonic()
    result = session.replay("--speed", "100")
    assert result.code == 0, result.stdout
    assert time.monotonic() - begin >= 0.13
    assert result.report["exact"]


# Clocks


def test_an_alarm_rings_at_its_moment_and_once() -> None:
    clock = ReplayClock(100.0)
    rung: list[float] = []
    clock.alarm.ring = lambda: rung.append(clock.time())
    clock.alarm.moment = 107.5
    clock.sleep(5)
    assert rung == []
    clock.sleep(5)
    assert rung == [107.5]
    assert clock.time() == 110
    clock.sleep(5)
    assert rung == [107.5]


def test_a_clock_is_only_set_forward() -> None:
    clock = ReplayClock(100.0)
    clock.set_forward(50)
    assert clock.time() == 100
    clock.set_forward(150)
    assert clock.time() == 150


def test_the_real_clock_rings_in_the_middle_of_a_sleep() -> None:
    clock = RealReplayClock()
    rung: list[float] = []
    clock.alarm.ring = lambda: rung.append(clock.time())
    moment = clock.alarm.moment = clock.time() + 0.02
    clock.sleep(0.05)
    assert len(rung) == 1
    assert moment <= rung[0] <= clock.time()
