"""Ramps in a running pump: fast basal, boluses and their ends, read from the generator's items."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest

from pumpcore.bench.bench import Bench
from pumpcore.motion import profile
from pumpcore.program import packing
from support.models.ramp import Ideal
from support.programs import constant, day
from support.protocols import staged
from support.pump.running import BENCH, UnitPump
from support.replies import fault_of

pytestmark = pytest.mark.rule("R4")
START_HZ, HZ_PER_S, MAX_HZ = 1_500, 20_000, 12_000
PLAIN = BENCH | {"motor": BENCH["motor"] | {"max_rate_hz": MAX_HZ}}
RIG = PLAIN | {"motor": PLAIN["motor"] | {"start_rate_hz": START_HZ, "acceleration_hz_per_s": HZ_PER_S}}
VOLUME_NL, STEPS = BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"]
US_PER_S = 1_000_000
GROUP_US = 10_000  # the longest group of a ramp on this rig


def nl_per_h(rate_hz: int) -> int:
    return rate_hz * 3600 * VOLUME_NL // STEPS


def running(new: packing.Program, bench: dict = RIG) -> tuple[UnitPump, list]:
    """Return a pump that runs `new`, and its generator's items from now on."""
    pump, given = UnitPump.ready(new, bench=bench), []
    queue = pump.board.stepper.queue
    pump.board.stepper.queue = lambda steps, duration_us: (given.append((steps, duration_us)), queue(steps, duration_us))
    pump.call("start")
    return pump, given


def jumps(items: list) -> list:
    """Return the places where the rate changes by more than the acceleration allows between the middles of two items.

    Up to the start rate any change is allowed. An item's rate is exact to 1 us of its length. A long item runs at one rate, so only its end
    can be part of a ramp.
    """
    found, before_hz, before_us = [], Fraction(0), 10 * US_PER_S
    for number, (steps, duration_us) in enumerate(items):
        rate_hz = Fraction(steps * US_PER_S, duration_us)
        change_hz = abs(max(rate_hz, START_HZ) - max(before_hz, START_HZ))
        unsure_hz = 2 * max(rate_hz, before_hz) * (Fraction(1, duration_us) + Fraction(1, before_us)) + 5
        between_us = (min(duration_us, GROUP_US) + min(before_us, GROUP_US)) // 2
        if change_hz > Fraction(HZ_PER_S * between_us, US_PER_S) + unsure_hz:
            found.append((number, int(before_hz), int(rate_hz)))
        before_hz, before_us = rate_hz, duration_us
    return found


def test_at_every_moment_the_count_is_within_a_step_of_the_plan_with_its_ramp() -> None:
    rate_nl = nl_per_h(8_000)
    pump, given = running(constant(rate_nl))
    pump.advance(0.001)
    made_us = sum([duration_us for _, duration_us in given])
    slope_hz = Fraction(rate_nl * STEPS, 3600 * VOLUME_NL)
    first = pump.pump.delivery.span.planned_s * slope_hz // 1
    ideal = Ideal(int(first), made_us, Decimal(START_HZ), Decimal(int(slope_hz * 10**6)) / 10**6, HZ_PER_S)
    due_us = [ideal.time_us(number) for number in range(1, int(first) + 1)]
    seen = 0
    for _ in range(300):
        pump.advance(0.0213)
        now_us = pump.board.clock.now_us - pump.pump.delivery.span.origin_ms * 1000
        while seen < len(due_us) and due_us[seen] <= now_us:
            seen += 1
        planned = seen if now_us < made_us else slope_hz * now_us / US_PER_S
        assert abs(pump.plant_steps() - planned) <= 1
    assert seen == first and jumps(given) == []


def test_without_its_ramp_the_same_run_jumps() -> None:
    """The measure itself: on a bench without a ramp, the same program jumps exactly once."""
    pump, given = running(constant(nl_per_h(8_000)), PLAIN)
    pump.advance(60)
    ((_, before_hz, rate_hz),) = jumps(given)
    assert before_hz == 0 and rate_hz >= 7_900


def test_a_schedule_runs_up_and_down_between_its_entries_and_loses_nothing() -> None:
    rows = [(0, minute, nl_per_h(rate_hz)) for minute, rate_hz in enumerate((900, 8_000, 1_200, 5_000, 8_900, 2_500, 0, 7_000, 0))]
    pump, given = running(day(*rows))
    pump.advance(11 * 60)
    assert jumps(given) == []
    begun_s = pump.pump.delivery.span.basal.week.begin_s
    planned = Fraction(sum([rate_nl for _, _, rate_nl in rows]) * 60 - begun_s * rows[0][2], 3600) * STEPS / VOLUME_NL
    assert pump.plant_steps() == pump.pump.delivery.span.ordered_steps and 0 <= planned - pump.plant_steps() < 1


