from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from session_shell.scanning import scan_meta
from session_shell.session import Session


def test_the_import_line_of_setup_scripts_works(
    make_session: Callable[..., Session], config: Path
) -> None:
    (config / "bench_setup.py").write_text(
        "from bliss import current_session\n"
        "from bliss.setup_globals import *\n"
        "from bliss.shell.standard import umv, wa\n"
        "from bliss.common.standard import loopscan\n"
        "from bliss.scanning import scan_meta\n"
        "from bliss.scanning.scan_meta import get_user_scan_meta, META_TIMING\n"
        "import bliss.scanning.scan_meta as again\n"
        "name = current_session.name\n"
        "umv(roby, 1)\n"
    )
    session = make_session()
    assert session.problems == []
    assert session.namespace["name"] == "bench"
    assert session.namespace["scan_meta"] is scan_meta
    assert session.namespace["again"] is scan_meta
    assert session.namespace["roby"].position == 1


def test_at_the_prompt_too_and_not_afterwards(session: Session) -> None:
    session.run("from bliss.scanning import scan_meta")
    session.close()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("bliss.scanning")


def test_unknown_names_fail_as_usual(session: Session) -> None:
    with pytest.raises(ImportError):
        session.run("from bliss.setup_globals import nothing_of_that_name")
    with pytest.raises(ModuleNotFoundError):
        session.run("import bliss.controllers")


def test_nested_sessions_share_the_names(make_session: Callable[..., Session]) -> None:
    with make_session() as outer:
        with make_session(read_only=True) as inner:
            inner.run("from bliss import current_session")
        outer.run("from bliss import current_session; name = current_session.name")
        assert outer.namespace["name"] == "bench"


def test_a_real_bliss_is_left_alone(
    make_session: Callable[..., Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "bliss"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("real = True\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    try:
        assert make_session().run("import bliss; bliss.real") is True
    finally:
        sys.modules.pop("bliss", None)
