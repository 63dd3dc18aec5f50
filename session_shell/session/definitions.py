"""Pick out of the commands of a session what only defines names, so that it can be run again.

    >>> picked = pick(["x = 3", "umv(roby, x)", "y = roby.position"], {"umv", "roby"})
    >>> picked.definitions, picked.left_out
    (('x = 3',), (LeftOut(code='y = roby.position', why='roby.position is not a plain value'),))

What is taken has no effect when it is run: imports of installed packages; functions and classes
whose decorators, defaults, bases and annotations call nothing of the user; plain values, which are
numbers, texts, arithmetic on them, and lists and the like of values and names. Everything else is
left out with the reason, since code does not show whether it is harmless. Nothing is run here.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import sys
import sysconfig
import warnings
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_DECORATORS = frozenset(
    """
    staticmethod classmethod property functools.cache functools.lru_cache functools.wraps
    functools.cached_property contextlib.contextmanager dataclasses.dataclass abc.abstractmethod
    """.split()  # noqa: SIM905  words are easier to read
)
_IN_CLASSES = frozenset({"dataclasses.field", "enum.auto"})
_BASES = frozenset({"abc", "collections", "dataclasses", "enum", "typing"})
"""Modules whose classes run nothing of the user when they get a subclass."""
_RUN_BY_SUBCLASSES = frozenset({"__init_subclass__", "__class_getitem__", "__mro_entries__"})
_CONSTANTS = frozenset(
    f"{module}.{name}" for module in ("math", "numpy") for name in ("pi", "e", "inf", "nan")
)
_REGISTRATIONS = frozenset({"add_preset", "add_watchdog"})
_OUR_PACKAGES = frozenset({"session_shell", "bliss", "gevent"})
_BUILTINS = frozenset(vars(builtins))
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Pow)

Kind = Literal["number", "class", "other"]
"""A number is what cannot be changed in place: texts and tuples of numbers too."""
Function = ast.FunctionDef | ast.AsyncFunctionDef
Assignment = ast.Assign | ast.AnnAssign | ast.AugAssign


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A statement that is not run again although it gave names or registered something."""

    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Picked:
    """What can be run again."""

    definitions: tuple[str, ...] = ()
    """Statements, in the order in which they were typed."""
    names: tuple[str, ...] = ()
    """Names that are there afterwards."""
    dropped: tuple[str, ...] = ()
    """Names that the definitions give, but that had another value at the end."""
    left_out: tuple[LeftOut, ...] = ()
    commands: int = 0
    """Statements that gave no name: motions, scans, prints."""


def pick(commands: Iterable[str], owned: Collection[str]) -> Picked:
    """Return the definitions among `commands`.

    Args:
        commands: Python text of each command, in their order.
        owned: Names that the session gives: devices, commands, SCAN_SAVING.
    """
    picker = _Picker(frozenset(owned))
    for command in commands:
        for node in _parsed(command):
            picker.look(node, _text_of(node, command))
    return picker.picked()


def is_installed(module: str) -> bool:
    """Return True if a top-level module comes with Python or with an installed package.

    Other modules are scripts of the user. Nothing is imported to find out.
    """
    if module in sys.stdlib_module_names or module in _OUR_PACKAGES:
        return True
    try:
        spec = importlib.util.find_spec(module) if module else None
    except (ImportError, ValueError):
        return False
    origins = [*(spec.submodule_search_locations or ()), spec.origin] if spec else []
    roots = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    roots |= {Path(entry).resolve() for entry in sys.path if entry.endswith("-packages")}
    files = [Path(origin).resolve() for origin in origins if origin]
    return any(root in file.parents for file in files for root in roots)


@dataclass(frozen=True, slots=True)
class _Changes:
    """What a piece of code may change."""

    objects: frozenset[str] = frozenset()
    """Names whose objects it may change in place."""
    names: frozenset[str] = frozenset()
    """Names that it may give another object."""


