"""From YAML nodes to plain Python values, keeping the line of every key.

Composed nodes carry line marks and cost a third less than a round-trip load; the values are then
made here, because here a wrong one becomes a problem with its line, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from session_shell.config.problems import Problem, one_line

if TYPE_CHECKING:
    from ruamel.yaml.constructor import SafeConstructor
    from ruamel.yaml.nodes import MappingNode, Node

_YAML = "tag:yaml.org,2002:"
_SCALARS = frozenset(
    _YAML + t for t in ("null", "bool", "int", "float", "str", "timestamp", "binary", "value")
)
_MERGE = _YAML + "merge"
_MOST_VALUES = 200_000
"""Anchors can make a small file expand without end; no beamline has this many keys in a file."""

Pairs = list[tuple[Any, "Node", "Node"]]


class ExpansionError(Exception):
    """The anchors of a file expand to more values than a configuration can have."""


class NodeReader:
    """Make plain values of the nodes of one file; what is wrong is added to `problems`."""

    def __init__(self, file: Path, constructor: SafeConstructor, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self._constructor = constructor
        self.last_problem: Problem | None = None
        """Set by every complaint: clear it, convert a value, and see whether it was sound."""
        self._told: set[Problem] = set()
        self._count = 0
        self._open: set[int] = set()
        self._pairs: dict[int, tuple[Pairs, Problem | None]] = {}
        """Of each mapping that was read, with what is wrong with it: anchors lead back to it."""

    def complain(self, node: Node, message: str) -> None:
        """Add a problem at the line of `node`; the same one only once."""
        self.last_problem = Problem(message, self.file, line_of(node))
        if self.last_problem not in self._told:
            self._told.add(self.last_problem)
            self.problems.append(self.last_problem)

    def pairs(self, node: MappingNode) -> Pairs:
        """Return key, key node and value node of a mapping, merged ones (``<<``) last.

        Raises `ExpansionError` when the merges of the file add up to too many keys.
        """
        known = self._pairs.get(id(node))
        if known is None:
            before, self.last_problem = self.last_problem, None
            known = self._pairs[id(node)] = self._read_pairs(node), self.last_problem
            self.last_problem = before
        self.last_problem = known[1] or self.last_problem
        return known[0]

    def _read_pairs(self, node: MappingNode) -> Pairs:
        own: dict[Hashable, tuple[Node, Node]] = {}
        merges: list[Node] = []
        self._check_tag(node, "map")
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merges.append(value_node)
                continue
            key = self._key(key_node)
            if key in own:
                first = line_of(own[key][0])
                self.complain(key_node, f"the key {key!r} is there twice, first at line {first}")
                continue
            own[key] = (key_node, value_node)
        for merge in merges:
            self._merge(node, merge, own)
        return [(key, k, v) for key, (k, v) in own.items()]

    def _key(self, node: Node) -> Hashable:
        from ruamel.yaml.nodes import ScalarNode

        if not isinstance(node, ScalarNode):
            self.complain(node, "a list or a mapping cannot be a key; is a quote missing?")
            return f"<line {line_of(node)}>"
        key: Hashable = self._scalar(node)
        return key

    def _merge(
        self, node: MappingNode, merge: Node, own: dict[Hashable, tuple[Node, Node]]
    ) -> None:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        sources = merge.value if isinstance(merge, SequenceNode) else [merge]
        self._open.add(id(node))
        for source in sources:
            if not isinstance(source, MappingNode):
                self.complain(source, "'<<' merges mappings only: write '<<: *anchor'")
            elif id(source) in self._open:
                self.complain(node, "this mapping is merged into itself")
            else:
                for key, key_node, value_node in self.pairs(source):
                    self._step()
                    own.setdefault(key, (key_node, value_node))
        self._open.discard(id(node))

    def plain(self, node: Node, lines: dict[str, int] | None = None, path: str = "") -> Any:
        """Return the value of `node`; fills `lines` with the line of every key below it."""
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        self._step()
        lines = {} if lines is None else lines
        if not isinstance(node, (MappingNode, SequenceNode)):
            return self._scalar(node)
        if id(node) in self._open:
            self.complain(node, "this value contains itself (an alias points to what holds it)")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, lines, path)
            return self._sequence(node, lines, path)
        finally:
            self._open.discard(id(node))

    def _step(self) -> None:
        self._count += 1
        if self._count > _MOST_VALUES:
            raise ExpansionError

    def _mapping(self, node: MappingNode, lines: dict[str, int], path: str) -> dict[Any, Any]:
        result = {}
        for key, key_node, value_node in self.pairs(node):
            below = f"{path}.{key}" if path else str(key)
            lines[below] = line_of(key_node)
            result[key] = self.plain(value_node, lines, below)
        return result

    def _sequence(self, node: Node, lines: dict[str, int], path: str) -> list[Any]:
        self._check_tag(node, "seq")
        result = []
        for index, item in enumerate(node.value):
            below = f"{path}.{index}" if path else str(index)
            lines[below] = line_of(item)
            result.append(self.plain(item, lines, below))
        return result

    def _scalar(self, node: Node) -> Any:
        if node.tag == _MERGE:
            return node.value
        if node.tag not in _SCALARS:
            self._refuse_tag(node)
            return None
        if node.tag == _YAML + "str":  # most of them, and nothing to convert
            return node.value
        try:
            return self._constructor.construct_object(node)
        except Exception as error:  # noqa: BLE001 - ruamel raises what int(), date() ... raise
            what = str(node.tag).removeprefix(_YAML)
            self.complain(node, f"{_short(node.value)} is not a valid {what} ({one_line(error)})")
            return None

    def _check_tag(self, node: Node, expected: str) -> None:
        if node.tag != _YAML + expected:
            self._refuse_tag(node)

    def _refuse_tag(self, node: Node) -> None:
        tag = str(node.tag).replace(_YAML, "!!")
        self.complain(node, f"the YAML tag {tag} cannot be used here: write plain values")


def _short(value: object) -> str:
    return f"{value!r}" if len(str(value)) <= 60 else f"{str(value)[:57]!r}..."


def line_of(node: Node) -> int:
    """Return the line at which a node begins, counted from 1."""
    line: int = node.start_mark.line
    return line + 1
