"""Which mappings of the YAML nodes are objects, and what each inherits.

- A mapping with a `name` is an object when nothing with a class is around it, when it has a class
  of its own, or when it stands in a list of a controller (``axes: [{name: roby}]``).
- ``name: $roby`` is a reference. A mapping with a name elsewhere inside an object is its data
  (``sample: {name: gold foil}``).
- What an object does not say itself it inherits from the ``__init__.yml`` of its folders.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from session_shell.config.descriptions import ObjectDescription, SessionDescription
from session_shell.config.names import reference_name, wrong_object_name, wrong_session_name
from session_shell.config.nodes import NodeReader, line_of
from session_shell.config.problems import Problem, place
from session_shell.config.session_keys import describe_session
from session_shell.devices.registry import part_class

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

SESSION_CLASS = "Session"


@dataclass(frozen=True, slots=True)
class Inherited:
    """A value of an ``__init__.yml`` and its place."""

    value: Any
    file: Path
    line: int


@dataclass(slots=True)
class Found:
    """What was found in the tree so far."""

    objects: dict[str, ObjectDescription] = field(default_factory=dict)
    controllers: dict[str, ObjectDescription] = field(default_factory=dict)
    sessions: dict[str, SessionDescription] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Owner:
    """The controller or object around a node."""

    key: str
    class_name: str
    package: str | None


class Collector:
    """Find the objects and sessions of one file and add them to `found`."""

    def __init__(
        self, reader: NodeReader, inherited: Mapping[str, Inherited], found: Found, root: Path
    ) -> None:
        self._reader = reader
        self._inherited = inherited
        self._found = found
        self._root = root
        self._seen: set[int] = set()

    def collect(self, top: Node) -> None:
        """Walk a file from its top node."""
        from ruamel.yaml.nodes import ScalarNode, SequenceNode

        items = top.value if isinstance(top, SequenceNode) else [top]
        for item in items:
            if isinstance(item, ScalarNode):
                self._reader.complain(
                    item, f"{item.value!r} is no mapping: write 'key: value' lines with a name"
                )
            else:
                self._walk(item, None, "")

    def _walk(self, node: Node, owner: _Owner | None, part: str) -> None:
        """Walk a node; `part` is the key of the owner in whose list it stands."""
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        # An alias leads to a node that was seen: one object, not two.
        if id(node) in self._seen:
            return
        if isinstance(node, SequenceNode):
            self._seen.add(id(node))
            for item in node.value:
                self._walk(item, owner, part)
        elif isinstance(node, MappingNode):
            self._seen.add(id(node))
            self._mapping(node, owner, part)

    def _mapping(self, node: Any, owner: _Owner | None, part: str) -> None:
        from ruamel.yaml.nodes import SequenceNode

        below = {str(key): value for key, _, value in self._reader.pairs(node)}
        inner = self._owner(node, below, owner, part)
        for key, value in below.items():
            in_list = inner is not None and inner is not owner and isinstance(value, SequenceNode)
            self._walk(value, inner, key if in_list else "")

    def _owner(
        self, node: Any, below: Mapping[str, Node], owner: _Owner | None, part: str
    ) -> _Owner | None:
        """Describe what a mapping is, and return the owner of what is below it."""
        name_node = below.get("name")
        if name_node is not None and reference_name(name_node.value) is not None:
            if owner is None and "class" in below:
                self._reader.complain(
                    node, f"{name_node.value!r} is a reference, not a name: remove the '$'"
                )
            return owner
        has_class = "class" in below
        if name_node is None and not has_class and (owner or not self._inherits(below)):
            return owner
        if name_node is not None and not (owner is None or has_class or part):
            return owner  # data of its owner that happens to have a name
        description = self._describe(node, below, owner, part)
        if description.class_name == SESSION_CLASS:
            self._add_session(description, below)
            return None
        key = self._add(description, below, owner)
        return _Owner(key, description.class_name, description.package)

    def _inherits(self, below: Mapping[str, Node]) -> bool:
        """Tell whether a nameless mapping at the top is of the class that its folder gives."""
        return "class" in self._inherited and "controller" not in below

    def _describe(
        self, node: Any, below: Mapping[str, Node], owner: _Owner | None, part: str
    ) -> ObjectDescription:
        self._reader.last_problem = None
        lines: dict[str, int] = {}
        own = self._reader.plain(node, lines)
        problem = self._reader.last_problem
        is_item = owner is not None and "class" not in own
        inherited = {
            key: value
            for key, value in self._inherited.items()
            if key not in own and not (is_item and key == "class")
        }
        values = {**{key: value.value for key, value in inherited.items()}, **own}
        class_name, package = values.get("class"), values.get("package")
        for key in ("class", "package"):
            if values.get(key) is not None and not isinstance(values[key], str):
                self._reader.complain(
                    below.get(key, node), f"{key} must be text, not {values[key]!r}"
                )
                problem = self._reader.last_problem
        if owner is not None:
            class_name = part_class(owner.class_name, part) if is_item else class_name
            package = package or owner.package
        return ObjectDescription(
            name=str(own.get("name", "")),
            class_name=class_name if isinstance(class_name, str) else "",
            package=package if isinstance(package, str) else None,
            values=values,
            file=self._reader.file,
            line=line_of(below["name"]) if "name" in below else line_of(node),
            key_lines=lines,
            parent=owner.key if is_item and owner is not None else None,
            part=part if is_item else "",
            inherited={key: (value.file, value.line) for key, value in inherited.items()},
            problem=problem,
        )

    def _add(
        self, description: ObjectDescription, below: Mapping[str, Node], owner: _Owner | None
    ) -> str:
        """Add an object, or a controller without a usable name; return its key."""
        key = self._controller_key(description)
        if "name" not in below:
            if owner is None and not _has_list(below):
                self._found.problems.append(
                    description.problem_at("class", "this object has no name: add 'name: ...'")
                )
            self._found.controllers[key] = description
            return key
        wrong = wrong_object_name(description.values["name"])
        other = self._found.objects.get(description.name)
        if not wrong and other is not None:
            at = place(other.file, other.line)
            wrong = f"the name {description.name!r} is taken at {at}; rename one of them"
        if wrong:
            self._found.problems.append(description.problem_at("name", wrong))
            self._found.controllers[key] = description
            return key
        self._found.objects[description.name] = self._with_class(description)
        return description.name

    def _with_class(self, description: ObjectDescription) -> ObjectDescription:
        if description.class_name or description.parent is not None or description.problem:
            return description
        message = f"{description.name} has no class: add 'class: ...'"
        problem = description.problem_at("class", message)
        self._found.problems.append(problem)
        return dataclasses.replace(description, problem=problem)

    def _controller_key(self, description: ObjectDescription) -> str:
        file = description.file.relative_to(self._root)
        return f"{description.class_name or 'controller'} at {file}:{description.line}"

    def _add_session(self, description: ObjectDescription, below: Mapping[str, Node]) -> None:
        name = description.values.get("name")
        if "name" not in below:
            wrong = "this session has no name: add 'name: ...'"
        else:
            wrong = wrong_session_name(name)
        other = self._found.sessions.get(description.name)
        if not wrong and other is not None:
            at = place(other.file, other.line)
            wrong = f"the session {name!r} is defined at {at} too; rename one of them"
        if wrong:
            self._found.problems.append(description.problem_at("name", wrong))
            return
        session, problems = describe_session(description)
        self._found.sessions[description.name] = session
        self._found.problems += problems


def _has_list(below: Mapping[str, Node]) -> bool:
    from ruamel.yaml.nodes import SequenceNode

    return any(isinstance(value, SequenceNode) for value in below.values())
