"""Let every file call of a session fail, once and from then on, and kill inside every write.

Usage: ``python -m tests.stress.faults --sample 200 --jobs 2`` (needs Linux and a C compiler).

A library that is loaded before the C library (``faults.c``) counts the calls that touch the data
folder. A first run of each scan family counts them. Then each run lets one call fail (``once``),
that one and all later ones (``on``), write one half of what it was given (``short``), or ends the
process with SIGKILL before the call (``kill``) or halfway through a write (``kill inside``).

After each the cause is gone, and what a person would find is looked at: one line of error and no
traceback; every point that was shown is on disk, or the message says how many are; values are
those of the run without a fault; nothing that failed is called SUCCESS; the next session opens
and its scan is saved; `repair` and `show` work; no hidden file is left.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
TIME_LIMIT = 60.0
"""Seconds after which a run counts as hung; one takes half a second."""

_CONFIGURATION = """
- {name: flat, class: simulation_diode, model: linear, axis: $m, slope: 3, background: 7}
- {name: fast, class: mockup, axes: [{name: m, velocity: 1000, acceleration: 100000},
   {name: n, velocity: 1000, acceleration: 100000}]}
- {name: mca, class: simulation_mca}
- {name: stress, class: Session}
"""
FAMILIES = {
    "steps": "ascan(m, 0, 1, 9, 0.1, flat)",
    "back": "dscan(m, -1, 1, 6, 0.1, flat)",
    "count": "sct(0.1, flat)",
    "many": "loopscan(40, 0.01, flat)",
    "mesh": "amesh(m, 0, 1, 4, n, 0, 1, 3, 0.1, flat)",
    "flying": "fscan(m, 0, 1, 50, 0.01, flat)",
    "spectra": "loopscan(4, 0.1, mca, flat)",
    "sequence": "with sequence('two') as seq:\n"
    "    for _ in range(2): seq.add(loopscan(3, 0.1, flat, run=False))",
    "comment": "loopscan(3, 0.1, flat)\nSCANS[-1].add_comment('good')",
    "sample": "newsample('gold')\nloopscan(3, 0.1, flat)",
}
KINDS = ("once", "on", "short", "kill", "kill inside")
ERRORS = ("ENOSPC", "EIO", "EACCES", "ESTALE", "EMFILE")
_PERMANENT = re.compile(r"\.last_scan_number|\.\w+\.h5\.lock|\.session-shell")
_NEXT = "loopscan 2 0.1"
"""Title of the scan that is taken when the cause of the fault is gone."""
_UNREADABLE = (OSError, RuntimeError, KeyError, ValueError)
_ROW = re.compile(r"^ +(\d+) +\|", re.MULTILINE)
_CLAIM = re.compile(r"(?:^|\D)(\d+) (?:of (?:the )?\d+ )?points? (?:is|are|was|were) (?:on|in)\b")
_ALL = re.compile(r"(?<!\d )(?:all|the) points(?: so far)? are (?:on|in)\b")


@dataclass(frozen=True)
class Fault:
    """One call that goes wrong: its number among those of the run, and how."""

    call: int
    kind: str = "once"
    error: str = "EIO"

    def __str__(self) -> str:
        return f"{self.kind} {self.error if self.kind in ('once', 'on') else ''} at {self.call}"


@dataclass
class Seen:
    """What came of one run."""

    fired: int = 0
    code: int = 0
    signal: int = 0
    hung: bool = False
    output: str = ""
    errors: str = ""

    @property
    def shown(self) -> int:
        """How many points the last table showed."""
        last = self.output.rsplit("** Scan ", 1)
        return len(_ROW.findall(last[1])) if len(last) == 2 else 0


@dataclass
class Report:
    """What was found in all runs of a family."""

    calls: int = 0
    faults: int = 0
    kills: int = 0
    told: int = 0
    """Faults that ended a command with an error."""
    faulty: dict[str, list[str]] = field(default_factory=dict)
    """Runs by what was wrong with them."""

    def add(self, what: str, run: str) -> None:
        """Note a run that went wrong."""
        self.faulty.setdefault(what, []).append(run)

    def merge(self, other: Report) -> None:
        """Add the figures of `other`."""
        self.faults += other.faults
        self.kills += other.kills
        self.told += other.told
        for what, runs in other.faulty.items():
            self.faulty.setdefault(what, []).extend(runs)

    def __str__(self) -> str:
        bad = ", ".join(f"{len(runs)} {what}" for what, runs in sorted(self.faulty.items()))
        return (
            f"{self.calls} calls, {self.faults} faults ({self.told} told), {self.kills} kills: "
            f"{bad or 'nothing wrong'}"
        )


def build(folder: Path) -> Path | None:
    """Compile the library into `folder`; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / "faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


