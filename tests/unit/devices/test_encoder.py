from __future__ import annotations

from collections.abc import Callable

import pytest

from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.axes.axis_config import simulated_axis
from session_shell.devices.axes.encoder import SimulatedEncoder, simulated_encoder
from session_shell.devices.context import DeviceContext
from session_shell.devices.protocols import is_detector
from session_shell.errors import ConfigError, DeviceError

Make = Callable[..., SimulatedAxis]


@pytest.fixture
def enc(context: DeviceContext) -> SimulatedEncoder:
    return simulated_encoder("enc", context=context, steps_per_unit=10)


def test_it_measures_the_axis(axis: Make, enc: SimulatedEncoder) -> None:
    roby = axis(encoder=enc, sign=-1, offset=2.0)
    assert is_detector(enc)
    assert enc.axis is roby
    roby.move(1.234)
    assert (roby.position, roby.measured_position) == (1.234, 1.2)
    assert (enc.measured_position, enc.steps, enc.unit) == (1.2, 8, "mm")
    enc.prepare(0.1, 1)
    enc.trigger()
    assert enc.read() == (1.2,)
    enc.stop()
    assert enc.channels[0].unit == "mm"
    assert enc.channel_metadata() == {"description": "encoder of roby", "steps_per_unit": 10.0}


def test_without_encoder_the_position_is_measured(axis: Make) -> None:
    roby = axis(position=1.5)
    assert roby.encoder is None
    assert roby.measured_position == 1.5


def test_noise_comes_from_the_seed(axis: Make, context: DeviceContext) -> None:
    one, two = (
        simulated_encoder("enc", context=context, steps_per_unit=1e6, noise=0.01) for _ in range(2)
    )
    for each in (one, two):
        each.attach(axis())
        each.prepare(0.1, 5)
    values = [one.read()[0] for _ in range(5)]
    assert values == [two.read()[0] for _ in range(5)]
    assert len(set(values)) == 5
    assert max(map(abs, values)) < 0.1
    two.prepare(0.1, 5)
    assert two.read()[0] != values[0]


def test_on_an_axis_that_turns(context: DeviceContext) -> None:
    enc = simulated_encoder("enc", context=context)
    phi = simulated_axis("phi", context=context, modulo=360.0, position=10.0, encoder=enc)
    phi.move(-5)
    assert phi.measured_position == enc.measured_position == 355.0


def test_one_axis_only(axis: Make, enc: SimulatedEncoder) -> None:
    roby = axis(encoder=enc)
    enc.attach(roby)
    with pytest.raises(ConfigError, match="robz: enc is the encoder of roby already") as caught:
        axis("robz", encoder=enc)
    assert caught.value.key == "encoder"


def test_bad_values(axis: Make, context: DeviceContext, enc: SimulatedEncoder) -> None:
    with pytest.raises(DeviceError, match=r"enc: belongs to no axis: .* `encoder: \$enc`"):
        enc.prepare(0.1, 1)
    with pytest.raises(DeviceError, match="belongs to no axis"):
        _ = enc.measured_position
    with pytest.raises(DeviceError, match="steps_per_unit must not be zero"):
        simulated_encoder("enc", context=context, steps_per_unit=0)
    with pytest.raises(DeviceError, match="noise must not be negative"):
        simulated_encoder("enc", context=context, noise=-1)
    with pytest.raises(ConfigError, match="roby: 5 is no encoder"):
        axis(encoder=5)


def test_what_they_say(axis: Make, enc: SimulatedEncoder) -> None:
    assert repr(enc) == "<encoder enc of no axis>"
    assert "steps per unit" in enc.__info__()
    roby = axis(encoder=enc, position=1.26)
    assert "measured        1.3 mm" in enc.__info__()
    assert "encoder enc" in roby.__info__()
    assert "encoder" not in roby.channel_metadata()
