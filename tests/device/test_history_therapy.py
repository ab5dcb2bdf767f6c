"""The time line and the report of a day with every therapy mode, against the motor's true steps."""

from __future__ import annotations

import pytest

from pumpcore.program import packing as programs
from support.programs import MONDAY_UTC_S, every_day
from support.rig.device import Device
from support.rig.therapy_orders import asked, program
from support.rig.witness import Witness
from thecal.history.checks import checks
from thecal.history.evidence import collect
from thecal.history.timeline import Timeline
from thecal.reports.report import Report, document

pytestmark = [pytest.mark.needs("plant", "power_cut", "free_time", "new")]
SLICES_STEPS = 5 * 17  # steps of it, in a bolus that began so late
BEGINS_STEPS = 60  # a temporary rate begins with the next slice, some seconds after its record


def day_program(concentration_ng: int = 500) -> programs.Program:
    made, told = every_day((0, 1_000_000), (60, 2_000_003), (300, 700_001)), program(concentration_ng)
    made.settings, made.concentration, made.fluid = told.settings, told.concentration, told.fluid
    made.settings.capacity_nl, made.settings.low_nl, made.settings.empty_nl = 40_000_000, 2_000_000, 500_000
    made.settings.tolerance_nl, made.settings.library, made.settings.library_version = 100_000, "bench fluids", 2
    made.settings.soft_rate_nl, made.settings.overrides = 1_500_000, 0b10
    return made


def therapy(device: Device, witness: Witness) -> None:
    """A refill; demand, extended and manual together; temporary rates across an entry and into a stop; a refill that does not add up.

    Then another concentration with its bridge.
    """
    device.upload(day_program())
    device.client.clock_set(MONDAY_UTC_S, 0)
    asked(device, "reservoir.refill", measured_nl=0, filled_nl=20_000_000)
    device.client.start()
    device.sim.wait_until_idle()
    witness.run_for(1000)
    asked(device, "bolus.demand")
    witness.run_for(600)
    asked(device, "bolus.extended", volume_nl=200_000, duration_s=1200)
    witness.run_for(300)
    device.order(60_000, 1_800_000)
    witness.run_for(1100)
    asked(device, "temporary.start", rate_nl=0, numerator=1, denominator=3, duration_s=1800)
    witness.run_for(16_000)
    asked(device, "temporary.start", rate_nl=2_500_000, numerator=0, denominator=0, duration_s=7200)
    witness.run_for(1000)
    device.client.stop()
    witness.run_for(10)
    asked(device, "reservoir.refill", measured_nl=5_000_000, filled_nl=2_000_000)
    assert "result" in device.ask_raw("reservoir.acknowledge", reason="spilt \u00bd")
    device.upload(day_program(300))
    asked(device, "bridge.start")
    witness.run_for(6000)


def in_the_band(device: Device, witness: Witness) -> Timeline:
    """Return the pump's history, in which the true steps are always between its bounds."""
    line = Timeline(collect(device.client))
    assert [words for holds, words in checks(line) if not holds] == []
    for boot, uptime_ms, plant_steps in witness.looks:
        at_ms = line.axis.at_ms(boot, uptime_ms)
        assert line.low.at(at_ms) - BEGINS_STEPS <= plant_steps <= line.high.at(at_ms) + BEGINS_STEPS, uptime_ms
    return line


