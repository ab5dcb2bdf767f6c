"""Another program while the pump runs: at a lease boundary, exactly, with the same drug only."""

from fractions import Fraction

import pytest

from pumpcore.motion.dose import Calibration
from pumpcore.program import packing as programs
from support.programs import MONDAY_UTC_S, constant, day, resuming, with_settings
from support.pump.running import BENCH, Watched, power_cut, running
from support.replies import fault_of

PAIR = Calibration(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])
RATE = 3_600_000


def activated(pump: Watched, new: programs.Program) -> dict:
    packed = programs.pack(new)
    digest = pump.stage(packed)["digest"]
    return pump.ask("program.activate", digest=digest)


def of_drug(made: programs.Program, fluid: str, concentration: tuple) -> programs.Program:
    made.fluid, made.concentration = fluid, concentration
    return made


@pytest.mark.rule("R4")
@pytest.mark.parametrize("new", [constant(7_200_001), constant(1_234_567, 1000), day((0, 0, 900_000), (0, 3, 5_000_000))])
def test_it_takes_over_at_the_end_of_a_lease_and_both_are_exact(new: programs.Program) -> None:
    pump = running(constant(RATE), MONDAY_UTC_S)
    pump.advance(70.5)
    lease_end_s = pump.pump.delivery.span.lease_end_s
    assert activated(pump, new)["result"]["digest"] == programs.digest(programs.pack(new))
    assert pump.call("status")["program_digest"] == programs.digest(programs.pack(new))
    pump.advance(400)
    (row,) = pump.records("program_changed")
    span = pump.pump.delivery.span
    before = (Fraction(RATE * lease_end_s, 3600) * PAIR.steps / PAIR.volume_nl).__floor__()
    assert row == {"digest": bytes.fromhex(programs.digest(programs.pack(new))), "ordered_steps": before}

    def rate(second: int) -> Fraction:
        local = (span.basal.week.begin_s + second) % 86_400
        return Fraction(max([entry for entry in new.entries if entry[0] * 60 <= local])[1], new.rate_seconds_s)

    due = sum([rate(second) for second in range(lease_end_s, span.planned_s)]) * PAIR.steps / PAIR.volume_nl
    assert span.ordered_steps == before + due.__floor__()
    names = [record.name for record in pump.journal() if record.name in ("program_activated", "program_changed", "started", "stopped")]
    assert names == ["program_activated", "started", "program_activated", "program_changed"]


@pytest.mark.rule("R9")
@pytest.mark.parametrize(("fluid", "concentration"), [("dye", (0, 0)), ("water", (1, 2)), ("dye", (1, 1))])
def test_another_drug_or_concentration_needs_a_stop(fluid: str, concentration: tuple) -> None:
    pump = running(of_drug(constant(RATE), "water", (1, 1)))
    pump.advance(5)
    assert fault_of(activated(pump, of_drug(constant(900_000), fluid, concentration))) == "drug_running"
    pump.advance(120)
    assert pump.records("program_changed") == [] and pump.call("status")["entry_rate_nl"] == RATE
    assert "result" in activated(pump, of_drug(constant(900_000), "water", (3, 3)))
    pump.call("stop")
    assert "result" in activated(pump, of_drug(constant(900_000), fluid, concentration))


def test_what_is_under_way_is_not_disturbed() -> None:
    pump = running(constant(RATE))
    pump.advance(5)
    token = pump.order(60_000, 3_600_000)
    assert fault_of(activated(pump, constant(900_000))) == "bolus_active"
    pump.call("bolus.cancel", token=token)
    pump.advance(30)
    token = pump.token()
    pump.call("temporary.start", token=token, rate_nl=5, numerator=0, denominator=0, duration_s=600)
    assert fault_of(activated(pump, constant(900_000))) == "temporary_active"
    pump.call("temporary.cancel", token=token)
    pump.advance(30)
    assert "result" in activated(pump, constant(900_000))


def test_nothing_is_ordered_between_the_order_and_the_boundary() -> None:
    pump = running(constant(RATE))
    pump.advance(62)
    assert "result" in activated(pump, constant(900_000))
    token = pump.token()
    assert pump.fault("bolus.start", token=token, volume_nl=60_000, rate_nl=3_600_000) == "program_waits"
    assert pump.fault("bolus.extended", token=token, volume_nl=60_000, duration_s=600) == "program_waits"
    assert pump.fault("temporary.start", token=token, rate_nl=5, numerator=0, denominator=0, duration_s=60) == "program_waits"
    assert fault_of(activated(pump, constant(800_000))) == "program_waits"
    pump.advance(70)
    pump.order(60_000, 3_600_000)


@pytest.mark.rule("R5")
def test_a_program_that_could_not_start_does_not_take_over_either() -> None:
    reservoir = {"capacity_nl": 20_000_000, "low_nl": 2_000_000, "empty_nl": 500_000, "tolerance_nl": 100_000}
    pump = running(constant(RATE), 0)
    pump.advance(5)
    assert fault_of(activated(pump, with_settings(constant(900_000), **reservoir))) == "refill_unknown"
    assert fault_of(activated(pump, day((0, 0, 5), (3, 0, 6)))) == "clock_unknown"


@pytest.mark.rule("R11")
def test_a_cut_before_the_boundary_does_not_resume_the_one_nor_the_other() -> None:
    pump = running(resuming(constant(RATE)))
    pump.advance(62)
    assert "result" in activated(pump, resuming(constant(7_200_000)))
    again = power_cut(pump, 3)
    again.advance(120)
    assert again.state() == "stopped" and "not_resumed" in again.alarms()


@pytest.mark.rule("R11")
def test_a_cut_behind_the_boundary_resumes_the_new_one() -> None:
    pump = running(resuming(constant(RATE)))
    pump.advance(62)
    activated(pump, resuming(constant(7_200_000)))
    pump.advance(90)
    again = power_cut(pump, 3)
    again.advance(120)
    before = again.plant_steps()
    again.advance(60)
    assert again.state() == "running" and again.plant_steps() - before in range(11_980, 12_020)


def test_a_stop_before_the_boundary_starts_with_the_new_one() -> None:
    pump = running(constant(RATE))
    pump.advance(62)
    activated(pump, constant(7_200_000))
    pump.call("stop")
    pump.call("start")
    pump.advance(1)
    before = pump.plant_steps()
    pump.advance(60)
    assert pump.plant_steps() - before in range(11_980, 12_020) and pump.records("program_changed") == []
