"""Tell by looking at code whether it only makes things: no motion, no scan, no output, no file.

A look, not a proof, and on the safe side: what is not known to be harmless is not.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

_BUILTINS = frozenset(
    """
    abs all any ascii bin bool bytearray bytes chr classmethod complex dict divmod enumerate
    filter float format frozenset hex int isinstance issubclass len list map max min object oct
    ord pow property range repr reversed round set slice sorted staticmethod str sum super tuple
    type zip
    """.split()  # noqa: SIM905  words are easier to read
)
_MODULES = frozenset(
    """
    math cmath numpy scipy itertools functools collections fractions decimal statistics operator
    string re enum dataclasses typing types datetime pathlib copy textwrap
    """.split()  # noqa: SIM905  words are easier to read
)
_NOT_OF_MODULES = frozenset(
    """
    random save savez savez_compressed savetxt memmap tofile fromfile now today utcnow cwd home
    open load ctypeslib f2py distutils io datasets
    """.split()  # noqa: SIM905  words are easier to read
)
_METHODS = frozenset(
    """
    add append appendleft astype conj copy count difference extend format get index insert
    intersection items join keys lower max mean min most_common ravel reshape rjust ljust
    setdefault sort split std startswith endswith strip sum title tolist transpose union update
    upper values zfill total_seconds isoformat as_posix with_suffix with_name joinpath
    """.split()  # noqa: SIM905  words are easier to read
)
_MAKERS = frozenset(
    """
    soft_axis soft_counter SoftAxis SoftCounter calc_counter per_second clock_counter Group
    get_user_scan_meta
    """.split()  # noqa: SIM905  words are easier to read
)
_REGISTRY = frozenset({"set", "remove", "add_categories", "remove_categories", "clear"})
_HOOKS = frozenset({"add_preset", "remove_preset", "add_watchdog"})
_ON_DEVICES = frozenset({"disable_scan_metadata", "enable_scan_metadata"})


@dataclass
class Known:
    """Names, and what is known about them at one moment of a session."""

    owned: Collection[str]
    """Names that the session gives: devices, commands, SCAN_SAVING."""
    imports: dict[str, str] = field(default_factory=dict)
    """Local name -> dotted name of what was imported."""
    harmless: set[str] = field(default_factory=set)
    """Functions and classes of the user whose calls only make things."""
    functions: set[str] = field(default_factory=set)
    """Functions of the user, harmless or not."""
    devices: set[str] = field(default_factory=set)
    """Names of the user that lead to objects of the session."""
    containers: set[str] = field(default_factory=set)
    """Names of the user that are lists and the like, whatever is in them."""
    missing: dict[str, str] = field(default_factory=dict)
    """Names that are left out, and why."""

    # Statements

    def why_not_call(self, call: ast.Call) -> str:
        """Return why a call that stands alone is not repeated, empty when it is a definition."""
        name = _dotted(call.func)
        last = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name in _HOOKS or (last in _ON_DEVICES and _root(call.func) in self.owned):
            return self._why_not_arguments(call)
        if name in ("sys.path.append", "sys.path.insert") and self.imports.get("sys") == "sys":
            return self._why_not_arguments(call)  # imports that follow need it
        if last in _REGISTRY and self._is_registry(call.func):
            return self._why_not_arguments(call)
        if changed_by(call):
            return self.why_not(call)
        return f"{ast.unparse(call.func)}() is a command"

    def why_not_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
        """Return why a definition is left out: what of it is run at once may do something."""
        for decorator in node.decorator_list:
            function = decorator.func if isinstance(decorator, ast.Call) else decorator
            if not self._is_harmless(function):
                return f"its decorator {ast.unparse(function)} may do something"
            if isinstance(decorator, ast.Call) and (why := self._why_not_arguments(decorator)):
                return why
        if isinstance(node, ast.ClassDef):
            return self._why_not_class(node)
        arguments = node.args
        defaults = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
        return self._first(defaults)

    def _why_not_class(self, node: ast.ClassDef) -> str:
        if why := self._first([*node.bases, *(k.value for k in node.keywords)]):
            return why
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                why = self.why_not_function(part)
            elif isinstance(part, ast.Assign | ast.AnnAssign):
                why = self.why_not(part.value) if part.value is not None else ""
            elif isinstance(part, ast.Pass) or _is_text(part):
                why = ""
            else:
                why = f"its body does something: {ast.unparse(part).splitlines()[0]}"
            if why:
                return why
        return ""

    # Expressions

    def why_not(self, node: ast.expr) -> str:
        """Return why an expression is left out, empty when it only makes a value."""
        if isinstance(node, ast.Name):
            why = self.missing.get(node.id, "")
            return f"it needs {node.id}, which is left out" if why else ""
        if isinstance(node, ast.Lambda):
            return self._first([*node.args.defaults, *filter(None, node.args.kw_defaults)])
        if isinstance(node, ast.Attribute):
            if self._is_registry(node):
                return ""
            if _root(node) in {*self.owned, *self.devices}:
                return f"{ast.unparse(node)} is another value now"
            return self.why_not(node.value)
        if isinstance(node, ast.Call):
            return self._why_not_value(node)
        if isinstance(node, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
            return f"{ast.unparse(node)} does something"
        return self._first(list(_expressions(node)))

    def _why_not_value(self, call: ast.Call) -> str:
        if not self._is_harmless(call.func):
            return f"{ast.unparse(call.func)}() may do something or give another value"
        inner = call.func.value if isinstance(call.func, ast.Attribute) else None
        holds = isinstance(inner, ast.Name) and inner.id in self.containers
        known = inner is None or holds or self._is_registry(inner)
        why = "" if known or inner is None else self.why_not(inner)
        if not why and not holds and _dotted(call.func) not in _MAKERS:
            why = next(filter(None, map(self._why_not_given, _arguments(call))), "")
        return why or self._why_not_arguments(call)

    def _why_not_given(self, node: ast.expr) -> str:
        """Return why a value is not given to a function, which may call it."""
        if isinstance(node, ast.Lambda):
            return self.why_not(node.body)
        names = {node.id} if isinstance(node, ast.Name) else set()
        if names & {*self.owned, *self.devices} or names & self.functions - self.harmless:
            return f"{ast.unparse(node)} may do something"
        return ""

    def _why_not_arguments(self, call: ast.Call) -> str:
        return self._first(_arguments(call))

    def _first(self, nodes: Collection[ast.expr]) -> str:
        return next(filter(None, map(self.why_not, nodes)), "")

    def leads_to_devices(self, node: ast.expr) -> bool:
        """Tell whether a value may be, or hold, an object of the session."""
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        return bool(names & {*self.owned, *self.devices})

    def _is_registry(self, node: ast.expr) -> bool:
        """Tell whether this is (a part of) the registry of scan metadata."""
        if isinstance(node, ast.Attribute):
            return self._is_registry(node.value)
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, "").endswith("get_user_scan_meta()")
        return isinstance(node, ast.Call) and self._is_maker(node.func, "get_user_scan_meta")

    def _is_maker(self, node: ast.expr, name: str) -> bool:
        dotted = _dotted(node)
        return self.imports.get(dotted, dotted).rpartition(".")[2] == name

    def _is_harmless(self, function: ast.expr) -> bool:
        """Tell whether calling this only makes something."""
        dotted = _dotted(function)
        root, _, rest = dotted.partition(".")
        if root in self.missing:
            return False
        if dotted in self.harmless or (dotted in _MAKERS and dotted in self.owned):
            return True
        if root in self.imports:
            words = ".".join(filter(None, (self.imports[root], rest))).split(".")
            if words[-1] == "get_user_scan_meta":
                return True
            return words[0] in _MODULES and not _NOT_OF_MODULES & {*words}
        if dotted in _BUILTINS:
            return dotted not in self.owned
        if not isinstance(function, ast.Attribute) or function.attr not in _METHODS:
            return False
        if isinstance(function.value, ast.Name) and function.value.id in self.containers:
            return True
        return _root(function) not in {*self.owned, *self.devices}

    def is_pure(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
        """Tell whether calling a function or class of the user only makes something."""
        if isinstance(node, ast.ClassDef):
            bases = {_dotted(base) for base in node.bases}
            if any(base in self.owned or not self._is_base(base) for base in bases):
                return False
        for part in ast.walk(node):
            if isinstance(part, ast.Call) and part not in getattr(node, "decorator_list", []):
                if not (self._is_harmless(part.func) or _dotted(part.func) == node.name):
                    return False
            elif isinstance(part, ast.Global | ast.Await | ast.Import | ast.ImportFrom) or (
                isinstance(part, ast.Attribute) and _root(part) in self.owned
            ):
                return False
        return True

    def _is_base(self, name: str) -> bool:
        imported = self.imports.get(name.partition(".")[0], "").partition(".")[0]
        return name in self.harmless or name in _BUILTINS or imported in _MODULES


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def changed_by(call: ast.Call) -> str:
    """Return the name whose object a call like ``positions.append(1)`` may change."""
    function = call.func
    is_method = isinstance(function, ast.Attribute) and function.attr in _METHODS
    return _root(function) if is_method else ""


def is_container(node: ast.expr) -> bool:
    """Tell whether a value is written as a list, dict, set or tuple."""
    kinds = ast.List | ast.Dict | ast.Set | ast.Tuple | ast.ListComp | ast.DictComp | ast.SetComp
    return isinstance(node, kinds)


def names_bound(targets: Collection[ast.expr]) -> list[str] | None:
    """Return the names that an assignment binds; None when it changes an object."""
    names: list[str] = []
    for target in targets:
        if isinstance(target, ast.Name):
            names.append(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            inner = names_bound(target.elts)
            if inner is None:
                return None
            names += inner
        elif isinstance(target, ast.Starred):
            inner = names_bound([target.value])
            if inner is None:
                return None
            names += inner
        else:
            return None
    return names


def imported(node: ast.Import | ast.ImportFrom) -> Mapping[str, str]:
    """Return what an import binds: local name -> dotted name."""
    if isinstance(node, ast.Import):
        return {
            a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0]
            for a in node.names
        }
    return {a.asname or a.name: f"{node.module or ''}.{a.name}" for a in node.names}


def root_of(node: ast.expr) -> str:
    """Return the name with which a chain of attributes and items begins, else nothing."""
    return _root(node)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _dotted(node: ast.expr) -> str:
    """Return ``a.b.c`` of such a chain, else nothing."""
    words: list[str] = []
    while isinstance(node, ast.Attribute):
        words.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(words)])


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions in `node`, through parts that are none (comprehensions, slices)."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        else:
            yield from _expressions(child)
