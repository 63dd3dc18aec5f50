"""Find the device class of a description, with the place of what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from session_shell.config.descriptions import ObjectDescription
from session_shell.config.importing import importable_from
from session_shell.config.problems import did_you_mean
from session_shell.devices.registry import DeviceClass, find_class, known_classes
from session_shell.errors import ConfigError

if TYPE_CHECKING:
    from session_shell.config.configuration import Configuration


class Classes:
    """The device classes of one configuration; each is looked up once."""

    def __init__(
        self,
        configuration: Configuration,
        extra: Mapping[str, DeviceClass] | None = None,
        *,
        imports: bool = True,
    ) -> None:
        self._imports = imports
        self._configuration = configuration
        self._extra = extra or {}
        self._known: dict[tuple[str, str | None], DeviceClass | ConfigError] = {}

    def of(self, description: ObjectDescription) -> DeviceClass | None:
        """Return the class of an object, or None when the factory of its parent makes it.

        Raises `ConfigError`, with the line of the class or package, when there is none.
        """
        class_name = description.class_name
        if not class_name and description.parent is not None:
            parent = self._configuration.describe(description.parent)
            parent_class = self.of(parent) if parent is not None else None
            if parent is None or parent_class is None:
                return None
            if description.part not in parent_class.parts:
                if parent_class.target:
                    return None
                message = f"class {parent.class_name} makes no {description.part}"
                raise description.problem_at("name", f"{description.name}: {message}").error()
            class_name = parent_class.parts[description.part]
        found = self._find(class_name, description.package)
        if isinstance(found, ConfigError):
            raise description.problem_at(
                found.key or "class", self._about(description, found.message)
            ).error()
        return found

    def _find(self, class_name: str, package: str | None) -> DeviceClass | ConfigError:
        key = (class_name, package)
        if key not in self._known:
            self._known[key] = self._look_up(class_name, package)
        return self._known[key]

    def _look_up(self, class_name: str, package: str | None) -> DeviceClass | ConfigError:
        if class_name in self._extra:
            return self._extra[class_name]
        if package is not None and not self._imports:
            return DeviceClass(class_name, _not_imported)
        try:
            if package is None:
                found = find_class(class_name)
            else:
                with importable_from(self._configuration.root, package):
                    found = find_class(class_name, package)
        except ConfigError as error:
            return error
        return found or ConfigError(self._unknown(class_name, package))

    def _unknown(self, class_name: str, package: str | None) -> str:
        known = {*known_classes(), *self._extra}
        if package is None:
            close = did_you_mean(class_name, known)
            advice = close or "; a class of your own needs 'package: its.module' beside it"
            return f"there is no device class {class_name!r}{advice}"
        module = sys.modules.get(package)
        public = [n for n in vars(module) if not n.startswith("_")] if module else []
        close = did_you_mean(class_name, [*public, *known])
        return f"package {package!r} has no class {class_name!r}{close}"

    def _about(self, description: ObjectDescription, message: str) -> str:
        """Say which objects a problem with a class concerns."""
        if description.name:
            return f"{description.name}: {message}"
        objects = self._configuration.objects.values()
        lost = [
            o.name
            for o in objects
            if o.parent and self._configuration.describe(o.parent) is description
        ]
        return f"{message} (needed by {', '.join(lost)})" if lost else message


def _not_imported(**_keys: object) -> None:
    """Stand for a factory that takes every key, as it is not known which it takes."""
