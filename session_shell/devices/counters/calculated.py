"""Calculated counters: a function of other counters, evaluated at every point.

In YAML either an `expression` of the inputs' names, of `constants`, of `count_time` (seconds) and
of numpy functions, or a `function` (``module:function``, or a name in `package`) that gets one
argument for each input::

    - class: calc_counter
      name: transmission
      expression: diode2 / diode1
      inputs: [$diode1, $diode2]              # or {before: $diode1, after: $diode2}

The value of an input is that of its first channel: a number, or the array of a spectrum or image.
"""

from __future__ import annotations

import importlib
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from types import CodeType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from session_shell.devices.checks import not_negative, number
from session_shell.devices.counters.derived import as_counter
from session_shell.devices.counters.linking import Calculated, linked
from session_shell.devices.protocols import Channel, Detector, Status, Value
from session_shell.devices.text import summary
from session_shell.errors import ConfigError, DeviceError

_log = logging.getLogger(__name__)

Function = Callable[..., Any]


class CalculatedCounter(Calculated):
    """A counter whose value is a function of the values of other counters.

    Args:
        name: Name of the counter and of its channel.
        function: Called at every point with the value of each input, in their order; if it has a
            parameter ``count_time``, that is given too, in seconds.
        inputs: Counters and axes.
        unit: Unit of the result.
        shape: Shape of the result; ``()`` is a number.
        text: What is calculated, in words for files.

    An arithmetic error such as a division by zero gives NaN and one warning per scan.

    >>> ratio = CalculatedCounter("ratio", lambda a, b: a / b, [diode1, diode2])  # doctest: +SKIP
    """

    def __init__(
        self,
        name: str,
        function: Function,
        inputs: Sequence[Any],
        *,
        unit: str = "",
        shape: Sequence[int] = (),
        text: str = "",
        config: Mapping[str, Any] | None = None,
    ) -> None:
        if not callable(function):
            raise DeviceError(f"{function!r:.60} is no function", device=name)
        if not inputs:
            raise DeviceError("give at least one counter to calculate from", device=name)
        self.name = name
        self.unit = unit
        self.inputs = tuple(as_counter(each) for each in inputs)
        self.text = text or getattr(function, "__name__", "function")
        self.config: Mapping[str, Any] = config or {}
        self._function = function
        self._takes_time = _takes_count_time(function, len(self.inputs), name)
        self._channels = (
            Channel(name, "counter", unit=unit, shape=_checked_shape(shape, name), device=name),
        )
        self._count_time = 0.0
        self._warned = False
        self._parts: Sequence[Detector] = ()

    @property
    def channels(self) -> Sequence[Channel]:
        """The result."""
        return self._channels

    def begin(self, count_time: float) -> None:
        """Get ready for the points of a scan, whose inputs are read by others."""
        self._count_time = not_negative(count_time, "count time", self.name)
        self._warned = False

    def calculate(self, values: Sequence[Value]) -> Value:
        """Return the result for one value of each input.

        Raises `DeviceError` when the function fails or gives something of another shape.
        """
        extra = {"count_time": self._count_time} if self._takes_time else {}
        try:
            result = self._function(*values, **extra)
        except Exception as error:
            if isinstance(error, ArithmeticError) or "math domain" in str(error):
                return self._nothing(str(error))
            raise DeviceError(
                f"{self.text} failed: {type(error).__name__}: {error}", device=self.name
            ) from error
        return self._checked(result)

    # -- counted by itself, outside of the commands -----------------------------------------

    def prepare(self, count_time: float, npoints: int) -> None:
        """Prepare the inputs, and those that they are calculated from."""
        self._parts = linked([self])
        for part in self._parts:
            part.prepare(count_time, npoints)

    def trigger(self) -> Status | None:
        """Trigger the inputs; ready when the slowest is."""
        if not self._parts:
            self.prepare(0.0, 1)
        pending = [status for part in self._parts if (status := part.trigger()) is not None]
        return _All(pending) if pending else None

    def read(self) -> Sequence[Value]:
        """Return the result, from inputs that were read now."""
        if not self._parts:
            self.trigger()
        return self._parts[0].read()

    def stop(self) -> None:
        """Stop the inputs."""
        for part in self._parts:
            part.stop()

    def channel_metadata(self) -> dict[str, Any]:
        """Return what is calculated from what, for the NXdetector group."""
        names = ", ".join(each.name for each in self.inputs)
        return {"description": "calculated", "calculation": self.text, "inputs": names}

    def __info__(self) -> str:
        """Write what it is calculated from, as `info(counter)` shows it."""
        shape = self._channels[0].shape
        rows = [("calculation", self.text), ("inputs", ", ".join(i.name for i in self.inputs))]
        rows.append(("unit", self.unit or "none"))
        if shape:
            rows.append(("shape", "x".join(map(str, shape))))
        return summary(f"{self.name}: calculated counter", rows)

    def __repr__(self) -> str:
        return f"<counter {self.name}: {self.text} of {', '.join(i.name for i in self.inputs)}>"

    # -- inside ------------------------------------------------------------------------------

    def _nothing(self, why: str) -> Value:
        if not self._warned:
            _log.warning("%s: %s; it is NaN at such points", self.name, why)
        self._warned = True
        shape = self._channels[0].shape
        return np.full(shape, np.nan) if shape else np.nan

    def _checked(self, result: Any) -> Value:
        shape = self._channels[0].shape
        if not shape and result.__class__ is float:
            return float(result)
        try:
            array = _as_floats(result)
        except (TypeError, ValueError, OverflowError):
            raise DeviceError(
                f"{self.text} must give {_shape_words(shape)}, not {result!r:.60}",
                device=self.name,
            ) from None
        if array.shape != shape:
            advice = f"; make the counter with shape={array.shape}" if array.shape else ""
            raise DeviceError(
                f"{self.text} must give {_shape_words(shape)}, and gave "
                f"{_shape_words(array.shape)}{advice}",
                device=self.name,
            )
        return array if shape else float(array)


