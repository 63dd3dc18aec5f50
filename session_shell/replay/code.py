"""Look at recorded code, without running it, for what will not happen again in the same way.

Names are followed through imports and through functions of the user: calling ``ask()`` is named
when its definition, some commands earlier, calls ``input()``. It is a look, not a proof: what
hides behind ``exec`` or in an installed package is not seen.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeGuard


@dataclass(frozen=True, slots=True)
class Hazard:
    """Something in the code that a replay cannot repeat, or may repeat differently."""

    why: str
    blocks: bool
    """True: it needs a choice before the replay. False: it is only told."""


_BLOCKING = {
    "asks a person": ("input", "getpass", "breakpoint", "pdb", "sys.stdin"),
    "runs another program": (
        "subprocess",
        "pty",
        "os.system",
        "os.popen",
        "os.fork",
        "os.posix_spawn",
        *(f"os.exec{end}" for end in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    ),
    "reaches out of this session": (
        "socket",
        "requests",
        "urllib",
        "http",
        "httpx",
        "aiohttp",
        "ftplib",
        "smtplib",
        "paramiko",
        "serial",
        "epics",
        "tango",
        "PyTango",
        "webbrowser",
    ),
}
_TOLD = {
    "uses the time of the machine": (
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "datetime.date.today",
    ),
    "uses random numbers of its own": ("random", "numpy.random", "secrets", "uuid", "os.urandom"),
    "uses threads or processes, which run in real time": (
        "threading",
        "multiprocessing",
        "concurrent",
        "asyncio",
        "signal",
    ),
    "depends on this computer": ("os.environ", "os.getenv", "os.getpid", "platform", "os.getcwd"),
}
_HAZARDS = {
    name: Hazard(why, blocks)
    for table, blocks in ((_BLOCKING, True), (_TOLD, False))
    for why, names in table.items()
    for name in names
}
_FORM = {
    Hazard("shows help only", blocks=False): re.compile(r"\s*\?|[^#'\"]*\?\s*\Z"),
    Hazard("runs a command of the system", blocks=True): re.compile(r"\s*!|[^#'\"=]*=\s*!"),
    Hazard("is a command of IPython", blocks=True): re.compile(r"\s*%|[^#'\"=]*=\s*%"),
}
_OWN_MAGIC = re.compile(r"\s*%?typing_helper\s*(on|off)?\s*\Z")
_EARLIER = re.compile(r"_{1,3}|_i{0,3}\d*|In|Out")


@dataclass(slots=True)
class CodeReader:
    """Reads one piece of code after another, in the order in which they ran."""

    names: dict[str, str] = field(default_factory=dict)
    """What a name was imported as: ``np`` is ``numpy``."""
    functions: dict[str, set[Hazard]] = field(default_factory=dict)
    """What the functions and classes of the user would do when they are called."""
    known: set[str] = field(default_factory=set)
    """Names that were assigned to."""

    def read(self, source: str, *, prompt: bool = False) -> list[Hazard]:
        """Return what is in the way of repeating `source`; text that is no Python has nothing.

        Args:
            source: Python text.
            prompt: It was typed at the prompt: ``_`` and ``Out`` mean earlier values there.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            try:
                tree = ast.parse(source)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return []
        found: set[Hazard] = set()
        for statement in tree.body:
            found |= self._statement(statement)
        if prompt:
            found |= self._earlier(tree)
        self.known |= {n.id for n in ast.walk(tree) if _is_assigned(n)}
        return sorted(found, key=lambda hazard: (not hazard.blocks, hazard.why))

    def _statement(self, statement: ast.stmt) -> set[Hazard]:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside = self._used(statement)
            if inside:
                self.functions[statement.name] = inside
            else:
                self.functions.pop(statement.name, None)
            return set()
        self._imports(statement)
        return self._used(statement)

    def _imports(self, node: ast.AST) -> None:
        for one in ast.walk(node):
            if isinstance(one, ast.Import):
                for alias in one.names:
                    top = alias.name.partition(".")[0]
                    self.names[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(one, ast.ImportFrom) and one.module and not one.level:
                for alias in one.names:
                    self.names[alias.asname or alias.name] = f"{one.module}.{alias.name}"

    def _used(self, node: ast.AST) -> set[Hazard]:
        self._imports(node)
        found: set[Hazard] = set()
        for name in _dotted_names(node):
            root, _, rest = name.partition(".")
            found |= self.functions.get(root, set())
            if root in self.known and root not in self.names:
                continue
            full = ".".join(filter(None, (self.names.get(root, root), rest)))
            # `random` the module is one, `scan.random` or a variable of that name is none.
            imported = root in self.names or root in ("input", "breakpoint")
            if imported and (hazard := _hazard(full)) is not None:
                found.add(hazard)
        return found

    def _earlier(self, tree: ast.Module) -> set[Hazard]:
        assigned = {n.id for n in ast.walk(tree) if _is_assigned(n)} | self.known
        used = {
            n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and _EARLIER.fullmatch(n.id)
        }
        return {
            Hazard(f"uses {name}, an earlier value of the prompt", blocks=True)
            for name in used - assigned
        }


def prompt_hazard(typed: str) -> Hazard | None:
    """Return what keeps a line of the prompt from being repeated because it is no Python.

    >>> prompt_hazard("!ls").why
    'runs a command of the system'
    >>> prompt_hazard("ascan roby 0 1 5 0.1") is None
    True
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            ast.parse(typed)
        except (SyntaxError, ValueError):
            pass
        else:
            return None
    if is_own_magic(typed):
        return None
    for line in typed.splitlines():
        for hazard, form in _FORM.items():
            if form.match(line):
                return hazard
    return None


def is_own_magic(typed: str) -> bool:
    """Tell whether it is ``%typing_helper``, which a replay can repeat."""
    return _OWN_MAGIC.fullmatch(typed) is not None


def _hazard(name: str) -> Hazard | None:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if (hazard := _HAZARDS.get(".".join(parts[:length]))) is not None:
            return hazard
    return None


def _dotted_names(node: ast.AST) -> Iterator[str]:
    """Yield each name that is used, with its attributes: ``os.path.join``."""
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute):
            parts = [one.attr]
            inner: ast.expr = one.value
            while isinstance(inner, ast.Attribute):
                parts.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name):
                yield ".".join([inner.id, *reversed(parts)])
        elif isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load):
            yield one.id


def _is_assigned(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