def test_every_mode_is_in_the_books(device: Device) -> None:
    witness = Witness(device)
    therapy(device, witness)
    line = in_the_band(device, witness)
    for boot, uptime_ms, plant_steps in witness.looks:
        at_ms = line.axis.at_ms(boot, uptime_ms)
        assert abs(line.planned.at(at_ms) - plant_steps) <= BEGINS_STEPS, "the plan is with the motor all the time"
    told = document(Report(line, *line.window(None, None)))
    assert told["totals"]["halted_steps"] <= 1, "a temporary rate is no part of the plan that was not made"
    assert [one["purpose"] for one in told["boluses"]] == ["demand", "extended", "manual"]
    rates = [(one["rate_nl"], one["rate_seconds_s"]) for one in told["boluses"]]
    assert rates == [(day_program().settings.demand_nl, 300), (200_000, 1200), (1_800_000, 0)]
    assert [(one["numerator"], one["denominator"], one["ended"]) for one in told["temporaries"]] == [(1, 3, "done"), (0, 0, "stopped")]
    (bridge,) = told["bridges"]
    assert (bridge["numerator"], bridge["denominator"], bridge["ended"]) == (3, 5, "passed") and bridge["near_ms"] < bridge["ended_ms"]
    first, second = told["refills"]
    assert first["filled_nl"] == 20_000_000 and second["blocks"] == 1 and second["reason"] == "spilt \u00bd"
    assert {(one["what"], one["asked"]) for one in told["overrides"]} == {("rate", 2_000_003)}


def test_an_entry_in_which_a_temporary_rate_ran_is_not_held_against_the_prescription(device: Device) -> None:
    device.begin(every_day((0, 1_000_000), (60, 2_000_003), (120, 1_000_000)))
    device.run_for(600)
    asked(device, "temporary.start", rate_nl=0, numerator=1, denominator=3, duration_s=600)
    device.run_for(8000)
    line = Timeline(collect(device.client))
    assert [words for holds, words in checks(line) if not holds] == []
    assert [one.off_by_steps() is None for one in line.books.stretches.closed] == [True, False, True]


def resumes(concentration_ng: int) -> programs.Program:
    made = day_program(concentration_ng)
    made.after_power_loss = "resume"
    return made


def cut(device: Device, witness: Witness) -> Timeline:
    """Cut what runs after a while and let it resume. The true steps are always in the band, as far as the program is known."""
    witness.run_for(900)
    device.power_cycle(30)
    assert device.reaches("running", 130)
    witness.run_for(9000)
    line = in_the_band(device, witness)
    sums = line.sums(*line.window(None, None))
    assert abs(sums.due_steps()) <= BEGINS_STEPS and sums.halted_steps == 0
    return line


def test_a_power_cut_ends_a_temporary_rate_and_an_extended_bolus(device: Device) -> None:
    witness = Witness(device)
    device.upload(resumes(500))
    device.client.clock_set(MONDAY_UTC_S, 0)
    asked(device, "reservoir.refill", measured_nl=0, filled_nl=20_000_000)
    device.client.start()
    witness.run_for(700)
    asked(device, "bolus.extended", volume_nl=200_000, duration_s=1200)
    asked(device, "temporary.start", rate_nl=0, numerator=3, denominator=2, duration_s=3600)
    books = cut(device, witness).books
    assert [one.ended for one in books.therapy.temporaries] == ["cut"] and [one.ended for one in books.now.boluses.values()] == ["cut"]


def test_a_bridge_goes_on_behind_a_power_cut(device: Device) -> None:
    device.upload(resumes(500))
    device.client.clock_set(MONDAY_UTC_S, 0)
    asked(device, "reservoir.refill", measured_nl=0, filled_nl=20_000_000)
    device.client.start()
    device.run_for(100)
    device.client.stop()
    device.upload(resumes(300))
    asked(device, "bridge.start")
    assert [one.ended for one in cut(device, Witness(device)).books.therapy.bridges] == ["cut", "passed"]


def test_a_bolus_that_runs_and_one_that_waits_are_told_as_far_as_they_are(device: Device) -> None:
    device.begin(program())
    device.run_for(100)
    asked(device, "bolus.extended", volume_nl=200_000, duration_s=1200)
    device.run_for(600)
    line = Timeline(collect(device.client))
    (extended,) = line.books.now.boluses.values()
    assert abs(extended.delivered_steps - device.calibration().steps_for_nl(100_000)) < SLICES_STEPS
    before = line.high.between(line.axis.at_ms(1, 20_000), line.axis.at_ms(1, 90_000))
    assert abs(before - device.calibration().steps_for_nl(1_000_000 * 70 // 3600)) < 3, "before it only the basal"
