"""What an axis can be doing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Flag, auto
from typing import Any, ClassVar


class NamedState:
    """Ask a state by the names of all states: true only for those that hold.

    >>> AxisState.READY.MOVING, AxisState.MOVING.MOVING, AxisState.READY == "READY"
    (False, True, True)
    """

    __members__: ClassVar[Mapping[str, Any]]

    def __contains__(self, other: object) -> bool:
        raise NotImplementedError

    def __getattribute__(self, name: str) -> Any:
        # An enumeration would give the member of that name, which is always true.
        if name[:1] != "_" and name.isupper() and name in type(self).__members__:
            return name in self
        return super().__getattribute__(name)

    def __eq__(self, other: object) -> bool:
        return other in self if isinstance(other, str) else self is other

    def __hash__(self) -> int:
        return hash(str(self))


class AxisState(NamedState, Flag):
    """State of an axis; several may hold at once, such as READY and LIMPOS.

    >>> AxisState.READY in (AxisState.READY | AxisState.LIMPOS)
    True
    >>> "LIMNEG" in AxisState.READY
    False
    >>> print(AxisState.READY | AxisState.LIMPOS)
    READY | LIMPOS
    """

    READY = auto()
    MOVING = auto()
    LIMPOS = auto()
    LIMNEG = auto()

    def __contains__(self, other: object) -> bool:
        if isinstance(other, str):
            return other in AxisState.__members__ and bool(self & AxisState[other])
        return isinstance(other, AxisState) and bool(self & other)

    def __str__(self) -> str:
        return " | ".join(name for name, member in AxisState.__members__.items() if member in self)
