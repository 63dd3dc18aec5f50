"""Scan numbers of sessions: once in a folder, whatever is lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from session_shell.nexus.folder.numbers import NUMBER_FILE
from session_shell.session import Session

Make = Callable[..., Session]
COUNT = "sct(0.1, diode)"


def lose_files(data: Path) -> None:
    for path in (data / "bench").glob("scan_*.h5"):
        path.unlink()


def lose_settings(data: Path) -> None:
    shutil.rmtree(data / ".session-shell")


def lose_number_file(data: Path) -> None:
    (data / "bench" / NUMBER_FILE).unlink()


def lose_master(data: Path) -> None:
    (data / "bench" / "bench.h5").unlink()


@pytest.mark.parametrize(
    "lost",
    [
        (lose_files,),
        (lose_settings,),
        (lose_master,),
        (lose_number_file,),
        (lose_files, lose_settings),
        (lose_files, lose_settings, lose_master),
        (lose_files, lose_settings, lose_number_file),
        (lose_files, lose_master, lose_number_file),
        (lose_settings, lose_master, lose_number_file),
    ],
)
def test_numbers_go_on(make_session: Make, lost: tuple[Callable[[Path], None], ...]) -> None:
    with make_session() as first:
        assert [first.run(COUNT).number for _ in range(3)] == [1, 2, 3]
    for lose in lost:
        lose(first.data_path)
    with make_session() as second:
        assert [second.run(COUNT).number for _ in range(2)] == [4, 5]


def test_files_that_are_deleted_while_the_session_is_open(session: Session) -> None:
    assert session.run(COUNT).number == 1
    shutil.rmtree(session.data_path / "bench")
    assert session.run(COUNT).number == 2
    lose_files(session.data_path)
    lose_number_file(session.data_path)
    assert session.run(COUNT).number == 3


def test_a_name_of_files_that_changes(session: Session) -> None:
    assert session.run(COUNT).number == 1
    session.run("SCAN_SAVING.scan_filename_template = 'run{scan_number}'")
    session.run("SCAN_SAVING.data_filename = 'all'")
    assert session.run(COUNT).number == 2
    names = {path.name for path in (session.data_path / "bench").glob("[!.]*")}
    assert names == {"scan_0001.h5", "bench.h5", "run0002.h5", "all.h5"}


SHARED = """
import sys
from session_shell import open_session
with open_session(sys.argv[3], config=sys.argv[1], data=sys.argv[2], seed=1) as session:
    session.run("SCAN_SAVING.template = 'shared'; SCAN_SAVING.data_filename = 'shared'")
    for _ in range(25):
        scan = session.run("sct(0.0001, diode)")
        print(scan.number, flush=True)
        if scan.number % 3 == 0:
            scan.file.unlink()
"""


def test_two_sessions_in_one_folder_that_delete_files(config: Path, tmp_path: Path) -> None:
    (config / "other.yml").write_text("- {name: other, class: Session}\n")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SHARED, str(config), str(tmp_path / "data"), name],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("bench", "other")
    ]
    numbers: list[int] = []
    for process in running:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        numbers += map(int, output.split())
    assert sorted(numbers) == list(range(1, 51))
    with h5py.File(tmp_path / "data" / "shared" / "shared.h5") as master:
        assert sorted(master) == sorted(f"{number}.1" for number in numbers)
        for number in numbers:
            if number % 3:
                assert "end_time" in master[f"{number}.1"]
