"""Say what scans belong to: proposal, collection or sample, dataset."""

from __future__ import annotations

from typing import Any

from session_shell.commands.arguments import takes_words
from session_shell.current import current_session


@takes_words
def newproposal(proposal_name: str | None = None, session_name: str | None = None) -> None:
    """Begin a proposal, or go back to one: scans go into its folders from now on.

    Args:
        proposal_name: Its name; default the session and the month (``demo2611``).
        session_name: Folder of this visit; default the last one that is there, else the date.

    Raises:
        CommandError: When a name cannot be that of a folder.
        SinkError: When the folder cannot be made; scans go where they went.

    Example:
        ``newproposal("hg123")``
    """
    _saving().newproposal(proposal_name, session_name)
    _tell("Proposal", "proposal_name")


@takes_words
def newcollection(
    collection_name: str | None = None,
    sample_name: str | None = None,
    sample_description: str | None = None,
) -> None:
    """Begin a collection of datasets, or go back to one, with a new dataset in it.

    Args:
        collection_name: Its name; default ``sample``.
        sample_name: Name of the sample, for the files; default that of the collection.
        sample_description: What it is, for the files.

    Raises:
        CommandError: When the name cannot be that of a folder.
        SinkError: When the folder cannot be made; scans go where they went.

    Example:
        ``newcollection("powders", sample_name="Fe2O3")``
    """
    _saving().newcollection(collection_name, sample_name, sample_description)
    _tell("Dataset collection", "collection_name")


@takes_words
def newsample(sample_name: str | None = None, description: str | None = None) -> None:
    """Begin the collection of a sample, or go back to it, with a new dataset in it.

    Args:
        sample_name: Name of sample and collection; default ``sample``.
        description: What it is, for the files.

    Raises:
        CommandError: When the name cannot be that of a folder.
        SinkError: When the folder cannot be made; scans go where they went.

    Example:
        ``newsample("Fe2O3", description="powder, annealed at 500 K")``
    """
    _saving().newsample(sample_name, description)
    _tell("Sample", "sample_name")


@takes_words
def newdataset(
    dataset_name: str | int | None = None,
    description: str | None = None,
    sample_name: str | None = None,
) -> None:
    """Begin a dataset: scans go into a folder of their own, with a master file, from number 1.

    A dataset that is there is never written into: ``align`` becomes ``align_0002``.

    Args:
        dataset_name: Its name or number; default the next number.
        description: What it is, for the files.
        sample_name: Name of the sample, for the files; default that of the collection.

    Raises:
        CommandError: When the name cannot be that of a folder.
        SinkError: When the folder cannot be made; scans go where they went.

    Example:
        ``newdataset("align")``
    """
    _saving().newdataset(dataset_name, description, sample_name)
    _tell("Dataset", "dataset_name")


def enddataset() -> None:
    """End the dataset: the next scan goes into the next numbered one.

    Raises:
        CommandError: When there is none.

    Example:
        ``newdataset("align"); enddataset()``
    """
    _saving().enddataset()
    _tell("Dataset", "dataset_name")


def endproposal() -> None:
    """End the proposal: scans go into the folder of the session again.

    Raises:
        CommandError: When there is none.

    Example:
        ``newproposal("hg123"); endproposal()``
    """
    saving = _saving()
    name = saving.proposal_name
    saving.endproposal()
    print(f"Proposal '{name}' ended\nData path: {saving.folder}")


def _saving() -> Any:
    return current_session().saving


def _tell(what: str, name: str) -> None:
    saving = _saving()
    print(f"{what} set to '{getattr(saving, name)}'\nData path: {saving.folder}")
