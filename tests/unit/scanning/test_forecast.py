from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from session_shell.commands import GROUPS
from session_shell.devices.axes.axis import SimulatedAxis
from session_shell.devices.axes.modulo import ModuloAxis
from session_shell.devices.context import DeviceContext
from session_shell.errors import CommandError, LimitError
from session_shell.session import Session


@pytest.mark.parametrize(
    "command",
    [
        "loopscan(7, 0.1, diode, sleep_time=0.5)",
        "ascan(roby, 1, 10, 9, 0.1, diode, stab_time=0.2)",
        "dscan(roby, -1, 1, 10, 0.1, diode)",
        "amesh(roby, 0, 2, 4, robz, 0, 20, 2, 0.1, diode, backnforth=True)",
    ],
)
def test_a_forecast_is_what_the_scan_takes(session: Session, command: str) -> None:
    told = session.run(f"simulate({command!r})")
    assert not session.scans
    assert session.namespace["roby"].position == 0
    assert not session.saving.folder.exists()
    scan = session.run(command)
    assert told.npoints == scan.data.npoints
    assert told.duration == pytest.approx(scan.duration, rel=1e-3)
    assert scan.file.stat().st_size == pytest.approx(told.size, rel=1)


def test_limits_are_checked(session: Session) -> None:
    with pytest.raises(LimitError):
        session.run("simulate('ascan(roby, 0, 99, 9, 0.1)')")
    with pytest.raises(LimitError):
        session.run("simulate('umv(roby, 99); ct(0.1)')")
    session.run("umv(roby, 5)")
    assert session.namespace["roby"].position == 5


def test_typed_words_and_several_scans(session: Session) -> None:
    told = session.run("simulate('umv roby 3; ct 0.1\\nfor n in 1, 2: loopscan(n, 0.1)')")
    assert [f.npoints for f in told] == [1, 1, 2]
    assert session.namespace["roby"].position == 0


