"""The delivered rate in `status` and `watch`, against the motor's steps in the next minute."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from pumpcore.program import packing as programs
from support.programs import MONDAY_UTC_S
from support.rig.device import Device
from support.rig.therapy_orders import asked, program
from support.some import some_of
from thecal.errors import Failed
from thecal.text.status import rate_text
from thecal.weighing.characterise.pump import AsItRuns

pytestmark = pytest.mark.needs("plant", "new", "free_time")

SOON_S = 10  # an order begins with the next slice
MINUTE_S = 60
AHEAD_STEPS = 2  # one each of basal and bolus is rounded down


def nothing(device: Device) -> None:
    """Basal only."""


def manual(device: Device) -> None:
    device.order(60_000, 1_800_000)


def demand(device: Device) -> None:
    asked(device, "bolus.demand")


def extended(device: Device) -> None:
    asked(device, "bolus.extended", volume_nl=200_000, duration_s=1200)


def extended_and_manual(device: Device) -> None:
    extended(device)
    device.run_for(SOON_S)
    manual(device)


def part(device: Device) -> None:
    asked(device, "temporary.start", rate_nl=0, numerator=1, denominator=3, duration_s=600)


def other(device: Device) -> None:
    asked(device, "temporary.start", rate_nl=1_700_000, numerator=0, denominator=0, duration_s=600)


def part_and_demand(device: Device) -> None:
    part(device)
    demand(device)


def told_and_made(device: Device) -> tuple[float, int]:
    """Return the steps a minute by the rate reported now, and those of the next minute."""
    status: dict[str, Any] = device.client.status()
    found = re.match(r"(?:~?[0-9.]+ [um]g/day = )?~?([0-9.]+) mL/h", rate_text(status))
    assert found, rate_text(status)
    pair, before = device.calibration(), device.sim.plant_steps()
    device.run_for(MINUTE_S)
    return float(found[1]) * 1_000_000 / 60 * pair.steps / pair.volume_nl, device.sim.plant_steps() - before


@pytest.mark.parametrize("orders", some_of([nothing, manual, demand, extended, extended_and_manual, part, other, part_and_demand], 2))
def test_the_rate_that_is_told_is_the_motor_s(device: Device, orders: Callable[[Device], None]) -> None:
    device.begin(program())
    device.run_for(SOON_S)
    orders(device)
    device.run_for(SOON_S)
    told, made = told_and_made(device)
    assert abs(made - told) <= AHEAD_STEPS


def test_a_bridge_is_told_in_both_phases_and_over(device: Device) -> None:
    device.begin(program(500))
    device.run_for(MINUTE_S)
    device.client.stop()
    device.upload(program(300))
    device.client.clock_set(MONDAY_UTC_S, 0)
    asked(device, "bridge.start")
    device.run_for(SOON_S)
    phases = []
    while not phases or phases[-1]:
        line = device.client.status()["therapy"]["line"]
        phases.append(line["phase"])
        told, made = told_and_made(device)
        assert abs(made - told) <= AHEAD_STEPS, line
        device.run_for(900)
    assert {"old", "uncertain", ""} <= set(phases)


def test_while_another_program_waits_the_old_one_is_told(device: Device) -> None:
    device.begin(program())
    device.run_for(SOON_S)
    new = programs.Program("new", "water", 7200, [(0, 3_000_000)])
    new.settings = program().settings
    device.upload(new)
    status = device.client.status()
    assert rate_text(status) == "1 mL/h", "it takes over at the end of the lease"
    device.run_for(2 * MINUTE_S)
    told, made = told_and_made(device)
    assert abs(told - 1.5 * 1_000_000 / 60 * device.calibration().steps / device.calibration().volume_nl) < 1
    assert abs(made - told) <= AHEAD_STEPS


def test_a_weighed_run_of_a_pump_is_held_to_what_it_delivers(device: Device) -> None:
    device.begin(program())
    device.run_for(SOON_S)
    part(device)
    device.run_for(SOON_S)
    side = AsItRuns(device.client)
    assert Fraction(side.rate.rate_nl, side.rate.rate_seconds_s) == Fraction(1_000_000, 3 * 3600)
    side.look()
    extended(device)
    device.run_for(SOON_S)
    with pytest.raises(Failed, match="no longer delivers the constant rate"):
        side.look()


def test_a_priming_without_a_program_is_told(device: Device) -> None:
    reply = device.ask_raw(
        "run.start", token=device.client.bolus_token(), purpose="priming", volume_nl=200_000, steps=0, rate_nl=3_000, rate_seconds_s=5
    )
    assert "result" in reply, reply
    device.run_for(SOON_S)
    told, made = told_and_made(device)
    assert abs(made - told) <= AHEAD_STEPS