@dataclass
class _Names:
    """What is known about names at one moment of a session."""

    owned: frozenset[str]
    kinds: dict[str, Kind] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    """Local name -> dotted name of what was imported."""
    missing: dict[str, str] = field(default_factory=dict)
    """Names that are left out, and why."""
    changes: dict[str, _Changes] = field(default_factory=dict)
    """Function or class -> what may change when it is called."""

    def forget(self, name: str) -> None:
        """Let go of what is known about a name."""
        for known in (self.kinds, self.imports, self.missing, self.changes):
            known.pop(name, None)

    def dotted(self, node: ast.expr) -> str:
        """Return ``a.b.c`` in full for something of an imported module or a builtin, else ''."""
        words: list[str] = []
        while isinstance(node, ast.Attribute):
            words.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        if node.id in self.imports:
            return ".".join([self.imports[node.id], *words])
        hidden = node.id in self.owned or node.id in self.kinds or node.id in self.missing
        return node.id if node.id in _BUILTINS and not hidden and not words else ""

    def why_not(self, node: ast.expr) -> str:
        """Return why an expression is left out; empty when it is a plain value."""
        if isinstance(node, ast.Name):
            return f"it needs {node.id}, which is left out" if node.id in self.missing else ""
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return self.first(node.elts)
        if isinstance(node, ast.Dict) and None not in node.keys:
            return self.first([*filter(None, node.keys), *node.values])
        if isinstance(node, ast.Lambda):
            return self.first([*node.args.defaults, *filter(None, node.args.kw_defaults)])
        if self._is_number(node):
            return ""
        missing = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in self.missing]
        return f"it needs {missing[0]}, which is left out" if missing else _not_plain(node)

    def first(self, nodes: Iterable[ast.expr]) -> str:
        """Return the first reason among those of `nodes`."""
        return next(filter(None, map(self.why_not, nodes)), "")

    def _is_number(self, node: ast.expr) -> bool:
        """Return True for constants and arithmetic that reaches no object of the session."""
        if isinstance(node, ast.UnaryOp):
            return self._is_number(node.operand)
        if isinstance(node, ast.BinOp):
            sides = (node.left, node.right)
            return isinstance(node.op, _OPERATORS) and all(map(self._is_operand, sides))
        return isinstance(node, ast.Constant) or self.dotted(node) in _CONSTANTS

    def _is_operand(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name) and self.kinds.get(node.id) == "number":
            return True
        return self._is_number(node) or (isinstance(node, ast.List) and not self.why_not(node))

    def kind_of(self, value: ast.expr) -> Kind:
        """Return the kind of a plain value."""
        parts = list(ast.walk(value))
        names = [part.id for part in parts if isinstance(part, ast.Name)]
        changeable = any(isinstance(p, ast.List | ast.Dict | ast.Set | ast.Lambda) for p in parts)
        known = all(self.kinds.get(name) == "number" or name in self.imports for name in names)
        return "number" if known and not changeable else "other"

    def why_not_function(self, node: Function) -> str:
        """Return why a function is left out: what runs at its definition may do something."""
        given = node.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        annotations = [argument.annotation for argument in every if argument] + [node.returns]
        return (
            self._why_not_decorated(node.decorator_list)
            or self.first([*given.defaults, *filter(None, given.kw_defaults)])
            or next(filter(None, map(self.why_not_annotation, annotations)), "")
        )

    def why_not_class(self, node: ast.ClassDef) -> str:
        """Return why a class is left out."""
        if node.keywords:
            return "its metaclass may do something"
        for base in node.bases:
            of_user = isinstance(base, ast.Name) and self.kinds.get(base.id) == "class"
            dotted = self.dotted(base)
            if not (of_user or dotted in _BUILTINS or dotted.partition(".")[0] in _BASES):
                return f"its base {ast.unparse(base)} may do something"
        decorated = self._why_not_decorated(node.decorator_list)
        return decorated or next(filter(None, map(self._why_not_member, node.body)), "")

    def _why_not_member(self, part: ast.stmt) -> str:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            return self.why_not_function(part)
        if isinstance(part, ast.ClassDef):
            return self.why_not_class(part)
        if isinstance(part, ast.Assign | ast.AnnAssign) and _bound(_targets(part)) is not None:
            value, annotation = part.value, getattr(part, "annotation", None)
            if isinstance(value, ast.Call) and self.dotted(value.func) in _IN_CLASSES:
                value = ast.Tuple(_arguments(value))
            why = self.why_not_annotation(annotation)
            return why or (self.why_not(value) if value is not None else "")
        is_text = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
        if isinstance(part, ast.Pass) or is_text:
            return ""
        return f"its body does something: {_short(ast.unparse(part))}"

    def _why_not_decorated(self, decorators: Iterable[ast.expr]) -> str:
        for decorator in decorators:
            call = decorator if isinstance(decorator, ast.Call) else None
            function = call.func if call else decorator
            is_setter = isinstance(function, ast.Attribute) and function.attr == "setter"
            if not is_setter and self.dotted(function) not in _DECORATORS:
                return f"its decorator {ast.unparse(function)} may do something"
            if why := self.first(_arguments(call) if call else ()):
                return why
        return ""

    def why_not_annotation(self, node: ast.expr | None) -> str:
        """Return why an annotation, which is evaluated at the definition, may do something."""
        for part in ast.walk(node) if node is not None else ():
            if isinstance(part, ast.Name) and part.id in self.missing:
                return f"it needs {part.id}, which is left out"
            plain = ast.Name | ast.Constant | ast.Tuple | ast.List | ast.BinOp
            known = isinstance(part, ast.Attribute | ast.Subscript) and self.dotted(part.value)
            if isinstance(part, ast.expr) and not (isinstance(part, plain) or known):
                return f"its annotation {ast.unparse(part)} may do something"
        return ""


