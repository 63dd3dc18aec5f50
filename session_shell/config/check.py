"""Find everything that is wrong with a configuration.

Values are compared with the signatures of the factories. The objects of classes that come with
session-shell are built too, as nothing but memory is touched: what a factory refuses when a session
opens is a problem here. Those of other packages are not: they may reach for hardware.
"""

from __future__ import annotations

import builtins
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from session_shell.clock import VirtualClock
from session_shell.config.builder import Builder
from session_shell.config.classes import Classes
from session_shell.config.configuration import Configuration
from session_shell.config.cycles import find_circles
from session_shell.config.descriptions import (
    IGNORED_KEYS,
    ObjectDescription,
    SessionDescription,
)
from session_shell.config.names import reference_name
from session_shell.config.plan import unknown_object
from session_shell.config.problems import Problem, did_you_mean, one_line, sorted_problems
from session_shell.config.references import counter_names, references, replace_references, texts
from session_shell.config.schema import (
    Schema,
    bind,
    parameter_of,
    protects_in_vain,
    read_schema,
    return_class,
    used_keys,
)
from session_shell.config.session_keys import SESSION_KEYS
from session_shell.config.unloaded import unloaded
from session_shell.config.values import Reference
from session_shell.devices.context import DeviceContext
from session_shell.devices.registry import BUILT_IN, DeviceClass
from session_shell.errors import ConfigError

_LABELS = frozenset({"user_tag"})
"""Keys that users put on anything; never warned about."""
_HOLDER = Schema(injected=frozenset({"name"}))
"""Of a controller that only holds parts."""


def check_configuration(
    configuration: Configuration,
    names: Iterable[str] | None = None,
    *,
    classes: Mapping[str, DeviceClass] | None = None,
    reserved: Collection[str] = (),
    imports: bool = True,
    scripts: bool = True,
    trial: bool = True,
) -> list[Problem]:
    """Return every problem of a configuration, by file and line.

    `names` restricts it to these sessions and what they load (files that cannot be read are
    always reported). Names in `reserved` (commands) give a warning when an object hides them.
    Without `imports` no module of a package is imported, and objects of such classes are not
    looked at. Without `scripts` no setup script is compiled; without `trial` no object is built.
    Raises `ConfigError` when there is no session of a name.

    >>> [str(p) for p in check_configuration(load_configuration("sessions"))]  # doctest: +SKIP
    []
    """
    known = Classes(configuration, classes, imports=imports)
    check = _Check(configuration, known, frozenset(reserved), scripts=scripts)
    sessions = list(configuration.sessions) if names is None else list(names)
    wanted = {name for session in sessions for name in check.session(session)}
    if names is None:
        wanted = set(configuration.objects)
    for name in sorted(wanted | check.needed_by(wanted)):
        if name in configuration.objects:
            check.object(configuration.objects[name])
    if names is None:
        for description in configuration.controllers.values():
            check.object(description)
    check.problems += find_circles(configuration, check.links)
    check.problems += unloaded(configuration)
    found = [*configuration.problems, *check.problems]
    if trial:
        builder = Builder(configuration, DeviceContext(VirtualClock()), classes=classes)
        found = with_unbuilt(found, builder.build(check.buildable(wanted))[1])
    return sorted_problems(found)


def with_unbuilt(found: Iterable[Problem], unbuilt: Iterable[Problem]) -> list[Problem]:
    """Add the reasons why objects cannot be built, where nothing is known to be wrong already."""
    found = list(found)
    places = {(p.file, p.line) for p in found if p.severity == "error"}
    return [*found, *(p for p in unbuilt if (p.file, p.line) not in places)]


