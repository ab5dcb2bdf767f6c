"""A whole week with every mode through the real firmware, step for step against a reference written from the rules.

The model is in tests/support/models/therapy.py: fractions, no slices, no leases. Between two whole seconds the motor may differ by one step
for each running source (a slice spreads the steps of all its sources evenly). At entries and at the ends of boluses and temporary rates
nothing may differ.
"""

import math
import time
from fractions import Fraction

import pytest

from pumpcore.program import packing as programs
from pumpcore.program.settings import Settings
from support.models.therapy import Front, Plan, Rules
from support.programs import every_day, resuming
from support.replies import fault_of
from support.rig.device import Device, Figures
from support.rig.therapy_week import LEASE_S, Week

pytestmark = [pytest.mark.needs("plant", "free_time"), pytest.mark.rule("R4"), pytest.mark.rule("R5"), pytest.mark.rule("R7")]

HOUR, DAY = 3600, 86_400
BEGIN_UTC_S = 1_774_220_400  # 2026-03-22 23:00 UTC: Monday 00:00 in Berlin, in the week of the change to summer time
WINTER, SUMMER = 3600, 7200
CHANGE = (1_774_746_000, SUMMER)  # 2026-03-29 01:00 UTC: 02:00 becomes 03:00
DEMAND = (40_001, 240, HOUR, 3)
LINE_NL = 140_000 + 199_000
RULES = Rules(10_000_000, DEMAND, 300_000, 900_000, 20_000_000, 2_000_000, 500_000)
FIRST = ((0, 123_457), (390, 300_003), (540, 90_000), (1035, 250_001), (1320, 60_007))
SECOND = ((0, 60_000), (150, 71_003), (420, 200_001), (720, 0), (1200, 80_001))


def made(rows: tuple[tuple[int, int], ...], mass_ng: int = 500) -> programs.Program:
    program = resuming(every_day(*rows))
    program.concentration = (mass_ng, 1_000_000)
    program.settings = settings = Settings(library="bench fluids")
    settings.library_version = 1
    settings.demand_on, (settings.demand_nl, settings.demand_s, settings.lockout_s, settings.demand_per_day) = 1, DEMAND
    settings.bolus_max_nl, settings.bolus_day_nl = RULES.bolus_max_nl, RULES.bolus_day_nl
    settings.capacity_nl, settings.low_nl, settings.empty_nl = RULES.capacity_nl, RULES.low_nl, RULES.empty_nl
    settings.tolerance_nl, settings.line_day, settings.tubing_nl, settings.catheter_nl = 100_000, 20_000, 140_000, 199_000
    return program


def plan(rows: tuple[tuple[int, int], ...]) -> Plan:
    return Plan(3600, tuple((day * 1440 + minute, rate) for day in range(7) for minute, rate in rows))


@pytest.fixture
def week(device: Device) -> Week:
    """Filled with 13.5 mL, primed, started on Monday at midnight, local time."""
    device.upload(made(FIRST))
    device.client.clock_set(BEGIN_UTC_S, WINTER)
    week = Week(device, plan(FIRST), RULES)
    week.refill(0, 13_500_000)
    assert week.ask("bolus.prime", rate_nl=3_600_000, again=0)["ordered_steps"] == LINE_NL * week.pair.steps // week.pair.volume_nl
    device.run_for(600)
    assert device.sim.plant_steps() == LINE_NL * week.pair.steps // week.pair.volume_nl
    assert week.ask("bolus.prime", rate_nl=3_600_000, again=0)["refused"]["fault"] == "primed_already"
    device.client.clock_set(BEGIN_UTC_S, WINTER)
    week.start(BEGIN_UTC_S, (WINTER, None))
    return week


def monday(week: Week) -> None:
    """Demand boluses by host and button: lockout, count of a day; manual and demand interrupt an extended one."""
    week.go_to(2 * HOUR)
    assert week.demand() == ""
    week.go_to(2 * HOUR + 100)
    assert week.demand() in ("bolus_active", "demand_locked")
    week.go_to(2 * HOUR + 1200)
    assert week.press() == "pressed early" and week.demand() == "demand_locked"
    week.go_to(3 * HOUR + 60)
    assert week.press() == ""
    week.go_to(8 * HOUR + 17)
    assert week.manual(60_000, 3_600_000) == "" and week.manual(60_000, 3_600_000) == "bolus_active"
    week.go_to(8 * HOUR + 1800)
    assert week.extended(200_003, 2 * HOUR) == "" and week.extended(1000, 600) == "extended_active"
    week.go_to(8 * HOUR + 3311)
    assert week.manual(70_001, 1_800_000) == ""
    week.go_to(9 * HOUR + 1801)
    assert week.demand() == ""
    week.go_to(12 * HOUR)
    assert week.demand() == "demand_count" and week.press() == "pressed early"
    assert week.manual(300_001, 3_600_000) == "bolus_above_max"


