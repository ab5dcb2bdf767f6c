"""Random orders with power cuts, also in the middle of flash operations, with and without the wall time.

An observer with a watch sees only the motor, knows the limits, and must never count a dose too many.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pumpcore.program.plan import Program
from support.programs import MONDAY_UTC_S, constant, with_settings
from support.pump.flash import images_at_each_operation
from support.pump.running import Watched, ready

DAY_S = 86_400
DAY_NL, MAX_NL = 400_000, 200_000
IMPATIENT_S = 25
ROUNDING_S = 0.001


class Started:
    """A bolus whose first slice the motor has begun, at this powered-on second."""

    def __init__(self, at_s: float, token: str, purpose: str, size: tuple) -> None:
        self.at_s, self.token, self.purpose = at_s, token, purpose
        self.volume_nl, self.steps = size


class Bedside:
    """The pump, and an observer who counts by motor and watch, never by what the pump believes."""

    def __init__(self, demand: tuple) -> None:
        self.dose_nl, self.duration_s, self.lockout_s, self.most = demand
        self.before_s, self.before_steps, self.cuts = 0.0, 0, 0
        self.started: list[Started] = []
        self.pump = ready(self.program(), MONDAY_UTC_S)
        self.watch()
        self.begin()

    def program(self) -> Program:
        made = with_settings(constant(0), demand_on=1, demand_nl=self.dose_nl, demand_s=self.duration_s, lockout_s=self.lockout_s)
        made.after_power_loss = "resume"
        return with_settings(made, demand_per_day=self.most, bolus_max_nl=MAX_NL, bolus_day_nl=DAY_NL)

    def watch(self) -> None:
        turn = self.pump.pump.turn

        def watched() -> None:
            try:
                turn()
            finally:
                self.look()

        self.pump.pump.turn = watched

    def look(self) -> None:
        orders = self.pump.pump.delivery.orders
        now_ms = self.pump.board.clock.uptime_ms()
        for bolus in (orders.bolus, orders.extended):
            begun = bolus is not None and bolus.planned_steps and now_ms >= bolus.begins_at_ms
            if begun and bolus.token not in [one.token for one in self.started]:
                at_s = self.before_s + bolus.begins_at_ms / 1000
                self.judge(Started(at_s, bolus.token, bolus.purpose, (bolus.volume_nl, bolus.steps)))

    def judge(self, new: Started) -> None:
        recent = [one for one in self.started if new.at_s - one.at_s < DAY_S - ROUNDING_S]
        self.started.append(new)
        assert sum(one.volume_nl for one in [*recent, new]) <= DAY_NL
        if new.purpose == "demand":
            demands = [one for one in recent if one.purpose == "demand"]
            assert len(demands) < self.most
            assert not demands or new.at_s - demands[-1].at_s >= self.lockout_s - ROUNDING_S

    def made_steps(self) -> int:
        return self.before_steps + (self.pump.plant_steps() if self.pump.pump.selftest.done else 0)

    def check(self) -> None:
        """Only boluses move this pump: never more than began, never more than the pump has booked."""
        made = self.made_steps()
        assert made <= sum(one.steps for one in self.started)
        if self.pump.pump.selftest.done:
            assert self.pump.pump.position_steps() >= made

    def do(self, what: tuple) -> None:
        """Make one random order, mostly presses and manual boluses; the pump may refuse it."""
        kind, *values = what
        pump = self.pump
        if kind == "press":
            for _ in range(values[0]):
                pump.board.buttons.bolus = True
                pump.advance(IMPATIENT_S)
        elif kind == "stop":
            pump.call("stop")
        elif kind == "start":
            for _ in range(5):
                self.ask("start", volume_nl=values[0], rate_nl=6_000_000)
                pump.advance(130)
        elif kind == "demand":
            self.ask(kind)
        else:
            self.ask(kind, volume_nl=values[0], duration_s=values[1])
        self.check()

    def ask(self, kind: str, **params: int) -> None:
        self.pump.ask("bolus." + kind, token=self.pump.token(), **params)

    def wait(self, duration_s: float) -> None:
        self.pump.advance(duration_s)
        self.check()

    def truth(self) -> tuple:
        """Return the facts of this moment: powered-on time, steps, wall time, boluses begun."""
        clock = self.pump.board.clock
        return self.before_s + clock.now_us / 1e6, self.made_steps(), clock.utc_s(), list(self.started)

    def cut(self, image: bytes, truth: tuple, off_s: int, known: bool) -> None:
        """Cut the power at these facts, restore it, and start therapy again if it does not resume."""
        self.before_s, self.before_steps, utc_s, self.started = truth
        self.cuts += 1
        self.pump = Watched(image, utc_s + off_s if known else 0)
        self.watch()
        self.begin()

    def begin(self) -> None:
        self.pump.advance(70)
        assert not self.pump.pump.alarms.stopping(), self.pump.alarms()
        if self.pump.state() == "stopped":
            self.pump.call("start")
            self.pump.advance(1)
        self.check()


WAITS_S = st.one_of(st.integers(1, 900), st.integers(1, 900), st.integers(20_000, 85_000))
ORDERS = st.one_of(
    st.tuples(st.just("press"), st.integers(1, 60)),
    st.tuples(st.just("press"), st.integers(1, 60)),
    st.just(("demand",)),
    st.just(("stop",)),
    st.tuples(st.just("start"), st.integers(100_000, 220_000)),
    st.tuples(st.just("extended"), st.integers(20_000, 250_000), st.integers(600, 4000)),
)
# (which flash operation of the order and the 20 s after it is cut, or none; torn or not begun; time off; time known)
CUTS = st.one_of(st.none(), st.tuples(st.integers(0, 200), st.booleans(), st.integers(1, 100_000), st.booleans()))
DEMANDS = st.tuples(st.integers(20_000, 100_000), st.integers(60, 300), st.integers(301, 1500), st.integers(1, 4))


def step(bedside: Bedside, wait_s: int, what: tuple, cut: tuple | None) -> None:
    bedside.wait(wait_s)
    chip, image = bedside.pump.board.chip, bedside.pump.image()
    chip.record(bedside.truth)
    bedside.do(what)
    bedside.wait(20)
    log, chip.log = chip.log, None
    if cut:
        operation, torn, off_s, known = cut
        states = [(flash, then) for _, half, flash, then in images_at_each_operation(image, log) if half == torn]
        states.append((bedside.pump.image(), bedside.truth()))
        bedside.cut(*states[operation % len(states)], off_s, known)
    elif bedside.pump.state() == "stopped":
        bedside.begin()


@pytest.mark.rule("R5")
@pytest.mark.rule("R8")
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(DEMANDS, st.lists(st.tuples(WAITS_S, ORDERS, CUTS), min_size=2, max_size=10))
@pytest.mark.long
def test_no_cut_and_no_lost_clock_ever_gives_one_dose_more(demand: tuple, story: list) -> None:
    bedside = Bedside(demand)
    for wait_s, what, cut in story:
        step(bedside, wait_s, what, cut)
    bedside.wait(4000)


def test_the_watch_is_not_blind() -> None:
    """In a known story the observer sees every bolus that was ordered and given, across two cuts."""
    bedside = Bedside((60_000, 60, 400, 4))
    for cut in (None, (-1, False, 10, True), (-1, True, 10, False), None):
        step(bedside, 900, ("press", 1), cut)
    assert len(bedside.started) == 4 and bedside.cuts == 2 and bedside.before_steps > 0
