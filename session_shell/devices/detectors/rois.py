"""Regions of interest of a detector: named, changed at the prompt, kept over restarts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from session_shell.errors import CommandError, DeviceError

Region = tuple[float, ...]
_NAME = re.compile(r"[A-Za-z0-9_]+\Z")


class Rois(Mapping[str, Region]):
    """The regions of one detector by name; each gives counters.

    >>> mca.rois.set("Cu", 7.9, 8.2)  # doctest: +SKIP
    >>> mca.rois.remove("Cu")  # doctest: +SKIP
    """

    def __init__(
        self,
        device: str,
        check: Callable[..., Region],
        configured: Mapping[str, Sequence[float]],
        describe: Callable[[Region], str],
    ) -> None:
        self._device = device
        self._check = check
        self._describe = describe
        self._regions: dict[str, Region] = {}
        self.locked = False
        """True during a scan, whose columns cannot change."""
        for name, region in configured.items():
            self.set(name, *_numbers(device, name, region))
        self._configured = self.text

    def set(self, name: Any, *region: float) -> None:
        """Define a region, or change the one of that name.

        Raises `CommandError` for a name or a region that cannot be used.
        """
        self._refuse_when_locked()
        if not isinstance(name, str) or not _NAME.match(name):
            raise CommandError(
                f"{self._device}: a region needs a name of letters, digits and '_', not {name!r}"
            )
        try:
            self._regions[name] = self._check(*region)
        except (DeviceError, TypeError) as error:
            text = str(error).removeprefix(f"{self._device}: ")
            if isinstance(error, TypeError):
                text = f"it cannot be {region!r}"
            raise CommandError(f"{self._device}: region {name}: {text}") from None

    def remove(self, *names: str) -> None:
        """Remove regions; none given: all."""
        self._refuse_when_locked()
        for name in names:
            if name not in self._regions:
                known = ", ".join(self._regions) or "none"
                raise CommandError(f"{self._device} has no region {name!r}; it has {known}")
        for name in names or tuple(self._regions):
            del self._regions[name]

    def clear(self) -> None:
        """Remove all regions."""
        self.remove()

    @property
    def text(self) -> str:
        """All regions as text, to be saved."""
        return json.dumps(self._regions)

    @property
    def configured_text(self) -> str:
        """The same of the regions in the configuration."""
        return self._configured

    def restore(self, text: Any) -> None:
        """Put saved regions back; raises `DeviceError` when they cannot be used."""
        before = dict(self._regions)
        try:
            saved = dict(json.loads(text))
            self._regions.clear()
            for name, region in saved.items():
                self.set(name, *region)
        except (ValueError, TypeError) as error:
            self._regions.clear()
            self._regions.update(before)
            raise DeviceError(
                f"saved regions {text!r:.40} cannot be used ({error}); those of the configuration "
                "hold",
                device=self._device,
            ) from None

    def __getitem__(self, name: str) -> Region:
        return self._regions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._regions)

    def __len__(self) -> int:
        return len(self._regions)

    def __info__(self) -> str:
        """Write all regions, as `info(rois)` shows them."""
        lines = [f"  {name}: {self._describe(region)}" for name, region in self.items()]
        return "\n".join([f"{self._device}: regions of interest", *(lines or ["  none"])])

    def __repr__(self) -> str:
        return f"<regions of {self._device}: {', '.join(self) or 'none'}>"

    def _refuse_when_locked(self) -> None:
        if self.locked:
            raise DeviceError(
                "is being counted: its regions cannot change before the scan is over",
                device=self._device,
            )


def _numbers(device: str, name: str, region: Any) -> list[float]:
    if not isinstance(region, Sequence) or isinstance(region, str):
        raise CommandError(f"{device}: region {name} must be a list of numbers, not {region!r}")
    return list(region)
