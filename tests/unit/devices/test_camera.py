from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from session_shell.clock import VirtualClock
from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.context import DeviceContext
from session_shell.devices.detectors.camera import SimulatedCamera
from session_shell.devices.detectors.camera_config import simulated_camera
from session_shell.devices.environment.shutter import Shutter
from session_shell.devices.protocols import is_detector
from session_shell.errors import CommandError, ConfigError, DeviceError, DeviceTimeoutError

Make = Callable[..., SimulatedCamera]
QUIET = {"background": 0.0, "dark": 0.0, "noise": 0.0}


@pytest.fixture
def cam(context: DeviceContext) -> Make:
    def make(**keys: Any) -> SimulatedCamera:
        keys = {"image_size": [120, 100], "spot_size": 100.0, "pixel_size": 10.0, **keys}
        return simulated_camera("cam", context=context, **keys)

    return make


def read(detector: SimulatedCamera, count_time: float = 0.1) -> dict[str, Any]:
    detector.prepare(count_time, 1)
    if (status := detector.trigger()) is not None:
        status.result()
    names = [channel.name for channel in detector.channels]
    values = dict(zip(names, detector.read(), strict=True))
    detector.stop()
    return values


def spot_of(image: np.ndarray[Any, Any]) -> tuple[int, int]:
    y, x = np.unravel_index(image.argmax(), image.shape)
    return int(x), int(y)


def test_channels(cam: Make) -> None:
    made = cam(rois={"a": [10, 20, 30, 40]}, roi_counters=["sum", "max"])
    assert is_detector(made)
    found = [(c.name, c.shape, c.unit, c.dtype) for c in made.channels]
    assert found == [
        ("cam", (100, 120), "counts", "uint16"),
        ("cam_a_sum", (), "counts", "float64"),
        ("cam_a_max", (), "counts", "float64"),
    ]
    assert made.image_size == (120, 100)
    assert made.counters.a_sum.name == "cam_a_sum"


def test_the_spot_moves_with_the_axes(cam: Make, axis: Callable[..., SimulatedAxis]) -> None:
    sy, sz = axis("sy"), axis("sz", unit="um")
    made = cam(axis_x=sy, axis_y=sz, center=[60, 50], **QUIET)
    assert spot_of(read(made, 2)["cam"]) == pytest.approx((60, 50), abs=2)
    sy.move(0.3)  # 0.3 mm are 30 pixels of 10 um
    sz.move(-200)
    assert spot_of(read(made, 2)["cam"]) == pytest.approx((90, 30), abs=2)
    sy.move(50)
    assert read(made)["cam"].max() == 0, "the spot is outside"
    scaled = cam(axis_x=sy, scale=[-0.5, 1], center=[60, 50], **QUIET)
    assert spot_of(read(scaled, 2)["cam"]) == pytest.approx((35, 50), abs=2)


def test_a_spot_at_the_edge_is_cut(cam: Make) -> None:
    image = read(cam(center=[0, 99], **QUIET), 2)["cam"]
    assert spot_of(image) == pytest.approx((0, 99), abs=2)


def test_the_signal_grows_with_the_exposure(cam: Make) -> None:
    made = cam(intensity=1e4, **QUIET)
    one, ten = (read(made, t)["cam"].sum(dtype=float) for t in (0.1, 1.0))
    # The integral of a Gaussian: height times 2 pi sigma^2, sigma = 100 um / 2.355 / 10 um.
    assert one == pytest.approx(1e3 * 2 * np.pi * (10 / 2.3548) ** 2, rel=0.02)
    assert ten == pytest.approx(10 * one, rel=0.02)


def test_noise(cam: Make) -> None:
    image = read(cam(intensity=0.0, background=0.0, dark=100.0, noise=3.0))["cam"]
    assert image.mean() == pytest.approx(100, abs=0.1)
    assert image.std() == pytest.approx(3, abs=0.1)
    lit = read(cam(intensity=0.0, background=1000.0, dark=0.0, noise=0.0), 1.0)["cam"]
    assert lit.mean() == pytest.approx(1000, rel=0.01)
    assert lit.std() == pytest.approx(np.sqrt(1000), rel=0.05)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int32", "float32"])
def test_types_and_saturation(cam: Make, dtype: str) -> None:
    made = cam(dtype=dtype, intensity=1e12, **QUIET)
    image = read(made, 1.0)["cam"]
    assert image.dtype == dtype
    if dtype in ("uint8", "uint16"):
        assert image.max() == np.iinfo(dtype).max
    assert image.max() > 200
    assert image.min() >= 0


def test_the_counters_of_a_region(cam: Make) -> None:
    made = cam(rois={"a": [10, 20, 30, 40], "all": [0, 0, 120, 100]})
    found = read(made)
    part = found["cam"][20:60, 10:40].astype(float)
    assert found["cam_a_sum"] == part.sum()
    assert found["cam_a_avg"] == pytest.approx(part.mean())
    assert found["cam_a_std"] == pytest.approx(part.std())
    assert (found["cam_a_min"], found["cam_a_max"]) == (part.min(), part.max())
    assert found["cam_all_sum"] == found["cam"].sum(dtype=float)


