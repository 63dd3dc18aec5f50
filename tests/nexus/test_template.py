from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import pytest

from session_shell.nexus.disk import hdf5
from session_shell.nexus.tree.nodes import Dataset, Group
from session_shell.nexus.writing import template
from session_shell.nexus.writing.template import FileTemplate


def tree(number: int, names: tuple[str, ...]) -> Group:
    items = {name: Dataset(np.array(float(number))) for name in names}
    return Group({"default": f"{number}.1"}, {f"{number}.1": Group({}, items)})


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Group]:
    """Trees whose files were made object by object."""
    made: list[Group] = []
    real = hdf5.new_image

    def new_image(tree: Group) -> Any:
        made.append(tree)
        return real(tree)

    monkeypatch.setattr(hdf5, "new_image", new_image)
    return made


def content(image: Any, number: int) -> dict[str, float]:
    with h5py.File(image) as file:
        assert list(file) == [f"{number}.1"]
        assert file.attrs["default"] == f"{number}.1"
        return {name: float(item[()]) for name, item in file[f"{number}.1"].items()}


def test_kinds_that_alternate_are_each_made_once(made: list[Group]) -> None:
    files = FileTemplate()
    kinds = [("x",), ("x", "y"), ("y", "z")]
    for number in range(1, 13):
        names = kinds[number % 3]
        image = files.image(tree(number, names), f"{number}.1")
        assert content(image, number) == dict.fromkeys(names, float(number))
    assert len(made) == 3


def test_the_kind_that_was_not_used_for_longest_is_forgotten(
    made: list[Group], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template, "_KINDS", 2)
    files = FileTemplate()
    for number, name in enumerate("abacab", 1):
        files.image(tree(number, (name,)), f"{number}.1").close()
    assert [list(t.items[next(iter(t.items))].items) for t in made] == [["a"], ["b"], ["c"], ["b"]]  # type: ignore[union-attr]


def test_the_same_names_with_other_shapes_are_another_file(made: list[Group]) -> None:
    files = FileTemplate()
    files.image(tree(1, ("x",)), "1.1").close()
    other = Group({"default": "2.1"}, {"2.1": Group({}, {"x": Dataset(np.array([1.0, 2.0]))})})
    with h5py.File(files.image(other, "2.1")) as file:
        assert list(file["2.1/x"]) == [1.0, 2.0]
    assert len(made) == 2