@dataclass(slots=True)
class _Check:
    configuration: Configuration
    classes: Classes
    reserved: frozenset[str]
    scripts: bool = True
    problems: list[Problem] = field(default_factory=list)
    links: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """What each object refers to: key and dotted path of the reference."""
    _schemas: dict[int, Schema] = field(default_factory=dict)
    _made: dict[str, type | None] = field(default_factory=dict)

    def session(self, name: str) -> tuple[str, ...]:
        """Check a session with those that it includes; return the objects that it loads."""
        try:
            plan = self.configuration.session_plan(name)
        except ConfigError as error:
            if error.file is None:
                raise
            self.problems.append(Problem(error.message, error.file, error.line))
            return ()
        self.problems += plan.problems
        for session in plan.sessions:
            self.problems += _unknown_session_keys(session)
            if self.scripts and session.setup_file is not None:
                self.problems += _script_problems(session)
        return plan.object_names

    def needed_by(self, names: Iterable[str]) -> set[str]:
        """Return all objects that `names` refer to, directly or through others."""
        waiting, needed = list(names), set[str]()
        while waiting:
            description = self.configuration.describe(waiting.pop())
            for key, _ in self._links_of(description) if description else ():
                if key not in needed and self.configuration.describe(key):
                    needed.add(key)
                    waiting.append(key)
        return needed

    def buildable(self, names: Iterable[str]) -> list[str]:
        """Return the objects that can be built without running anybody's code."""
        wanted = set(names)
        users: dict[str, list[str]] = {}
        for key in wanted | self.needed_by(wanted):
            description = self.configuration.describe(key)
            for link, _ in self._links_of(description) if description else ():
                users.setdefault(link, []).append(key)
        foreign = {key for key in {*users, *wanted} if not self._is_ours(key)}
        waiting = list(foreign)
        while waiting:
            more = set(users.get(waiting.pop(), ())) - foreign
            foreign |= more
            waiting += more
        return [name for name in wanted if name not in foreign]

    def _is_ours(self, key: str) -> bool:
        description = self.configuration.describe(key)
        if description is None or description.problem is not None:
            return True
        try:
            device_class = self.classes.of(description)
            if device_class is None:
                return self._is_ours(description.parent or "")
        except ConfigError:
            return True
        return device_class == BUILT_IN.get(device_class.name)

    def object(self, description: ObjectDescription) -> None:
        """Check one object or controller."""
        if description.name in self.configuration.objects:
            self._check_name(description)
        if description.problem is not None:
            return
        try:
            device_class = self.classes.of(description)
        except ConfigError as error:
            self.problems.append(Problem(error.message, error.file, error.line))
            return
        self._check_links(description)
        if device_class is None:
            self._check_parent(description)
        else:
            self._check_texts(description, device_class)
            self._check_values(description, device_class)

    def _check_name(self, description: ObjectDescription) -> None:
        name = description.name
        hidden = "the command" if name in self.reserved else "Python's"
        if name in self.reserved or hasattr(builtins, name):
            message = f"the name {name!r} hides {hidden} {name}; another name is safer"
            self.problems.append(description.problem_at("name", message, warning=True))

    def _links_of(self, description: ObjectDescription) -> list[tuple[str, str]]:
        """Return what must be built before an object: key, and path of the reference."""
        keys = self._keys_with_objects(description)
        links = references(self.configuration, description, keys)
        links += counter_names(description)
        if description.parent is not None and not self._is_part(description):
            links.append((description.parent, "name"))
        return links

    def _keys_with_objects(self, description: ObjectDescription) -> list[str]:
        try:
            device_class = self.classes.of(description)
            factory = device_class.factory() if device_class is not None else None
        except (Exception, SystemExit):  # noqa: BLE001 - reported where the object is checked
            return []
        if device_class is None or factory is None:
            return []
        return used_keys(description, self._schema(factory), device_class.parts)

    def _schema(self, factory: Callable[..., Any]) -> Schema:
        if id(factory) not in self._schemas:  # not every callable can be hashed
            self._schemas[id(factory)] = read_schema(factory)
        return self._schemas[id(factory)]

    def _is_part(self, description: ObjectDescription) -> bool:
        parent = self.configuration.describe(description.parent or "")
        try:
            parent_class = self.classes.of(parent) if parent is not None else None
        except ConfigError:
            return False
        return parent_class is not None and description.part in parent_class.parts

    def _check_links(self, description: ObjectDescription) -> None:
        links = self._links_of(description)
        if description.name in self.configuration.objects:
            self.links[description.name] = links
        for key, path in links:
            if not self._is_known(key):
                text = f"{description.subject}: " + unknown_object(self.configuration, key)
                self.problems.append(description.problem_at(path, text))

    def _check_texts(self, description: ObjectDescription, device_class: DeviceClass) -> None:
        """Warn about references that are not followed, but most likely were meant to be."""
        links = self._links_of(description)
        seen = tuple(f"{path}." for _, path in links) + tuple(f"{p}." for p in device_class.parts)
        for text, path in texts(description.values):
            if not text.startswith("$") or f"{path}.".startswith(seen) or path == "name":
                continue
            name = reference_name(text)
            if name is None:
                message = f"{description.subject}: {text!r} is no reference (like '$roby')"
                self.problems.append(description.problem_at(path, message, warning=True))
            elif not self._is_known(name):
                message = f"{description.subject}: " + unknown_object(self.configuration, name)
                self.problems.append(description.problem_at(path, message, warning=True))

    def _is_known(self, key: str) -> bool:
        return self.configuration.describe(key) is not None or self._is_alias(key)

    def _is_alias(self, name: str) -> bool:
        return any(name in session.aliases for session in self.configuration.sessions.values())

    def _check_parent(self, description: ObjectDescription) -> None:
        """Check that the factory of the parent may make this object."""
        parent = self.configuration.describe(description.parent or "")
        made = self._class_made_by(description.parent or "")
        if parent is not None and made is not None and not issubclass(made, Mapping):
            message = (
                f"{description.name}: class {parent.class_name} makes no objects; give this one a "
                "class, or give data another key than 'name'"
            )
            self.problems.append(description.problem_at("name", message))

    def _check_values(self, description: ObjectDescription, device_class: DeviceClass) -> None:
        try:
            factory = device_class.factory()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - importing runs anybody's code
            reason = f"class {device_class.name} cannot be loaded ({one_line(error)})"
            message = f"{description.subject}: {reason}"
            self.problems.append(description.problem_at("class", message))
            return
        self._check_part_lists(description, device_class)
        if factory is None:
            schema = _HOLDER
        else:
            schema = self._schema(factory)
            values = replace_references(
                self.configuration,
                description,
                self._stand_in,
                used_keys(description, schema, device_class.parts),
            )
            self.problems += bind(description, schema, values)[1]
        self._check_keys(description, device_class, schema)

    def _stand_in(self, name: str, _path: str) -> Reference:
        return Reference(name, self._class_made_by(name))

    def _class_made_by(self, key: str) -> type | None:
        if key not in self._made:
            self._made[key] = self._find_class_made_by(key)
        return self._made[key]

    def _find_class_made_by(self, key: str) -> type | None:
        description = self.configuration.describe(key)
        if description is None:
            return None
        try:
            device_class = self.classes.of(description)
            factory = device_class.factory() if device_class is not None else None
        except (Exception, SystemExit):  # noqa: BLE001 - reported where the object stands
            return None
        return return_class(factory) if factory is not None else None

    def _check_part_lists(self, description: ObjectDescription, device_class: DeviceClass) -> None:
        for part in device_class.parts:
            value = description.values.get(part)
            if value is None:
                continue
            if not isinstance(value, list):
                message = f"{part} must be a list of mappings with a name ('- name: ...')"
                self.problems.append(description.problem_at(part, message))
                continue
            for index, item in enumerate(value):
                if not isinstance(item, Mapping) or "name" not in item:
                    message = f"this item of {part} has no name: add 'name: ...'"
                    self.problems.append(description.problem_at(f"{part}.{index}", message))

    def _check_keys(
        self, description: ObjectDescription, device_class: DeviceClass, schema: Schema
    ) -> None:
        known = {*schema.parameters, *device_class.parts}
        unused = [
            key
            for key in description.values
            if not (key in IGNORED_KEYS or key in known or key in _LABELS)
            and key not in description.inherited
            and parameter_of(schema, key) is None
            and (schema is _HOLDER or not protects_in_vain(description, schema, key))
        ]
        if not unused:
            return
        keys = ", ".join(f"{key!r}{did_you_mean(str(key), known)}" for key in unused)
        word = "key" if len(unused) == 1 else "keys"
        reason = f"class {device_class.name} does not use the {word} {keys}"
        text = f"{description.subject}: {reason}"
        self.problems.append(description.problem_at(str(unused[0]), text, warning=True))


def _unknown_session_keys(session: SessionDescription) -> list[Problem]:
    return [
        session.problem_at(
            str(key),
            f"session {session.name}: unknown key {key!r}{did_you_mean(str(key), SESSION_KEYS)}",
            warning=True,
        )
        for key in session.values
        if key not in SESSION_KEYS | IGNORED_KEYS | _LABELS and str(key) in session.key_lines
    ]


def _script_problems(session: SessionDescription) -> list[Problem]:
    """Compile the setup script, running nothing."""
    file = session.setup_file
    if file is None:
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    except OSError as error:
        message = f"the setup file {file} cannot be read ({error.strerror})"
        return [session.problem_at("setup-file", message)]
    except SyntaxError as error:
        return [Problem(f"{type(error).__name__}: {error.msg}", file, error.lineno or 1)]
    except (ValueError, RecursionError, MemoryError) as error:
        return [Problem(f"this script cannot be compiled ({one_line(error)})", file, 1)]
    return []
