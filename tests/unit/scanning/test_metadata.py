from __future__ import annotations

import threading
from typing import Any

import pytest

from session_shell.scanning.metadata import Caller, GivenUpError, copy_tree, merge


def test_merge_is_deep_and_the_later_wins() -> None:
    into: dict[str, Any] = {"a": {"x": 1, "y": {"z": 1}}, "b": 1}
    assert merge(into, {"a": {"y": {"w": 2}, "x": 5}, "b": {"c": 1}}) == {
        "a": {"x": 5, "y": {"z": 1, "w": 2}},
        "b": {"c": 1},
    }


def test_a_copy_shares_no_dict() -> None:
    tree = {"a": {"b": [1, {"c": 2}]}}
    copy = copy_tree(tree)
    tree["a"]["b"][1]["c"] = 3  # type: ignore[index]
    assert copy == {"a": {"b": [1, {"c": 2}]}}


def test_circles_are_survived() -> None:
    tree: dict[str, Any] = {"x": 1}
    tree["self"] = tree
    copy = copy_tree(tree)
    merge(copy, copy_tree(tree))
    assert copy["x"] == 1


@pytest.mark.parametrize("depth", [101, 1000, 100_000])
def test_deep_trees_are_copied_and_merged(depth: int) -> None:
    tree: dict[str, Any] = {"x": 1}
    for _ in range(depth):
        tree = {"a": tree, "b": [{}]}
    merged = merge(copy_tree(tree), copy_tree(tree))
    assert merged["a"]["a"]["a"]["b"] == [{}]


def test_a_dict_that_cannot_be_read_costs_nothing_else() -> None:
    class Broken(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("no items")

    copy = copy_tree({"a": {"b": Broken(c=1), "d": [Broken(), 2]}, "e": 3})
    assert repr(copy) == (
        "{'a': {'b': <Broken: RuntimeError: no items>, "
        "'d': [<Broken: RuntimeError: no items>, 2]}, 'e': 3}"
    )


def test_a_caller_gives_values_and_errors_back() -> None:
    caller = Caller()
    assert caller.call(lambda: 3, 5.0) == 3
    with pytest.raises(KeyError):
        caller.call(lambda: {}["x"], 5.0)
    assert caller.call(threading.get_ident, 5.0) == caller.call(threading.get_ident, 5.0)
    caller.close()


def test_a_call_that_hangs_is_given_up_and_the_next_one_works() -> None:
    caller, never = Caller(), threading.Event()
    with pytest.raises(GivenUpError, match=r"did not return within 0\.01 s"):
        caller.call(never.wait, 0.01)
    assert caller.call(lambda: "still works", 5.0) == "still works"
    never.set()
    caller.close()


def test_a_call_is_given_up_when_the_user_says_so() -> None:
    caller, never = Caller(), threading.Event()
    with pytest.raises(GivenUpError, match="given up by Ctrl-C"):
        caller.call(never.wait, 60.0, lambda: True)
    never.set()
    caller.close()