@pytest.mark.parametrize("basal_hz", [0, 30, 2_000])
@pytest.mark.parametrize("tenths_s", [200, 203, 209, 305, 1_234])
def test_a_bolus_runs_up_and_down_also_when_its_last_second_is_not_full(basal_hz: int, tenths_s: int) -> None:
    pump, given = running(constant(nl_per_h(basal_hz)), RIG)
    pump.advance(10)
    rate_nl = nl_per_h(6_000)
    volume_nl = rate_nl * tenths_s // 36_000
    pump.order(volume_nl, rate_nl)
    pump.advance(tenths_s / 10 + 60)
    assert jumps(given) == []
    assert max([steps * US_PER_S // duration_us for steps, duration_us in given]) >= 6_000 + basal_hz
    assert pump.call("status")["state"] == "running" and pump.pump.delivery.orders.bolus.delivered_steps == volume_nl * STEPS // VOLUME_NL


def running_with_bolus() -> tuple[UnitPump, list, str]:
    """Return a pump 20 s after it began a bolus at 6,000 steps a second, the generator's items, and the bolus's token."""
    pump, given = running(constant(0))
    pump.advance(10)
    rate_nl = nl_per_h(6_000)
    token = pump.order(rate_nl // 12, rate_nl)
    pump.advance(20)
    return pump, given, token


def test_a_cancelled_bolus_ramps_down_when_the_end_of_its_lease_is_not_queued_yet() -> None:
    pump, given, token = running_with_bolus()
    span = pump.pump.delivery.span
    while span.planned_s >= span.lease_end_s:
        pump.advance(0.05)
    promised = pump.call("bolus.cancel", token=token)["planned_steps"]
    pump.advance(30)
    assert jumps(given) == [] and pump.pump.delivery.orders.bolus.delivered_steps == promised


def test_a_cancellation_behind_that_ends_abruptly_and_loses_nothing() -> None:
    pump, given, token = running_with_bolus()
    span = pump.pump.delivery.span
    while span.planned_s < span.lease_end_s:
        pump.advance(0.05)
    promised = pump.call("bolus.cancel", token=token)["planned_steps"]
    pump.advance(30)
    ((_, before_hz, after_hz),) = jumps(given)
    assert before_hz >= 5_999 and after_hz == 0 and pump.pump.delivery.orders.bolus.delivered_steps == promised


def test_up_to_the_start_rate_a_ramp_changes_no_item() -> None:
    rows = [(0, minute, nl_per_h(rate_hz) + 7) for minute, rate_hz in enumerate((0, 3, 1_499, 77, 1_000, 0, 11))]
    queued = []
    for bench in (PLAIN, RIG):
        pump, given = running(day(*rows), bench)
        pump.advance(9 * 60)
        queued.append(given)
    assert queued[0] == queued[1] and len(queued[0]) > 120


def test_staging_leaves_room_for_the_ramp_and_names_the_nearest_rate() -> None:
    highest_hz = profile.highest_rate_hz(Bench(RIG))
    assert START_HZ < highest_hz < MAX_HZ - profile.SLACK_HZ
    pump = UnitPump.ready(constant(1_000), bench=RIG)
    reply = pump.judge(constant(nl_per_h(MAX_HZ)))
    assert fault_of(reply) == "rate_above_motor"
    nearest_nl = reply["error"]["data"]["nearest_nl"]
    assert abs(Fraction(nearest_nl * STEPS, 3600 * VOLUME_NL) - highest_hz) < 1
    pump, given = running(constant(nearest_nl), RIG)
    pump.advance(100)
    assert jumps(given) == [] and all(steps * US_PER_S <= duration_us * MAX_HZ for steps, duration_us in given)


def test_a_protocol_up_to_the_highest_rate_never_jumps_and_delivers_its_volume() -> None:
    top_nl = nl_per_h(profile.highest_rate_hz(Bench(RIG))) - 2
    by_nl = 2 * 20 * (top_nl // 40)
    new = staged((20, 0, by_nl), (10, by_nl, by_nl), (20, by_nl, 0), (10, 0, 0), (10, nl_per_h(3_000), nl_per_h(3_000)), loops=((0, 4, 2),))
    pump, given = running(new)
    pump.advance(new.protocol.end_s() + 5)
    assert pump.state() == "stopped" and pump.alarms() == []
    assert pump.plant_steps() == new.protocol.total_nl_s() * STEPS // (3600 * VOLUME_NL)
    after_dwells = [(steps, us + (before[1] if not before[0] and steps == 1 else 0)) for before, (steps, us) in pairwise([(1, 1), *given])]
    assert jumps(after_dwells) == []
