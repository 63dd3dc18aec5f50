"""Create the files of a new session, which works at once with simulated devices."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from session_shell.config.configuration import Configuration, load_configuration
from session_shell.config.names import wrong_session_name
from session_shell.config.problems import place
from session_shell.config.templates import SCRIPT, SESSION, SETUP, fill
from session_shell.errors import ConfigError

_OBJECTS = ("samx", "samy", "diode", "monitor", "MG1")


def new_session(root: Path | str, name: str) -> list[Path]:
    """Write ``NAME.yml``, ``NAME_setup.py`` and ``scripts/NAME.py`` below `root`.

    The folder is created if need be; nothing that exists is changed. Where the names of the
    example devices are taken, those of the session get its name in front. Raises `ConfigError`
    for a name that cannot be used, and for a session or a file that exists.

    >>> new_session("sessions", "eh1")                                   # doctest: +SKIP
    [PosixPath('sessions/eh1.yml'), PosixPath('sessions/eh1_setup.py'), ...]
    """
    root = Path(root)
    if wrong := wrong_session_name(name) or _special(name):
        raise ConfigError(wrong)
    names = _object_names(root, name)
    texts = {
        root / f"{name}.yml": fill(SESSION, name, names),
        root / f"{name}_setup.py": fill(SETUP, name, names),
        root / "scripts" / f"{name}.py": fill(SCRIPT, name, names),
    }
    for file in texts:
        if file.exists() or file.is_symlink():
            raise _exists(file)
    _write_all(texts)
    return list(texts)


def _special(name: str) -> str:
    return f"{name!r} has a meaning of its own; choose another name" if name == "__init__" else ""


def _object_names(root: Path, name: str) -> dict[str, str]:
    """Return the names of the example devices, as they are free in the tree."""
    taken: set[str] = set()
    if root.exists():
        configuration = load_configuration(root)
        _refuse_known(configuration, name)
        taken = {*configuration.objects, *configuration.sessions}
    taken.add(name)
    if not taken.intersection(_OBJECTS):
        return {wanted: wanted for wanted in _OBJECTS}
    prefix = re.sub(r"\W", "_", name)
    if prefix[0].isdigit() or keyword.iskeyword(prefix):
        prefix = f"_{prefix}"
    while taken.intersection(f"{prefix}_{wanted}" for wanted in _OBJECTS):
        prefix += "_"
    return {wanted: f"{prefix}_{wanted}" for wanted in _OBJECTS}


def _refuse_known(configuration: Configuration, name: str) -> None:
    session = configuration.sessions.get(name)
    if session is not None:
        where = place(session.file, session.line)
        raise ConfigError(f"there is a session {name!r} already, at {where}; choose another name")


def _exists(file: Path) -> ConfigError:
    return ConfigError(
        f"{place(file, None)} exists already and is left as it is; choose another name, or "
        "move that file away"
    )


def _write_all(texts: dict[Path, str]) -> None:
    """Write all files or none of them."""
    written: list[Path] = []
    try:
        for file, text in texts.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            # Exclusive: of two who create it at the same time one gets the error.
            with file.open("x", encoding="utf-8") as stream:
                written.append(file)
                stream.write(text)
    except OSError as error:
        for made in written:
            made.unlink(missing_ok=True)
        if isinstance(error, FileExistsError) and error.filename == str(file):
            raise _exists(file) from error
        raise ConfigError(
            f"{place(file, None)} cannot be written ({error.strerror}); nothing was created"
        ) from error
