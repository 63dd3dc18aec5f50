"""Random sessions of one axis, beside a small model of its own: whole motor steps, exact numbers.

The model counts motor steps from where the motor was switched on, which nothing renames. It knows
dial and user positions, the set position, limits and backlash; not how the program computes them.
"""

from __future__ import annotations

import shutil
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from session_shell import open_session
from session_shell.clock import VirtualClock
from session_shell.errors import LimitError, SessionShellError
from session_shell.scanning.presets import ScanPreset

CONFIG = """
- class: mockup
  axes:
    - {{name: m, steps_per_unit: {steps}, velocity: 5, acceleration: 20, backlash: {backlash},
       low_limit: -40, high_limit: 40}}
- {{name: diode, class: simulation_diode, model: constant, constant: 1}}
- {{name: model, class: Session}}
"""

numbers = st.integers(-4000, 4000).map(lambda n: n / 97)
small = st.integers(-300, 300).map(lambda n: n / 97)
changes = st.sampled_from(["position", "offset", "dial", "sign"])


class Positions(RuleBasedStateMachine):
    """An axis of a session, and the model of it."""

    @initialize(
        steps=st.sampled_from([1000, 787.4, 3.3, -250.7]), backlash=st.sampled_from([0, 0.5, -0.3])
    )
    def start(self, steps: float, backlash: float) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.backlash = backlash
        (self.root / "config").mkdir()
        (self.root / "config" / "model.yml").write_text(
            CONFIG.format(steps=steps, backlash=backlash)
        )
        self.steps = abs(Fraction(steps))
        self.motor = 0
        """Motor steps from where it was switched on."""
        self.renamed = 0
        """Steps by which the dial counts higher."""
        self.sign, self.offset = 1, Fraction(0)
        self.asked: Fraction | None = None
        """Dial position that was asked for."""
        self.low, self.high = Fraction(-40), Fraction(40)
        """Limits as places: dial positions that were not renamed."""
        self.open()

    def open(self) -> None:
        self.session = open_session(
            "model",
            config=self.root / "config",
            data=self.root / "data",
            clock=VirtualClock(),
        )
        self.axis: Any = self.session.namespace["m"]

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.session.close()
        shutil.rmtree(self.root)

    # The model

    @property
    def dial(self) -> Fraction:
        return (self.motor + self.renamed) / self.steps

    @property
    def seen(self) -> int:
        """Motor steps as the dial of the axis tells them."""
        return round(Fraction(self.axis.dial) * self.steps) - self.renamed

    @property
    def user(self) -> Fraction:
        return self.sign * self.dial + self.offset

    @property
    def set_user(self) -> Fraction:
        return self.user if self.asked is None else self.sign * self.asked + self.offset

    def model_move(self, target: Fraction) -> bool:
        """Move the model, or return False when the way leaves the limits."""
        asked = (target - self.offset) * self.sign
        shift = self.renamed / self.steps
        ends = [asked]
        # The last bit of the way goes in the direction of the backlash, in user positions.
        against = (target - self.user) * Fraction(self.backlash) < 0
        if against:
            ends.append(asked - self.sign * Fraction(self.backlash))
        if not all(self.low <= end - shift <= self.high for end in ends):
            return False
        self.stand(asked)
        return True

    def stand(self, asked: Fraction) -> None:
        """Stand on the motor step nearest to a dial position."""
        exact = asked * self.steps - self.renamed
        below = exact.numerator // exact.denominator
        if abs(exact - below - Fraction(1, 2)) < Fraction(1, 10**6):
            # A tie within the rounding of floats: either step is right.
            there = self.seen
            assert there in (below, below + 1)
            self.motor = there
        else:
            self.motor = round(exact)
        self.asked = asked

    def allowed(self, target: Fraction) -> bool:
        """Return False for targets so near to a limit that rounding decides."""
        place = (target - self.offset) * self.sign - self.renamed / self.steps
        backlash = abs(Fraction(self.backlash))
        edges = [e + s * b for e in (self.low, self.high) for s in (1, -1) for b in (0, backlash)]
        return all(abs(place - edge) > 2 / self.steps for edge in edges)

    def move_both(self, target: Fraction, run: Any) -> None:
        if not self.allowed(target):
            return
        before = self.axis.position
        try:
            run()
        except LimitError:
            assert not self.model_move(target)
            assert self.axis.position == before
        else:
            assert self.model_move(target)

    # What a person does

    @rule(to=numbers)
    def move_to(self, to: float) -> None:
        self.move_both(Fraction(to), lambda: self.session.run(f"mv(m, {to!r})"))

    @rule(to=numbers)
    def move_to_dial(self, to: float) -> None:
        user = self.sign * Fraction(to) + self.offset
        self.move_both(user, lambda: self.session.run(f"mvd(m, {to!r})"))

    @rule(by=small, how=st.sampled_from(["mvr(m, {0})", "m.rmove({0})"]), times=st.integers(1, 5))
    def move_by(self, by: float, how: str, times: int) -> None:
        for _ in range(times):
            self.move_both(
                self.set_user + Fraction(by), lambda: self.session.run(how.format(repr(by)))
            )

    @rule(by=small)
    def move_by_dial(self, by: float) -> None:
        self.move_both(
            self.set_user + self.sign * Fraction(by), lambda: self.session.run(f"mvdr(m, {by!r})")
        )

    @rule(to=numbers, after=st.floats(0, 10))
    def stop_on_the_way(self, to: float, after: float) -> None:
        target = Fraction(to)
        if not self.allowed(target):
            return
        start = self.motor
        try:
            self.session.run(f"move(m, {to!r}, wait=False)")
        except LimitError:
            assert not self.model_move(target)
            return
        self.session.run(f"sleep({after!r}); stop(m)")
        assert self.model_move(target)
        there = self.seen
        if there != self.motor or self.axis.set_position == self.axis.position:
            over = abs(Fraction(self.backlash)) * self.steps + 1
            assert min(start, self.motor) - over <= there <= max(start, self.motor) + over
            self.motor, self.asked = there, None

    @rule(what=changes, value=numbers)
    def redefine(self, what: str, value: float) -> None:
        self.change(what, value)

    def change(self, what: str, value: float) -> None:
        if what == "sign":
            value = 1 if value > 0 else -1
        setattr(self.axis, what, value)
        new = Fraction(value)
        if what == "position":
            self.offset = new - self.sign * self.dial
        elif what == "offset":
            self.offset = new
        elif what == "sign":
            self.sign = int(value)
        else:
            user = self.user
            self.renamed = round(Fraction(self.axis.dial) * self.steps) - self.motor
            assert abs(self.dial - new) <= Fraction(1, 2) / self.steps + Fraction(1, 10**9)
            self.offset = user - self.sign * self.dial
        self.asked = None

    @rule(width=st.integers(1, 3), what=changes, value=numbers, at=st.integers(0, 4))
    def scan_while_redefined(self, width: int, what: str, value: float, at: int) -> None:
        """Points and the way back keep their places; the column keeps its frame."""
        points = [self.set_user + n * Fraction(width) / 2 for n in (-2, -1, 0, 1, 2)]
        if not all(map(self.allowed, points)):
            return
        start, frame = self.motor, (self.sign, self.offset, self.renamed)
        scan = self.session.run(
            f"dscan(m, -{width}, {width}, 4, 0.1, diode, save=False, run=False)"
        )
        scan.add_preset(Change(self, at, what, value))
        places = [((p - self.offset) * self.sign - self.renamed / self.steps) for p in points]
        try:
            scan.run()
        except SessionShellError:
            self.motor = self.seen
            self.asked = self.asked if self.motor == start else None
            self.read_set()
            return
        sign, offset, renamed = frame
        for read, place in zip(scan.data["m"].tolist(), places, strict=True):
            told = (Fraction(read) - offset) * sign - renamed / self.steps
            assert abs(told - place) <= Fraction(51, 100) / self.steps + Fraction(1, 10**6)
        self.motor = start
        assert self.seen == start
        self.read_set()

    def read_set(self) -> None:
        """Take over the set position after a scan that was redefined on the way."""
        told = (Fraction(self.axis.set_position) - self.offset) * self.sign
        assert abs(told - self.dial) <= Fraction(51, 100) / self.steps + Fraction(1, 10**6)
        self.asked = told

    @rule()
    def restart(self) -> None:
        self.session.close()
        self.open()

    # What holds always

    @invariant()
    def positions_are_those_of_the_model(self) -> None:
        if not hasattr(self, "session"):
            return
        assert self.axis.dial == pytest.approx(float(self.dial), abs=1e-8)
        assert self.axis.position == pytest.approx(float(self.user), abs=1e-8)
        assert self.axis.set_position == pytest.approx(float(self.set_user), abs=1e-8)
        low, high = (
            self.sign * (edge + self.renamed / self.steps) + self.offset
            for edge in (self.low, self.high)
        )
        assert self.axis.limits == pytest.approx(sorted((float(low), float(high))), abs=1e-8)


class Change(ScanPreset):
    """Redefine positions in the middle of a scan."""

    def __init__(self, machine: Positions, at: int, what: str, value: float) -> None:
        self.machine, self.at, self.what, self.value = machine, at, what, value

    def after_point(self, _scan: Any, point: int) -> None:
        if point == self.at:
            self.machine.motor = self.machine.seen
            self.machine.change(self.what, self.value)


TestPositions = Positions.TestCase
TestPositions.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, derandomize=True
)
