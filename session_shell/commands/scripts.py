"""Run scripts of the user, and wait."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from session_shell.commands import arguments as check
from session_shell.current import current_session
from session_shell.errors import CommandError
from session_shell.session.namespace import Namespace
from session_shell.user_time import own_watch


@check.takes_words
def load_script(name: str) -> None:
    """Run a script of the session's ``scripts/`` folder; its names appear at the prompt.

    Args:
        name: File name, with or without ``.py``.

    Raises:
        CommandError: When there is no such script.

    Example:
        ``load_script("demo")``
    """
    session = current_session()
    session.run_script(_script("load_script", session.scripts_dir, name), session.namespace)


@check.takes_words
def user_script_homedir(new_dir: str | Path | None = None) -> str:
    """Set the folder of your own scripts, kept over restarts; return it.

    Example:
        ``user_script_homedir("~/scripts")``
    """
    session = current_session()
    if new_dir is not None:
        if not isinstance(new_dir, str | Path):
            raise CommandError(f"user_script_homedir: expected a folder, got {new_dir!r}")
        folder = session.relocation.script(Path(new_dir).expanduser().absolute())
        if not folder.is_dir():
            raise CommandError(f"user_script_homedir: {folder} is no folder")
        session.user_scripts = folder
    return str(_home())


def user_script_list() -> None:
    """Print the names of your scripts.

    Example:
        ``user_script_list()``
    """
    home = _home()
    names = sorted(str(path.relative_to(home)) for path in home.rglob("*.py"))
    print("\n".join(names) or f"there are no scripts in {home}")


@check.takes_words
def user_script_load(name: str, export_global: bool | str = "user") -> SimpleNamespace | None:
    """Run one of your scripts and keep its names.

    Args:
        name: File name in the `user_script_homedir` folder, with or without ``.py``.
        export_global: ``"user"`` puts the names into ``user``, True into the session itself,
            False returns them.

    Example:
        ``user_script_load("align"); user.align_sample()``
    """
    session = current_session()
    path = _script("user_script_load", _home(), name)
    if export_global is True:
        session.run_script(path, session.namespace)
        return None
    if export_global not in ("user", False):
        raise CommandError(
            f'user_script_load: export_global must be "user", True or False, got {export_global!r}'
        )
    names = _run_apart(path)
    if export_global is False:
        return names
    target = session.namespace.setdefault("user", SimpleNamespace())
    target.__dict__.update(names.__dict__)
    return None


@check.takes_words
def user_script_run(name: str) -> None:
    """Run one of your scripts without keeping its names.

    Example:
        ``user_script_run("align")``
    """
    _run_apart(_script("user_script_run", _home(), name))


@check.takes_words
def unprotect(*names: Any) -> None:
    """Let names of devices and commands be given to something else until the session ends.

    Args:
        names: Names, or the devices and commands themselves.

    Raises:
        CommandError: When one is not protected.

    Example:
        ``unprotect("robz"); robz = 3``
    """
    session = current_session()
    protected = session.namespace.protected
    wanted = [_name_of(protected, one) for one in names]
    if not wanted:
        raise CommandError('unprotect: say which name, for example unprotect("roby")')
    session.namespace.unprotect(*wanted)


def _name_of(protected: Mapping[str, Any], one: Any) -> str:
    name = one if isinstance(one, str) else next((n for n, o in protected.items() if o is one), "")
    if name not in protected:
        close = difflib.get_close_matches(name, protected, n=1)
        hint = f", did you mean {close[0]!r}?" if close else ""
        raise CommandError(f"unprotect: {one!r:.60} is not a protected name{hint}")
    return name


def sleep(seconds: float) -> None:
    """Wait for some seconds of the session's clock; Ctrl-C ends it.

    Example:
        ``sleep(2.5)``
    """
    wait = check.seconds("sleep", "seconds", seconds)
    (own_watch() or current_session().clock).sleep(wait)


def _run_apart(path: Path) -> SimpleNamespace:
    session = current_session()
    namespace = Namespace(session.namespace)
    before = dict(namespace)
    session.run_script(path, namespace)
    new = {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_") and (name not in before or before[name] is not value)
    }
    return SimpleNamespace(**new)


def _home() -> Path:
    session = current_session()
    folder: Path = session.user_scripts or session.scripts_dir
    return folder


def _script(command: str, folder: Path, name: str) -> Path:
    wanted = check.text(command, "the name of the script", name)
    path = Path(wanted).expanduser()
    relocate: Callable[[Path], Path] = current_session().relocation.script
    for candidate in (relocate(folder / path), relocate(folder / f"{path}.py")):
        if candidate.is_file():
            return candidate
    there = sorted(p.stem for p in folder.glob("*.py"))
    close = difflib.get_close_matches(Path(wanted).stem, there, n=1)
    hint = f", did you mean {close[0]!r}?" if close else f"; there are {', '.join(there) or 'none'}"
    raise CommandError(f"{command}: there is no script {wanted!r} in {folder}{hint}")
