"""The signature of a factory as the schema of its keys in YAML."""

from __future__ import annotations

import functools
import inspect
import operator
import types
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from session_shell.config.descriptions import IGNORED_KEYS, ObjectDescription
from session_shell.config.problems import Problem
from session_shell.config.values import AxisLike, DetectorLike, WrongValueError, convert
from session_shell.devices.protocols import Detector, Movable

INJECTED = frozenset({"name", "context", "config", "controller"})
"""Parameters that do not come from a key of the same name."""


PROTECTIVE_KEYS = frozenset(
    {
        "acceleration",
        "backlash",
        "dspace",
        "high_limit",
        "interlock",
        "interlocks",
        "limits",
        "low_limit",
        "motion_hooks",
        "move_simultaneous",
        "offset",
        "s_param",
        "sign",
        "steps_per_unit",
        "velocity_high_limit",
        "velocity_low_limit",
    }
)
"""Keys that protect something, or say where an axis goes and how fast: to ignore one is a fault."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a factory takes."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Annotation by parameter, those that are injected left out."""
    required: frozenset[str] = frozenset()
    injected: frozenset[str] = frozenset()
    takes_all: bool = False
    """It has ``**kwargs``: every key is handed over."""
    positional: tuple[str, ...] = ()
    """Parameters that cannot be given by name."""
    makes_axis: bool = False


def read_schema(factory: Callable[..., Any]) -> Schema:
    """Read the signature of a factory; one that has none takes every key."""
    try:
        signature = inspect.signature(factory)
    except (ValueError, TypeError):  # some callables written in C
        return Schema(takes_all=True, injected=frozenset({"name"}))
    kinds = inspect.Parameter
    named = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind not in (kinds.VAR_KEYWORD, kinds.VAR_POSITIONAL)
    }
    injected = frozenset(INJECTED & set(named))
    values = {name: p for name, p in named.items() if name not in injected}
    return Schema(
        parameters={name: _annotation(factory, p) for name, p in values.items()},
        required=frozenset(n for n, p in values.items() if p.default is kinds.empty),
        injected=injected,
        takes_all=any(p.kind is kinds.VAR_KEYWORD for p in signature.parameters.values()),
        positional=tuple(n for n, p in named.items() if p.kind is kinds.POSITIONAL_ONLY),
        makes_axis=hasattr(return_class(factory), "start_move"),
    )


def return_class(factory: Callable[..., Any]) -> type | None:
    """Return the class of what a factory makes, when it says so."""
    if isinstance(factory, type):
        return factory
    annotation = getattr(factory, "__annotations__", {}).get("return")
    made = _evaluate(factory, annotation) if annotation is not None else None
    return made if isinstance(made, type) else None


def _annotation(factory: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    if parameter.annotation is inspect.Parameter.empty:
        return Any
    return _adapted(_evaluate(factory, parameter.annotation))


def _evaluate(factory: Any, annotation: Any) -> Any:
    """Return an annotation as a type; one that cannot be evaluated is not checked."""
    function = inspect.unwrap(factory)
    if isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, type):
        function = _constructor(function)
    names = getattr(function, "__globals__", {})
    # A module may import these for the type checker only.
    names = {"Movable": Movable, "Detector": Detector, "Any": Any, **names}
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, globalns=names, include_extras=True)["it"]
    except (NameError, TypeError, SyntaxError, AttributeError):
        return Any


def _constructor(cls: type) -> Any:
    own_init = any("__init__" in vars(base) for base in cls.__mro__[:-1])
    return getattr(cls, "__init__" if own_init else "__new__")


def _adapted(annotation: Any) -> Any:
    """Put classes that can be checked at run time in the place of the device protocols."""
    if annotation is Movable:
        return AxisLike
    if annotation is Detector:
        return DetectorLike
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return functools.reduce(operator.or_, (_adapted(a) for a in arguments))
    if origin is None or origin in (typing.Literal, typing.Annotated):
        return annotation
    adapted = tuple(a if a is ... else _adapted(a) for a in arguments)
    return annotation if adapted == arguments else origin[adapted]


def bind(
    description: ObjectDescription, schema: Schema, values: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """Turn keys into arguments; every key that is wrong becomes a problem at its line.

    `values` are those of the description with the references replaced by objects.
    """
    arguments: dict[str, Any] = {}
    problems: list[Problem] = []
    given: dict[str, str] = {}
    for key, value in values.items():
        parameter = parameter_of(schema, key)
        if parameter is None:
            continue
        if parameter in given:
            message = f"{description.subject}: {key} is the same key as {given[parameter]}"
            problems.append(description.problem_at(key, message))
            continue
        given[parameter] = key
        annotation = schema.parameters.get(parameter, Any)
        try:
            arguments[parameter] = convert(
                value, annotation, key, description.values[key], description.place_of(key)[0].parent
            )
        except WrongValueError as wrong:
            message = f"{description.subject}: {wrong}"
            problems.append(description.problem_at(wrong.path, message))
    for missing in sorted(schema.required - set(given)):
        message = f"{description.subject}: the key '{missing}' is missing"
        problems.append(Problem(message, description.file, description.line))
    problems += [
        description.problem_at(
            key,
            f"{description.subject}: class {description.class_name or description.part} does not "
            f"know the key {key!r}, which protects something: remove it, or use a class that does",
        )
        for key in description.values
        if protects_in_vain(description, schema, key)
    ]
    return arguments, problems


def protects_in_vain(description: ObjectDescription, schema: Schema, key: Any) -> bool:
    """Return True if a key protects something and the factory does not take it.

    An inherited one is meant for the axes of a folder, not for its counters.
    """
    return (
        key in PROTECTIVE_KEYS
        and parameter_of(schema, key) is None
        and (schema.makes_axis or key not in description.inherited)
    )


def used_keys(
    description: ObjectDescription, schema: Schema, parts: Collection[str] = ()
) -> list[str]:
    """Return the keys that are handed to the factory, or that say what it makes.

    References are followed only there: ``camera: $cam`` harms no axis, which has no such key. Lists
    of `parts` hold objects of their own.
    """
    return [
        key
        for key in description.values
        if key not in parts and parameter_of(schema, key) is not None
    ]


def parameter_of(schema: Schema, key: Any) -> str | None:
    """Return the parameter for a key, None for keys that the factory does not take."""
    if not isinstance(key, str) or key in IGNORED_KEYS:
        return None
    parameter = key.replace("-", "_")
    if parameter in INJECTED and parameter not in schema.parameters:
        return None
    if parameter in schema.parameters or schema.takes_all:
        return parameter
    return None
