"""The names of a session, of which those of devices and commands are protected.

    >>> names = Namespace({"wa": print, "x": 1})
    >>> names.protect(["wa"])
    >>> names["x"] = 2
    >>> names["wa"] = 3
    Traceback (most recent call last):
    session_shell.errors.CommandError: wa is a command of this session ... unprotect("wa") first

Python runs code at the top of a command or script through `__setitem__` and `__delitem__` of its
namespace: assignments, ``for``, ``with``, ``import``, ``def`` and ``globals()["wa"] = 3``.
Functions with ``global wa`` go around them, and of a refused ``del`` it says that there is no such
name: so `refuse` looks at code before it runs, and `kept` at what is left after it.
"""

from __future__ import annotations

import dis
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from inspect import isroutine
from types import CodeType
from typing import Any, Self

from session_shell.errors import CommandError

_FREE = frozenset({"scan", "sleep"})
"""Commands whose names everybody's scripts use: ``scan = ascan()``, ``from time import sleep``."""
_GONE_IN_FUNCTIONS = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL"})
_GONE = _GONE_IN_FUNCTIONS | {"DELETE_NAME"}
"""Instructions that Python carries out without `__setitem__`, or whose refusal it hides."""


class Namespace(dict[str, Any]):
    """Names with what they stand for; a dict, since Python runs code in nothing else."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        super().__init__(names)
        self._protected: dict[str, Any] = {}

    @property
    def protected(self) -> Mapping[str, Any]:
        """The protected names with what they stand for."""
        return self._protected

    def protect(self, names: Iterable[str]) -> None:
        """Let names stand from now on for what they stand for at present."""
        wanted = {n: self[n] for n in names if n in self and n not in _FREE and n[:1] != "_"}
        self._protected.update(wanted)

    def unprotect(self, *names: str) -> None:
        """Let names be given to something else."""
        for name in names:
            self._protected.pop(name, None)

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self._protected and self._protected[name] is not value:
            raise self.refusal(name)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        if name in self._protected:
            raise self.refusal(name)
        super().__delitem__(name)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Take names from elsewhere, all those that are not protected in any case."""
        given: dict[str, Any] = dict(*args, **kwargs)
        refused = [n for n in given if self._protected.get(n, given[n]) is not given[n]]
        super().update({name: value for name, value in given.items() if name not in refused})
        if refused:
            raise self.refusal(*refused)

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]
        self.update(other)
        return self

    def pop(self, name: str, *default: Any) -> Any:
        """Take a name out."""
        if name in self._protected:
            raise self.refusal(name)
        return super().pop(name, *default)

    def clear(self) -> None:
        """Take all names out that are not protected."""
        for name in self.keys() - self._protected.keys():
            super().__delitem__(name)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Give protected names back that code in the block took away around the protection.

        Raises:
            CommandError: When there were any, and the block raised nothing.
        """
        try:
            yield
        except BaseException:
            self.give_back()
            raise
        if lost := self.give_back():
            raise self.refusal(*lost)

    def give_back(self) -> list[str]:
        """Let protected names stand for what they should; return those that did not."""
        gone = object()
        lost = [n for n, value in self._protected.items() if self.get(n, gone) is not value]
        for name in lost:
            super().__setitem__(name, self._protected[name])
        return lost

    def refuse(self, code: CodeType, gone: Collection[str] = _GONE) -> None:
        """Refuse code that takes protected names away without asking this namespace.

        Raises:
            CommandError: When there is such code, with its line.
        """
        if "unprotect" in code.co_names:
            return  # it says so first; `kept` looks at what is left
        if self._protected.keys() & set(code.co_names):
            for instruction in dis.get_instructions(code):
                if instruction.opname in gone and instruction.argval in self._protected:
                    raise self.refusal(instruction.argval, place=_place(code, instruction))
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self.refuse(constant, _GONE_IN_FUNCTIONS)

    def refusal(self, *names: str, place: str = "") -> CommandError:
        """Return the error for protected names that are about to be given away."""
        name, *more = names
        what = "a command" if isroutine(self._protected[name]) else "an object"
        others = f" (so are {', '.join(more)})" if more else ""
        quoted = ", ".join(f'"{one}"' for one in names)
        return CommandError(
            f"{place}{name} is {what} of this session{others} and keeps its name: "
            f"take another name, or run unprotect({quoted}) first"
        )


def _place(code: CodeType, instruction: dis.Instruction) -> str:
    lines = [line for start, _, line in code.co_lines() if line and start <= instruction.offset]
    line = lines[-1] if lines else code.co_firstlineno
    if not code.co_filename.startswith("<"):
        return f"{code.co_filename}:{line}: "
    return f"line {line}: " if line > 1 else ""
