"""The program on pipes: commands from standard input, -c, scripts, exit codes, plain output."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

CONTROL = {chr(c) for c in range(32)} - {"\n"}

INPUT = """\
# what one types at the prompt

ascan roby 0 1 2 0.01 diode
total = 0
for i in range(3):
    total += i

    total += 0
total
if total == 4:
    print("no")
else:
    print("three")
ct(
    0.01,
    diode,
)
"""


def test_commands_from_standard_input(run_program):
    done = run_program("open", "eh1", "--clock", "virtual", stdin=INPUT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "** Scan 1: ascan roby 0 1 2 0.01" in done.stdout
    assert "\n   2    |" in done.stdout
    assert "\n3\nthree\n" in done.stdout
    assert "diode =      5.00000 nA" in done.stdout
    assert not CONTROL & set(done.stdout)


def test_the_first_failing_command_ends_it(run_program):
    done = run_program("-s", "eh1", stdin="a = 1\n\nmv(roby,\n   1e6)\nprint('never')\n")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: stdin:3: roby: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("1\n\n1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("for i in (1, 0):\n    x = i\n    y = 1 / i\n", 3, "ZeroDivisionError"),
        ("def f():\n    return 1 / 0\n\nx = 1\nf()\n", 5, "ZeroDivisionError"),
        ("x = 1\nprint(\n", 2, "SyntaxError: '(' was never closed"),
        ("x = 1\nno such command\n", 2, "SyntaxError: invalid syntax"),
        ("if True:\nprint(1)\n", 2, "IndentationError"),
        ("raise KeyError('x y')\n", 1, "KeyError: 'x y'"),
    ],
)
def test_the_line_of_the_input_is_told(run_program, text, line, message):
    done = run_program("open", "eh1", stdin=text)
    assert done.returncode == 1
    assert f"error: stdin:{line}: {message}" in done.stderr.splitlines()[-1]
    assert "session_shell" not in done.stderr


def test_bytes_that_are_no_text(run_program):
    done = run_program("open", "eh1", stdin=b"print(1)\nprint('\xff')\n", text=False)
    assert done.returncode == 1
    assert done.stdout == b"1\n"
    assert done.stderr == b"error: stdin:2: this line is no UTF-8 text\n"


def test_text_beyond_ascii_works_in_every_locale(run_program, environment):
    done = run_program(
        "open",
        "eh1",
        stdin="print(len('µ'))\n".encode(),
        text=False,
        env=environment | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"1\n", b"")


def test_nothing_to_run(run_program):
    for stdin in ("", "\n\n# nothing\n"):
        done = run_program("open", "eh1", stdin=stdin)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_standard_input_at_all(config: Path, environment):
    command = f"{sys.executable} -m session_shell open eh1 <&-"
    done = subprocess.run(
        command, shell=True, cwd=config.parent, env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("word", "code"), [("exit", 0), ("quit", 0), ("exit(4)", 4), ("exit()", 0)]
)
def test_leaving(run_program, word, code):
    done = run_program("open", "eh1", stdin=f"print(1)\n{word}\nprint(2)\n")
    assert (done.returncode, done.stdout) == (code, "1\n")


def test_input_is_run_as_it_comes(config: Path, environment):
    process = subprocess.Popen(
        [sys.executable, "-m", "session_shell", "open", "eh1"],
        cwd=config.parent,
        env=environment,
        text=True,
        bufsize=1,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        process.stdin.write("print('one', flush=True)\n")
        assert process.stdout.readline() == "one\n"
        process.stdin.write("if True:\n    print('two', flush=True)\nx = 1\n")
        assert process.stdout.readline() == "two\n"
        process.stdin.close()
    assert process.returncode == 0


def test_commands_of_the_command_line(run_program):
    done = run_program(
        "--data",
        "elsewhere",
        "open",
        "eh1",
        "-c",
        "a = 2; a",
        "-c",
        "loopscan 2 0.01 diode",
        "-c",
        "SCANS[-1].npoints",
        "--clock",
        "virtual",
        stdin="print('not read')\n",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2\n** Scan 1")
    assert done.stdout.endswith("\n2\n")
    assert "not read" not in done.stdout


def test_the_first_failing_command_of_the_command_line_ends_it(run_program):
    done = run_program("open", "eh1", "-c", "x = 1\nmv(roby, 1e6)", "-c", "print('never')")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: -c:2: roby: ")


def test_a_script(run_program, config: Path):
    script = config.parent / "work.py"
    script.write_text(
        "import sys\nprint(sys.argv[1:], __file__)\n'not shown'\nnew = answer + 1\n",
        encoding="utf-8",
    )
    done = run_program("open", "eh1", "work.py", "-c", "new", "--", "-x", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"['-x', '1'] {script}\n43\n"


def test_a_script_that_fails(run_program, config: Path):
    (config.parent / "work.py").write_text("a = 1\n\nmv(roby, 1e6)\n", encoding="utf-8")
    done = run_program("open", "eh1", "work.py", "-c", "print('never')")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {config.parent / 'work.py'}:3: roby: ")


def test_i_reads_standard_input_after_the_commands(run_program):
    done = run_program("open", "eh1", "-c", "a = 5", "-i", stdin="a\n")
    assert (done.returncode, done.stdout) == (0, "5\n")


def test_typing_helper_off(run_program):
    done = run_program("open", "eh1", "--no-typing-helper", "-c", "umv roby 1")
    assert done.returncode == 1
    assert "error: -c:1: SyntaxError" in done.stderr


def test_the_seed_makes_noise_repeatable(run_program, config: Path):
    (config / "noise.yml").write_text(
        "- {class: simulation_diode, name: noisy, model: random}\n", encoding="utf-8"
    )
    ask = ["open", "eh1", "--clock", "virtual", "-c", "print(ct(1, noisy).data['noisy'][0])"]
    first, again, other = (
        run_program(*ask, "--seed", seed).stdout.splitlines()[-1] for seed in ("1", "1", "2")
    )
    assert first == again != other


def test_what_failed_goes_to_standard_error_and_the_rest_runs(run_program, config: Path):
    (config / "bad.yml").write_text("- {class: no_such_class, name: broken}\n", encoding="utf-8")
    done = run_program("open", "eh1", "-c", "answer")
    assert (done.returncode, done.stdout) == (0, "42\n")
    assert done.stderr.startswith("error: sessions/bad.yml:1: ")


def test_warnings_are_lines_on_standard_error(run_program):
    code = "import logging; logging.getLogger('session_shell.x').warning('careful\\nnow')"
    done = run_program("open", "eh1", "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "warning: careful now\n")


def test_a_pipe_that_nobody_reads(config: Path, environment):
    code = "for i in range(100000): print(i)"
    process = subprocess.Popen(
        [sys.executable, "-m", "session_shell", "open", "eh1", "-c", code],
        cwd=config.parent,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline() == "0\n"
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 1
    assert errors == (
        "warning: standard output cannot be written (Broken pipe): commands go on without it\n"
    )


@pytest.mark.parametrize("target", ["> /dev/full", ">&-", ">&- 2>&-"])
def test_commands_go_on_without_their_output(config: Path, environment, target):
    command = (
        f"{shlex.quote(sys.executable)} -m session_shell open eh1 -c 'sct(0.1, diode)'"
        f" -c 'print(1)' -c 'loopscan(2, 0.1, diode)' {target}"
    )
    done = subprocess.run(
        command, shell=True, cwd=config.parent, env=environment, text=True, capture_output=True
    )
    assert done.returncode == 1
    if "2>" not in target:
        assert done.stderr.startswith("warning: standard output cannot be written (")
        assert done.stderr.count("\n") == 1
    scans = sorted((config.parent / "data" / "eh1").glob("scan_*.h5"))
    assert len(scans) == 2
    for path in scans:
        with h5py.File(path) as file:
            assert [entry["end_reason"].asstr()[()] for entry in file.values()] == ["SUCCESS"]


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_text_that_the_terminal_does_not_have(run_program, environment, encoding):
    environment["PYTHONIOENCODING"] = encoding
    done = run_program("open", "eh1", "-c", "sct(0.1, diode, title='Ω')", "-c", "print('next')")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u03a9" in done.stdout
    assert done.stdout.endswith("next\n")


def test_commands_that_are_not_utf8(run_program, environment):
    done = run_program("open", "eh1", "-c", b"print('\xff')")
    assert (done.returncode, done.stderr) == (1, "error: -c:1: this command is not UTF-8 text\n")


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_end_it_orderly(config: Path, environment, signum, code):
    process = subprocess.Popen(
        [sys.executable, "-m", "session_shell", "open", "eh1",
         "-c", "mv(roby, 7)", "-c", "print('here', flush=True); sleep(1000)"],
        cwd=config.parent, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdout.readline() == "here\n"
        os.kill(process.pid, signum)
        errors = process.stderr.read()
    assert process.returncode == code
    assert "Traceback" not in errors
    assert errors == ("error: -c:1: interrupted by Ctrl-C\n" if code == 130 else "")


def test_settings_are_kept_between_runs(run_program):
    assert run_program("open", "eh1", "-c", "mv(roby, 7.5)").returncode == 0
    assert run_program("open", "eh1", "-c", "roby.position").stdout == "7.5\n"


def test_what_is_imported(run_program, environment, config: Path):
    code = (
        "import sys; print([m for m in ('IPython', 'prompt_toolkit', 'rich') if m in sys.modules])"
    )
    assert run_program("open", "eh1", "-c", code).stdout == "[]\n"
    (config.parent / "work.py").write_text(code, encoding="utf-8")
    assert run_program("open", "eh1", "work.py").stdout == "[]\n"
    check = (
        "import sys; from session_shell.shell.cli import run; run(['--version']);"
        "run(['open', '--help']);"
        "print([m for m in ('IPython', 'numpy', 'h5py', 'rich', 'ruamel') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_session_is_open_once(run_program):
    nested = "import subprocess, sys; p = subprocess.run(sys.orig_argv[:-2] + {}, text=True, "
    nested += (
        "capture_output=True, stdin=subprocess.DEVNULL); print(p.returncode, p.stdout, p.stderr)"
    )
    done = run_program("open", "eh1", "-c", nested.format(["-c", "1"]))
    assert done.stdout.startswith("1  error: the session eh1 is open already, by ")
    assert "session-shell open eh1 --read-only" in done.stdout
    look = ["--read-only", "-c", "umv(roby, 3)", "-c", "sct(0.01, diode)"]
    done = run_program("open", "eh1", "-c", nested.format(look))
    assert done.stdout.startswith("1 ")
    assert "error: -c:1: the session eh1 is open read-only: scan with save=False" in done.stdout
    done = run_program("open", "eh1", "-c", "roby.position")
    assert done.stdout == "0.0\n", "what is moved for looking moves only there"


def test_resume_defines_again_what_the_last_run_defined(run_program):
    typed = "def half(axis):\n    return axis.position / 2\nstep = 0.5\nhere = roby.position\n"
    assert run_program("open", "eh1", stdin=f"{typed}umv roby 3\n").returncode == 0
    assert run_program("open", "eh1", "-c", "half").returncode == 1
    done = run_program("open", "eh1", "--resume", "-c", "half(roby), step")
    assert done.stdout == "(1.5, 0.5)\n"
    told = done.stderr.splitlines()
    assert told[0].startswith("resumed: run eh1-")
    assert told[0].endswith(": half step")
    assert told[1:] == [
        "resumed: not again: here = roby.position  (roby.position is not a plain value)"
    ]
    assert run_program("open", "eh1", "--resume", "-c", "step").stdout == "0.5\n"


BROKEN = "first = 1\n1 / 0\n"


@pytest.mark.parametrize("how", ["-c", "script", "stdin"])
def test_nothing_is_run_when_the_setup_script_failed(run_program, config: Path, how: str):
    (config / "eh1_setup.py").write_text(BROKEN, encoding="utf-8")
    (config.parent / "run.py").write_text("print('ran', first)\n", encoding="utf-8")
    given = {"-c": ["-c", "print('ran', first)"], "script": ["run.py"], "stdin": []}[how]
    stdin = "print('ran', first)\n" if how == "stdin" else ""
    done = run_program("open", "eh1", *given, stdin=stdin)
    assert (done.returncode, done.stdout) == (1, "")
    first, last = done.stderr.splitlines()
    assert first == "error: sessions/eh1_setup.py:2: ZeroDivisionError: division by zero"
    assert last == (
        "error: the setup script failed, so nothing was run; --keep-going runs it all the same"
    )
    done = run_program("open", "eh1", *given, "--keep-going", stdin=stdin)
    assert (done.returncode, done.stdout) == (0, "ran 1\n")
    assert done.stderr.splitlines() == [first]
    assert run_program("open", "eh1", "-c", "1 / 0", "--keep-going").returncode == 1


@pytest.mark.parametrize(
    "setup", ["exit()", "raise KeyboardInterrupt", "def f(:", "import gone", None]
)
def test_every_way_in_which_a_setup_script_fails_counts(run_program, config: Path, setup):
    file = config / "eh1_setup.py"
    file.unlink() if setup is None else file.write_text(setup, encoding="utf-8")
    done = run_program("open", "eh1", "-c", "print('ran')")
    assert (done.returncode, done.stdout) == (1, "")
    assert "so nothing was run" in done.stderr
    assert run_program("check", "--run").returncode == 1


def test_check_runs_setup_scripts_when_asked_and_saves_nothing(run_program, config: Path):
    setup = "print('from the setup')\nsleep(3600)\nmv(roby, 3)\nascan(roby, 0, 1, 2, 1, diode)\n"
    setup += "SCAN_SAVING.base_path = 'elsewhere'\nct(1, diode, save=True)\n"
    (config / "eh1_setup.py").write_text(setup + BROKEN, encoding="utf-8")
    done = run_program("check")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "1 sessions: no problem",
        "setup scripts were not run; --run runs them too, saving nothing",
    ]
    before = sorted(config.parent.rglob("*.h5"))
    done = run_program("check", "eh1", "--run")
    assert done.returncode == 1
    assert done.stdout == "sessions/eh1_setup.py:8: ZeroDivisionError: division by zero\n"
    assert done.stderr == "from the setup\n"
    assert not (config.parent / "data").exists()
    assert not (config.parent / "elsewhere").exists()
    assert sorted(config.parent.rglob("*.h5")) == before
    (config / "eh1_setup.py").write_text(setup, encoding="utf-8")
    done = run_program("check", "--run")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1] == "1 sessions: no problem"


def test_check_lets_a_setup_script_change_no_file(run_program, config: Path):
    notes = config.parent / "notes.txt"
    notes.write_text("mine", encoding="utf-8")
    (config / "eh1_setup.py").write_text("open('notes.txt', 'w')\n", encoding="utf-8")
    done = run_program("check", "--run")
    assert (done.returncode, notes.read_text()) == (1, "mine")
    assert "sessions/eh1_setup.py:1: " in done.stdout
    assert "notes.txt: check --run changes no file" in done.stdout
    assert run_program("check", "--run", "--no-import").returncode == 2