def _as_floats(result: Any) -> NDArray[np.float64]:
    """Return numbers as an array, NaN for masked ones; raise for what are none."""
    given = np.ma.asanyarray(result)
    # None would become NaN; a function that forgot its `return` is wrong. So is text.
    if result is None or given.dtype.kind not in "biufO":
        raise TypeError
    if given.dtype.kind == "O" and any(v is None or isinstance(v, str | bytes) for v in given.flat):
        raise TypeError
    with np.errstate(over="ignore"):
        floats = np.ma.filled(given.astype(float), np.nan)
    if given.dtype.char == "g" and (np.isinf(floats) & ~np.isinf(np.ma.filled(given, 0))).any():
        raise OverflowError
    return floats


class _All:
    """The status of several inputs."""

    def __init__(self, pending: Sequence[Status]) -> None:
        self._pending = pending

    def done(self) -> bool:
        return all(status.done() for status in self._pending)

    def result(self, timeout: float | None = None) -> None:
        for status in self._pending:
            status.result(timeout)


class Expression:
    """A formula of named values, as written in YAML; compiled once and checked before use.

    >>> Expression("a / b", ["a", "b"])(1.0, 4.0)
    0.25
    """

    def __init__(
        self, text: str, names: Sequence[str], constants: Mapping[str, float] | None = None
    ) -> None:
        self.__name__ = text
        self._names = tuple(names)
        self._known: dict[str, Any] = {"__builtins__": {}, **(constants or {})}
        self._code = _compiled(text)
        for word in self._code.co_names:
            if word not in (*self._names, *self._known, "count_time"):
                self._known[word] = _numpy_name(word, self._names)

    def __call__(self, *values: Value, count_time: float = 0.0) -> Any:
        """Return the value of the formula for one value of each name."""
        local = dict(zip(self._names, values, strict=True), count_time=count_time)
        with np.errstate(all="ignore"):
            return eval(self._code, self._known, local)  # noqa: S307  a formula of the configuration


def calculated_counter(
    name: str,
    *,
    config: Mapping[str, Any] | None = None,
    inputs: Any,
    expression: str | None = None,
    function: str | None = None,
    constants: Mapping[str, float] | None = None,
    unit: str = "",
    shape: Sequence[int] = (),
) -> CalculatedCounter:
    """Build a calculated counter from its YAML keys, which the top of this module explains."""
    named = _named_inputs(name, inputs)
    if (expression is None) == (function is None):
        raise ConfigError(f"{name}: give `expression` or `function`, one of them", key="inputs")
    made: Function
    if expression is not None:
        try:
            made = Expression(expression, list(named), constants)
        except ValueError as error:
            raise ConfigError(f"{name}: {error}", key="expression") from None
    else:
        made = _imported(name, str(function), (config or {}).get("package"))
    try:
        return CalculatedCounter(
            name, made, list(named.values()), unit=unit, shape=shape, config=config
        )
    except DeviceError as error:
        raise ConfigError(str(error), key="inputs") from None


