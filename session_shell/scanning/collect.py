"""Take the metadata of one scan: from devices, from the registry, from the scan itself."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from session_shell.devices.protocols import Movable
from session_shell.interrupts import InterruptGuard
from session_shell.scanning.documents import MetadataFailure, Position
from session_shell.scanning.metadata import Caller, GivenUpError, copy_tree, merge
from session_shell.scanning.scan_meta import DEFAULT_TIMEOUT, META_TIMING, ScanMeta, Source
from session_shell.user_time import own_watch

_log = logging.getLogger(__name__)

SLOW = 0.15
"""Seconds of metadata taking past which the user is told how to find the slow source."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How long one metadata source took."""

    source: str
    category: str
    timing: str
    seconds: float


@dataclass
class MetadataCollector:
    """Ask all sources at each `META_TIMING` and keep what they gave.

    The most specific wins: devices, then the registry (`user`), then ``scan_info``; later timing
    beats earlier; within a category the order of registration. A source that raises, hangs or
    gives something else than a dict is recorded as a failure and never stops the scan.
    """

    user: ScanMeta
    """A copy: edits of the registry during a scan are for the next one."""
    publishers: Sequence[Any]
    """Devices with ``scan_metadata()``."""
    participants: Sequence[Any]
    """Axes and detectors of the scan; those with ``channel_metadata()`` are asked."""
    scan_info: Mapping[str, Any]
    guard: InterruptGuard
    caller: Caller
    given: Mapping[str, Any] = field(default_factory=dict)
    """What the session knows without asking: sample, dataset. The least specific of all."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What the user said at the prompt (`newsample`); only ``scan_info`` is more specific."""
    failures: list[MetadataFailure] = field(default_factory=list)
    profile: list[Profile] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    """What the scan itself has to say, beyond all sources."""
    _devices: dict[str, Any] = field(default_factory=dict)
    _registered: dict[str, Any] = field(default_factory=dict)

    def collect(self, scan: Any, timing: META_TIMING) -> None:
        """Ask the sources of `timing`."""
        before = len(self.profile)
        self._ask_devices(timing)
        for category in self.user:
            if timing & category.timing:
                for name, source in category.sources.items():
                    part = self._ask_user(source, scan, name, category.name, timing)
                    if part:
                        merge(self._registered.setdefault(category.name, {}), part)
        spent = sum(p.seconds for p in self.profile[before:])
        if spent > SLOW:
            _log.warning(
                "taking metadata at %s took %.0f ms; metadata_profiling() tells which source",
                timing.name,
                spent * 1e3,
            )

    def merged(self) -> dict[str, Any]:
        """Return all that was taken so far, merged."""
        tree = merge(copy_tree(self.given), copy_tree(self._devices))
        merge(tree, copy_tree(self._registered))
        merge(tree, copy_tree(self.told))
        merge(tree, copy_tree(self.scan_info))
        return merge(tree, copy_tree(self.extra))

    def _ask_devices(self, timing: META_TIMING) -> None:
        if timing is META_TIMING.START:
            for device in self.publishers:
                self._ask_device(device, device.scan_metadata, timing)
        if timing is META_TIMING.PREPARED:
            # After prepare: a detector knows its settings then.
            for device in self.participants:
                if hasattr(device, "channel_metadata"):
                    self._ask_device(device, device.channel_metadata, timing)

    def _ask_device(self, device: Any, function: Callable[[], Any], timing: META_TIMING) -> None:
        part = self._ask(function, device.name, "instrument", timing, DEFAULT_TIMEOUT)
        if part:
            merge(self._devices.setdefault("instrument", {}), {device.name: part})

    def _ask_user(
        self, source: Source, scan: Any, name: str, category: str, timing: META_TIMING
    ) -> dict[str, Any] | None:
        if not callable(source):
            return copy_tree(source)
        timeout = getattr(self.user, category).timeout
        return self._ask(lambda: source(scan), name, category, timing, timeout)

    def _ask(
        self,
        function: Callable[[], Any],
        name: str,
        category: str,
        timing: META_TIMING,
        timeout: float,
    ) -> dict[str, Any] | None:
        begin = _now()
        seen = self.guard.count
        try:
            return _as_dict(self.caller.call(function, timeout, lambda: self.guard.count > seen))
        except (Exception, SystemExit) as error:  # noqa: BLE001  a source may raise anything
            self._fail(error, name, category, timing)
            return None
        finally:
            seconds = _now() - begin
            self.profile.append(Profile(name, category, str(timing.name), seconds))

    def _fail(self, error: BaseException, name: str, category: str, timing: META_TIMING) -> None:
        text = str(error) if isinstance(error, GivenUpError) else f"{type(error).__name__}: {error}"
        self.failures.append(MetadataFailure(name, category, str(timing.name), text))
        _log.warning("metadata %s.%s (%s) is missing: %s", category, name, timing.name, text)


def _now() -> float:
    """Return seconds of the clock that the sources see: under a virtual one all is repeatable."""
    watch = own_watch()
    return time.perf_counter() if watch is None else watch.clock.time()


def _as_dict(part: Any) -> dict[str, Any] | None:
    if part is not None and not isinstance(part, Mapping):
        raise TypeError(f"expected a dict or None, got {type(part).__name__}")
    return copy_tree(part) if part else None


def read_positions(axes: Sequence[Movable]) -> dict[str, Position]:
    """Read all axes; one that cannot be read gives NaN and the error text."""
    return {axis.name: _read_position(axis) for axis in axes}


def _read_position(axis: Any) -> Position:
    unit = ""
    try:
        unit = axis.unit
        user = float(axis.position)
        return Position(user, float(getattr(axis, "dial", user)), unit)
    except Exception as error:  # noqa: BLE001  a device may raise anything; the scan goes on
        return Position(math.nan, math.nan, unit, f"{type(error).__name__}: {error}")
