"""``session-shell show``: the real program on files, pipes and at a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from session_shell.shell.cli import run

Run = Callable[..., subprocess.CompletedProcess[str]]
Process = subprocess.Popen[str]
SCANS = (
    "ascan(roby, 0, 5, 5, 0.01, diode)",
    "loopscan(3, 0.01, diode, diode2)",
)


@pytest.fixture
def data(config: Path, run_program: Run) -> Path:
    """Two scans of the session `eh1`."""
    commands = [word for scan in SCANS for word in ("-c", scan)]
    done = run_program("open", "eh1", "--clock", "virtual", *commands)
    assert done.returncode == 0, done.stderr
    return config.parent / "data"


def test_show_without_a_word_shows_the_last_scan(data: Path, run_program: Run) -> None:
    done = run_program("show")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("** Scan 2: loopscan 3 0.01 **\n   outcome : SUCCESS\n")
    assert "   file    : data/eh1/scan_0002.h5" in done.stdout
    assert "   command : loopscan(3, 0.01, diode, diode2)" in done.stdout
    assert "\x1b" not in done.stdout
    assert run_program("show", "last").stdout == done.stdout
    assert run_program("show", "2").stdout == done.stdout
    assert run_program("show", str(data), "2").stdout == done.stdout
    assert run_program("show", "data/eh1/scan_0002.h5").stdout == done.stdout


def test_what_fails_is_one_line_and_the_rest_is_shown(data: Path, run_program: Run) -> None:
    (data / "empty.h5").touch()
    (data / "text.h5").write_text("oops")
    names = ["data/empty.h5", "data/text.h5", "data/none.h5", "data/eh1/scan_0001.h5"]
    done = run_program("show", *names, "--table")
    assert done.returncode == 1
    assert done.stdout.startswith("** Scan 1: ascan roby 0 5 5 0.01 **\n")
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("data/empty.h5: is empty, there is no scan in it")
    assert lines[1].endswith("data/text.h5: is no HDF5 file")
    assert lines[2].endswith("data/none.h5: No such file or directory")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--csv --plot x.png", "--csv and --plot exclude each other"),
        ("--plot x.h5", "must end in .png, .pdf or .svg"),
        ("1 2 --plot x.png", "several scans need several pictures"),
        ("--follow --json", "--follow and --json exclude each other"),
        ("--follow --live", "--live for those that are over"),
        ("--live --points 0:3", "--points cannot be given"),
        ("1 2 --live", "--live shows one scan, file or folder"),
        ("--live --speed fast", "--speed: 'fast' must be a number above zero, or max"),
        ("--live --speed 0", "must be a number above zero"),
    ],
)
def test_wrong_usage(
    arguments: str, message: str, data: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(data.parent)
    assert run(["show", *arguments.split()]) == 2
    assert message in capsys.readouterr().err


def test_output_goes_to_a_file_but_never_over_data(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(data.parent)
    assert run(["show", "1", "--csv", "--columns", "roby,diode", "-o", "peak.csv"]) == 0
    assert capsys.readouterr().out == ""
    assert Path("peak.csv").read_text().splitlines()[:2] == ["roby,diode", "0.0,5.0"]
    scan = data / "eh1" / "scan_0001.h5"
    whole = scan.read_bytes()
    assert run(["show", "1", "--csv", "-o", str(scan)]) == 1
    assert "is a file of data, it is not overwritten" in capsys.readouterr().err
    assert scan.read_bytes() == whole


def test_json_is_one_line_for_each_scan(data: Path, run_program: Run) -> None:
    done = run_program("show", "1", "2", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["title"] for one in found] == ["ascan roby 0 5 5 0.01", "loopscan 3 0.01"]
    assert found[0]["columns"][2]["values"] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_reader_that_has_enough_is_no_error(data: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "session_shell", "show", "1", "--tree"]
    process = subprocess.Popen(
        command,
        cwd=data.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0


@pytest.fixture
def measuring(config: Path, environment: dict[str, str]) -> Iterator[Callable[..., Process]]:
    """Start a session that measures by itself, until the end of the test."""
    begun: list[Process] = []
    (config.parent / "data").mkdir()

    def start(*commands: str) -> Process:
        words = [word for command in commands for word in ("-c", command)]
        begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "session_shell", "open", "eh1", *words],
                cwd=config.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                text=True,
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.terminate()
        process.wait()


def test_a_follower_that_nobody_reads_ends(
    config: Path, environment: dict[str, str], measuring: Callable[..., Process]
) -> None:
    session = measuring("timescan(0.05, diode)")
    view = subprocess.Popen(
        [sys.executable, "-m", "session_shell", "show", "--follow"],
        cwd=config.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert view.stdout is not None
        assert view.stdout.readline() == "** Scan 1: timescan 0.05 **\n"
        view.stdout.close()
        assert view.stderr is not None
        assert "error" not in view.stderr.read()
        view.stderr.close()
        assert view.wait() == 0
        assert session.poll() is None
    finally:
        view.kill()


def test_any_text_can_be_shown_in_ascii(data: Path, environment: dict[str, str]) -> None:
    import h5py

    path = data / "eh1" / "scan_0001.h5"
    with h5py.File(path, "r+") as file:
        del file["1.1/title"]
        file["1.1/title"] = "µ-scan"
    command = [sys.executable, "-m", "session_shell", "show", str(path)]
    ascii_only = environment | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, env=ascii_only, capture_output=True, check=True)
    assert done.stdout.decode("ascii").startswith("** Scan 1: \\xb5-scan **")


def test_live_sends_the_scan_once_more(data: Path, run_program: Run) -> None:
    done = run_program("show", "1", "--live", "--speed", "max")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "** Scan 1: ascan roby 0 5 5 0.01 **"
    assert len([line for line in lines if line.split(" ")[3:4] and "|     " in line]) >= 6
    assert "6 points (counting 0.060 s" in lines[-1]
    table = run_program("show", "1", "--live", "--speed", "max", "--csv").stdout
    assert table == run_program("show", "1", "--csv").stdout


@pytest.mark.terminal
def test_follow_at_a_terminal(
    open_terminal: Callable[..., Any], measuring: Callable[..., Process]
) -> None:
    view = open_terminal("show", "--follow", columns=90)
    view.wait("following ")
    session = measuring("loopscan(5, 0.1, diode)", "timescan(0.05, diode)")
    view.wait("** Scan 1: loopscan 5 0.1 **")
    view.wait("5 points (counting")
    view.wait("** Scan 2: timescan 0.05 **")
    view.wait("Ctrl-C ends this view, not the scan")
    view.type("\x03")
    assert view.exit_code() == 130
    assert session.poll() is None


def test_follow_ends_with_the_scan(data: Path, run_program: Run) -> None:
    done = run_program("show", "--follow", "data/eh1/scan_0001.h5", "--table")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-2] == "   6 of 6 points, SUCCESS"
