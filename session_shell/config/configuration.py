"""The configuration of a tree: its objects, its sessions, and all that is wrong with its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from session_shell.config.descriptions import (
    ObjectDescription,
    SessionDescription,
    SessionPlan,
)
from session_shell.config.nodes import ExpansionError, NodeReader, line_of
from session_shell.config.plan import plan_session
from session_shell.config.problems import Problem, sorted_problems
from session_shell.config.reading import INIT_NAMES, YamlParser, find_folders, read_text
from session_shell.config.tree import Collector, Found, Inherited
from session_shell.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Configuration:
    """A tree of YAML files as it was read; `load_configuration` makes it."""

    root: Path
    objects: dict[str, ObjectDescription] = field(default_factory=dict)
    sessions: dict[str, SessionDescription] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    """What is wrong with the files; `check_configuration` finds more."""
    files: dict[Path, str] = field(default_factory=dict)
    """Text of each YAML file that was read, in the order of reading."""
    controllers: dict[str, ObjectDescription] = field(default_factory=dict)
    """Controllers without a name, by a key that tells their place."""

    def session_plan(self, name: str) -> SessionPlan:
        """Return what to load for the session `name`, included sessions first.

        Raises `ConfigError` when there is no such session or its includes go in a circle; all
        else that is wrong is in the plan's `problems`.
        """
        return plan_session(self, name)

    def describe(self, key: str) -> ObjectDescription | None:
        """Return the description of an object by name or of a controller by key."""
        return self.objects.get(key) or self.controllers.get(key)


def load_configuration(root: Path | str) -> Configuration:
    """Read a tree of YAML files; what is wrong in them is in `problems`, one for each mistake.

    Raises `ConfigError` when the directory is not there.

    >>> load_configuration("sessions").sessions["demo"].setup_file      # doctest: +SKIP
    PosixPath('sessions/demo_setup.py')
    """
    root = _checked_root(Path(root))
    found = Found()
    files: dict[Path, str] = {}
    inherited: dict[Path, Mapping[str, Inherited]] = {}
    parser: YamlParser | None = None
    for folder in find_folders(root, found.problems):
        values = dict(inherited.get(folder.path.parent, {}) if folder.path != root else {})
        inherited[folder.path] = values
        for file in folder.files:
            text = read_text(file, found.problems)
            if text is None:
                continue
            files[file] = text
            parser = parser or YamlParser()
            _load_file(file, text, parser, values, found, root)
    return Configuration(
        root=root,
        objects=found.objects,
        sessions=found.sessions,
        problems=sorted_problems(found.problems),
        files=files,
        controllers=found.controllers,
    )


def _checked_root(root: Path) -> Path:
    root = root.absolute()
    try:
        root.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(
            f"there is no configuration directory {root}: create a session with "
            "'session-shell new NAME', or name another directory with --config"
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"the directory {root} cannot be read ({error})") from error
    if not root.is_dir():
        raise ConfigError(f"{root} is a file, not a directory: --config names a directory")
    return root


def _load_file(
    file: Path,
    text: str,
    parser: YamlParser,
    inherited: dict[str, Inherited],
    found: Found,
    root: Path,
) -> None:
    """Add what one file holds to `found`, or to what its folder inherits."""
    before = len(found.problems)
    node = parser.parse(text, file, found.problems)
    if node is None:
        if len(found.problems) == before and file.name not in INIT_NAMES:
            message = "this file is empty: it defines no object"
            found.problems.append(Problem(message, file, 1, "warning"))
        return
    reader = NodeReader(file, parser.constructor, found.problems)
    try:
        if file.name in INIT_NAMES:
            _inherit(reader, node, inherited)
        else:
            Collector(reader, inherited, found, root).collect(node)
    except ExpansionError:
        message = "the aliases of this file expand to too many values"
        found.problems.append(Problem(message, file, 1))
    except RecursionError:
        message = "YAML: the values are nested too deeply"
        found.problems.append(Problem(message, file, 1))


def _inherit(reader: NodeReader, node: object, inherited: dict[str, Inherited]) -> None:
    """Take the values of an ``__init__.yml``, over those of the folders above."""
    from ruamel.yaml.nodes import MappingNode, Node

    if not isinstance(node, MappingNode):
        if isinstance(node, Node):
            message = f"{reader.file.name} must hold 'key: value' lines for its folder to inherit"
            reader.complain(node, message)
        return
    for key, key_node, value_node in reader.pairs(node):
        if key == "name":
            message = "a name is not inherited: define objects in other files of the folder"
            reader.complain(key_node, message)
            continue
        value = reader.plain(value_node)
        inherited[str(key)] = Inherited(value, reader.file, line_of(key_node))
