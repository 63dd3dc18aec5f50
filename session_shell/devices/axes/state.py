"""What an axis can be doing."""

from __future__ import annotations

from enum import Flag, auto


class AxisState(Flag):
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
