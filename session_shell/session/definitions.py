"""Pick out of the commands of a session what only defines names, so that it can be run again.

    >>> picked = pick(["x = 3", "umv(roby, x)", "y = roby.position"], {"umv", "roby"})
    >>> picked.definitions, picked.left_out
    (('x = 3',), (LeftOut(code='y = roby.position', why='roby.position is another value now'),))

Pure: nothing is run, and nothing of the session is looked at but its names.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from session_shell.session.purity import (
    Known,
    changed_by,
    imported,
    is_container,
    names_bound,
    root_of,
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A statement that gave names which are not there again."""

    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Picked:
    """What can be run again."""

    definitions: tuple[str, ...] = ()
    """Statements, in the order in which they were typed."""
    binds: tuple[tuple[str, ...], ...] = ()
    """Names that each of them gives; none for registrations and changes."""
    names: tuple[str, ...] = ()
    """Names that are there afterwards."""
    dropped: tuple[str, ...] = ()
    """Names among them that had another value at the end, which is not known."""
    left_out: tuple[LeftOut, ...] = ()
    commands: int = 0
    """Statements that gave no name: motions, scans, prints."""


@dataclass(slots=True)
class _Statement:
    code: str
    binds: tuple[str, ...]
    uses: frozenset[str]
    is_whole: bool
    """It makes its names anew, whatever they were."""
    deletes: bool = False


Assignment = ast.Assign | ast.AnnAssign | ast.AugAssign


def pick(commands: Iterable[str], owned: Collection[str]) -> Picked:
    """Return the definitions among `commands`.

    Safe are imports, functions, classes, and assignments of values that the code itself makes
    (numbers, texts, lists, arrays, soft axes, ...); registrations of scan metadata and presets.
    What moves, scans, prints, reads a device or a file, or is not known to be harmless is not.

    Args:
        commands: Python text of each command, in their order.
        owned: Names that the session gives: devices, commands, SCAN_SAVING.
    """
    picker = _Picker(Known(frozenset(owned)))
    for command in commands:
        for node in _parsed(command):
            picker.look(node, _text_of(node, command))
    return picker.picked()


def _parsed(command: str) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(command).body
    except (SyntaxError, ValueError, RecursionError):
        return []


