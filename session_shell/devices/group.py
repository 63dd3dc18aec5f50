"""Measurement groups: the counters of a scan that names none."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from session_shell.current import current_session
from session_shell.devices.context import DeviceContext
from session_shell.devices.counters.derived import as_counter
from session_shell.devices.protocols import Detector, is_axis, is_detector
from session_shell.devices.text import summary
from session_shell.errors import CommandError, ConfigError, DeviceError, SessionShellError

_log = logging.getLogger(__name__)


class MeasurementGroup:
    """Counters by name, some of which may be switched off; their order is kept.

    >>> MG1.disable("diode?")  # doctest: +SKIP
    >>> MG1.enabled  # doctest: +SKIP
    ['diode']
    """

    __slots__ = ("__weakref__", "_counters", "_state", "_states", "config", "name")

    def __init__(
        self, name: str, counters: Sequence[Detector], config: Mapping[str, Any] | None = None
    ) -> None:
        self.name = name
        self.config: Mapping[str, Any] = config or {}
        # A counter that is listed twice counts once.
        self._counters = {counter.name: counter for counter in counters}
        self._state = "default"
        self._states: dict[str, set[str]] = {"default": set()}

    @property
    def _disabled(self) -> set[str]:
        return self._states[self._state]

    @_disabled.setter
    def _disabled(self, names: set[str]) -> None:
        self._states[self._state] = names

    @property
    def active_state_name(self) -> str:
        """Name of the state that is in use; ``default`` to begin with."""
        return self._state

    @property
    def state_names(self) -> list[str]:
        """Names of all states: sets of counters to switch between."""
        return list(self._states)

    def switch_state(self, name: str) -> None:
        """Switch to a state; a new one begins as a copy of the present one.

        Args:
            name: Name of the state.

        >>> MG1.switch_state("alignment")  # doctest: +SKIP
        >>> MG1.disable("diode2")  # doctest: +SKIP
        >>> MG1.switch_state("default")  # doctest: +SKIP
        """
        if not str(name).strip() or not isinstance(name, str):
            raise CommandError(f"{self.name}: a state needs a name, not {name!r}")
        self._states.setdefault(name, set(self._disabled))
        self._state = name

    def remove_states(self, *names: str) -> None:
        """Remove states; the one in use and ``default`` stay.

        Raises:
            CommandError: When a state is not there or has to stay; nothing is removed then.
        """
        for name in names:
            if name not in self._states:
                known = ", ".join(self._states)
                raise CommandError(f"{self.name}: there is no state {name!r}; there are {known}")
            if name in ("default", self._state):
                raise CommandError(f"{self.name}: the state {name!r} has to stay")
        for name in names:
            del self._states[name]

    @property
    def available(self) -> list[str]:
        """Names of all counters of the group."""
        return list(self._counters)

    @property
    def enabled(self) -> list[str]:
        """Names of the counters that take part in scans."""
        return [name for name in self._counters if name not in self._disabled]

    @property
    def disabled(self) -> list[str]:
        """Names of the counters that are switched off."""
        return [name for name in self._counters if name in self._disabled]

    @property
    def counters(self) -> list[Detector]:
        """All counters of the group."""
        return list(self._counters.values())

    @property
    def active_counters(self) -> list[Detector]:
        """Counters that take part in scans."""
        return [self._counters[name] for name in self.enabled]

    def enable(self, *patterns: str) -> None:
        """Switch counters on; none given: all.

        Args:
            *patterns: Names, in which ``*`` and ``?`` stand for any characters and any one.

        Raises:
            CommandError: When a pattern fits no counter of the group; nothing is changed then.

        >>> MG1.enable("diode*")  # doctest: +SKIP
        """
        self._disabled -= self._matching(patterns)

    def disable(self, *patterns: str) -> None:
        """Switch counters off; none given: all. Patterns are as in `enable`."""
        self._disabled |= self._matching(patterns)

    def set_active(self) -> None:
        """Make this the group of scans that name no counter."""
        current_session().active_mg = self

    def saved_state(self) -> dict[str, float | str | bool | None]:
        """Return which counters are switched off in which state."""
        states = {name: sorted(disabled) for name, disabled in self._states.items()}
        return {"state": self._state, "states": json.dumps(states)}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Switch off what was off; counters that are no longer here are left out."""
        if "states" not in state:
            return
        try:
            found = {
                str(name): {str(n) for n in names} & set(self._counters)
                for name, names in json.loads(state["states"]).items()
            }
        except (TypeError, ValueError, AttributeError):
            raise DeviceError(
                f"the saved states cannot be {state['states']!r:.40}; all counters are enabled",
                device=self.name,
            ) from None
        self._states = {"default": set(), **found}
        self._state = str(state.get("state")) if state.get("state") in self._states else "default"

    def configured_state(self) -> dict[str, float | str | bool | None]:
        """Return nothing: which counters are off is not configured."""
        return {}

    def __info__(self) -> str:
        """Write which counters are on and off, as `info(group)` shows them."""
        rows = [("state", self._state)] if len(self._states) > 1 else []
        rows.append(("enabled", ", ".join(self.enabled) or "none"))
        rows.append(("disabled", ", ".join(self.disabled) or "none"))
        return summary(f"{self.name}: measurement group", rows)

    def __repr__(self) -> str:
        off = f", off: {', '.join(self.disabled)}" if self.disabled else ""
        return f"<measurement group {self.name}: {', '.join(self.enabled) or 'empty'}{off}>"

    def _matching(self, patterns: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for pattern in patterns or ("*",):
            # A counter itself is as good as its name.
            text = getattr(pattern, "name", pattern)
            if not isinstance(text, str):
                raise CommandError(f"{self.name}: give names of counters as text, not {pattern!r}")
            matching = {name for name in self._counters if fnmatchcase(name, text)}
            if not matching and patterns:
                raise CommandError(
                    f"{self.name}: no counter is called {text!r}; "
                    f"there are {', '.join(self._counters) or 'none'}"
                )
            found |= matching
        return found


def measurement_group(
    name: str,
    *,
    context: DeviceContext,
    config: Mapping[str, Any] | None = None,
    counters: Sequence[Any] = (),
) -> MeasurementGroup:
    """Build a measurement group from its YAML keys; `counters` are counters or their names.

    A counter that cannot be built is left out with a warning: the group works with the rest.
    """
    found: list[Detector] = []
    for counter in counters:
        try:
            device = _counter(context, counter)
        except SessionShellError as error:
            _log.warning("%s does without %s: %s", name, counter, error)
            continue
        if not is_detector(device) and not is_axis(device):
            raise ConfigError(f"{name}: {counter!r} is no counter", key="counters")
        # An axis is counted by its position.
        found.append(as_counter(device))
    return MeasurementGroup(name, found, config)


def _counter(context: DeviceContext, counter: Any) -> Any:
    if not isinstance(counter, str):
        return counter
    # `controller:counter` occurs in measurement groups that were written for BLISS.
    return context.find(counter.partition(":")[0])