class _Picker:
    def __init__(self, owned: frozenset[str]) -> None:
        self._names = _Names(owned)
        self._kept: list[tuple[str, tuple[str, ...]]] = []
        self._left: dict[str, LeftOut] = {}
        self._commands = 0
        self._code = ""

    def look(self, node: ast.stmt, code: str) -> None:
        """Take one statement, or leave it out."""
        self._code = code
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node)
        elif isinstance(node, Function | ast.ClassDef):
            self._define(node)
        elif isinstance(node, Assignment):
            self._assign(node)
        elif isinstance(node, ast.Delete):
            self._delete(node)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            self._leave(_names_in(node), "it is more than a definition")
            self._note_changes(node)
            self._note_registration(node)

    def picked(self) -> Picked:
        """Return all of it."""
        given = dict.fromkeys(name for _, names in self._kept for name in names)
        return Picked(
            tuple(code for code, _ in self._kept),
            tuple(name for name in given if name in self._names.kinds),
            tuple(name for name in given if name not in self._names.kinds),
            tuple(dict.fromkeys(self._left.values())),
            self._commands,
        )

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        names = _imported(node)
        roots = [dotted.partition(".")[0] for dotted in names.values()]
        if strange := [root for root in roots if not is_installed(root)]:
            why = f"{strange[0] or 'it'} is not an installed package: its code would run again"
            self._leave(tuple(names), why)
        else:
            self._keep(names, "other")
            self._names.imports.update(names)

    def _define(self, node: Function | ast.ClassDef) -> None:
        if isinstance(node, ast.ClassDef):
            why = self._names.why_not_class(node)
            inner = {part.name for part in ast.walk(node) if isinstance(part, Function)}
            kind: Kind = "other" if inner & _RUN_BY_SUBCLASSES else "class"
        else:
            why, kind = self._names.why_not_function(node), "other"
        if why:
            self._leave((node.name,), why)
        else:
            changes = self._changed_by(node)
            self._keep((node.name,), kind)
            self._names.changes[node.name] = changes

    def _assign(self, node: Assignment) -> None:
        names = _bound(_targets(node))
        if names is None or node.value is None:
            self._commands += names is None
            self._note_changes(node)
            return
        why = self._names.why_not(node.value)
        if isinstance(node, ast.AnnAssign):
            why = why or self._names.why_not_annotation(node.annotation)
        elif isinstance(node, ast.AugAssign):
            numbers = ast.BinOp(ast.Name(names[0]), node.op, node.value)
            why = why or self._names.why_not(numbers)
        if why:
            self._note_changes(node)
            self._leave(tuple(names), why)
            return
        changes = self._changed_by(node.value)
        self._keep(names, self._names.kind_of(node.value))
        self._names.changes.update(dict.fromkeys(names, changes))

    def _delete(self, node: ast.Delete) -> None:
        for name in _bound(node.targets) or ():
            self._names.forget(name)
            self._names.missing[name] = "it was deleted"
            self._left.pop(name, None)
        self._note_changes(node)

    def _keep(self, names: Iterable[str], kind: Kind) -> None:
        self._kept.append((self._code, tuple(names)))
        for name in names:
            self._names.forget(name)
            self._names.kinds[name] = kind
            self._left.pop(name, None)

    def _leave(self, names: Iterable[str], why: str) -> None:
        self._commands += not names
        for name in names:
            if name in self._names.owned and name not in self._names.kinds:
                continue  # the session gives it again
            self._names.forget(name)
            self._names.missing[name] = why
            self._left[name] = LeftOut(_short(self._code), why)

    def _note_changes(self, node: ast.AST) -> None:
        """Let go of values that a statement which is not repeated may have changed."""
        changes, kinds = self._changed_by(node), self._names.kinds
        changed = {n for n in changes.objects if n in kinds and kinds[n] != "number"}
        changed |= changes.names & kinds.keys()
        for name in sorted(changed - self._names.imports.keys() - self._names.owned):
            self._leave((name,), f"it may have been changed by {_short(self._code)}")

    def _note_registration(self, node: ast.stmt) -> None:
        call = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(call, ast.Call):
            return
        root = _root(call.func)
        is_method = isinstance(call.func, ast.Attribute)
        if root in _REGISTRATIONS or (is_method and root in self._names.missing):
            self._left[self._code] = LeftOut(_short(self._code), "registrations are not repeated")

    def _changed_by(self, node: ast.AST) -> _Changes:
        """Return what may change when `node` runs.

        By assignment to a part, by a method, or by a function of the user, which may change what
        it is given and what its body names.
        """
        objects: set[str] = set()
        names: set[str] = set()
        for part in ast.walk(node):
            if isinstance(part, ast.Global):
                names.update(part.names)
            elif isinstance(part, ast.Subscript | ast.Attribute):
                objects.add(_root(part) if not isinstance(part.ctx, ast.Load) else "")
            elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
                objects.add(_root(part.func))
            if isinstance(part, ast.Call) and _root(part.func) in self._names.changes:
                called = self._names.changes[_root(part.func)]
                objects |= called.objects | {_root(argument) for argument in _arguments(part)}
                names |= called.names
        return _Changes(frozenset(objects - {""}), frozenset(names))


