"""What ``time`` means in scripts under a virtual clock, and that nobody else notices."""

from __future__ import annotations

import importlib
import importlib.util
import queue
import re
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from session_shell.clock import RealClock, VirtualClock
from session_shell.session import Session
from session_shell.user_time import following

START = 1_700_000_000.0
REAL = {name: getattr(time, name) for name in dir(time)}
HOUR = 3600.0


def passed(session: Session) -> float:
    return session.clock.time() - START


# What a user sees


def test_sleep_at_the_prompt_moves_the_time_on(session: Session) -> None:
    session.run("import time; time.sleep(3600)")
    assert passed(session) == HOUR


def test_sleep_that_was_imported_by_name_does_too(session: Session) -> None:
    session.run("from time import sleep as wait\ndef pause(): wait(10)")
    session.run("pause()")
    assert passed(session) == 10


def test_sleep_in_the_setup_script_and_in_its_functions(
    make_session: Callable[..., Session], config: Path
) -> None:
    (config / "bench_setup.py").write_text(
        "from time import sleep\nimport time\nsleep(HOUR := 3600)\n"
        "def warm_up():\n    time.sleep(60)\n    sleep(1)\n"
    )
    session = make_session()
    assert session.problems == []
    assert passed(session) == HOUR
    session.run("warm_up()")
    assert passed(session) == HOUR + 61


def test_functions_of_the_session_that_are_called_from_python(session: Session) -> None:
    session.run("import time\ndef wait_for_beam(): time.sleep(600)")
    session.namespace["wait_for_beam"]()
    time.sleep(5)  # this line belongs to the block of the session as well
    assert passed(session) == 605


def test_load_script_and_run_file(session: Session, config: Path) -> None:
    (config / "scripts" / "slow.py").write_text("import time\ntime.sleep(100)\n")
    session.run('load_script("slow")')
    session.run_file(config / "scripts" / "slow.py")
    session.run('user_script_run("slow")')
    assert passed(session) == 300


