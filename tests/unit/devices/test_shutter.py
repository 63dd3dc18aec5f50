from __future__ import annotations

import pytest

from session_shell.clock import VirtualClock
from session_shell.devices.context import DeviceContext
from session_shell.devices.environment.shutter import Shutter, ShutterState, shutter, shutter_of
from session_shell.errors import ConfigError, DeviceError, DeviceTimeoutError


@pytest.fixture
def sh(context: DeviceContext) -> Shutter:
    return shutter("sh", context=context, opening_time=0.2)


def test_it_opens_and_closes(sh: Shutter, clock: VirtualClock) -> None:
    assert (sh.state, sh.is_open, sh.is_closed, sh.closed) == ("CLOSED", False, True, True)
    begin = clock.time()
    sh.open()
    assert clock.time() - begin == pytest.approx(0.2)
    assert sh.state is ShutterState.OPEN
    sh.open()
    assert clock.time() - begin == pytest.approx(0.2)
    sh.close(wait=False)
    assert (sh.state, sh.is_open, sh.is_closed) == ("MOVING", False, False)
    with pytest.raises(DeviceTimeoutError, match=r"sh: not ready after 0.1 s"):
        sh.wait(0.1)
    sh.wait()
    assert sh.is_closed


def test_it_can_be_turned_round(sh: Shutter, clock: VirtualClock) -> None:
    sh.open(wait=False)
    clock.sleep(0.05)
    begin = clock.time()
    sh.close()
    assert clock.time() - begin == pytest.approx(0.05)


def test_open_for_a_block(sh: Shutter) -> None:
    with sh as entered:
        assert entered.is_open
    assert sh.is_closed

    def fail() -> None:
        with sh:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert sh.is_closed


def test_it_is_as_it_was_left(context: DeviceContext, sh: Shutter) -> None:
    sh.open()
    again = shutter("sh", context=context)
    assert again.configured_state() == {"open": False}
    again.restore_state(sh.saved_state())
    assert again.is_open
    again.restore_state({})
    assert again.is_open
    with pytest.raises(DeviceError, match="sh: its saved state cannot be 'yes'"):
        again.restore_state({"open": "yes"})


def test_what_it_says_of_itself(context: DeviceContext) -> None:
    sh = shutter("sh", context=context, state="open")
    assert sh.scan_metadata() == {"status": "open"}
    assert "OPEN" in sh.__info__()
    assert repr(sh) == "<shutter sh: OPEN>"


def test_bad_values(context: DeviceContext, sh: Shutter) -> None:
    with pytest.raises(ConfigError, match="opening_time must not be negative") as caught:
        shutter("sh", context=context, opening_time=-1)
    assert caught.value.key == "opening_time"
    with pytest.raises(DeviceError, match="timeout"):
        sh.wait(-1)
    with pytest.raises(ConfigError, match="c: 5 is no shutter"):
        shutter_of(5, "c")
    assert shutter_of(None, "c") is None