def per_second(
    name: str,
    *,
    config: Mapping[str, Any] | None = None,
    counter: Detector,
) -> CalculatedCounter:
    """Build a counter that is another one divided by the count time; ``counts`` to ``counts/s``.

    Raises `ConfigError` when the unit is one per second already.
    """
    unit = counter.channels[0].unit
    if unit.endswith("/s"):
        message = f"{counter.name} is per second already: its unit is {unit}"
        raise ConfigError(message, key="counter")

    def rate(value: Any, count_time: float) -> Any:
        return value / count_time

    return CalculatedCounter(
        name,
        rate,
        [counter],
        unit=f"{unit}/s" if unit else "Hz",
        shape=counter.channels[0].shape,
        text=f"{counter.name} / count_time",
        config=config,
    )


def _takes_count_time(function: Function, inputs: int, name: str) -> bool:
    """Tell whether a function wants the count time; refuse one that cannot take the inputs."""
    if isinstance(function, Expression):
        return True
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # some functions written in C
        return False
    takes = "count_time" in signature.parameters
    try:
        signature.bind(*[0.0] * inputs, **({"count_time": 0.0} if takes else {}))
    except TypeError as error:
        raise DeviceError(
            f"its function cannot take the values of {inputs} counters: {error}", device=name
        ) from None
    return takes


def _checked_shape(shape: Any, name: str) -> tuple[int, ...]:
    lengths = shape if isinstance(shape, Sequence) and not isinstance(shape, str) else (shape,)
    for length in lengths:
        if number(length, "shape", name) != int(length) or length < 1:
            raise DeviceError(f"shape must be whole numbers above zero, not {shape!r}", device=name)
    return tuple(int(length) for length in lengths)


def _shape_words(shape: tuple[int, ...]) -> str:
    return f"an array of shape {shape}" if shape else "a number"


def _compiled(text: str) -> CodeType:
    try:
        return compile(text.strip(), "<expression>", "eval")
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"the expression {text!r} is no formula ({error})") from None


def _numpy_name(word: str, inputs: Sequence[str]) -> Any:
    found = None if word.startswith("_") else getattr(np, word, None)
    if not callable(found) and not isinstance(found, float):
        raise ValueError(  # noqa: TRY004  it is the formula that is wrong
            f"the expression uses {word!r}, which is no input ({', '.join(inputs)}), no constant "
            "and no function of numpy"
        )
    return found


def _named_inputs(name: str, inputs: Any) -> dict[str, Any]:
    """Return the inputs by the names that they have in an expression."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(inputs, Mapping):
        pairs = list(inputs.items())
    elif isinstance(inputs, Sequence) and not isinstance(inputs, str):
        for item in inputs:
            if isinstance(item, Mapping):
                device = item.get("counter")
                pairs.append((item.get("tags", getattr(device, "name", None)), device))
            else:
                pairs.append((getattr(item, "name", None), item))
    found: dict[str, Any] = {}
    for index, (alias, device) in enumerate(pairs):
        try:
            as_counter(device)
        except DeviceError as error:
            raise ConfigError(f"{name}: {error}", key=f"inputs.{index}") from None
        if not isinstance(alias, str) or not alias.isidentifier() or alias in found:
            raise ConfigError(
                f"{name}: every input needs a name of its own that an expression can use, "
                f"not {alias!r}",
                key=f"inputs.{index}",
            )
        found[alias] = device
    if not found:
        raise ConfigError(f"{name}: `inputs` must be a list of counters like $diode", key="inputs")
    return found


def _imported(name: str, place: str, package: str | None) -> Function:
    module, colon, function = place.partition(":")
    if not colon:
        module, function = package or "", place
    if not module:
        raise ConfigError(
            f"{name}: say where the function {place!r} is: `function: module:{place}`",
            key="function",
        )
    try:
        made: Any = getattr(importlib.import_module(module), function)
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"{name}: {module}:{function} cannot be imported ({type(error).__name__}: {error})",
            key="function",
        ) from error
    found: Function = made
    return found
