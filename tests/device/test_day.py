"""A day at each of three rates in virtual time: steps ordered, counted by the guard and made by the motor; and the time it took.

At the beginning of each entry, by the pump's own clock, the three must be equal and less than one step from the rational volume.
"""

import time
from fractions import Fraction

import pytest

from support.programs import MINUTES_PER_DAY, MONDAY_UTC_S, every_day, resuming
from support.rig.benches import named
from support.rig.device import Device, Figures
from support.some import some_of
from thecal.tools.demo.clockwork import advance_to_uptime

pytestmark = [pytest.mark.needs("plant", "free_time"), pytest.mark.rule("R3"), pytest.mark.rule("R4")]
S_PER_DAY, MS_PER_S = 86_400, 1000
GUEST_TARGET_S, GUEST_LIMIT_S = 3.0, 12.0  # a busy machine computes slower
# 1 uL/day, 0.1 mL/h and 3 mL/h are the highest of their day; the others are awkward fractions of it
RATES_NL = {"1 uL per day": 1_000, "0.1 mL per h": 100_000 * 24, "3 mL per h": 3_000_000 * 24}  # nl per day


def entries(highest_nl_per_day: int) -> list[tuple[int, int]]:
    """Return (minute of day, nl per day), from midnight on."""
    return [(0, highest_nl_per_day), (337, highest_nl_per_day * 3 // 7), (338, highest_nl_per_day), (1020, highest_nl_per_day * 5 // 11)]


class Books:
    """(ordered, guard, true) steps at the beginning of each entry."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.pair = device.calibration()
        self.guard_before = 0
        self.rows: list[tuple[int, int]] = []

    def begin(self) -> None:
        """Find the uptime of midnight from the first entry's record."""
        self.device.run_for(2)
        first = self.device.records("entry")[0]
        assert first.utc_s == MONDAY_UTC_S
        self.origin_ms = first.uptime_ms
        self.guard_before = self.device.client.status()["guard_steps"] - self.device.client.status()["delivered_steps"]

    def look_at(self, second_s: int) -> None:
        advance_to_uptime(self.device.sim, self.device.client, self.origin_ms + second_s * MS_PER_S)
        status = self.device.client.status()
        self.rows.append((status["guard_steps"] - self.guard_before, self.device.sim.plant_steps()))

    def check(self, plan: list[tuple[int, int]]) -> None:
        ordered = [record.fields["ordered_steps"] for record in self.device.records("entry")][1:]
        assert len(ordered) == len(self.rows) == len(plan)
        volume = Fraction(0)
        ends = [minute for minute, _ in plan[1:]] + [MINUTES_PER_DAY]
        for (minute, rate_nl), end, ordered_steps, (guard_steps, plant_steps) in zip(plan, ends, ordered, self.rows):
            volume += Fraction(rate_nl * (end - minute) * 60, S_PER_DAY)
            assert ordered_steps == guard_steps == plant_steps, (minute, ordered_steps, guard_steps, plant_steps)
            assert 0 <= volume * self.pair.steps / self.pair.volume_nl - plant_steps < 1


@pytest.mark.parametrize("name", some_of(RATES_NL, 3))
def test_a_day_is_exact_at_every_entry_and_takes_a_few_seconds(name: str, record_property: Figures) -> None:
    ceilings = {"day_nl": 80_000_000}
    plan = entries(RATES_NL[name])
    program = every_day(*plan)
    program.rate_seconds_s = S_PER_DAY
    with Device(named(**ceilings)) as device:
        device.begin(program)
        books = Books(device)
        books.begin()
        guest_s, wall_s = device.sim.guest_time_s(), time.monotonic()
        for minute, _ in plan[1:]:
            books.look_at(minute * 60)
        books.look_at(S_PER_DAY)
        guest_s, wall_s = device.sim.guest_time_s() - guest_s, time.monotonic() - wall_s
        device.run_for(4)
        books.check(plan)
        steps = books.rows[-1][1]
    took = f"{guest_s:.2f} s of guest time (target {GUEST_TARGET_S:g}), wall {wall_s:.1f} s"
    record_property("figure", f"24 h at {name}: {steps} steps in {took}")
    assert guest_s < GUEST_LIMIT_S


def a_life(seed: int) -> tuple[bytes, bytes, bytes]:
    """Return both journals' raw bytes and the flash image after some hours with a bolus, a cut, an alarm."""
    with Device(seed=seed) as device:
        device.begin(resuming(every_day((0, 500_000), (61, 1_234_567))))
        device.run_for(3000)
        token = device.client.bolus_token()
        device.client.bolus_start(token, 123_456, 4_000_000)
        device.run_for(2000.123)
        device.power_cycle(77)
        device.run_for(3000)
        device.sim.press_stop()
        device.run_for(301)
        return device.raw_journal("events"), device.raw_journal("faults"), device.sim.flash_image()


def test_the_same_prescription_and_seed_give_the_same_journal_byte_for_byte(record_property: Figures) -> None:
    first, again, other = a_life(5), a_life(5), a_life(6)
    assert len(first[0]) > 1000
    assert first == again
    assert first[0] != other[0]
    assert first[1] != other[1]
    record_property("figure", f"same seed: {len(first[0])} + {len(first[1])} journal bytes and the whole flash identical")
