from __future__ import annotations

from collections.abc import Callable

import pytest

from session_shell.errors import CommandError, DeviceError
from session_shell.session import Session


def test_states_are_sets_of_counters(session: Session) -> None:
    group = session.namespace["MG1"]
    assert (group.state_names, group.active_state_name) == (["default"], "default")
    group.disable("diode3")
    group.switch_state("all")
    assert group.enabled == ["diode"]
    group.enable()
    group.switch_state("default")
    assert group.enabled == ["diode"]
    group.switch_state("all")
    assert group.enabled == ["diode", "diode3"]
    assert "state     all" in group.__info__()


def test_states_survive_a_restart(make_session: Callable[..., Session]) -> None:
    with make_session() as first:
        first.run("MG1.switch_state('one'); MG1.disable('diode3')")
    with make_session() as second:
        group = second.namespace["MG1"]
        assert (group.active_state_name, group.enabled) == ("one", ["diode"])
        group.switch_state("default")
        assert group.enabled == ["diode", "diode3"]


def test_states_are_removed(session: Session) -> None:
    group = session.namespace["MG1"]
    group.switch_state("a")
    group.switch_state("b")
    group.remove_states("a")
    assert group.state_names == ["default", "b"]
    for name, message in (("a", "there is no state 'a'"), ("b", "has to stay")):
        with pytest.raises(CommandError, match=message):
            group.remove_states(name)


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_state_needs_a_name(session: Session, name: object) -> None:
    with pytest.raises(CommandError, match="a state needs a name"):
        session.namespace["MG1"].switch_state(name)


@pytest.mark.parametrize("saved", ["no json", "[1]", '{"a": 3}', 5, None, True, ["mon"]])
def test_garbage_is_not_restored(session: Session, saved: object) -> None:
    with pytest.raises(DeviceError, match="the saved states cannot be"):
        session.namespace["MG1"].restore_state({"states": saved})
    assert session.namespace["MG1"].disabled == []
