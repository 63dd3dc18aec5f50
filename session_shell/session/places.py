"""Where scans are saved: base path, templates and what fills them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from session_shell.errors import CommandError, SessionShellError
from session_shell.paths import is_there
from session_shell.session import datasets
from session_shell.session.datasets import POLICY, POLICY_FILE, Belonging
from session_shell.session.naming import checked_name, checked_template, fields_of

TEMPLATES = ("template", "data_filename", "scan_filename_template")
FORMATS = ("scan_number_format", "dataset_number_format")
DEFAULTS = {
    "template": "{session}",
    "data_filename": "{session}",
    "scan_filename_template": "scan_{scan_number}",
    "scan_number_format": "04d",
    "dataset_number_format": "04d",
    "date_format": "%Y%m%d",
}


class Places:
    """What `ScanSaving` knows of folders and file names."""

    def __init__(
        self,
        base_path: Path,
        session: str,
        user: str,
        now: Callable[[], float] = time.time,
        *,
        make_folders: bool = True,
    ) -> None:
        self.__dict__.update(
            {
                "_now": now,
                "_make": make_folders,
                "_given": str(base_path),
                "_values": {"base_path": str(base_path), **DEFAULTS},
                "_fixed": {"session": session, "user": user, "user_name": user},
                "_keys": {},
                "_beamline": session,
                "_belonging": None,
                "_parsed": {},
                "_used": {},
            }
        )

    def __getattr__(self, name: str) -> Any:
        for place in ("_values", "_keys", "_fixed"):
            if name in self.__dict__.get(place, {}):
                return self.__dict__[place][name]
        if name in ("date", "beamline"):
            return self._fields()[name]
        if name in datasets.FIELDS:
            return self._told(name)
        raise AttributeError(f"SCAN_SAVING has no {name!r}; it has {', '.join(self._known())}")

    # Where scans go

    @property
    def folder(self) -> Path:
        """Folder of the next scan."""
        return self._folder(self._fields())

    @property
    def master(self) -> Path:
        """Master file of that folder, with a link to each scan."""
        fields = self._fields()
        return self._folder(fields) / f"{self._file_template().format(**fields)}.h5"

    @property
    def filename(self) -> str:
        """Master file as text, as BLISS users ask for it."""
        return str(self.master)

    @property
    def root_path(self) -> str:
        """Folder of the next scan as text."""
        return str(self.folder)

    @property
    def data_path(self) -> str:
        """Master file without its ending."""
        return str(self.master.with_suffix(""))

    @property
    def data_policy(self) -> str:
        """``ESRF`` while the folder policy is on, else ``None``."""
        return "ESRF" if self._belonging else "None"

    @property
    def has_datasets(self) -> bool:
        """Whether each dataset has a folder of its own."""
        return self._template() is POLICY or "dataset_name" in self._fields_of("template")

    def get(self) -> dict[str, Any]:
        """Return all fields, with ``root_path``, ``data_path`` and ``filename``."""
        paths = {name: getattr(self, name) for name in ("root_path", "data_path", "filename")}
        return {**self._values, **self._fields(), "template": self._template(), **paths}

    def get_path(self) -> str:
        """Return the folder of the next scan as text."""
        return str(self.folder)

    def create_path(self, path: str | Path | None = None) -> str:
        """Make the folder of the next scan, or `path`; return it.

        Raises:
            CommandError: When it cannot be made.
        """
        folder = Path(path) if path is not None else self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise refused(folder, error) from error
        return str(folder)

    create_root_path = create_path

    def scan_filename(self) -> Callable[[int], str]:
        """Return the function that gives the file name of a scan number."""
        number_format = self.scan_number_format
        # Filled but for the number: a scan asks for many names at once.
        text = self.scan_filename_template.format(**self._fields(), scan_number="\0")
        first, *rest = text.split("\0")

        def name_of(number: int) -> str:
            shown = format(number, number_format)
            return f"{shown.join([first, *rest])}.h5"

        return name_of

    def _begun(self) -> Belonging:
        """Return what scans belong to, the usual proposal when none was begun."""
        return self._belonging or self._proposal("newproposal", None, None)

    def _proposal(self, what: str, name: str | None, day: str | None) -> Belonging:
        month = time.strftime("%y%m", time.localtime(self._now()))
        proposal = checked_name(what, name) if is_given(name) else f"{self._beamline}{month}"
        if is_given(day):
            return Belonging(proposal, checked_name(what, day))
        # Who comes back to a proposal goes on where its data are.
        there = Path(self.base_path) / proposal / self._beamline
        days = [path.name for path in there.glob("[0-9]" * 8) if path.is_dir()]
        used = [Path(folder).parts for folder in self._used]
        days += [parts[2] for parts in used if parts[:2] == (proposal, self._beamline)]
        days = [day for day in days if len(day) == 8 and day.isdecimal()]
        today = time.strftime("%Y%m%d", time.localtime(self._now()))
        return Belonging(proposal, max(days, default=today))

    def _told(self, name: str) -> str:
        """Return what scans belong to, nothing before there is something."""
        if self._belonging is None:
            return ""
        fields = self._belonging.template_fields(self.dataset_number_format)
        return str({**fields, "sample_name": self._belonging.sample}[name])

    # Templates

    def _template(self) -> str:
        own = str(self._values["template"])
        if self._belonging is None or self._fields_of("template") & {*datasets.FIELDS}:
            return own
        return POLICY

    def _file_template(self) -> str:
        return POLICY_FILE if self._template() is POLICY else str(self._values["data_filename"])

    def _fields_of(self, name: str) -> set[str]:
        """Return the fields of a template; a scan asks often."""
        text = self._values[name]
        if text not in self._parsed:
            self._parsed[text] = fields_of(f"SCAN_SAVING.{name}", text)
        found: set[str] = self._parsed[text]
        return found

    def _fields(self, belonging: Belonging | None = None) -> dict[str, str]:
        now = time.localtime(self._now())
        begun = belonging or self._belonging
        fields = {"date": time.strftime(self.date_format, now), "beamline": self._beamline}
        if begun is not None or self._needs_belonging():
            fields |= (begun or self._begun()).template_fields(self.dataset_number_format)
        return {**fields, **self._fixed, **self._keys}

    def _needs_belonging(self) -> bool:
        return any(self._fields_of(name) & {*datasets.FIELDS} for name in TEMPLATES)

    def _folder(self, fields: Mapping[str, str]) -> Path:
        return Path(self.base_path) / self._template().format(**fields)

    def _checked_template(self, name: str, value: Any) -> str:
        what = f"SCAN_SAVING.{name}"
        known = {"date", "beamline", *datasets.FIELDS, *self._fixed, *self._keys}
        if name == "scan_filename_template":
            known.add("scan_number")
        text = checked_template(what, value, known)
        if name != "template" and (not text or "/" in text):
            raise CommandError(f"{what}: {value!r} is no file name")
        if name == "scan_filename_template" and "{scan_number}" not in text:
            raise CommandError(f"{what}: {value!r} needs {{scan_number}}")
        return text

    # For the prompt

    def __info__(self) -> str:
        """Describe it for the prompt."""
        fields = {k: v for k, v in self._fields().items() if k not in self._values}
        rows = {**self._values, "template": self._template(), **fields}
        rows["data_filename"] = self._file_template()
        folder, master = self.folder, self.master
        rows["folder"] = f"{folder} ({'exists' if is_there(folder) else 'does not exist yet'})"
        rows["master"] = f"{master} ({'exists' if is_there(master) else 'does not exist yet'})"
        return "SCAN_SAVING\n" + "\n".join(f"  {k:<24} {v}" for k, v in rows.items())

    def __repr__(self) -> str:
        return f"<SCAN_SAVING: {self.folder}>"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._known()]

    def _known(self) -> list[str]:
        more = ["date", "beamline", *datasets.FIELDS]
        return [*self._values, *self._keys, *self._fixed, *more]


def is_given(name: Any) -> bool:
    """Tell whether a name was given."""
    return name is not None and name != ""


def refused(folder: Path, error: Exception) -> SessionShellError:
    """Return the error of a folder that cannot be made."""
    from session_shell.nexus.disk.files import sink_error  # numpy comes with it

    return sink_error("the folder cannot be made", folder, error)
