"""Run text and files as a user typed or wrote them, with tracebacks that show the source."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from types import CodeType
from typing import Any

from session_shell.errors import CommandError
from session_shell.session.namespace import Namespace


def execute(
    source: str,
    namespace: Namespace,
    filename: str,
    show: Callable[[Any], None] | None = None,
) -> Any:
    """Run `source` in `namespace` and return the value of its last expression, else None.

    Args:
        source: Python text, one command or several.
        namespace: Where names are looked up and left.
        filename: What tracebacks call it, for example ``<command 3>``.
        show: Called with the value of each expression that stands alone, as a prompt does.
    """
    lines = source.splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    tree = ast.parse(source, filename)
    namespace.refuse(compile(tree, filename, "exec"))
    value: Any = None
    for statement in tree.body:
        with namespace.kept():
            value = _run(statement, namespace, filename)
        if show is not None and value is not None:
            show(value)
    return value


def _run(statement: ast.stmt, namespace: Namespace, filename: str) -> Any:
    if isinstance(statement, ast.Expr):
        expression = ast.Expression(statement.value)
        return eval(compile(expression, filename, "eval"), namespace)  # noqa: S307
    exec(compile(ast.Module([statement], []), filename, "exec"), namespace)
    return None


def execute_file(path: Path, namespace: Namespace, argv: Sequence[str] | None = None) -> None:
    """Run a Python file in `namespace` under its real path.

    Args:
        path: The file.
        namespace: Where names are looked up and left.
        argv: ``sys.argv`` meanwhile, without the file itself; None leaves it alone.

    Raises:
        CommandError: When the file cannot be read.
        Exception: What the file raises.
    """
    code = compile_file(path)
    namespace.refuse(code)
    with _file_name(path, namespace), _arguments(path, argv), namespace.kept():
        exec(code, namespace)


def compile_file(path: Path) -> CodeType:
    """Compile a Python file, honouring its encoding line.

    Raises:
        CommandError: When it cannot be read.
        SyntaxError: When it is no Python.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error.strerror or error}") from error
    if b"\0" in content:
        raise CommandError(f"{path}: is no Python file (it has a NUL byte)")
    linecache.checkcache(str(path))
    return compile(content, str(path), "exec", dont_inherit=True)


def line_in_file(error: BaseException, path: Path) -> int | None:
    """Return the line of `path` at which `error` was raised, None when it does not occur."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    lines = [f.lineno for f in extract_tb(error.__traceback__) if f.filename == str(path)]
    return lines[-1] if lines else None


@contextmanager
def _file_name(path: Path, namespace: Namespace) -> Iterator[None]:
    before = namespace.get("__file__")
    namespace["__file__"] = str(path)
    try:
        yield
    finally:
        if before is None:
            namespace.pop("__file__", None)
        else:
            namespace["__file__"] = before


@contextmanager
def _arguments(path: Path, argv: Sequence[str] | None) -> Iterator[None]:
    if argv is None:
        yield
        return
    before = sys.argv
    sys.argv = [str(path), *argv]
    try:
        yield
    finally:
        sys.argv = before
