"""The unmodified firmware in real MicroPython, with the power cut at flash operations of a short life, whole and torn.

The truth is the motor's true steps, out of the firmware's reach. Tier `faults` on CPython cuts at every operation. Here every third is cut,
seven in eight of these by `make test-long`; all of them with THECAL_TORTURE=1.
"""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from pumpcore.faults import faults
from support.programs import MONDAY_UTC_S
from support.replies import fault_of
from support.rig.device import Device, Figures
from support.rig.sim_life import BOLUS, TORTURE, Known, Life, image_after_a_real_cut, live
from support.rig.target import SIMULATOR
from thecal.sim.guest.flash import Moment

pytestmark = [pytest.mark.needs("flash_operations", "plant", "virtual_time")]
MOST_OPERATIONS = 600
EVERY = 1 if TORTURE else 3  # odd, so that whole and torn cuts alternate
CHUNKS = 8
PARTS = [0, *(pytest.param(chunk, marks=pytest.mark.long) for chunk in range(1, CHUNKS))]
LATER_UTC_S, RUN_S, RESUME_S = MONDAY_UTC_S + 3600, 3, 8
HARMLESS = {"power_lost", "not_resumed", "stop_button", "clock_lost"}
REAL_CUTS = [(12, True), (30, False), (77, True), (101, False), (150, True), (190, True)]


@pytest.fixture(scope="module")
def life(target: object) -> Life:
    return live()


@pytest.fixture(scope="module")
def bench(target: object) -> Iterator[Device]:
    """The bench on which the images boot: its clock chip shows a time after the whole life."""
    with Device() as device:
        device.client.clock_set(LATER_UTC_S, 0)
        yield device


def boot(bench: Device, image: bytes) -> int:
    """Boot the image; return the true steps of this bench before that."""
    bench.sim.cut_power()
    bench.sim.replace_flash(image)
    before = bench.sim.plant_steps()
    bench.sim.restore_power()
    bench.run_for(SIMULATOR.booted_s)
    return before


def check_setup(bench: Device, status: dict, known: Known, following: Known) -> None:
    assert set(bench.alarms()) <= HARMLESS
    assert status["last_error"] == ""
    assert status["program_digest"] in (known.digest, following.digest)
    assert status["events_sequence"] >= known.events
    assert status["faults_sequence"] >= known.faults


def check_books(status: dict, boot_fields: dict, lowest_steps: int, highest_steps: int) -> None:
    """Check that the true count of the cut life is between confirmed and leased."""
    confirmed, leased, uncertain = (boot_fields[name] for name in ("confirmed_steps", "leased_steps", "uncertain_steps"))
    earlier_uncertain = status["uncertain_steps"] - uncertain
    assert earlier_uncertain >= 0
    assert confirmed - earlier_uncertain <= lowest_steps
    assert highest_steps <= max(leased, confirmed)
    assert uncertain in (0, leased - confirmed)


def check_going_on(bench: Device, before: int, boot_fields: dict) -> None:
    """Check that the books follow the motor whatever it does now, and that no token of the cut life is valid."""
    bench.run_for(RUN_S)
    status = bench.client.status()
    assert status["delivered_steps"] - boot_fields["leased_steps"] == bench.sim.plant_steps() - before
    assert status["delivered_steps"] <= status["leased_steps"]
    assert status["alarms"] == [] or set(bench.alarms()) <= HARMLESS


def check_journal(bench: Device) -> None:
    for ring in ("events", "faults"):
        numbers = [record.sequence for record in bench.records(ring=ring)]
        assert all(after == before + 1 for before, after in pairwise(numbers))


def check(bench: Device, life: Life, moment: Moment, highest_steps: int) -> None:
    before = boot(bench, moment.image)
    status = bench.client.status()
    check_setup(bench, status, *life.around(moment.operations))
    boot_fields = bench.records("boot")[-1].fields
    check_books(status, boot_fields, moment.plant_steps, highest_steps)
    for token in life.tokens:
        assert fault_of(bench.ask_raw("bolus.start", token=token, **BOLUS)) == "token_unknown"
    check_going_on(bench, before, boot_fields)
    check_journal(bench)


@pytest.mark.rule("R2")
@pytest.mark.rule("R8")
@pytest.mark.rule("R9")
@pytest.mark.parametrize("chunk", PARTS)
def test_a_cut_at_a_flash_operation_loses_nothing_and_delivers_nothing_twice(
    life: Life, bench: Device, chunk: int, record_property: Figures
) -> None:
    chosen = torn = total = 0
    for total, (moment, highest_steps) in enumerate(life.moments(), 1):
        if total % EVERY or total // EVERY // 2 % CHUNKS != chunk:
            continue
        check(bench, life, moment, highest_steps)
        chosen, torn = chosen + 1, torn + moment.torn
    operations = life.pump.flash_ops()
    assert total == 2 * operations <= 2 * MOST_OPERATIONS
    assert chosen >= total // EVERY // CHUNKS // 2 * 2
    assert abs(chosen - 2 * torn) <= 1, "half of them torn"
    counts = f"{chosen - torn} whole and {torn} torn of {operations} flash operations"
    record_property("figure", f"real MicroPython cut at {counts} (part {chunk + 1} of {CHUNKS})")


@pytest.mark.parametrize(("operation", "torn"), REAL_CUTS)
def test_a_recorded_image_is_what_a_real_cut_at_that_operation_leaves(life: Life, operation: int, torn: bool) -> None:
    wanted = operation - 1 if torn else operation
    image = next(moment.image for moment, _ in life.moments() if (moment.operations, moment.torn) == (wanted, torn))
    assert image_after_a_real_cut(operation, torn) == image


def test_the_tables_of_this_test_name_real_faults() -> None:
    assert all(faults.by_name(name) for name in HARMLESS)
