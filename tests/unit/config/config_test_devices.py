"""Small device classes of the tests; the trees name them by `classes`, not by import."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from session_shell.devices.context import DeviceContext
from session_shell.devices.registry import DeviceClass

if TYPE_CHECKING:
    from collections import OrderedDict

    from session_shell.devices.protocols import Detector, Movable


class Axis:
    def __init__(self, name: str, *, config: Mapping[str, Any], velocity: float = 1.0) -> None:
        self.name, self.config, self.velocity = name, config, velocity
        self.unit, self.position = "mm", 0.0

    def check_targets(self, targets: Sequence[float]) -> None: ...
    def start_move(self, target: float) -> None: ...
    def stop(self) -> None: ...


class Counter:
    def __init__(self, name: str, *, axis: Movable | None = None) -> None:
        self.name, self.axis, self.channels = name, axis, ()

    def prepare(self, count_time: float, npoints: int) -> None: ...
    def trigger(self) -> None: ...
    def read(self) -> Sequence[float]: ...
    def stop(self) -> None: ...


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Thing:
    """Takes one of everything."""

    def __init__(self, name: str, **values: Any) -> None:
        self.name = name
        self.__dict__.update(values)


def thing(
    name: str,
    *,
    number: float = 0.0,
    whole: int = 0,
    text: str = "",
    flag: bool = False,
    pair: tuple[float, float] = (0, 0),
    numbers: Sequence[float] = (),
    table: Mapping[str, float] | None = None,
    mode: Literal["slow", "fast"] = "slow",
    colour: Colour | None = None,
    axis: Movable | None = None,
    axes: list[Movable] | None = None,
    counter: Detector | None = None,
    file: Path | None = None,
    anything: Any = None,
    odd: OrderedDict[str, int] | None = None,
    either: float | str = 0.0,
    low_limit: float = 0.0,
) -> Thing:
    return Thing(**locals())


def needs_keys(name: str, *, host: str, port: int) -> Thing:
    return Thing(name, host=host, port=port)


def open_ended(name: str, /, **keys: Any) -> Thing:
    return Thing(name, keys=keys)


def finder(name: str, *, context: DeviceContext, uses: str = "") -> Thing:
    return Thing(name, found=context.find(uses) if uses else None, context=context)


def failing(name: str, *, how: str = "value") -> Thing:
    errors = {"value": ValueError("no\nanswer"), "exit": SystemExit(3), "plain": KeyError()}
    raise errors[how]


def nothing(name: str) -> None:
    return None


def several(name: str, *, axes: Sequence[Mapping[str, Any]] = ()) -> dict[str, Thing]:
    """Make one thing for each item that is no reference, and itself when it has a name."""
    real = [item["name"] for item in axes if not isinstance(item["name"], str)]
    new = [item["name"] for item in axes if isinstance(item["name"], str)]
    made = {n: Thing(n, real=real) for n in new if n != "forgotten"}
    return made | ({name: Thing(name, real=real)} if name else {})


def part(name: str, *, controller: Thing, address: int = 0) -> Thing:
    return Thing(name, controller=controller, address=address)


CLASSES = {
    "Axis": Axis,
    "Counter": Counter,
    "Thing": thing,
    "NeedsKeys": needs_keys,
    "OpenEnded": open_ended,
    "Finder": finder,
    "Failing": failing,
    "Nothing": nothing,
    "Several": several,
    "Part": part,
}
CLASSES = {name: DeviceClass(name, factory) for name, factory in CLASSES.items()}
CLASSES["Rack"] = DeviceClass("Rack", thing, {"cards": "Part"})
CLASSES["Holder"] = DeviceClass("Holder", "", {"axes": "Axis"})
CLASSES["Missing"] = DeviceClass("Missing", "session_shell.nowhere:thing")