def test_modules_of_the_user(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beam_helpers.py").write_text(
        "import time\nfrom time import sleep\ndef settle():\n    time.sleep(1)\n    sleep(2)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        session.run("import beam_helpers; beam_helpers.settle()")
    finally:
        sys.modules.pop("beam_helpers", None)
    assert passed(session) == 3


def test_modules_that_were_imported_before(
    make_session: Callable[..., Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "early_helpers.py").write_text(
        "from time import sleep as wait, perf_counter\ndef settle():\n    wait(2)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    early: Any = importlib.import_module("early_helpers")
    try:
        with make_session() as session:
            session.namespace["early"] = early
            session.run("early.settle()")
            early.settle()
            assert passed(session) == 4
        assert early.wait is REAL["sleep"]
        assert early.perf_counter is REAL["perf_counter"]
    finally:
        sys.modules.pop("early_helpers", None)


def test_metadata_callables(session: Session) -> None:
    session.run(
        "import time\n"
        "from session_shell.scanning import scan_meta\n"
        "def slow(scan):\n    time.sleep(2)\n    return {'slept': 2}\n"
        "scan_meta.get_user_scan_meta().sample.set('slow', slow)\n"
        "s = sct(0, diode, save=False)"
    )
    scan = session.namespace["s"]
    assert scan.info["sample"]["slept"] == 2
    assert scan.duration == 2.0


def test_a_metadata_callable_that_sleeps_too_long_is_given_up_in_time(session: Session) -> None:
    session.run(
        "import time\n"
        "from session_shell.scanning import scan_meta\n"
        "meta = scan_meta.get_user_scan_meta()\n"
        "def never(scan):\n    while True:\n        time.sleep(0.7)\n"
        "meta.sample.timeout = 3\n"
        "meta.sample.set('never', never)\n"
        "s = sct(0, diode, save=False)"
    )
    scan = session.namespace["s"]
    assert scan.end_reason == "SUCCESS"
    assert scan.duration == 3.0
    assert passed(session) == 3.0


def test_how_long_metadata_take_is_told_in_the_time_of_the_session(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    session.run(
        "import time\n"
        "from session_shell.scanning import scan_meta\n"
        "meta = scan_meta.get_user_scan_meta()\n"
        "meta.sample.set('slow', lambda scan: time.sleep(2))\n"
        "meta.sample.set('busy', lambda scan: sum(range(100_000)) and None)\n"
        "s = sct(0, diode, save=False)"
    )
    spent = {p.source: p.seconds for p in session.namespace["s"].profile}
    assert (spent["slow"], spent["busy"]) == (2.0, 0.0)
    assert "took 2000 ms" in caplog.text


def test_presets_watchdogs_and_soft_counters(session: Session) -> None:
    session.run(
        "import time\n"
        "class Slow(ScanPreset):\n"
        "    def prepare(self, scan): time.sleep(100)\n"
        "    def before_point(self, scan, index): time.sleep(10)\n"
        "def dog(scan): time.sleep(1)\n"
        "def read():\n    time.sleep(1000)\n    return 5\n"
        "add_preset(Slow()); add_watchdog(dog, interval=0.001)\n"
        "c = soft_counter('c', read, mode='SINGLE')\n"
    )
    before = passed(session)
    session.run("loopscan(2, 0, c, save=False)")
    assert passed(session) - before == pytest.approx(100 + 2 * 10 + 2 * 1 + 2 * 1000)


def test_the_sleep_command(session: Session) -> None:
    session.run("sleep(2.5)")
    assert passed(session) == 2.5


def test_a_script_can_measure_a_scan(session: Session) -> None:
    took = session.run(
        "import time\nt0 = time.time(); m0 = time.monotonic(); p0 = time.perf_counter_ns()\n"
        "s = loopscan(10, 60, diode, save=False)\n"
        "[time.time() - t0, time.monotonic() - m0, (time.perf_counter_ns() - p0) / 1e9, s.duration]"
    )
    assert took == pytest.approx([600] * 4)


@pytest.mark.parametrize("watch", ["time", "monotonic", "perf_counter"])
def test_loops_that_wait_for_a_time_come_to_an_end(session: Session, watch: str) -> None:
    session.run(
        f"from time import {watch} as now, sleep\n"
        "end = now() + 5\nwhile now() < end: sleep(0.1)\n"
        "end = now() + 5\nwhile now() < end: pass"
    )
    assert passed(session) == pytest.approx(10, abs=0.11)


def test_dates_are_those_of_the_clock(session: Session) -> None:
    day = time.strftime("%Y-%m-%d", time.localtime(START))
    told = session.run(
        "import time, datetime\n"
        "[time.strftime('%Y-%m-%d'), time.strftime('%Y-%m-%d', time.localtime()),\n"
        " datetime.date.today().isoformat(), datetime.datetime.today().date().isoformat()]"
    )
    assert told == [day] * 4
    assert session.run("time.ctime() == time.ctime(time.time()) == time.asctime()")
    assert session.run("tuple(time.gmtime())[:3] == tuple(time.gmtime(time.time()))[:3]")
    assert session.run("time.strftime('%Y', time.gmtime(0))") == "1970"
    assert session.run("time.localtime(0) == time.localtime(0.0)")


def test_mistakes_are_refused_as_always(session: Session) -> None:
    with pytest.raises(ValueError, match="non-negative"):
        session.run("import time; time.sleep(-1)")
    with pytest.raises(ValueError, match="non-negative"):
        session.run("time.sleep(float('nan'))")
    for wrong in ("'1'", "None", "", "1, 2"):
        with pytest.raises(TypeError):
            session.run(f"time.sleep({wrong})")
    assert passed(session) == 0


# What others see


def test_the_real_clock_changes_nothing(make_session: Callable[..., Session]) -> None:
    with make_session(clock=RealClock()) as session:
        assert session.run("import time; time.sleep") is REAL["sleep"]
        assert session.run("time.time") is REAL["time"]


def test_everything_is_put_back(make_session: Callable[..., Session]) -> None:
    names = [name for name in dir(time) if not name.startswith("__")]
    before = {name: getattr(time, name) for name in names}
    session = make_session()
    with pytest.raises(ZeroDivisionError):
        session.run("import time; kept = time.sleep; 1 / 0")
    with session:
        pass
    after = {name: getattr(time, name) for name in dir(time) if not name.startswith("__")}
    assert after == before
    assert not [name for name in vars(time) if name.startswith("__session")]
    begin = REAL["time"]()
    session.namespace["kept"](0.01)  # a name that was imported meanwhile works on
    assert REAL["time"]() > begin


def test_a_real_session_inside_a_virtual_one(
    make_session: Callable[..., Session], tmp_path: Path
) -> None:
    with make_session() as virtual, make_session(clock=RealClock(), data=tmp_path / "r") as real:
        now = real.run("import time; time.time()")
        assert abs(now - REAL["time"]()) < HOUR
        virtual.run("import time; time.sleep(50)")
        assert passed(virtual) == 50


def test_two_virtual_sessions_each_have_their_time(
    make_session: Callable[..., Session], tmp_path: Path
) -> None:
    with make_session() as outer:
        with make_session(clock=VirtualClock(start=0.0), data=tmp_path / "inner") as inner:
            inner.run("import time; time.sleep(5)")
            outer.run("import time; time.sleep(7)")
            assert inner.run("time.time()") == 5
        assert outer.run("time.time()") == START + 7
    assert time.sleep is REAL["sleep"]


def test_threads_that_a_script_starts_have_the_time_of_the_machine(session: Session) -> None:
    told = session.run(
        "import threading, time\n"
        "told = []\n"
        "def work():\n    time.sleep(0.001)\n    told.append(time.time())\n"
        "t = threading.Thread(target=work); t.start(); t.join()\n"
        "told[0]"
    )
    assert abs(told - REAL["time"]()) < HOUR
    assert passed(session) == 0


def test_libraries_have_the_time_of_the_machine(session: Session, tmp_path: Path) -> None:
    installed = tmp_path / "lib" / "site-packages" / "waiter.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("import time\ndef now():\n    time.sleep(0.001)\n    return time.time()\n")
    spec = importlib.util.spec_from_file_location("waiter", installed)
    assert spec is not None
    assert spec.loader is not None
    waiter: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(waiter)
    session.namespace["waiter"] = waiter
    assert abs(session.run("waiter.now()") - REAL["time"]()) < HOUR
    session.run("import queue")
    with pytest.raises(queue.Empty):
        session.run("queue.Queue().get(timeout=0.001)")
    assert passed(session) == 0


def test_programs_that_a_script_waits_for_do_not_move_the_time(session: Session) -> None:
    session.run(
        "import subprocess, sys\n"
        "program = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)"
    )
    with pytest.raises(subprocess.TimeoutExpired):
        session.run("program.wait(timeout=0.1)")
    session.run("program.communicate(b'now\\n', timeout=60)")
    assert passed(session) == 0


def test_what_others_put_there_meanwhile_is_theirs(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake(seconds: float) -> None:
        raise AssertionError("the fake was called")

    with following(VirtualClock()):
        monkeypatch.setattr(time, "sleep", fake)
        with pytest.raises(AssertionError, match="the fake was called"):
            session.run("import time; time.sleep(1)")
        assert time.sleep is fake
    session.close()
    assert time.sleep is fake
    monkeypatch.undo()
    time.sleep(0.0)


def test_what_others_put_there_before_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[float] = []
    monkeypatch.setattr(time, "sleep", calls.append)
    clock = VirtualClock(start=0.0)
    with following(clock):
        time.sleep(3)
        exec("import time; time.sleep(4)", {"__name__": "threading"})
    time.sleep(5)
    assert (clock.time(), calls) == (3, [4, 5])


def test_code_without_a_file_is_a_users() -> None:
    module = types.ModuleType("no_file")
    clock = VirtualClock(start=0.0)
    with following(clock):
        exec("import time; time.sleep(4)", module.__dict__)
    assert clock.time() == 4


def test_other_threads_of_the_program_are_not_disturbed(session: Session) -> None:
    times: list[float] = []
    go, done = threading.Event(), threading.Event()

    def other() -> None:
        go.wait(10)
        times.append(time.time())
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    session.namespace.update(go=go, done=done)
    session.run("import time; time.sleep(1); go.set(); done.wait(10)")
    thread.join()
    assert abs(times[0] - REAL["time"]()) < HOUR


def test_nothing_in_the_files_of_a_virtual_session_tells_the_time_of_the_machine(
    session: Session, tmp_path: Path
) -> None:
    session.run("SCAN_SAVING.template = '{session}/{date}'; loopscan(2, 60, diode)")
    day = time.strftime("%Y%m%d", time.localtime(START))
    folder = tmp_path / "data" / "bench" / day
    names = {"scan_0001.h5", "bench.h5"}
    assert names <= {path.name for path in folder.iterdir()}
    told = [text for name in names for text in _texts(folder / name)]
    year = time.strftime("%Y", time.localtime(START))
    dates = [text for text in told if re.match(r"20\d\d-", text)]
    assert dates
    assert {text[:4] for text in dates} == {year}


def _texts(path: Path) -> list[str]:
    """Return all texts of an HDF5 file, those of attributes included."""
    found: list[str] = []

    def look(_name: str, item: Any) -> None:
        found.extend(str(value) for value in item.attrs.values())
        if isinstance(item, h5py.Dataset) and h5py.check_string_dtype(item.dtype):
            found.extend(map(str, np.atleast_1d(item.asstr()[()])))

    with h5py.File(path) as file:
        look("/", file)
        file.visititems(look)
    return found