def test_dry_runs_tell_and_do_nothing(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    scan = session.run("ascan(roby, 0, 10, 10, 0.1, run='dry')")
    out = capsys.readouterr().out
    assert "ascan roby 0 10 10 0.1: would take" in out
    assert "roby      0 to 10 mm" in out
    assert scan.data.npoints == 0
    assert scan.state == "IDLE"


def test_a_scan_made_before_can_be_simulated(session: Session) -> None:
    scan = session.run("loopscan(3600, 1, diode, run=False)")
    session.namespace["s"] = scan
    assert "1:00:00" in session.run("simulate(s)").__info__()
    assert scan.state == "IDLE"


def test_what_cannot_be_known_is_said(session: Session) -> None:
    class Slow:
        name, unit, position = "slow", "mm", 0.0

        def check_targets(self, targets: object) -> None: ...
        def start_move(self, target: float) -> None: ...
        def stop(self) -> None: ...

    session.namespace["slow"] = Slow()
    told = session.run("ascan(slow, 0, 1, 2, 0.1, diode, run=False).simulate()")
    assert math.isnan(told.duration)
    assert "no velocity is known of slow" in told.__info__()
    with pytest.raises(CommandError, match="runs no scan"):
        session.run("simulate('1 + 1')")


# Every family, with random devices: the oracle is the clock of the run

FAMILIES = [
    "ct(0.3)",
    "sct(0.3)",
    "loopscan(7, 0.2, sleep_time=0.5)",
    "timescan(0.2, npoints=5, sleep_time=0.1)",
    "ascan({a}, {lo}, {hi}, 9, 0.1, stab_time=0.2)",
    "dscan({a}, -1, 1, 10, 0.1)",
    "a2scan({a}, {lo}, {hi}, {b}, {hi}, {lo}, 7, 0.1)",
    "a3scan({a}, 0, 2, {b}, 3, 1, {c}, 0, 4, 6, 0.1)",
    "a4scan({a}, 0, 2, {b}, 3, 1, {c}, 0, 4, {d}, 0, 1, 6, 0.1)",
    "a5scan({a}, 0, 2, {b}, 3, 1, {c}, 0, 4, {d}, 0, 1, {e}, 1, 2, 6, 0.1)",
    "d2scan({a}, -1, 1, {b}, 1, -1, 7, 0.1)",
    "d3scan({a}, -1, 1, {b}, 1, -1, {c}, 0, 2, 7, 0.1)",
    "d4scan({a}, -1, 1, {b}, 1, -1, {c}, 0, 2, {d}, -1, 1, 7, 0.1)",
    "d5scan({a}, -1, 1, {b}, 1, -1, {c}, 0, 2, {d}, -1, 1, {e}, 1, -1, 7, 0.1)",
    "anscan([({a}, 0, 2), ({b}, 3, 1)], 6, 0.1)",
    "dnscan([({a}, -1, 2), ({b}, 3, -1)], 6, 0.1)",
    "lookupscan([({a}, [0, 3, 1, 1, 2]), ({b}, [1, 1, 4, 0, 0])], 0.1)",
    "pointscan({a}, [0, 3, 1, 1, 2.5], 0.1)",
    "amesh({a}, {lo}, {hi}, 4, {b}, 0, 3, 3, 0.1)",
    "amesh({a}, {lo}, {hi}, 4, {b}, 0, 3, 3, 0.1, backnforth=True)",
    "dmesh({a}, -1, 1, 4, {b}, 0, 3, 3, 0.1)",
    "a3mesh({a}, 0, 1, 3, {b}, 0, 1, 2, {c}, 0, 1, 2, 0.1)",
    "d3mesh({a}, 0, 1, 3, {b}, 0, 1, 2, {c}, 0, 1, 2, 0.1)",
    "anmesh([({a}, 0, 1, 3), ({b}, 0, 1, 2)], 0.1, backnforth=True)",
    "dnmesh([({a}, 0, 1, 3), ({b}, 0, 1, 2)], 0.1)",
    "fscan({a}, {lo}, {hi}, 40, {slow})",
    "fscan({a}, {hi}, {lo}, 40, {slow})",
    "fmesh({a}, {lo}, {hi}, 20, {b}, 0, 3, 3, {slow})",
    "fmesh({a}, {lo}, {hi}, 20, {b}, 0, 3, 3, {slow}, backnforth=True)",
]
NOT_ESTIMATED = {"lineup", "userscan"}
"""They do what they find on the way: a move to a peak, points that a generator decides."""


def random_devices(seed: int) -> str:
    """Return a configuration of five linear axes, a round one and slits, by a seed."""
    rng = random.Random(seed)
    lines = ["- class: mockup", "  axes:"]
    lines += [
        f"    - {{name: {name}, unit: mm, steps_per_unit: {rng.choice([100, 787.4, -5000])},"
        f" velocity: {rng.uniform(0.5, 20):.3f}, acceleration: {rng.uniform(1, 100):.3f},"
        f" backlash: {rng.choice([0, 0.5, -0.3, 2])}, sign: {rng.choice([1, -1])},"
        f" offset: {rng.uniform(-5, 5):.2f}}}"
        for name in "abcde"
    ]
    slit = "unit: mm, velocity: 2, acceleration: 8, backlash: 0.1"
    lines += [f"    - {{name: {name}, {slit}}}" for name in ("left", "right")]
    lines += [
        f"- {{name: rot, class: ModuloAxis, unit: deg, steps_per_unit: 1000, modulo: 360,"
        f" velocity: {rng.uniform(20, 90):.1f}, acceleration: {rng.uniform(50, 500):.1f},"
        f" backlash: {rng.choice([0, 1.5])}}}",
        "- class: slits",
        "  axes:",
        "    - {name: $left, tags: real front}",
        "    - {name: $right, tags: real back}",
        "    - {name: gap, tags: hgap}",
        "    - {name: middle, tags: hoffset}",
        "- {name: diode, class: simulation_diode, model: constant, constant: 7}",
        "- {name: MG, class: MeasurementGroup, counters: [diode]}",
        "- {name: bench, class: Session}",
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("axes", ["abcde", ["rot", "a", "b", "c", "d"], ["gap", "middle", *"abc"]])
@pytest.mark.parametrize("seed", range(3))
def test_an_estimate_is_the_run_in_every_family(
    config: Path, make_session: Callable[..., Session], seed: int, axes: list[str]
) -> None:
    (config / "bench.yml").write_text(random_devices(seed))
    rng = random.Random(seed)
    with make_session() as session:
        for family in FAMILIES:
            if axes[0] == "gap" and family.startswith("f"):
                continue  # slits cannot fly
            span = (-170, 180) if axes[0] == "rot" else (-4, 6)
            low, high = sorted((rng.uniform(*span), rng.uniform(*span)))
            words = dict(zip("abcde", axes, strict=True))
            # A fly scan at five sixths of the velocity at most; whole counts fit into its gates.
            velocity = getattr(session.namespace[axes[0]], "velocity", 1)
            slow = f"{(high - low) / 20 / velocity * 1.2 + 0.01:.4f}"
            command = family.format(**words, lo=f"{low:.2f}", hi=f"{high:.2f}", slow=slow)
            places = (f"{axis}, {rng.uniform(-3, 3):.2f}" for axis in axes[:2])
            session.run(f"umv({', '.join(places)})")
            told = session.run(f"simulate({command!r})")
            scan = session.run(command)
            assert told.duration == pytest.approx(scan.duration, rel=0.02, abs=1e-3), command


def test_every_family_is_estimated() -> None:
    kinds = ("counting", "line scans", "meshes", "continuous scans")
    commands = {verb.__name__ for kind in kinds for verb in GROUPS[kind]}
    assert commands - NOT_ESTIMATED == {family.split("(")[0] for family in FAMILIES}


def test_round_axes_go_the_short_way(session: Session) -> None:
    context = DeviceContext(clock=session.clock)
    rot = ModuloAxis("rot", modulo=360, context=context, velocity=10, acceleration=10, position=350)
    # 20 deg at 10 deg/s with 1 s in all for speeding up and slowing down; then nothing; then back.
    assert rot.travel_times(np.array([10.0, 10.0, 350.0])) == pytest.approx([3, 0, 3])


@pytest.mark.parametrize(("target", "seconds"), [(5.0, 1.5), (-5.0, 1.7 + 2 * 0.1**0.5)])
def test_the_backlash_is_a_move_of_its_own(session: Session, target: float, seconds: float) -> None:
    context = DeviceContext(clock=session.clock)
    axis = SimulatedAxis("x", context=context, velocity=5, acceleration=10, backlash=1)
    # Below 0: 6 mm beyond the target, 6 / 5 + 0.5 s, then 1 mm: 2 * sqrt(1 / 10) s.
    assert axis.travel_times(np.array([target])) == pytest.approx([seconds])


def test_an_endless_scan_says_so(session: Session) -> None:
    told = session.run("simulate('timescan(0.1, diode)')")
    assert math.isinf(told.duration)
    assert "would run until it is stopped" in told.__info__()
    assert "points    endless" in told.__info__()


def test_points_that_a_generator_decides_are_not_known(session: Session) -> None:
    session.run("def points():\n    row = yield 1.0\n    row = yield 2.0")
    told = session.run("userscan(roby, points, 0.1, diode, run=False).simulate()")
    assert math.isnan(told.duration)
    assert "would take unknown" in told.__info__()


def test_the_readout_of_a_camera_counts(config: Path, make_session: Callable[..., Session]) -> None:
    camera = "{name: cam, class: simulation_camera, image_size: [8, 8], readout_time: 0.5}"
    with (config / "bench.yml").open("a") as file:
        file.write(f"- {camera}\n")
    with make_session() as session:
        told = session.run("simulate('loopscan(4, 0.1, cam)')")
        scan = session.run("loopscan(4, 0.1, cam)")
        assert told.duration == pytest.approx(scan.duration, rel=0.02)
        assert told.duration > 2
