"""References between objects: ``$name`` anywhere in the values, and objects defined in place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any

from session_shell.config.descriptions import ObjectDescription
from session_shell.config.names import reference_name

if TYPE_CHECKING:
    from session_shell.config.configuration import Configuration

Resolve = Callable[[str, str], Any]
"""Takes the name of an object and the dotted path of the reference; returns the object."""


def replace_references(
    configuration: Configuration,
    description: ObjectDescription,
    resolve: Resolve,
    keys: Collection[str],
) -> dict[str, Any]:
    """Return the values under `keys`, every reference replaced by what `resolve` returns for it."""
    replacer = _Replacer(configuration, description, resolve)
    values = description.values
    return {key: replacer.replace(values[key], str(key)) for key in keys}


def references(
    configuration: Configuration, description: ObjectDescription, keys: Collection[str]
) -> list[tuple[str, str]]:
    """Return name and dotted path of every reference in the values under `keys`."""
    found: list[tuple[str, str]] = []
    replace_references(
        configuration, description, lambda name, path: found.append((name, path)), keys
    )
    return found


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a value with its dotted path."""
    if isinstance(value, str):
        yield value, path
    for step, item in _items(value):
        yield from texts(item, f"{path}.{step}" if path else str(step))


def counter_names(description: ObjectDescription) -> list[tuple[str, str]]:
    """Return name and path of the counters that a measurement group names without ``$``."""
    if description.class_name != "MeasurementGroup":
        return []
    counters: Any = description.values.get("counters")
    if not isinstance(counters, list):
        return []
    return [
        (counter.partition(":")[0], f"counters.{index}")
        for index, counter in enumerate(counters)
        if isinstance(counter, str) and not counter.startswith("$")
    ]


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


class _Replacer:
    def __init__(
        self, configuration: Configuration, description: ObjectDescription, resolve: Resolve
    ) -> None:
        self._configuration = configuration
        self._description = description
        self._resolve = resolve

    def replace(self, value: Any, path: str) -> Any:
        name = reference_name(value)
        if name is not None:
            return self._resolve(name, path)
        if isinstance(value, dict):
            if self._is_object(value):
                return self._resolve(value["name"], path)
            return {key: self.replace(item, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self.replace(item, f"{path}.{index}") for index, item in enumerate(value)]
        return value

    def _is_object(self, value: dict[Any, Any]) -> bool:
        """Tell whether a mapping inside the values defines an object in place."""
        name = value.get("name")
        if not isinstance(name, str) or "class" not in value:
            return False
        other = self._configuration.objects.get(name)
        return (
            other is not None
            and other.file == self._description.file
            and other.class_name == value["class"]
        )