# In the process that has the library


class Library:
    """The library that lets calls fail, in this process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(os.environ["LD_PRELOAD"])
        self._library.faults_count.restype = self._library.faults_fired.restype = ctypes.c_long

    def arm(self, folder: Path, fault: Fault, log: Path | None = None) -> None:
        """Count the calls below `folder` from now on, and let that of `fault` fail."""
        self._library.faults_arm(
            os.fsencode(folder),
            ctypes.c_long(fault.call),
            getattr(errno, fault.error),
            KINDS.index(fault.kind),
            os.fsencode(log) if log else b"",
        )

    def disarm(self) -> tuple[int, int]:
        """Stop that; return how many calls there were, and how many failed."""
        self._library.faults_disarm()
        return int(self._library.faults_count()), int(self._library.faults_fired())


def _command(folder: Path, *commands: str) -> list[str]:
    places = ["--config", str(folder), "--data", str(folder / "data")]
    typed = [word for command in commands for word in ("-c", command)]
    return ["open", "stress", *places, "--clock", "virtual", "--seed", "1", *typed]


def _in_child(folder: Path, action: Callable[[], int]) -> Seen:
    """Do `action` in a forked process whose output is kept; return what came of it."""
    out, err = folder / "out", folder / "err"
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            for path, fd in ((out, 1), (err, 2)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), fd)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            code = action()
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    seen = Seen()
    limit = time.monotonic() + TIME_LIMIT
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > limit:
            os.kill(child, signal.SIGKILL)
            seen.hung = True
            _, status = os.waitpid(child, 0)
            break
        time.sleep(0.005)
    seen.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    seen.code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
    seen.output = out.read_text(encoding="utf-8", errors="replace") if out.exists() else ""
    seen.errors = err.read_text(encoding="utf-8", errors="replace") if err.exists() else ""
    return seen


def _main(arguments: Sequence[str]) -> int:
    from session_shell.shell.cli import main

    try:
        main(list(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def run(library: Library, folder: Path, command: str, fault: Fault) -> Seen:
    """Open a session in `folder` and run `command`, with one fault on the way."""
    note = folder / "fired"

    def session() -> int:
        library.arm(folder / "data", fault)
        try:
            return _main(_command(folder, command))
        finally:
            sys.stdout.flush()
            note.write_text(json.dumps(library.disarm()))

    note.unlink(missing_ok=True)
    seen = _in_child(folder, session)
    calls, seen.fired = json.loads(note.read_text()) if note.exists() else (0, 1)
    if fault.call == 0:
        seen.fired = calls
    return seen


# What is left behind


Columns = dict[str, list[object]]


def read_files(data: Path) -> Iterator[tuple[str, str, str, Columns]]:
    """Yield name, title, end reason and columns (no times) of each scan file.

    Raises:
        OSError: When one cannot be read.
    """
    import h5py

    for path in sorted(data.glob("**/scan_*.h5")):
        with h5py.File(path) as file:
            (name,) = file
            entry = file[name]
            reason = entry["end_reason"].asstr()[()] if "end_reason" in entry else ""
            columns = {
                key: entry["measurement"][key][()].tolist()
                for key in entry["measurement"]
                if key not in ("elapsed_time", "epoch")
            }
            if reason != "SUCCESS" and all(_is_empty(column) for column in columns.values()):
                columns = {key: [] for key in columns}
            yield path.name, entry["title"].asstr()[()], reason, columns


def _is_empty(column: list[object]) -> bool:
    """Return True for one point of NaN: plots need it in a scan that has no point yet."""
    return len(column) <= 1 and all(value != value for value in column)


class Checker:
    """Look at what a run left, against what the run without a fault gave."""

    def __init__(self, library: Library, family: str) -> None:
        self.library, self.family = library, family
        self.command = FAMILIES[family]
        self.report = Report()
        with _Folder() as folder:
            seen = run(library, folder, self.command, Fault(0))
            if seen.code or seen.errors:
                raise RuntimeError(f"{family} fails by itself: {seen.errors}{seen.output}")
            self.report.calls = seen.fired
            self.expected = {t: c for _, t, _, c in read_files(folder / "data")}

    def attempt(self, fault: Fault) -> None:
        """Run once with `fault`, and note what is wrong afterwards."""
        with _Folder() as folder:
            seen = run(self.library, folder, self.command, fault)
            if not seen.fired:
                return  # this call cannot fail so
            self.report.kills += fault.kind.startswith("kill")
            self.report.faults += not fault.kind.startswith("kill")
            self.report.told += seen.code != 0
            for problem in self._problems(folder, fault, seen):
                detail = " / ".join(seen.errors.strip().splitlines()[-3:])
                self.report.add(problem, f"{self.family}: {fault}: {detail}")

    def _problems(self, folder: Path, fault: Fault, seen: Seen) -> Iterator[str]:
        killed = seen.signal == signal.SIGKILL and fault.kind.startswith("kill")
        if seen.hung:
            yield "hung"
            return
        if seen.signal and not killed:
            yield f"ended by signal {seen.signal}"
        if "Traceback" in seen.errors or "Traceback" in seen.output or seen.code == 70:
            yield "with a traceback"
        if seen.code and "error: " not in seen.errors:
            yield "without a line of error"
        yield from self._points(folder, seen, repaired=False, killed=killed)
        yield from self._afterwards(folder, seen, killed=killed)

    def _points(self, folder: Path, seen: Seen, *, repaired: bool, killed: bool) -> Iterator[str]:
        when = " after repair" if repaired else ""
        try:
            files = [f for f in read_files(folder / "data") if f[1] != _NEXT]
        except _UNREADABLE as error:
            # A disk that fails for good may leave what only `repair` can read; it must say so.
            if repaired or (seen.code == 0 and not killed):
                yield f"unreadable{when} ({type(error).__name__})"
            return
        for file in files:
            for problem in self._values(*file):
                yield f"{problem}{when}"
        if repaired or killed:
            return
        if seen.code:
            rows = max((len(column) for column in files[-1][3].values()), default=0) if files else 0
            yield from _false_claims(seen, rows)
        elif {title for _, title, _, _ in files} != set(self.expected):
            yield "lost without a word"
        elif any(reason != "SUCCESS" for _, _, reason, _ in files):
            yield "not finished, exit code 0"

    def _values(self, _name: str, title: str, reason: str, columns: Columns) -> Iterator[str]:
        if title not in self.expected:
            yield "of an unknown scan"
            return
        wanted = self.expected[title]
        if any(columns[key] != wanted[key][: len(columns[key])] for key in columns):
            yield "with wrong values"
        if reason == "SUCCESS" and any(len(columns[key]) < len(wanted[key]) for key in wanted):
            yield "called SUCCESS with points missing"

    def _afterwards(self, folder: Path, seen: Seen, *, killed: bool) -> Iterator[str]:
        data = folder / "data"
        again = _in_child(folder, lambda: _main(_command(folder, "loopscan(2, 0.1, flat)")))
        if again.code or "Traceback" in again.errors:
            yield "the next session fails"
            seen.errors += f"\n{again.errors}"
            return
        with contextlib.suppress(*_UNREADABLE):  # that of the fault; said elsewhere
            if not any(t == _NEXT and r == "SUCCESS" for _, t, r, _ in read_files(data)):
                yield "the next scan is not saved"
        folders = {path.parent for path in data.glob("**/*.h5")}
        for each in sorted(folders):
            mended = _in_child(folder, lambda each=each: _main(["repair", str(each)]))  # type: ignore[misc]
            if mended.code or "Traceback" in mended.errors:
                yield "repair fails"
                seen.errors += f"\n{mended.errors}{mended.output}"
            shown = _in_child(folder, lambda each=each: _main(["show", str(each)]))  # type: ignore[misc]
            if shown.code or "Traceback" in shown.errors:
                yield "show fails"
                seen.errors += f"\n{shown.errors}{shown.output}"
        yield from self._points(folder, seen, repaired=True, killed=killed)
        left = [p.name for p in data.rglob("*") if _is_left(p)]
        if left:
            yield "hidden files are left"
            seen.errors += f"\n{' '.join(left)}"


def _is_left(path: Path) -> bool:
    if path.name.startswith(".") and not _PERMANENT.fullmatch(path.name):
        return True
    return path.suffix in (".part", ".redo") or path.name.endswith(("-journal", "-wal"))


def _false_claims(seen: Seen, rows: int) -> Iterator[str]:
    text = seen.errors
    claims = [int(number) for number in _CLAIM.findall(text)]
    if claims and rows not in claims:
        yield f"with a false number of points ({claims[0]} said, {rows} on disk)"
    elif not claims and _ALL.search(text) and rows < seen.shown:
        yield "said to have all points"
    elif not claims and rows < seen.shown:
        yield "with points lost, no number said"


class _Folder:
    """A folder with the configuration, taken away afterwards."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="faults-"))
        (self._path / "stress.yml").write_text(_CONFIGURATION)
        return self._path

    def __exit__(self, *_exc: object) -> None:
        for path in self._path.rglob("*"):
            if path.is_dir():
                path.chmod(0o700)
        shutil.rmtree(self._path, ignore_errors=True)