def tuesday(week: Week) -> None:
    """Temporary rates across an entry: a part of the basal, and a rate that is cancelled."""
    week.go_to(16 * HOUR)
    assert week.temporary(3 * HOUR, numerator=1, denominator=3) == ""
    assert week.temporary(600, rate_nl=5) == "temporary_active"
    week.go_to(17 * HOUR)
    assert week.manual(299_999, 2_000_003) == ""
    week.go_to(18 * HOUR)
    assert week.manual(200_000, 3_600_000) == "bolus_day"
    week.go_to(DAY + 5 * HOUR)
    assert week.temporary(4 * HOUR, rate_nl=123_459) == ""
    week.go_to(DAY + 7 * HOUR + 29)
    week.cancel_temporary()
    week.go_to(DAY + 10 * HOUR)
    assert week.extended(150_000, 3 * HOUR) == ""
    week.go_to(DAY + 11 * HOUR)
    week.cancel()
    week.go_to(DAY + 11 * HOUR + 120)
    week.check_records()


def wednesday(week: Week) -> None:
    """Another program of the same drug takes over at a lease boundary, while a zero rate of an hour waits at noon."""
    week.go_to(2 * DAY + 10 * HOUR + 13)
    week.change_program(programs.pack(made(SECOND)), plan(SECOND))
    week.go_to(2 * DAY + 13 * HOUR)
    assert week.extended(100_001, 5 * HOUR) == "" and week.demand() == ""
    week.go_to(2 * DAY + 21 * HOUR)


def thursday(week: Week) -> None:
    """The power fails in the middle of a dose for an hour: the dose is not repeated, its lockout and its count stay."""
    week.go_to(3 * DAY + 9 * HOUR)
    assert week.demand() == ""
    week.go_to(3 * DAY + 9 * HOUR + 100)
    week.lose_power(HOUR, (WINTER, None), lambda: week.device.state() == "running")
    assert week.demand() == "demand_locked" and week.press() == "pressed early"
    week.go_to(HOUR)
    assert week.demand() == ""
    week.go_to(20 * HOUR)


def friday(week: Week) -> None:
    """A residual without a reason blocks the start; then the pump runs into the night of the change to summer time."""
    week.stop()
    left_nl = week.tank.left_nl(week.base_steps)
    assert week.refill(left_nl - 300_000, 5_000_000 - left_nl)["blocks"] == 1
    assert fault_of(week.device.ask_raw("start")) == "refill_blocks"
    assert week.device.ask_raw("reservoir.acknowledge", reason="spilt")["result"] == {"blocks": 0}
    utc_s = week.device.client.status()["utc_s"]
    week.device.client.clock_set(utc_s, WINTER, *CHANGE)
    week.start(utc_s, (WINTER, CHANGE))
    week.go_to(20 * HOUR)
    assert week.manual(100_000, 3_600_000) == ""


def weekend(week: Week) -> None:
    """Summer time while running; low, with boluses refused and the basal going on; empty, with an alarm; refilled, on to midnight."""
    ends_s = BEGIN_UTC_S + 7 * DAY - HOUR - week.span.wall.utc_s
    while week.tank.left_nl(week.device.client.status()["delivered_steps"]) > RULES.low_nl:
        week.go_to(int(week.second()) + HOUR)
    assert week.manual(60_000, 3_600_000) == "reservoir_is_low" and week.press() == "pressed early"
    assert "reservoir_low" in week.device.alarms() and week.device.state() == "running"
    week.check_records()
    empty_s = week.empty_second()
    assert empty_s < ends_s
    week.go_to(empty_s - LEASE_S)
    week.device.run_for(2 * LEASE_S)
    assert week.device.state() == "alarm" and "reservoir_empty" in week.device.alarms()
    left_nl = week.tank.left_nl(week.ended())
    assert left_nl == week.device.client.status()["therapy"]["reservoir"]["left_nl"]
    assert RULES.empty_nl <= left_nl <= RULES.empty_nl + LEASE_S * max(rate for _, rate in SECOND) // 3600
    assert week.refill(left_nl, 1_000_000)["blocks"] == 0
    week.device.client.ack(660)
    week.start(0, (SUMMER, None))
    week.go_to(BEGIN_UTC_S + 7 * DAY - HOUR - week.span.wall.utc_s)


def next_monday(week: Week) -> None:
    """A stronger drug: the old content of the line is delivered at its own dose, with nothing else beside it."""
    week.stop()
    left_nl = week.tank.left_nl(week.base_steps)
    assert week.refill(left_nl, 3_000_000)["blocks"] == 0
    week.cross(programs.pack(made(FIRST, 1150)), plan(FIRST), Front(LINE_NL, Fraction(1150, 500)))
    week.go_to(1000)
    assert week.ask("bolus.start", volume_nl=60_000, rate_nl=3_600_000)["refused"]["fault"] == "bridge_running"
    while not week.records("front_passed"):
        week.go_to(math.floor(week.second()) + 900)
    week.check_records()
    week.go_to(math.floor(week.second()) + 2 * HOUR)
    assert week.manual(60_000, 3_600_000) == ""
    week.stop()


@pytest.mark.long
def test_a_week_with_every_mode_step_for_step(week: Week, record_property: Figures) -> None:
    begun_s = time.perf_counter()
    for part in (monday, tuesday, wednesday, thursday, friday, weekend, next_monday):
        part(week)
        week.check_records() if week.live else None
        print(part.__name__, round(time.perf_counter() - begun_s, 1))
    took_s = time.perf_counter() - begun_s
    figure = f"a week with every mode: {took_s:.1f} s, {week.looks} looks, {week.exact} exact sums, {len(week.refused)} refusals"
    record_property("figure", figure)
