"""R2: delivered <= leased, always; a lease is durable before its first step; what is open is bounded and counted as uncertain."""

import pytest

from support.programs import constant
from support.pump.running import BENCH, UnitPump, again

pytestmark = pytest.mark.rule("R2")
RATES = [701, 900_000, 36_000_000, 500_000_000]
STEPS, VOLUME_NL = BENCH["calibration"]["steps"], BENCH["calibration"]["volume_nl"]


def steps_in(rate_nl: int, duration_s: int) -> int:
    """Return the whole steps of `rate_nl` per hour in `duration_s`, rounded up."""
    return -(-rate_nl * duration_s * STEPS // (3600 * VOLUME_NL))


def watch_leases(pump: UnitPump, write: object, seen: list) -> object:
    """Note by how much each record books more than the generator has received."""

    def noting(record: object) -> None:
        seen.append(record.leased_steps - pump.queued_steps())
        write(record)

    return noting


@pytest.mark.parametrize("rate_nl", RATES)
def test_everything_in_the_queue_is_leased_on_flash(rate_nl: int) -> None:
    pump = UnitPump.running(constant(rate_nl))

    def look() -> None:
        assert pump.queued_steps() <= pump.on_flash().leased_steps

    pump.each_turn(200, look)
    assert pump.plant_steps() > 0


@pytest.mark.parametrize("rate_nl", RATES)
def test_a_lease_of_basal_is_a_minute(rate_nl: int) -> None:
    pump, seen = UnitPump.running(constant(rate_nl)), []
    files = pump.pump.delivery.leases.files
    files.write = watch_leases(pump, files.write, seen)
    pump.advance(400)
    assert len(seen) >= 6
    assert max(seen) <= steps_in(rate_nl, 60) + 1 + 1


def test_a_lease_of_a_bolus_is_a_twentieth_of_it_and_five_seconds() -> None:
    for volume_nl, rate_nl in ((60_000, 4_000_000), (600_000, 4_000_000)):
        pump, seen = UnitPump.running(constant(0)), []
        pump.advance(70)
        files = pump.pump.delivery.leases.files
        pump.order(volume_nl, rate_nl)
        files.write = watch_leases(pump, files.write, seen)
        pump.advance(volume_nl * 3600 // rate_nl + 10)
        steps = volume_nl * STEPS // VOLUME_NL
        assert pump.plant_steps() == steps
        assert max(seen) <= min(steps_in(rate_nl, 5), steps // 20 + 1) + 1


def test_the_guard_lets_pass_one_step_less_than_flash_books() -> None:
    pump = UnitPump.running(constant(36_000_000))
    base = pump.board.guard.count() - pump.plant_steps()

    def look() -> None:
        if pump.pump.delivery.span is not None and pump.pump.delivery.span.planned_s:
            assert pump.board.guard.allowance_steps - base + 1 <= pump.on_flash().leased_steps

    pump.each_turn(200, look)


@pytest.mark.parametrize("rate_nl", RATES)
def test_only_what_was_made_is_confirmed(rate_nl: int) -> None:
    pump, seen = UnitPump.running(constant(rate_nl)), []
    files = pump.pump.delivery.leases.files
    write = files.write

    def noting(record: object) -> None:
        seen.append(record.confirmed_steps - pump.plant_steps())
        write(record)

    files.write = noting
    pump.advance(200)
    assert len(seen) >= 3
    assert max(seen) <= 0


@pytest.mark.parametrize("at_s", [0.5, 3.7, 59.9, 61.2, 130.4])
def test_a_cut_leaves_confirmed_below_and_leased_above_the_truth(at_s: float) -> None:
    pump = UnitPump.running(constant(500_000_000))
    pump.advance(at_s)
    made = pump.plant_steps()
    booted = again(pump)
    boot = [record.fields for record in booted.journal() if record.name == "boot"][-1]
    assert boot["confirmed_steps"] <= made <= boot["leased_steps"]
    assert boot["uncertain_steps"] == boot["leased_steps"] - boot["confirmed_steps"]
    assert booted.call("status")["uncertain_steps"] == boot["uncertain_steps"]


def test_after_a_cut_the_open_part_counts_as_delivered() -> None:
    pump = UnitPump.running(constant(500_000_000))
    pump.advance(61)
    made = pump.plant_steps()
    booted = again(pump)
    assert booted.call("status")["delivered_steps"] == pump.on_flash().leased_steps >= made
    once_more = again(booted)
    assert once_more.call("status")["uncertain_steps"] == booted.call("status")["uncertain_steps"]