def faults_of(calls: int) -> list[Fault]:
    """Return all faults of a run with so many calls."""
    numbers = range(1, calls + 1)
    every = [Fault(n, kind, error) for n in numbers for kind in ("once", "on") for error in ERRORS]
    every += [Fault(n, kind) for n in numbers for kind in ("short", "kill", "kill inside")]
    return every


def _warm_up() -> None:
    """Import everything before the forks, by doing once what the children do."""
    with _Folder() as folder, contextlib.redirect_stdout(io.StringIO()):
        _main(_command(folder, FAMILIES["spectra"]))
        _main(["repair", str(folder / "data" / "stress")])
        _main(["show", str(folder / "data" / "stress")])


def _work(family: str, sample: int, seed: int, kinds: Sequence[str]) -> Report:
    """Run the faults of one family in this process, which has the library."""
    _warm_up()
    checker = Checker(Library(), family)
    chosen = [fault for fault in faults_of(checker.report.calls) if fault.kind in kinds]
    if sample:
        chosen = random.Random(f"{family} {seed}").sample(chosen, min(sample, len(chosen)))
    for fault in chosen:
        checker.attempt(fault)
    return checker.report


def run_families(
    library: Path, families: Sequence[str], sample: int, seed: int, kinds: Sequence[str], jobs: int
) -> dict[str, Report]:
    """Run each family in a process of its own; return what was found."""
    environment = {**os.environ, "LD_PRELOAD": str(library), "NO_COLOR": "1"}

    def one(family: str) -> Report:
        words = [
            "--family",
            family,
            "--sample",
            str(sample),
            "--seed",
            str(seed),
            "--kinds",
            *kinds,
        ]
        done = subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                "tests.stress.faults",
                "--inside",
                *words,
                "--kinds",
                *kinds,
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return Report(**json.loads(done.stdout.splitlines()[-1]))

    with ThreadPoolExecutor(jobs) as pool:
        return dict(zip(families, pool.map(one, families), strict=True))


def main() -> int:
    """Run the faults that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--sample", type=int, default=100, help="faults a family; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--family", nargs="*", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--most", type=int, default=5, help="examples to print of each")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        (family,) = asked.family
        report = _work(family, asked.sample, asked.seed, asked.kinds)
        print(json.dumps(vars(report)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        library = build(Path(folder))
        if library is None:
            print("needs Linux and a C compiler")
            return 2
        reports = run_families(
            library, asked.family, asked.sample, asked.seed, asked.kinds, asked.jobs
        )
    total = Report()
    for family, report in reports.items():
        print(f"{family:10} {report}")
        total.calls += report.calls
        total.merge(report)
    print(f"{'all':10} {total}")
    for what, runs in sorted(total.faulty.items()):
        print(f"\n{what}: {len(runs)}")
        for line in runs[: asked.most]:
            print(f"  {line}")
    return 1 if total.faulty else 0


if __name__ == "__main__":
    raise SystemExit(main())
