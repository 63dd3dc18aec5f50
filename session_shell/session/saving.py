"""Where scans are saved: the object that users know as SCAN_SAVING."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from session_shell.errors import CommandError
from session_shell.paths import is_there
from session_shell.session import datasets
from session_shell.session.datasets import Belonging, line
from session_shell.session.naming import checked_format, checked_name, remove_empty, take_dataset
from session_shell.session.places import DEFAULTS, FORMATS, TEMPLATES, Places, is_given, refused

_log = logging.getLogger(__name__)

_REMEMBERED = 300
"""Datasets that are remembered beside what is on the disk."""
_WITHOUT_EFFECT = ("writer", "images_path_template", "images_path_relative", "images_prefix")


class ScanSaving(Places):
    """Folder and file names of the scans to come; change it at the prompt.

    Attributes:
        base_path: The data directory.
        template: Folder below it, with ``{keys}``; default ``{session}``.
        data_filename: Name of the master file, with ``{keys}``; default ``{session}``.
        scan_filename_template: Name of scan files; default ``scan_{scan_number}``.
        scan_number_format: How numbers look in file names; default ``04d``.
        dataset_number_format: How numbers look in dataset names; default ``04d``.
        date_format: How dates look; default ``%Y%m%d``.
        beamline: Name of the beamline, for templates; default the session's name.
        proposal_name, collection_name, sample_name, dataset_name: Where scans belong;
            `newproposal` and so on begin them.

    Templates know ``{session} {date} {user} {beamline}``, the four names above,
    ``{proposal_session_name} {dataset_number}`` and what was added.

    Example:
        ``SCAN_SAVING.add("sample", "Fe2O3"); SCAN_SAVING.template = "{session}/{sample}"``
    """

    # Reading and setting

    def __setattr__(self, name: str, value: Any) -> None:
        what = f"SCAN_SAVING.{name}"
        if name in self._keys:
            self.add(name, value)
        elif name == "base_path":
            self._place("base_path", str(self._here(_folder_of(what, value))))
        elif name in TEMPLATES:
            self._place(name, self._checked_template(name, value))
        elif name in FORMATS:
            self._values[name] = checked_format(what, value)
        elif name == "date_format":
            checked_name(what, time.strftime(str(value)))
            self._values[name] = str(value)
        elif name == "beamline":
            self._switch({"_beamline": checked_name(what, value)})
        elif name in _SETTERS:
            _SETTERS[name](self, value)
        elif name in _WITHOUT_EFFECT:
            _log.warning("%s has no effect: a scan with its images is one NeXus file", what)
        elif name in self._known():
            raise CommandError(f"{what} cannot be set")
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

    def add(self, key: str, value: Any) -> None:
        """Make a key of your own for the templates, or change it.

        Raises:
            CommandError: When `key` is no plain name or has a meaning already.
        """
        taken = key not in self._keys and (key in self._known() or hasattr(type(self), str(key)))
        if not str(key).isidentifier() or str(key).startswith("_") or taken:
            raise CommandError(f"SCAN_SAVING.add: {key!r} cannot be the name of a key")
        # Nothing is allowed: BLISS users make a key first and give it a value later.
        text = "" if value is None or str(value).strip() == "" else str(value)
        text = checked_name(f"SCAN_SAVING.{key}", text) if text else ""
        keys = {**self._keys, key: text}
        moves = text != self._keys.get(key) and key in self._fields_of("template")
        if moves and self._belonging is not None:
            self._switch({"_keys": keys})
        else:
            self.__dict__["_keys"] = keys

    # Proposals, collections, samples, datasets

    def newproposal(self, name: str | None = None, session_name: str | None = None) -> None:
        """Begin or go back to a proposal, with a new dataset in it."""
        self._switch({"_belonging": self._proposal("newproposal", name, session_name)})

    def newcollection(
        self,
        name: str | None = None,
        sample_name: str | None = None,
        sample_description: str | None = None,
    ) -> None:
        """Begin or go back to a collection of datasets, with a new dataset in it."""
        what = "newcollection"
        collection = checked_name(what, name) if is_given(name) else "sample"
        sample = line(what, sample_name or "")
        begun = self._begun().in_collection(
            collection, sample, line(what, sample_description or "")
        )
        self._switch({"_belonging": begun})

    def newsample(self, name: str | None = None, description: str | None = None) -> None:
        """Begin or go back to the collection of a sample, with a new dataset in it."""
        collection = checked_name("newsample", name) if is_given(name) else "sample"
        sample = line("newsample", name) if is_given(name) else ""
        told = line("newsample", description or "")
        self._switch({"_belonging": self._begun().in_collection(collection, sample, told)})

    def newdataset(
        self,
        name: str | int | None = None,
        description: str | None = None,
        sample_name: str | None = None,
    ) -> None:
        """Begin a dataset: never one that is there already."""
        wanted = self._dataset_name("newdataset", name)
        told, sample = line("newdataset", description or ""), line("newdataset", sample_name or "")
        self._switch({"_belonging": self._begun().with_dataset(told, sample)}, wanted)

    def enddataset(self) -> None:
        """End the dataset; the next scan goes into the next numbered one."""
        if self._belonging is None:
            raise CommandError("enddataset: there is no dataset; newdataset() begins one")
        self.newdataset()

    def endproposal(self) -> None:
        """Go back to the folder of the session."""
        if self._belonging is None:
            raise CommandError("endproposal: there is no proposal; newproposal() begins one")
        if "dataset_name" in self._fields_of("template"):
            raise CommandError(
                "endproposal: SCAN_SAVING.template has {dataset_name}; give it another first"
            )
        self._leave()
        self.__dict__["_belonging"] = None

    def go_to_dataset(self, name: str | int | None) -> None:
        """Go (back) to a dataset, whose scan numbers go on; without a name begin a new one."""
        wanted = self._dataset_name("SCAN_SAVING.dataset_name", name)
        if wanted is None or self._belonging is None:
            self.newdataset(wanted)
            return
        there = replace(self._belonging, dataset_name=wanted, dataset_description="")
        folder = self._folder(self._fields(there))
        if not (is_there(folder) or self._is_used(folder)):
            self.newdataset(wanted)
        elif wanted != self._belonging.dataset_name:
            self._leave()
            self.__dict__["_belonging"] = there

    def name_sample(self, name: str | None) -> None:
        """Say which sample is measured, without a new collection."""
        text = line("SCAN_SAVING.sample_name", name or "")
        named = replace(self._begun(), sample_name=text)
        if self._belonging is None or "sample_name" in self._fields_of("template"):
            self._switch({"_belonging": named})
        else:
            self.__dict__["_belonging"] = named

    def metadata(self) -> dict[str, Any]:
        """Return what each scan records about where it belongs; nothing before there is one."""
        return self._belonging.metadata(self._beamline) if self._belonging is not None else {}

    def told(self) -> dict[str, Any]:
        """Return what was said of the sample by name: nothing but ``scan_info=`` beats it."""
        return self._belonging.told() if self._belonging is not None else {}

    def scan_taken(self, folder: Path) -> None:
        """Remember that there was a scan in a dataset: its name is not free when it is deleted."""
        name = self._relative(folder)
        if self._belonging is None or not self.has_datasets or name in self._used:
            return
        used = [*self._used, name][-_REMEMBERED:]
        self.__dict__["_used"] = dict.fromkeys(used)

    # What survives a restart

    def saved(self) -> dict[str, Any]:
        """Return what must survive a restart.

        The data directory is chosen anew each time, unless another one was set here.
        """
        values = {name: self._values[name] for name in DEFAULTS}
        base = self.base_path if self.base_path != self._given else None
        begun = self._belonging.saved() if self._belonging is not None else None
        more = {"base_path": base, "beamline": self._beamline, "belonging": begun}
        more["used"] = list(self._used)
        return {**values, **more, "keys": dict(self._keys)}

    def restore(self, values: Mapping[str, Any]) -> None:
        """Put back what `saved` returned; no dataset is begun.

        Raises:
            CommandError: When something in it cannot be; then nothing is put back.
        """
        before = {key: _copied(value) for key, value in self.__dict__.items()}
        try:
            self._restore(values)
        except BaseException:
            self.__dict__.update(before)
            raise

    def _restore(self, values: Mapping[str, Any]) -> None:
        for key, value in dict(values.get("keys") or {}).items():
            self.add(key, value)
        if values.get("belonging"):
            self.__dict__["_belonging"] = datasets.restored(values["belonging"])
        if values.get("beamline"):
            beamline = checked_name("SCAN_SAVING.beamline", values["beamline"])
            self.__dict__["_beamline"] = beamline
        if values.get("base_path"):
            self._values["base_path"] = str(self._here(Path(values["base_path"]).absolute()))
        if values.get("used"):
            self.__dict__["_used"] = dict.fromkeys(map(str, values["used"]))
        for name in TEMPLATES:
            if name in values:
                self._values[name] = self._checked_template(name, values[name])
        for name in (*FORMATS, "date_format"):
            if name in values:
                setattr(self, name, values[name])

    # How it is done

    def _switch(self, changes: Mapping[str, Any], wanted: str | None = None) -> None:
        """Change where scans go, and take a dataset there; when that fails nothing is changed."""
        before = dict(self.__dict__)
        if self._belonging is not None:
            self._leave()
        self.__dict__.update(changes)
        try:
            if self._belonging is not None or self.has_datasets:
                self.__dict__["_belonging"] = self._taken(self._begun(), wanted)
        except BaseException:
            self.__dict__.update(before)
            raise

    def _taken(self, begun: Belonging, wanted: str | None) -> Belonging:
        """Return it with a dataset that nobody has."""
        if not self.has_datasets:
            if wanted is not None:
                raise CommandError(
                    f"newdataset: SCAN_SAVING.template is {self.template!r}, where all scans go "
                    "into one folder; put {dataset_name} into it"
                )
            return begun

        def folder_of(name: str) -> Path:
            return self._folder(self._fields(replace(begun, dataset_name=name)))

        number_format = self.dataset_number_format
        try:
            name = take_dataset(
                folder_of, wanted, number_format, used=self._is_used, make=self._make
            )
        except (OSError, ValueError) as error:
            raise refused(folder_of(wanted or "0001"), error) from error
        return replace(begun, dataset_name=name)

    def _relative(self, folder: Path) -> str:
        base = Path(self.base_path)
        return str(folder.relative_to(base)) if folder.is_relative_to(base) else str(folder)

    def _is_used(self, folder: Path) -> bool:
        return self._relative(folder) in self._used

    def _leave(self) -> None:
        """Leave the dataset; when nothing is in it, its name is free again."""
        if self.has_datasets and self._make:
            remove_empty(self.folder, Path(self.base_path))

    def _place(self, name: str, value: str) -> None:
        """Change the base path or a template: datasets that are there are not written into."""
        values = {**self._values, name: value}
        moves = name in ("base_path", "template") and value != self._values[name]
        if not moves:
            self.__dict__["_values"] = values
            return
        kept = self._belonging.dataset_name if self._belonging is not None else None
        self._switch({"_values": values}, None if kept is None or kept.isdecimal() else kept)

    def _dataset_name(self, what: str, name: str | int | None) -> str | None:
        if not is_given(name):
            return None
        if isinstance(name, int) and not isinstance(name, bool) and name >= 0:
            return format(name, self.dataset_number_format)
        return checked_name(what, name)


_SETTERS: Mapping[str, Callable[[ScanSaving, Any], None]] = {
    "proposal_name": ScanSaving.newproposal,
    "collection_name": ScanSaving.newcollection,
    "sample_name": ScanSaving.name_sample,
    "dataset_name": ScanSaving.go_to_dataset,
}


def _copied(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value


def _folder_of(what: str, value: Any) -> Path:
    if not isinstance(value, str | Path):
        raise CommandError(f"{what} must be a folder, got {value!r}")
    return Path(value).expanduser().absolute()
