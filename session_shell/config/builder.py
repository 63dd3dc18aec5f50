"""Build the objects of a configuration, each one once and when it is needed."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from session_shell.config.classes import Classes
from session_shell.config.configuration import Configuration
from session_shell.config.descriptions import ObjectDescription
from session_shell.config.plan import unknown_object
from session_shell.config.problems import Problem, one_line, sorted_problems
from session_shell.config.references import replace_references, texts
from session_shell.config.schema import Schema, bind, read_schema, used_keys
from session_shell.devices.context import DeviceContext
from session_shell.devices.registry import DeviceClass
from session_shell.errors import ConfigError, SessionShellError

_log = logging.getLogger("session_shell.config")
_LONGEST_CHAIN = 50
"""Far more than any beamline needs, and far less than Python can nest."""
_NOTHING = object()
"""Stands for a controller that makes objects and is none itself."""


class _BuildError(Exception):
    """An object cannot be built, for these reasons."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(str(problems[0]))


class Builder:
    """Build objects by name, with all that they refer to; a bad one never stops the others.

    >>> builder = Builder(configuration, DeviceContext(clock=clock))     # doctest: +SKIP
    >>> devices, problems = builder.build(["roby", "diode"])             # doctest: +SKIP
    """

    def __init__(
        self,
        configuration: Configuration,
        context: DeviceContext | None = None,
        *,
        classes: Mapping[str, DeviceClass] | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.configuration = configuration
        # `find` of the context builds on demand, during the build and later.
        self.context = dataclasses.replace(
            context or DeviceContext(), find=self.find, edit=self.edit
        )
        self.devices: dict[str, Any] = {}
        """Every object that was built, those included that others refer to."""
        self.errors: dict[str, BaseException] = {}
        """What a factory raised, by name of the object, with its traceback."""
        self._classes = Classes(configuration, classes)
        self._aliases = dict(aliases or {})
        self._made: dict[str, Any] = {}
        self._products: dict[tuple[Path, int], Mapping[str, Any]] = {}
        """What controllers made, by the place of the controller."""
        self._failed: dict[str, tuple[Problem, ...]] = {}
        self._building: list[str] = []
        self._schemas: dict[int, Schema] = {}

    def build(self, names: Iterable[str]) -> tuple[dict[str, Any], list[Problem]]:
        """Build the objects `names`; return all objects that exist, and why others do not.

        Problems that the configuration has already are not repeated. The name of a controller
        that only holds other objects (``class: mockup``) stands for all of these.
        """
        unknown: list[Problem] = []
        for name in names:
            if self.configuration.describe(name) is None:
                unknown.append(Problem(unknown_object(self.configuration, name)))
                continue
            self._try(name)
            if self._made.get(name) is _NOTHING:
                for child in self._children(name):
                    self._try(child)
        known = set(self.configuration.problems)
        failed = [p for problems in self._failed.values() for p in problems if p not in known]
        return dict(self.devices), sorted_problems([*unknown, *failed])

    def find(self, name: str) -> Any:
        """Return an object by name or alias, building it if need be.

        Raises `ConfigError` when there is none of that name, or when it cannot be built.
        """
        try:
            found = self._get(self._aliases.get(name, name))
        except _BuildError as error:
            problem = error.problems[0]
            raise ConfigError(
                _needs(name, problem, self._aliases.get(name, name)),
                file=problem.file,
                line=problem.line,
                key=name,
            ) from error
        if found is _NOTHING:
            raise ConfigError(_holds_objects(name))
        return found

    def edit(self, name: str, key: str, change: Callable[[Any], None]) -> Path:
        """Change the list that an object has under `key` in its YAML file; return the file.

        Raises `ConfigError`, and leaves the file as it is, when that cannot be done.
        """
        from session_shell.config.editing import edit_list

        description = self.configuration.describe(name)
        if description is None:
            raise ConfigError(unknown_object(self.configuration, name))
        return edit_list(description, key, change)

    def _try(self, name: str) -> None:
        try:
            self._get(name)
        except _BuildError as error:
            _log.debug("%s", error)

    def _children(self, key: str) -> list[str]:
        objects = self.configuration.objects.values()
        return [o.name for o in objects if o.parent == key]

    def _get(self, key: str) -> Any:
        if key in self._made:
            return self._made[key]
        if key in self._failed:
            raise _BuildError(*self._failed[key])
        if key in self._building:
            circle = " -> ".join((*self._building[self._building.index(key) :], key))
            raise _BuildError(Problem(f"objects refer to each other in a circle: {circle}"))
        if len(self._building) >= _LONGEST_CHAIN:
            text = f"{self._building[0]} refers to more than {_LONGEST_CHAIN} objects in a chain"
            raise _BuildError(Problem(text))
        description = self.configuration.describe(key)
        if description is None:
            raise _BuildError(Problem(unknown_object(self.configuration, key)))
        self._building.append(key)
        try:
            made = self._made[key] = self._make(description)
        except _BuildError as error:
            self._failed[key] = error.problems
            raise
        finally:
            self._building.pop()
        if made is not _NOTHING and key in self.configuration.objects:
            self.devices[key] = made
        return made

    def _make(self, description: ObjectDescription) -> Any:
        if description.problem is not None:
            raise _BuildError(description.problem)
        try:
            device_class = self._classes.of(description)
        except ConfigError as error:
            raise _BuildError(Problem(error.message, error.file, error.line)) from error
        if device_class is None:
            return self._made_by_parent(description)
        made = self._call(description, device_class)
        if isinstance(made, Mapping) and not hasattr(made, "name"):
            # A controller that makes several: what has its own name is the controller itself.
            self._products[_place(description)] = made
            return made.get(description.name, _NOTHING)
        return made

    def _made_by_parent(self, description: ObjectDescription) -> Any:
        parent = self.configuration.describe(description.parent or "")
        if parent is None:
            raise _BuildError(_problem(description, "has no class: add 'class: ...'"))
        key = description.parent or ""
        self._need(key, parent.name or key, description, "name")
        products = self._products.get(_place(parent), {})
        if description.name not in products:
            text = (
                f"class {parent.class_name} made no object of this name; a mapping with a name "
                "in a list is an object, give data another key than 'name'"
            )
            raise _BuildError(_problem(description, text))
        return products[description.name]

    def _call(self, description: ObjectDescription, device_class: DeviceClass) -> Any:
        try:
            factory = device_class.factory()
        except (Exception, SystemExit) as error:
            self.errors[description.name] = error
            text = f"class {device_class.name} cannot be loaded ({one_line(error)})"
            raise _BuildError(_problem(description, text, "class")) from error
        if factory is None:
            return _NOTHING
        schema = self._schemas.get(id(factory))  # not every callable can be hashed
        if schema is None:
            schema = self._schemas[id(factory)] = read_schema(factory)
        arguments = self._arguments(description, device_class, schema)
        try:
            positional = [arguments.pop(name) for name in schema.positional]
            made = factory(*positional, **arguments)
        except (Exception, SystemExit) as error:
            self.errors[description.name] = error
            raise _BuildError(self._factory_problem(description, error)) from error
        if made is None:
            text = f"class {device_class.name} made nothing: its factory returned None"
            raise _BuildError(_problem(description, text))
        return made

    def _arguments(
        self, description: ObjectDescription, device_class: DeviceClass, schema: Schema
    ) -> dict[str, Any]:
        unmet: list[Problem] = []

        def resolve(name: str, path: str) -> Any:
            try:
                return self._need(name, name, description, path)
            except _BuildError as error:
                unmet.extend(error.problems)
                return None

        values = replace_references(
            self.configuration,
            description,
            resolve,
            used_keys(description, schema, device_class.parts),
        )
        arguments, problems = bind(description, schema, values)
        if unmet or problems:
            # A value that is missing because of `unmet` would be complained about twice.
            places = {(p.file, p.line) for p in unmet}
            raise _BuildError(*unmet, *(p for p in problems if (p.file, p.line) not in places))
        injected = {
            "name": description.name,
            "context": self.context,
            "config": description.values,
        }
        if "controller" in schema.injected and "controller" not in arguments:
            injected["controller"] = self._controller(description)
        return arguments | {key: injected[key] for key in schema.injected if key in injected}

    def _controller(self, description: ObjectDescription) -> Any:
        if description.parent is None:
            return None
        controller = self._need(description.parent, description.parent, description, "name")
        return None if controller is _NOTHING else controller

    def _need(self, key: str, shown: str, description: ObjectDescription, path: str) -> Any:
        """Return an object that `description` refers to at `path`."""
        known = self.configuration.describe(key)
        if known is None:
            key = self._aliases.get(key, key)
        try:
            found = self._get(key)
        except _BuildError as error:
            problem = error.problems[0]
            # Without a place it is the reference that is wrong, not what it leads to.
            text = (
                problem.message
                if problem.file is None
                else _needs(shown, problem, known.subject if known else key)
            )
            raise _BuildError(_problem(description, text, path)) from error
        if found is _NOTHING and path != "name":
            raise _BuildError(_problem(description, _holds_objects(shown), path))
        return found

    def _factory_problem(self, description: ObjectDescription, error: BaseException) -> Problem:
        _log.debug("%s failed", description.name, exc_info=error)
        if not isinstance(error, SessionShellError):
            return _problem(description, one_line(error))
        if isinstance(error, ConfigError) and isinstance(error.__cause__, _BuildError):
            # It asked its context for an object, by a name that stands somewhere in its values.
            paths = [path for text, path in texts(description.values) if text == error.key]
            return _problem(description, error.message, paths[0] if paths else "name")
        if isinstance(error, ConfigError):
            return _problem(description, error.message, error.key or "name")
        return _problem(description, " ".join(str(error).split()))


def _place(description: ObjectDescription) -> tuple[Path, int]:
    return description.file, description.line


def _problem(description: ObjectDescription, text: str, path: str = "name") -> Problem:
    prefix = f"{description.subject}: "
    if not text.startswith(prefix):
        text = prefix + text
    return description.problem_at(path, text)


def _needs(name: str, problem: Problem, subject: str) -> str:
    """Say that an object is needed which failed, or that there is none."""
    if problem.file is None:
        return problem.message
    return f"needs {name}, which failed: {problem.message.removeprefix(subject + ': ')}"


def _holds_objects(name: str) -> str:
    return f"{name!r} only holds other objects: refer to one of these"
