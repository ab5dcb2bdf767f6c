"""Protocols on a pump at its real port: ramp, loop, hold, start, cut and resume, lost clock, orders on top; the motor is the witness."""

from fractions import Fraction
from itertools import accumulate, chain, islice, repeat

import pytest

from pumpcore.program import packing
from pumpcore.program.forecast import Forecast
from pumpcore.program.plan import Program
from pumpcore.program.protocol import AFTER, AT, HOLD
from pumpcore.program.schedule import Zone
from support.models import protocols as reference
from support.programs import MONDAY_UTC_S, resuming
from support.protocols import in_words, staged
from support.rig.benches import NO_CLOCK
from support.rig.device import Device, Figures
from thecal.sim.guest.flash import BLOCKS

pytestmark = pytest.mark.needs("plant", "free_time")
ML_H = 1_000_000


def pulses(**kinds: object) -> Program:
    """Return a ramp of 2 min up to 1 mL/h, then three times 30 s on and 50 s off, then a ramp down."""
    return staged((120, 0, 960_000), (30, ML_H, ML_H), (50, 0, 0), (60, 960_000, 0), loops=((1, 2, 3),), **kinds)


class Plan:
    """The steps of the reference by any second of a protocol."""

    def __init__(self, device: Device, made: Program, longest_s: int = 5000) -> None:
        pair, (stages, loops, held) = device.calibration(), in_words(made)
        self.per_nl = Fraction(pair.steps, pair.volume_nl)
        rates = islice(chain(reference.rates(stages, loops, held), repeat(Fraction(0))), longest_s)
        self._sums = [Fraction(0), *accumulate(rate * self.per_nl for rate in rates)]
        self.total = self._sums[-1]

    def holds(self, made_steps: int, second_s: Fraction) -> bool:
        """Return True if the motor's steps are within one of the staircase, give or take a tenth of a second."""
        least, most = (max(Fraction(0), second_s + by) for by in (Fraction(-1, 10), Fraction(1, 10)))
        return self._by(least) - 1 <= made_steps <= self._by(most)

    def _by(self, second_s: Fraction) -> Fraction:
        whole = int(second_s)
        return self._sums[whole] + (second_s - whole) * (self._sums[whole + 1] - self._sums[whole])


def at_s(device: Device, begun_ms: int) -> Fraction:
    """Return the pump second."""
    return Fraction(device.client.status()["uptime_ms"] - begun_ms, 1000)


def begun_ms(device: Device) -> int:
    return next(record.uptime_ms for record in device.records("started"))


@pytest.mark.rule("R4")
@pytest.mark.rule("R1")
def test_a_protocol_is_delivered_within_one_step_and_ends_by_itself(record_property: Figures) -> None:
    with Device() as device:
        made = pulses()
        plan, before = Plan(device, made), device.sim.plant_steps()
        device.begin(made)
        begun = begun_ms(device)
        for wait_s in (1, 7, 30.5, 60.25, 21.25, 5, 20, 30, 17, 44.75, 100, 60):
            device.run_for(wait_s)
            assert plan.holds(device.sim.plant_steps() - before, at_s(device, begun)), wait_s
        device.run_for(60)
        assert device.state() == "stopped" and device.surely_disabled()
        assert device.sim.plant_steps() - before == int(plan.total)
        assert [record.fields["by"] for record in device.records("stopped")] == [5]
        entries = [record.fields["entry"] for record in device.records("entry")]
        assert entries == [0, 1, 2, 3], "a loop's stages are named in its first pass only"
    record_property("figure", f"protocol with ramps and a loop: {int(plan.total)} steps, every look within one step of the reference")


@pytest.mark.rule("R4")
def test_the_last_rate_is_held_and_boluses_come_on_top() -> None:
    with Device() as device:
        made = staged((20, 0, 0), (60, 0, 960_000), then=HOLD)
        plan, before = Plan(device, made), device.sim.plant_steps()
        device.begin(made)
        begun = begun_ms(device)
        device.run_for(65)
        token = device.order(20_000, 2 * ML_H)
        device.run_for(60)
        dose = int(20_000 * plan.per_nl)
        assert device.client.bolus_status(token)["state"] == "done"
        assert plan.holds(device.sim.plant_steps() - before - dose, at_s(device, begun))
        told = device.client.status()["protocol"]
        assert (told["stage"], told["left_s"], told["rate_nl"]) == (2, None, 960_000)
        device.run_for(900)
        assert plan.holds(device.sim.plant_steps() - before - dose, at_s(device, begun))
        assert device.state() == "running" and device.alarms() == []