def _parsed(command: str) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(command).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _text_of(node: ast.stmt, command: str) -> str:
    """Return a statement as it was typed, with its comments."""
    decorators = getattr(node, "decorator_list", [])
    if decorators and node.end_lineno is not None:
        lines = command.splitlines()[decorators[0].lineno - 1 : node.end_lineno]
        return "\n".join(lines)
    return ast.get_source_segment(command, node) or ast.unparse(node)


def _targets(node: Assignment) -> list[ast.expr]:
    return list(node.targets) if isinstance(node, ast.Assign) else [node.target]


def _bound(targets: Iterable[ast.expr]) -> list[str] | None:
    """Return the names that an assignment binds; None when it changes an object."""
    parts = [part for target in targets for part in ast.walk(target) if isinstance(part, ast.expr)]
    if any(isinstance(part, ast.Attribute | ast.Subscript) for part in parts):
        return None
    return [part.id for part in parts if isinstance(part, ast.Name)]


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Return what an import binds: local name -> dotted name."""
    if isinstance(node, ast.ImportFrom):
        root = "" if node.level else node.module
        return {a.asname or a.name: f"{root or ''}.{a.name}" for a in node.names}
    whole = [(a.asname or a.name.partition(".")[0], a) for a in node.names]
    return {local: a.name if a.asname else local for local, a in whole}


def _names_in(node: ast.stmt) -> tuple[str, ...]:
    """Return the names that a block gives, where it is not known whether it does."""
    names: list[str] = []
    if isinstance(node, ast.Expr):  # names of comprehensions are their own
        return tuple(n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
    for part in ast.walk(node):
        if isinstance(part, Function | ast.ClassDef):
            names.append(part.name)
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.append(part.id)
        elif isinstance(part, ast.Import | ast.ImportFrom):
            names += _imported(part)
    return tuple(dict.fromkeys(names))


def _root(node: ast.expr) -> str:
    """Return the name with which a chain of attributes and items begins, else nothing."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _not_plain(node: ast.expr) -> str:
    return f"{_short(ast.unparse(node))} is not a plain value"


def _short(code: str) -> str:
    first, *more = code.splitlines()
    return f"{first[:100]} ..." if more or len(first) > 100 else first
