"""What scans belong to: proposal, collection, sample and dataset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from session_shell.errors import CommandError
from session_shell.session.naming import checked_name, number_of

POLICY = (
    "{proposal_name}/{beamline}/{proposal_session_name}/RAW_DATA/"
    "{collection_name}/{collection_name}_{dataset_name}"
)
"""Folder of a dataset under the folder policy, as at the ESRF."""
POLICY_FILE = "{collection_name}_{dataset_name}"
"""Master file of a dataset under the folder policy."""
FIELDS = (
    "proposal_name",
    "proposal_session_name",
    "collection_name",
    "sample_name",
    "dataset_name",
    "dataset_number",
)
"""Fields of templates that are told here."""
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Belonging:
    """Names of one dataset and of what is above it; what is above changes what is below."""

    proposal_name: str
    proposal_session_name: str
    collection_name: str = "sample"
    sample_name: str = ""
    """Empty: that of the collection."""
    sample_description: str = ""
    dataset_name: str = "0001"
    dataset_description: str = ""

    def in_collection(self, name: str, sample: str, description: str) -> Belonging:
        """Return the names in another collection."""
        return Belonging(self.proposal_name, self.proposal_session_name, name, sample, description)

    def with_dataset(self, description: str, sample: str) -> Belonging:
        """Return the names of a new dataset."""
        return replace(
            self, sample_name=sample or self.sample_name, dataset_description=description
        )

    @property
    def sample(self) -> str:
        """Name of the sample."""
        return self.sample_name or self.collection_name

    def template_fields(self, number_format: str) -> dict[str, str]:
        """Return the fields of templates."""
        return {
            "proposal_name": self.proposal_name,
            "proposal_session_name": self.proposal_session_name,
            "collection_name": self.collection_name,
            # A sample may be called "Fe/Si"; a folder may not.
            "sample_name": re.sub(r"[\s/\\]+|^\.+", "_", self.sample)[:60],
            "dataset_name": self.dataset_name,
            "dataset_number": format(number_of(self.dataset_name), number_format),
        }

    def told(self) -> dict[str, Any]:
        """Return what was said of the sample: it beats what setup scripts say of samples."""
        sample = {"name": self.sample_name, "description": self.sample_description}
        sample = {key: value for key, value in sample.items() if value}
        return {"sample": sample} if sample else {}

    def metadata(self, beamline: str) -> dict[str, Any]:
        """Return what each scan records, unless somebody else knows better."""
        dataset: dict[str, Any] = {
            "name": self.dataset_name,
            "number": number_of(self.dataset_name),
            "description": self.dataset_description,
            "collection": self.collection_name,
            "proposal": self.proposal_name,
            "proposal_session": self.proposal_session_name,
            "beamline": beamline,
        }
        return {
            "sample": {"name": self.sample},
            "dataset": {key: value for key, value in dataset.items() if value},
        }

    def saved(self) -> dict[str, str]:
        """Return what must survive a restart."""
        return {key: value for key, value in asdict(self).items() if value}


def restored(values: Mapping[str, Any]) -> Belonging:
    """Return what `Belonging.saved` returned.

    Raises:
        CommandError: When a name in it cannot be one.
    """
    free = {"sample_name", "sample_description", "dataset_description"}
    known = [field.name for field in fields(Belonging)]
    checked = {
        name: (line if name in free else checked_name)(f"SCAN_SAVING.{name}", values[name])
        for name in known
        if name in values
    }
    if missing := {"proposal_name", "proposal_session_name"} - checked.keys():
        raise CommandError(f"SCAN_SAVING: {', '.join(sorted(missing))} is missing")
    return Belonging(**checked)


def line(what: str, value: Any) -> str:
    """Return a text of one line: a name or a description that people read.

    Raises:
        CommandError: When it is no text.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise CommandError(f"{what}: expected a text, got {value!r}")
    text = " ".join(value.split())
    if "\0" in text or len(text) > _LONGEST:
        raise CommandError(f"{what}: expected a text of at most {_LONGEST} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CommandError(f"{what}: {value!r} is no valid text (UTF-8)") from None
    return text