@pytest.mark.rule("R11")
@pytest.mark.parametrize(("start", "value"), [(AFTER, 90), (AT, 2)])
def test_it_waits_for_its_start(start: int, value: int) -> None:
    with Device() as device:
        made = pulses()
        made.protocol.start, made.protocol.start_value = start, value
        before = device.sim.plant_steps()
        device.begin(made)
        device.run_for(60)
        told = device.client.status()["protocol"]
        assert told["stage"] is None and 25 <= told["waits_s"] <= 60 and device.sim.plant_steps() == before
        device.run_for(120)
        assert device.client.status()["protocol"]["stage"] == 0 and device.sim.plant_steps() > before


@pytest.mark.rule("R11")
@pytest.mark.needs("power_cut")
@pytest.mark.parametrize("cut_s", [1, 45, 121, 155, 171, 400])
def test_it_goes_on_at_the_end_of_the_broken_lease(cut_s: int) -> None:
    with Device() as device:
        made = resuming(pulses())
        plan = Plan(device, made)
        device.begin(made)
        device.run_for(cut_s)
        cut_steps = device.power_cycle(600)
        told = device.client.status()
        leased = device.records("boot")[-1].fields["leased_steps"]
        device.run_for(2)
        assert device.client.status()["protocol"] is not None or told["state"] == "stopped"
        resumed = device.sim.plant_steps()
        assert cut_steps <= leased and resumed - cut_steps < 100
        device.run_for(500)
        assert device.state() == "stopped"
        position = device.client.status()["delivered_steps"]
        assert int(plan.total) - 1 <= position <= max(int(plan.total), leased) + 1, "nothing twice, nothing caught up"


@pytest.mark.rule("R11")
@pytest.mark.needs("power_cut")
def test_a_cut_ends_it_unless_it_says_resume_and_a_lost_clock_does_not_matter_once_it_has_begun() -> None:
    with Device(NO_CLOCK) as device:
        device.begin(pulses())
        device.run_for(100)
        steps = device.power_cycle(60)
        device.run_for(100)
        assert (device.state(), device.sim.plant_steps()) == ("stopped", steps)
        assert "not_resumed" in device.alarms()
        for number in device.client.status()["alarms"]:
            device.client.ack(number)
        device.begin(resuming(pulses(), "resume"))
        device.run_for(100)
        device.power_cycle(60)
        device.run_for(100)
        told = device.client.status()
        assert told["utc_s"] == 0 and told["state"] == "running" and told["protocol"]["stage"] in (0, 1, 2)


@pytest.mark.rule("R1")
def test_laptop_and_pump_forecast_the_same_and_a_ramp_is_one_row() -> None:
    with Device() as device:
        made = staged((3600, 0, 1_440_000), (7200, ML_H, ML_H), (3600, 1_440_000, 0), (7200, 0, 0), loops=((1, 3, 40),), then=0)
        device.begin(made)
        device.run_for(100)
        digest = packing.digest(packing.pack(made))
        asked = device.client.forecast_digest(digest, MONDAY_UTC_S, Zone(3600), 31)
        forecast = Forecast(made, device.calibration(), MONDAY_UTC_S, Zone(3600), 31)
        cursor = forecast.begin(bytes.fromhex(digest))
        while cursor.second_s < forecast.end_s:
            cursor = forecast.block(cursor)
        assert asked == cursor.chain.hex()
        rows = list(forecast.rows(0, 0))
        assert len(rows) == 1 + 3 * 40 + 1 and rows[0][:2] == (0, 200)
        device.run_for(60)
        assert device.state() == "running" and device.alarms() == []


@pytest.mark.rule("R9")
@pytest.mark.needs("power_cut")
def test_the_busiest_protocol_leaves_flash_for_20_years_and_journal_for_30_days(record_property: Figures) -> None:
    hours = 4
    with Device() as device:
        device.begin(staged((10, ML_H, ML_H), (10, 0, 0), loops=((0, 2, 0),)))
        device.run_for(600)
        begun, before = sum(device.sim.flash_wear()["erases"]), len(device.raw_journal())
        device.run_for(hours * 3600)
        erases = (sum(device.sim.flash_wear()["erases"]) - begun) * 24 // hours
        grown = (len(device.raw_journal()) - before) * 24 // hours
        assert device.state() == "running" and [record.fields["entry"] for record in device.records("entry")] == [0, 1]
    years = BLOCKS * 100_000 / erases / 365.25
    days = 31 * 16_384 // grown
    told = f"{erases} erases a day, {years:.0f} years, journal of {days} days"
    record_property("figure", f"busiest protocol (a stage of 10 s after the other): {told}")
    assert years >= 20 and days >= 30
