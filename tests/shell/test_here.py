"""Files in the working directory that have the name of a module are not run in its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_SESSION = "name: eh1\nclass: Session\nconfig-objects: [diode]\n"
_DIODE = "name: diode\nclass: simulation_diode\n"


@pytest.mark.parametrize("module", ["socket", "h5py", "shlex", "platformdirs"])
def test_a_module_of_this_name_here_is_not_run(tmp_path: Path, module: str) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "eh1.yml").write_text(_SESSION)
    (tmp_path / "sessions" / "diode.yml").write_text(_DIODE)
    (tmp_path / f"{module}.py").write_text("open('ran', 'w').close()\nraise SystemExit(7)\n")
    (tmp_path / "mine.py").write_text("answer = 42\n")
    commands = ["loopscan(2, 0.01, diode)", "import mine", "print(mine.answer)"]
    program = Path(sys.executable).with_name("session-shell")
    done = subprocess.run(
        [program, "open", "eh1", *(part for c in commands for part in ("-c", c))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout[-3:]) == (0, "42\n"), done.stderr
    assert not (tmp_path / "ran").exists()
