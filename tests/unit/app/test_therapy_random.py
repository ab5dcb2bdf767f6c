"""Random programs and orders on the pump, on CPython, against the reference model (tests/support/models/therapy.py)."""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pumpcore.program import packing as programs
from support.models.therapy import Plan, Rules
from support.programs import MONDAY_UTC_S, day, with_settings
from support.pump.running import Watched, ready
from support.rig.therapy_week import SLICE_S, Week

FILLED_NL = 30_000_000
CEILING_NL = 9_000_000  # the highest basal and the fastest demand bolus together


class Desk:
    """The part of a device that Week needs, on the unit pump."""

    def __init__(self, pump: Watched) -> None:
        self.pump = self.client = self.sim = pump
        self.bolus_token = lambda: pump.token()
        self.status = lambda: pump.call("status")
        self.start = lambda: pump.call("start")
        self.client = self.sim = self

    def ask_raw(self, method: str, **params: object) -> dict:
        return self.pump.ask(method, **params)

    def run_for(self, duration_s: float) -> None:
        self.pump.advance(duration_s)

    def advance_by(self, duration_ms: int) -> None:
        self.pump.advance(duration_ms / 1000)

    def plant_steps(self) -> int:
        return self.pump.plant_steps()

    def press_bolus(self) -> None:
        self.pump.board.buttons.bolus = True

    def wait_until_idle(self) -> None:
        self.pump.advance(0.001)

    def journal(self, ring: str, from_sequence: int) -> list:
        return [(None, [record for record in self.pump.journal(ring) if record.sequence >= from_sequence])]

    def upload(self, packed: bytes) -> None:
        self.pump.upload(programs.unpack(packed))



def widely(low: int, high: int) -> st.SearchStrategy:
    """Hypothesis prefers small numbers. This gives as many near the upper end, so that some orders exceed the ceiling."""
    return st.one_of(st.integers(low, high), st.integers(0, high - low).map(lambda less: high - less))


RATES = widely(0, 3_000_000)
ROWS = st.lists(RATES, min_size=3, max_size=3).map(lambda rates: tuple(zip((0, 13, 31), rates)))
WAITS_S = st.integers(1, 900)
ORDERS = st.one_of(
    st.tuples(st.just("manual"), st.integers(50_000, 400_000), widely(1_000_000, 8_000_000)),
    st.tuples(st.just("extended"), st.integers(20_000, 350_000), st.integers(600, 4000)),
    st.tuples(st.just("demand")),
    st.tuples(st.just("press")),
    st.tuples(st.just("cancel_rate")),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("rate"), st.integers(60, 1500), RATES),
    st.tuples(st.just("part"), st.integers(60, 1500), widely(0, 12), st.integers(1, 9)),
)


# above the ceiling together but not alone, with entries that come meanwhile
SLOW, DEMAND = ((0, 300_000), (13, 2_500_000), (31, 1_000)), (50_000, 100, 600, 4)


def plan(rows: tuple) -> Plan:
    return Plan(3600, tuple((d * 1440 + minute, rate) for d in range(7) for minute, rate in rows))


def week_of(rows: tuple, demand: tuple) -> Week:
    made = with_settings(day(*((0, minute, rate) for minute, rate in rows)), capacity_nl=FILLED_NL, low_nl=2_000_000, empty_nl=500_000)
    dose_nl, duration_s, lockout_s, most = demand
    with_settings(made, demand_on=1, demand_nl=dose_nl, demand_s=duration_s, lockout_s=lockout_s, demand_per_day=most)
    made.max_rate_nl = CEILING_NL
    with_settings(made, bolus_max_nl=300_000, bolus_day_nl=900_000, tolerance_nl=100_000)
    pump = ready(made, MONDAY_UTC_S - 1)
    rules = Rules(CEILING_NL, demand, 300_000, 900_000, FILLED_NL, 2_000_000, 500_000)
    week = Week(Desk(pump), plan(rows), rules)
    week.refill(0, FILLED_NL)
    week.start(0, (0, None))
    return week


def order(week: Week, what: tuple) -> None:
    """Order it: done or refused exactly as the model says. Week compares the steps."""
    kind, *values = what
    live, now = week.span, week.second() + SLICE_S
    if kind == "cancel_rate":
        if live.temporaries and live.temporaries[-1].end_s > now:
            week.cancel_temporary()
    elif kind == "cancel":
        if live.doses and live.doses[-1].cancel_s is None and 0 < live.active(live.doses[-1], now) < live.doses[-1].duration_s():
            week.cancel()
    elif kind == "rate":
        week.temporary(values[0], rate_nl=values[1])
    elif kind == "part":
        week.temporary(values[0], numerator=values[1], denominator=values[2])
    else:
        getattr(week, kind)(*values)


@pytest.mark.rule("R4")
@pytest.mark.rule("R5")
@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(
    ROWS,
    st.tuples(st.integers(20_000, 100_000), st.integers(60, 300), st.integers(301, 1500), st.integers(1, 4)),
    st.lists(st.tuples(WAITS_S, ORDERS), min_size=1, max_size=8),
)
@example(SLOW, DEMAND, [(100, ("rate", 600, 3_000_000)), (20, ("manual", 300_000, 7_000_000))])
@example(SLOW, DEMAND, [(100, ("part", 600, 12, 1)), (20, ("manual", 300_000, 8_000_000))])
@example(SLOW, DEMAND, [(100, ("manual", 300_000, 7_000_000)), (20, ("rate", 600, 3_000_000))])
@example(SLOW, DEMAND, [(700, ("manual", 300_000, 8_000_000)), (300, ("cancel",)), (60, ("part", 1200, 1, 9)), (30, ("cancel_rate",))])
def test_random_orders_give_what_the_model_says(rows: tuple, demand: tuple, orders: list) -> None:
    week = week_of(rows, demand)
    for wait_s, what in orders:
        week.go_to(int(week.second()) + wait_s)
        order(week, what)
    week.go_to(int(week.second()) + 1800)
    week.check_records()
    assert week.looks and Fraction(0) <= week.carried.least < 1