def test_the_same_seed_gives_the_same_images(context: DeviceContext) -> None:
    one, two = (simulated_camera("cam", context=context, image_size=[64, 48]) for _ in range(2))
    first, second = read(one)["cam"], read(one)["cam"]
    assert (read(two)["cam"] == first).all()
    assert (second != first).any()


def test_images_do_not_share_memory(cam: Make) -> None:
    made = cam()
    made.prepare(0.1, 2)
    first = made.read()[0]
    kept = first.copy()
    second = made.read()[0]
    assert not np.shares_memory(first, second)
    assert (first == kept).all()


def test_exposure_and_readout(cam: Make, clock: VirtualClock) -> None:
    made = cam(exposure=0.5, readout_time=0.1)
    made.prepare(0.1, 1)
    begin = clock.time()
    status = made.trigger()
    assert status is not None
    assert not status.done()
    with pytest.raises(DeviceTimeoutError, match=r"cam: not ready after 0.2 s"):
        status.result(0.2)
    status.result()
    assert clock.time() - begin == pytest.approx(0.6)
    made.stop()
    assert made.channel_metadata()["count_time"] == 0.5
    made.exposure = None
    made.prepare(0.1, 1)
    assert made.channel_metadata()["count_time"] == 0.1
    assert cam().trigger() is None
    with pytest.raises(DeviceError, match="cam: exposure must be above zero"):
        made.exposure = 0


def test_a_closed_shutter(cam: Make, context: DeviceContext) -> None:
    shutter = Shutter("sh", context=context)
    made = cam(shutter=shutter, intensity=1e4, dark=10.0, noise=1.0)
    assert read(made, 1.0)["cam"].max() < 20
    shutter.open()
    assert read(made, 1.0)["cam"].max() > 5000
    assert "sh OPEN" in made.__info__()


def test_regions_and_exposure_survive_a_restart(cam: Make) -> None:
    made = cam(rois={"a": [0, 0, 10, 10]}, config={"exposure": None})
    made.rois.set("b", 5, 5, 2, 2)
    made.exposure = 0.2
    again = cam(rois={"a": [0, 0, 10, 10]})
    again.restore_state(made.saved_state())
    assert (dict(again.rois), again.exposure) == (dict(made.rois), 0.2)
    assert again.configured_state() == made.configured_state()
    again.restore_state({})
    assert again.exposure == 0.2


@pytest.mark.parametrize(
    "region", [(0, 0, 0, 1), (-1, 0, 5, 5), (0, 0, 121, 1), (119, 0, 2, 1), (0.5, 0, 1, 1)]
)
def test_bad_regions(cam: Make, region: tuple[float, ...]) -> None:
    with pytest.raises(CommandError, match=r"cam: region r: .* within 120 x 100"):
        cam().rois.set("r", *region)


def test_what_it_says_of_itself(cam: Make) -> None:
    made = cam(pixel_size=[10.0, 20.0], rois={"a": [1, 2, 3, 4]})
    found = made.channel_metadata()
    assert (found["x_pixel_size"], found["y_pixel_size"], found["y_pixel_size@units"]) == (
        10.0, 20.0, "um"
    )  # fmt: skip
    assert (found["bit_depth_readout"], found["saturation_value"]) == (16, 65535)
    assert found["rois"] == {"a": {"x": 1, "y": 2, "width": 3, "height": 4}}
    assert "120 x 100 pixels, uint16" in made.__info__()
    assert repr(made) == "<detector cam: 120 x 100 pixels, a>"
    assert "saturation_value" not in cam(dtype="float32").channel_metadata()


@pytest.mark.parametrize(
    ("keys", "key", "text"),
    [
        ({"image_size": [10]}, "image_size", r"must be \[width, height\]"),
        ({"image_size": [0, 10]}, "image_size", r"must be \[width, height\]"),
        ({"image_size": [10**6, 10**6]}, "image_size", "together at most"),
        ({"pixel_size": 0}, "pixel_size", "must be above zero"),
        ({"pixel_size": [1, 2, 3]}, "pixel_size", r"must be \[x, y\]"),
        ({"spot_size": [1, -2]}, "spot_size", "must be above zero"),
        ({"center": [1]}, "center", r"must be \[x, y\]"),
        ({"intensity": -1}, "intensity", "must not be negative"),
        ({"background": float("nan")}, "background", "must be finite"),
        ({"dark": "x"}, "dark", "cannot be 'x'"),
        ({"noise": -1}, "noise", "must not be negative"),
        ({"exposure": 0}, "exposure", "must be above zero"),
        ({"readout_time": -1}, "readout_time", "must not be negative"),
        ({"roi_counters": ["mean"]}, "roi_counters", "some of sum, avg, std, min, max"),
        ({"rois": {"a": [1, 2, 3]}}, "rois", "region a: it cannot be"),
        ({"rois": {"a b": [1, 2, 3, 4]}}, "rois", "a region needs a name"),
        ({"shutter": 5}, "shutter", "5 is no shutter"),
    ],
)
def test_bad_configuration(cam: Make, keys: dict[str, Any], key: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        cam(**keys)
    assert caught.value.key == key


def test_an_axis_that_moves_in_degrees(cam: Make, axis: Callable[..., SimulatedAxis]) -> None:
    turn = axis("phi", unit="deg")
    with pytest.raises(ConfigError, match=r"phi moves in deg: give `scale`"):
        cam(axis_y=turn)
    cam(axis_y=turn, scale=[1, 2])