class _Picker:
    def __init__(self, known: Known) -> None:
        self._known = known
        self._kept: list[_Statement] = []
        self._left: dict[str, LeftOut] = {}
        self._values: dict[str, bool] = {}
        self._commands = 0
        self._code = ""

    def look(self, node: ast.stmt, code: str) -> None:
        """Take one statement, or leave it out."""
        self._code = code
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._define(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            self._assign(node)
        elif isinstance(node, ast.Delete):
            self._delete(node)
        elif isinstance(node, ast.Expr):
            self._call(node)
        else:
            self._leave(_names_in(node), "it is more than a definition")

    def picked(self) -> Picked:
        """Return all of it, without what was overwritten."""
        kept = _without_overwritten(self._kept)
        names = dict.fromkeys(name for one in kept for name in one.binds if not one.deletes)
        dropped = [name for name in names if self._values.get(name) is False]
        left = {name: one for name, one in self._left.items() if not self._values.get(name, False)}
        return Picked(
            tuple(one.code for one in kept),
            tuple(one.binds for one in kept),
            tuple(name for name in names if self._values.get(name, False)),
            tuple(dropped),
            tuple(dict.fromkeys(left.values())),
            self._commands,
        )

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        names = imported(node)
        self._keep(node, tuple(names), whole=True)
        self._known.imports.update(names)

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        if why := self._known.why_not_function(node):
            self._leave((node.name,), why)
            return
        self._keep(node, (node.name,), whole=True)
        self._known.functions.add(node.name)
        if self._known.is_pure(node):
            self._known.harmless.add(node.name)

    def _assign(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        targets: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is None:
            return
        names = names_bound(targets)
        known = self._known
        why = known.why_not(node.value)
        if names is None:
            self._change(node, targets, why)
            return
        if isinstance(node, ast.AugAssign) and not why:
            why = known.why_not(node.target)
            if not why and names[0] not in self._values:
                why = f"it needs {names[0]}"
        if why:
            self._leave(tuple(names), why)
            return
        devices = known.leads_to_devices(node.value)
        registry = ast.unparse(node.value).endswith("get_user_scan_meta()")
        self._keep(node, tuple(names), whole=not isinstance(node, ast.AugAssign))
        if registry:
            known.imports.update(dict.fromkeys(names, "get_user_scan_meta()"))
        elif isinstance(node.value, ast.Lambda):
            known.functions.update(names)
        elif devices:
            known.devices.update(names)
        if is_container(node.value) and all(isinstance(target, ast.Name) for target in targets):
            known.containers.update(names)

    def _change(self, node: Assignment, targets: list[ast.expr], why: str) -> None:
        """Take a change of an object that the user made (``d["a"] = 1``), or of the registry."""
        roots = [root_of(target) for target in targets]
        ours = all(self._values.get(root, False) for root in roots)
        if not ours or not all(map(self._is_users, targets)):
            # Of devices and SCAN_SAVING: kept by the settings.
            self._commands += 1
            return
        if why := why or next(filter(None, map(self._known.why_not, targets)), ""):
            self._leave(tuple(roots), why)
            return
        self._keep(node, (), whole=False)
        if node.value is not None and self._known.leads_to_devices(node.value):
            self._known.devices.update(roots)

    def _is_users(self, target: ast.expr) -> bool:
        """Tell whether a change is one of an object that the user made."""
        root = root_of(target)
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            return root in self._known.containers or root not in self._known.devices
        return root not in {*self._known.owned, *self._known.devices}

    def _delete(self, node: ast.Delete) -> None:
        names = names_bound(node.targets) or []
        for name in names:
            self._kept.append(_Statement(f"del {name}", (name,), frozenset(), True, deletes=True))
            self._values.pop(name, None)
            self._left.pop(name, None)
            self._known.missing[name] = "it was deleted"
            self._forget(name)

    def _call(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return
        call = node.value if isinstance(node.value, ast.Call) else None
        why = self._known.why_not_call(call) if call is not None else "it shows a value"
        changed = changed_by(call) if call is not None else ""
        if not why:
            self._keep(node, (), whole=False)
            if changed and any(map(self._known.leads_to_devices, call.args if call else ())):
                self._known.devices.add(changed)
        elif self._values.get(changed, False) and changed not in self._known.imports:
            self._leave((changed,), why)
        else:
            self._commands += 1

    def _keep(self, node: ast.stmt, names: tuple[str, ...], *, whole: bool) -> None:
        uses = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
        self._kept.append(_Statement(self._code, names, uses, whole))
        for name in names:
            if whole:
                self._forget(name)
            self._values[name] = True
            self._known.missing.pop(name, None)
            self._left.pop(name, None)

    def _leave(self, names: tuple[str, ...], why: str) -> None:
        if not names:
            self._commands += 1
        for name in names:
            if name in self._known.owned and name not in self._values:
                continue  # the session gives it again
            self._forget(name)
            self._values[name] = False
            self._known.missing[name] = why
            self._left[name] = LeftOut(_short(self._code), why)

    def _forget(self, name: str) -> None:
        self._known.harmless.discard(name)
        self._known.functions.discard(name)
        self._known.devices.discard(name)
        self._known.containers.discard(name)
        self._known.imports.pop(name, None)


def _without_overwritten(statements: list[_Statement]) -> list[_Statement]:
    """Leave out statements all of whose names are made anew before anybody uses them."""
    kept: list[_Statement] = []
    new: set[str] = set()
    for one in reversed(statements):
        if one.is_whole and one.binds and new.issuperset(one.binds):
            continue
        if one.is_whole:
            new.update(one.binds)
        new -= one.uses - ({*one.binds} if one.is_whole else set())
        kept.append(one)
    there: set[str] = set()
    needed: list[_Statement] = []
    for one in kept[::-1]:
        if not one.deletes or there.issuperset(one.binds):
            needed.append(one)
        there = there.difference(one.binds) if one.deletes else there.union(one.binds)
    return needed


def _names_in(node: ast.stmt) -> tuple[str, ...]:
    """Return the names that a block gives, where it is not known whether it does."""
    names: list[str] = []
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(part.name)
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.append(part.id)
        elif isinstance(part, ast.Import | ast.ImportFrom):
            names += imported(part)
    return tuple(dict.fromkeys(names))


def _text_of(node: ast.stmt, command: str) -> str:
    """Return a statement as it was typed, with its comments."""
    decorators = getattr(node, "decorator_list", [])
    if decorators and node.end_lineno is not None:
        lines = command.splitlines()[decorators[0].lineno - 1 : node.end_lineno]
        return "\n".join(lines)
    return ast.get_source_segment(command, node) or ast.unparse(node)


def _short(code: str) -> str:
    first, *more = code.splitlines()
    return f"{first[:100]} ..." if more or len(first) > 100 else first
