"""Where scans are saved: the object that users know as SCAN_SAVING."""

from __future__ import annotations

import string
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from session_shell.errors import CommandError

_TEXTS = ("template", "data_filename", "scan_number_format")


class ScanSaving:
    """Folder and file names of the scans to come; change it at the prompt.

    Attributes:
        base_path: The data directory.
        template: Folder below it, with ``{keys}``; default ``{session}``.
        data_filename: Name of the master file, with ``{keys}``; default ``{session}``.
        scan_number_format: How numbers look in file names; default ``04d``.
        keys: Values of your own for the templates, by `add`.

    Templates know ``{session}``, ``{date}`` (20261122), ``{user}`` and what was added.

    Example:
        ``SCAN_SAVING.add("sample", "Fe2O3"); SCAN_SAVING.template = "{session}/{sample}"``
    """

    def __init__(
        self, base_path: Path, session: str, user: str, now: Callable[[], float] = time.time
    ) -> None:
        self.__dict__["_now"] = now
        self.__dict__["_values"] = {
            "base_path": str(base_path),
            "template": "{session}",
            "data_filename": "{session}",
            "scan_number_format": "04d",
        }
        self.__dict__["_fixed"] = {"session": session, "user": user}
        self.__dict__["_keys"] = {}

    def __getattr__(self, name: str) -> Any:
        for place in ("_values", "_keys", "_fixed"):
            if name in self.__dict__.get(place, {}):
                return self.__dict__[place][name]
        raise AttributeError(f"SCAN_SAVING has no {name!r}; it has {', '.join(self._known())}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._fixed:
            raise CommandError(f"SCAN_SAVING.{name} cannot be set")
        if name in self._keys:
            self.add(name, value)
        elif name == "base_path":
            self._values[name] = str(self._here(Path(value).expanduser().absolute()))
        elif name == "scan_number_format":
            self._values[name] = _checked_format(value)
        elif name in _TEXTS:
            self._values[name] = self._checked_template(name, value)
        else:
            raise CommandError(
                f"SCAN_SAVING has no {name!r}; it has {', '.join(self._known())} "
                f"(SCAN_SAVING.add({name!r}, value) makes a key for templates)"
            )

    def relocate(self, place: Callable[[Path], Path]) -> None:
        """Let `place` say where data go that are sent to a base path: a replay has its own."""
        self.__dict__["_relocate"] = place

    def _here(self, path: Path) -> Path:
        place: Callable[[Path], Path] | None = self.__dict__.get("_relocate")
        return path if place is None else place(path)

    def add(self, key: str, value: str) -> None:
        """Make a key of your own for the templates, or change it.

        Raises:
            CommandError: When `key` is no plain name or has a meaning already.
        """
        if not str(key).isidentifier() or key in self._fixed or key in (*self._values, "date"):
            raise CommandError(f"SCAN_SAVING.add: {key!r} cannot be the name of a key")
        text = str(value)
        if not text or text in (".", "..") or "/" in text or "\0" in text:
            raise CommandError(f"SCAN_SAVING.{key}: {value!r} cannot be part of a folder name")
        self._keys[key] = text

    @property
    def folder(self) -> Path:
        """Folder of the next scan."""
        return Path(self.base_path) / self._fill("template")

    @property
    def master(self) -> Path:
        """Master file of that folder, with a link to each scan."""
        return self.folder / f"{self._fill('data_filename')}.h5"

    @property
    def filename(self) -> str:
        """Master file as text, as BLISS users ask for it."""
        return str(self.master)

    def get_path(self) -> str:
        """Return the folder of the next scan as text."""
        return str(self.folder)

    def scan_filename(self) -> Callable[[int], str]:
        """Return the function that gives the file name of a scan number."""
        number_format = self.scan_number_format
        return lambda number: f"scan_{number:{number_format}}.h5"

    def saved(self) -> dict[str, Any]:
        """Return what must survive a restart (not the data directory: that one is chosen anew)."""
        values = {k: v for k, v in self._values.items() if k != "base_path"}
        return {**values, "keys": dict(self._keys)}

    def restore(self, values: Mapping[str, Any]) -> None:
        """Put back what `saved` returned."""
        for key, value in dict(values.get("keys", {})).items():
            self.add(key, value)
        for name in _TEXTS:
            if name in values:
                setattr(self, name, values[name])

    def __info__(self) -> str:
        """Describe it for the prompt."""
        rows = {**self._values, **self._keys, "folder": self.folder, "master": self.master}
        return "SCAN_SAVING\n" + "\n".join(f"  {k:<20} {v}" for k, v in rows.items())

    def __repr__(self) -> str:
        return f"<SCAN_SAVING: {self.folder}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._known()]

    def _known(self) -> list[str]:
        return [*self._values, *self._keys, *self._fixed]

    def _fill(self, name: str) -> str:
        date = time.strftime("%Y%m%d", time.localtime(self._now()))
        values = {"date": date, **self._fixed, **self._keys}
        return str(self._values[name]).format(**values)

    def _checked_template(self, name: str, value: Any) -> str:
        known = {"date", *self._fixed, *self._keys}
        try:
            fields = {field for _, field, _, _ in string.Formatter().parse(str(value)) if field}
        except ValueError as error:
            raise CommandError(f"SCAN_SAVING.{name}: {value!r}: {error}") from error
        if unknown := fields - known:
            raise CommandError(
                f"SCAN_SAVING.{name}: unknown key {', '.join(sorted(unknown))}; known are "
                f"{', '.join(sorted(known))} (SCAN_SAVING.add makes one)"
            )
        if name == "data_filename" and (not value or "/" in str(value)):
            raise CommandError(f"SCAN_SAVING.{name}: {value!r} is no file name")
        if Path(str(value)).is_absolute() or ".." in Path(str(value)).parts:
            raise CommandError(f"SCAN_SAVING.{name}: {value!r} leaves the data directory")
        return str(value)


def _checked_format(value: Any) -> str:
    try:
        text = format(7, str(value))
    except ValueError as error:
        raise CommandError(f"SCAN_SAVING.scan_number_format: {value!r}: {error}") from error
    if not text.isdigit() or int(text) != 7:
        raise CommandError(
            f"SCAN_SAVING.scan_number_format: {value!r} does not give a plain number (use 04d)"
        )
    return str(value)
